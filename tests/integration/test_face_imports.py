"""A plan taken in by the browser: looked at first, then recorded, and its file thrown away."""

import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from builders import MONDAY, Programme, a_dialogue, a_programme, a_row, at, day
from face_desk import Desk, Visitor, open_face
from sqlalchemy import func, select

from engine.store.tables import actions
from workflows import upload

HEAD = "ref,dialogue,action,responsible,verifier,due"
NEW = f"{HEAD}\nSAA-07,Saaba,Mend the pump,Town hall,Elders,{day(9)}\n"


@pytest.fixture
def programme(database_url: str, tmp_path: Path) -> Iterator[Programme]:
    made = a_programme(database_url, tmp_path)
    made.plan(
        a_row(),
        a_row(ref="BOB-01", dialogue="BOB"),
        now=at(MONDAY),
        dialogues={"SAA": a_dialogue(), "BOB": a_dialogue(name="Bobo", people=[])},
    )
    yield made
    made.close()


@pytest.fixture
def plain_desk(sqlite_url: str, tmp_path: Path) -> Iterator[Desk]:
    made = a_programme(sqlite_url, tmp_path)
    made.plan(a_row(), now=at(MONDAY))
    with open_face(made) as opened:
        yield opened
    made.close()


def sent(who: Visitor, text: str | bytes, name: str = "plan.csv") -> httpx.Response:
    data = text.encode() if isinstance(text, str) else text
    return who.client.post("/import", data={"token": who.word()}, files={"plan": (name, data)})


def kept(answer: httpx.Response) -> str:
    return answer.text.partition('name="kept" value="')[2].partition('"')[0]


def waiting(desk: Desk) -> list[Path]:
    folder = desk.programme.services.settings.data_folder / "uploads"
    return sorted(folder.iterdir()) if folder.is_dir() else []


def count(desk: Desk) -> int:
    [(number,)] = desk.programme.rows(select(func.count()).select_from(actions))
    return int(number)


def test_a_plan_is_looked_at_then_taken_in_and_its_file_is_gone(desk):
    coord = desk.member("coord")
    look = sent(coord, NEW)
    assert look.status_code == 200
    assert "Mend the pump" in look.text
    assert count(desk) == 2
    [path] = waiting(desk)
    assert path.stat().st_mode & 0o077 == 0

    done = coord.send("/import/confirm", kept=kept(look))
    assert done.status_code == 303
    assert "1 action is new" in coord.get(done.headers["location"]).text
    assert count(desk) == 3
    assert waiting(desk) == []
    assert coord.send("/import/confirm", kept=kept(look)).status_code == 422
    assert "0 actions are new" in sent(coord, NEW).text


def test_every_change_is_shown_before_it_is_made(desk):
    text = f"{HEAD}\nSAA-01,Saaba,Open the third gate,Town hall,Elders,{day(12)}\n"
    coord = desk.member("coord")
    look = sent(coord, text)
    for said in ("Open the second gate", "Open the third gate", "Police post", "Town hall",
                 "1 June 2026", "13 June 2026"):  # fmt: skip
        assert said in look.text
    assert desk.programme.action().title == "Open the second gate"
    coord.send("/import/confirm", kept=kept(look))
    assert desk.programme.action().title == "Open the third gate"
    assert desk.programme.action().due_on == day(12)


def test_every_error_stands_with_its_line_and_nothing_is_kept(desk):
    text = f"{NEW}SAA-08,Saaba,,Town hall,Elders,32/13/2026\nSAA-09,Saaba,x,y,y,{day(3)}\n"
    answer = sent(desk.member("coord"), text)
    assert answer.status_code == 422
    assert answer.text.count("<tr><td class") == 3
    assert "32/13/2026" in answer.text
    assert (count(desk), waiting(desk)) == (2, [])


def test_what_is_wrong_with_a_plan_is_said_in_the_language_of_its_reader(plain_desk):
    rows = [f"SAA-08,Sabaa,,Town hall,Elders,{day(3)}", "A B,Saaba,x,y,y,4/5/2026",
            "SAA-09,Saaba,x,y,z,3 June"]  # fmt: skip
    coord = plain_desk.member("coord")
    for language in ("fr", "ar", "ha"):
        coord.get(f"/import?lang={language}")
        answer = sent(coord, "\n".join([HEAD + ",depends", *rows]))
        assert answer.status_code == 422
        reasons = re.findall(r'data-label="[^"]+">([^<]*)</td></tr>', answer.text)
        assert len(reasons) >= 2, answer.text
        in_english = re.compile(r"\b(the|this|write|needs|row|action)\b")
        assert [one for one in reasons if in_english.search(one)] == []


@pytest.mark.parametrize(
    ("text", "name", "said"),
    [
        (b"", "plan.csv", "Choose a file first"),
        (b"x", "plan.exe", "ends in"),
        (b"x" * (upload.LARGEST + 1), "plan.csv", "under 5 MB"),
        (b"PK\3\4 broken", "plan.xlsx", "Nothing can be taken in"),
        (b"\xff\xfe\0\0", "plan.csv", "Nothing can be taken in"),
        (b"dialogues: {}", "plan.yaml", "whole programme"),
        (NEW.replace("Saaba", "Bobo").encode(), "plan.csv", "no dialogue of this name"),
        (NEW.replace("Saaba", "Elsewhere").encode(), "plan.csv", "no dialogue of this name"),
        (NEW.replace("SAA-07", "BOB-01").encode(), "plan.csv", "of another dialogue"),
    ],
)
def test_what_cannot_be_taken_in_is_refused_and_not_kept(desk, text, name, said):
    answer = sent(desk.member("coord"), text, name)
    assert answer.status_code == 422
    assert said in answer.text
    assert (count(desk), waiting(desk)) == (2, [])


def test_nobody_else_confirms_it_and_an_hour_later_it_is_gone(desk):
    coord, again = desk.member("coord"), desk.member("coord")
    name = kept(sent(coord, NEW))
    assert again.send("/import/confirm", kept=name).status_code == 422
    for wild in ("../../alkawari.db", "1-x.csv", "", "0" * 300):
        assert coord.send("/import/confirm", kept=wild).status_code == 422
    assert count(desk) == 2
    [path] = waiting(desk)
    long_ago = time.time() - upload.KEPT_S - 1
    os.utime(path, (long_ago, long_ago))
    upload.tidy(desk.programme.services)
    assert coord.send("/import/confirm", kept=name).status_code == 422
    assert count(desk) == 2


def test_what_no_longer_fits_when_it_is_confirmed_writes_nothing(desk):
    coord = desk.member("coord")
    look = sent(coord, NEW.replace("SAA-07", "saa-3"))
    desk.programme.plan(a_row(ref="SAA-3"), now=at(MONDAY))
    answer = coord.send("/import/confirm", kept=kept(look))
    assert answer.status_code == 422
    assert "SAA-3" in answer.text
    assert count(desk) == 3


def test_who_coordinates_nothing_imports_nothing(desk):
    chief = desk.member("chief")
    assert chief.get("/import").status_code == 403
    assert sent(chief, NEW).status_code == 403
    assert count(desk) == 2
