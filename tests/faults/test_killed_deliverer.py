"""`alkawari deliver` killed by SIGKILL wherever it is: nobody forgotten, nobody told twice."""

import signal
import time
from collections import Counter
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from random import Random

import pytest
from builders import Postbox
from crash_points import (
    COORDINATOR,
    NOW,
    PEOPLE,
    Programme,
    address,
    copies_are_equal,
    ended,
    kill,
    ledger,
    taken,
    wait_until,
)
from smtp_server import SmtpServer

from engine.store.sending import in_other_hands
from notifications.backoff import ATTEMPTS
from notifications.envelope import Envelope, Result
from workflows.deliverer import Deliverer

# (actions each, kills on SQLite, kills on PostgreSQL)
ROUNDS = {1: (15, 8), 3: (8, 5)}
# Replies take a moment, so that a kill often comes while one is being awaited.
LATENCY_S = 0.002


def kill_again_and_again(
    programme: Programme, server: SmtpServer, chance: Random, kills: int
) -> int:
    """
    Start and kill until that many kills hit, or nothing is left to send; how many did.

    A kill comes some messages after the start, or at any time since the start of the process.
    """
    done = 0
    share = PEOPLE // (kills + 1)
    while done < kills:
        child = programme.start_deliver()
        if chance.random() < 0.25:
            time.sleep(chance.uniform(0.05, 1.0))
        else:
            until = taken(server) + chance.randint(0, 2 * share - 1)
            wait_until(lambda until=until: taken(server) > until, child)
            time.sleep(chance.uniform(0, 0.008))
        if not kill(child):
            break
        done += 1
    return done


@pytest.mark.parametrize("each", ROUNDS)
def test_killed_at_random_points_nobody_is_forgotten_and_nobody_is_told_twice(
    lay_out, tell, tmp_path, chance, each
):
    programme = lay_out(each=each)
    wanted = ROUNDS[each][0 if programme.sqlite else 1]
    with SmtpServer(folder=tmp_path, latency=LATENCY_S) as server:
        programme.mail_to(server, lease_s=1, batch=20)
        kills = kill_again_and_again(programme, server, chance, wanted)
        programme.deliver_until_quiet()
        found = ledger(server)
        tell(f"deliver killed at random, {each} each", programme, found, kills=kills)

        assert kills >= wanted // 2, "too few kills hit to say anything"
        assert (found.never, found.twice) == (0, 0)
        assert found.repeated <= kills
        assert copies_are_equal(server)
        kept = dict(programme.ask("SELECT mime_id, recipient FROM messages WHERE status = 'sent'"))
        assert {m["message_id"]: m["rcpt"] for m in server.received()} == kept
    assert programme.statuses() == {"sent": PEOPLE * each}


def test_killed_half_way_the_next_run_goes_on(lay_out, tell, tmp_path):
    programme = lay_out()
    with SmtpServer(folder=tmp_path, latency=LATENCY_S) as server:
        programme.mail_to(server, lease_s=1)
        child = programme.start_deliver()
        wait_until(lambda: taken(server) >= PEOPLE // 2, child)
        assert kill(child)
        assert PEOPLE // 2 <= taken(server) < PEOPLE
        programme.deliver_until_quiet()
        found = ledger(server)
        tell("deliver killed half-way", programme, found, kills=1)

        assert (found.never, found.twice) == (0, 0)
        assert found.repeated <= 1
        assert copies_are_equal(server)


def test_killed_while_a_reply_is_awaited_that_one_letter_is_sent_again_as_it_was(
    lay_out, tell, tmp_path
):
    programme = lay_out(people=20)
    behave = [{"at": "dot", "nth": 7, "accept": True, "delay": 3600}]
    with SmtpServer(behave, folder=tmp_path) as server:
        programme.mail_to(server, lease_s=1)
        child = programme.start_deliver()
        wait_until(lambda: taken(server) == 7, child)
        assert kill(child)
        server.stop()
        server.start([])
        programme.deliver_until_quiet()
        found = ledger(server, frozenset(f"p{n:03d}@parties.example" for n in range(1, 21)))
        tell("deliver killed while awaiting a reply", programme, found, kills=1)

        assert (found.never, found.twice, found.repeated) == (0, 0, 1)
        assert copies_are_equal(server)


def test_a_worker_that_was_frozen_beyond_its_lease_sends_at_most_the_letter_in_its_hand(
    lay_out, tell, tmp_path
):
    programme = lay_out()
    with SmtpServer(folder=tmp_path, latency=LATENCY_S) as server:
        programme.mail_to(server, lease_s=1)
        child = programme.start_deliver()
        wait_until(lambda: taken(server) >= 60, child)
        child.send_signal(signal.SIGSTOP)
        programme.deliver_until_quiet()
        assert taken(server) >= PEOPLE
        child.send_signal(signal.SIGCONT)
        woken = ended(child)
        found = ledger(server)
        tell("deliver frozen beyond its lease", programme, found)

        assert woken.code == 0, woken.err
        assert (found.never, found.twice) == (0, 0)
        assert found.repeated <= 1
        assert copies_are_equal(server)
    assert programme.statuses() == {"sent": PEOPLE}


def test_what_a_killed_worker_held_is_said_to_be_in_other_hands_until_somebody_takes_it(
    lay_out, tmp_path
):
    programme = lay_out(people=30)
    with SmtpServer([{"at": "mail", "nth": 5, "delay": 3600}], folder=Path(tmp_path)) as server:
        programme.mail_to(server, lease_s=60)
        child = programme.start_deliver()
        wait_until(lambda: len(server.said("MAIL")) >= 5, child)
        assert kill(child)
        server.stop()
        server.start([])
        done = programme.deliver().said

        assert (done["sent"], done["leased"]) == (0, 26)
        # A lease that runs out after the outbox was looked at must not look like a quiet outbox.
        programme.ask("UPDATE messages SET leased_until_at = created_at WHERE status = 'claimed'")
        with programme.opened() as services, services.database.read() as connection:
            assert in_other_hands(connection) == 26
        assert programme.deliver().said["sent"] == 26


class Killed(BaseException):
    """The end of a process, for a worker that lives in this one."""


class Deadly(Postbox):
    """Whoever hands over the letter to one address dies of it when it was taken."""

    def deliver(self, envelope: Envelope) -> Result:
        result = super().deliver(envelope)
        if envelope.recipient == address(7):
            raise Killed
        return result


def test_a_letter_that_kills_every_worker_is_not_sent_again_and_again(lay_out):
    programme, post = lay_out(people=20), Deadly()
    expired = "UPDATE messages SET leased_until_at = created_at WHERE status = 'claimed'"
    now, copies = datetime.fromisoformat(NOW), []
    with programme.opened() as services:
        for _ in range(4 * ATTEMPTS):
            with suppress(Killed):
                Deliverer(services, post).batch(now, limit=50)
            programme.ask(expired)
            copies.append(post.recipients.count(address(7)))
            if "failed" in programme.statuses("messages"):
                break
    assert copies[1] == copies[2] == 2, "the third worker counts before it sends"
    assert set(Counter(post.recipients).values()) == {1, copies[-1]}
    assert copies[-1] == 1 + ATTEMPTS
    assert programme.statuses("messages") == {"sent": 20, "failed": 1}
    assert post.recipients.count(COORDINATOR) == 1, "who is told of the one that failed"
    assert programme.count("people", "flagged <> ''") == 1
