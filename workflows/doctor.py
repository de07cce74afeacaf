"""What is wrong, and what to do about it."""

import shutil
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta
from itertools import islice
from pathlib import Path
from urllib.parse import urlsplit

from config.settings import CONFIG_NAME, Settings, load_settings
from config.wiring import (
    LOOPBACK,
    Services,
    build,
    inbox_settings,
    mail_settings,
    text_settings,
)
from engine.errors import EngineError, RecordElsewhere
from engine.store.auditing import people_without_address, story_heartbeats
from engine.store.channels import EMAIL, SMS, channel_state
from engine.store.checkpoints import snapshot
from engine.store.inbound import became_counts
from engine.store.listing import all_dialogue_ids
from engine.store.records import newest_event_at
from engine.store.revision import NewerSchema, check, newest
from engine.store.wholeness import broken_histories
from notifications.compose import missing
from notifications.envelope import Phase
from notifications.inbox import InboxDown
from notifications.language import base, reviewers, untranslated
from notifications.mailer import YagmailMailer
from notifications.texting import AppriseTexter, unreachable

LITTLE_SPACE = 200 * 1024 * 1024
STALE = timedelta(hours=1)
LOOKED_AT = timedelta(days=30)
AHEAD = timedelta(minutes=10)
"""What clocks of several machines may differ by."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One check: `state` is well, note or wrong."""

    check: str
    state: str
    says: str
    advice: str = ""

    def as_dict(self) -> Mapping[str, str]:
        """Plain values for tables and JSON."""
        return asdict(self)


def explained(error: BaseException) -> str:
    """One sentence on an error that nobody foresaw, without the words of SQL or of a program."""
    if word := databases_word(error):
        return f"The database does not answer as it should: {word}."
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror or type(error).__name__}."
    said = str(error).strip().splitlines() or [""]
    return (
        f"Something went wrong that was not foreseen ({type(error).__name__}: {said[0][:200]}); "
        "set ALKAWARI_DEBUG=1 to see where, and please report it."
    )


def databases_word(error: BaseException) -> str:
    """What the driver of a database said, inside of what SQLAlchemy says; "" for other errors."""
    inner = getattr(error, "orig", None)
    if not isinstance(inner, BaseException):
        return ""
    said = str(inner).strip().splitlines() or [type(inner).__name__]
    return said[0].rstrip(".")


def examine(config: Path | None) -> list[Finding]:
    """Every check that can be made; one that fails hides only those that need what it checks."""
    found = config or (Path(CONFIG_NAME) if Path(CONFIG_NAME).is_file() else None)
    well = Finding("settings", "well", f"{found or 'defaults'}, and the environment")
    try:
        settings = load_settings(config)
        if not settings.database_url and not settings.data_folder.is_dir():
            says = f"there is no folder {settings.data_folder} yet"
            return [well, Finding("database", "wrong", says, "Run `alkawari init`.")]
        services = build(settings)
    except EngineError as error:
        return [Finding("settings", "wrong", str(error), "Correct that setting.")]
    findings = [well]
    findings += _mail(settings, services)
    findings += _inbox(settings, services)
    findings += _texts(settings)
    findings += _links(services)
    findings += _disk(settings)
    findings += _prefect(settings)
    try:
        check(services.database)
        findings.append(Finding("database", "well", f"{services.database.shown} at {newest()}"))
        for part in (
            _channel,
            _came_in,
            _ladder,
            _dialogues,
            _people,
            _histories,
            _clock,
            _heartbeats,
        ):
            findings += part(services)
    except EngineError as error:
        advice = _DATABASE_ADVICE.get(type(error), "Run `alkawari init`.")
        findings.append(Finding("database", "wrong", str(error), advice))
    except Exception as error:  # noqa: BLE001 - whatever the driver raises is what was looked for
        advice = "Is it the right file, and may it be written?"
        if not services.database.sqlite:
            advice = "Is the server running, and the address right?"
        findings.append(Finding("database", "wrong", explained(error), advice))
    finally:
        services.database.close()
    return findings


