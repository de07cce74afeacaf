"""What one person may see, asked of the database: actions by level and tie, and what is around."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, false, func, or_, select, true

from engine.action import Action, Handling
from engine.party import Role
from engine.permission import Deed, Member, Tie, may
from engine.store.answer_tables import digests
from engine.store.records import action_from, select_actions
from engine.store.tables import action_parties, actions, commitments, dialogues, parties

A = actions.c

Condition = ColumnElement[bool]
"""A condition on actions, for those who may not speak SQL."""

_SPEAKS = frozenset({Role.FOCAL_POINT, Role.ALTERNATE})


def dialogues_of(connection: Connection, member: Member) -> list[Row[Any]]:
    """The dialogues in which somebody has a role, by name."""
    query = select(
        dialogues.c.id, dialogues.c.code, dialogues.c.name, dialogues.c.country,
        dialogues.c.timezone, dialogues.c.languages,
    ).order_by(dialogues.c.name)  # fmt: skip
    homes = {where for _role, where in member.grants}
    if None not in homes:
        query = query.where(dialogues.c.id.in_([home for home in homes if home is not None]))
    return list(connection.execute(query)) if homes else []


def seen(member: Member, deed: Deed, dialogue_ids: Collection[int] | None) -> Condition:
    """
    The condition on actions of these dialogues (None: of every one) with which they may do that.

    Whoever is something to the whole programme is asked about it without naming the dialogues: so
    a list can be read in its order instead of dialogue by dialogue.
    """
    if dialogue_ids is None:
        own = {where for _role, where in member.grants if where is not None}
        everywhere = _permitted(member, deed, member.programme_ties, None)
        return or_(everywhere, seen(member, deed, sorted(own))) if own else everywhere
    alike: dict[tuple[frozenset[Tie], bool], list[int]] = defaultdict(list)
    for dialogue_id in dialogue_ids:
        alike[member.ties_in(dialogue_id), _speaks(member, dialogue_id)].append(dialogue_id)
    found = [
        and_(A.dialogue_id.in_(ids), _permitted(member, deed, ties, ids[0]))
        for (ties, _says), ids in alike.items()
        if ties
    ]
    return or_(*found) if found else false()


def countable(member: Member, dialogue_ids: Collection[int]) -> Condition:
    """What may stand in a cell: what is closed never alone, unless somebody sees it anyway."""
    return or_(A.handling != Handling.CLOSED.value, seen(member, Deed.LIST, dialogue_ids))


def _speaks(member: Member, dialogue_id: int | None) -> bool:
    """Whether they speak for their party in that dialogue; None: in every one."""
    held = {role for role, where in member.grants if where in {None, dialogue_id}}
    return not held.isdisjoint(_SPEAKS)


def _permitted(
    member: Member, deed: Deed, ties: frozenset[Tie], dialogue_id: int | None
) -> ColumnElement[bool]:
    """What may be done with these ties, and with what somebody is to single actions besides."""
    if not ties:
        return false()
    at_all = _levels(deed, ties)
    if len(at_all) == len(Handling):
        return true()
    parts: list[ColumnElement[bool]] = [A.handling.in_(at_all)] if at_all else []
    party = member.party_id

    def or_where(holds: ColumnElement[bool], *more: Tie) -> None:
        levels = _levels(deed, ties | set(more))
        if levels != at_all:
            parts.append(and_(holds, A.handling.in_(levels)))

    if party is not None and _speaks(member, dialogue_id):
        shared = select(action_parties.c.action_id).where(action_parties.c.party_id == party)
        or_where(or_(A.responsible_id == party, A.id.in_(shared)), Tie.OWES)
    if party is not None:
        or_where(A.verifier_id == party, Tie.VERIFIES)
    or_where(A.focal_id == member.person_id, Tie.OWES, Tie.NAMED)
    return or_(*parts) if parts else false()


def _levels(deed: Deed, ties: Collection[Tie]) -> list[str]:
    return [level.value for level in Handling if may(ties, deed, level)]


def partners_of(connection: Connection, action_ids: Iterable[int]) -> Mapping[int, list[int]]:
    """The parties that share the responsibility for these actions."""
    found: dict[int, list[int]] = defaultdict(list)
    rows = connection.execute(
        select(action_parties.c.action_id, action_parties.c.party_id).where(
            action_parties.c.action_id.in_(list(action_ids))
        )
    )
    for action_id, party_id in rows:
        found[action_id].append(party_id)
    return found


def find_seen(connection: Connection, ref: str, where: ColumnElement[bool]) -> Action | None:
    """The action of that reference among those that satisfy the condition; None if it is not."""
    query = select_actions().where(where)
    row = connection.execute(query.where(A.ref == ref)).first()
    return action_from(row) if row else None


def id_of(connection: Connection, ref: str) -> int:
    """The number of an action, 0 if there is none: where a list goes on."""
    return connection.scalar(select(A.id).where(A.ref == ref)) or 0


def parties_in(connection: Connection, dialogue_ids: Collection[int]) -> list[Row[Any]]:
    """The parties of these dialogues."""
    above = parties.alias()
    return list(
        connection.execute(
            select(
                parties.c.id, parties.c.name, parties.c.side, dialogues.c.name.label("dialogue"),
                above.c.name.label("superior"),
            )
            .join(dialogues, dialogues.c.id == parties.c.dialogue_id)
            .outerjoin(above, above.c.id == parties.c.superior_id)
            .where(parties.c.dialogue_id.in_(dialogue_ids))
            .order_by(dialogues.c.name, parties.c.name)
        )
    )  # fmt: skip


def commitments_seen(
    connection: Connection, where: ColumnElement[bool], after: int, limit: int
) -> list[Row[Any]]:
    """Commitments of which at least one action satisfies the condition, by number."""
    c = commitments.c
    return list(
        connection.execute(
            select(c.id, c.text, c.language, c.agreed_on, dialogues.c.name.label("dialogue"))
            .join(dialogues, dialogues.c.id == c.dialogue_id)
            .where(c.id > after, c.id.in_(select(A.commitment_id).where(where)))
            .order_by(c.id)
            .limit(limit)
        )
    )


def refs_of(
    connection: Connection, commitment_ids: Collection[int], where: ColumnElement[bool]
) -> Mapping[int, list[str]]:
    """The references of these commitments' actions that satisfy the condition."""
    found: dict[int, list[str]] = defaultdict(list)
    rows = connection.execute(
        select(A.commitment_id, A.ref)
        .where(A.commitment_id.in_(commitment_ids), where)
        .order_by(A.id)
    )
    for commitment_id, ref in rows:
        found[commitment_id].append(ref)
    return found


def digests_of(connection: Connection, person_id: int, before: int, limit: int) -> list[Row[Any]]:
    """The digests that were made for somebody, newest first, from before that number on."""
    d = digests.c
    query = (
        select(d.id, d.digest, d.as_of_at, d.day, d.fingerprint, d.figures, dialogues.c.name)
        .outerjoin(dialogues, dialogues.c.id == d.dialogue_id)
        .where(d.person_id == person_id)
        .order_by(d.id.desc())
        .limit(limit)
    )
    return list(connection.execute(query.where(d.id < before) if before else query))


def words_of(connection: Connection, action: Action) -> str:
    """The words in which an action's commitment was agreed."""
    query = select(commitments.c.text).where(commitments.c.id == action.commitment_id)
    return str(connection.scalar(query))


def number_in(connection: Connection, dialogue_ids: Collection[int]) -> int:
    """How many actions these dialogues have, whoever may see them."""
    query = select(func.count()).where(A.dialogue_id.in_(dialogue_ids))
    return connection.scalar(query) or 0
