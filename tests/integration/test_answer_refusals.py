"""What the answer pages say when they cannot do what was asked, and that nothing typed is lost."""

import logging
import re
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from answer_desk import NOW, Desk, open_desk, seen
from builders import Programme, a_programme, a_row, at, day
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, update

from engine.action import Handling, Level, State
from engine.answer import Purpose
from engine.asking import Door
from engine.party import Role
from engine.store.answers import revoke_links
from engine.store.tables import actions, people, roles
from web.answer_form import MOST_READ
from web.answer_page import STATUS

WORDS = "The lorry came, but the hinge did not."


@pytest.fixture
def desk(sqlite_url: str, tmp_path: Path) -> Iterator[Desk]:
    programme = a_programme(sqlite_url, tmp_path)
    programme.plan(a_row(), a_row(ref="SAA-02", co_responsible=["Elders"]), now=at(day(-20)))
    with open_desk(programme) as opened:
        yield opened
    programme.close()


def change(programme: Programme, statement: object) -> None:
    with programme.services.database.write() as connection:
        connection.execute(statement)  # type: ignore[call-overload]


def handled(desk: Desk, level: Handling) -> None:
    change(desk.programme, update(actions).values(handling=level))


def test_every_wrong_address_gets_the_same_page(desk):
    right = desk.link()
    wrong = ["A" * 22, "A" * 21 + "B", "short", "x" * 5000, "%00%ff", "..%2F..", right[:-1],
             right.swapcase(), f"{right}/done/more", "A" * 22 + "/done", "A/b/c"]  # fmt: skip
    pages = [desk.get(path) for path in wrong]
    pages.append(desk.client.get("/answer"))
    desk.guesses.__init__()  # type: ignore[misc] # a new row of misses
    pages += [desk.client.post(f"/answer/{'A' * 22}/done", data={"note": "x"}),
              desk.client.post(f"/answer/{right}")]  # fmt: skip

    assert {page.status_code for page in pages} == {404}
    assert len({page.text for page in pages}) == 1
    headers = [{k: v for k, v in page.headers.items() if k != "date"} for page in pages]
    assert all(each == headers[0] for each in headers)
    assert "lost on the way" in seen(pages[0])


def test_an_address_is_not_told_to_others_kept_or_indexed(desk, caplog):
    caplog.set_level(logging.DEBUG)
    token = desk.link()
    pages = [desk.get(token), desk.get(f"{token}/done"), desk.get("guess"),
             desk.send(token, "done", note=""), desk.send(token, "done", note=WORDS),
             desk.get(f"{token}/thanks")]  # fmt: skip

    for page in pages:
        assert page.headers["referrer-policy"] == "no-referrer"
        assert page.headers["cache-control"] == "no-store"
        assert page.headers["x-robots-tag"].startswith("noindex")
        assert page.headers["content-security-policy"].startswith("default-src 'none'")
        assert "set-cookie" not in page.headers
    ours = [r.getMessage() for r in caplog.records if not r.name.startswith(("httpx", "httpcore"))]
    assert token not in " ".join(ours)
    assert WORDS not in " ".join(ours)


def test_guessing_is_slowed_down_for_whoever_guesses(desk):
    right = desk.link()
    codes = [desk.get(f"guess-{n}").status_code for n in range(25)]

    assert codes == [404] * 20 + [429] * 5
    waiting = desk.get(right)
    assert waiting.status_code == 429
    assert 0 < int(waiting.headers["retry-after"]) <= 600
    assert "try again later" in seen(waiting)
    other = {"x-forwarded-for": "9.9.9.9, 198.51.100.7"}
    assert desk.get(right, headers=other).status_code == 200


def test_a_link_that_was_closed_says_so_and_nothing_of_the_action(desk):
    token = desk.link()
    change_links = desk.programme.services.database
    with change_links.write() as connection:
        revoke_links(connection, NOW, action_id=desk.programme.action().id)
    page = desk.get(token)

    assert page.status_code == 410
    assert "This link has been closed" in seen(page)
    assert "second gate" not in page.text
    assert "SAA-01" not in page.text


