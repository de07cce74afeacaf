"""Who has which run in hand: taking one, saying that one is alive, taking over from the dead."""

import logging
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from time import monotonic
from typing import Final
from uuid import UUID

import httpx
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
    WorkPoolFilter,
    WorkPoolFilterName,
)
from prefect.client.schemas.objects import FlowRun, State, StateType, Worker
from prefect.client.schemas.responses import SetStateStatus
from prefect.exceptions import ObjectNotFound
from prefect.states import Cancelled, Crashed, Pending

from workflows.deploying import existing
from workflows.prefect_server import ServerAway

log = logging.getLogger("alkawari.worker")

BEAT_S: Final = 5.0
"""How often a worker says that it is alive."""

DEAD_AFTER: Final = timedelta(seconds=25)
"""A worker that was silent for so long has nothing in hand any more: five heartbeats."""

OTHERS_BEGIN_WITHIN: Final = timedelta(minutes=10)
"""How long a run of another kind of worker may be about to begin."""

FORGOTTEN_AFTER: Final = timedelta(days=1)
"""When a dead worker leaves Prefect's list."""

MINE: Final = "alkawari-worker:"
"""How the runs of our workers are marked; those of other workers are left to them."""

AGAIN: Final = "again-"
READ_AGAIN_S: Final = 60.0
PAGE: Final = 200
"""As much as the server hands out in one answer."""


