"""Addresses and letters that cannot be written, and letters that must stay as they are."""

from crash_points import (
    COORDINATOR,
    EVERYBODY,
    NOW,
    PEOPLE,
    Ledger,
    address,
    copies_are_equal,
    ledger,
)
from smtp_server import SmtpServer

SOON = "2026-05-07T10:07:00+00:00"  # the first back-off, five minutes and a fifth, is over
LATER = "2026-05-07T11:30:00+00:00"
TOMORROW = "2026-05-08T10:00:00+00:00"


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
        assert "could not be written (ValueError at compose:" in done.err
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
