"""Deployments made equal to the timetable: what differs is changed, what is left over removed."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.actions import (
    DeploymentScheduleCreate,
    DeploymentUpdate,
    WorkPoolCreate,
)
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterTags,
    WorkPoolFilter,
    WorkPoolFilterName,
)
from prefect.client.schemas.objects import ConcurrencyLimitStrategy, ConcurrencyOptions
from prefect.client.schemas.responses import DeploymentResponse
from prefect.client.schemas.schedules import CronSchedule, IntervalSchedule
from prefect.exceptions import ObjectNotFound
from prefect.workers.process import ProcessWorker

from config.settings import Settings
from workflows.deployments import ANCHOR, TAG, Wanted
from workflows.prefect_server import ServerAway
from workflows.server_client import connected

POOL_TYPE: Final = "process"
AT_A_TIME: Final = 200
"""As many deployments the server hands out in one answer."""

GRACE_S: Final = 60
"""How long a run that was taken in hand may wait for its beginning until its slot is free again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What is, or would be, done to one thing: created, changed, removed or unchanged."""

    what: str
    name: str
    done: str
    because: str = ""

    def as_dict(self) -> Mapping[str, str]:
        """Plain values for tables and JSON."""
        return {"what": self.what, "name": self.name, "done": self.done, "because": self.because}


def deploy(settings: Settings, all_wanted: Sequence[Wanted], *, dry_run: bool) -> list[Change]:
    """
    Make the server's pool and deployments what they should be; repeating it changes nothing.

    A deployment or schedule that somebody paused stays paused.
    """
    with connected(settings) as client:
        pool = _pool(client, settings.prefect.pool, dry_run=dry_run)
        there = existing(client, settings.prefect.pool) if pool.done == "unchanged" else {}
        changes = [
            pool,
            *(
                _settle(client, wanted, there.pop(wanted.shown, None), dry_run=dry_run)
                for wanted in all_wanted
            ),
        ]
        for shown, left in there.items():
            if not dry_run:
                client.delete_deployment(left.id)
            changes.append(
                Change(what="deployment", name=shown, done="removed",
                       because="is not in the timetable")
            )  # fmt: skip
    return changes


def existing(client: SyncPrefectClient, pool: str) -> dict[str, DeploymentResponse]:
    """Our deployments in that pool, by the name that Prefect shows."""

    found: dict[str, DeploymentResponse] = {}
    while True:
        some = client.read_deployments(
            deployment_filter=DeploymentFilter(tags=DeploymentFilterTags(all_=[TAG])),
            work_pool_filter=WorkPoolFilter(name=WorkPoolFilterName(any_=[pool])),
            limit=AT_A_TIME,
            offset=len(found),
        )
        flows = _flow_names(client, some)
        found |= {f"{flows[one.flow_id]}/{one.name}": one for one in some}
        if len(some) < AT_A_TIME:
            return found


def differences(wanted: Wanted, there: DeploymentResponse) -> list[str]:
    """In which respects a deployment is not what it should be, by name."""
    limit, options = there.global_concurrency_limit, there.concurrency_options
    found = {
        "description": there.description == wanted.why,
        "tags": sorted(there.tags) == sorted(wanted.tags),
        "parameters": dict(there.parameters) == dict(wanted.parameters),
        "entrypoint": there.entrypoint == wanted.entrypoint,
        "concurrency": bool(
            limit
            and limit.limit == 1
            and options
            and options.collision_strategy.value == "CANCEL_NEW"
            and options.grace_period_seconds == GRACE_S
        ),
        "schedule": [_told(one.schedule) for one in there.schedules] == [_told(_schedule(wanted))],
    }
    return [name for name, same in found.items() if not same]


def _pool(client: SyncPrefectClient, name: str, *, dry_run: bool) -> Change:

    try:
        there = client.read_work_pool(name)
    except ObjectNotFound:
        if not dry_run:
            client.create_work_pool(
                WorkPoolCreate(
                    name=name,
                    type=POOL_TYPE,
                    description="What `alkawari worker` takes its work from.",
                    base_job_template=ProcessWorker.get_default_base_job_template(),
                )
            )
        return Change(what="work pool", name=name, done="created")
    if there.type != POOL_TYPE:
        raise ServerAway(
            f"The work pool {name!r} is there and is of type {there.type!r}: "
            "name another with prefect.pool."
        )
    return Change(what="work pool", name=name, done="unchanged")


def _settle(
    client: SyncPrefectClient, wanted: Wanted, there: DeploymentResponse | None, *, dry_run: bool
) -> Change:
    if there is None:
        if not dry_run:
            client.create_deployment(
                flow_id=client.create_flow_from_name(wanted.flow),
                name=wanted.name,
                work_pool_name=wanted.pool,
                enforce_parameter_schema=False,
                schedules=_schedules(wanted, active=True),
                **_values(wanted),
            )
        return Change(what="deployment", name=wanted.shown, done="created")
    differs = differences(wanted, there)
    if not differs:
        return Change(what="deployment", name=wanted.shown, done="unchanged")
    if not dry_run:
        _update(client, wanted, there)
    return Change(what="deployment", name=wanted.shown, done="changed", because=", ".join(differs))


def _update(client: SyncPrefectClient, wanted: Wanted, there: DeploymentResponse) -> None:

    values = _values(wanted)
    if "schedule" in differences(wanted, there):
        active = all(one.active for one in there.schedules)
        values["schedules"] = [one.model_dump() for one in _schedules(wanted, active=active)]
    client.update_deployment(there.id, DeploymentUpdate(**values))


def _values(wanted: Wanted) -> dict[str, Any]:

    return {
        "description": wanted.why,
        "tags": list(wanted.tags),
        "parameters": dict(wanted.parameters),
        "entrypoint": wanted.entrypoint,
        "concurrency_limit": 1,
        "concurrency_options": ConcurrencyOptions(
            collision_strategy=ConcurrencyLimitStrategy.CANCEL_NEW, grace_period_seconds=GRACE_S
        ),
    }


def _schedules(wanted: Wanted, *, active: bool) -> list[DeploymentScheduleCreate]:

    return [DeploymentScheduleCreate(schedule=_schedule(wanted), active=active)]


def _schedule(wanted: Wanted) -> CronSchedule | IntervalSchedule:

    if wanted.every is None:
        return CronSchedule(cron=wanted.cron, timezone=wanted.zone)
    return IntervalSchedule(interval=wanted.every, anchor_date=ANCHOR, timezone=wanted.zone)


def _told(schedule: object) -> dict[str, object]:
    """A schedule in plain values: the server gives instants in another form than it takes them."""
    if isinstance(schedule, CronSchedule):
        return {"cron": schedule.cron, "zone": schedule.timezone}
    if isinstance(schedule, IntervalSchedule):
        return {
            "interval": schedule.interval,
            "anchor": schedule.anchor_date.timestamp(),
            "zone": schedule.timezone,
        }
    return {"other": type(schedule).__name__}


def _flow_names(
    client: SyncPrefectClient, deployments: Iterable[DeploymentResponse]
) -> dict[UUID, str]:
    return {found: client.read_flow(found).name for found in {one.flow_id for one in deployments}}
