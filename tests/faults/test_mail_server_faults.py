"""A mail server that refuses, hangs, drops and comes back: everybody is told once in the end."""

from collections import Counter
from datetime import datetime, timedelta

import pytest
from crash_points import (
    COORDINATOR,
    EVERYBODY,
    NOW,
    PEOPLE,
    Ledger,
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


def test_one_malformed_address_is_flagged_and_all_others_are_told(lay_out, tell, tmp_path):
    programme = lay_out()
    wrong = "x@y.example\r\nBcc: z@w.example"
    change = "UPDATE people SET email = :wrong WHERE email = :old"
    programme.ask(change, wrong=wrong, old=address(77))
    with SmtpServer(folder=tmp_path) as server:
        programme.mail_to(server)
        done = programme.deliver()
        assert done.code == 0, done.err
        assert (done.said["sent"], done.said["rejected"]) == (PEOPLE, 1)
        found = ledger(server, EVERYBODY - {address(77)})
        tell("one malformed address", programme, found, note="1 flagged")
        assert found.clean
        assert found.told == PEOPLE - 1
        told = {letter["rcpt"] for letter in server.received()}
        assert told == EVERYBODY - {address(77)} | {COORDINATOR}
    assert programme.ask("SELECT email FROM people WHERE flagged <> ''") == [(wrong,)]


def test_every_sort_of_malformed_address_is_flagged(on_sqlite, tmp_path):
    programme = on_sqlite()
    sorts = ("not an address", "a@b@c.example", "kéké@x.example", "@", "a@b.example, c@d.example",
             "Name <a@b.example>", "a@" + "b" * 245 + ".example")  # fmt: skip
    for number, wrong in enumerate(sorts, start=1):
        change = "UPDATE people SET email = :wrong WHERE email = :old"
        programme.ask(change, wrong=wrong, old=address(number * 10))
    with SmtpServer(folder=tmp_path) as server:
        programme.mail_to(server)
        done = programme.deliver().said
        # the coordinator hears of them too
        assert (done["sent"], done["rejected"]) == (PEOPLE - len(sorts) + 1, len(sorts))
        assert ledger(server).told == PEOPLE - len(sorts)
    flagged = programme.ask("SELECT email FROM people WHERE flagged <> '' ORDER BY id")
    assert flagged == [(wrong,) for wrong in sorts]


def test_a_malformed_address_of_the_coordinator_silences_nobody(on_sqlite, tell, tmp_path):
    programme = on_sqlite()
    programme.ask("UPDATE people SET email = 'a@b@c' WHERE email = :old", old=COORDINATOR)
    with SmtpServer(folder=tmp_path) as server:
        programme.mail_to(server)
        assert programme.deliver().said["sent"] == PEOPLE
        found = ledger(server)
        tell("malformed address of the coordinator", programme, found)
        assert found.clean


def test_a_letter_that_cannot_be_written_silences_nobody_else(on_sqlite, tell, tmp_path):
    programme = on_sqlite()
    programme.ask("UPDATE notices SET kind = 'unheard_of' WHERE id = 100")
    with SmtpServer(folder=tmp_path) as server:
        programme.mail_to(server)
        done = programme.run("deliver", "--json", "--as-of", NOW)
        assert done.said["sent"] == PEOPLE - 1
        assert "could not be written (ValueError)" in done.err
        assert "parties.example" not in done.err
        assert ledger(server).never == 1
        # Who repairs the cause need not do anything else.
        programme.ask("UPDATE notices SET kind = 'reminder' WHERE id = 100")
        assert programme.deliver(TOMORROW).said["sent"] == 1
        found = ledger(server)
        tell("a letter that cannot be written", programme, found, note="waits for the repair")
        assert found.clean


def test_a_letter_that_may_have_arrived_keeps_its_bytes_through_every_detour(lay_out, tmp_path):
    """The reply is lost, then 450, then part of it is no longer true: still the same bytes."""
    programme = lay_out(people=1, each=3)
    rules = [
        {"at": "dot", "nth": 1, "accept": True, "drop": True},
        {"at": "rcpt", "nth": 2, "reply": "450 4.2.1 later"},
    ]
    with SmtpServer(rules, folder=tmp_path) as server:
        programme.mail_to(server)
        assert programme.deliver().said["unknown"] == 1
        assert programme.deliver(SOON).said["retry"] == 1
        done = programme.here(
            "report", "FLT-001-2", "--by", address(1), "--level", "completed", "--note", "done",
            "--as-of", SOON,
        )  # fmt: skip
        assert done.code == 0, done.err
        assert programme.deliver(LATER).said["sent"] == 1
        assert len(server.received()) == 2
        assert copies_are_equal(server)


def test_a_letter_that_may_have_arrived_keeps_its_bytes_when_it_has_to_wait(lay_out, tmp_path):
    """The reply is lost, the window closes, part of it is no longer true: still the same bytes."""
    programme = lay_out(people=1, each=3)
    rule = {"at": "dot", "nth": 1, "accept": True, "drop": True}
    with SmtpServer([rule], folder=tmp_path) as server:
        programme.mail_to(server)
        assert programme.deliver().said["unknown"] == 1
        assert programme.deliver("2026-05-07T20:00:00+00:00").said["sent"] == 0
        done = programme.here(
            "report", "FLT-001-2", "--by", address(1), "--level", "completed", "--note", "done",
            "--as-of", "2026-05-07T21:00:00+00:00",
        )  # fmt: skip
        assert done.code == 0, done.err
        assert programme.deliver(TOMORROW).said["sent"] == 1
        assert len(server.received()) == 2
        assert copies_are_equal(server)


def test_a_letter_that_surely_did_not_arrive_leaves_out_what_is_no_longer_true(lay_out, tmp_path):
    programme = lay_out(people=1, each=3)
    rule = {"at": "rcpt", "nth": 1, "reply": "450 4.2.1 later"}
    with SmtpServer([rule], folder=tmp_path) as server:
        programme.mail_to(server)
        assert programme.deliver(NOW).said["retry"] == 1
        before = programme.ask("SELECT mime_id, body FROM messages")[0]
        programme.here(
            "report", "FLT-001-2", "--by", address(1), "--level", "completed", "--note", "done",
            "--as-of", SOON,
        )  # fmt: skip
        done = programme.deliver(LATER).said
        assert (done["sent"], done["struck"]) == (1, 1)
        after = programme.ask("SELECT mime_id, body FROM messages WHERE status = 'sent'")[0]
        assert after[0] == before[0]
        assert b"FLT-001-2" in before[1]
        assert b"FLT-001-2" not in after[1]
        assert ledger(server, frozenset({address(1)})) == Ledger(1, 1, 0, 0, 0)
