"""The REST API under /api/v1, with its document; everything but the document needs a key."""

from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from config.wiring import Services
from web.api_caller import Door
from web.api_check import add_checking
from web.api_import import add_import
from web.api_limits import BodyLimit
from web.api_look import add_looking
from web.api_problems import ProblemValue, add_problems
from web.api_record import add_brakes, add_recording

VERSION: Final = "1"
HEADERS: Final = {"Idempotency-Key": "^[!-~]{1,200}$", "If-Match": '^("[0-9]{1,9}"|\\*)$'}
"""The headers of writes, and what may stand in them."""

PATH: Final = "/api/v1"

SAYS: Final = (
    "Dialogues, their actions and what is recorded about them. A key speaks for a person and sees "
    "what that person may see. Every write carries an `Idempotency-Key`, so that it counts once, "
    "and every change of an action an `If-Match`, so that nothing is overwritten. Refusals are "
    "`application/problem+json`."
)


def add_api(app: FastAPI, services: Services) -> None:
    """Mount the API; before the route that answers for every other address."""
    app.mount(PATH, api_app(services))


def api_app(services: Services) -> FastAPI:
    """The API as an application of its own, with errors of its own form."""
    app = FastAPI(
        title="Alkawari", version=VERSION, description=SAYS, docs_url=None, redoc_url=None,
        openapi_url="/openapi.json",
    )  # fmt: skip
    app.add_middleware(BodyLimit)
    add_problems(app)
    door = Door(services)
    add_looking(app, door)
    add_checking(app, door)
    add_recording(app, door)
    add_brakes(app, door)
    add_import(app, door)
    document = _document(app)
    app.openapi = lambda: document  # type: ignore[method-assign]
    return app


def _document(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document: of every refusal the form that it really has."""
    document = get_openapi(
        title=app.title, version=app.version, description=app.description, routes=app.routes,
        servers=[{"url": PATH}],
    )  # fmt: skip
    schemas = document["components"]["schemas"]
    schemas["Problem"] = ProblemValue.model_json_schema()
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    for path in document["paths"].values():
        for operation in path.values():
            for parameter in operation.get("parameters", ()):
                if parameter["name"] in HEADERS:
                    # Read by ourselves, so that each has a refusal of its own.
                    schema = {"type": "string", "pattern": HEADERS[parameter["name"]]}
                    parameter |= {"required": True, "schema": schema}
    return document
