"""A digest in words: the same in text and HTML, in every language, however odd what it names."""

import re
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from io import BytesIO
from typing import Any

import pytest
from builders import MON_TO_FRI, an_action, day
from PIL import Image

from engine.action import Handling, Level, State
from engine.conditions import Around, Thresholds, standing
from engine.digest import DigestKind, Figures, Frame, Material, Point, Seen, figures
from engine.party import Side
from notifications.charts import chart_png, chart_svg
from notifications.digest import (
    MONTHLY,
    WEEKLY,
    Edition,
    Envelope,
    digest_mail,
    digest_page,
    digest_text,
    sheet,
    subject,
)
from notifications.digest_book import digest_book
from notifications.digest_sheet import as_html
from notifications.language import LANGUAGES
from notifications.neutral import breaches

TODAY = day(70)
AT = datetime(2026, 8, 10, 9, tzinfo=UTC)
LARGEST = 102 * 1024
KINDS = (DigestKind.MANAGER, DigestKind.COORDINATOR)

HOSTILE = (
    "</script><script>alert(1)</script>",
    "{{ 7 * 7 }} {% raw %}",
    "\N{RIGHT-TO-LEFT OVERRIDE}gnirts",
    "تنظيم يوم مفتوح للعائلات",
    "=HYPERLINK(1)",
    "x" * 300,
    "\N{PILE OF POO}" * 40,
    "%(num)s %s 100%",
)


def seen(number: int, **changes: Any) -> Seen:
    side, dialogue = changes.pop("side", Side.SECURITY), changes.pop("dialogue", "Saaba")
    party = changes.pop("party", "Police post")
    action = an_action(id=number, ref=f"SAA-{number:02}", **changes)
    return Seen(
        action=action,
        standing=standing(action, MON_TO_FRI, Around(), TODAY, Thresholds()),
        calendar=MON_TO_FRI, today=TODAY, dialogue=dialogue, party=party, side=side,
    )  # fmt: skip


def some_figures(
    kind: DigestKind, now: list[Seen] | None = None, before: list[Seen] | None = None
) -> Figures:
    if now is None:
        now = [
            seen(1, handling=Handling.PUBLIC),
            seen(2, state=State.VERIFIED, side=Side.AUTHORITY, verified_level=Level.COMPLETED),
            seen(3, state=State.REPORTED_DONE, reported_on=day(30), side=Side.COMMUNITY),
            seen(4, state=State.BLOCKED, review_on=day(60), due_on=day(90)),
            seen(5, state=State.DISPUTED, dialogue="Jos"),
            seen(6, due_on=day(75), due_rev=2, dialogue="Jos"),
        ]
    ids = [one.action.id for one in now]
    frame = Frame(
        kind=kind, as_of_at=AT, since_at=AT - timedelta(days=30), day=TODAY, since_on=day(40),
        dialogues=tuple(sorted({one.dialogue for one in now})), whole=kind is DigestKind.MANAGER,
    )  # fmt: skip
    points = (
        Point(on=day(40), by_state={"in_progress": 5, "proposed": 1}),
        Point(on=day(70), by_state={"in_progress": 3, "verified": 1, "reported_done": 2}),
    )
    then = {one.action.id: one for one in (now if before is None else before)}
    material = Material(
        seen={one.action.id: one for one in now}, then=then, calls=ids[:2], releases=ids[:1],
        posted=ids[:1], asked=dict.fromkeys(ids[:2], TODAY), series=points,
        reminders=dict.fromkeys(ids, 2),
    )  # fmt: skip
    return figures(frame, material)


def an_edition(kind: DigestKind, language: str = "en", **changes: Any) -> Edition:
    given: dict[str, Any] = {
        "figures": some_figures(kind),
        "language": language,
        "programme": "Dialogues",
        "every": MONTHLY if kind is DigestKind.MANAGER else WEEKLY,
        "fingerprint": "PROGRAMME·241·qnts-gty2-5fcf-73jc-rjx1-k8xe-5jqd",
        "unreachable": 1,
        "stop_address": "answers+s1@p.example",
    }
    return Edition(**{**given, **changes})


