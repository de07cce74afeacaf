"""What a handling level keeps back is in no part of any message, whatever the values are."""

from collections.abc import Iterator
from dataclasses import replace
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from letters import ANSWER_URL, PLACES, a_letter, every_fact

from engine.action import Handling, State
from engine.answer import PURPOSE_OF, VERBS_FOR
from notifications.compose import compose, verbs_for
from notifications.language import LANGUAGES, direction
from notifications.message import KINDS, CallFacts, Contact, Item, Letter
from notifications.mime import to_bytes
from notifications.neutral import breaches, plain
from notifications.short import short

PREVIEW = 100
MARK = "Zorbqal"
"""A word that no template of any language holds: where it stands, the fact stands."""

ODD = (
    MARK,
    f"{MARK} " * 40,
    f"\U0001f469\u200d\U0001f33e {MARK} \U0001f6a8",
    f"\u202e{MARK}\u202d \u2066{MARK}",
    f"{MARK}\x00\x07\x1b[31m",
    f"{{{{ item.ref }}}} {{% raw %}} {MARK}",
    f"</script><script>{MARK}</script><b>&amp;",
    f"{MARK}\r\nBcc: x@y.example\r\n\r\n- {MARK}",
    f"البوابة {MARK} الثانية (2)",
    f"--\n{MARK} \ud800 =?utf-8?q?x?=",
)
HIDDEN = {
    Handling.PUBLIC: frozenset(),
    Handling.DIALOGUE: frozenset(),
    Handling.RESTRICTED: frozenset({"title", "detail"}),
    Handling.CLOSED: frozenset({"title", "detail", "party", "called"}),
}
TAGS_WITHOUT_END = {"meta", "br", "img", "hr"}


def odd_item(kind: str, language: str, handling: Handling, odd: str, *facts: str) -> Item:
    item = replace(every_fact(kind, language), handling=handling, state=State.BLOCKED)
    values = {fact: odd for fact in facts if fact != "called"}
    if "called" in facts:
        values["call"] = CallFacts(function=odd, phone="+226 25 00 00 07")
    return replace(item, **values)


def parts(letter: Letter) -> Iterator[tuple[str, str]]:
    """Every place of a message that somebody can see, decoded, after it went over the wire."""
    message = compose(letter)
    mail = message_from_bytes(to_bytes(message), policy=default)
    assert isinstance(mail, EmailMessage)
    for header, value in mail.items():
        yield header, str(value)
    for subtype in ("plain", "html"):
        body = mail.get_body((subtype,))
        assert body is not None
        yield subtype, body.get_content()
    yield "sms", short(letter).text


@pytest.mark.parametrize("handling", [Handling.RESTRICTED, Handling.CLOSED])
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_what_a_level_keeps_back_is_in_no_part(
    kind: str, language: str, handling: Handling
) -> None:
    items = [odd_item(kind, language, handling, odd, *HIDDEN[handling]) for odd in ODD]

    for part, said in parts(a_letter(*items, language=language)):
        assert MARK not in said, part


@pytest.mark.parametrize("handling", Handling)
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_subject_preview_and_text_for_a_phone_hold_no_title_party_name_or_story(
    kind: str, language: str, handling: Handling
) -> None:
    facts = ("title", "party", "detail", "called")
    for number, odd in enumerate(ODD):
        item = odd_item(kind, language, handling, odd, *facts)
        items = (item, replace(item, ref="SAA-08")) if number % 3 == 0 else (item,)
        letter = a_letter(*items, language=language)
        letter = replace(letter, salutation="!", contact=Contact(function=odd))
        seen = dict(parts(letter))

        assert MARK not in seen["Subject"] + seen["sms"] + seen["plain"][:PREVIEW]
        assert MARK not in " ".join(_Words.of(seen["html"]).split())[:PREVIEW]
        assert breaches(seen["Subject"], [plain(odd)]) == ()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_every_mail_opens_and_its_html_is_whole(kind: str, language: str) -> None:
    for odd in ODD:
        item = odd_item(kind, language, Handling.PUBLIC, odd, "title", "party", "detail", "called")
        letter = a_letter(item, replace(item, ref="SAA-08"), language=language)
        seen = dict(parts(replace(letter, salutation=odd, sender_name=odd, programme=odd)))

        page = _Words.read(seen["html"])
        assert page.open == []
        assert page.root == {"lang": language, "dir": direction(language)}
        assert page.tags.isdisjoint({"script", "img", "iframe", "form", "link"})
        assert seen["Content-Language"] == language
        assert MARK in seen["plain"]
        assert "\x00" not in seen["html"] + seen["plain"]


