"""The manager's month in words: a summary first, then what changed, counts, and what waits."""

from collections.abc import Iterable, Sequence

from engine.action import Level, State
from engine.digest import Figures, Listed, Place, Share
from engine.party import Side
from notifications.digest_charts import charts
from notifications.digest_sheet import (
    Block,
    Grid,
    Heading,
    Legend,
    Lines,
    Picture,
    Tiles,
    Words,
)
from notifications.digest_terms import COLOURS, MOST_ROWS, Speech
from notifications.language import percent

MOST_DIALOGUES = 40

TILES = (Place.CONFIRMED, Place.TO_CONFIRM, Place.ON_TIME, Place.PAST_DAY)


def manager_blocks(figures: Figures, speech: Speech, unreachable: int | None) -> tuple[Block, ...]:
    """All that a manager is told, most important first."""
    drawn = charts(figures, speech)
    pictures = {name: Picture(chart, told=name != "over-time") for name, chart in drawn.items()}
    return (
        *_summary(figures, speech),
        *changes(figures, speech),
        *_posted(figures, speech),
        *_states(figures, speech, pictures),
        *_levels(figures, speech, pictures),
        *_sides(figures, speech, pictures),
        *_dialogues(figures, speech),
        *_waiting(figures, speech, pictures, unreachable),
    )


def _summary(figures: Figures, speech: Speech) -> Iterable[Block]:
    yield Words(summary(figures, speech), "lead")
    if figures.total:
        places, names = figures.every.places, speech.short_places()
        yield Tiles(tuple((speech.number(places[p]), names[p], COLOURS[p]) for p in TILES))


def summary(figures: Figures, speech: Speech) -> str:
    """Where everything stands, in a few sentences."""
    places, total = figures.every.places, figures.total
    if not total:
        return speech.gettext("No action is followed yet.")
    said = [
        speech.ngettext(
            "Of %(total)s actions that are followed, %(part)s is confirmed by another party.",
            "Of %(total)s actions that are followed, %(part)s are confirmed by another party.",
            places[Place.CONFIRMED],
            total=speech.number(total), part=speech.of(places[Place.CONFIRMED], total),
        ),
        speech.ngettext(
            "%(num)s is reported as done and waits for somebody of another party to look.",
            "%(num)s are reported as done and wait for somebody of another party to look.",
            places[Place.TO_CONFIRM],
        ),
        speech.ngettext(
            "%(num)s is under way, its agreed day ahead.",
            "%(num)s are under way, their agreed day ahead.",
            places[Place.ON_TIME],
        ),
        speech.ngettext(
            "%(num)s is past its agreed day.",
            "%(num)s are past their agreed day.",
            places[Place.PAST_DAY],
        ),
        speech.ngettext(
            "%(num)s is seen differently by the participants; the committee decides about it.",
            "%(num)s are seen differently by the participants; the committee decides about them.",
            places[Place.SEEN_DIFFERENTLY],
        ),
        speech.ngettext(
            "%(num)s is proposed and not agreed yet.",
            "%(num)s are proposed and not agreed yet.",
            places[Place.NOT_AGREED],
        ),
    ]  # fmt: skip
    told = [text for text, place in zip(said[1:], list(Place)[1:6], strict=True) if places[place]]
    return " ".join([said[0], *told])


def changes(figures: Figures, speech: Speech) -> Iterable[Block]:
    """What became different since the digest before: a line for each sort, or one for nothing."""
    since = speech.day(figures.frame.since_on)
    if figures.unchanged:
        yield Words(speech.gettext("Nothing changed since %(day)s.", day=since))
        return
    yield Heading(speech.gettext("Since %(day)s", day=since))
    lines = []
    for name, label in speech.changes().items():
        listed = figures.changes[name]
        if listed.count:
            refs = speech.refs(listed)
            count = speech.number(listed.count)
            lines.append(speech.pair(label, f"{count} ({refs})" if refs else count))
    yield Lines(tuple(lines))


def _posted(figures: Figures, speech: Speech) -> Iterable[Block]:
    listed = figures.lists["posted"]
    if listed.count:
        yield Heading(speech.gettext("For your attention"))
        yield Words(
            speech.gettext(
                "The reminders, the coordinator and the superior did not help here: "
                "it needs a word from you."
            )
        )
        yield from _aged(listed, speech, speech.gettext("Working days"))


