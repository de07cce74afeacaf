"""Commands for several machines: deployments on a Prefect server, and workers that serve them."""

from typing import Annotated

import typer

from cli.output import say, say_json, table
from cli.session import Json, settings


def deploy(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Change nothing.")] = False,
    shards: Annotated[int, typer.Option(help="Parts of the sweep, side by side.")] = 1,
    lanes: Annotated[int, typer.Option(help="Deliveries side by side.")] = 1,
    server_env: Annotated[
        bool, typer.Option("--server-env", help="Only print the variables of a server.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Make the deployments of a Prefect server equal to the timetable."""
    from workflows import prefect_server  # noqa: PLC0415 - only this command needs it

    where = settings()
    if server_env:
        variables = prefect_server.server_environment(where)
        prefect_server.make_home(where, "prefect-server")
        if as_json:
            say_json(variables)
        else:
            say(prefect_server.as_lines(variables).rstrip())
        return
    prefect_server.prepare(where)
    from workflows import deploying, deployments  # noqa: PLC0415 - import Prefect, now prepared

    all_wanted = deployments.wanted(where, shards=shards, lanes=lanes)
    changes = deploying.deploy(where, all_wanted, dry_run=dry_run)
    if as_json:
        say_json([change.as_dict() for change in changes])
        return
    rows = [(change.what, change.name, change.done, change.because) for change in changes]
    table("Would be" if dry_run else "Deployed", ("", "name", "", "because"), rows)


def worker(
    limit: Annotated[int, typer.Option(min=1, max=64, help="Runs at once.")] = 4,
    name: Annotated[str, typer.Option(help="Shown by Prefect; none: made of the machine's.")] = "",
) -> None:
    """Run what the Prefect server hands out, until SIGTERM."""
    from workflows.prefect_server import prepare  # noqa: PLC0415 - only this command needs it

    where = settings()
    prepare(where)
    from workflows.worker import run_worker  # noqa: PLC0415 - imports Prefect, now prepared

    run_worker(where, limit=limit, name=name)
