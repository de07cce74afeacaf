"""The machine was off, or its clock was wrong, or the clocks changed: what is true now, once."""

from collections import Counter, defaultdict
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from builders import Postbox
from crash_points import (
    COORDINATOR,
    EVERYBODY,
    NOW,
    PEOPLE,
    Ledger,
    Programme,
    address,
    kill,
    ledger,
    wait_until,
)
from smtp_server import SmtpServer

from notifications.envelope import Envelope, Result
from workflows.deliver import Deliverer, deliver
from workflows.sweep import sweep

A_MONTH_ON = "2026-06-08T10:00:00+00:00"
PARIS = ZoneInfo("Europe/Paris")


def at(instant: str) -> datetime:
    return datetime.fromisoformat(instant)


def rungs(programme: Programme, where: str) -> dict[str, int]:
    rows = programme.ask(f"SELECT rung, count(*) FROM notices WHERE {where} GROUP BY 1")
    return {str(rung): int(count) for rung, count in rows}


def test_after_a_month_off_everybody_hears_what_is_true_now_once(lay_out, tell, tmp_path):
    programme = lay_out(swept=False)
    with SmtpServer(folder=tmp_path) as server:
        programme.mail_to(server)
        assert programme.sweep(A_MONTH_ON).code == 0
        assert programme.deliver(A_MONTH_ON).code == 0
        assert programme.sweep(A_MONTH_ON).said["notices"] == 0
        assert programme.deliver(A_MONTH_ON).said["sent"] == 0
        found = ledger(server)
        tell("off for 30 days", programme, found, note="R2 once, 4 rungs passed over")
        assert found.clean
        letters = Counter(letter["rcpt"] for letter in server.received())
        assert letters == dict.fromkeys({*EVERYBODY, COORDINATOR}, 1)
    assert rungs(programme, "kind <> 'call_task'") == {"R2": PEOPLE}
    passed = programme.ask("SELECT payload FROM events WHERE kind = 'notified'")
    assert len(passed) == PEOPLE
    assert all(text.count(f'"{name}:') == 1 for (text,) in passed for name in ("P1", "P2", "P3"))


def test_what_was_decided_before_a_month_off_is_not_said_beside_what_is_true_now(
    lay_out, tell, tmp_path
):
    programme = lay_out(each=2)  # R1 waits in the outbox when the machine goes off
    with SmtpServer(folder=tmp_path) as server:
        programme.mail_to(server)
        assert programme.sweep(A_MONTH_ON).code == 0
        done = programme.deliver(A_MONTH_ON).said
        assert done["struck"] == PEOPLE * 2
        found = ledger(server)
        tell("off for 30 days, with R1 in the outbox", programme, found)
        assert found.clean
    sent = rungs(programme, "status = 'sent' AND kind <> 'call_task'")
    assert sent == {"R2": PEOPLE * 2}
    struck = programme.ask("SELECT DISTINCT outcome FROM notices WHERE status = 'struck'")
    assert struck == [("a later rung says it now",)]


@pytest.mark.parametrize("hours", [1, 24, 24 * 8])
def test_a_clock_that_is_set_back_says_nothing_twice_and_skips_nothing(
    lay_out, tell, tmp_path, hours
):
    programme = lay_out(swept=False)
    back = at(NOW) - timedelta(hours=hours)
    with SmtpServer(folder=tmp_path) as server, programme.opened(server) as services:
        sweep(services, at(NOW))
        deliver(services, at(NOW))
        assert ledger(server).clean
        moment = back
        while moment <= at(NOW):
            assert sweep(services, moment).notices == 0
            assert deliver(services, moment).sent == 0
            moment += timedelta(hours=6)
        found = ledger(server)
        tell(f"clock set back by {hours} h", programme, found)
        assert found.clean
        due = at("2026-05-18T10:00:00+00:00")  # ten working days after the due date: R2
        sweep(services, due)
        deliver(services, due)
        assert rungs(programme, "kind = 'second_reminder' AND status = 'sent'") == {"R2": PEOPLE}


def test_a_lease_from_a_clock_that_was_a_day_ahead_holds_nothing_back(lay_out, tell, tmp_path):
    programme = lay_out()
    with SmtpServer(folder=tmp_path, latency=0.002) as server:
        programme.mail_to(server, lease_s=30)
        child = programme.start_deliver()
        wait_until(lambda: len(server.received()) >= 20, child)
        assert kill(child)
        text = "datetime(leased_until_at, '+1 day')" if programme.sqlite else (
            "leased_until_at + interval '1 day'"
        )  # fmt: skip
        held = programme.ask("SELECT leased_until_at FROM messages WHERE status = 'claimed'")
        programme.ask(f"UPDATE messages SET leased_until_at = {text} WHERE status = 'claimed'")
        assert held
        done = programme.deliver().said
        assert done["leased"] == 0
        found = ledger(server)
        tell("clock set back a day under a lease", programme, found, kills=1)
        assert (found.never, found.twice) == (0, 0)
        assert found.repeated <= 1