_DATABASE_ADVICE: Mapping[type[EngineError], str] = {
    NewerSchema: "Update the program on this machine.",
    RecordElsewhere: "docs/operating.md says how a record moves.",
}


def _mail(settings: Settings, services: Services) -> Iterator[Finding]:
    if services.new_mailer is None:
        yield Finding(
            "mail", "wrong", "no mail server is set, so nothing leaves",
            "Set mail.host and mail.sender.",
        )  # fmt: skip
        return
    given = mail_settings(settings)
    assert given is not None  # noqa: S101 - there is a mailer, so there is a server
    where = f"{given.host}:{given.port}, {given.security}"
    mailer = YagmailMailer(given)
    trouble = mailer.try_out()
    mailer.close()
    if trouble:
        says = f"{where}: {trouble.text or trouble.phase}"
        yield Finding("mail", "wrong", says, _MAIL_ADVICE[trouble.phase])
    else:
        logged = f", logged in as {given.user}" if given.user else ""
        yield Finding("mail", "well", f"{where}{logged}; nothing was sent")


_MAIL_ADVICE = defaultdict(
    lambda: "Look at the mail server; what waits is tried again by itself.",
    {
        Phase.CONNECT: "Are mail.host and mail.port right, and is the server running?",
        Phase.TLS: (
            "Is mail.security right, and does mail.ca_file (or the system) trust the certificate?"
        ),
        Phase.AUTH: "Are mail.user and mail.password right, and may this account send?",
    },
)


def _inbox(settings: Settings, services: Services) -> Iterator[Finding]:
    """Whether the mailbox can be read; it is opened for reading only, and nothing is marked."""
    part = settings.inbox
    given = inbox_settings(settings)
    if given is None or services.new_inbox is None:
        if part.address:
            yield Finding(
                "mailbox", "wrong", f"replies go to {part.address}, and nobody reads them",
                "Set inbox.host, inbox.user and inbox.password.",
            )  # fmt: skip
            return
        yield Finding(
            "mailbox", "note", "none is set: answers by mail go to the coordinators",
            "docs/answers-by-mail.md says what it takes to have them read.",
        )  # fmt: skip
        return
    from notifications.imap import ImapInbox  # noqa: PLC0415 - only where a mailbox is set

    where = f"{given.host}:{given.port}, {given.security}, folder {given.folder}"
    try:
        inbox = ImapInbox(given, readonly=True)
    except InboxDown as error:
        yield Finding("mailbox", "wrong", f"{where}: {error}", _INBOX_ADVICE[error.where])
        return
    try:
        yield Finding("mailbox", "well", f"{where}: {inbox.count()} mails")
    except InboxDown as error:
        yield Finding("mailbox", "wrong", f"{where}: {error}", _INBOX_ADVICE[error.where])
    finally:
        inbox.close()


_INBOX_ADVICE = defaultdict(
    lambda: "Look at the mail server; the mailbox is tried again by itself.",
    connect="Are inbox.host and inbox.port right, and is the server running?",
    tls="Is inbox.security right, and does inbox.ca_file (or the system) trust the certificate?",
    login="Are inbox.user and inbox.password right, and may this mailbox be read over IMAP?",
    folder="Make that folder, or set inbox.folder.",
)


def _came_in(services: Services) -> Iterator[Finding]:
    since = services.clock.now() - LOOKED_AT
    with services.database.read() as connection:
        counts = became_counts(connection, since)
    if failed := counts.get("failed", 0):
        yield Finding(
            "mails that came in", "wrong", f"{failed} could not be taken in and are unread",
            "Read them in the mailbox; the log says why, please report it.",
        )  # fmt: skip
    if unplaced := counts.get("unplaced", 0):
        yield Finding(
            "mails that came in", "note",
            f"{unplaced} of the last {LOOKED_AT.days} days belong to nothing",
            "They lie in the mailbox with a flag; somebody may be waiting for a word.",
        )  # fmt: skip


