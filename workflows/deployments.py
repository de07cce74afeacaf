"""The timetable as deployments of a Prefect server: what should be there, without Prefect."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from config.settings import Settings
from engine.errors import BadValue
from engine.shard import MOST_SHARDS, Shard
from workflows.timetable import TIMETABLE, Entry

ANCHOR: Final = datetime(2026, 1, 1, tzinfo=UTC)
"""What intervals are counted from: without a fixed one, deploying again would begin them anew."""

TAG: Final = "alkawari"
"""By this tag and its work pool a deployment is known as ours."""

MOST_LANES: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """
    One deployment as it should be. Of `every` and `cron` exactly one is given.

    A run of it never begins beside another: the new one is cancelled, because what it would have
    done is done by the one under way or by the next.
    """

    flow: str
    name: str
    why: str
    every: timedelta | None
    cron: str
    zone: str
    pool: str
    tags: tuple[str, ...]
    parameters: Mapping[str, object] = field(default_factory=dict)

    @property
    def shown(self) -> str:
        """As Prefect writes it: flow/deployment."""
        return f"{self.flow}/{self.name}"

    @property
    def entrypoint(self) -> str:
        """Where a worker that is not ours finds the flow."""
        return f"workflows.deployed.{self.flow}"


def wanted(
    settings: Settings,
    *,
    shards: int = 1,
    lanes: int = 1,
    entries: Iterable[Entry] = TIMETABLE,
) -> tuple[Wanted, ...]:
    """
    All deployments of a programme, from its one timetable.

    `shards` divides the sweep by dialogues; `lanes` deliveries run side by side, and whoever comes
    first takes what waits. Without a mailbox there is nothing to collect.
    """
    if not 1 <= lanes <= MOST_LANES:
        raise BadValue("--lanes", lanes, f"there can be 1 to {MOST_LANES}")
    if not 1 <= shards <= MOST_SHARDS:
        raise BadValue("--shards", shards, f"there can be 1 to {MOST_SHARDS}")
    found: list[Wanted] = []
    for entry in entries:
        if entry.story == "collect" and not settings.inbox.host:
            continue
        if entry.story == "sweep" and shards > 1:
            found += [
                _one(settings, entry, f"{share.index + 1}-of-{shards}", {"shard": str(share)})
                for share in (Shard(index, shards) for index in range(shards))
            ]
        elif entry.story == "deliver" and lanes > 1:
            found += [_one(settings, entry, f"lane-{lane + 1}", {}) for lane in range(lanes)]
        else:
            found.append(_one(settings, entry, "", {}))
    return tuple(found)


def _one(settings: Settings, entry: Entry, part: str, parameters: dict[str, object]) -> Wanted:
    pool = settings.prefect.pool
    return Wanted(
        flow=entry.story,
        # Names are one to a server; the pool's keeps two programmes on it apart.
        name=f"{pool}-{part}" if part else pool,
        why=entry.why,
        every=entry.every,
        cron=entry.cron,
        zone=settings.timezone,
        pool=pool,
        tags=(TAG, entry.story),
        parameters=parameters,
    )
