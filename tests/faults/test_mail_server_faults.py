"""A mail server that refuses, hangs, drops and comes back: everybody is told once in the end."""

from collections import Counter
from datetime import datetime, timedelta

import pytest
from crash_points import (
    COORDINATOR,
    EVERYBODY,
    NOW,
    PEOPLE,
    address,
    copies_are_equal,
    ended,
    ledger,
    wait_until,
)
from smtp_server import SmtpServer

from notifications.backoff import ATTEMPTS
from workflows.deliver import deliver

SOON = "2026-05-07T10:07:00+00:00"  # the first back-off, five minutes and a fifth, is over
LATER = "2026-05-07T11:30:00+00:00"
TOMORROW = "2026-05-08T10:00:00+00:00"


def tenths() -> frozenset[str]:
    """Every tenth person, as the server counts them."""
    return frozenset(address(number) for number in range(10, PEOPLE + 1, 10))


def test_run_twice_says_it_once(lay_out, tell, tmp_path):
    programme = lay_out(swept=False)
    with SmtpServer(folder=tmp_path) as server:
        programme.mail_to(server)
        for _ in range(2):
            assert programme.sweep().code == 0
            assert programme.deliver().code == 0
        found = ledger(server)
        tell("run twice", programme, found)
        assert found.clean
        assert len(server.received()) == PEOPLE


def test_with_several_actions_each_run_twice_sends_one_message_each(lay_out, tell, tmp_path):
    programme = lay_out(each=3)
    with SmtpServer(folder=tmp_path, keep=True) as server:
        programme.mail_to(server)
        assert programme.deliver().said["sent"] == PEOPLE
        assert programme.deliver().said["sent"] == 0
        found = ledger(server)
        tell("run twice, 3 actions each", programme, found)
        assert found.clean
    in_one = programme.ask("SELECT message_id, count(*) FROM notices GROUP BY 1")
    assert {count for _message, count in in_one} == {3}


def test_450_for_every_tenth_is_tried_again_after_the_back_off(lay_out, tell, tmp_path):
    programme = lay_out()
    rule = {"at": "rcpt", "every": 10, "first_time": True, "reply": "450 4.2.1 greylisted"}
    with SmtpServer([rule], folder=tmp_path) as server:
        programme.mail_to(server)
        first = programme.deliver().said
        assert (first["sent"], first["retry"]) == (180, 20)
        at_once = programme.deliver().said
        assert (at_once["sent"], at_once["retry"]) == (0, 0), "greylisting wants five minutes"
        assert programme.deliver(SOON).said["sent"] == 20
        found = ledger(server)
        tell("450 for every tenth", programme, found)
        assert found.clean


def test_450_for_ever_ends_with_a_coordinator_who_knows(on_sqlite, tell, tmp_path):
    programme = on_sqlite()
    rule = {"at": "rcpt", "every": 10, "reply": "450 4.2.1 mailbox busy"}
    days = [f"2026-05-{day:02d}T{hour:02d}:00:00+00:00" for day in (7, 8, 11) for hour in
            (10, 11, 12, 14, 16)]  # fmt: skip
    with SmtpServer([rule], folder=tmp_path) as server:
        programme.mail_to(server)
        for at in days:
            assert programme.deliver(at).code == 0
        found = ledger(server, EVERYBODY - tenths())
        tell("450 for ever for every tenth", programme, found, note="20 handed to a coordinator")
        assert found.clean
    assert programme.count("people", "flagged <> ''") == 20
    assert programme.count("notices", "kind = 'contact'") == 20
    attempts = programme.ask("SELECT max(attempt) FROM deliveries WHERE outcome = 'retry'")
    assert attempts == [(8,)]


def test_550_for_every_tenth_is_handed_to_a_coordinator(lay_out, tell, tmp_path):
    programme = lay_out()
    rule = {"at": "rcpt", "every": 10, "match": "parties", "reply": "550 5.1.1 no such user"}
    with SmtpServer([rule], folder=tmp_path) as server:
        programme.mail_to(server)
        first = programme.deliver()
        assert first.code == 0, first.err
        assert first.said["rejected"] == 20
        assert programme.sweep(TOMORROW).code == 0
        assert programme.deliver(TOMORROW).code == 0
        letters = Counter(letter["rcpt"] for letter in server.received())
        refused = EVERYBODY - letters.keys()
        found = ledger(server, EVERYBODY - refused)
        tell("550 for every tenth", programme, found, note="20 handed to a coordinator")

        assert found.clean
        assert found.told == 180
    flagged = {email for (email,) in programme.ask("SELECT email FROM people WHERE flagged <> ''")}
    assert flagged == refused
    assert letters[COORDINATOR] >= 1
    told = programme.ask(
        "SELECT DISTINCT n.about_id FROM notices n JOIN people p ON p.id = n.person_id"
        " WHERE n.kind = 'contact' AND n.status = 'sent' AND p.email = :coordinator",
        coordinator=COORDINATOR,
    )
    assert len(told) == 20