ENVELOPE = Envelope(
    sender="notify@p.example", sender_name="Dialogues", to="boss@p.example",
    reply_to="answers@p.example", message_id="<d1.1@p.example>", sent_at=AT,
    unsubscribe_mailto="mailto:answers@p.example?subject=stop",
)  # fmt: skip


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, _attrs: object) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def read(html: str) -> _Words:
    found = _Words()
    found.feed(html)
    return found


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_each_digest_has_words_in_each_language(kind: DigestKind, language: str) -> None:
    edition = an_edition(kind, language)

    text, page = digest_text(edition), digest_page(edition)

    assert f'<html lang="{language}" dir="{"rtl" if language == "ar" else "ltr"}"' in page
    assert "PROGRAMME·241·qnts-gty2-5fcf-73jc-rjx1-k8xe-5jqd" in text
    assert "answers+s1@p.example" in text
    if language != "en":
        english = set(digest_text(an_edition(kind)).split("\n"))
        same = [line for line in text.split("\n") if line in english and line.strip("- ")]
        assert not [
            line
            for line in same
            if re.search(r"[a-z]{4}", line)
            and "·" not in line
            and line.strip() not in {"Saaba", "Jos"}
        ]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_the_subject_says_nothing_that_a_lock_screen_must_not(
    kind: DigestKind, language: str
) -> None:
    said = subject(an_edition(kind, language, programme="Dialogues"))

    assert not breaches(said, ["Police post", "Open the second gate"])
    assert said.startswith("[")


def test_the_text_says_every_number_that_the_page_shows() -> None:
    for kind in KINDS:
        edition = an_edition(kind)
        shown = " ".join(read(digest_page(edition)).words)
        shown = shown.partition("PROGRAMME·")[0].split("}")[-1]

        assert set(re.findall(r"\d+", shown)) <= set(re.findall(r"\d+", digest_text(edition)))


@pytest.mark.parametrize("hostile", HOSTILE)
@pytest.mark.parametrize("kind", KINDS)
def test_odd_names_stay_words(kind: DigestKind, hostile: str) -> None:
    now = [seen(1, title=hostile, handling=Handling.PUBLIC, dialogue=hostile[:80], party=hostile)]

    for language in ("en", "ar"):
        edition = an_edition(kind, language, figures=some_figures(kind, now), programme=hostile)
        found = read(digest_page(edition))

        assert "script" not in found.tags
        assert "49" not in "".join(found.words).partition("PROGRAMME")[0]
        assert digest_text(edition)
        assert digest_book(edition.figures, language)
        assert digest_mail(edition, ENVELOPE)


def test_when_nothing_changed_that_is_one_line() -> None:
    text = digest_text(an_edition(DigestKind.MANAGER))

    assert "Nothing changed since Saturday, 11 July 2026.\n" in text
    assert "Newly" not in text


def test_an_empty_programme_says_so() -> None:
    text = digest_text(an_edition(DigestKind.MANAGER, figures=some_figures(DigestKind.MANAGER, [])))

    assert "No action is followed yet." in text


def test_a_large_programme_stays_under_the_size_at_which_mailboxes_cut() -> None:
    now = [
        seen(n, handling=Handling.PUBLIC, title="A title of some length " * 12,
             dialogue=f"Locality number {n % 200} of the programme", due_rev=n % 3)
        for n in range(1, 1500)
    ]  # fmt: skip
    for kind in KINDS:
        found = some_figures(kind, now, [])
        written = sheet(an_edition(kind, "ar", figures=found))

        html = as_html(written, {chart.name: f"cid:{chart.name}" for chart in written.charts})

        assert len(html.encode()) < LARGEST


@pytest.mark.parametrize("language", LANGUAGES)
def test_pictures_are_small_sharp_and_say_what_they_show(language: str) -> None:
    charts = sheet(an_edition(DigestKind.MANAGER, language)).charts

    assert [chart.name for chart in charts] == ["over-time", "levels", "sides", "ages"]
    for chart in charts:
        picture = chart_png(chart)
        image = Image.open(BytesIO(picture)).convert("RGB")
        assert len(picture) <= 60 * 1024
        assert image.width == 920
        assert image.getpixel((8, 8)) == (255, 255, 255)
        assert picture == chart_png(chart)
        svg = chart_svg(chart)
        assert svg == chart_svg(chart)
        assert "<title>" in svg
        for layer in chart.layers:
            for value in (layer.values[0], layer.values[-1]):
                assert not value or str(value) in chart.alt
