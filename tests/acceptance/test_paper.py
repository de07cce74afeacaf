"""A coordinator's round on paper: the agenda printed, filled in, typed in, and the next agenda."""

import csv
import io
import re
import sys
from datetime import date
from pathlib import Path

import pytest
from command_line import CommandLine
from openpyxl import load_workbook
from playwright.sync_api import Page

from engine.answer import Verb
from engine.codes import WORDS, code, read_code, verb_of

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "docs" / "examples" / "answers.csv"

PLAN = """\
ref,dialogue,timezone,language,action,responsible,responsible_email,verifier,verifier_email,\
coordinator_email,agreed_on,due,state,handling
SAA-01,Saaba,Africa/Ouagadougou,fr,Éclairer le marché,Mairie,mairie@saaba.example,Radio,\
radio@saaba.example,coord@saaba.example,2026-01-12,2026-03-02,in_progress,
SAA-02,Saaba,,,Afficher les horaires du poste,Police,poste@saaba.example,Mairie,\
mairie@saaba.example,,2026-01-12,2026-03-20,agreed,
SAA-03,Saaba,,,Lever les barrières,Mairie,mairie@saaba.example,Radio,\
radio@saaba.example,,2026-01-12,2026-03-09,in_progress,
SAA-04,Saaba,,,Des mots réservés,Mairie,mairie@saaba.example,Radio,\
radio@saaba.example,,2026-01-12,2026-03-09,in_progress,restricted
SAA-05,Saaba,,,Des mots fermés,Mairie,mairie@saaba.example,Radio,\
radio@saaba.example,,2026-01-12,2026-03-09,in_progress,closed
"""
NOON = "2026-03-10T12:00:00Z"