def test_an_action_that_became_confidential_leaves_nothing_on_its_pages(desk):
    used, token = desk.link(), desk.link()
    desk.follow(used, "help")
    handled(desk, Handling.CLOSED)

    for path in (used, f"{used}/thanks", token, f"{token}/done"):
        page = desk.get(path)
        assert page.status_code == 410
        for word in ("SAA-01", "Saaba", "gate", "Police", "Chief"):
            assert word not in page.text


def test_a_forwarded_link_shows_of_a_restricted_action_neutral_words_only(desk):
    desk.follow(desk.link(), "done", note=WORDS)
    tokens = [desk.tokens[0], desk.link("mayor", Purpose.CONFIRM),
              desk.link("coord", Purpose.ACKNOWLEDGE), desk.link(ref="SAA-02")]  # fmt: skip
    handled(desk, Handling.RESTRICTED)
    paths = [*tokens, f"{tokens[0]}/thanks", f"{tokens[1]}/confirmed", f"{tokens[1]}/not_yet",
             f"{tokens[3]}/blocked", f"{tokens[3]}/not_me"]  # fmt: skip

    for path in paths:
        page = desk.get(path)
        assert page.status_code == 200
        assert "SAA-0" in page.text
        for word in ("gate", "Police", "Chief", "Town hall", "Elders", "lorry"):
            assert word not in page.text, path
    assert "What this step is about is not written here" in seen(desk.get(tokens[1]))


def test_what_changed_meanwhile_keeps_what_was_typed(desk):
    token = desk.link()
    typed = desk.fill(token, "more_time", until=day(30).isoformat(), note=WORDS, source="Sgt O.")
    desk.programme.move(
        "SAA-01", State.BLOCKED, "deputy", NOW, reason="x", obstacle="permit", blocker="y",
        review_on=day(9),
    )  # fmt: skip
    page = desk.client.post(f"/answer/{token}/more_time", data=typed)

    assert page.status_code == 409
    assert "Something changed while you were writing" in seen(page)
    for text in (WORDS, day(30).isoformat(), "Sgt O."):
        assert text in page.text
    assert desk.kept() == []
    hidden = re.search(r'name="version" value="(\d+)"', page.text)
    assert hidden
    again = desk.client.post(f"/answer/{token}/more_time", data=typed | {"version": hidden[1]})
    assert again.status_code == 303


def test_what_was_settled_meanwhile_says_so_and_gives_the_words_back(desk):
    token = desk.link()
    typed = desk.fill(token, "cannot", note=WORDS)
    desk.programme.report("SAA-01", Level.COMPLETED, "deputy", NOW)
    page = desk.client.post(f"/answer/{token}/cannot", data=typed)

    assert page.status_code == 409
    assert "It is reported as done" in seen(page)
    assert WORDS in page.text
    assert desk.kept() == []


@pytest.mark.parametrize(
    ("state", "said", "told"),
    [
        (State.WITHDRAWN, {"reason": "no longer wanted"}, "closed this step"),
        (State.DISPUTED, {"reason": "not so"}, "see it differently"),
        (State.NOT_IMPLEMENTED, {"reason": "closure"}, "closed this step"),
    ],
)
def test_an_action_that_was_closed_meanwhile_asks_nothing(desk, state, said, told):
    token = desk.link()
    desk.programme.move("SAA-01", state, "coord", NOW, **said)

    page = desk.get(f"{token}/done")
    assert page.status_code == 409
    assert told in seen(page)


