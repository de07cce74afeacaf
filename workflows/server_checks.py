"""What is wrong with the Prefect server, its deployments and its workers; for `doctor`."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import prefect
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.responses import DeploymentResponse
from prefect.exceptions import ObjectNotFound

from config.settings import Settings
from workflows.deploying import differences, existing
from workflows.deployments import wanted
from workflows.prefect_server import ServerAway
from workflows.server_client import connected

SEEN_WITHIN: Final = timedelta(minutes=2)
"""A worker that has said nothing for so long is not there; clocks may differ a little."""

Said = tuple[str, str, str, str]
"""Check, state, what it says and what to do, as `doctor` shows them."""


def server_findings(settings: Settings) -> list[Said]:
    """Every check that can be made of the server."""
    try:
        with connected(settings) as client:
            return [*_server(client, settings), *_pool(client, settings)]
    except ServerAway as error:
        advice = "Start it: docs/operating.md. Until then workers tell the stories by themselves."
        return [("prefect server", "wrong", str(error), advice)]


def _server(client: SyncPrefectClient, settings: Settings) -> Iterator[Said]:
    version, ours = client.api_version(), prefect.__version__
    says = f"{settings.prefect.api_url}, version {version}"
    if version.split(".")[:2] == ours.split(".")[:2]:
        yield "prefect server", "well", says, ""
    else:
        yield (
            *("prefect server", "note", f"{says}; this program was made for {ours}"),
            "Install the version that constraints.txt names on both sides.",
        )


def _pool(client: SyncPrefectClient, settings: Settings) -> Iterator[Said]:
    name = settings.prefect.pool
    try:
        pool = client.read_work_pool(name)
    except ObjectNotFound:
        says = f"the server has no work pool {name!r}"
        yield "deployments", "wrong", says, "Run `alkawari deploy`."
        return
    if pool.is_paused:
        says = f"the work pool {name!r} is paused in Prefect"
        advice = f"Resume it: `prefect work-pool resume {name}`. To stop messages, use a pause."
        yield "work pool", "wrong", says, advice
    yield _workers(client, name)
    yield _deployments(settings, existing(client, name))


def _workers(client: SyncPrefectClient, pool: str) -> Said:
    since = datetime.now(UTC) - SEEN_WITHIN
    beats = [one.last_heartbeat_time for one in client.read_workers_for_work_pool(pool)]
    there = [at for at in beats if at is not None and at > since]
    if there:
        return "workers", "well", f"{len(there)} asked for work lately", ""
    last = max((at for at in beats if at is not None), default=None)
    says = f"none since {last:%Y-%m-%d %H:%M} UTC" if last else "none has asked for work"
    return "workers", "wrong", f"{pool}: {says}", "Start `alkawari worker`."


def _deployments(settings: Settings, there: dict[str, DeploymentResponse]) -> Said:
    shards, lanes = parts(list(there))
    should = {one.shown: one for one in wanted(settings, shards=shards, lanes=lanes)}
    odd = sorted(should.keys() ^ there.keys())
    odd += [
        shown for shown, one in should.items() if shown in there and differences(one, there[shown])
    ]
    if odd:
        advice = "Run `alkawari deploy --dry-run`, then `alkawari deploy`."
        return "deployments", "wrong", f"not as the timetable says: {', '.join(odd)}", advice
    paused = [shown for shown, one in there.items() if _is_paused(one)]
    if paused:
        advice = "Resume them in Prefect. To stop messages, use `alkawari pause`."
        return "deployments", "wrong", f"paused in Prefect: {', '.join(paused)}", advice
    return "deployments", "well", f"{len(there)}, as the timetable says", ""


def parts(shown: Sequence[str]) -> tuple[int, int]:
    """In how many shards and lanes the deployments of these names were made."""
    names = [name.split("/", 1) for name in shown]
    shards = [name.rpartition("-of-")[2] for flow, name in names if flow == "sweep"]
    lanes = [name for flow, name in names if flow == "deliver" and "-lane-" in name]
    numbers = [int(number) for number in shards if number.isdecimal()]
    return max(numbers, default=1), max(len(lanes), 1)


def _is_paused(deployment: DeploymentResponse) -> bool:
    return deployment.paused or any(not one.active for one in deployment.schedules)
