"""Runs everything in one process, from the first line of the log to a clean end."""

import logging
import os
import signal
import socket
import sys
import threading
from dataclasses import replace
from pathlib import Path
from types import FrameType
from zoneinfo import ZoneInfo

import uvicorn
from fastapi import FastAPI

from config.settings import Settings
from config.wiring import Services, build
from engine.errors import EngineError
from engine.store.revision import check
from engine.store.schema import upgrade
from web.app import EVERYWHERE
from web.strangers import strangers_app
from workflows.service import Service

FACE_STOPS_S = 1.5
PREFECT_MAY_TAKE_S = 300.0
KEYS = ("/answer/", "/calendar/", "/sign-in/")
"""Whoever knows the rest of such an address may use it."""

TURN_S = 0.0005
"""
How long a thread may keep the others of the process waiting; Python's own is ten times that.

A page hands over at each of its thirty questions to the database: beside a sweep it would wait so
long after each. Measured on PostgreSQL, 99th percentile: 240 ms instead of 680.
"""

KEEP_ALIVE_S = 75
"""Longer than a proxy keeps a connection (60 s): else it sends into one that we just close."""

_POLL_S = 0.02


class CannotStart(EngineError):
    """The program cannot run like this; the sentence says why and what to do."""


def say(text: str) -> None:
    """A line for whoever started the program."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def run_up(settings: Settings, host: str, port: int) -> None:
    """Run until SIGTERM or SIGINT. CannotStart, or another EngineError, where it cannot begin."""
    ending = Ending()
    services = opened(settings)
    left: tuple[str, ...] = ()
    unfit: EngineError | None = None
    try:
        with listen(host, port) as listener:
            if services.public_url and not settings.public_url:
                services = replace(services, public_url=reached_at(listener))
            service = Service(
                services, prefect_home(settings), ZoneInfo(settings.timezone), give_up=ending.ask
            )
            face = Face(strangers_app(service), listener)
            face.start()
            say(f"Listening on {address(listener)}")
            if services.new_mailer is None:
                say("No mail server is set (mail.host): reminders wait in the outbox.")
            service.start()
            tell_of_prefect(service, ending)
            ending.wait()
            left, unfit = service.stop(), service.unfit
            face.stop(FACE_STOPS_S)
    finally:
        services.database.close()
    say("Stopped." if unfit is None else str(unfit))
    leave(left, code=0 if unfit is None else 1)


def leave(left: tuple[str, ...], *, code: int = 0) -> None:
    """End the process at once if a story still runs: the interpreter aborts on such a thread."""
    if left:
        logging.shutdown()
        os._exit(code)
    if code:
        sys.exit(code)


def prefect_home(settings: Settings) -> Path:
    """The folder for Prefect's records of runs."""
    return settings.data_folder.resolve() / "prefect"


def opened(settings: Settings) -> Services:
    """The services on a database of the right version; the embedded one is made if need be."""
    embedded = not settings.database_url
    if embedded:
        try:
            settings.data_folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise CannotStart(
                f"The data folder {settings.data_folder} cannot be made ({error.strerror}): "
                "choose another with data_folder."
            ) from None
    services = build(settings)
    try:
        if embedded and not services.database.exists():
            made = upgrade(services.database)
            say(f"Created {made.database} (revision {made.revision}).")
        check(services.database)
    except EngineError:
        services.database.close()
        raise
    except Exception as error:
        services.database.close()
        raise CannotStart(
            f"The database {services.database.shown} does not answer ({type(error).__name__}): "
            "is its address right, and is its server running?"
        ) from error
    return services


def listen(host: str, port: int) -> socket.socket:
    """A socket bound to that address; port 0 takes a free one."""
    try:
        family, kind, _proto, _name, where = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        # The protocol is named so that asyncio turns off the delay of small packets.
        listener = socket.socket(family, kind, socket.IPPROTO_TCP)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(where)
            listener.listen(128)
        except OSError:
            listener.close()
            raise
    except (OSError, OverflowError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        raise CannotStart(
            f"Cannot listen on {host} port {port} ({reason}): choose another with --port."
        ) from None
    return listener


def address(listener: socket.socket) -> str:
    """The address to open in a browser."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def reached_at(listener: socket.socket) -> str:
    """The address that a mail to somebody on this machine may carry."""
    host, port = listener.getsockname()[:2]
    return f"http://127.0.0.1:{port}" if host in EVERYWHERE else address(listener)


def tell_of_prefect(service: Service, ending: "Ending") -> None:
    """Say when Prefect is there; that it is not, the orchestrator says itself, with the reason."""

    def tell() -> None:
        if service.wait_for_prefect(PREFECT_MAY_TAKE_S) and not ending.begun:
            say("Prefect is ready; stories run as its flows.")

    threading.Thread(target=tell, name="prefect-told", daemon=True).start()


class Ending:
    """Waits for SIGTERM or SIGINT, which end the program in order instead of at once."""

    def __init__(self) -> None:
        self._asked = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._heard)

    @property
    def begun(self) -> bool:
        return self._asked.is_set()

    def ask(self) -> None:
        """End it as a signal would."""
        self._asked.set()

    def begin(self) -> None:
        """End as if it had been asked for from outside."""
        self._asked.set()

    def wait(self) -> None:
        self._asked.wait()

    def _heard(self, _number: int, _frame: FrameType | None) -> None:
        self._asked.set()


class _Discretion(logging.Filter):
    """
    Keeps addresses that are keys out of the access log.

    The log is off; but another server in this process, or whoever sets up logging, may turn it on.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        return not any(str(part).startswith(KEYS) for part in _parts(record.args))


def _parts(arguments: object) -> tuple[object, ...]:
    return arguments if isinstance(arguments, tuple) else ()


_DISCRETION = _Discretion()


class Face:
    """The web face in a thread of its own, so that signals stay ours."""

    def __init__(self, app: FastAPI, listener: socket.socket) -> None:
        logging.getLogger("uvicorn.access").addFilter(_DISCRETION)
        config = uvicorn.Config(
            app, lifespan="off", log_config=None, access_log=False, server_header=False,
            proxy_headers=False, timeout_graceful_shutdown=1, timeout_keep_alive=KEEP_ALIVE_S,
        )  # fmt: skip
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, args=([listener],), name="web", daemon=True
        )

    def start(self) -> None:
        """Serve, and return as soon as requests are answered."""
        sys.setswitchinterval(TURN_S)
        self._thread.start()
        while self._thread.is_alive() and not self._server.started:
            self._thread.join(_POLL_S)

    def stop(self, within: float) -> None:
        """Finish what is being answered; what takes longer ends with the process."""
        self._server.should_exit = True
        self._thread.join(within)
