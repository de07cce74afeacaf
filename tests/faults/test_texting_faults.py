"""A gateway for texts that refuses, fails, hangs or drops, and a deliverer that is killed."""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from crash_points import NOW, PEOPLE, Ledger, Programme, kill, wait_until
from sms_gateway import SmsGateway

LATER = ("2026-05-07T10:30:00+00:00", "2026-05-07T12:00:00+00:00", "2026-05-07T15:30:00+00:00")
HANGS_S = 3600.0


def phone(number: int) -> str:
    return f"+226701{number:05d}"


EVERYBODY = frozenset(phone(number) for number in range(1, PEOPLE + 1))


@contextmanager
def gateway_for(programme: Programme, *behave: dict[str, Any], **texts: object) -> Iterator[Any]:
    """Everybody has a telephone instead of an address, and there is a gateway."""
    programme.ask(
        "UPDATE people SET channel = 'sms', email = '', "
        "phone = '+226701' || '00' || substr(email, 2, 3) WHERE email LIKE 'p%@parties.example'"
    )
    with SmsGateway(behave) as gateway:
        programme.settings |= {
            "ALKAWARI_TEXTS__GATEWAY": gateway.url,
            "ALKAWARI_DELIVERY__LEASE_S": "1",
            **{f"ALKAWARI_TEXTS__{name.upper()}": str(value) for name, value in texts.items()},
        }
        yield gateway


def ledger(gateway: SmsGateway, expected: frozenset[str] = EVERYBODY) -> Ledger:
    """Who got a text: `twice` is two different ones, `repeated` the same one (same mark) again."""
    marks: dict[str, set[str]] = {}
    copies: Counter[str] = Counter()
    words: dict[str, set[str]] = {}
    for text in gateway.taken():
        marks.setdefault(text["to"], set()).add(text["id"])
        words.setdefault(text["id"], set()).add(text["text"])
        copies[text["id"]] += 1
    assert all(len(said) == 1 for said in words.values()), "a copy says something else"
    return Ledger(
        expected=len(expected),
        told=len(marks),
        never=len(expected - marks.keys()),
        twice=sum(len(found) > 1 for found in marks.values()),
        repeated=sum(copies.values()) - len(copies),
    )


def until_quiet(programme: Programme, at: str = NOW) -> None:
    """Deliver until no text is in anybody's hands or could leave now; mail has no server here."""
    for _ in range(60):
        done = programme.deliver(at)
        if not done.said["leased"] and not done.said["sent"]:
            return
        time.sleep(0.2)
    raise AssertionError("the outbox did not become quiet")


def texts(programme: Programme) -> dict[str, int]:
    rows = programme.ask("SELECT status, count(*) FROM messages WHERE channel = 'sms' GROUP BY 1")
    return {str(status): int(count) for status, count in rows}


def flagged(programme: Programme) -> int:
    return programme.count("people", "flagged <> '' AND channel = 'sms'")


def test_run_twice_nobody_is_told_twice(lay_out, tell):
    programme = lay_out()
    with gateway_for(programme) as gateway:
        until_quiet(programme)
        until_quiet(programme)
        found = ledger(gateway)
        tell("texts: run twice", programme, found)

    assert found.clean
    assert texts(programme) == {"sent": PEOPLE}


def test_killed_half_way_the_next_run_goes_on(lay_out, tell):
    programme = lay_out()
    with gateway_for(programme, {"delay": 0.01}) as gateway:
        kills = 0
        for share in (0.25, 0.5, 0.75):
            child = programme.start_deliver()
            wait_until(lambda share=share: len(gateway.taken()) >= share * PEOPLE, child)
            kills += kill(child)
            time.sleep(1.1)
        until_quiet(programme)
        found = ledger(gateway)
        tell("texts: deliver killed half-way", programme, found, kills=kills)

    assert kills == 3
    assert (found.never, found.twice) == (0, 0)
    assert found.repeated <= 2 * kills  # two threads, each with one text in its hand
    assert texts(programme) == {"sent": PEOPLE}


def test_500_for_every_tenth_is_tried_again(lay_out, tell):
    programme = lay_out()
    with gateway_for(programme, {"every": 10, "first_time": True, "status": 500}) as gateway:
        until_quiet(programme)
        assert len(gateway.taken()) == PEOPLE - PEOPLE // 10
        until_quiet(programme, LATER[0])
        found = ledger(gateway)
        tell("texts: 500 for every tenth", programme, found)

    assert found.clean
    assert flagged(programme) == 0


