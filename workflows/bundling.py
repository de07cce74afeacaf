"""What may leave now: notices checked once more, bundled per person, and put into words."""

import logging
import secrets
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from config.wiring import Services
from engine.action import Action, Handling
from engine.answer import PURPOSE_OF
from engine.calendar import WorkingCalendar
from engine.consent import is_over
from engine.party import Channel, Person, Role
from engine.store.answers import Kept, NewLink, answers_by_id, token_hash
from engine.store.directory import Directory
from engine.store.holds import Hold, holds_in_force
from engine.store.outbox import (
    WEEK,
    Waiting,
    look_now,
    postpone,
    said_this_week,
    settle,
    waiting_for,
)
from engine.store.outbox_tables import NoticeStatus
from engine.store.people import flag_unwritten
from engine.store.records import actions_by_id
from engine.store.releases import Sensitive
from engine.store.sending import Draft, under_way, written_today
from engine.store.sensitive import quiet_holds
from engine.store.warning import EARLY_WARNING, numbers_behind
from engine.traces import trace_of
from engine.verdict import verdict
from engine.watch import Watch
from engine.window import Window
from notifications.bundle import Topic, letter
from notifications.compose import compose
from notifications.mime import to_bytes
from notifications.warning_words import warned_of
from notifications.watch_words import what_waits
from workflows.addressing import FOR_THE_BOARD, recipient_of, unwritable
from workflows.releasing import lapse
from workflows.text_drafts import text_draft

log = logging.getLogger("alkawari.deliver")

FAR_AWAY = timedelta(days=3650)


@dataclass(slots=True)
class Sorted:
    """What became of the notices of one pass before anything was written."""

    drafts: list[Draft] = field(default_factory=list)
    struck: int = 0
    postponed: dict[int, datetime] = field(default_factory=dict)
    held: list[int] = field(default_factory=list)
    unreachable: list[int] = field(default_factory=list)
    posted: list[int] = field(default_factory=list)
    overtaken: list[int] = field(default_factory=list)
    misaddressed: dict[int, tuple[str, list[int]]] = field(default_factory=dict)
    untrue: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    look_at: set[int] = field(default_factory=set)
    lapsed: list[Waiting] = field(default_factory=list)


