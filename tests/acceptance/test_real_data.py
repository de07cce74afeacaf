"""Public commitments of a government, read as they are, swept, and reminded of."""

import csv
import re
from base64 import b64decode
from collections import Counter, defaultdict
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest
from command_line import CommandLine
from smtp_server import SmtpServer

EXAMPLES = Path(__file__).resolve().parents[2] / "docs" / "examples"
NAP5 = "nap5_indicators.csv"
MANDATE = "mandate_2021_commitments.csv"
DATES = ("2022-07-01", "2023-04-01", "2024-01-01", "2025-01-01")
BEFORE = "2022-01-03"
COORDINATOR = "coordinator@open.example"


@pytest.fixture
def alkawari(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> CommandLine:
    return CommandLine(tmp_path, monkeypatch, capsys)


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def take_in(alkawari: CommandLine, plan: Path, plan_map: Path, at: str = BEFORE) -> dict[str, int]:
    assert alkawari("init").code == 0
    taken = alkawari("import", str(plan), "--map", str(plan_map), "--as-of", at, "--json")
    counts: dict[str, int] = taken.json
    return counts


def late(alkawari: CommandLine, day: str) -> dict[str, int]:
    """What is overdue on a day, and for how many working days."""
    found = alkawari("actions", "--overdue", "--as-of", day, "--json").json
    return {action["ref"]: action["days_overdue"] for action in found}


def swept(alkawari: CommandLine, day: str) -> int:
    """What is overdue on a day, after that day's sweep."""
    assert alkawari("sweep", "--as-of", day).code == 0
    counts = alkawari("status", "--as-of", day, "--json").json
    assert counts["conditions"]["overdue"] == len(late(alkawari, day))
    overdue: int = counts["conditions"]["overdue"]
    return overdue


def test_the_open_government_plan_is_as_late_as_its_readers_know(
    alkawari: CommandLine, shared_data: Path
) -> None:
    counts = take_in(alkawari, shared_data / NAP5, EXAMPLES / "nap5.map.yaml")

    assert (counts["rows"], counts["created"]) == (106, 106)
    assert [swept(alkawari, day) for day in DATES] == [16, 51, 70, 105]
    worst = Counter(
        action["responsible"]
        for action in alkawari("actions", "--overdue", "--as-of", DATES[-1], "--json").json
    )
    assert worst.most_common(4) == [
        ("esdc-edsc", 18), ("jus", 17), ("tbs-sct", 14), ("idrc-crdi", 10)
    ]  # fmt: skip
    assert alkawari("status", "--json").json["by_state"] == {"agreed": 105, "proposed": 1}


def test_with_the_holidays_of_its_country_only_new_year_makes_a_difference(
    alkawari: CommandLine, shared_data: Path, tmp_path: Path
) -> None:
    text = (EXAMPLES / "nap5.map.yaml").read_text(encoding="utf-8")
    canada = 'rest_days: {constant: "sat,sun"}\ncountry: {constant: CA}'
    changed = re.sub(r"rest_days: .*", canada, text)
    (tmp_path / "canada.map.yaml").write_text(changed, encoding="utf-8")
    take_in(alkawari, shared_data / NAP5, tmp_path / "canada.map.yaml")

    numbers = [swept(alkawari, day) for day in DATES]
    canada_day, saturday, _, new_year = (late(alkawari, day) for day in DATES)

    # Overdue begins on the day after the effective due date, be it a working day or not.
    # 2022-07-01: the last due date before it, 30 June 2022, is a Thursday. Nothing moves: 16.
    # 2023-04-01: 31 March 2023 is a Friday; 31 December 2022, a Saturday, moved to 3 January
    #     (Sunday; 2 January is New Year's Day observed), which is long past: 51.
    # 2024-01-01: 31 December 2023 is a Sunday and 1 January a holiday, so what is due in December
    #     2023 (10 actions) can be done until 2 January 2024: 70 - 10 = 60.
    # 2025-01-01: 31 December 2024 is a Tuesday. Nothing moves: 105.
    assert numbers == [16, 51, 60, 105]
    december = {r["ref"] for r in rows_of(shared_data / NAP5) if r["due_month"] == "2023-12"}
    assert len(december) == 10
    assert not december & late(alkawari, "2024-01-02").keys()
    assert {late(alkawari, "2024-01-03")[ref] for ref in december} == {1}

    # Days are counted in working days: none lies between 30 June and Canada Day (a Friday), none
    # between 31 March 2023 and the Saturday after it, none between 31 December 2024 and New Year.
    months = {row["ref"]: row["due_month"] for row in rows_of(shared_data / NAP5)}
    for found, month in ((canada_day, "2022-06"), (saturday, "2023-03"), (new_year, "2024-12")):
        assert {days for ref, days in found.items() if months[ref] == month} == {0}
    # 31 May 2022 is a Tuesday: 1 to 3 June, four weeks of five days, and no day on 1 July.
    # 1, 2, 3 June, 6 to 10, 13 to 17, 20 to 24, 27 to 30 June: 3 + 5 + 5 + 5 + 4.
    assert {days for ref, days in canada_day.items() if months[ref] == "2022-05"} == {22}


def reminding_map(folder: Path, departments: set[str]) -> Path:
    """The example's map, with an address for each department by translation of values."""
    text = (EXAMPLES / "nap5.map.yaml").read_text(encoding="utf-8")
    values = ", ".join(f"{name}: {address_of(name)}" for name in sorted(departments))
    text += f"responsible_email: {{column: responsible, values: {{{values}}}}}\n"
    text += f"coordinator_email: {{constant: {COORDINATOR}}}\n"
    path = folder / "reminding.map.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def address_of(department: str) -> str:
    return f"{department}@departments.example"


def read_back(server: SmtpServer) -> Iterator[tuple[str, EmailMessage]]:
    """Every message taken so far, with its one recipient."""
    for mail in server.received():
        read = message_from_bytes(b64decode(mail["data"]), policy=policy.default)
        yield mail["rcpt"], read


def words_of(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def test_every_department_is_reminded_once_of_all_that_it_owes(
    alkawari: CommandLine, shared_data: Path, tmp_path: Path
) -> None:
    rows = rows_of(shared_data / NAP5)
    departments = {row["responsible"] for row in rows}
    plan_map = reminding_map(tmp_path, departments)
    # Agreed only now, so that nothing is asked for its silence.
    take_in(alkawari, shared_data / NAP5, plan_map, "2023-04-01")
    owed: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        if row["due_month"] and row["due_month"] <= "2023-03":
            owed[address_of(row["responsible"])].add(row["ref"])
    day = "2023-04-03"  # three days after the last due date: R1 is reached by everything

    with SmtpServer(keep=True) as server:
        alkawari.set_mail_server(server.port)
        assert alkawari("sweep", "--as-of", day).code == 0
        first = alkawari("deliver", "--as-of", day, "--json").json
        assert alkawari("sweep", "--as-of", day, "--json").json["notices"] == 0
        again = alkawari("deliver", "--as-of", day, "--json").json
        mails = list(read_back(server))

    assert len(departments) == 16
    assert Counter(recipient for recipient, _ in mails) == Counter([*owed, COORDINATOR])
    assert (first["sent"], again["sent"]) == (len(owed) + 1, 0)
    for recipient, mail in mails:
        body = words_of(mail)
        if recipient != COORDINATOR:
            assert {ref for ref in owed[recipient] if ref not in body} == set()
            others = set().union(*owed.values()) - owed[recipient]
            assert not {ref for ref in others if re.search(rf"\b{re.escape(ref)}\b", body)}
        assert mail["to"] == recipient
    told = sum(map(len, owed.values()))
    assert told == 51
    assert len({mail["message-id"] for _, mail in mails}) == len(mails)


def test_subjects_tell_no_more_than_the_dialogue_and_the_reference(
    alkawari: CommandLine, shared_data: Path, tmp_path: Path
) -> None:
    rows = rows_of(shared_data / NAP5)
    departments = {row["responsible"] for row in rows}
    take_in(alkawari, shared_data / NAP5, reminding_map(tmp_path, departments))
    told: dict[str, int] = Counter()

    with SmtpServer(keep=True) as server:
        alkawari.set_mail_server(server.port)
        for day in ("2022-07-01", "2023-04-03", "2024-01-02", "2025-01-02"):
            before = len(server.received())
            assert alkawari("sweep", "--as-of", day).code == 0
            assert alkawari("deliver", "--as-of", day).code == 0
            recipients = [recipient for recipient, _ in read_back(server)][before:]
            assert len(recipients) == len(set(recipients)) > 0
            told[day] = len(recipients)
        mails = list(read_back(server))

    assert len(mails) == sum(told.values())
    assert len({mail["message-id"] for _, mail in mails}) == len(mails)
    refs = {row["ref"] for row in rows}
    for _, mail in mails:
        subject = str(mail["subject"])
        assert re.match(r"\[NAP5\] ", subject)
        assert not re.search(r"overdue|late|fail|urgent|\$", subject, re.IGNORECASE)
        assert not [name for name in departments if name in subject]
        named = [ref for ref in refs if re.search(rf"\b{re.escape(ref)}\b", subject)]
        assert len(named) <= 1
        if "Ref." in subject:
            assert named
        assert [ref for ref in refs if re.search(rf"\b{re.escape(ref)}\b", words_of(mail))]
        assert mail["auto-submitted"] == "auto-generated"


def test_the_mandate_letters_keep_every_co_responsible_minister(
    alkawari: CommandLine,
    shared_data: Path,
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ALKAWARI_DATABASE_URL", database_url)
    rows = rows_of(shared_data / MANDATE)
    # Two letters write "Agri-food" where the others write "Agri-Food": one minister, one party.
    shared = {
        (row["ref"], name.casefold())
        for row in rows
        for part in row["co_responsible"].split(";")
        if (name := " ".join(part.split())) and name != row["responsible"]
    }

    counts = take_in(alkawari, shared_data / MANDATE, EXAMPLES / "mandate2021.map.yaml")
    again = take_in(alkawari, shared_data / MANDATE, EXAMPLES / "mandate2021.map.yaml")
    record = alkawari("export", "--format", "json").json
    refs = {action["id"]: action["ref"] for action in record["actions"]}
    names = {party["id"]: party["name"] for party in record["parties"]}

    assert (counts["rows"], counts["created"], again["unchanged"]) == (760, 760, 760)
    assert {
        (refs[pair["action_id"]], names[pair["party_id"]].casefold())
        for pair in record["action_parties"]
    } == shared
    assert len(record["action_parties"]) == len(shared) == 1_276
    assert alkawari("status", "--json").json["by_state"] == {"proposed": 760}
