"""The words in which actions are looked for, kept beside them in the way they are compared."""

from collections.abc import Iterable
from typing import Final

from sqlalchemy import ColumnElement, Connection, and_, insert, or_, select, true

from engine.search import folded, words_wanted
from engine.store.tables import action_words, actions
from engine.store.writing import write_many

W = action_words.c
COLUMNS: Final = ("action_id", "ref", "title")
PIECE: Final = 5_000
_INSERT: Final = insert(action_words)


def found_by(text: str, readable: ColumnElement[bool]) -> ColumnElement[bool]:
    """
    The condition on actions whose reference or title has every word of a search.

    A search must not tell what stands in a title that may not be read: those which are not
    `readable` are found by their reference only. That is asked last, of the few that were found.
    """
    by_ref, by_title = _has(W.ref, text), _has(W.title, text)
    anyhow = actions.c.id.in_(select(W.action_id).where(or_(by_ref, by_title)))
    return and_(anyhow, or_(readable, actions.c.id.in_(select(W.action_id).where(by_ref))))


def keep_words(connection: Connection, found: Iterable[tuple[int, str, str]]) -> None:
    """Have new actions found: number, reference and title of each."""
    rows = [(action_id, folded(ref), folded(title)) for action_id, ref, title in found]
    write_many(connection, _INSERT, COLUMNS, rows)


def complete_words(connection: Connection) -> int:
    """Have every action found that is not yet, such as one that an older program wrote."""
    a, done = actions.c, 0
    missing = (
        select(a.id, a.ref, a.title)
        .outerjoin(action_words, W.action_id == a.id)
        .where(W.action_id.is_(None))
        .limit(PIECE)
    )
    while rows := connection.execute(missing).all():
        keep_words(connection, ((row.id, row.ref, row.title) for row in rows))
        done += len(rows)
    return done


def _has(column: ColumnElement[str], text: str) -> ColumnElement[bool]:
    tests = [column.contains(word, autoescape=True) for word in words_wanted(text)]
    return and_(true(), *tests)
