"""What a rehearsal comes to, and what another ladder would change, reckoned from its lines."""

from dataclasses import replace
from datetime import date

from builders import MONDAY, at, day

from engine.store.outbox_tables import NoticeStatus
from workflows.rehearse import Line, Rehearsed
from workflows.rehearse_against import Change, compare
from workflows.rehearse_figures import (
    Load,
    Week,
    by_language,
    kept_back,
    loads,
    messages_of,
    on_days_off,
    weeks,
)


def a_line(on: date = MONDAY, **changes) -> Line:
    line = Line(
        at=at(on), to="chief@post.example", action="SAA-01", rung="R1", channel="email",
        language="en", person="chief", function="Chief of post", dialogue="Saaba", day=on,
    )  # fmt: skip
    return replace(line, **changes)


TWO_THINGS_IN_ONE = (a_line(), a_line(action="SAA-02"))
POSTED = a_line(channel="page", person="committee", to="committee", rung="E2")
WAITING = a_line(day(8), channel="", person="region", rung="E3", waits_for="release")


def test_what_reaches_a_person_at_one_instant_is_one_message():
    assert len(messages_of(TWO_THINGS_IN_ONE)) == 1
    assert len(messages_of([*TWO_THINGS_IN_ONE, a_line(day(1))])) == 2
    assert messages_of([POSTED, WAITING]) == []


def test_the_calendar_counts_messages_and_things_by_the_week_of_their_reader():
    assert weeks([*TWO_THINGS_IN_ONE, a_line(day(6)), POSTED, WAITING]) == [
        Week(from_on=MONDAY, messages=2, said=3, posted=1, waiting=0),
        Week(from_on=day(7), messages=0, said=0, posted=0, waiting=1),
    ]


def test_the_load_of_a_person_is_reckoned_by_day_and_week():
    lines = [*TWO_THINGS_IN_ONE, a_line(day(1)), a_line(day(9)), POSTED, WAITING]
    assert loads(lines) == [
        Load(person="chief", function="Chief of post", language="en", messages=3,
             most_in_a_week=2, most_on_a_day=1, posted=0),
        Load(person="committee", function="Chief of post", language="en", messages=0,
             most_in_a_week=0, most_on_a_day=0, posted=1),
    ]  # fmt: skip
    twice = [a_line(), replace(a_line(), at=at(MONDAY, 15))]
    assert loads(twice)[0].most_on_a_day == 2  # it would be seen


def test_languages_and_channels_are_counted_in_messages():
    lines = [*TWO_THINGS_IN_ONE, a_line(person="elder", language="ha"), POSTED, WAITING]
    assert by_language(lines) == [("en", "email", 1), ("en", "page", 1), ("ha", "email", 1)]


def test_a_message_on_a_day_off_would_be_found():
    wrong = a_line(day(5), off="rest day (Saturday)")
    assert [message.off for message in on_days_off([a_line(), wrong])] == ["rest day (Saturday)"]


def test_what_is_kept_back_is_told_with_the_reason():
    unsaid = ((NoticeStatus.HELD, "on hold", 3),)
    found = Rehearsed(since=at(MONDAY), until_on=day(7), lines=(), unsaid=unsaid)
    assert kept_back(found) == [("kept back until somebody resumes", "on hold", 3)]


def up(on: date, **changes) -> Line:
    return a_line(on, rung="E1", person="coord", escalates=True, **changes)


def test_another_ladder_is_told_in_one_sentence_and_line_by_line():
    before = [a_line(), a_line(day(2), rung="R2"), up(day(5)), up(day(5), action="SAA-02")]
    after = [a_line(), up(day(9)), up(day(4), action="SAA-02"), up(day(9), action="SAA-03")]
    found = compare(before, after)

    assert found.sentence() == (
        "as many messages, 1 escalation later, 1 escalation sooner, 1 escalation more"
    )
    assert [(d.action, d.rung, d.change) for d in found.differences] == [
        ("SAA-01", "E1", Change.LATER), ("SAA-01", "R2", Change.GONE),
        ("SAA-02", "E1", Change.SOONER), ("SAA-03", "E1", Change.NEW),
    ]  # fmt: skip
    [e1, r1, r2] = found.rungs
    assert (e1.name, e1.before, e1.after) == ("E1", 2, 3)
    assert (r1.before, r1.after, sum(r1.moved.values())) == (1, 1, 0)
    assert (r2.before, r2.after, r2.moved[Change.GONE]) == (1, 0, 1)


def test_fewer_and_more_messages_are_counted():
    three = [a_line(), a_line(day(1)), a_line(day(2))]
    assert compare(three, three[:1]).sentence() == "2 fewer messages"
    assert compare(three[:2], three).sentence() == "1 more message"


def test_the_same_twice_differs_in_nothing():
    lines = [*TWO_THINGS_IN_ONE, POSTED, WAITING]
    found = compare(lines, list(lines))
    assert (found.sentence(), found.differences) == ("as many messages", ())


def test_what_is_said_again_each_month_is_held_against_its_own_turn():
    before = [a_line(day(0), rung="E4"), a_line(day(30), rung="E4")]
    after = [a_line(day(0), rung="E4"), a_line(day(33), rung="E4")]
    [difference] = compare(before, after).differences
    assert (difference.change, difference.before_at) == (Change.LATER, at(day(30)))
