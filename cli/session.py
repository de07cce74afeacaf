"""What every command begins with: settings read, database checked, the instant decided."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time
from functools import partial
from pathlib import Path
from typing import Annotated, TypeVar
from zoneinfo import ZoneInfo

import typer

from config.holidays_file import kept_holidays
from config.plan_cells import read_text
from config.plan_columns import LONGEST_TEXT
from config.plan_days import FIRST_YEAR, LAST_YEAR
from config.settings import Settings, load_settings
from config.wiring import Services, build
from engine.clock import FixedClock, SystemClock
from engine.errors import BadValue
from engine.store.database import Connection
from engine.store.revision import check

Json = Annotated[bool, typer.Option("--json", help="Print one JSON value and nothing else.")]
AsOf = Annotated[
    str, typer.Option("--as-of", metavar="ISO-INSTANT", help="Run as if it were then.")
]
By = Annotated[str, typer.Option("--by", metavar="PERSON", help="Key, address or party name.")]
Version = Annotated[
    int | None, typer.Option("--version", help="The version that you saw; refused if it is old.")
]

_Day = TypeVar("_Day", date, datetime)

_chosen: dict[str, Path | None] = {"config": None}


def choose_config(path: Path | None) -> None:
    """Remember --config (or ALKAWARI_CONFIG) for the command that follows."""
    given = os.environ.get("ALKAWARI_CONFIG")
    _chosen["config"] = path or (Path(given) if given else None)


def config_path() -> Path | None:
    """The configuration file that was named, if one was."""
    return _chosen["config"]


def settings() -> Settings:
    """The settings of this run."""
    return load_settings(config_path())


def instant(as_of: str, where: Settings) -> datetime:
    """
    The instant to run for: now, or what --as-of says.

    A day alone means its noon, and an instant without a zone is one of the programme's time zone.
    """
    if not as_of:
        return SystemClock().now()
    zone = ZoneInfo(where.timezone)
    try:
        if len(as_of) == len("2026-11-23"):
            noon = datetime.combine(date.fromisoformat(as_of), time(12), zone)
            return _meant("--as-of", noon).astimezone(UTC)
        found = datetime.fromisoformat(as_of)
        found = (found if found.tzinfo else found.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        reason = "is no instant; write it like 2026-11-23T09:00:00Z"
        raise BadValue("--as-of", as_of, reason) from None
    return _meant("--as-of", found)


def day(text: str, option: str) -> date:
    """A date given on the command line."""
    try:
        return _meant(option, date.fromisoformat(text))
    except ValueError:
        raise BadValue(option, text, "is no day; write it like 2026-12-04") from None


@contextmanager
def then(services: Services, as_of: str, now: datetime) -> Iterator[Connection]:
    """A transaction that only reads, in which everything stands as it stood at --as-of."""
    if not as_of:
        with services.database.read() as connection:
            yield connection
        return
    from engine.store.past import reading  # noqa: PLC0415 - only who asks for another day needs it

    with reading(services.database, now) as connection:
        yield connection


def _meant(option: str, given: _Day) -> _Day:
    if not FIRST_YEAR <= given.year <= LAST_YEAR:
        raise BadValue(option, given.isoformat(), f"the year {given.year} cannot be meant")
    return given


def text(longest: int = LONGEST_TEXT) -> Callable[[typer.CallbackParam, str], str]:
    """A check for an option that takes somebody's words: as a plan's cell is checked."""
    return cell(partial(read_text, longest=longest, lines=True))


def cell(read: Callable[[str], str]) -> Callable[[typer.CallbackParam, str], str]:
    """A check for an option that holds what a cell of a plan could hold; empty stays empty."""

    def check(option: typer.CallbackParam, given: str) -> str:
        try:
            return read(given) if given.strip() else ""
        except ValueError as error:
            raise BadValue(f"--{option.name}", given[:40], str(error)) from None

    return check


@contextmanager
def opened(as_of: str = "") -> Iterator[tuple[Services, datetime]]:
    """The services of this run on a database of the right version, and the instant."""
    where = settings()
    now = instant(as_of, where)
    if not where.database_url and not where.data_folder.is_dir():
        reason = "there is no such folder yet; `alkawari init` makes it, with a database in it"
        raise BadValue("data_folder", str(where.data_folder), reason)
    services = build(where, clock=FixedClock(now) if as_of else None)
    try:
        check(services.database)
        with kept_holidays(where.data_folder):
            yield services, now
    finally:
        services.database.close()