def _channel(services: Services) -> Iterator[Finding]:
    for name, called, server in (
        (EMAIL, "mail channel", "mail server"),
        (SMS, "texts channel", "gateway for texts"),
    ):
        with services.database.read() as connection:
            state = channel_state(connection, name)
        if state.get("opened_at"):
            yield Finding(
                called, "wrong", f"down since {state['opened_at']:%Y-%m-%d %H:%M}: "
                f"{state['reason']}", f"Look at the {server}; it is tried again by itself.",
            )  # fmt: skip


def _texts(settings: Settings) -> Iterator[Finding]:
    """Whether texts can leave and come in; the gateway is called, and nothing is sent."""
    given = text_settings(settings)
    if given is None:
        yield Finding(
            "texts", "note", "no gateway is set: who has only a telephone is called",
            "docs/phones.md says what it takes.",
        )  # fmt: skip
        return
    try:
        AppriseTexter(given)
    except EngineError as error:
        yield Finding("texts", "wrong", str(error), "Correct texts.gateway.")
        return
    trouble = unreachable(given)
    if trouble:
        yield Finding(
            "texts", "wrong", f"{given.scheme}: the gateway does not answer ({trouble})",
            "Is its address right, and does it run?",
        )  # fmt: skip
    else:
        tried = "answers" if given.address else "not tried"
        yield Finding("texts", "well", f"{given.scheme} ({tried}; nothing was sent)")
    if not settings.texts.secret:
        yield Finding(
            "texts that come back", "note", "none is taken, because texts.secret is not set",
            "docs/phones.md says how a gateway signs them.",
        )  # fmt: skip


def _prefect(settings: Settings) -> Iterator[Finding]:
    """The server that several machines share, where one is set."""
    if settings.prefect.api_url:
        from workflows.prefect_server import prepare  # noqa: PLC0415 - only where one is set

        prepare(settings)
        from workflows.server_checks import server_findings  # noqa: PLC0415 - imports Prefect

        yield from (Finding(*said) for said in server_findings(settings))


def _disk(settings: Settings) -> Iterator[Finding]:
    folder = settings.data_folder if settings.data_folder.is_dir() else Path()
    free = shutil.disk_usage(folder).free
    if free < LITTLE_SPACE:
        yield Finding("disk", "wrong", f"{free // 2**20} MB are left", "Make room.")
    else:
        yield Finding("disk", "well", f"{free // 2**20} MB are free")


def _dialogues(services: Services) -> Iterator[Finding]:
    today = services.clock.now().date()
    languages: set[str] = set()
    with services.database.read() as connection:
        directory = services.directory(connection)
        directory.ensure_dialogues(set(all_dialogue_ids(connection)))
    for dialogue in directory.dialogues.values():
        languages.update(dialogue.languages)
        calendar = directory.calendars[dialogue.id]
        feasts = [
            f"{name} {day}" for day, name in calendar.estimated(today.year) if day >= today
        ] + [f"{name} {day}" for day, name in calendar.estimated(today.year + 1)]
        if feasts:
            yield Finding(
                f"feasts of {dialogue.name}", "note", f"only estimated: {'; '.join(feasts[:4])}",
                "Confirm each on the calendar page, or by `days-off move`, once it is announced.",
            )  # fmt: skip
    languages.update(person.language for person in directory.people.values())
    signed = reviewers()
    for language in sorted(set(map(base, languages))):
        yield _words(language, signed.get(language, ""))


