"""A digest as a workbook: figures in cells of their type, and the lists that its reader may see."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from engine.action import Level, State
from engine.digest import Figures, Listed, Place, Share
from engine.party import Side
from notifications.digest_charts import ages_said
from notifications.digest_terms import Speech
from notifications.workbook import Sheet, workbook

Value = str | int | date | None


def digest_book(figures: Figures, language: str) -> bytes:
    """The workbook. No cell is a formula, whatever its text begins with."""
    speech, names = Speech(language), list[str]()
    sheets = []
    for title, head, rows in _tables(figures, speech):
        names.append(_tab(title, names))
        sheets.append(Sheet(name=names[-1], columns=head, rows=rows))
    return workbook(sheets, figures.frame.day.isoformat())


Table = tuple[str, Sequence[str], Iterable[Sequence[Value]]]


def _tables(figures: Figures, speech: Speech) -> Iterable[Table]:
    gettext, states, levels = speech.gettext, speech.states(), speech.levels()
    rows: list[Sequence[Value]] = [(states[state], figures.by_state[state]) for state in states]
    if figures.apart is not None:
        rows.append((gettext("Confidential, counted only here"), figures.apart))
    rows.append((gettext("Together"), figures.total))
    yield gettext("State"), (gettext("State"), gettext("Actions")), rows
    yield (
        gettext("Level"),
        (gettext("Level"), gettext("Reported"), gettext("Confirmed")),
        [
            (levels[level], figures.levels[level]["reported"], figures.levels[level]["verified"])
            for level in Level
        ],
    )
    sides = speech.sides()
    yield _shares(gettext("Side"), [(sides[Side(s.name)], s) for s in figures.by_side], speech)
    yield _shares(gettext("Dialogue"), [(s.name, s) for s in figures.by_dialogue], speech)
    spans = ages_said(speech)
    yield (
        gettext("Standing still"),
        (gettext("Working days"), gettext("Actions")),
        [(spans[name], count) for name, count in figures.ages.items()],
    )
    yield (
        gettext("Over time"),
        (gettext("Day"), *states.values()),
        [
            (point.on, *(point.by_state.get(State(state), 0) for state in states))
            for point in figures.series
        ],
    )
    yield _listed(gettext("What waits"), figures.lists, speech)
    yield _listed(gettext("Changes"), figures.changes, speech)


def _shares(title: str, shares: Sequence[tuple[str, Share]], speech: Speech) -> Table:
    gettext, places = speech.gettext, speech.places()
    head = (
        title, gettext("All"), *places.values(), gettext("… due soon"),
        gettext("… with an obstacle"), gettext("… waiting for another action"),
        gettext("… standing still"), gettext("Reminders"),
    )  # fmt: skip
    rows: list[Sequence[Value]] = [
        (
            name, share.total, *(share.places[Place(place)] for place in places), share.due_soon,
            share.blocked, share.waiting, share.stalled, share.reminders,
        )
        for name, share in shares
    ]  # fmt: skip
    return title, head, rows


def _listed(title: str, lists: Mapping[str, Listed], speech: Speech) -> Table:
    gettext = speech.gettext
    head = (
        gettext("List"), gettext("Reference"), gettext("Action"), gettext("Party"),
        gettext("Dialogue"), gettext("State"), gettext("Day"), gettext("Days"), gettext("Before"),
    )  # fmt: skip
    states, named = speech.states(), list_names(speech)
    rows: list[Sequence[Value]] = []
    for name, listed in lists.items():
        rows += [
            (
                named[name], entry.ref, entry.title, entry.party, entry.dialogue,
                states[State(entry.state)], entry.day, entry.days, entry.was,
            )
            for entry in listed.entries
        ]  # fmt: skip
        if unnamed := listed.count - len(listed.entries):
            rows.append((named[name], "", speech.ngettext("%(num)s more", "%(num)s more", unnamed)))
    return title, head, rows


def list_names(speech: Speech) -> dict[str, str]:
    """What each list and each sort of change is called."""
    gettext = speech.gettext
    return {
        **speech.changes(),
        "stalled": gettext("Standing still"),
        "backlog": gettext("Reported as done, and nobody has looked for long"),
        "disputed": gettext("Seen differently"),
        "posted": gettext("For your attention"),
        "calls": gettext("Telephone calls to make"),
        "releases": gettext("Letters that wait for your approval"),
        "asked": gettext("Other dates that were asked for"),
        "due_soon": gettext("Due within ten working days"),
        "review": gettext("With an obstacle"),
    }


def _tab(title: str, taken: Sequence[str]) -> str:
    """A name that a tab may have, and that no other tab has."""
    safe = "".join(" " if sign in "[]:*?/\\'" else sign for sign in title)[:28].strip() or "-"
    return safe if safe not in taken else f"{safe} {len(taken)}"
