"""What is wrong, and what to do about it."""

import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path

from config.settings import CONFIG_NAME, Settings, load_settings
from config.wiring import Services, build
from engine.errors import EngineError
from engine.store.auditing import people_without_address, story_heartbeats
from engine.store.channels import EMAIL, channel_state
from engine.store.directory import Directory
from engine.store.listing import all_dialogue_ids
from engine.store.revision import check, newest
from notifications.compose import missing

LITTLE_SPACE = 200 * 1024 * 1024
STALE = timedelta(hours=1)


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
    # What the driver of a database said is inside of what SQLAlchemy says of it.
    inner = getattr(error, "orig", None)
    if isinstance(inner, BaseException):
        said = str(inner).strip().splitlines() or [type(inner).__name__]
        return f"The database does not answer as it should: {said[0].rstrip('.')}."
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror or type(error).__name__}."
    said = str(error).strip().splitlines() or [""]
    return (
        f"Something went wrong that was not foreseen ({type(error).__name__}: {said[0][:200]}); "
        "set ALKAWARI_DEBUG=1 to see where, and please report it."
    )


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
    findings += _disk(settings)
    try:
        check(services.database)
        findings.append(Finding("database", "well", f"{services.database.shown} at {newest()}"))
        for part in (_channel, _dialogues, _people, _heartbeats):
            findings += part(services)
    except EngineError as error:
        findings.append(Finding("database", "wrong", str(error), "Run `alkawari init`."))
    except Exception as error:  # noqa: BLE001 - whatever the driver raises is what was looked for
        advice = "Is it the right file, and may it be written?"
        if not services.database.sqlite:
            advice = "Is the server running, and the address right?"
        findings.append(Finding("database", "wrong", explained(error), advice))
    finally:
        services.database.close()
    return findings


def _mail(settings: Settings, services: Services) -> Iterator[Finding]:
    if services.new_mailer is None:
        yield Finding(
            "mail", "wrong", "no mail server is set, so nothing leaves",
            "Set mail.host and mail.sender.",
        )  # fmt: skip
        return
    where = f"{settings.mail.host}:{settings.mail.port}, {settings.mail.security}"
    yield Finding("mail", "well", f"{where} (not tried)")


def _channel(services: Services) -> Iterator[Finding]:
    with services.database.read() as connection:
        state = channel_state(connection, EMAIL)
    if state.get("opened_at"):
        yield Finding(
            "mail channel", "wrong", f"down since {state['opened_at']:%Y-%m-%d %H:%M}: "
            f"{state['reason']}", "Look at the mail server; it is tried again by itself.",
        )  # fmt: skip


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
        directory = Directory(connection, services.ladder)
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
                "Confirm each date with an override once it is announced.",
            )  # fmt: skip
    languages.update(person.language for person in directory.people.values())
    for language in sorted(languages):
        lacking = missing(language)
        if lacking:
            yield Finding(
                f"words in {language}", "note", f"{len(lacking)} kinds have none yet",
                "Messages fall back to the dialogue's language, then English.",
            )  # fmt: skip


def _people(services: Services) -> Iterator[Finding]:
    with services.database.read() as connection:
        without, flagged = people_without_address(connection)
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
    for story in ("sweep", "deliver"):
        at = beats.get(story)
        if at is None:
            yield Finding(story, "note", "has not run yet", "Start `alkawari up`.")
        elif now - at > STALE:
            yield Finding(story, "note", f"last ran at {at:%Y-%m-%d %H:%M} UTC",
                          "Is `alkawari up` running?")  # fmt: skip
        else:
            yield Finding(story, "well", f"last ran at {at:%Y-%m-%d %H:%M} UTC")


Check = Callable[[Services], Iterator[Finding]]
