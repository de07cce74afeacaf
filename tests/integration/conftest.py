"""What several tests stand on: a programme's pages, and records that have lived, to be moved."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from builders import Programme
from face_desk import Desk, open_face
from moving_desk import WAYS, Moulds, Pair
from postgres import Server

from config.settings import Settings
from config.wiring import build
from engine.store.database import Database


@pytest.fixture(scope="session")
def moulds(tmp_path_factory: pytest.TempPathFactory) -> Moulds:
    return Moulds(tmp_path_factory.mktemp("moulds"))


@pytest.fixture(params=WAYS)
def pair(
    request: pytest.FixtureRequest, tmp_path: Path, moulds: Moulds, postgres_server: Server
) -> Iterator[Pair]:
    """The record on one sort of database, and an empty database of the other sort."""
    if request.param == "sqlite to postgresql":
        found = Pair(moulds.sqlite(tmp_path), postgres_server.create())
        served = found.new
    else:
        found = Pair(moulds.postgres(postgres_server), f"sqlite:///{tmp_path / 'two.db'}")
        served = found.old
    yield found

    postgres_server.drop(served)


@pytest.fixture(params=WAYS)
def empty(request: pytest.FixtureRequest, tmp_path: Path, postgres_url: str) -> Pair:
    """Two databases without tables."""
    here = f"sqlite:///{tmp_path / 'one.db'}"
    return Pair(*((here, postgres_url) if request.param == WAYS[0] else (postgres_url, here)))


@pytest.fixture
def files(tmp_path: Path, moulds: Moulds) -> Pair:
    """The record in a file, and a file that is not there yet."""
    return Pair(moulds.sqlite(tmp_path), f"sqlite:///{tmp_path / 'two.db'}")


@pytest.fixture
def opened() -> Iterator[Callable[[str], Database]]:
    made: list[Database] = []

    def open_(url: str) -> Database:
        made.append(Database(url))
        return made[-1]

    yield open_

    for database in made:
        database.close()


@pytest.fixture
def lived(opened: Callable[[str], Database]) -> Callable[[str, Path], Programme]:
    """Opens a copy of the programme, with nothing in its postbox yet."""

    def open_(url: str, folder: Path) -> Programme:
        services = build(Settings(database_url=url, data_folder=folder))
        services.database.close()
        programme = Programme(services, folder)
        mailer = programme.postbox
        programme.services = replace(services, database=opened(url), new_mailer=lambda: mailer)
        return programme

    return open_


@pytest.fixture
def desk(programme: Programme) -> Iterator[Desk]:
    """The pages of the programme of the module, served for real."""
    with open_face(programme) as opened:
        yield opened