def test_somebody_whose_role_has_ended_is_not_asked_any_more(desk):
    token, other = desk.link("deputy"), desk.link("coord", Purpose.DECIDE)
    change(
        desk.programme, delete(roles).where(roles.c.role.in_((Role.ALTERNATE, Role.COORDINATOR)))
    )

    for each in (token, other):
        page = desk.get(each)
        assert page.status_code == 410
        assert "no longer for you" in seen(page)
        assert "gate" not in page.text
    sent = desk.client.post(f"/answer/{token}/done", data={"note": WORDS})
    assert sent.status_code == 410
    assert WORDS in sent.text
    assert desk.kept() == []


def test_whoever_reported_it_cannot_confirm_it(desk):
    desk.programme.report("SAA-02", Level.COMPLETED, "elder", NOW)
    page = desk.get(desk.link("elder", Purpose.CONFIRM, "SAA-02"))

    assert page.status_code == 409
    assert "Somebody else has to confirm this" in seen(page)


def test_a_date_is_decided_once_whichever_coordinator_is_faster(desk):
    desk.follow(desk.link(), "more_time", until=day(30).isoformat(), note="rain")
    asked = desk.kept()[0].id
    first, second = (desk.link("coord", Purpose.DECIDE, answer_id=asked) for _ in range(2))
    late = desk.fill(second, "declined", note=WORDS)
    desk.follow(first, "agreed", until=day(30).isoformat())

    page = desk.client.post(f"/answer/{second}/declined", data=late)
    assert page.status_code == 409
    assert "decided already" in seen(page)
    assert WORDS in page.text
    assert "more_time_declined" not in desk.programme.history()


def test_an_answer_that_there_is_not_leads_back_to_the_choices(desk):
    token = desk.link()
    for verb in ("dance", "confirmed", "DONE", "done%00"):
        page = desk.get(f"{token}/{verb}")
        assert page.status_code == 404
        assert "There is no such answer" in seen(page)
        assert f"/answer/{token}/more_time" in page.text
    assert (
        desk.client.post(f"/answer/{token}/agreed", data={"until": "2026-07-01"}).status_code == 404
    )
    assert desk.kept() == []


@pytest.mark.parametrize(
    ("verb", "typed", "field", "told"),
    [
        ("done", {"note": "  "}, "note", "Say in a few words what was done"),
        ("done", {"note": WORDS, "done_on": "2030-01-01"}, "done_on", "lies in the future"),
        ("done", {"note": WORDS, "done_on": "last week"}, "done_on", "Write the day like"),
        ("more_time", {"note": WORDS}, "until", "Say which day"),
        ("more_time", {"until": "2026-07-01", "note": ""}, "note", "a few words"),
        ("more_time", {"until": "2026-06-01", "note": WORDS}, "until", "must lie after today"),
        ("more_time", {"until": "9999-12-31", "note": WORDS}, "until", "too far away"),
        ("more_time", {"until": "31/02/2027", "note": WORDS}, "until", "Write the day like"),
        ("more_time", {"until": "2026-07-01", "note": WORDS * 60}, "note", "under 2000 characters"),
        ("blocked", {"note": WORDS}, "obstacle", "Choose one"),
        ("blocked", {"note": WORDS, "obstacle": "sabotage"}, "obstacle", "Choose one"),
        ("blocked", {"note": WORDS, "obstacle": "money", "blocker": "m" * 301}, "blocker", "300"),
        ("help", {"note": WORDS, "source": "s" * 121}, "source", "under 120"),
        ("not_me", {"named": "n" * 301}, "named", "under 300"),
    ],
)
def test_a_mistake_is_shown_beside_its_field_and_the_rest_comes_back(
    desk, verb, typed, field, told
):
    token = desk.link()
    page = desk.send(token, verb, **typed)

    assert page.status_code == 422
    assert told in seen(page)
    control = re.search(rf'<[^<>]*(?:name|id)="(?:f-)?{field}"[^<>]*>', page.text)
    assert control
    assert f"e-{field}" in control[0]
    assert 'aria-invalid="true"' in control[0]
    assert f'href="#f-{field}"' in page.text
    for text in typed.values():
        assert text.strip() in page.text or field == "obstacle"
    assert desk.kept() == []
    assert "Please look again" in page.text.partition("</title>")[0]


