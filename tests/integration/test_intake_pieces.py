"""A plan is stored piece by piece, and still as one whole."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from builders import MONDAY, Programme, a_programme, at
from sqlalchemy import func, select

from engine.store.columns import METADATA
from engine.store.database import Database
from engine.store.tables import actions, dialogues, events, parties, people
from workflows import intake
from workflows.intake import Taken, take_in

NOW = at(MONDAY)


@pytest.fixture
def programme(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Programme]:
    monkeypatch.setattr(intake, "PIECE", 2)
    made = a_programme(database_url, tmp_path)
    yield made
    made.services.database.close()


def taken(programme: Programme, *rows: str, columns: str) -> Taken:
    path = programme.folder / "plan.csv"
    path.write_text("\n".join((columns, *rows, "")), encoding="utf-8")
    return take_in(programme.services, path, None, NOW)


def refs(programme: Programme) -> list[str]:
    return [ref for (ref,) in programme.rows(select(actions.c.ref).order_by(actions.c.id))]


def test_an_action_may_wait_for_one_that_stands_further_down(programme):
    rows = [f"S-{n},Saaba,Step {n},Police,2026-12-04,{f'S-{n + 3}' if n < 4 else ''}"
            for n in range(1, 8)]  # fmt: skip

    done = taken(programme, *rows, columns="ref,dialogue,action,responsible,due,depends_on")

    assert (done.rows, done.created, done.errors) == (7, 7, ())
    waiting = {ref: programme.action(ref).waiting for ref in refs(programme)}
    assert waiting == {f"S-{n}": n < 4 for n in range(1, 8)}
    first = programme.rows(
        select(events.c.payload).where(events.c.seq == 1).order_by(events.c.action_id)
    )
    assert '"depends_on":["S-4"]' in first[0][0]
    again = taken(programme, *rows, columns="ref,dialogue,action,responsible,due,depends_on")
    assert (again.created, again.updated, again.unchanged) == (0, 0, 7)


def test_a_reference_that_is_made_is_none_that_a_later_row_has(programme):
    rows = [",Saaba,One,Police,2026-12-04", ",Saaba,Two,Police,2026-12-04",
            ",Saaba,Three,Police,2026-12-04", "saa-02,Saaba,Four,Police,2026-12-04"]  # fmt: skip

    done = taken(programme, *rows, columns="ref,dialogue,action,responsible,due")

    assert done.created == 4
    assert refs(programme) == ["SAA-01", "SAA-03", "SAA-04", "saa-02"]


def test_an_error_in_the_last_piece_leaves_nothing_of_the_first(programme):
    columns = "ref,dialogue,action,responsible,due"
    assert taken(programme, "S-5,Saaba,Five,Police,2026-12-04", columns=columns).created == 1
    rows = [f"S-{n},Jos,Step {n},Residents,2026-12-04" for n in range(6, 10)]

    done = taken(programme, *rows, "s-5,Saaba,Five again,Police,2026-12-04", columns=columns)

    assert [error.column for error in done.errors] == ["ref"]
    assert (done.rows, done.created) == (5, 0)
    assert refs(programme) == ["S-5"]
    assert programme.rows(select(func.count()).select_from(dialogues)) == [(1,)]


def test_a_circle_through_several_pieces_is_refused_with_its_path(programme):
    columns = "ref,dialogue,action,responsible,due,depends_on"
    taken(programme, "S-1,Saaba,One,Police,2026-12-04,", columns=columns)
    rows = ["S-2,Saaba,Two,Police,2026-12-04,S-1", "S-3,Saaba,Three,Police,2026-12-04,S-2",
            "S-4,Saaba,Four,Police,2026-12-04,S-3",
            "S-1,Saaba,One,Police,2026-12-04,S-4"]  # fmt: skip

    done = taken(programme, *rows, columns=columns)

    assert [error.column for error in done.errors] == ["depends_on"]
    assert "S-1" in done.errors[0].reason
    assert refs(programme) == ["S-1"]


def test_what_the_last_row_says_of_a_person_holds(programme):
    columns = "dialogue,action,responsible,responsible_email,responsible_language,due"
    rows = [f"Saaba,Step {n},Police,post@saaba.example,{language},2026-12-04"
            for n, language in enumerate(("fr", "fr", "en", "fr", "fr"))]  # fmt: skip

    taken(programme, *rows, columns=columns)

    query = select(people.c.language).where(people.c.email == "post@saaba.example")
    assert programme.rows(query) == [("fr",)]
    assert len(programme.rows(select(parties.c.name).where(parties.c.name == "Police"))) == 1


def test_tables_that_are_made_without_a_migration_have_indexes_of_some_rows_too(tmp_path):
    database = Database(f"sqlite:///{tmp_path / 'copy.db'}")
    METADATA.create_all(database.engine)

    with database.read() as connection:
        made = connection.exec_driver_sql(
            "SELECT sql FROM sqlite_master WHERE name = 'ix_actions_next_check_at'"
        ).scalar()
    database.close()

    assert made.endswith("WHERE next_check_at IS NOT NULL")