def _states(figures: Figures, speech: Speech, pictures: dict[str, Picture]) -> Iterable[Block]:
    gettext, total = speech.gettext, figures.total
    yield Heading(gettext("Where the actions stand"))
    if picture := pictures.get("over-time"):
        yield picture
    rows = [
        (label, *_part(figures.by_state[state], total, speech))
        for state, label in speech.states().items()
        if figures.by_state[State(state)]
    ]
    if figures.apart is not None:
        label = gettext("Confidential, counted only here")
        rows.append((label, *_part(figures.apart, total, speech)))
    rows.append((gettext("Together"), *_part(total, total, speech)))
    yield Grid((gettext("State"), gettext("Actions"), gettext("Share")), tuple(rows), total=True)
    notes = [gettext("Shares are rounded and need not add up to 100%.")]
    if figures.frame.whole:
        notes.append(
            gettext(
                "Confidential actions stand in the total and nowhere else, "
                "and only if there are at least three of them."
            )
        )
    yield Words(" ".join(notes), "quiet")


def _part(part: int, total: int, speech: Speech) -> tuple[str, str]:
    return speech.number(part), percent(speech.language, part / total) if total else ""


def _levels(figures: Figures, speech: Speech, pictures: dict[str, Picture]) -> Iterable[Block]:
    if "levels" not in pictures:
        return
    gettext, named = speech.gettext, speech.levels()
    yield Heading(gettext("How much is there: reported and confirmed"))
    yield pictures["levels"]
    rows = [
        (named[level], *(speech.number(figures.levels[level][sort])
                         for sort in ("reported", "verified")))
        for level in Level
    ]  # fmt: skip
    sums = (
        sum(figures.levels[level][sort] for level in Level) for sort in ("reported", "verified")
    )
    rows.append((gettext("Together"), *map(speech.number, sums)))
    yield Grid(
        (gettext("Level"), gettext("Reported"), gettext("Confirmed")), tuple(rows), total=True
    )
    yield Words(
        gettext(
            "Reported is what those say who took it on, confirmed what another party saw. "
            "Not counted here: what is not agreed yet, and what was replaced, withdrawn or closed."
        ),
        "quiet",
    )


def _sides(figures: Figures, speech: Speech, pictures: dict[str, Picture]) -> Iterable[Block]:
    if not figures.by_side:
        return
    gettext, sides = speech.gettext, speech.sides()
    yield Heading(gettext("By side, by the same measure"))
    if picture := pictures.get("sides"):
        yield picture
        yield _legend(figures, speech)
    shares = figures.by_side
    head = (gettext("Of the actions taken on by"), *(sides[Side(s.name)] for s in shares))
    yield Grid(head, tuple(_side_rows(shares, speech)), stacked=True)
    yield Words(
        gettext(
            "Each share is of the actions of that side. An action that several parties took on "
            "is counted with the first of them. What is past its day is not always late by its "
            "own party: it may wait for another action."
        ),
        "quiet",
    )


def _side_rows(shares: Sequence[Share], speech: Speech) -> Iterable[tuple[str, ...]]:
    gettext = speech.gettext
    yield (gettext("All"), *(speech.number(share.total) for share in shares))
    for place, label in speech.places().items():
        if any(share.places[place] for share in shares):
            yield (label, *(speech.of(share.places[place], share.total) for share in shares))
    beside = (
        (gettext("… due soon"), [share.due_soon for share in shares]),
        (gettext("… with an obstacle"), [share.blocked for share in shares]),
        (gettext("… waiting for another action"), [share.waiting for share in shares]),
        (gettext("… standing still"), [share.stalled for share in shares]),
    )
    for label, counts in beside:
        if any(counts):
            pairs = zip(counts, shares, strict=True)
            yield (label, *(speech.of(count, share.total) for count, share in pairs))
    per = [round(share.reminders / share.total, 1) if share.total else 0 for share in shares]
    yield (gettext("Reminders for each action so far"), *map(speech.number, per))


