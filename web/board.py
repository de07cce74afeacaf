"""The list of actions and the board by state: filters in the address, page by page."""

import re
from collections.abc import Mapping
from datetime import date
from typing import Any, Final
from urllib.parse import urlencode

from fastapi import Response

from engine.action import State
from engine.conditions import Condition
from engine.party import Side
from engine.permission import Deed
from engine.store.board import (
    COUNTED,
    Cursor,
    Filter,
    counts_by_state,
    first_of,
    only_counted,
    page_of,
    rows_of,
)
from engine.store.seen import dialogues_of
from web.dashboard_narrow import narrow_of, said_of
from web.face import NOT_FOUND, OK, Entrance, Visit
from web.homes import named_of

LONGEST_TEXT: Final = 80
IN_COLUMN: Final = 8
"""So many actions stand in each column of the board; the rest is one press away."""

COLUMNS: Final = (
    State.PROPOSED, State.AGREED, State.IN_PROGRESS, State.BLOCKED, State.REPORTED_DONE,
    State.DISPUTED, State.VERIFIED, State.IN_FORCE,
)  # fmt: skip
_NOTHING: Final = {"dialogue": "", "state": "", "condition": "", "side": "", "text": ""}
_CURSOR: Final = re.compile(r"(\d{4}-\d\d-\d\d)?\.(\d{1,18})")


def add_board(entrance: Entrance) -> None:
    entrance.get("/actions", Deed.LIST, actions)
    entrance.get("/board", Deed.LIST, board)


def actions(visit: Visit) -> Response:
    """The actions that this person may see, the earliest due first."""
    with visit.services.database.read() as connection:
        mine = dialogues_of(connection, visit.member)
        homes, wanted, asked = _filter(visit, mine)
        directory = visit.services.directory(connection)
        found = page_of(
            directory, visit.member, _asked_of(visit, homes, asked), wanted, visit.now,
            visit.services.thresholds,
            after=_cursor(visit.query("after")),
        )  # fmt: skip
        hidden = only_counted(
            directory, visit.member, homes, wanted, visit.now, visit.services.thresholds
        )
    following = ""
    if found.next is not None:
        behind = f"{found.next.due_on or ''}.{found.next.id}"
        following = "/actions?" + urlencode({**asked, "after": behind})
    return visit.page(
        "face_actions.html", OK if homes or not mine else NOT_FOUND,
        hidden=hidden, nowhere="" if homes or not mine else asked["dialogue"],
        narrowed=said_of(visit.language, wanted.narrow),
        found=found, names=[row.name for row in mine], asked=_NOTHING | asked, filtered=bool(asked),
        following=following, begun=visit.query("after"),
        first="/actions?" + urlencode(asked), more_than=COUNTED,
        states=list(State), conditions=list(Condition), sides=list(Side),
    )  # fmt: skip


def board(visit: Visit) -> Response:
    """The same by state, side by side."""
    with visit.services.database.read() as connection:
        mine = dialogues_of(connection, visit.member)
        homes, _wanted, asked = _filter(visit, mine)
        asked_of = _asked_of(visit, homes, asked)
        directory = visit.services.directory(connection)
        counts = counts_by_state(connection, visit.member, asked_of)
        there = {state: Filter(state=state) for state in COLUMNS if counts[state]}
        limits = visit.services.thresholds
        found = first_of(
            directory, visit.member, asked_of, there, visit.now, limits, size=IN_COLUMN
        )
        shown = [action for some, _number in found.values() for action in some]
        rows = {
            row.view.action.id: row
            for row in rows_of(directory, visit.member, shown, visit.now, limits)
        }
        columns = [
            (state, counts[state], [rows[action.id] for action in some])
            for state, (some, _number) in found.items()
        ]
    over = sum(number for state, number in counts.items() if state not in COLUMNS)
    dialogue = {"dialogue": asked.get("dialogue", "")}
    return visit.page(
        "face_board.html", OK if homes or not mine else NOT_FOUND,
        nowhere="" if homes or not mine else asked["dialogue"],
        columns=columns, names=[row.name for row in mine], asked=dialogue, over=over,
        total=sum(counts.values()), urlencode=urlencode, more_than=COUNTED,
    )  # fmt: skip


def _filter(visit: Visit, mine: list[Any]) -> tuple[list[int], Filter, dict[str, str]]:
    """
    What the address asks for; what is no word of ours is not asked.

    Of a dialogue that is none of theirs nothing is listed.
    """
    asked: dict[str, str] = {}
    homes = [row.id for row in mine]
    if visit.query("dialogue"):
        home = named_of(mine, visit.query("dialogue"))
        asked["dialogue"] = home.name if home else visit.query("dialogue")
        homes = [home.id] if home else []
    for name, known in (("state", State), ("side", Side), ("condition", Condition)):
        if visit.query(name) in set(known):
            asked[name] = visit.query(name)
    narrow = narrow_of(visit.query, asked)
    if visit.query("text"):
        asked["text"] = visit.query("text")[:LONGEST_TEXT]
    return (
        homes,
        Filter(
            state=State(asked["state"]) if "state" in asked else None,
            side=Side(asked["side"]) if "side" in asked else None,
            condition=Condition(asked["condition"]) if "condition" in asked else None,
            text=asked.get("text", ""),
            narrow=narrow,
        ),
        asked,
    )


def _asked_of(visit: Visit, homes: list[int], asked: Mapping[str, str]) -> list[int] | None:
    """These dialogues; None where nothing is narrowed down and a role holds for every one."""
    everywhere = any(where is None for _role, where in visit.member.grants)
    return None if everywhere and "dialogue" not in asked else homes


def _cursor(text: str) -> Cursor | None:
    found = _CURSOR.fullmatch(text)
    if found is None:
        return None
    try:
        due_on = date.fromisoformat(found[1]) if found[1] else None
    except ValueError:
        return None
    return Cursor(due_on, int(found[2]))
