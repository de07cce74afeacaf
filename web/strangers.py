"""What somebody sees who is not signed in: that there is something here, and nothing of it."""

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from web.app import new_app
from web.health import add_health
from web.pages import page
from workflows.service import Service

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


def strangers_app(service: Service) -> FastAPI:
    """The face of `alkawari up` until people can sign in."""
    app = new_app()
    add_health(app, service)

    # One answer for every address: what is there and what is not must look the same.
    @app.api_route("/{path:path}", methods=list(METHODS))
    def unknown(request: Request, path: str) -> Response:
        answer: Response
        if path == "api" or path.startswith("api/"):
            answer = JSONResponse({"detail": "Sign-in is not there yet."}, status_code=401)
        else:
            answer = page("strangers.html", {"programme": service.services.settings.programme}, 401)
        # A scheme for which no browser opens a dialogue that nobody could fill in.
        answer.headers["www-authenticate"] = 'Bearer realm="alkawari"'
        del request
        return answer

    return app