class Bundler:
    """Sorts what waits for a handful of persons, within one transaction of the deliverer."""

    def __init__(self, services: Services, directory: Directory, now: datetime) -> None:
        self.services, self.directory, self.now = services, directory, now
        self.connection = directory.connection
        quiet = quiet_holds(self.connection, now.date())
        self.holds = (*holds_in_force(self.connection), *quiet)
        self.actions: dict[int, Action] = {}
        self._read: set[int] = set()

    def bundle(self, person_ids: Sequence[int]) -> Sorted:
        """Check, bundle and render; write what waits, is struck or cannot be said."""
        if not person_ids:
            return Sorted()
        waiting = waiting_for(self.connection, person_ids, self.now)
        self.load(waiting)
        done = Sorted()
        since = self.now.date() - WEEK
        written = written_today(self.connection, person_ids, since - timedelta(days=1))
        weekly = said_this_week(self.connection, person_ids, since)
        busy = under_way(self.connection, person_ids)
        of_person: dict[int, list[Waiting]] = defaultdict(list)
        for notice in waiting:
            of_person[notice.person_id].append(notice)
        for person_id, notices in of_person.items():
            person = self.directory.people[person_id]
            window = self.window(person, notices[0])
            opens_at = window.next_open(self.now)
            today = self.local_day(person, notices[0], self.now)
            if not person.reachable:
                done.unreachable += [n.id for n in notices if n.kind not in FOR_THE_BOARD]
                done.posted += [n.id for n in notices if n.kind in FOR_THE_BOARD]
                done.look_at |= {notice.action_id for notice in notices}
                continue
            if wrong := unwritable(person, self._country(person, notices[0])):
                done.misaddressed[person_id] = wrong, [notice.id for notice in notices]
                continue
            if person_id in busy:
                later = max(busy[person_id], self.now) + timedelta(minutes=1)
                done.postponed |= {notice.id: later for notice in notices}
                continue
            if today in written.get(person_id, ()):
                opens_at = window.next_open(self.morning(person, notices[0], today, 1))
            if opens_at is None or opens_at > self.now:
                until = opens_at or self.now + FAR_AWAY
                done.postponed |= {notice.id: until for notice in notices}
                continue
            sayable = [n for n in notices if self._sayable(n, person, weekly, done)]
            sayable = self._newest(sayable, done)
            draft = self.drafted(person, sayable, today) if sayable else None
            if draft:
                done.drafts.append(draft)
            else:
                tomorrow = self.morning(person, notices[0], today, 1)
                done.postponed |= {notice.id: tomorrow for notice in sayable}
        self._write(done)
        return done

    def load(self, notices: Collection[Waiting]) -> None:
        """Read the actions and persons that these notices are about."""
        missing = {notice.action_id for notice in notices} - self.actions.keys()
        self.actions |= {a.id: a for a in actions_by_id(self.connection, missing)}
        self.directory.ensure(self.actions[notice.action_id] for notice in notices)
        persons = {notice.person_id for notice in notices}
        persons |= {notice.about_id for notice in notices if notice.about_id}
        # Read now even if the directory knows them: whom we write to may just have been flagged.
        self.directory.read_people(persons - self._read)
        self._read |= persons

    def drafted(
        self, person: Person, notices: Sequence[Waiting], today: date, mime_id: str = ""
    ) -> Draft | None:
        """The message, or None for one that cannot be written: it must not silence the others."""
        try:
            return self.draft(person, notices, today, mime_id)
        except Exception as error:  # noqa: BLE001 - see above; the sweep does the same
            # What it says may hold names, which the log must not.
            log.error(  # noqa: TRY400
                "the letter to person %s could not be written (%s); it is tried again tomorrow",
                person.id, trace_of(error),
            )  # fmt: skip
            return None

    def draft(
        self, person: Person, notices: Sequence[Waiting], today: date, mime_id: str = ""
    ) -> Draft:
        """The message that says these notices, with its exact bytes."""
        answered = self._answered(notices)
        links: list[NewLink] = []
        topics = [self._topic(notice, answered, links) for notice in notices]
        by_text = person.written_by is Channel.SMS
        reply_code = secrets.token_hex(8) if self.services.office.inbox and not by_text else ""
        dialogue_id = topics[0].dialogue.id
        coordinators = self.directory.in_role(dialogue_id, Role.COORDINATOR)
        coordinator = next((p for p in coordinators if p.reachable and not unwritable(p)), None)
        written = letter(
            person,
            topics,
            coordinator,
            self.services.office,
            today=today,
            now=self.now,
            nonce=secrets.token_hex(5),
            reply_code=reply_code,
        )
        if mime_id:
            written = replace(written, message_id=mime_id)
        if by_text:
            to = self.recipient(person, notices[0])
            return text_draft(person.id, to, notices, written, links)
        message = compose(written)
        return Draft(
            person_id=person.id,
            day=today,
            mime_id=message.message_id,
            sender=self.services.office.inbox_for("b", reply_code)
            if reply_code
            else message.sender,
            recipient=message.to,
            subject=message.subject,
            body=to_bytes(message),
            notice_ids=tuple(notice.id for notice in notices),
            reply_code=reply_code or None,
            links=tuple(links),
        )

    def _country(self, person: Person, notice: Waiting) -> str:
        """The country whose telephone numbers this person's is written like."""
        return self.directory.dialogues[self.home(person, notice)].country

    def recipient(self, person: Person, notice: Waiting) -> str:
        """Where a message to this person goes now: the address or the number."""
        return recipient_of(person, self._country(person, notice))

    def window(self, person: Person, notice: Waiting) -> Window:
        """When this person may be written to about what that notice says."""
        dialogue = self.directory.dialogues[self.home(person, notice)]
        opens, closes = self.services.hours
        return _window(
            person.timezone or dialogue.timezone,
            opens,
            closes,
            dialogue.friday_pause,
            self.directory.calendars[dialogue.id],
        )

    def home(self, person: Person, notice: Waiting) -> int:
        """The dialogue whose rest days are this person's: the party's, else the action's."""
        party = self.directory.parties.get(person.party_id) if person.party_id else None
        home = self.directory.home_of.get(party.id) if party else None
        return home or self.actions[notice.action_id].dialogue_id

    def local_day(self, person: Person, notice: Waiting, at: datetime) -> date:
        """The day that it is where this person is."""
        return at.astimezone(self._zone(person, notice)).date()

    def morning(self, person: Person, notice: Waiting, day: date, later: int) -> datetime:
        """The instant at which a day begins where this person is, `later` days on."""
        zone = self._zone(person, notice)
        return datetime.combine(day + timedelta(days=later), time.min, zone).astimezone(UTC)

    def hold_on(self, notice: Waiting) -> Hold | None:
        """The hold that keeps this notice back today, if there is one; one without an end first."""
        action = self.actions[notice.action_id]
        today = self.directory.today(action.dialogue_id, self.now)
        covering = [h for h in self.holds if h.covers(action.dialogue_id, action.id, today)]
        if any(hold.only_escalations for hold in covering):
            going_up = notice.rung in self.directory.ladder_for(action).upward
            covering = [hold for hold in covering if going_up or not hold.only_escalations]
        return min(covering, key=lambda hold: hold.until_on is not None, default=None)

    def release_is_over(self, notice: Waiting) -> bool:
        """Whether a release was given so long ago that it does not hold any more."""
        if notice.released_at is None:
            return False
        home = self.actions[notice.action_id].dialogue_id
        given_on = self.directory.today(home, notice.released_at)
        days, today = self.release_days, self.directory.today(home, self.now)
        return is_over(given_on, today, self.directory.calendars[home], days)

    @property
    def release_days(self) -> int:
        """For how many working days a release holds."""
        return self.services.settings.delays.release_days

    def ask_again(self, notices: Sequence[Waiting]) -> None:
        """Have notices released anew."""
        late = [
            (self.actions[n.action_id],
             Sensitive(n.id, n.action_id, n.rung, n.cause, n.released_at or self.now))
            for n in notices
        ]  # fmt: skip
        lapse(self.connection, late, self.release_days, self.now)

    def why_not(self, notice: Waiting) -> tuple[str, date | None]:
        """Why a notice is no longer true ("" while it is), and the day it has to wait for."""
        action = self.actions[notice.action_id]
        ruling = verdict(
            action,
            notice.cause,
            notice.rung,
            self.directory.ladder_for(action),
            self.directory.calendars[action.dialogue_id],
            self.directory.today(action.dialogue_id, self.now),
        )
        return ruling.strike, ruling.wait_until

    def _zone(self, person: Person, notice: Waiting) -> ZoneInfo:
        own = person.timezone or self.directory.dialogues[self.home(person, notice)].timezone
        return ZoneInfo(own)

    def _sayable(
        self,
        notice: Waiting,
        person: Person,
        weekly: dict[tuple[int, int], int],
        done: Sorted,
    ) -> bool:
        hold = self.hold_on(notice)
        if hold is not None and hold.until_on is None:
            done.held.append(notice.id)
            return False
        untrue, wait_until = self.why_not(notice)
        if untrue:
            done.untrue[untrue].append(notice.id)
            done.look_at.add(notice.action_id)
            return False
        if self.release_is_over(notice):
            done.lapsed.append(notice)
            return False
        free_at: datetime | None = None
        if hold is not None and hold.until_on is not None:
            after_on = hold.until_on + timedelta(days=1)
            # The days of a hold are those of the dialogue, wherever the person is.
            free_at = self.directory.midnight(self.actions[notice.action_id].dialogue_id, after_on)
            wait_until = max(after_on, wait_until or date.min)
        today = self.local_day(person, notice, self.now)
        if weekly.get((person.id, notice.action_id), 0) >= self._per_week:
            wait_until = max(today + timedelta(days=1), wait_until or date.min)
        if free_at or (wait_until is not None and wait_until > today):
            at = self.morning(person, notice, wait_until or today, 0)
            at = max(at, free_at or at)
            done.postponed[notice.id] = self.window(person, notice).next_open(at) or at + FAR_AWAY
            return False
        return True

    @property
    def _per_week(self) -> int:
        return self.services.settings.delivery.per_action_and_week

    def _newest(self, notices: list[Waiting], done: Sorted) -> list[Waiting]:
        """Of the rungs of one run only the last decided is said: what is true now, once."""
        last: dict[tuple[int, str, bool], Waiting] = {}
        for notice in sorted(notices, key=lambda notice: notice.id):
            last[notice.action_id, notice.cause, notice.kind == "call_task"] = notice
        kept = {notice.id for notice in last.values()}
        apart = {n.id for n in notices if n.kind in {"nobody", "contact", "stopped"}}
        done.overtaken += [n.id for n in notices if n.id not in kept | apart]
        return [notice for notice in notices if notice.id in kept | apart]

    def _answered(self, notices: Sequence[Waiting]) -> dict[int, Kept]:
        """The answers that these notices are about, by the id that stands in their cause."""
        ids = [int(notice.cause[1:]) for notice in notices if notice.cause.startswith("w")]
        return answers_by_id(self.connection, ids)

    def _link(self, notice: Waiting, answer_id: int | None, links: list[NewLink]) -> str:
        """The address of a new link for this notice; its token is in the mail and nowhere else."""
        action, purpose = self.actions[notice.action_id], PURPOSE_OF.get(notice.kind)
        base = self.services.public_url
        if purpose is None or not base or action.handling is Handling.CLOSED:
            return ""
        token = secrets.token_urlsafe(16)
        links.append(
            NewLink(
                token_hash=token_hash(token),
                action_id=action.id,
                person_id=notice.person_id,
                purpose=purpose,
                notice_id=notice.id,
                answer_id=answer_id,
                state_version=action.state_version,
                expires_at=self.now + self._link_life,
            )
        )
        return f"{base}/answer/{token}"

    @property
    def _link_life(self) -> timedelta:
        return timedelta(days=self.services.settings.answers.link_days)

    def _topic(self, notice: Waiting, answered: Mapping[int, Kept], links: list[NewLink]) -> Topic:
        action = self.actions[notice.action_id]
        said = answered.get(int(notice.cause[1:])) if notice.cause.startswith("w") else None
        url = self._link(notice, said.id if said else None, links)
        return Topic(
            said=said_in_words(said) if said else self._watched(notice),
            proposed_on=said.until if said else None,
            answer_url=url,
            answer_url_until=(self.now + self._link_life).date() if url else None,
            kind=notice.kind,
            rung=notice.rung,
            urgency=notice.urgency,
            action=action,
            dialogue=self.directory.dialogues[action.dialogue_id],
            calendar=self.directory.calendars[action.dialogue_id],
            party=self.directory.parties[action.responsible_id],
            today=self.directory.today(action.dialogue_id, self.now),
            about=self.directory.people.get(notice.about_id) if notice.about_id else None,
        )

    def _watched(self, notice: Waiting) -> str:
        """What the watchdog found, in the words of who is told; empty for all other notices."""
        language = self.directory.people[notice.person_id].language
        if notice.kind == EARLY_WARNING:
            said = numbers_behind(self.connection, notice.action_id, notice.cause)
            return warned_of(language, said) if said else ""
        if notice.kind != "watchdog":
            return ""
        return what_waits(language, Watch(notice.rung.removeprefix("watch:")))

    def _write(self, done: Sorted) -> None:
        connection, now = self.connection, self.now
        postpone(connection, done.postponed)
        self.ask_again(done.lapsed)
        settle(connection, done.held, NoticeStatus.HELD, "on hold", now)
        settle(connection, done.unreachable, NoticeStatus.UNDELIVERABLE, "no working address", now)
        settle(connection, done.posted, NoticeStatus.POSTED, "", now)
        for person_id, (wrong, ids) in done.misaddressed.items():
            settle(connection, ids, NoticeStatus.UNDELIVERABLE, wrong, now)
            flag_unwritten(connection, person_id, ids, wrong, now)
        for reason, ids in done.untrue.items():
            done.struck += settle(connection, ids, NoticeStatus.STRUCK, reason, now)
        done.struck += settle(
            connection, done.overtaken, NoticeStatus.STRUCK, "a later rung says it now", now
        )
        look_now(connection, done.look_at, now)


def said_in_words(answer: Kept) -> str:
    """What an answer said, on one line: the note, what stands in the way, whom it names."""
    parts = (answer.note, *(answer.details.get(name, "") for name in ("blocker", "named")))
    return "; ".join(dict.fromkeys(part.strip() for part in parts if part.strip()))


@lru_cache(maxsize=4096)
def _window(
    timezone: str, opens: time, closes: time, friday_pause: bool, calendar: WorkingCalendar
) -> Window:
    return Window(
        timezone, opens=opens, closes=closes, friday_pause=friday_pause, calendar=calendar
    )
