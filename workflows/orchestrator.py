"""Prefect's server part as a thread of our own process, and the stories told through it."""

import fcntl
import logging
import os
import secrets
import socket
import sys
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from time import monotonic
from typing import IO, Final
from urllib.request import getproxies

import uvicorn
from starlette.types import Receive, Scope, Send

from engine.clock import Clock
from engine.store.threads import make_ready_for_threads
from workflows.timetable import Story, Telling

log = logging.getLogger("alkawari.orchestrator")

KEPT_FOR: Final = timedelta(days=3)  # at a run a minute two weeks would be some 170 MB
"""How long Prefect's records of runs are kept: about 12 MB a day at one run a minute."""

NEEDLESS_SERVICES: Final = (
    *("foreman", "late_runs", "scheduler"),  # for deployments and their workers
    *("event_persister", "triggers"),  # for automations
    *("cancellation_cleanup", "cleanup_reconciler", "pause_expirations", "repossessor"),  # for both
)

QUIET_LOGGING: Final = """\
version: 1
incremental: true
loggers:
  prefect: {level: WARNING}
  prefect.flow_runs: {level: CRITICAL}
  prefect.task_runs: {level: CRITICAL}
  prefect.events: {level: CRITICAL}
  EventsWorker: {level: CRITICAL}
  httpx: {level: WARNING}
  docket: {level: WARNING}
  alembic: {level: WARNING}
"""
"""
Levels only: Prefect's own file would take the program's log handlers away.

The loggers of runs are silent because what a story raises is raised, and logged, by us; those of
events because each record that a lost server does not take would be printed in full.
"""

_POLL_S: Final = 0.05


class Phase(StrEnum):
    """Where Prefect's part stands; `off` before the start and after the stop."""

    OFF = "off"
    STARTING = "starting"
    READY = "ready"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fallback:
    """A run that Prefect did not orchestrate, and why."""

    story: str
    at: datetime
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """For `/readyz` and `doctor`; the counts are runs since the start. `reason` is one sentence."""

    phase: Phase = Phase.OFF
    reason: str = "Prefect was not started"
    orchestrated: int = 0
    direct: int = 0
    failed: int = 0
    last_fallback: Fallback | None = None


class PrefectUnavailable(Exception):
    """Prefect's part cannot be used; the text is one sentence."""


