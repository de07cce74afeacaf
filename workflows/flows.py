"""The stories as Prefect flows: each batch is a task, and each run leaves a table of its counts."""

from collections.abc import Callable, Iterable, Mapping
from contextvars import ContextVar
from numbers import Real
from typing import Final

from prefect import Flow, flow, task
from prefect.artifacts import create_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import FlowRun, State, StateType
from prefect.context import get_settings_context
from prefect.flow_engine import run_flow
from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings
from prefect.states import Crashed

from engine.clock import Clock
from workflows.timetable import Story, Telling

RETRY_AFTER_S: Final = [1.0, 5.0]
"""Waits before a failed batch is tried again: by then a locked database is free, or stays so."""

Counts = dict[str, object]


class UnboundStory(Exception):
    """A flow was run in a process that was not told which story it tells."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f"No story {name!r} is bound to the flows: call bind() at start.")


class StoryFailed(Exception):
    """
    All that Prefect keeps of an error: its type.

    An error's own text may hold an address or a title, and Prefect would store it for weeks.
    """

    def __init__(self, name: str, error: Exception) -> None:
        super().__init__(f"{name} failed with {type(error).__name__}; the program's log says more.")


@flow(name="sweep", persist_result=False)
def sweep(shard: str = "") -> Counts:
    """Find what is due now, decide, and queue; with a shard such as 1/4 only that share."""
    return _tell("sweep", shard)


@flow(name="deliver", persist_result=False)
def deliver() -> Counts:
    """Hand over what may leave now."""
    return _tell("deliver")


@flow(name="digest", persist_result=False)
def digest() -> Counts:
    """Make and queue the digests that are due."""
    return _tell("digest")


@flow(name="collect", persist_result=False)
def collect() -> Counts:
    """Read answers and bounces out of the mailbox."""
    return _tell("collect")


@flow(name="hooks", persist_result=False)
def hooks() -> Counts:
    """Tell other programs what happened."""
    return _tell("hooks")


@flow(name="audit", persist_result=False)
def audit() -> Counts:
    """Look for what is later than it may be, and whether the histories are whole."""
    return _tell("audit")


FLOWS: Final[Mapping[str, Flow[..., Counts]]] = {
    "sweep": sweep,
    "deliver": deliver,
    "collect": collect,
    "digest": digest,
    "hooks": hooks,
    "audit": audit,
}

with temporary_settings(updates={PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):
    # A heartbeat costs a second at the end of each run, and no variable turns it off. Made once,
    # because making the settings takes 50 ms.
    _CALM: Final = get_settings_context()

_bound: dict[str, tuple[Story, Clock]] = {}
_sources: list[Callable[[str, str], Telling]] = []
_current: ContextVar[Telling | None] = ContextVar("telling", default=None)


def bind(stories: Iterable[Story], clock: Clock) -> None:
    """Say which stories the flows tell in this process."""
    _bound.update({story.name: (story, clock) for story in stories})


def bind_to(source: Callable[[str, str], Telling]) -> None:
    """Have a source asked for the telling of a story, by its name and share, when it is begun."""
    _sources[:] = [source]


def tell(telling: Telling, run: FlowRun | None = None) -> None:
    """
    Tell it through its flow, in this thread; as `run`, where a server has made one for it.

    Raises StoryFailed when the story failed (the error itself is `telling.error`), UnboundStory
    when it has no flow, and whatever Prefect raises when its API cannot be reached.
    """
    if telling.story.name not in FLOWS:
        raise UnboundStory(telling.story.name)
    token = _current.set(telling)
    try:
        with _CALM.model_copy():
            run_flow(FLOWS[telling.story.name], flow_run=run)
    finally:
        _current.reset(token)


def reap() -> int:
    """
    Mark as Crashed the runs that a killed process left pending or running; returns how many.

    Only for a server that no other process uses: it takes every unfinished run for a leftover.
    """
    unfinished = FlowRunFilterStateType(any_=[StateType.PENDING, StateType.RUNNING])
    left = FlowRunFilter(state=FlowRunFilterState(type=unfinished))
    reaped = 0
    with get_client(sync_client=True) as client:
        while runs := client.read_flow_runs(flow_run_filter=left, limit=100):
            for run in runs:
                crashed: State[object] = Crashed(
                    message="The process that told this story was killed."
                )
                client.set_flow_run_state(run.id, crashed, force=True)
            reaped += len(runs)
    return reaped


def _tell(name: str, shard: str = "") -> Counts:
    telling = _current.get() or _begin(name, shard)
    while not telling.done:
        _batches(name, telling.story.in_task)
    table = [{"what": what, "count": count} for what, count in figures(telling.counts)]
    create_table_artifact(
        key=name, table=table, description=f"What {name} did, in {telling.batches} batches."
    )
    return dict(figures(telling.counts))


def _begin(name: str, shard: str = "") -> Telling:
    if name in _bound:
        telling = Telling(*_bound[name])
    elif _sources:
        telling = _sources[0](name, shard)
    else:
        raise UnboundStory(name)
    _current.set(telling)
    return telling


@task(
    name="batches",
    cache_policy=NO_CACHE,
    persist_result=False,
    retries=len(RETRY_AFTER_S),
    retry_delay_seconds=RETRY_AFTER_S,
)
def _batches(story: str, most: int) -> int:
    telling = _current.get() or _begin(story)
    try:
        return telling.go_on(most)
    except Exception as error:  # noqa: BLE001 - raised again, without its words
        raise StoryFailed(story, error) from None


def figures(counts: Mapping[str, object], prefix: str = "") -> list[tuple[str, Real]]:
    """The numbers of a tally and nothing else: no text of a programme gets into Prefect."""
    found: list[tuple[str, Real]] = []
    for name, value in counts.items():
        if isinstance(value, Mapping):
            found.extend(figures(value, f"{prefix}{name} "))
        elif isinstance(value, Real):
            found.append((f"{prefix}{name}", value))
    return found