def _dialogues(figures: Figures, speech: Speech) -> Iterable[Block]:
    shares = figures.by_dialogue
    if len(shares) < 2:  # noqa: PLR2004 - one dialogue is the whole, which was told above
        return
    gettext = speech.gettext
    yield Heading(gettext("By dialogue"))
    if len(shares) > MOST_DIALOGUES:
        shares = tuple(sorted(shares, key=lambda share: -share.places[Place.PAST_DAY]))
        shares, rest = shares[: MOST_DIALOGUES - 1], shares[MOST_DIALOGUES - 1 :]
    else:
        rest = ()
    used, names = _used(figures), speech.short_places()
    rows = [_dialogue_row(speech.plain(share.name), [share], used, speech) for share in shares]
    if rest:
        rows.append(_dialogue_row(gettext("All others"), rest, used, speech))
    rows.append(_dialogue_row(gettext("Together"), figures.by_dialogue, used, speech))
    yield _legend(figures, speech)
    head = (gettext("Dialogue"), gettext("All"), *(names[place] for place in used))
    colours = tuple(COLOURS[place] for place in used)
    yield Grid(head, tuple(rows), total=True, colours=("", *colours))


def _dialogue_row(
    name: str, shares: Sequence[Share], used: Sequence[Place], speech: Speech
) -> tuple[str, ...]:
    counts = (sum(share.places[place] for share in shares) for place in used)
    return (name, *map(speech.number, (sum(share.total for share in shares), *counts)))


def _used(figures: Figures) -> list[Place]:
    """The places at which anything is."""
    return [place for place in COLOURS if figures.every.places[place]]


def _legend(figures: Figures, speech: Speech) -> Legend:
    names = speech.short_places()
    return Legend(tuple((names[place], COLOURS[place]) for place in _used(figures)))


def _waiting(
    figures: Figures,
    speech: Speech,
    pictures: dict[str, Picture],
    unreachable: int | None,
) -> Iterable[Block]:
    gettext, lists = speech.gettext, figures.lists
    yield Heading(gettext("What waits"))
    stalled = lists["stalled"]
    if stalled.count:
        yield Words(
            speech.ngettext(
                "%(num)s action stands still: long past its day without coming further, past the "
                "day set for its obstacle, or moved again and again.",
                "%(num)s actions stand still: long past their day without coming further, past the "
                "day set for their obstacle, or moved again and again.",
                stalled.count,
            )
        )
        if picture := pictures.get("ages"):
            yield Words(gettext("For how many working days:"))
            yield picture
        yield from _aged(stalled, speech, gettext("Working days"))
    yield Lines(tuple(_said(figures, speech, unreachable)))
    for name, label in (
        ("backlog", gettext("Reported as done, and nobody has looked for long")),
        ("disputed", gettext("Seen differently")),
        ("moved", gettext("Moved to another date")),
    ):
        if lists[name].count:
            yield Words(speech.pair(label, speech.number(lists[name].count)))
            last = gettext("Times") if name == "moved" else gettext("Days")
            yield from _aged(lists[name], speech, last)


def _said(figures: Figures, speech: Speech, unreachable: int | None) -> Iterable[str]:
    """What is zero is said too: that nothing waits is news."""
    gettext, lists = speech.gettext, figures.lists
    for name, label in (
        ("backlog", gettext("Reported as done, and nobody has looked for long")),
        ("disputed", gettext("Seen differently")),
        ("calls", gettext("Telephone calls that coordinators were asked to make")),
        ("releases", gettext("Letters that wait for a coordinator's approval")),
    ):
        yield speech.pair(label, speech.number(lists[name].count))
    if unreachable is not None:
        label = gettext("Actions whose party has no contact that works")
        yield speech.pair(label, speech.number(unreachable))


def _aged(listed: Listed, speech: Speech, last: str) -> Iterable[Block]:
    shown = listed.entries[:MOST_ROWS]
    if shown:
        gettext = speech.gettext
        rows = tuple(
            (
                speech.plain(entry.ref),
                speech.short(entry.day) if entry.day else "",
                speech.number(entry.days),
            )
            for entry in shown
        )
        notes = tuple(
            " · ".join(
                part
                for part in (
                    speech.plain(entry.dialogue),
                    speech.title(entry),
                )
                if part
            )
            for entry in shown
        )
        yield Grid((gettext("Reference"), gettext("Day"), last), rows, notes=notes)
    if more := speech.more(listed, shown):
        yield Words(more, "quiet")
