"""For machines that watch: alive, ready, and how much of what there is."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Final

from fastapi import FastAPI
from fastapi.responses import JSONResponse, PlainTextResponse

from engine.action import State
from engine.store.auditing import story_heartbeats
from engine.store.channels import EMAIL, SMS, channel_state
from engine.store.counting import count
from engine.store.dashboard_lists import open_ones
from engine.store.database import Connection
from engine.store.outbox import still_waiting
from engine.store.outbox_tables import MessageStatus
from engine.store.telling import message_counts
from workflows.orchestrator import Phase
from workflows.service import Service

PAUSES: Final = 3
"""So many intervals of the timetable without a sweep, and it counts as not running."""

TEXT_FORMAT: Final = "text/plain; version=0.0.4; charset=utf-8"


def add_health(app: FastAPI, service: Service) -> None:
    """The three addresses that need no sign-in; none of them names an action or a person."""

    @app.api_route("/healthz", methods=["GET", "HEAD"])
    def healthz() -> PlainTextResponse:
        return PlainTextResponse("ok\n")

    @app.api_route("/readyz", methods=["GET", "HEAD"])
    def readyz() -> JSONResponse:
        found = readiness(service)
        return JSONResponse(found, status_code=200 if found["ready"] else 503)

    @app.api_route("/metrics", methods=["GET", "HEAD"])
    def metrics() -> PlainTextResponse:
        return PlainTextResponse("\n".join(_metrics(service)) + "\n", media_type=TEXT_FORMAT)


def readiness(service: Service) -> dict[str, object]:
    """Ready means: the database answers and sweeps run, with Prefect or without it."""
    found: dict[str, object] = {"orchestration": _orchestration(service)}
    try:
        with service.services.database.read() as connection:
            beats = story_heartbeats(connection)
            mail = _channel(connection, EMAIL, there=service.services.new_mailer is not None)
            texts = _channel(connection, SMS, there=service.services.new_texter is not None)
    except Exception as error:  # noqa: BLE001 - whatever a driver raises, the answer is the same
        database = f"does not answer ({type(error).__name__})"
        return {"ready": False, "database": database} | found
    sweeping, why = _sweeping(service, beats.get("sweep"))
    return {
        "ready": sweeping,
        "database": "answers",
        "sweep": {"last_at": _text(beats.get("sweep")), "state": why},
        "deliver": {"last_at": _text(beats.get("deliver")), "mail": mail, "texts": texts},
    } | found


def _sweeping(service: Service, last_at: datetime | None) -> tuple[bool, str]:
    run = service.last("sweep")
    if run is not None and run.error:
        return False, f"the last one failed ({run.error}); the log says why"
    now = service.services.clock.now()
    late = now - max(last_at or service.started_at, service.started_at)
    if late > PAUSES * service.sweeps_every + timedelta(minutes=1):
        return False, f"none has ended for {int(late.total_seconds() // 60)} minutes"
    return True, "runs" if run else "the first one is under way"


def _channel(connection: Connection, name: str, *, there: bool) -> str:
    if not there:
        return {EMAIL: "no mail server is set", SMS: "no gateway is set"}[name]
    state = channel_state(connection, name)
    if state.get("opened_at"):
        return f"down since {_text(state['opened_at'])}"
    return "leaves"


def _orchestration(service: Service) -> dict[str, object]:
    standing = service.standing
    last = standing.last_fallback
    return {
        **asdict(standing),
        "last_fallback": {**asdict(last), "at": _text(last.at)} if last else None,
    }


def _metrics(service: Service) -> Iterator[str]:
    services, standing = service.services, service.standing
    with services.database.read() as connection:
        directory = services.directory(connection)
        # Whoever reaches this address may subtract from what they see elsewhere.
        counts = count(directory, services.clock.now(), services.thresholds, where=open_ones(None))
        waiting = still_waiting(connection)
        messages = message_counts(connection)
        beats = story_heartbeats(connection)
    states = {state.value: counts.by_state.get(state.value, 0) for state in State}
    statuses = {status.value: messages.get(status.value, 0) for status in MessageStatus}
    runs = {
        "prefect": standing.orchestrated, "direct": standing.direct, "failed": standing.failed
    }  # fmt: skip
    yield from _gauge("actions", "Actions by state, without closed ones.", "state", states)
    yield from _gauge(
        "conditions",
        "Actions by condition, such as overdue; without closed ones.",
        "condition",
        counts.conditions,
    )
    yield from _gauge(
        "overdue", "Actions that are overdue.", "", {"": counts.conditions["overdue"]}
    )
    yield from _gauge("outbox_pending", "Notices that wait to leave.", "", {"": waiting})
    yield from _gauge("messages", "Messages by status.", "status", statuses)
    yield from _gauge(
        "last_run_timestamp_seconds", "When a story last ran.", "story",
        {story: at.timestamp() for story, at in sorted(beats.items())},
    )  # fmt: skip
    yield from _gauge("runs_total", "Runs since the start.", "via", runs, kind="counter")
    ready = int(standing.phase is Phase.READY)
    yield from _gauge("prefect_ready", "Whether Prefect orchestrates.", "", {"": ready})


def _gauge(
    name: str, says: str, label: str, values: Mapping[str, float], kind: str = "gauge"
) -> Iterator[str]:
    yield f"# HELP alkawari_{name} {says}"
    yield f"# TYPE alkawari_{name} {kind}"
    for value, number in values.items():
        where = f'{{{label}="{value}"}}' if label else ""
        yield f"alkawari_{name}{where} {number}"


def _text(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
