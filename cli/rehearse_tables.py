"""A rehearsal as words and tables."""

from cli.output import pairs, say, several, table
from workflows.rehearse import Line, Rehearsed, Wanted
from workflows.rehearse_against import Change, Compared
from workflows.rehearse_figures import (
    by_language,
    kept_back,
    loads,
    messages_of,
    on_days_off,
    weeks,
)

SHOWN = 100
"""Lines of a table for people; --all shows every one, and --json always has all."""


def show(found: Rehearsed, wanted: Wanted, *, whole: bool) -> None:
    """A rehearsal, for people."""
    lines = found.lines
    mails = messages_of(lines)
    people, refs = {mail.person for mail in mails}, {line.action for line in lines}
    say(
        f"If nobody acts from {found.since:%Y-%m-%d %H:%M} UTC to {found.until_on}: "
        f"{several(len(mails), 'message')} to {several(len(people), 'person', 'people')} "
        f"about {several(len(refs), 'action')}."
    )
    _say_ladder(found, wanted)
    shown = lines if whole else lines[:SHOWN]
    table(
        "Who is told what",
        ("when (UTC)", "to", "action", "rung", "channel", "language"),
        [_row(line) for line in shown],
        whole=("when (UTC)", "action", "rung"),
    )
    if len(shown) < len(lines):
        say(f"... and {len(lines) - len(shown):,} lines more: --all or --json shows them.")
    table(
        "Week by week",
        ("from", "messages", "things said", "on the board", "wait for release"),
        [(w.from_on, w.messages, w.said, w.posted, w.waiting) for w in weeks(lines)],
        whole=("from",),
    )
    by_person = loads(lines)
    table(
        "What each person gets",
        ("person", "language", "messages", "most in a week", "most on a day", "on the board"),
        [
            (f"{p.function} ({p.person})", p.language, p.messages, p.most_in_a_week,
             p.most_on_a_day, p.posted)
            for p in (by_person if whole else by_person[:SHOWN])
        ],
    )  # fmt: skip
    table("Languages and channels", ("language", "channel", "messages"), by_language(lines))
    _show_kept_back(found)
    pairs(
        "Days respected",
        {
            "messages on a rest day or feast": str(len(on_days_off(lines))),
            "most messages to one person on one day": str(
                max((p.most_on_a_day for p in by_person), default=0)
            ),
        },
    )


def _show_kept_back(found: Rehearsed) -> None:
    rows = kept_back(found)
    if rows:
        table("Not told", ("notices", "what becomes of them", "why"),
              [(number, what, why) for what, why, number in rows])  # fmt: skip
    for reason in found.holds:
        say(f"A hold is in force: {reason}")
    for day in found.quiet:
        say(f"Kept quiet: {day}")


def _say_ladder(found: Rehearsed, wanted: Wanted) -> None:
    if wanted.ladder is None:
        return
    cases = "1 case" if found.runs_under_way == 1 else f"{found.runs_under_way:,} cases"
    if wanted.all_runs:
        say(f"Ladder {found.ladder}, also for the {cases} under way: in reality they keep theirs.")
    else:
        say(f"Ladder {found.ladder} for what begins from now on; {cases} under way keep the ladder")
        say("that they began with (--all-runs shows it for them too).")


def _row(line: Line) -> tuple[object, ...]:
    rung = f"{line.rung} (needs {line.waits_for})" if line.waits_for else line.rung
    who = f"{line.function} ({line.person})"
    return (f"{line.at:%Y-%m-%d %H:%M}", who, line.action, rung, line.channel, line.language)


def show_both(compared: Compared, found: Rehearsed, wanted: Wanted, *, whole: bool) -> None:
    """Two rehearsals, for people."""
    before, after = compared.before, compared.after
    say(f"{compared.sentence().capitalize()} ({before:,} messages before, {after:,} after).")
    _say_ladder(found, wanted)
    say(f"What is gone is not said by {found.until_on}; it may come after that day.")
    moves = [change.value for change in Change]
    table(
        "By rung: things said",
        ("rung", "before", "after", *moves),
        [(s.name, s.before, s.after, *(s.moved.get(c, 0) for c in Change)) for s in compared.rungs],
    )
    table(
        "By person: messages, and how what is said in them moves",
        ("person", "before", "after", *moves),
        [
            (s.name, s.before, s.after, *(s.moved.get(c, 0) for c in Change))
            for s in compared.people
        ],
    )
    differences = compared.differences if whole else compared.differences[:SHOWN]
    table(
        "Differences",
        ("action", "rung", "person", "", "before (UTC)", "after (UTC)"),
        [
            (d.action, d.rung, d.person, d.change.value,
             f"{d.before_at:%Y-%m-%d %H:%M}" if d.before_at else "",
             f"{d.after_at:%Y-%m-%d %H:%M}" if d.after_at else "")
            for d in differences
        ],
        whole=("action", "rung", "before (UTC)", "after (UTC)"),
    )  # fmt: skip
    if len(differences) < len(compared.differences):
        more = len(compared.differences) - len(differences)
        say(f"... and {more:,} differences more: --all or --json shows them.")
