"""What every page says while messages are kept back: the holds that concern whoever looks."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from engine.permission import Deed, Member
from engine.sensitive import Quiet
from engine.store.brakes import since_on, whole_holds
from engine.store.database import Database
from engine.store.sensitive import sensitive_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A hold of a dialogue (its name; empty: of the whole programme) that is in force."""

    dialogue: str
    from_on: date
    until_on: date | None
    by: str
    reason: str


def held_now(database: Database, member: Member | None, now: datetime) -> list[Notice]:
    """The holds of whole dialogues, and of all of them, that somebody who coordinates must know."""
    if member is None or not member.may_somewhere(Deed.HOLD_DIALOGUE):
        return []
    with database.read() as connection:
        rows = whole_holds(connection)
        quiet = sensitive_of(connection)
    found = []
    for row in rows:
        if row.dialogue_id is not None and not member.may_in(Deed.HOLD_DIALOGUE, row.dialogue_id):
            continue
        # The whole programme has no day of its own: it counts from where it is earliest.
        today = now.astimezone(ZoneInfo(row.timezone)).date() if row.timezone else now.date()
        begins = row.from_on if row.timezone else row.from_on - timedelta(days=1)
        if begins <= today and (row.until_on is None or today <= row.until_on):
            found.append(
                Notice(
                    dialogue=row.name or "",
                    from_on=since_on(row.from_on, row.put_at, row.timezone),
                    until_on=row.until_on,
                    by=row.function or row.by,
                    reason=row.reason,
                )
            )
    for kept in quiet:
        span = kept.day.on(now.astimezone(ZoneInfo(kept.timezone)).date())
        if (
            span
            and kept.day.what is Quiet.ALL
            and member.may_in(Deed.HOLD_DIALOGUE, kept.dialogue_id)
        ):
            found.append(
                Notice(
                    dialogue=kept.dialogue,
                    from_on=span[0],
                    until_on=span[1],
                    by="",
                    reason=kept.day.name,
                )
            )
    return found