@pytest.fixture
def saaba(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> CommandLine:
    alkawari = CommandLine(tmp_path, monkeypatch, capsys)
    alkawari.settle_in(PLAN)
    return alkawari


def fr(ref: str, verb: Verb) -> str:
    return code(ref, verb, "fr")


def refs(said: object) -> dict[str, str]:
    return {point["ref"]: point["section"] for point in said["points"]}  # type: ignore[index]


def test_from_one_session_to_the_next(saaba: CommandLine, page: Page) -> None:
    printed = saaba.folder / "agenda.html"
    said = saaba("digest", "committee", "--as-of", NOON, "--out", str(printed), "--json").json
    assert refs(said) == {
        "SAA-01": "coming", "SAA-03": "coming", "SAA-02": "coming", "SAA-04": "by_reference",
    }  # fmt: skip
    page.goto(printed.as_uri())
    assert page.locator("html").get_attribute("lang") == "fr"
    assert "SAA-05" not in page.content()
    codes = page.locator(".code").all_inner_texts()
    assert fr("SAA-01", Verb.DONE).split(" ", 1)[1] in codes

    # In the session the sheet is filled in by hand; afterwards somebody types it.
    filled = saaba.folder / "rempli.csv"
    filled.write_text(
        "code;jusqu'au;parce que;qui l'a dit;dit le\n"
        f"{fr('SAA-01', Verb.DONE)};;deux lampes allumées;adjoint au maire;2026-03-11\n"
        f"{fr('SAA-02', Verb.MORE_TIME)};2026-04-10;imprimeur absent;chef de poste;2026-03-11\n"
        f"{fr('SAA-03', Verb.BLOCKED)};;la préfecture doit signer;adjoint au maire;2026-03-11\n",
        encoding="cp1252",
    )
    typed = ("answers", str(filled), "--as-of", "2026-03-12", "--json")
    assert saaba(*typed, "--dry-run").json["applied"] == 2
    assert saaba(*typed).json == {
        "rows": 3, "applied": 2, "noted": 1, "refused": 0, "again": 0, "errors": [], "remarks": [],
    }  # fmt: skip
    assert saaba(*typed).json["again"] == 3

    # The next agenda knows what was said; its sheet is filled in on a computer this time.
    sheet = saaba.folder / "suite.xlsx"
    later = ("--as-of", "2026-04-01")
    assert saaba("digest", "committee", *later, "--out", str(sheet)).code == 0
    said = saaba("digest", "committee", *later, "--json").json
    assert refs(said) == {
        "SAA-03": "stalled", "SAA-02": "date_asked", "SAA-01": "to_confirm",
        "SAA-04": "by_reference",
    }  # fmt: skip
    book = load_workbook(sheet)
    rows = {row[0].value: row for row in book.active.iter_rows(min_row=2)}
    at = {cell.value: cell.column - 1 for cell in book.active[1]}
    rows["SAA-01"][at["réponse"]].value = fr("SAA-01", Verb.CONFIRMED).split(" ", 1)[1]
    rows["SAA-01"][at["ce qui a été constaté"]].value = "deux lampes allumées à la nuit"
    rows["SAA-01"][at["qui l'a dit"]].value = "Radio"
    rows["SAA-02"][at["réponse"]].value = fr("SAA-02", Verb.AGREED).split(" ", 1)[1]
    rows["SAA-02"][at["jusqu'au"]].value = date(2026, 4, 10)
    book.save(sheet)
    taken = saaba("answers", str(sheet), "--as-of", "2026-04-02", "--json").json
    assert (taken["applied"], taken["errors"]) == (2, [])

    said = saaba("digest", "committee", "--as-of", "2026-04-03", "--json").json
    assert refs(said)["SAA-01"] == "confirmed"
    [moved] = [point for point in said["points"] if point["ref"] == "SAA-02"]
    assert (moved["due_on"], moved["earlier_due_on"]) == ("2026-04-10", ["2026-03-20"])
    told = saaba("history", "SAA-01", "--json").json
    assert [(e["kind"], e["payload"].get("proxy")) for e in told[-2:]] == [
        ("reported_done", True), ("verified", True),
    ]  # fmt: skip
    assert told[-1]["by"] == told[-2]["by"]


def test_what_is_read_over_the_telephone(
    saaba: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Typed:
        buffer = io.BytesIO(f"{fr('SAA-01', Verb.DONE)} les lampes sont posées\n".encode())

    monkeypatch.setattr(sys, "stdin", Typed)
    said = saaba(
        "answers", "-", "--by", "coord@saaba.example", "--channel", "phone",
        "--who", "adjoint au maire", "--as-of", NOON,
    )  # fmt: skip
    assert said.code == 0, said.err
    assert "1 applied" in said.out

    called = saaba(
        "call", "SAA-02", "--by", "coord@saaba.example", "--note", "à neuf heures",
        "--answer", fr("SAA-02", Verb.DONE).split(" ", 1)[1] + " affiché", "--who", "chef de poste",
        "--as-of", NOON, "--json",
    ).json  # fmt: skip
    assert called["state"] == "reported_done"
    kinds = [event["kind"] for event in saaba("history", "SAA-02", "--json").json]
    assert kinds[-2:] == ["called", "reported_done"]


def test_mistakes_are_told_with_their_rows_and_nothing_is_taken(saaba: CommandLine) -> None:
    sheet = saaba.folder / "faux.csv"
    wrong = fr("SAA-02", Verb.DONE).replace("SAA-02", "SAA-03")
    sheet.write_text(f"code,because\n{fr('SAA-01', Verb.DONE)},ok\n{wrong},ok\n", encoding="utf-8")

    told = saaba("answers", str(sheet), "--as-of", NOON, "--json")

    assert told.code == 1
    assert '"row": 3' in told.out
    assert "the check character does not fit" in told.complaint
    assert saaba("history", "SAA-01", "--json").json[-1]["kind"] != "reported_done"
    assert "no such file" in saaba("answers", "nowhere.csv").sentence
    stranger = saaba(
        "answers", str(EXAMPLE), "--by", "mairie@saaba.example", "--as-of", "2026-03-12"
    )
    assert "does not coordinate SAA-01" in stranger.complaint


def test_the_example_of_the_documents_is_a_sheet_that_can_be_typed(saaba: CommandLine) -> None:
    taken = saaba("answers", str(EXAMPLE), "--as-of", "2026-03-12", "--json").json

    with EXAMPLE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert taken["rows"] == len(rows) == 3
    assert (taken["applied"], taken["noted"], taken["errors"]) == (2, 1, [])


def test_the_codes_of_the_documents_are_those_that_are_printed() -> None:
    told = (ROOT / "docs" / "paper.md").read_text(encoding="utf-8")

    rows = re.findall(r"^\| ([\w ]+) \| `(\w+)` \| `(\w+)` \|", told, re.MULTILINE)
    assert len(rows) == 10
    for _name, english, french in rows:
        verb = verb_of(english)
        assert verb is not None
        assert (english, french) == (WORDS["en"][verb], WORDS["fr"][verb])
    for line in re.findall(r"^(SAA-\d+ [A-Z]+ \w)\b", told, re.MULTILINE):
        spoken = read_code(line)
        assert spoken is not None
        assert spoken.checked, line


@pytest.mark.parametrize("language", ["en", "fr", "ar", "ha"])
@pytest.mark.parametrize("paper", ["A4", "Letter"])
def test_it_prints_as_pages_of_paper(
    saaba: CommandLine, page: Page, language: str, paper: str
) -> None:
    more = "".join(
        f"SAA-{n},Saaba,,,Tenir la promesse numéro {n} devant la maison commune,Mairie,"
        f"mairie@saaba.example,Radio,radio@saaba.example,,2026-01-12,2026-03-20,agreed,\n"
        for n in range(10, 22)
    )
    saaba.take_in(PLAN + more)
    out = saaba.folder / "agenda.html"
    saaba("digest", "committee", "--language", language, "--as-of", NOON, "--out", str(out))
    page.goto(out.as_uri())
    page.emulate_media(media="print")

    pdf = page.pdf(format=paper, prefer_css_page_size=False)

    assert len(re.findall(rb"/Type\s*/Page\b", pdf)) in range(3, 9)
    fits = page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert fits
    sizes = page.evaluate(
        """[...document.body.querySelectorAll('*')].filter(e => e.innerText?.trim())
        .map(e => parseFloat(getComputedStyle(e).fontSize))"""
    )
    assert min(sizes) >= 16  # CSS pixels: 12 points