class Clock:
    """The machine's clock, which somebody may set."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def now(self) -> datetime:
        return datetime.now(ZoneInfo("UTC")) + self.ahead


class Jolted(Postbox):
    """A mail server that does something when it has taken its third message."""

    def deliver(self, envelope: Envelope) -> Result:
        result = super().deliver(envelope)
        if len(self.taken) == 3:
            self.jolt()
        return result

    def jolt(self) -> None:
        """What happens then."""


@pytest.mark.parametrize("hours", [-24, -1, 1, 24])
def test_a_clock_that_jumps_under_a_delivery_costs_at_most_the_letter_in_its_hand(
    lay_out, tell, hours
):
    programme = lay_out()
    clock, other, mine = Clock(), Postbox(), Jolted()
    with programme.opened() as services:
        first, second = Deliverer(services, mine), Deliverer(services, other)
        first._clock = second._clock = clock

        def jump() -> None:
            clock.ahead = timedelta(hours=hours)
            second.batch(at(NOW), limit=PEOPLE)  # to whom all leases of the first look run out

        mine.jolt = jump
        first.batch(at(NOW), limit=50)
        second.batch(at(NOW), limit=PEOPLE)
    letters: dict[str, set[str]] = defaultdict(set)
    for letter in (*mine.taken, *other.taken):
        letters[letter.recipient].add(letter.message_id)
    copies = len(mine.taken) + len(other.taken) - PEOPLE
    twice = sum(len(ids) > 1 for ids in letters.values())
    found = Ledger(PEOPLE, len(letters), len(EVERYBODY - letters.keys()), twice, copies)
    tell(f"clock jumps by {hours} h under a delivery", programme, found)

    assert (found.never, found.twice) == (0, 0)
    assert copies <= 1
    assert programme.statuses() == {"sent": PEOPLE}


@pytest.mark.parametrize("changes_on", [date(2026, 3, 29), date(2026, 10, 25)])
def test_when_the_clocks_change_nothing_is_said_twice_or_skipped_or_at_night(
    on_sqlite, tell, tmp_path, changes_on
):
    """Due on the Sunday itself in a dialogue without rest days, looked at every hour."""
    # R1, three days later, would be the third message of a week: it waits for its budget.
    reminded_on = changes_on + timedelta(days=4)
    people = frozenset(address(number) for number in range(1, 6))
    agreed = f"{changes_on - timedelta(days=20)}T08:00:00+00:00"
    programme = on_sqlite(
        people=5, agreed=agreed, due=changes_on.isoformat(), timezone="Europe/Paris",
        rest_days="none", swept=False,
    )  # fmt: skip
    first = datetime(changes_on.year, changes_on.month, changes_on.day, tzinfo=PARIS)
    said_on: dict[str, list[date]] = defaultdict(list)
    with (
        SmtpServer(folder=tmp_path) as server,
        programme.opened(server) as services,
    ):
        for hours in range(-3 * 24, 6 * 24):
            moment = first + timedelta(hours=hours)
            moment = datetime.fromtimestamp(moment.timestamp(), ZoneInfo("UTC"))
            sweep(services, moment)
            deliver(services, moment)
        for rung, closed_at in programme.ask(
            "SELECT rung, closed_at FROM notices WHERE status = 'sent' ORDER BY id"
        ):
            instant = closed_at if isinstance(closed_at, datetime) else at(f"{closed_at}+00:00")
            local = instant.astimezone(PARIS)
            assert (8, 30) <= (local.hour, local.minute) <= (16, 30)
            said_on[rung].append(local.date())
        letters = Counter(letter["rcpt"] for letter in server.received())
        assert letters == dict.fromkeys(people, 3), "P2, P3 and R1, and nothing else"
        ids = {letter["message_id"] for letter in server.received()}
        tell(f"clocks change on {changes_on}", programme, Ledger(15, 15, 15 - len(ids), 0, 0))
    assert said_on == {
        "P2": [changes_on - timedelta(days=3)] * 5,
        "P3": [changes_on] * 5,
        "R1": [reminded_on] * 5,
    }