def test_400_for_every_tenth_is_flagged_and_handed_to_a_coordinator(lay_out, tell):
    programme = lay_out()
    with gateway_for(programme, {"every": 10, "status": 400}, at_once=1) as gateway:
        for at in (NOW, *LATER, "2026-05-08T09:00:00+00:00"):
            until_quiet(programme, at)
        found = ledger(gateway)
        tell("texts: 400 for every tenth", programme, found, note=f"{flagged(programme)} flagged")

    assert (found.told, found.twice, found.repeated) == (PEOPLE - PEOPLE // 10, 0, 0)
    # The gateway took no text after the last one's, so that nothing proves its number wrong yet.
    assert flagged(programme) == PEOPLE // 10 - 1
    assert programme.count("notices", "kind = 'contact'") == PEOPLE // 10 - 1
    assert texts(programme)["retry"] == 1


def test_a_gateway_that_hangs_and_took_the_text_makes_one_copy_at_most(lay_out, tell):
    programme = lay_out(people=20)
    rule = {"match": "[0-9]5$", "delay": HANGS_S, "take": True}
    some = frozenset(phone(number) for number in range(1, 21))
    with gateway_for(programme, rule, read_timeout_s=0.5, at_once=1) as gateway:
        for at in (NOW, *LATER):
            until_quiet(programme, at)
        found = ledger(gateway, some)
        tell("texts: gateway hangs for every tenth", programme, found)

    assert (found.never, found.twice) == (0, 0)
    assert found.repeated == 2  # 5 and 15, once each: nobody gets a third
    assert texts(programme) == {"sent": 18, "failed": 2}
    assert flagged(programme) == 2


def test_a_gateway_that_hangs_for_everybody_is_left_alone(lay_out, tell):
    programme = lay_out()
    rule = {"delay": HANGS_S, "take": True}
    with gateway_for(programme, rule, read_timeout_s=0.3, at_once=1) as gateway:
        done = programme.deliver()
        assert done.code == 1
        assert len(gateway.taken()) == 3
        gateway.stop()
        gateway.start([])
        until_quiet(programme, LATER[0])
        found = ledger(gateway)
        tell("texts: gateway hangs for everybody, then works", programme, found)

    assert (found.never, found.twice, found.repeated) == (0, 0, 3)
    assert texts(programme) == {"sent": PEOPLE}


def test_a_connection_that_drops_makes_one_copy_at_most(lay_out, tell):
    programme = lay_out()
    rule = {"every": 10, "first_time": True, "drop": True, "take": True}
    with gateway_for(programme, rule) as gateway:
        until_quiet(programme)
        until_quiet(programme, LATER[0])
        found = ledger(gateway)
        tell("texts: connection dropped for every tenth", programme, found)

    assert (found.never, found.twice) == (0, 0)
    assert found.repeated == PEOPLE // 10
    assert texts(programme) == {"sent": PEOPLE}


def test_a_gateway_that_is_down_is_said_and_uses_up_no_attempt(lay_out, tell):
    programme = lay_out()
    with gateway_for(programme) as gateway:
        gateway.stop()
        done = programme.deliver()
        assert done.code == 1
        assert "127.0.0.1" not in done.err
        assert programme.count("messages", "attempt > 0") == 0
        gateway.start()
        until_quiet(programme, LATER[0])
        found = ledger(gateway)
        tell("texts: gateway down, then up", programme, found)

    assert found.clean


def test_several_deliveries_at_once_send_each_text_once(lay_out, tell):
    programme = lay_out()
    with gateway_for(programme, {"delay": 0.002}) as gateway:
        children = [programme.start_deliver() for _ in range(3)]
        for child in children:
            child.communicate(timeout=120)
        until_quiet(programme)
        found = ledger(gateway)
        tell("texts: three deliveries at once", programme, found)

    assert found.clean
    assert texts(programme) == {"sent": PEOPLE}


def test_a_pause_stops_texts_too(lay_out):
    programme = lay_out(people=20)
    with gateway_for(programme) as gateway:
        paused = programme.here(
            "pause", "--reason", "unrest", "--by", "coordinator@hall.example", "--as-of", NOW
        )
        assert paused.code == 0, paused.err
        until_quiet(programme)
        assert gateway.taken() == []
