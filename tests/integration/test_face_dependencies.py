"""What waits for what: drawn and listed, and only as far as the reader may see."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from builders import MONDAY, Programme, a_programme, a_row, at, day
from face_desk import Desk, open_face

LARGEST_PAGE = 50 * 1024


@pytest.fixture
def programme(sqlite_url: str, tmp_path: Path) -> Iterator[Programme]:
    made = a_programme(sqlite_url, tmp_path)
    yield made
    made.close()


@pytest.fixture
def desk(programme: Programme) -> Iterator[Desk]:
    programme.plan(
        a_row(due=day(-10), agreed_on=day(-50).isoformat()),
        a_row(ref="SAA-02", action="A secret <b>matter</b>", handling="closed", due=day(20),
              responsible="Town hall", verifier="Elders", depends_on=["SAA-01"]),
        a_row(ref="SAA-03", action="Close the gate", due=day(30), depends_on=["SAA-02"]),
        a_row(ref="SAA-04", action="Alone", due=day(30)),
        now=at(MONDAY),
    )  # fmt: skip
    with open_face(programme) as opened:
        yield opened


def drawing(page: str) -> str:
    found = re.search(r'<svg class="graph".*?</svg>', page, re.DOTALL)
    assert found
    return found[0]


def test_the_drawing_and_the_list_say_the_same(desk):
    page = desk.member("coord").get("/dependencies?dialogue=saaba").text
    drawn, listed = drawing(page), page.split("</svg>")[-1]

    for ref in ("SAA-01", "SAA-02", "SAA-03"):
        assert f'href="/actions/{ref}"' in drawn
        assert f'href="/actions/{ref}"' in listed
    assert "SAA-04" not in page
    assert "past its day" in drawn
    assert "in progress" in drawn
    assert "<b>matter" not in page
    assert "<script" not in page


def test_what_may_not_be_seen_is_another_action_without_name_or_state(desk):
    visitor = desk.member("chief")
    page = visitor.get("/dependencies").text

    assert "SAA-02" not in page
    assert "secret" not in page
    assert drawing(page).count('class="hidden"') == 1
    assert "another action" in page
    hidden = visitor.get("/dependencies?ref=SAA-02")
    missing = visitor.get("/dependencies?ref=NON-02")
    assert hidden.status_code == missing.status_code == 404
    assert visitor.get("/dependencies?dialogue=Elsewhere").status_code == 404
    own = visitor.get("/actions/SAA-03").text
    assert "SAA-02" not in own
    assert "another action" in own


def test_around_one_action_everything_before_and_after_it_is_shown(desk):
    visitor = desk.member("coord")
    page = visitor.get("/dependencies?ref=saa-02").text

    assert {"SAA-01", "SAA-02", "SAA-03"} <= set(re.findall(r"SAA-\d\d", drawing(page)))
    assert 'href="/dependencies?ref=SAA-02"' in visitor.get("/actions/SAA-02").text
    assert "Nothing waits for anything" in visitor.get("/dependencies?ref=SAA-04").text


def test_two_hundred_actions_are_drawn_on_a_small_page(programme):
    rows = [
        a_row(
            ref=f"SAA-{n + 100}", action=f"Step {n} of the plan", due=day(n - 50),
            agreed_on=day(-90), depends_on=[f"SAA-{100 + n - back}"] if (back := 1 + n % 9) <= n
            else [],
        )
        for n in range(200)
    ]  # fmt: skip
    programme.plan(*rows, now=at(MONDAY))
    with open_face(programme) as opened:
        visitor = opened.member("coord")
        for language in ("en", "ar"):
            page = visitor.get(f"/dependencies?lang={language}")
            assert len(page.content) < LARGEST_PAGE
            assert drawing(page.text).count("<a ") == 192
        listed = visitor.get("/dependencies?as=list&lang=en")
        assert len(listed.content) < LARGEST_PAGE
        assert 'rel="next"' in listed.text
        further = visitor.get("/dependencies?as=list&from=100")
        assert [text.count('class="ref"') for text in (listed.text, further.text)] == [100, 92]
        assert "of the plan" in listed.text
