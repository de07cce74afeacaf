"""What people do between the decision and the delivery: nobody is told what is no longer true."""

import pytest
from crash_points import (
    COORDINATOR,
    EVERYBODY,
    NOW,
    PEOPLE,
    Programme,
    address,
    kill,
    ledger,
    taken,
    wait_until,
)
from smtp_server import SmtpServer

SOON = "2026-05-07T10:07:00+00:00"
LATER = "2026-05-07T12:30:00+00:00"
TOMORROW = "2026-05-08T10:00:00+00:00"
FIRST_TWENTY = range(1, 21)
OTHERS = EVERYBODY - {address(number) for number in FIRST_TWENTY}

DONE = ("report", "--level", "completed", "--note", "It stands.")
MOVED = ("reschedule", "2026-06-15", "--reason", "Agreed in the session.")
WITHDRAWN = ("move", "withdrawn", "--reason", "The committee decided.", "--on", "2026-05-06")
CHANGES = {"reported done": DONE, "rescheduled": MOVED, "withdrawn": WITHDRAWN}


def change(programme: Programme, number: int, words: tuple[str, ...], at: str) -> None:
    """One person's action is changed, by the party itself or the coordinator."""
    command, *rest = words
    by = address(number) if command == "report" else COORDINATOR
    done = programme.here(command, f"FLT-{number:03d}-1", *rest, "--by", by, "--as-of", at)
    assert done.code == 0, done.err


@pytest.mark.parametrize("what", CHANGES)
def test_what_changed_since_the_sweep_is_struck(lay_out, tell, tmp_path, what):
    programme = lay_out()
    for number in FIRST_TWENTY:
        change(programme, number, CHANGES[what], NOW)
    with SmtpServer(folder=tmp_path) as server:
        programme.mail_to(server)
        done = programme.deliver(SOON).said
        assert (done["sent"], done["struck"]) == (PEOPLE - 20, 20)
        found = ledger(server, OTHERS)
        tell(f"{what} before delivery", programme, found, note="20 struck")
        assert found.clean
        assert {letter["rcpt"] for letter in server.received()} == OTHERS


def test_what_changed_since_the_first_attempt_is_struck(lay_out, tell, tmp_path):
    programme = lay_out()
    rule = {"at": "rcpt", "match": r"p0[0-2]\d@", "first_time": True, "reply": "450 4.2.1 later"}
    with SmtpServer([rule], folder=tmp_path) as server:
        programme.mail_to(server)
        assert programme.deliver().said["retry"] == 29
        for number in FIRST_TWENTY:
            change(programme, number, DONE, SOON)
        done = programme.deliver(LATER).said
        assert (done["sent"], done["struck"]) == (9, 20)
        found = ledger(server, OTHERS)
        tell("reported done before the retry", programme, found, note="20 struck")
        assert found.clean
        assert {letter["rcpt"] for letter in server.received()} == OTHERS
    assert programme.count("messages", "status = 'struck'") == 20


def test_what_changed_while_a_killed_worker_held_it_is_struck(lay_out, tell, tmp_path):
    programme = lay_out()
    with SmtpServer([{"at": "mail", "message": 1, "delay": 3600}], folder=tmp_path) as server:
        programme.mail_to(server, lease_s=1, batch=PEOPLE)
        child = programme.start_deliver()
        wait_until(lambda: len(server.said("MAIL")) >= 1, child)
        assert kill(child)
        assert taken(server) == 0
        for number in FIRST_TWENTY:
            change(programme, number, DONE, SOON)
        server.stop()
        server.start([])
        programme.deliver_until_quiet(LATER)
        found = ledger(server, OTHERS)
        tell("reported done under a killed worker", programme, found, kills=1, note="20 struck")
        assert found.clean
        assert {letter["rcpt"] for letter in server.received()} == OTHERS


@pytest.mark.parametrize("scope", ["programme", "dialogue"])
def test_a_panic_pause_holds_everything_and_a_resume_says_what_is_still_true(
    lay_out, tell, tmp_path, scope
):
    programme = lay_out()
    scoped = ("--dialogue", "Fault Town") if scope == "dialogue" else ()
    with SmtpServer(folder=tmp_path) as server:
        programme.mail_to(server)
        held = programme.here("hold", *scoped, "--by", COORDINATOR, "--reason", "unrest",
                              "--as-of", NOW)  # fmt: skip
        assert held.code == 0, held.err
        done = programme.deliver().said
        assert (done["sent"], done["held"]) == (0, PEOPLE)
        assert programme.sweep(TOMORROW).said["notices"] == 0
        assert programme.deliver(TOMORROW).said["sent"] == 0
        assert taken(server) == 0
        for number in FIRST_TWENTY:
            change(programme, number, DONE, TOMORROW)
        resumed = programme.here("resume", *scoped, "--as-of", TOMORROW)
        assert resumed.code == 0, resumed.err
        done = programme.deliver(TOMORROW).said
        assert (done["sent"], done["struck"]) == (PEOPLE - 20, 20)
        found = ledger(server, OTHERS)
        tell(f"panic pause of the {scope}, then resumed", programme, found, note="20 struck")
        assert found.clean
        assert {letter["rcpt"] for letter in server.received()} == OTHERS


