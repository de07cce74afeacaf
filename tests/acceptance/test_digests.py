"""A digest as its readers get it: by a command, in files, and as a mail that needs nothing else."""

import json
import re
from base64 import b64decode
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from io import BytesIO
from pathlib import Path

import pytest
from command_line import PLAN, CommandLine
from openpyxl import load_workbook
from PIL import Image
from playwright.sync_api import Page
from smtp_server import SmtpServer

LARGEST_MAIL = 102 * 1024
"""Bytes of HTML, from which on a large mailbox cuts a mail."""

LARGEST_PICTURE = 60 * 1024

WITH_MANAGER = """\
people:
  - {key: boss, function: Programme manager, role: manager, email: boss@programme.example}
  - {key: chef, function: Responsable, role: manager, email: chef@programme.example, language: fr}
dialogues:
  JOS:
    name: Jos
    timezone: Africa/Lagos
    languages: [en]
    rest_days: [sat, sun]
    parties:
      - {name: Works, side: authority}
      - {name: Residents, side: community}
      - {name: Police, side: security}
    people:
      - {key: coord, function: Coordinator, role: coordinator, email: coord@jos.example,
         language: ar}
      - {key: works, function: Supervisor, party: Works, role: [focal_point, verifier],
         email: works@jos.example}
      - {key: residents, function: Secretary, party: Residents, role: [focal_point, verifier],
         email: residents@jos.example}
actions:
  - {ref: JOS-01, dialogue: JOS, action: "=HYPERLINK(1) Register the deed", responsible: Residents,
     verifier: Works, due: 2026-03-02, state: agreed, agreed_on: 2026-01-20, handling: public}
  - {ref: JOS-02, dialogue: JOS, action: Build the station, responsible: Works,
     verifier: Residents, due: 2026-09-30, state: in_progress, agreed_on: 2026-01-20}
  - {ref: JOS-03, dialogue: JOS, action: A title nobody may read, responsible: Police,
     verifier: Works, due: 2026-03-04, state: agreed, agreed_on: 2026-01-20, handling: restricted}
  - {ref: JOS-04, dialogue: JOS, action: A secret, responsible: Police, verifier: Works,
     due: 2026-03-04, state: agreed, agreed_on: 2026-01-20, handling: closed}
"""