def test_who_cannot_be_written_to_is_called_instead(lay_out, tmp_path):
    programme = lay_out(people=20)
    rule = {"at": "rcpt", "every": 10, "match": "parties", "reply": "550 5.1.1 no such user"}
    with SmtpServer([rule], folder=tmp_path) as server:
        programme.mail_to(server)
        assert programme.deliver().said["rejected"] == 2
        assert programme.sweep(TOMORROW).code == 0
    calls = programme.ask(
        "SELECT a.ref FROM notices n JOIN actions a ON a.id = n.action_id"
        " WHERE n.kind = 'call_task' AND n.about_id IS NOT NULL ORDER BY 1"
    )
    assert len(calls) == 2


def test_421_and_drop_in_the_middle_costs_nobody_anything(lay_out, tell, tmp_path):
    programme = lay_out()
    rules = [
        {"at": "mail", "message": 100, "reply": "421 4.3.2 going down", "drop": True},
        {"at": "connect", "nth": 2, "reply": "421 4.3.2 not yet", "drop": True},
    ]
    with SmtpServer(rules, folder=tmp_path) as server:
        programme.mail_to(server)
        programme.deliver()
        programme.deliver(SOON)
        assert programme.deliver(LATER).code == 0
        found = ledger(server)
        tell("421 and drop in the middle", programme, found)
        assert found.clean


@pytest.mark.parametrize(
    ("step", "beyond"), [("connect", 0), ("mail", 0), ("rcpt", 50), ("data", 50), ("body", 50)]
)
def test_a_server_that_hangs_before_the_dot_is_left_after_the_timeout(
    on_sqlite, tell, tmp_path, step, beyond
):
    """It hangs for ever on every connection that has carried so many messages."""
    programme = on_sqlite()
    with SmtpServer([{"at": step, "delay": 3600, "beyond": beyond}], folder=tmp_path) as server:
        programme.mail_to(server, timeout_s=0.3, dot_timeout_s=0.3)
        hung = programme.deliver()
        assert hung.code == (1 if beyond == 0 else 0)
        server.stop()
        server.start([])
        assert programme.deliver(LATER).code == 0
        found = ledger(server)
        tell(f"server hangs at {step}", programme, found, note=f"exit {hung.code} at first")
        assert found.clean


def test_a_server_that_hangs_after_the_dot_gets_the_same_letter_again(lay_out, tell, tmp_path):
    programme = lay_out()
    rule = {"at": "dot", "every_message": 50, "delay": 3600, "accept": True}
    with SmtpServer([rule], folder=tmp_path) as server:
        programme.mail_to(server, timeout_s=0.5, dot_timeout_s=0.3)
        first = programme.deliver().said
        assert first["unknown"] == 4
        server.stop()
        server.start([])
        assert programme.deliver(LATER).said["sent"] == 4
        found = ledger(server)
        tell("server hangs after the dot", programme, found, note="4 replies lost")
        assert (found.never, found.twice, found.repeated) == (0, 0, 4)
        assert copies_are_equal(server)


def test_a_reply_lost_after_the_dot_makes_two_equal_copies(lay_out, tell, tmp_path):
    programme = lay_out()
    rule = {"at": "dot", "every": 10, "first_time": True, "accept": True, "drop": True}
    with SmtpServer([rule], folder=tmp_path) as server:
        programme.mail_to(server)
        assert programme.deliver().said["unknown"] == 20
        assert programme.deliver(SOON).said["sent"] == 20
        assert programme.deliver(LATER).said["sent"] == 0
        found = ledger(server)
        tell("drop after the final dot", programme, found, note="20 replies lost")
        assert (found.never, found.twice, found.repeated) == (0, 0, 20)
        assert copies_are_equal(server)
        copies = Counter(letter["message_id"] for letter in server.received())
        assert set(copies.values()) == {1, 2}


