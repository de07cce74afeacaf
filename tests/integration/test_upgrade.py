"""Old and new programs on one database while it is brought up to date."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from builders import MONDAY, Programme, a_programme, a_row, at, day
from sqlalchemy import text

from engine.store import revision
from engine.store.revision import REVISIONS, NewerSchema, OldSchema, check, check_again
from workflows.service import Service

NOW = at(MONDAY)
FUTURE = "2099_01_01_0000"


@pytest.fixture
def programme(database_url: str, tmp_path: Path) -> Iterator[Programme]:
    made = a_programme(database_url, tmp_path)
    made.plan(
        *(a_row(ref=f"SAA-0{n}", due=day(-10), responsible=who, verifier="Region")
          for n, who in enumerate(("Police post", "Town hall", "Elders"), start=1)),
        now=at(day(-30)),
    )  # fmt: skip
    yield made

    made.close()


def upgraded(programme: Programme) -> None:
    """What a later version's `alkawari init` does: it only adds."""
    with programme.services.database.write() as connection:
        connection.execute(text("ALTER TABLE actions ADD COLUMN seen_from_space TEXT"))
        connection.execute(text("ALTER TABLE messages ADD COLUMN colour TEXT DEFAULT 'blue'"))
        connection.execute(text("CREATE TABLE satellites (id INTEGER PRIMARY KEY)"))
        connection.execute(text("CREATE INDEX ix_notices_future ON notices (kind, due_at)"))
        connection.execute(text(f"UPDATE alembic_version SET version_num = '{FUTURE}'"))


def test_a_program_that_runs_begins_no_batch_on_a_newer_database(programme):
    check_again(programme.services.database)

    upgraded(programme)

    for attempt in (programme.sweep, programme.deliver):
        with pytest.raises(NewerSchema, match=f"newer version of this program .revision {FUTURE}"):
            attempt(NOW)
    assert programme.notices() == []


def test_what_it_has_in_hand_it_brings_to_its_end_on_the_newer_tables(programme):
    programme.sweep(NOW)
    real, begun = programme.postbox.deliver, []

    def deliver(envelope: Any) -> Any:
        if not begun:
            begun.append(envelope.recipient)
            upgraded(programme)
        return real(envelope)

    programme.postbox.deliver = deliver  # type: ignore[method-assign]
    with pytest.raises(NewerSchema):
        programme.deliver(NOW)

    told = programme.postbox.recipients
    assert len(told) == len(set(told)) > 2
    statuses = programme.rows(text("SELECT DISTINCT status FROM messages"))
    assert statuses == [("sent",)], "nothing is left in hand, and the outcomes are on record"


def test_a_service_ends_by_itself_with_the_sentence(programme, tmp_path):
    ended: list[str] = []
    service = Service(programme.services, tmp_path / "prefect", give_up=lambda: ended.append("now"))
    upgraded(programme)

    service.told("sweep")

    assert ended == ["now"]
    assert isinstance(service.unfit, NewerSchema)
    assert "update the program" in str(service.unfit)
    service.stop()


def test_a_newer_program_on_an_older_database_says_what_to_run(programme, monkeypatch):
    monkeypatch.setattr(revision, "REVISIONS", (*REVISIONS, FUTURE))

    for attempt in (check, check_again):
        with pytest.raises(OldSchema, match="alkawari init") as refusal:
            attempt(programme.services.database)
        assert FUTURE in str(refusal.value)
