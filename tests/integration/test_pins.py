"""
The versions that we pin fit each other: Prefect's server starts, and its scheduler schedules.

Both were seen to fail with other versions of FastAPI and SQLAlchemy, the second one silently: the
server ran, and no scheduled run was ever made.
"""

import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from time import monotonic

import pytest

from workflows.orchestrator import _listener, _ServerPart, environment

pytestmark = pytest.mark.prefect

ROOT = Path(__file__).parents[2]
PATIENCE_S = 120


@pytest.fixture(scope="module")
def scheduled(tmp_path_factory: pytest.TempPathFactory) -> dict:
    """What a server with its scheduler on made of one cron line."""
    child = subprocess.run(
        [sys.executable, __file__, str(tmp_path_factory.mktemp("pins"))],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=2 * PATIENCE_S,
        check=False,
    )
    assert child.returncode == 0, child.stderr
    return {**json.loads(child.stdout.splitlines()[-1]), "log": child.stderr}


def test_the_server_imports_and_answers(scheduled):
    assert scheduled["health"] is True


def test_a_cron_line_makes_scheduled_runs(scheduled):
    assert len(scheduled["due"]) >= 3
    assert all(due[11:16] == "06:30" for due in scheduled["due"])  # 08:30 in Johannesburg


def test_the_scheduler_reports_no_error(scheduled):
    assert scheduled["log"] == ""


# The child: from here on nothing is run by pytest.


def schedule(home: Path) -> dict:
    listener = _listener()
    os.environ.update(environment(home, listener.getsockname()[1]))
    os.environ["PREFECT_SERVER_SERVICES_SCHEDULER_ENABLED"] = "true"
    server = _ServerPart(listener)
    server.start(threading.Event())
    try:
        return ask()
    finally:
        server.stop(PATIENCE_S)


def ask() -> dict:
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.actions import DeploymentScheduleCreate
    from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterDeploymentId
    from prefect.client.schemas.objects import StateType
    from prefect.client.schemas.schedules import CronSchedule

    from workflows.flows import sweep

    with get_client(sync_client=True) as client:
        health = client.api_healthcheck() is None
        cron = CronSchedule(cron="30 8 * * *", timezone="Africa/Johannesburg")
        made = client.create_deployment(
            flow_id=client.create_flow(sweep),
            name="pins",
            schedules=[DeploymentScheduleCreate(schedule=cron, active=True)],
        )
        ours = FlowRunFilter(deployment_id=FlowRunFilterDeploymentId(any_=[made]))
        runs, end = [], monotonic() + PATIENCE_S
        while not runs and monotonic() < end:
            threading.Event().wait(0.5)  # the scheduler offers nothing to wait on
            runs = client.read_flow_runs(flow_run_filter=ours)
    assert all(run.state_type is StateType.SCHEDULED for run in runs)
    return {"health": health, "due": [run.expected_start_time.isoformat() for run in runs]}


if __name__ == "__main__":
    print(json.dumps(schedule(Path(sys.argv[1]))))