class Orchestrator:
    """
    Tells stories through Prefect while that works, and without it otherwise.

    One to a process: Prefect reads its settings once, when it is imported. `home` is a folder of
    ours for Prefect's database; a second process on it works without Prefect.
    """

    def __init__(self, home: Path, stories: Iterable[Story], clock: Clock) -> None:
        make_ready_for_threads()  # Prefect is imported in one while others are at work
        self._home = home
        self._stories = {story.name: story for story in stories}
        self._clock = clock
        self._standing = Standing()
        self._changing = threading.Lock()
        self._halted = threading.Event()
        self._settled = threading.Event()
        self._server: _ServerPart | None = None
        self._tell: Callable[[Telling], None] | None = None
        self._lock: IO[str] | None = None
        self._warned_of = ""

    @property
    def standing(self) -> Standing:
        server = self._server
        if self._standing.phase is Phase.READY and (server is None or not server.alive):
            self._enter(Phase.FAILED, "Prefect's server part ended unexpectedly")
        return self._standing

    def start(self) -> None:
        """
        Begin in the background and return at once. Never raises: see `standing`.

        Changes this process's environment, which must happen before anything imports Prefect.
        """
        self._enter(Phase.STARTING, "Prefect is still starting")
        try:
            listener = self._prepare()
        except (OSError, PrefectUnavailable) as error:
            self._fail(error)
            return
        self._server = _ServerPart(listener)
        threading.Thread(
            target=self._bring_up, args=(self._server,), name="prefect-start", daemon=True
        ).start()

    def wait_ready(self, within: float) -> bool:
        """Wait at most so many seconds until it is known whether Prefect works."""
        self._settled.wait(within)
        return self.standing.phase is Phase.READY

    def run(self, story: str) -> Mapping[str, object]:
        """
        Tell a story once: through Prefect, or directly from the batch where Prefect was lost.

        Returns the story's counts. Raises what the story raises, KeyError when there is no such
        story; Prefect's own trouble is logged and counted, never raised.
        """
        telling = Telling(self._stories[story], self._clock, self._halted)
        reason = self._orchestrate(telling)
        try:
            if reason and telling.error is None:
                self._fall_back(telling, reason)
        finally:
            self._count(telling, reason)
        if telling.error is not None:
            raise telling.error
        return telling.counts

    def halt(self) -> None:
        """Let no further batch begin: call it before waiting for stories that are running."""
        self._halted.set()
        self._settled.set()

    def stop(self, within: float = 4.0) -> None:
        """Write down the last records, then end the server part; takes at most `within` seconds."""
        end = monotonic() + within
        self.halt()
        if self._server is not None:
            if self._tell is not None:
                drain_events(within / 2 if self._server.alive else 0.1)
            if not self._server.stop(max(0.1, end - monotonic())):
                log.warning("Prefect's server part did not stop in time; it ends with the process.")
        self._enter(Phase.OFF, "Prefect was stopped")
        if self._lock is not None:
            self._lock.close()

    def _prepare(self) -> socket.socket:
        if "prefect" in sys.modules:
            raise PrefectUnavailable("Prefect was imported before its settings were made")
        self._home.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = _locked(self._home / "in-use-by")
        (self._home / "logging.yml").write_text(QUIET_LOGGING, encoding="utf-8")
        listener = _listener()
        for inherited in [name for name in os.environ if name.startswith("PREFECT_")]:
            del os.environ[inherited]
        os.environ.update(environment(self._home, listener.getsockname()[1]))
        return listener

    def _bring_up(self, server: "_ServerPart") -> None:
        try:
            server.start(self._halted)
            from workflows import flows  # noqa: PLC0415 - imports Prefect, which reads its settings

            flows.bind(self._stories.values(), self._clock)
            reaped = flows.reap()
        except Exception as error:  # noqa: BLE001 - whatever it was, stories are told without Prefect
            self._fail(error)
            return
        if reaped:
            log.warning("%d runs that a killed process left behind are marked Crashed.", reaped)
        self._tell = flows.tell
        self._enter(Phase.READY)
        self._settled.set()

    def _fail(self, error: Exception) -> None:
        plain = isinstance(error, PrefectUnavailable)
        reason = str(error) if plain else f"Prefect did not start ({type(error).__name__}: {error})"
        self._enter(Phase.FAILED, reason)
        self._settled.set()
        if not self._halted.is_set():
            log.warning("%s. Stories run without it.", reason)

    def _orchestrate(self, telling: Telling) -> str:
        """Tell it through Prefect; returns why that did not work, or nothing."""
        standing, tell = self.standing, self._tell
        if standing.phase is not Phase.READY or tell is None:
            return standing.reason
        raised: list[BaseException] = []

        def drive() -> None:
            try:
                tell(telling)
            except BaseException as error:  # noqa: BLE001 - judged below, by what was told
                raised.append(error)

        # Not in the caller's thread: in the main one Prefect would put its SIGTERM handler
        # over ours for as long as the flow runs.
        thread = threading.Thread(target=drive, name=f"flow-{telling.story.name}", daemon=True)
        thread.start()
        thread.join()
        if raised and telling.error is None:
            return f"Prefect's API could not be used ({type(raised[0]).__name__})"
        return "" if telling.done or raised else "Prefect did not let the run begin"

    def _fall_back(self, telling: Telling, reason: str) -> None:
        fallback = Fallback(story=telling.story.name, at=self._clock.now(), reason=reason)
        with self._changing:
            self._standing = replace(self._standing, last_fallback=fallback)
        if telling.batches and telling.done:
            log.warning("%s: %s was done, and is not recorded there.", reason, telling.story.name)
            return
        known = self._standing.phase is Phase.STARTING or reason == self._warned_of
        say, self._warned_of = (log.info if known else log.warning), reason
        say("%s: %s goes on without orchestration.", reason, telling.story.name)
        telling.go_on()

    def _count(self, telling: Telling, reason: str) -> None:
        told = telling.error is None
        with self._changing:
            self._standing = replace(
                self._standing,
                orchestrated=self._standing.orchestrated + (told and not reason),
                direct=self._standing.direct + (told and bool(reason)),
                failed=self._standing.failed + (not told),
            )

    def _enter(self, phase: Phase, reason: str = "") -> None:
        with self._changing:
            self._standing = replace(self._standing, phase=phase, reason=reason)


