"""The coordinator's week in words: what to do first, then what comes, then what moved."""

from collections.abc import Callable, Iterable

from engine.action import State
from engine.digest import Entry, Figures, Listed, Place
from notifications.digest_manager import changes
from notifications.digest_sheet import Block, Heading, Lines, Tiles, Words
from notifications.digest_terms import COLOURS, MOST_ROWS, Speech

TILES = (Place.PAST_DAY, Place.ON_TIME, Place.TO_CONFIRM, Place.CONFIRMED)


def coordinator_blocks(
    figures: Figures, speech: Speech, unreachable: int | None
) -> tuple[Block, ...]:
    """The lists of a week; what is empty is left out, and said in one line if all are."""
    names, places = speech.short_places(), figures.every.places
    tiles = Tiles(tuple((speech.number(places[p]), names[p], COLOURS[p]) for p in TILES))
    return (
        *_opening(figures, speech),
        tiles,
        *_lists(figures, speech),
        *changes(figures, speech),
        *_where(figures, speech, unreachable),
    )


def _opening(figures: Figures, speech: Speech) -> Iterable[Block]:
    lists, ngettext = figures.lists, speech.ngettext
    calls, letters = lists["calls"].count, lists["releases"].count
    dates, claims = lists["asked"].count, lists["to_confirm"].count
    wanted = (
        (calls, ngettext("%(num)s telephone call to make",
                         "%(num)s telephone calls to make", calls)),
        (letters, ngettext("%(num)s letter to approve", "%(num)s letters to approve", letters)),
        (dates, ngettext("%(num)s date asked for", "%(num)s dates asked for", dates)),
        (claims, ngettext("%(num)s confirmation to get", "%(num)s confirmations to get", claims)),
    )  # fmt: skip
    said = [text for count, text in wanted if count]
    if said:
        text = speech.gettext("This week: %(list)s.", list=speech.gettext(", ").join(said))
    else:
        text = speech.gettext("Nothing waits for you this week.")
    yield Words(text, "lead")


def _lists(figures: Figures, speech: Speech) -> Iterable[Block]:
    gettext, lists = speech.gettext, figures.lists
    several = len(figures.frame.dialogues) > 1

    def late(entry: Entry) -> str:
        return _late(entry, speech)

    def since(entry: Entry) -> str:
        return gettext("since %(day)s", day=speech.short(entry.day)) if entry.day else ""

    sections: tuple[tuple[str, str, Callable[[Entry], str]], ...] = (
        ("calls", gettext("Telephone calls to make"), late),
        ("releases", gettext("Letters that wait for your approval"), late),
        ("asked", gettext("Other dates that were asked for"),
         lambda e: gettext("asks for %(day)s", day=speech.short(e.day)) if e.day else ""),
        ("disputed", gettext("Seen differently by participants"), since),
        ("to_confirm", gettext("Reported as done, to be confirmed by another party"),
         lambda e: gettext("reported on %(day)s", day=speech.short(e.day)) if e.day else ""),
        ("review", gettext("With an obstacle"),
         lambda e: gettext("look again on %(day)s", day=speech.short(e.day)) if e.day else ""),
        ("due_soon", gettext("Due within ten working days"),
         lambda e: gettext("due on %(day)s", day=speech.short(e.day)) if e.day else ""),
        ("past_day", gettext("Past the agreed day"), late),
    )  # fmt: skip
    for name, heading, detail in sections:
        if lists[name].count:
            yield Heading(f"{heading} ({speech.number(lists[name].count)})")
            yield from _named(lists[name], speech, detail, several=several)


def _named(
    listed: Listed, speech: Speech, detail: Callable[[Entry], str], *, several: bool
) -> Iterable[Block]:
    shown = listed.entries[:MOST_ROWS]
    lines = []
    for entry in shown:
        parts = (speech.named(entry), speech.plain(entry.dialogue) if several else "",
                 speech.plain(entry.party), detail(entry))  # fmt: skip
        lines.append(" · ".join(part for part in parts if part))
    yield Lines(tuple(lines))
    if more := speech.more(listed, shown):
        yield Words(more, "quiet")


def _late(entry: Entry, speech: Speech) -> str:
    if not entry.days:
        return ""
    return speech.ngettext(
        "%(num)s working day past the agreed day",
        "%(num)s working days past the agreed day",
        entry.days,
    )


def _where(figures: Figures, speech: Speech, unreachable: int | None) -> Iterable[Block]:
    gettext, every = speech.gettext, figures.every
    yield Heading(gettext("Where the actions stand"))
    states = [
        speech.pair(label, speech.number(figures.by_state[state]))
        for state, label in speech.states().items()
        if figures.by_state[State(state)]
    ]
    yield Lines((*states, speech.pair(gettext("Together"), speech.number(every.total))))
    if unreachable:
        label = gettext("Actions whose party has no contact that works")
        yield Words(speech.pair(label, speech.number(unreachable)))
    yield Words(gettext("Confidential actions are in no list and no number here."), "quiet")
