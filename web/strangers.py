"""The face of `alkawari up`: pages for members, links for recipients, and nothing for strangers."""

from fastapi import FastAPI, Response
from fastapi.responses import JSONResponse

from web.answer_pages import add_answers
from web.api import add_api
from web.app import new_app
from web.calendar_feed import add_calendar_feed
from web.front import add_front, add_rest
from web.health import add_health
from web.inbound import add_inbound
from workflows.service import Service

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


def strangers_app(service: Service) -> FastAPI:
    """All of it; every address that is not listed here asks for a sign-in."""
    app = new_app()
    add_health(app, service)
    add_answers(app, service.services)
    add_inbound(app, service.services)
    add_api(app, service.services)
    add_calendar_feed(app, service.services)
    entrance, _sign_in = add_front(app, service.services)

    # One answer for every address: what is there and what is not must look the same.
    @app.api_route("/api/{path:path}", methods=list(METHODS), include_in_schema=False)
    def api(path: str) -> Response:
        del path
        # A scheme for which no browser opens a dialogue that nobody could fill in.
        asks = {"www-authenticate": 'Bearer realm="alkawari"'}
        return JSONResponse({"detail": "Give a key."}, status_code=401, headers=asks)

    add_rest(entrance)
    return app
