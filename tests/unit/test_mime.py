"""The bytes of a mail, proved by reading them back with the standard library's parser."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifications.message import Message
from notifications.mime import to_bytes

BREAKERS = ["\r", "\n", "\r\nBcc: all@town.example", "\x00", "\u2028", "\x85"]
LETTERS = st.characters(exclude_categories=["Cs"], exclude_characters="\r")
ANY_TEXT = st.lists(
    st.one_of(LETTERS, st.sampled_from(["\n", " ", "\t", "=", ".", "From ", "é", "x" * 75, "=_"]))
).map("".join)
ONE_LINE = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=300)


def a_message(**changes: object) -> Message:
    plain = Message(
        language="en",
        subject="[Jos] Ref. SAA-07: update requested by 4 December",
        text="Good day,\n\nPlease answer.\n",
        html="<!DOCTYPE html>\n<p>Please answer.</p>\n",
        sender="notes@dialogue.example",
        sender_name="Dialogue of Jos",
        to="office@town.example",
        reply_to="r+7f3a@dialogue.example",
        message_id="<a7.3@dialogue.example>",
        thread_id="<a7@dialogue.example>",
        sent_at=datetime(2026, 12, 1, 9, 30, tzinfo=UTC),
        unsubscribe_mailto="mailto:stop+7f3a@dialogue.example?subject=stop",
    )
    return replace(plain, **changes)


def parsed(message: Message) -> EmailMessage:
    """What a strict reader sees; a defect anywhere is an error."""
    mail = message_from_bytes(to_bytes(message), policy=policy.default.clone(raise_on_defect=True))
    for part in mail.walk():
        assert part.defects == []
        assert [header.defects for header in part.values() if header.defects] == []
    return mail


def bodies(message: Message) -> tuple[str, str]:
    text, html = (part.get_content() for part in parsed(message).iter_parts())
    return text.replace("\r\n", "\n"), html.replace("\r\n", "\n")


def lines_of(message: Message) -> list[bytes]:
    return to_bytes(message).split(b"\r\n")


def test_a_mail_has_two_parts_that_say_the_same_and_the_better_one_is_last() -> None:
    mail = parsed(a_message())

    assert mail.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]
    assert [part.get_content_charset() for part in mail.iter_parts()] == ["utf-8", "utf-8"]


def test_every_header_can_be_read_back() -> None:
    mail = parsed(a_message())

    assert {name: str(value) for name, value in mail.items() if name != "Content-Type"} == {
        "From": "Dialogue of Jos <notes@dialogue.example>",
        "To": "office@town.example",
        "Reply-To": "r+7f3a@dialogue.example",
        "Subject": "[Jos] Ref. SAA-07: update requested by 4 December",
        "Date": "Tue, 01 Dec 2026 09:30:00 +0000",
        "Message-ID": "<a7.3@dialogue.example>",
        "In-Reply-To": "<a7@dialogue.example>",
        "References": "<a7@dialogue.example>",
        "List-Unsubscribe": "<mailto:stop+7f3a@dialogue.example?subject=stop>",
        "Auto-Submitted": "auto-generated",
        "X-Auto-Response-Suppress": "All",
        "Content-Language": "en",
        "MIME-Version": "1.0",
    }


@pytest.mark.parametrize("thread_id", ["", "<a7.3@dialogue.example>"])
def test_a_mail_that_starts_a_thread_answers_nothing(thread_id: str) -> None:
    mail = parsed(a_message(thread_id=thread_id))

    assert mail["In-Reply-To"] is None
    assert mail["References"] is None


def test_the_same_message_always_gives_the_same_bytes() -> None:
    assert to_bytes(a_message()) == to_bytes(a_message())


def test_the_date_is_said_in_universal_time() -> None:
    at = datetime(2026, 12, 1, 9, 30, tzinfo=timezone(timedelta(hours=5, minutes=45)))

    assert parsed(a_message(sent_at=at))["Date"].datetime == at
    assert b"\r\nDate: Tue, 01 Dec 2026 03:45:00 +0000\r\n" in to_bytes(a_message(sent_at=at))


def test_long_ids_and_the_way_to_stop_stand_unfolded_and_unencoded() -> None:
    long_id = f"<{'a' * 90}@dialogue.example>"
    stop = f"mailto:stop+{'f' * 170}@dialogue.example?subject=stop"

    lines = lines_of(
        a_message(message_id=long_id, thread_id=f"<{long_id[2:]}", unsubscribe_mailto=stop)
    )

    assert f"Message-ID: {long_id}".encode() in lines
    assert f"References: <{long_id[2:]}".encode() in lines
    assert f"List-Unsubscribe: <{stop}>".encode() in lines


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "a",
        "no newline at the end",
        "trailing space \ntrailing tab\t\n",
        ".\n..\n.hidden\n",
        "From the chief of post\nFrom \nFrom From From \n>From here\n",
        f"From {'x' * 300}\n",
        "=3D is not decoded twice =\n",
        "مرحبا، هذه رسالة قصيرة.\n" * 20,
        "Merci à tous 👩🏾‍🌾 — « à bientôt »\n",
        "é" * 4000 + "\n",
        "word " * 800 + "\n",
        "x" * 4000,
        "--=_not-the-boundary\n",
        "\u2028line separators\u2029 and \x0b\x0c\x85 survive\n",
    ],
)
def test_a_body_arrives_as_it_was_written(text: str) -> None:
    written, html = bodies(a_message(text=text, html=text))

    assert (written, html) == (text, text)


@given(text=ANY_TEXT, html=ANY_TEXT)
def test_any_body_arrives_as_it_was_written(text: str, html: str) -> None:
    assert bodies(a_message(text=text, html=html)) == (text, html)


@given(text=ANY_TEXT, subject=ONE_LINE, name=ONE_LINE)
def test_every_line_is_short_and_ascii_and_ends_in_crlf(text: str, subject: str, name: str) -> None:
    made = to_bytes(a_message(text=text, html=text * 3, subject=subject, sender_name=name))

    assert made.isascii()
    assert b"\0" not in made
    assert made.count(b"\r") == made.count(b"\n") == made.count(b"\r\n")
    assert max(map(len, made.split(b"\r\n"))) <= 78


def test_line_ends_of_other_systems_become_one_kind() -> None:
    assert bodies(a_message(text="one\r\ntwo\rthree\n"))[0] == "one\ntwo\nthree\n"


def test_no_line_of_a_body_begins_a_new_mail_in_an_old_mailbox() -> None:
    made = to_bytes(a_message(text="From here on\nFrom there\n", html="From all\n"))

    assert b"\nFrom " not in made


@pytest.mark.parametrize(
    "subject",
    [
        "[Saaba] Réf. SAA-07\N{NO-BREAK SPACE}: mise à jour demandée avant le 4 décembre",
        "[سبها] المرجع SAA-07: مطلوب تحديث قبل 4 ديسمبر من فضلكم وشكرا جزيلا لكم جميعا",
        "[Jos] " + "word " * 40 + "end",
        "[Jos] " + "unbroken" * 40,
        "=?utf-8?q?not_encoded?= is kept as it is written",
        "two  spaces and an = and a _ and a ?",
        "👩🏾‍🌾" * 20,
        "",
    ],
)
def test_a_subject_arrives_as_it_was_written(subject: str) -> None:
    assert parsed(a_message(subject=subject))["Subject"] == subject


@given(subject=ONE_LINE.map(lambda text: " ".join(text.split())))
def test_any_subject_arrives_as_it_was_written(subject: str) -> None:
    assert str(parsed(a_message(subject=subject))["Subject"]) == subject


@given(subject=ONE_LINE)
def test_encoded_words_are_short_and_stand_on_short_lines(subject: str) -> None:
    for line in lines_of(a_message(subject=subject)):
        if b"=?utf-8?" in line:
            assert len(line) <= 76
            assert max(map(len, line.split(b" "))) <= 75


def test_latin_is_spelt_so_that_people_can_read_the_source() -> None:
    made = to_bytes(a_message(subject="Réf. SAA-07"))

    assert b"Subject: =?utf-8?q?R=C3=A9f=2E_SAA-07?=" in made


@pytest.mark.parametrize(
    "name",
    [
        "Town hall, boss@corp.example",
        '"quoted" <boss@corp.example>',
        "a" * 78 + ", boss@corp.example",
        "Mairie; boss@corp.example:",
        "Mairie de Saaba, é <boss@corp.example>",
        "\\",
        "",
    ],
)
def test_a_name_cannot_turn_into_a_second_address(name: str) -> None:
    [sender] = parsed(a_message(sender_name=name))["From"].addresses

    assert sender.addr_spec == "notes@dialogue.example"
    assert len(sender.display_name) <= 60


@given(name=ONE_LINE)
def test_no_name_at_all_changes_who_sends(name: str) -> None:
    [sender] = parsed(a_message(sender_name=name))["From"].addresses

    assert sender.addr_spec == "notes@dialogue.example"


@pytest.mark.parametrize(
    "name", ["Mairie de Saaba", "Dialogue à Saaba", "حوار سبها", "Jos (North)"]
)
def test_a_name_is_shown_as_it_is_written_but_for_signs_of_addresses(name: str) -> None:
    [sender] = parsed(a_message(sender_name=name))["From"].addresses

    assert sender.display_name == " ".join(name.replace("(", " ").replace(")", " ").split())


@pytest.mark.parametrize(
    "field",
    [
        "language",
        "subject",
        "sender",
        "sender_name",
        "to",
        "reply_to",
        "message_id",
        "thread_id",
        "unsubscribe_mailto",
    ],
)
@pytest.mark.parametrize("breaker", BREAKERS)
def test_a_line_break_in_any_header_is_refused(field: str, breaker: str) -> None:
    whole = getattr(a_message(), field)
    for broken in (f"{whole}{breaker}", f"{whole[:3]}{breaker}{whole[3:]}"):
        with pytest.raises(ValueError, match=": "):
            to_bytes(a_message(**{field: broken}))


@pytest.mark.parametrize(
    "address",
    [
        "",
        "nobody",
        "a@b@c.example",
        "two@x.example, one@x.example",
        "<x@town.example>",
        "x y@town.example",
        "mayor@مدينة.example",
        "maire@mairie-é.example",
    ],
)
@pytest.mark.parametrize("field", ["to", "sender", "reply_to"])
def test_what_is_no_single_ascii_address_is_refused(field: str, address: str) -> None:
    with pytest.raises(ValueError, match="cannot stand in that header"):
        to_bytes(a_message(**{field: address}))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("message_id", "a7.3@dialogue.example"),
        ("thread_id", "<a b@dialogue.example>"),
        ("unsubscribe_mailto", "https://dialogue.example/stop"),
        ("unsubscribe_mailto", "mailto:x@y.example>"),
        ("language", "en, fr"),
    ],
)
def test_a_malformed_header_is_refused(field: str, value: str) -> None:
    with pytest.raises(ValueError, match="cannot stand in that header"):
        to_bytes(a_message(**{field: value}))


def test_a_header_too_long_for_one_line_is_refused() -> None:
    with pytest.raises(ValueError, match="too many for one line"):
        to_bytes(a_message(unsubscribe_mailto=f"mailto:{'x' * 1000}@y.example"))


def test_a_time_without_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="no zone"):
        to_bytes(a_message(sent_at=datetime(2026, 12, 1, 9, 30)))  # noqa: DTZ001 - the point