def _words(language: str, reviewed_by: str) -> Finding:
    """What one language lacks; nothing of it stops a message."""
    check = f"words in {language}"
    lacking, open_keys = missing(language), untranslated(language)
    if lacking:
        says = f"{len(lacking)} kinds have none yet"
        return Finding(
            check, "note", says, "Messages fall back to the dialogue's language, then English."
        )
    if open_keys:
        says = f"{len(open_keys)} lines of pages and digests are still English"
        return Finding(check, "note", says, "Translate them: docs/languages.md.")
    if not reviewed_by:
        says = "complete, but no native speaker has gone through them yet"
        return Finding(check, "note", says, "Ask one: docs/languages.md says what to read.")
    return Finding(check, "well", f"complete; reviewed: {reviewed_by}")


def _links(services: Services) -> Iterator[Finding]:
    """Whether those who get a mail can open what it points to."""
    if not services.public_url:
        yield Finding(
            "answer links", "note", "mails carry none, because public_url is not set",
            "Set it to the address at which people reach this machine.",
        )  # fmt: skip
    elif urlsplit(services.public_url).hostname in LOOPBACK:
        yield Finding(
            "answer links", "note", f"{services.public_url} opens on this machine only",
            "Set public_url before mails go to anybody else.",
        )  # fmt: skip
    elif not services.public_url.startswith("https:"):
        yield Finding(
            "answer links", "note", f"{services.public_url} is not encrypted",
            "Put a server with a certificate before `alkawari up`: docs/operating.md.",
        )  # fmt: skip
    else:
        yield Finding("answer links", "well", services.public_url)


def _ladder(services: Services) -> Iterator[Finding]:
    rungs = ", ".join(rung.name for rung in services.ladder.rungs)
    yield Finding("ladder", "well", f"{services.ladder.name}: {rungs}")


def _histories(services: Services) -> Iterator[Finding]:
    """Every event is read; the first break of each action is told."""
    with snapshot(services.database) as connection:
        broken = list(islice(broken_histories(connection), 5))
    for each in broken:
        yield Finding(
            "history", "wrong", f"{each.ref}: {each.what}",
            "Stop, keep a copy, and compare with `alkawari verify` and an old fingerprint.",
        )  # fmt: skip
    if not broken:
        yield Finding("history", "well", "whole")


def _clock(services: Services) -> Iterator[Finding]:
    """A clock that ran ahead once leaves events of days to come."""
    now = services.clock.now()
    with services.database.read() as connection:
        last_at = newest_event_at(connection)
    zone = services.settings.timezone
    if last_at is not None and last_at > now + AHEAD:
        says = f"it is {now:%Y-%m-%d %H:%M} UTC, and the last event is of {last_at:%Y-%m-%d %H:%M}"
        yield Finding(
            "clock", "note", says,
            "Was it recorded with --as-of? Else set the clock of this machine.",
        )  # fmt: skip
    else:
        yield Finding("clock", "well", f"{now:%Y-%m-%d %H:%M} UTC; the timetable goes by {zone}")


def _people(services: Services) -> Iterator[Finding]:
    with services.database.read() as connection:
        texts = services.new_texter is not None
        without, flagged = people_without_address(connection, texts=texts)
    if without or flagged:
        yield Finding(
            "addresses", "note", f"{without} focal points have none, {flagged} do not work",
            "Their coordinators are asked to telephone; add an address with the plan.",
        )  # fmt: skip
    else:
        yield Finding("addresses", "well", "every focal point can be written to")


def _heartbeats(services: Services) -> Iterator[Finding]:
    now = services.clock.now()
    with services.database.read() as connection:
        beats = story_heartbeats(connection)
    stories = ("sweep", "deliver", *(("collect",) if services.new_inbox else ()))
    for story in stories:
        at = beats.get(story)
        if at is None:
            yield Finding(story, "note", "has not run yet", "Start `alkawari up` or a worker.")
        elif now - at > STALE:
            yield Finding(story, "note", f"last ran at {at:%Y-%m-%d %H:%M} UTC",
                          "Is `alkawari up` or a worker running?")  # fmt: skip
        else:
            yield Finding(story, "well", f"last ran at {at:%Y-%m-%d %H:%M} UTC")


Check = Callable[[Services], Iterator[Finding]]
