"""What waits for what, drawn without a script, and the same as a list for everybody."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from fastapi import Response
from markupsafe import Markup

from engine.errors import UnknownThing
from engine.permission import Deed
from engine.store.database import Connection
from engine.store.hanging import Edge, edges_around, edges_in, settled
from engine.store.listing import View, views_of
from engine.store.records import actions_by_id, find_action
from engine.store.seen import dialogues_of, partners_of
from web.dependency_drawing import Box, draw
from web.face import NOT_FOUND, Entrance, Visit
from web.face_words import word
from web.homes import chosen_of
from web.layout import depths

MOST_EDGES: Final = 2_000
LARGEST_DRAWING: Final = 44 * 1024
"""Bytes: with what stands around it the page stays under 50 KB."""

FULL_LINE, BRIEF_LINE = 420, 75
"""About so many bytes each action of the list takes, with its title or by its reference alone."""

LISTED: Final = 100
"""So many actions stand on one page of the list."""


def add_dependencies(entrance: Entrance) -> None:
    entrance.get("/dependencies", Deed.LIST, look)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """An action of the list, with what it waits for; `view` is None for one that is not shown."""

    view: View | None
    title: str | None
    waits_for: tuple[View | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """What hangs together, as far as this reader may see it."""

    views: Mapping[int, View]
    edges: tuple[Edge, ...]
    met: frozenset[int]
    titles: Mapping[int, str]
    cut: bool


def look(visit: Visit) -> Response:
    """The actions of a dialogue that depend on each other, or everything around one of them."""
    with visit.services.database.read() as connection:
        homes = dialogues_of(connection, visit.member)
        ref = visit.query("ref")[:60]
        home = None
        if ref:
            action_id, ref = _begin(visit, connection, ref)
            edges = edges_around(connection, action_id, MOST_EDGES + 1)
        else:
            home = _home(visit, homes)
            edges = edges_in(connection, home.id, MOST_EDGES + 1) if home else []
        graph = _graph(visit, connection, edges)
    boxes = {node: _box(visit, graph, node) for edge in graph.edges for node in edge}
    drawing = draw(graph.edges, boxes, graph.met, rtl=visit.language == "ar") if boxes else ""
    lines = _lines(graph)
    as_list = visit.query("as") == "list" or len(drawing.encode()) > LARGEST_DRAWING
    start = int(visit.query("from")) if visit.query("from").isdecimal() else 0
    asked = {"ref": ref, "dialogue": "" if ref or home is None else home.name}
    asked = {name: value for name, value in asked.items() if value}
    room = LARGEST_DRAWING - len(drawing.encode())
    fits = next((size for size in (FULL_LINE, BRIEF_LINE) if len(lines) * size <= room), 0)
    return visit.page(
        "face_dependencies.html",
        ref=ref, home=home, names=[row.name for row in homes], cut=graph.cut,
        drawing=Markup("") if as_list else Markup(drawing),  # noqa: S704 - every text is escaped
        too_large=len(drawing.encode()) > LARGEST_DRAWING, total=len(lines),
        lines=lines[start : start + LISTED] if as_list else lines if fits else (),
        briefly=fits == BRIEF_LINE and not as_list, whole=fits == FULL_LINE,
        list_link="/dependencies?" + urlencode({**asked, "as": "list"}),
        drawing_link="/dependencies?" + urlencode(asked),
        following="/dependencies?" + urlencode({**asked, "as": "list", "from": start + LISTED})
        if as_list and len(lines) > start + LISTED else "",
        as_list=as_list,
    )  # fmt: skip


def _begin(visit: Visit, connection: Connection, ref: str) -> tuple[int, str]:
    """The action that is named, if this person may see it in a list."""
    try:
        action = find_action(connection, ref)
    except UnknownThing:
        visit.refuse(NOT_FOUND)
    partners = partners_of(connection, [action.id]).get(action.id, ())
    visit.must(Deed.LIST, action, tuple(partners))
    return action.id, action.ref


def _home(visit: Visit, homes: list[Any]) -> Any:  # noqa: ANN401 - a row, or None
    return chosen_of(visit, homes, visit.query("dialogue")) or next(iter(homes), None)


def _graph(visit: Visit, connection: Connection, edges: Sequence[Edge]) -> Graph:
    """What of these edges this reader may see at least one end of."""
    cut = len(edges) > MOST_EDGES
    ids = {node for edge in edges[:MOST_EDGES] for node in edge}
    found = actions_by_id(connection, ids)
    shared = partners_of(connection, ids)
    seen = [
        action for action in found
        if visit.member.may(Deed.LIST, action, shared.get(action.id, ()))
    ]  # fmt: skip
    directory = visit.services.directory(connection)
    views = views_of(directory, seen, visit.now, visit.services.thresholds)
    known = {view.action.id: view for view in views}
    return Graph(
        views=known,
        edges=tuple(e for e in edges[:MOST_EDGES] if e[0] in known or e[1] in known),
        met=settled(found),
        titles={
            action.id: action.title
            for action in seen
            if visit.member.may(Deed.READ_TITLE, action, shared.get(action.id, ()))
        },
        cut=cut,
    )


def _box(visit: Visit, graph: Graph, node: int) -> Box:
    view = graph.views.get(node)
    if view is None:
        return Box(ref="", state="", word=visit.gettext("another action"))
    return Box(
        ref=view.action.ref,
        state=view.action.state,
        word=word(visit.language, view.action.state),
        late=word(visit.language, "overdue") if view.standing.overdue else "",
    )


def _lines(graph: Graph) -> list[Line]:
    """The same as the drawing, in its order: what has to be there first comes first."""
    needs: dict[int, list[int]] = {}
    for waiter, needed in graph.edges:
        needs.setdefault(waiter, []).append(needed)
    depth = depths(graph.edges)
    order = sorted(graph.views, key=lambda one: (depth.get(one, 0), graph.views[one].action.ref))
    return [
        Line(
            view=graph.views[one],
            title=graph.titles.get(one),
            waits_for=tuple(
                graph.views.get(needed) for needed in needs.get(one, ()) if needed not in graph.met
            ),
        )
        for one in order
        if one in depth
    ]