class Claims:
    """What one worker has to do with the server about runs; each method may find it away."""

    def __init__(self, pool: str, name: str) -> None:
        self._pool, self._name = pool, name
        self._stories: dict[UUID, str] = {}
        self._read_at_s = 0.0
        self.under_way: set[str] = set()
        """The stories that some living worker is telling, as of the last look."""

    def beat(self, client: SyncPrefectClient) -> None:
        """Say that this worker is alive; ServerAway while there is no pool to serve."""
        try:
            client.send_worker_heartbeat(self._pool, self._name, heartbeat_interval_seconds=BEAT_S)
        except httpx.HTTPStatusError as error:
            if error.response.status_code != HTTPStatus.NOT_FOUND:
                raise
            raise ServerAway(
                f"The Prefect server has no work pool {self._pool!r}: run `alkawari deploy`."
            ) from None

    def due(self, client: SyncPrefectClient, most: int) -> list[FlowRun]:
        """
        The runs whose time has come, one for each deployment: the newest.

        Those before it were missed, and it does their work: they are cancelled, `most` at a time.
        """
        found = client.get_scheduled_flow_runs_for_work_pool(
            self._pool, scheduled_before=datetime.now(UTC)
        )
        runs = [one.flow_run for one in found]
        self._learn(client, runs)
        newest: dict[UUID, FlowRun] = {}
        missed: list[FlowRun] = []
        for run in sorted(runs, key=_scheduled_at):
            if run.deployment_id is None or run.deployment_id not in self._stories:
                continue
            if run.deployment_id in newest:
                missed.append(newest[run.deployment_id])
            newest[run.deployment_id] = run
        for run in missed[:most]:
            self._set(client, run, Cancelled(message="Missed; a later run does its work."))
        if missed:
            log.info("%d runs were missed; later ones do their work", len(missed))
        return list(newest.values())

    def claim(self, client: SyncPrefectClient, run: FlowRun) -> bool:
        """Take a run in hand, unless another has it or its deployment is busy."""
        state: State[object] = Pending()
        try:
            answer = client.set_flow_run_state(run.id, state)
            if answer.status is not SetStateStatus.ACCEPT:
                return False
            client.update_flow_run(run.id, infrastructure_pid=f"{MINE}{self._name}")
        except ObjectNotFound:
            return False
        run.state = answer.state or run.state
        return True

    def story_of(self, run: FlowRun) -> str:
        """The story that a run tells; only for runs that `due` gave."""
        assert run.deployment_id is not None  # noqa: S101 - `due` leaves the others out
        return self._stories[run.deployment_id]

    def take_over(self, client: SyncPrefectClient, in_hand: Collection[UUID]) -> None:
        """
        Mark as Crashed what a dead worker had in hand, and have it begun anew at once, one time.

        The same for what is marked as ours and is not `in_hand`: the server did not hear of its
        end. Ages are reckoned from our own heartbeat, which the server dated like all others:
        clocks of several machines need not agree.
        """
        beats = {one.name: one.last_heartbeat_time for one in self._workers(client)}
        now = beats.get(self._name)
        if now is None:
            return
        alive = {name for name, at in beats.items() if at is not None and now - at < DEAD_AFTER}
        unfinished = self.unfinished(client)
        self._learn(client, unfinished)
        lost = [run for run in unfinished if self._is_lost(run, alive, in_hand, now)]
        gone = {run.id for run in lost}
        self.under_way = {
            self._stories[run.deployment_id]
            for run in unfinished
            if run.id not in gone and run.deployment_id in self._stories
        }
        for run in lost:
            self._give_up(client, run, "Nobody is telling this story any more.")
            self._again(client, run)
        for name, at in beats.items():
            if at is not None and now - at > FORGOTTEN_AFTER:
                self._forget(client, name)

    def unfinished(self, client: SyncPrefectClient, *, ending: bool = False) -> list[FlowRun]:
        """What is pending or running in our pool; `ending`: only what somebody wants to end."""
        states = [StateType.CANCELLING]
        if not ending:
            states += [StateType.PENDING, StateType.RUNNING]
        wanted = FlowRunFilter(state=FlowRunFilterState(type=FlowRunFilterStateType(any_=states)))
        pool = WorkPoolFilter(name=WorkPoolFilterName(any_=[self._pool]))
        return client.read_flow_runs(flow_run_filter=wanted, work_pool_filter=pool, limit=PAGE)

    def cancelled(self, client: SyncPrefectClient, run: FlowRun) -> None:
        """Put down that a run ended because somebody asked for it."""
        self._set(client, run, Cancelled(message="Ended after the batch in hand."), force=True)

    def give_back(self, client: SyncPrefectClient, left: Iterable[FlowRun]) -> None:
        """Leave the list of workers; what could not be ended in time is for others."""
        for run in left:
            self._give_up(client, run, "The worker was stopped, and this did not end in time.")
        self._forget(client, self._name)

    def _learn(self, client: SyncPrefectClient, runs: Sequence[FlowRun]) -> None:
        """Which deployment tells which story; asked again when one is new, and each minute."""
        known = all(run.deployment_id in self._stories for run in runs if run.deployment_id)
        if known and monotonic() - self._read_at_s < READ_AGAIN_S and self._read_at_s:
            return
        if not known and monotonic() - self._read_at_s < BEAT_S and self._read_at_s:
            return  # it is none of ours
        self._read_at_s = monotonic()
        there = existing(client, self._pool)
        self._stories = {one.id: shown.partition("/")[0] for shown, one in there.items()}

    def _is_lost(
        self, run: FlowRun, alive: Collection[str], in_hand: Collection[UUID], now: datetime
    ) -> bool:
        if run.deployment_id not in self._stories:
            return False
        mark = run.infrastructure_pid or ""
        if mark == f"{MINE}{self._name}":
            return run.id not in in_hand
        if mark.startswith(MINE):
            return mark.removeprefix(MINE) not in alive
        # Taken in hand by one that died before it could say who it is; a worker that is not ours
        # has a process to start first.
        patience = OTHERS_BEGIN_WITHIN if mark else DEAD_AFTER
        state = run.state
        return bool(state and state.is_pending() and now - state.timestamp > patience)

    def _give_up(self, client: SyncPrefectClient, run: FlowRun, why: str) -> None:
        asked = run.state is not None and run.state.is_cancelling()
        made: Callable[..., State[object]] = Cancelled if asked else Crashed
        self._set(client, run, made(message=why), force=True)
        story = self._stories.get(run.deployment_id, "a run") if run.deployment_id else "a run"
        log.warning("%s (%s) is marked %s: %s", story, run.name, made.__name__, why)

    def _again(self, client: SyncPrefectClient, run: FlowRun) -> None:
        ended = run.state is not None and run.state.is_cancelling()
        # What has killed its worker twice waits for its next time.
        if ended or run.deployment_id is None or (run.idempotency_key or "").startswith(AGAIN):
            return
        client.create_flow_run_from_deployment(
            run.deployment_id, parameters=run.parameters, idempotency_key=f"{AGAIN}{run.id}"
        )

    def _set(
        self, client: SyncPrefectClient, run: FlowRun, state: State[object], *, force: bool = False
    ) -> None:
        with suppress(ObjectNotFound):
            client.set_flow_run_state(run.id, state, force=force)

    def _forget(self, client: SyncPrefectClient, name: str) -> None:
        client.request(
            "DELETE",
            "/work_pools/{pool}/workers/{name}",  # type: ignore[arg-type]  # its list lacks it
            path_params={"pool": self._pool, "name": name},
        )

    def _workers(self, client: SyncPrefectClient) -> list[Worker]:
        found: list[Worker] = []
        while some := client.read_workers_for_work_pool(self._pool, offset=len(found)):
            found += some
        return found


def _scheduled_at(run: FlowRun) -> datetime:
    at = run.next_scheduled_start_time or run.expected_start_time
    return at or datetime.fromtimestamp(0, UTC)
