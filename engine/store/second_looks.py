"""What a second look does to messages that are to be tried again."""

from dataclasses import replace
from datetime import date, datetime

from sqlalchemy import Connection, select, update

from engine.store.answers import keep_links
from engine.store.outbox_tables import MessageSort, MessageStatus, NoticeStatus, messages, notices
from engine.store.sending import Claimed, Draft


def move_day(connection: Connection, message_id: int, person_id: int, day: date) -> bool:
    """Count a message as its person's one of this day; False if there is one already."""
    table = messages.c
    taken = connection.scalar(
        select(table.id).where(
            table.person_id == person_id,
            table.day == day,
            table.sort == MessageSort.REMINDER.value,
            table.id != message_id,
        )
    )
    if taken is not None:
        return False
    connection.execute(
        update(messages).where(table.id == message_id, table.day != day).values(day=day)
    )
    return True


def strike_message(connection: Connection, message_id: int) -> None:
    """Give a message up: nothing in it is true any more."""
    connection.execute(
        update(messages)
        .where(messages.c.id == message_id)
        .values(status=MessageStatus.STRUCK, leased_until_at=None)
    )


def rewrite(connection: Connection, message: Claimed, draft: Draft, now: datetime) -> Claimed:
    """Give a message that certainly did not arrive new bytes; its Message-ID stays."""
    connection.execute(
        update(messages)
        .where(messages.c.id == message.id)
        .values(
            body=draft.body,
            subject=draft.subject,
            recipient=draft.recipient,
            sender=draft.sender,
            reply_code=draft.reply_code,
            channel=draft.channel,
        )
    )
    keep_links(connection, draft.links, now)
    return replace(
        message,
        body=draft.body,
        recipient=draft.recipient,
        sender=draft.sender,
        channel=draft.channel,
    )


def unbundle(connection: Connection, message_id: int, now: datetime) -> None:
    """Give a message up whose channel is gone; what it said waits again, to be said otherwise."""
    connection.execute(
        update(notices)
        .where(notices.c.message_id == message_id, notices.c.status == NoticeStatus.BUNDLED.value)
        .values(status=NoticeStatus.PENDING, message_id=None, due_at=now)
    )
    strike_message(connection, message_id)