ARABIC_DIGITS = "01/07/2026".translate({48 + n: 0x660 + n for n in range(10)})


@pytest.mark.parametrize(
    "text", ["1/7/2026", "1.7.2026", "01-07-2026", ARABIC_DIGITS, " 2026-7-1 "]
)
def test_a_day_may_be_written_as_people_write_it(desk, text):
    desk.follow(desk.link(), "more_time", until=text, note="rain")

    assert '"until":"2026-07-01"' in desk.kept()[0].details.replace(" ", "")


def test_what_nobody_types_is_left_out_and_what_is_written_is_kept_as_it_is(desk):
    note = (
        "a\x00b\u202edne\u2066 <script>alert(1)</script> {{ 7*7 }} \ud83d\ude00".encode(
            "utf-16", "surrogatepass"
        ).decode("utf-16")
        + "\r\nسطر آخر %s %(x)s"
    )
    token = desk.link()
    page = desk.send(token, "more_time", note=note)
    assert page.status_code == 422
    assert "<script>" not in page.text

    desk.follow(token, "more_time", note=note, until="2026-07-01")
    assert desk.kept()[0].note == "abdne <script>alert(1)</script> {{ 7*7 }} 😀\nسطر آخر %s %(x)s"


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"%PDF-1.7" + bytes(5 * 2**20), "larger than 5 MB"),
        (b"%PDF-1.7" + bytes(10 * 2**20), "larger than 5 MB"),
        (b"MZ\x90\x00 a program", "This sort of file is not taken"),
        (b"<html><script>alert(1)</script>", "This sort of file is not taken"),
        (b"PK\x03\x04 no archive at all", "This sort of file is not taken"),
    ],
)
def test_a_file_that_is_not_taken_is_said_beside_its_field(desk, data, told):
    token = desk.link()
    typed = desk.fill(token, "done", note=WORDS)
    page = desk.client.post(f"/answer/{token}/done", data=typed, files={"file": ("a.pdf", data)})

    assert page.status_code == 422
    assert told in seen(page)
    assert WORDS in page.text
    assert not list(desk.programme.folder.glob("evidence/*"))


def test_more_than_a_form_can_hold_is_refused(desk):
    token = desk.link()
    for size in (10 * 2**20, MOST_READ + 1):
        page = desk.client.post(f"/answer/{token}/help", data={"note": "x" * size})
        assert page.status_code == 413
        assert "Go back in your browser" in seen(page)
    assert desk.kept() == []


def test_a_body_of_no_known_form_loses_nothing_and_does_nothing(desk):
    token = desk.link()
    kinds = ["application/json", "multipart/form-data", "multipart/form-data; boundary=x", "", "ü"]
    for kind in kinds:
        headers = {"content-type": kind.encode("latin-1")}
        page = desk.client.post(f"/answer/{token}/done", content=b'{"note": "x"}', headers=headers)
        assert page.status_code == 422
    many = "&".join(f"field{n}=x" for n in range(5000))
    form = {"content-type": "application/x-www-form-urlencoded"}
    page = desk.client.post(f"/answer/{token}/done", content=many, headers=form)
    assert page.status_code == 413
    assert desk.kept() == []


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"origin": "https://evil.example"}, 403),
        ({"sec-fetch-site": "same-origin", "origin": "null"}, 303),
        ({}, 303),
    ],
)
def test_a_form_of_another_page_is_not_taken(desk, headers, status):
    token = desk.link()
    sent = desk.client.post(f"/answer/{token}/help", data={"note": WORDS}, headers=headers)

    assert sent.status_code == status
    assert len(desk.kept()) == (status == 303)