def test_a_pause_of_one_action_holds_that_one_only(lay_out, tell, tmp_path):
    programme = lay_out()
    with SmtpServer(folder=tmp_path) as server:
        programme.mail_to(server)
        programme.here("hold", "--action", "FLT-005-1", "--by", COORDINATOR, "--reason", "grief",
                       "--as-of", NOW)  # fmt: skip
        assert programme.deliver().said["sent"] == PEOPLE - 1
        programme.here("resume", "--action", "FLT-005-1", "--as-of", TOMORROW)
        assert programme.deliver(TOMORROW).said["sent"] == 1
        found = ledger(server)
        tell("panic pause of one action, then resumed", programme, found)
        assert found.clean


def test_a_pause_also_holds_what_is_to_be_tried_again(lay_out, tell, tmp_path):
    programme = lay_out()
    rule = {"at": "rcpt", "every": 10, "first_time": True, "reply": "450 4.2.1 later"}
    with SmtpServer([rule], folder=tmp_path) as server:
        programme.mail_to(server)
        assert programme.deliver().said["retry"] == 20
        programme.here("hold", "--by", COORDINATOR, "--reason", "unrest", "--as-of", SOON)
        assert programme.deliver(LATER).said["sent"] == 0
        assert taken(server) == PEOPLE - 20
        programme.here("resume", "--as-of", LATER)
        assert programme.deliver("2026-05-07T13:30:00+00:00").said["sent"] == 20
        found = ledger(server)
        tell("panic pause before the retry", programme, found)
        assert found.clean


@pytest.mark.parametrize(
    "zone",
    [
        "Pacific/Honolulu",
        "Pacific/Kiritimati",
    ],
)
def test_a_panic_pause_works_at_once_wherever_the_dialogue_is(on_sqlite, tmp_path, zone):
    """Half past two in the afternoon there, another day in the zone of the programme."""
    programme = on_sqlite(people=5, timezone=zone, swept=False)
    at = {"Pacific/Honolulu": "2026-05-08T00:30:00+00:00",
          "Pacific/Kiritimati": "2026-05-07T00:30:00+00:00"}[zone]  # fmt: skip
    with SmtpServer(folder=tmp_path) as server:
        programme.mail_to(server)
        assert programme.sweep(at).said["notices"] == 5
        programme.here("hold", "--by", COORDINATOR, "--reason", "unrest", "--as-of", at)
        assert programme.deliver(at).said["sent"] == 0
        programme.here("resume", "--as-of", at)
        assert programme.deliver(at).said["sent"] == 5


def test_a_pause_stops_the_batch_that_is_just_being_sent(lay_out, tell, tmp_path):
    """The mail server takes its time, so that the brake comes while a batch of fifty is in hand."""
    programme = lay_out()
    with SmtpServer(folder=tmp_path, latency=0.05) as server:
        programme.mail_to(server)
        sending = programme.start("deliver", "--as-of", NOW)
        wait_until(lambda: taken(server) >= 3, sending)
        programme.here("hold", "--by", COORDINATOR, "--reason", "unrest", "--as-of", NOW)
        sending.communicate(timeout=120)
        left = taken(server)
        assert left < 50
        programme.here("resume", "--as-of", SOON)
        programme.deliver_until_quiet(LATER)
        found = ledger(server)
        tell("panic pause in the middle of a batch", programme, found, note=f"stopped after {left}")
        assert found.clean


def test_what_did_not_arrive_goes_to_the_address_that_was_corrected_meanwhile(lay_out, tmp_path):
    programme = lay_out(people=2)
    rule = {"at": "rcpt", "match": r"p001@", "reply": "450 4.2.1 later"}
    with SmtpServer([rule], folder=tmp_path) as server:
        programme.mail_to(server)
        assert programme.deliver().said["retry"] == 1
        said = programme.here("contact", address(1), "--email", "new@people.example")
        assert said.code == 0, said.err
        assert programme.deliver(SOON).said["sent"] == 1
        assert [letter["rcpt"] for letter in server.received()] == [
            address(2),
            "new@people.example",
        ]
