"""What every face of the program has: its headers, its stylesheet, and how it says no."""

import hashlib
from collections.abc import Collection
from pathlib import Path
from typing import Final

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from web.pages import page

STATIC: Final = Path(__file__).parent / "static"

POLICY: Final = (
    "default-src 'none'; style-src 'self'; img-src 'self'; frame-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
"""What our pages may load: our own stylesheet and pictures; no script at all."""

HEADERS: Final = {
    "content-security-policy": POLICY,
    "x-frame-options": "DENY",
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "cache-control": "no-store",
}

LOCAL_NAMES: Final = frozenset({"127.0.0.1", "localhost", "[::1]"})
EVERYWHERE: Final = frozenset({"0.0.0.0", "::", ""})  # noqa: S104 - compared with, not bound to

SAID: Final = {
    400: "This request cannot be used.",
    403: "This form was not made by this program; open the page again and repeat it.",
    404: "There is no such page.",
    405: "This page cannot be used that way.",
    500: "Something failed here; the program's log says more.",
}


def new_app(*, host: str | None = None) -> FastAPI:
    """
    An application without pages; with `host` it answers only to that name and to local ones.

    A page of another site that has its name point at this machine would else be able to read ours.
    """
    app = FastAPI(title="Alkawari", docs_url=None, redoc_url=None, openapi_url=None)
    names: Collection[str] = ()
    if host is not None and host not in EVERYWHERE:
        names = {*LOCAL_NAMES, host, f"[{host}]"}
    app.add_middleware(Guard, names=names)
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(RequestValidationError, _refused)
    app.add_exception_handler(Exception, _failed)
    for name, kind in (
        ("style.css", "text/css"),
        ("answer.css", "text/css"),
        ("mark.svg", "image/svg+xml"),
    ):
        _serve(app, name, kind)
    return app


class Guard:
    """Puts the headers on every answer that has none of its own, and looks at the host's name."""

    def __init__(self, app: ASGIApp, names: Collection[str]) -> None:
        self._app, self._names = app, names

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        answer = self._app
        if self._names and _name(Headers(scope=scope).get("host", "")) not in self._names:
            answer = Response("This program does not answer to that name.\n", status_code=421)
        await answer(scope, receive, guarded)


def _name(host: str) -> str:
    """The name in a Host header, without the port."""
    return host if host.endswith("]") else host.rpartition(":")[0] or host


def _serve(app: FastAPI, name: str, kind: str) -> None:
    data = (STATIC / name).read_bytes()
    headers = {
        "cache-control": "public, max-age=3600",
        "etag": f'"{hashlib.sha256(data).hexdigest()[:16]}"',
    }

    @app.get(f"/static/{name}")
    def static() -> Response:
        return Response(data, media_type=kind, headers=headers)


async def _refused(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 400
    return refusal(request, status, SAID.get(status, "This cannot be done."))


async def _failed(request: Request, _error: Exception) -> Response:
    answer = refusal(request, 500, SAID[500])
    answer.headers.update(HEADERS)  # this one is given outside the guard
    return answer


def refusal(request: Request, status: int, said: str) -> Response:
    """The page that says no, in one sentence."""
    values = {"status_code": status, "said": said, "path": request.url.path}
    return page("refused.html", values, status)