def test_a_failure_on_our_side_gives_the_words_back(desk, monkeypatch, caplog):
    """The one place where a part of ours is replaced: no input makes it fail."""

    def fail(*_given: object) -> None:
        raise RuntimeError(WORDS)

    monkeypatch.setattr("web.answer_pages.take_answer", fail)
    token = desk.link()
    page = desk.send(token, "help", note=WORDS)

    assert page.status_code == 500
    assert WORDS in page.text
    assert "Something failed on our side" in seen(page)
    assert "RuntimeError" in caplog.text
    assert WORDS not in caplog.text
    assert token not in caplog.text


def test_a_data_folder_that_cannot_be_written_gives_the_words_back(desk):
    (desk.programme.folder / "evidence").write_text("in the way")
    token = desk.link()
    typed = desk.fill(token, "done", note=WORDS)
    page = desk.client.post(
        f"/answer/{token}/done", data=typed, files={"file": ("a.txt", b"a list")}
    )

    assert page.status_code == 500
    assert WORDS in page.text
    assert "Please choose the file again" in seen(page)
    assert desk.kept() == []


def test_a_link_that_is_revoked_while_the_form_is_open_acts_no_more(desk):
    token, other = desk.link(), desk.link()
    typed = desk.fill(token, "done", note=WORDS)
    gate = threading.Barrier(2)
    came: list[int] = []

    def press(path: str) -> None:
        gate.wait()
        came.append(desk.client.post(path, data=typed | {"named": "x"}).status_code)

    paths = (f"/answer/{token}/done", f"/answer/{other}/not_me")
    pressing = [threading.Thread(target=press, args=(path,)) for path in paths]
    for thread in pressing:
        thread.start()
    for thread in pressing:
        thread.join()

    # Whichever was first: after "not me" the other link is closed, after "done" it asks nothing.
    assert sorted(came) in ([303, 409], [303, 410])
    assert len(desk.kept()) == 1


def test_every_door_has_a_page_of_its_own_in_every_language(desk):
    from web.answer_page import Pages
    from web.answer_question import question

    token = desk.link()
    found = question(desk.programme.services, token, NOW)
    pages = Pages("Programme")
    for language in ("en", "fr", "ar", "ha"):
        told = [
            pages.closed(why, language, found).body.decode()
            for why in (*STATUS, *(d for d in Door if d not in {Door.OPEN, Door.USED}))
        ]
        assert len(set(told)) == len(set(STATUS) | set(Door)) - 2


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.dictionaries(
        st.sampled_from(["note", "until", "source", "version", "x"]),
        st.one_of(st.text(max_size=60), st.sampled_from(["2026-07-01", "\x00", "9" * 40, "-1"])),
    ),
    st.sampled_from(["more_time", "help", "done", "not_me", "blocked"]),
)
def test_no_form_however_odd_breaks_a_page(desk, typed, verb):
    token = desk.link()
    sent = desk.client.post(f"/answer/{token}/{verb}", data=_sendable(typed))

    assert sent.status_code in {303, 409, 422}
    if sent.status_code != 303:
        assert "<main>" in sent.text


@given(st.binary(max_size=300), st.text("abc-", min_size=1, max_size=5))
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_bytes_break_the_reading_of_a_form(desk, body, boundary):
    token = desk.tokens[0] if desk.tokens else desk.link()
    wrapped = f"--{boundary}\r\n".encode() + body + f"\r\n--{boundary}--\r\n".encode()
    kind = {"content-type": f"multipart/form-data; boundary={boundary}"}
    sent: httpx.Response = desk.client.post(f"/answer/{token}/done", content=wrapped, headers=kind)

    assert sent.status_code in {303, 409, 422}


def _sendable(typed: dict[str, str]) -> dict[str, bytes]:
    return {name: text.encode("utf-8", "surrogatepass") for name, text in typed.items()}


def test_people_have_no_address_on_any_page(desk):
    (email,) = desk.programme.rows(people.select().with_only_columns(people.c.email).limit(1))[0]
    token = desk.link()

    for verb in ("", "/done", "/blocked"):
        assert "@" not in desk.get(f"{token}{verb}").text
    assert email
