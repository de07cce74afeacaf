"""The deployments of a programme follow from its one timetable."""

import shlex
from datetime import timedelta

import pytest

from config.settings import InboxPart, PrefectPart, Settings
from engine.errors import BadValue
from workflows.deployments import wanted
from workflows.prefect_server import as_lines, client_environment, server_environment
from workflows.timetable import TIMETABLE, Entry

API = "http://prefect.example:4200/api"
WITH_MAILBOX = Settings(inbox=InboxPart(host="imap.example"))
SERVER = Settings(
    prefect=PrefectPart(
        api_url=API, auth="us:it's secret".replace(" ", "-"),
        server_database_url="postgresql://prefect@db.example/prefect",
    )
)  # fmt: skip


def test_every_entry_of_the_timetable_is_a_deployment_with_its_interval_and_reason() -> None:
    found = {one.flow: (one.every, one.why, one.name) for one in wanted(WITH_MAILBOX)}
    assert found == {entry.story: (entry.every, entry.why, "alkawari") for entry in TIMETABLE}


def test_nothing_is_collected_without_a_mailbox() -> None:
    assert {one.flow for one in wanted(Settings())} == {
        entry.story for entry in TIMETABLE if entry.story != "collect"
    }


def test_schedules_go_by_the_zone_of_the_programme() -> None:
    settings = Settings(timezone="Africa/Ouagadougou")
    assert {one.zone for one in wanted(settings)} == {"Africa/Ouagadougou"}


def test_a_sweep_in_shares_gives_each_its_share_and_the_others_stay_whole() -> None:
    found = {one.shown: dict(one.parameters) for one in wanted(Settings(), shards=3)}
    assert found["sweep/alkawari-2-of-3"] == {"shard": "2/3"}
    assert [shown for shown in found if shown.startswith("sweep")] == [
        f"sweep/alkawari-{number}-of-3" for number in (1, 2, 3)
    ]
    assert found["deliver/alkawari"] == {}


def test_lanes_are_deliveries_without_a_share() -> None:
    found = [one for one in wanted(Settings(), lanes=2) if one.flow == "deliver"]
    assert [(one.name, dict(one.parameters)) for one in found] == [
        ("alkawari-lane-1", {}), ("alkawari-lane-2", {}),
    ]  # fmt: skip


def test_two_programmes_on_one_server_have_different_names() -> None:
    ours, theirs = (
        {one.shown for one in wanted(Settings(prefect=PrefectPart(pool=pool)))}
        for pool in ("north", "south")
    )
    assert not ours & theirs


def test_an_entry_by_the_clock_keeps_its_expression() -> None:
    [found] = wanted(Settings(), entries=[Entry(story="audit", cron="0 6 * * *", why="mornings")])
    assert (found.every, found.cron) == (None, "0 6 * * *")


@pytest.mark.parametrize(("shards", "lanes"), [(0, 1), (1, 0), (5000, 1), (1, 65), (-1, 1)])
def test_numbers_that_cannot_be_are_refused(shards: int, lanes: int) -> None:
    with pytest.raises(BadValue, match="there can be 1 to"):
        wanted(Settings(), shards=shards, lanes=lanes)


def test_entries_have_whole_seconds_because_the_server_knows_no_others() -> None:
    assert all(not one.every % timedelta(seconds=1) for one in TIMETABLE if one.every)


@pytest.mark.parametrize("given", ["http://x", "x:4200/api", "http://x/api?a=b", "ftp://x/api"])
def test_what_is_no_address_of_a_server_is_refused(given: str) -> None:
    with pytest.raises(ValueError, match="write it like http://host:4200/api"):
        PrefectPart(api_url=given)


def test_a_slash_at_the_end_of_the_address_does_no_harm() -> None:
    assert PrefectPart(api_url=f"{API}/").api_url == API


def test_a_client_calls_our_server_and_nobody_else() -> None:
    found = client_environment(SERVER)
    assert found["PREFECT_API_URL"] == API
    assert found["PREFECT_SERVER_ANALYTICS_ENABLED"] == "false"
    assert found["DO_NOT_TRACK"] == "1"
    assert "PREFECT_API_KEY" not in found


def test_a_server_keeps_its_records_for_days_and_its_leases_in_files() -> None:
    found = server_environment(SERVER)
    assert found["PREFECT_SERVER_DATABASE_CONNECTION_URL"] == (
        "postgresql+asyncpg://prefect@db.example/prefect"
    )
    assert found["PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED"] == "flow_runs"
    assert found["PREFECT_SERVER_SERVICES_DB_VACUUM_RETENTION_PERIOD"] == str(3 * 24 * 3600)
    assert found["PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE"].endswith(".filesystem")
    assert (found["PREFECT_SERVER_API_HOST"], found["PREFECT_SERVER_API_PORT"]) == (
        "prefect.example", "4200",
    )  # fmt: skip


def test_a_shell_reads_the_variables_as_they_are() -> None:
    found = server_environment(SERVER)
    lines = as_lines(found).splitlines()
    assert dict(shlex.split(line)[0].split("=", 1) for line in lines) == found


@pytest.mark.parametrize(
    ("part", "missing"),
    [
        (PrefectPart(), "prefect.api_url"),
        (PrefectPart(api_url=API), "prefect.server_database_url"),
        (PrefectPart(api_url=API, server_database_url="sqlite:///x"), "write postgresql://"),
    ],
)
def test_a_server_that_cannot_be_is_refused(part: PrefectPart, missing: str) -> None:
    with pytest.raises(BadValue, match=missing):
        server_environment(Settings(prefect=part))