@pytest.mark.parametrize("handling", Handling)
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_an_item_is_answered_by_a_link_of_its_own_if_its_kind_and_level_have_one(
    kind: str, language: str, handling: Handling
) -> None:
    item = replace(every_fact(kind, language), handling=handling)
    linked = kind in PURPOSE_OF and handling is not Handling.CLOSED

    message = compose(a_letter(item, language=language))

    assert (ANSWER_URL in message.text.splitlines()) is linked
    wanted = [f"{ANSWER_URL}/{verb}" for verb in VERBS_FOR[PURPOSE_OF[kind]]] if linked else []
    assert _Words.read(message.html).links == ([ANSWER_URL, *wanted] if linked else [])
    assert ("http" in message.text + message.html) is linked
    assert bool(verbs_for(item)) is linked


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_item_of_a_bundle_has_its_own_link(language: str) -> None:
    urls = [f"https://dialogue.example/answer/{number:022}" for number in range(20)]
    items = [
        replace(every_fact(KINDS[number % 4], language), ref=f"SAA-{number:02}", answer_url=url)
        for number, url in enumerate(urls)
    ]

    message = compose(a_letter(*items, language=language))

    page = _Words.read(message.html)
    assert [link for link in page.links if link in urls] == urls
    assert [line for line in message.text.splitlines() if line.startswith("https")] == urls


@pytest.mark.parametrize("language", LANGUAGES)
def test_twenty_items_of_many_kinds_stay_below_30_kilobytes(language: str) -> None:
    kinds = ("stall_review", "verification", "new_date", "call_task", "reminder", "help")
    items = [
        replace(
            every_fact(kinds[number % len(kinds)], language),
            ref=f"SAA-{number:02}",
            title=PLACES[language]["title"],
            original_due_on=None,
            effective_due_on=every_fact("help").due_on,
        )
        for number in range(20)
    ]

    message = compose(a_letter(*items, language=language))

    assert len(message.html.encode()) < 30_000


@settings(max_examples=200)
@given(
    kind=st.sampled_from(KINDS),
    language=st.sampled_from(LANGUAGES),
    handling=st.sampled_from(Handling),
    value=st.text(max_size=300) | st.sampled_from(ODD),
    others=st.lists(st.sampled_from(KINDS), max_size=3),
)
def test_no_value_breaks_a_mail_or_a_text(
    *, kind: str, language: str, handling: Handling, value: str, others: list[str]
) -> None:
    facts = ("title", "party", "detail", "called", "dialogue")
    items = [odd_item(each, language, handling, value or "x", *facts) for each in (kind, *others)]
    letter = replace(a_letter(*items, language=language), salutation=value, programme=value)

    seen = dict(parts(letter))

    page = _Words.read(seen["html"])
    assert page.open == []
    assert page.links == [link for link in page.links if link.startswith(ANSWER_URL)]
    assert {"Subject", "From", "To", "plain", "html", "sms"} <= set(seen)
    assert {"Bcc", "Cc"}.isdisjoint(seen)


class _Words(HTMLParser):
    """Reads a page: what is seen, which tags stay open, where it leads."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []
        self.open: list[str] = []
        self.links: list[str] = []
        self.tags: set[str] = set()
        self.root: dict[str, str | None] = {}

    @classmethod
    def read(cls, html: str) -> "_Words":
        reader = cls()
        reader.feed(html)
        reader.close()
        return reader

    @classmethod
    def of(cls, html: str) -> str:
        return " ".join(cls.read(html).seen)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        if tag == "html":
            self.root = dict(attrs)
        if tag == "a":
            self.links.append(dict(attrs)["href"] or "")
        if tag not in TAGS_WITHOUT_END:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not {"style", "title"} & set(self.open):
            self.seen.append(data)