def environment(home: Path, port: int) -> dict[str, str]:
    """
    The variables that make Prefect ours: local, silent, small.

    The switches and their effects were measured on Prefect 3.8.8. The password keeps other users
    of the machine, and web pages open in a browser on it, out of the API.
    """
    api, leases = f"127.0.0.1:{port}", "prefect.server.concurrency.lease_storage"
    password = f"alkawari:{secrets.token_urlsafe(24)}"
    unproxied = ",".join(filter(None, [*getproxies().get("no", "").split(","), "127.0.0.1"]))
    services = {f"{name}_enabled": "false" for name in NEEDLESS_SERVICES} | {
        "task_run_recorder_batch_size": "100",
        "task_run_recorder_read_batch_size": "100",
        "task_run_recorder_flush_interval": "1",
        "db_vacuum_enabled": "flow_runs",
        "db_vacuum_retention_period": str(int(KEPT_FOR.total_seconds())),
    }
    return {
        "DO_NOT_TRACK": "1",
        "NO_PROXY": unproxied,
        "no_proxy": unproxied,
        "PREFECT_HOME": str(home),
        "PREFECT_PROFILES_PATH": str(home / "profiles.toml"),
        "PREFECT_API_URL": f"http://{api}/api",
        "PREFECT_API_AUTH_STRING": password,
        "PREFECT_API_REQUEST_TIMEOUT": "10",
        "PREFECT_CLIENT_MAX_RETRIES": "1",
        "PREFECT_CLIENT_CSRF_SUPPORT_ENABLED": "false",
        "PREFECT_CLIENT_SERVER_VERSION_CHECK_ENABLED": "false",
        "PREFECT_INTERNAL_LOGGING_LEVEL": "CRITICAL",  # a level of its own, above the file's
        "PREFECT_LOGGING_LEVEL": "WARNING",
        "PREFECT_LOGGING_TO_API_ENABLED": "false",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_SERVER_API_AUTH_STRING": password,
        "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": f"{leases}.filesystem",
        "PREFECT_SERVER_CORS_ALLOWED_ORIGINS": f"http://{api}",
        "PREFECT_SERVER_EPHEMERAL_ENABLED": "false",
        "PREFECT_SERVER_EVENTS_STREAM_OUT_ENABLED": "false",
        "PREFECT_SERVER_REGISTER_BLOCKS_ON_START": "false",
        "PREFECT_UI_ENABLED": "false",
        **{f"PREFECT_SERVER_SERVICES_{name.upper()}": value for name, value in services.items()},
    }


class _ServerPart:
    """Prefect's API in a daemon thread: it ends with the process, however that ends."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None
        self._cause: Exception | None = None

    @property
    def alive(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def start(self, halted: threading.Event) -> None:
        """Serve, and return when requests are answered; PrefectUnavailable if they never are."""
        from prefect.server.api.server import create_app  # noqa: PLC0415 - reads the settings; slow

        app = create_app()

        async def watched(scope: Scope, receive: Receive, send: Send) -> None:
            try:
                await app(scope, receive, send)
            except Exception as error:
                self._cause = error  # of a failed start; the server itself only logs it
                raise

        config = uvicorn.Config(
            watched, lifespan="on", log_config=None, access_log=False, timeout_graceful_shutdown=1
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, args=([self._listener],), name="prefect-server", daemon=True
        )
        self._thread.start()
        while self.alive and not self._server.started and not halted.wait(_POLL_S):
            pass
        if halted.is_set():
            self._server.should_exit = True
            raise PrefectUnavailable("Prefect was stopped while it started")
        if not self.alive:
            raise PrefectUnavailable(
                f"Prefect's server part did not start ({self._cause!r}); if the database in its "
                "folder is damaged, delete the folder: it holds records of runs only"
            )

    def stop(self, within: float) -> bool:
        """Whether it ended within so many seconds."""
        if self._server is None or self._thread is None:
            self._listener.close()
            return True
        self._server.should_exit = True
        self._thread.join(within)
        return not self._thread.is_alive()


def _locked(path: Path) -> IO[str]:
    holder = path.open("a+", encoding="utf-8")
    try:
        fcntl.flock(holder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder.seek(0)
        owner = holder.read().strip()
        holder.close()
        raise PrefectUnavailable(
            f"Prefect's folder {path.parent} is in use by process {owner or 'unknown'}"
        ) from None
    holder.truncate(0)
    holder.write(str(os.getpid()))
    holder.flush()
    return holder


def _listener() -> socket.socket:
    # The protocol is named because asyncio sets TCP_NODELAY only where it is: without it each
    # request waits 40 ms for an acknowledgement, and a flow run takes three times as long.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    return listener


def drain_events(within: float) -> None:
    """Hand the last records of tasks to the server; what it does not take in time is dropped."""
    from prefect.events.worker import EventsWorker  # noqa: PLC0415 - reads the settings

    known: dict[int, EventsWorker] = EventsWorker._instances  # type: ignore[misc]  # noqa: SLF001
    workers = [(worker._loop, worker._task) for worker in known.values()]  # noqa: SLF001 - no other way
    EventsWorker.drain_all(timeout=within)
    for loop, running in workers:
        if loop is not None and running is not None and not running.done():
            # Otherwise the interpreter waits 7 s for each record at its end.
            loop.call_soon_threadsafe(running.cancel)
    threading.Event().wait(0.3)  # what was handed over is written down within milliseconds
