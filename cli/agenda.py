"""The committee's agenda on the terminal, as a page to print, or as a sheet to fill."""

from pathlib import Path

from cli.output import Refused, complain, say_json, table
from cli.session import opened
from notifications.agenda import page
from notifications.sheet import sheet_csv, sheet_xlsx
from workflows.agenda import AgendaAsked, Made, make_agenda

FORMS = (".html", ".csv", ".xlsx")


def agenda(asked: AgendaAsked, out: Path | None, as_of: str, *, as_json: bool) -> None:
    """Show it, or write it to a file whose ending says the form."""
    if out is not None and out.suffix.lower() not in FORMS:
        raise Refused(f"--out {str(out)!r}: the name of the file ends with {', '.join(FORMS)}.")
    if out is not None and out.is_dir():
        raise Refused(f"--out {str(out)!r}: that is a folder; name a file in it.")
    with opened(as_of) as (services, now):
        made = make_agenda(services, asked, now)
    if out is not None:
        _write(out, _bytes(made, out.suffix.lower()))
    if as_json:
        say_json(made.as_dict())
    elif out is not None:
        complain(f"Wrote {out}.")
    else:
        _show(made)


def _bytes(made: Made, form: str) -> bytes:
    match form:
        case ".html":
            return page(made.agenda, made.language).encode()
        case ".csv":
            return sheet_csv(made.agenda, made.language).encode()
        case _:
            return sheet_xlsx(made.agenda, made.language, made.now)


def _write(out: Path, content: bytes) -> None:
    partial = out.with_name(f"{out.name}.part")
    try:
        partial.write_bytes(content)
        partial.replace(out)
    except OSError as error:
        raise Refused(f"{out} cannot be written ({error.strerror}).") from None


def _show(made: Made) -> None:
    found = made.agenda
    table(
        f"{found.dialogue}: {len(found.open)} points, as of {found.today}, due by {found.until}",
        ("section", "ref", "what", "by", "due"),
        [
            (point.section.replace("_", " "), point.ref, point.title, point.party, point.due_on)
            for point in found.points
        ],
        whole=("ref", "due"),
    )
    complain("Add --out agenda.html for the page to print, --out sheet.xlsx for the sheet to fill.")