@pytest.fixture
def alkawari(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> CommandLine:
    return CommandLine(tmp_path, monkeypatch, capsys)


@pytest.fixture
def programme(alkawari: CommandLine) -> CommandLine:
    """Four actions since 2 February 2026; one was done and confirmed by the end of March."""
    assert alkawari("init").code == 0
    (alkawari.folder / "plan.yaml").write_text(WITH_MANAGER, encoding="utf-8")
    assert alkawari("import", "plan.yaml", "--as-of", "2026-02-02").code == 0
    for day in ("2026-02-20", "2026-03-06", "2026-03-20"):
        assert alkawari("sweep", "--as-of", day).code == 0
    said = ("JOS-02", "reported_done", "--by", "works", "--note", "built")
    assert alkawari("move", *said, "--as-of", "2026-03-21T10:00:00Z").code == 0
    return alkawari


@pytest.fixture
def server() -> Iterator[SmtpServer]:
    with SmtpServer(keep=True) as running:
        yield running


def parsed(raw: bytes) -> EmailMessage:
    found = message_from_bytes(raw, policy=policy.default)
    assert isinstance(found, EmailMessage)
    assert not found.defects
    return found


def html_of(mail: EmailMessage) -> str:
    body = mail.get_body(("html",))
    assert body is not None
    return str(body.get_content())


def text_of(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def test_the_command_tells_a_manager_where_things_stand(programme: CommandLine) -> None:
    said = programme("digest", "manager", "--as-of", "2026-03-23")
    out = " ".join(said.out.split())

    assert said.code == 0
    assert "Of 3 actions that are followed, 0 are confirmed by another party." in out
    assert "1 is reported as done and waits for somebody of another party to look." in out
    assert "Newly reported as done: 1 (JOS-02)" in out
    assert "JOS-04" not in out
    assert "JOS-03" not in out
    assert "A title nobody may read" not in out


def test_the_figures_are_one_json_value_and_the_same_on_any_later_day(
    programme: CommandLine,
) -> None:
    asked = ("digest", "manager", "--for", "boss", "--as-of", "2026-03-23", "--json")
    then = programme(*asked).json
    assert programme("move", "JOS-02", "verified", "--by", "residents", "--method", "visit",
                     "--seen", "it stands", "--as-of", "2026-03-25").code == 0  # fmt: skip
    later = programme("digest", "manager", "--for", "boss", "--as-of", "2026-03-26", "--json").json

    again = programme(*asked).json

    assert {**then, "unreachable": None} == again
    assert later["every"]["places"]["confirmed"] == 1
    assert then["total"] == sum(then["by_state"].values()) == 3
    assert then["apart"] == "<3"


def test_the_counts_are_those_of_the_status(programme: CommandLine) -> None:
    figures = programme("digest", "manager", "--as-of", "2026-03-23", "--json").json
    status = programme("status", "--as-of", "2026-03-23", "--json").json

    closed = 1  # JOS-04, which is agreed and past its day
    assert status["total"] == figures["total"] + closed
    assert status["by_state"]["agreed"] == figures["by_state"]["agreed"] + closed
    assert status["conditions"]["overdue"] == figures["conditions"]["overdue"] + closed


@pytest.mark.parametrize("form", ["html", "txt", "json", "xlsx", "eml"])
def test_it_is_written_in_the_form_that_the_file_is_called(
    programme: CommandLine, form: str
) -> None:
    said = programme("digest", "manager", "--for", "boss", "--out", f"d.{form}",
                     "--as-of", "2026-03-23")  # fmt: skip

    assert (said.code, said.out) == (0, "")
    data = (programme.folder / f"d.{form}").read_bytes()
    match form:
        case "html":
            assert b"data:image/png;base64," in data
            assert b"<script" not in data
        case "json":
            assert json.loads(data)["kind"] == "manager"
        case "xlsx":
            assert data[:2] == b"PK"
        case "eml":
            assert parsed(data)["To"] == "boss@programme.example"
        case _:
            assert b"Monthly digest, March 2026" in data


def test_a_workbook_runs_nothing_and_has_typed_cells(programme: CommandLine) -> None:
    programme("digest", "coordinator", "--for", "coord", "--language", "en", "--out", "d.xlsx",
              "--as-of", "2026-03-23")  # fmt: skip

    book = load_workbook(programme.folder / "d.xlsx")

    cells = [cell for page in book for row in page.iter_rows() for cell in row]
    assert not [cell for cell in cells if cell.data_type == "f"]
    assert [c for c in cells if str(c.value).startswith("=HYPERLINK(1)")]
    assert all(page.freeze_panes for page in book)
    assert {cell.data_type for cell in cells} >= {"s", "n", "d"}


def test_each_gets_a_mail_that_fetches_nothing_and_shows_all_its_pictures(
    programme: CommandLine, server: SmtpServer
) -> None:
    programme.set_mail_server(server.port)
    for _ in range(2):
        assert programme("digest", "--send", "--as-of", "2026-04-01T09:00:00Z").code == 0
        assert programme("deliver", "--as-of", "2026-04-01T09:00:00Z").code == 0

    received = [parsed(b64decode(taken["data"])) for taken in server.received()]
    kinds = ("Monthly digest", "Synthèse mensuelle", "الحصيلة")
    digests = [mail for mail in received if any(kind in mail["Subject"] for kind in kinds)]
    mails = {str(mail["To"]): mail for mail in digests}
    assert len(mails) == len(digests) == 3
    boss, chef = mails["boss@programme.example"], mails["chef@programme.example"]
    assert boss["Subject"] == "[Alkawari] Monthly digest, April 2026"
    assert chef["Content-Language"] == "fr"
    assert mails["coord@jos.example"]["Content-Language"] == "ar"
    assert 'dir="rtl"' in html_of(mails["coord@jos.example"])
    for mail in mails.values():
        html = html_of(mail)
        assert len(html.encode()) < LARGEST_MAIL
        assert not re.search(r"(?:src|href|url)\s*[=(]\s*[\"']?(?:https?:)?//", html)
        wanted = set(re.findall(r'src="cid:([^"]+)"', html))
        related = {
            str(part["Content-ID"])[1:-1]: part
            for part in mail.walk() if part.get_content_type() == "image/png"
        }  # fmt: skip
        assert wanted == set(related)
        for part in related.values():
            picture = part.get_payload(decode=True)
            assert isinstance(picture, bytes)
            assert len(picture) <= LARGEST_PICTURE
            assert Image.open(BytesIO(picture)).width == 920
        assert all(len(alt) > 20 for alt in re.findall(r'<img[^>]+alt="([^"]+)"', html))
        for secret in ("A title nobody may read", "A secret", "JOS-04"):
            assert secret not in html + text_of(mail) + str(mail["Subject"])
    assert [part.get_content_type() for part in boss.walk()][:4] == [
        "multipart/alternative", "text/plain", "multipart/related", "text/html"
    ]  # fmt: skip


def test_what_was_sent_is_on_record(programme: CommandLine, server: SmtpServer) -> None:
    programme.set_mail_server(server.port)
    programme("subscribe", "chef", "manager", "never")
    programme("digest", "--send", "--as-of", "2026-04-01T09:00:00Z")
    programme("deliver", "--as-of", "2026-04-01T09:00:00Z")

    kept = programme("digest", "--list", "--json").json

    assert sorted((one["digest"], one["for"], one["status"]) for one in kept) == [
        ("coordinator", "coord", "sent"), ("manager", "boss", "sent")
    ]  # fmt: skip
    assert all(one["fingerprint"].startswith(("PROGRAMME·", "JOS·")) for one in kept)
    assert "2 digests" in programme("digest", "--list").out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("manager", "--for", "coord"), "is no manager"),
        (("coordinator",), "say whose week"),
        (("manager", "--dialogue", "Nowhere"), "no dialogue"),
        (("manager", "--out", "d.pdf"), "ends with"),
        (("manager", "--out", "d.eml"), "say --for whom"),
    ],
)
def test_what_cannot_be_made_is_refused_in_one_sentence(
    programme: CommandLine, arguments: tuple[str, ...], sentence: str
) -> None:
    assert sentence in programme("digest", *arguments).sentence


def test_without_a_kind_it_is_wrong_usage(programme: CommandLine) -> None:
    assert programme("digest").code == 2


@pytest.mark.parametrize("language", ["en", "fr", "ar", "ha"])
def test_it_fits_a_telephone_and_a_wide_screen_in_every_language(
    programme: CommandLine, page: Page, language: str
) -> None:
    programme("digest", "manager", "--language", language, "--out", "d.html",
              "--as-of", "2026-03-23")  # fmt: skip

    for width in (320, 1200):
        page.set_viewport_size({"width": width, "height": 800})
        page.goto((programme.folder / "d.html").as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate("[...document.images].every(image => image.naturalWidth > 0)")


def test_the_plan_of_the_commands_has_digests_too(alkawari: CommandLine) -> None:
    alkawari.settle_in(PLAN)

    figures = alkawari("digest", "coordinator", "--dialogue", "Jos", "--as-of", "2026-03-10",
                       "--json").json  # fmt: skip

    assert figures["dialogues"] == ["Jos"]
    assert figures["every"]["total"] == 3
