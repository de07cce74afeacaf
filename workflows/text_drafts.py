"""A letter as a text for a telephone, ready for the outbox."""

from collections.abc import Sequence

from engine.party import Channel
from engine.store.answers import NewLink, token_hash
from engine.store.outbox import Waiting
from engine.store.sending import Draft
from notifications.message import Letter


def text_draft(
    person_id: int,
    number: str,
    notices: Sequence[Waiting],
    written: Letter,
    links: Sequence[NewLink],
) -> Draft:
    """The letter in few words, with the link only if there is room for it."""
    from notifications.short import short  # noqa: PLC0415 - only where texts are written

    text = short(written).text
    urls = [item.answer_url for item in written.items if item.answer_url]
    of_url = {token_hash(url.rpartition("/")[2]): url for url in urls}
    return Draft(
        person_id=person_id,
        day=written.day,
        mime_id=written.message_id,
        sender="",
        recipient=number,
        subject="",
        body=text.encode(),
        notice_ids=tuple(notice.id for notice in notices),
        links=tuple(link for link in links if of_url[link.token_hash] in text),
        channel=Channel.SMS,
    )
