"""Prefect's client for our server; import it after `prefect_server.prepare`."""

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Final

import httpx
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.settings import PREFECT_API_URL

from config.settings import Settings
from engine.errors import EngineError
from workflows.prefect_server import ServerAway

CLOSED: Final = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})


@contextmanager
def connected(settings: Settings) -> Iterator[SyncPrefectClient]:
    """
    A client, which calls nobody before it is asked.

    ServerAway, in one sentence, for whatever keeps the server from answering inside of the block.
    """
    address = settings.prefect.api_url
    if PREFECT_API_URL.value() != address:
        raise ServerAway("Prefect was imported before its settings were made.")
    try:
        with get_client(sync_client=True) as client:
            yield client
    except EngineError:
        raise
    except (httpx.HTTPError, OSError) as error:
        raise ServerAway(f"The Prefect server {address} {_reason(error)}") from None


def _reason(error: Exception) -> str:
    if isinstance(error, httpx.HTTPStatusError):
        code = error.response.status_code
        return "does not let us in: set prefect.auth" if code in CLOSED else f"answers with {code}"
    if isinstance(error, httpx.TimeoutException):
        return "does not answer in time."
    return (
        f"cannot be reached ({type(error).__name__}): is prefect.api_url right, and is it running?"
    )
