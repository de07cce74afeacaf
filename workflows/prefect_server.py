"""The Prefect server that several machines share: how it is reached, and how it is set up."""

import os
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from config.settings import Settings
from engine.errors import BadValue, EngineError
from workflows.orchestrator import QUIET_LOGGING

NEEDLESS_SERVICES: Final = ("event_persister", "triggers", "pause_expirations")
"""Those of automations and pauses: our workers look after lost runs themselves."""


WORKER_LOGGING: Final = f"""\
{QUIET_LOGGING}\
  prefect.FlowRunSuspendingObserver: {{level: CRITICAL}}
  asyncio: {{level: CRITICAL}}
"""
"""
The same, without the pages that Prefect prints while the server is away: the worker says it once.
"""


class ServerAway(EngineError):
    """The Prefect server cannot be used; the text is one sentence."""


def client_environment(settings: Settings) -> dict[str, str]:
    """The variables that lead Prefect's client to our server, and nowhere else."""
    part, home = settings.prefect, settings.data_folder.resolve() / "prefect-worker"
    optional = {
        "PREFECT_API_AUTH_STRING": part.auth,
        "PREFECT_API_SSL_CERT_FILE": part.ca_file,
    }
    return {
        "DO_NOT_TRACK": "1",
        "PREFECT_HOME": str(home),
        "PREFECT_PROFILES_PATH": str(home / "profiles.toml"),
        "PREFECT_API_URL": part.api_url,
        "PREFECT_API_REQUEST_TIMEOUT": "10",
        "PREFECT_CLIENT_MAX_RETRIES": "1",
        "PREFECT_CLIENT_CSRF_SUPPORT_ENABLED": "false",
        "PREFECT_CLIENT_SERVER_VERSION_CHECK_ENABLED": "false",
        "PREFECT_INTERNAL_LOGGING_LEVEL": "CRITICAL",
        "PREFECT_LOGGING_LEVEL": "WARNING",
        "PREFECT_LOGGING_TO_API_ENABLED": "false",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_SERVER_EPHEMERAL_ENABLED": "false",
        **{name: value for name, value in optional.items() if value},
    }


def server_environment(settings: Settings) -> dict[str, str]:
    """
    The variables for `prefect server start`; BadValue where a setting for them is missing.

    The effects of the switches were measured on Prefect 3.8.8. The server keeps its leases in
    files: those in memory are lost with it, and what held one would hold it for ever.
    """
    part = settings.prefect
    if not part.api_url:
        raise BadValue("prefect.api_url", "", "say where the server will be reached")
    where = urlsplit(part.api_url)
    home = settings.data_folder.resolve() / "prefect-server"
    services = {f"{name}_enabled": "false" for name in NEEDLESS_SERVICES} | {
        "task_run_recorder_batch_size": "100",
        "task_run_recorder_read_batch_size": "100",
        "task_run_recorder_flush_interval": "1",
        "db_vacuum_enabled": "flow_runs",
        "db_vacuum_retention_period": str(part.keep_days * 24 * 3600),
    }
    optional = {"PREFECT_SERVER_API_AUTH_STRING": part.auth}
    return {
        "DO_NOT_TRACK": "1",
        "PREFECT_HOME": str(home),
        "PREFECT_PROFILES_PATH": str(home / "profiles.toml"),
        "PREFECT_API_URL": part.api_url,
        "PREFECT_SERVER_API_HOST": where.hostname or "127.0.0.1",
        "PREFECT_SERVER_API_PORT": str(where.port or 4200),
        "PREFECT_SERVER_DATABASE_CONNECTION_URL": _database(part.server_database_url),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": (
            "prefect.server.concurrency.lease_storage.filesystem"
        ),
        "PREFECT_SERVER_CORS_ALLOWED_ORIGINS": f"{where.scheme}://{where.netloc}",
        "PREFECT_SERVER_EVENTS_STREAM_OUT_ENABLED": "false",
        "PREFECT_SERVER_LOGGING_LEVEL": "WARNING",
        **{name: value for name, value in optional.items() if value},
        **{f"PREFECT_SERVER_SERVICES_{name.upper()}": value for name, value in services.items()},
    }


def _database(url: str) -> str:
    if not url:
        raise BadValue(
            "prefect.server_database_url", "",
            "say where the server keeps its records, such as postgresql://prefect@localhost/prefect",
        )  # fmt: skip
    scheme, there, rest = url.partition("://")
    if not there or scheme.partition("+")[0] not in {"postgresql", "postgres"}:
        raise BadValue("prefect.server_database_url", "…", "write postgresql://user@host/name")
    return f"postgresql+asyncpg://{rest}"


def as_lines(variables: Mapping[str, str]) -> str:
    """`NAME=value` lines that a shell and systemd both read."""
    return "".join(f"{name}={shlex.quote(value)}\n" for name, value in sorted(variables.items()))


def prepare(settings: Settings) -> None:
    """
    Make this process's Prefect ours; BadValue if no server is set.

    Prefect reads its settings once, when it is imported: what imports it is imported after this,
    and a process belongs to one server.
    """
    if not settings.prefect.api_url:
        raise BadValue(
            "prefect.api_url", "", "no Prefect server is set; docs/operating.md says how to run one"
        )
    wanted = client_environment(settings)
    if "prefect" in sys.modules:
        if os.environ.get("PREFECT_API_URL") != wanted["PREFECT_API_URL"]:
            raise ServerAway("Prefect was imported before its settings were made.")
        return
    home = make_home(settings, "prefect-worker")
    (home / "logging.yml").write_text(WORKER_LOGGING, encoding="utf-8")
    for inherited in [name for name in os.environ if name.startswith("PREFECT_")]:
        del os.environ[inherited]
    os.environ.update(wanted)


def make_home(settings: Settings, name: str) -> Path:
    """A folder of ours for what Prefect keeps on this machine."""
    home = settings.data_folder.resolve() / name
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    return home