def test_replies_that_are_lost_every_time_do_not_bring_copies_for_ever(on_sqlite, tell, tmp_path):
    programme = on_sqlite(people=1)
    rule = {"at": "dot", "match": "parties", "accept": True, "drop": True}
    at = datetime.fromisoformat(NOW)
    with SmtpServer([rule], folder=tmp_path) as server, programme.opened(server) as services:
        for _ in range(1000):
            deliver(services, at)
            if not programme.count("messages", "status IN ('claimed', 'retry', 'unknown')"):
                break
            at += timedelta(hours=1)
        found = ledger(server, frozenset({address(1)}))
        tell("every reply lost, for ever", programme, found, note="8 attempts, then a coordinator")
        assert (found.never, found.twice, found.repeated) == (0, 0, ATTEMPTS - 1)
        assert copies_are_equal(server)
    assert programme.statuses("messages")["failed"] == 1
    assert programme.count("notices", "kind = 'contact'") == 1, "a coordinator hears of it"


def test_a_server_that_is_slow_to_say_250_is_waited_for(on_sqlite, tell, tmp_path):
    programme = on_sqlite()
    rule = {"at": "dot", "every_message": 20, "delay": 0.3}
    with SmtpServer([rule], folder=tmp_path) as server:
        programme.mail_to(server, timeout_s=2)
        assert programme.deliver().said["sent"] == PEOPLE
        found = ledger(server)
        tell("slow 250", programme, found)
        assert found.clean


def test_a_slow_server_does_not_make_a_second_worker_say_it_too(lay_out, tell, tmp_path):
    """Every reply comes within its timeout, all of them together last longer than the lease."""
    programme = lay_out(people=3)
    steps = ("connect", "ehlo", "mail", "rcpt", "data", "dot")
    rules = [{"at": step, "delay": 0.4} for step in steps]
    three = frozenset(address(number) for number in range(1, 4))
    with SmtpServer(rules, folder=tmp_path) as server:
        programme.mail_to(server, lease_s=1.2, timeout_s=1)
        first = programme.start_deliver()
        wait_until(lambda: len(server.said("MAIL")) >= 1, first)
        programme.deliver()
        assert ended(first).code == 0
        programme.deliver_until_quiet()
        found = ledger(server, three)
        tell("slow server, two workers", programme, found)
        assert found.clean


def test_a_mail_server_that_is_down_is_said_and_uses_up_no_attempt(lay_out, tell, tmp_path):
    programme = lay_out()
    with SmtpServer(folder=tmp_path) as server:
        programme.mail_to(server)
        server.stop()
        down = programme.deliver()
        assert down.code == 1
        assert down.sentence.startswith("Mail cannot leave now (connect: ")
        assert "Traceback" not in down.err
        assert down.said["sent"] == 0
        assert programme.ask("SELECT max(attempt) FROM messages") == [(0,)]
        tried = programme.count("deliveries")
        again = programme.deliver()
        assert again.code == 1
        assert programme.count("deliveries") == tried, "the breaker is open: nothing was tried"
        with programme.opened(server) as services:
            for minute in range(1, 150):
                at = datetime.fromisoformat(NOW) + timedelta(minutes=minute)
                assert deliver(services, at).channel_down
        assert programme.count("deliveries") > tried + ATTEMPTS, "more probes than attempts"
        assert programme.ask("SELECT max(attempt) FROM messages") == [(0,)]
        server.start([])
        assert programme.deliver("2026-05-07T14:00:00+00:00").code == 0
        found = ledger(server)
        tell("mail server down, then up", programme, found)
        assert found.clean
    assert programme.ask("SELECT failures FROM channels") == [(0,)]


def test_a_server_that_refuses_our_login_or_sender_is_no_recipients_fault(
    on_sqlite, tell, tmp_path
):
    programme = on_sqlite()
    rule = {"at": "mail", "reply": "550 5.7.1 sender not allowed"}
    with SmtpServer([rule], folder=tmp_path) as server:
        programme.mail_to(server)
        refused = programme.deliver()
        assert refused.code == 1
        assert "sender not allowed" in refused.sentence
        assert programme.count("people", "flagged <> ''") == 0
        server.stop()
        server.start([])
        programme.deliver(LATER)
        found = ledger(server)
        tell("our sender refused, then allowed", programme, found)
        assert found.clean
