"""How the API says no: one sentence, as application/problem+json (RFC 9457)."""

from collections.abc import Mapping
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.routing import Match

from engine.errors import (
    BadValue,
    CircularDependency,
    EngineError,
    ForbiddenMove,
    StaleVersion,
    UnknownThing,
)
from engine.store.requests import DatabaseFault

MEDIA_TYPE: Final = "application/problem+json"

TITLES: Final = {
    400: "This request cannot be read",
    401: "Not signed in",
    403: "Not permitted",
    404: "Not there",
    405: "Not a method of this address",
    409: "Not possible now",
    412: "Changed by somebody else",
    413: "Too much at once",
    415: "Not a type that is read here",
    422: "A value cannot be used",
    428: "Say which version you saw",
    429: "Too often",
    500: "Something failed",
    503: "Not now",
}

NO_KEY: Final = "Send a key as `Authorization: Bearer alk_…`; `alkawari key create` makes one."
_SAID: Final = {
    404: "There is nothing at this address.",
    405: "This address does not take that method; the document at openapi.json says what it takes.",
}


class Problem(Exception):
    """An answer that says no, in one sentence."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        errors: list[dict[str, Any]] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.status, self.detail, self.errors = status, detail, errors or []
        self.headers = dict(headers or {})
        super().__init__(detail)


class ProblemValue(BaseModel):
    """What stands in every refusal; `errors` only where several things are wrong."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    errors: list[dict[str, Any]] = []


def refuses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What the document says of the refusals of a route; every route can give these and more."""
    return {
        status: {
            "description": TITLES[status],
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status in sorted({400, 401, 403, 404, 405, 413, 422, 429, 500, 503, *statuses})
    }


def problem(found: Problem) -> JSONResponse:
    """The answer for a problem."""
    value: dict[str, Any] = {
        "type": "about:blank",
        "title": TITLES.get(found.status, "Refused"),
        "status": found.status,
        "detail": found.detail,
    }
    if found.errors:
        value["errors"] = found.errors
    headers = dict(found.headers)
    if found.status == 401:  # noqa: PLR2004 - unauthorised
        headers.setdefault("www-authenticate", 'Bearer realm="alkawari"')
    return JSONResponse(value, found.status, headers, media_type=MEDIA_TYPE)


def add_problems(app: FastAPI) -> None:
    """Every error becomes a problem; none of them repeats what was sent."""
    app.add_exception_handler(Problem, _said)
    app.add_exception_handler(EngineError, _refused)
    app.add_exception_handler(RequestValidationError, _unfit)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(DatabaseFault, _busy)
    app.add_exception_handler(Exception, _failed)


async def _said(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Problem)  # noqa: S101 - registered for this type
    return problem(error)


async def _refused(_request: Request, error: Exception) -> JSONResponse:
    return problem(Problem(_status(error), str(error)))


def _status(error: Exception) -> int:
    match error:
        case StaleVersion():
            return 412
        case ForbiddenMove() | CircularDependency():
            return 409
        case UnknownThing() | BadValue():
            return 422
        case _:
            return 400


async def _unfit(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for this type
    found = [
        {"where": ".".join(str(part) for part in each["loc"])[:200], "what": _plain(each["msg"])}
        for each in error.errors()[:20]
    ]
    unread = any(each["type"] == "json_invalid" for each in error.errors())
    first = found[0] if found else {"where": "request", "what": "cannot be read"}
    detail = f"{first['where']}: {first['what']}."
    return problem(Problem(400 if unread else 422, detail, errors=found))


def _plain(message: str) -> str:
    return message.removeprefix("Value error, ").encode("utf-8", "replace").decode().rstrip(".")


async def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this type
    status = error.status_code
    if status == 404 and "authorization" not in request.headers:  # noqa: PLR2004 - not found
        return problem(Problem(401, NO_KEY))
    headers = dict(error.headers or {})
    if status == 405:  # noqa: PLR2004 - method not allowed
        headers["allow"] = ", ".join(_methods(request))
    return problem(Problem(status, _SAID.get(status, str(error.detail)), headers=headers))


def _methods(request: Request) -> list[str]:
    """What the address takes; each method is a route of its own, and the framework names one."""
    found: set[str] = set()
    for route in request.app.routes:
        if route.matches(request.scope)[0] is not Match.NONE:
            found |= getattr(route, "methods", None) or set()
    return sorted(found)


async def _busy(_request: Request, _error: Exception) -> JSONResponse:
    said = "The database does not answer now; nothing was changed: ask again."
    return problem(Problem(503, said, headers={"retry-after": "5"}))


async def _failed(_request: Request, _error: Exception) -> JSONResponse:
    return problem(Problem(500, "Something failed here; the program's log says more."))
