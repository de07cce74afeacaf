"""What each address asks of whoever opens it; one that says nothing is refused by a test."""

from typing import Any, Final

from fastapi import FastAPI

from engine.permission import Deed

OPEN: Final = "open"
"""Of a page that anybody may see: it shows nothing of the programme."""

SIGNED_IN: Final = "signed_in"
"""Of a page for everybody who is known: it shows their own things only."""

Need = Deed | str

BY_THEMSELVES: Final = {
    "/healthz": "alive or not",
    "/readyz": "ready or not",
    "/metrics": "counts of the whole programme for machines that watch",
    "/static/": "stylesheets and pictures",
    "/answer": "whoever holds the token of an answer link",
    "/inbound": "the gateway for texts, which signs what it posts",
    "/calendar/": "whoever holds the token of a calendar",
    "/api/": "keys with scopes; web/api.py asks engine/permission.py",
    "/demo": "the demonstration: invented people only",
    "/mail": "the mailbox of the demonstration",
    "/flows": "the demonstration",
    "/clock": "the demonstration",
    "/release": "the demonstration",
}
"""Addresses that decide for themselves, by their beginnings, and who may use them."""


def need_of(route: Any) -> Need | None:  # noqa: ANN401 - routes of several libraries
    """What a route asks; None if it says nothing."""
    need: Need | None = getattr(getattr(route, "endpoint", None), "need", None)
    return need


def undeclared(app: FastAPI) -> list[str]:
    """The routes of which nobody said who may use them."""
    return [
        path
        for route in app.routes
        if need_of(route) is None
        and not (path := getattr(route, "path", "")).startswith(tuple(BY_THEMSELVES))
    ]
