"""A coordinator's and a manager's digest on the terminal or in a file, and those that were sent."""

import json
from pathlib import Path

from cli.output import Refused, complain, pairs, say, say_json, table
from cli.session import opened
from config.wiring import Services
from engine.digest import DigestKind
from engine.digest_record import as_record
from engine.store.digests import archive
from workflows.digests import Digest, make_digest

FORMS = (".html", ".eml", ".xlsx", ".txt", ".json")

LISTED = 200


def reader_digest(
    kind: DigestKind,
    person: str,
    dialogue: str,
    language: str,
    out: Path | None,
    as_of: str,
    *,
    as_json: bool,
) -> None:
    """Show it, or write it to a file whose ending says the form."""
    form = out.suffix.lower() if out else ""
    if out is not None and form not in FORMS:
        raise Refused(f"--out {str(out)!r}: the name of the file ends with {', '.join(FORMS)}.")
    if out is not None and out.is_dir():
        raise Refused(f"--out {str(out)!r}: that is a folder; name a file in it.")
    if form == ".eml" and not person:
        raise Refused("--out FILE.eml: a mail has a reader; say --for whom.")
    with opened(as_of) as (services, now):
        made = make_digest(services, kind, as_of=now, person=person, dialogue=dialogue)
        content = _bytes(services, made, language, form) if out else b""
        shown = "" if out or as_json else _text(services, made, language)
    if out is not None:
        _write(out, content)
        complain(f"Wrote {out}.")
    if as_json:
        say_json(_figures(made))
    elif out is None:
        say(shown.rstrip("\n"))


def send_due(as_of: str, *, as_json: bool) -> None:
    """Make and queue the digests that are due, as the timetable does."""
    from workflows.digest_round import Rounded, send_digests  # noqa: PLC0415 - only to send

    total = Rounded()
    with opened(as_of) as (services, now):
        while (done := send_digests(services, now)).handled:
            total += done
        total += done
    if as_json:
        say_json(total.as_dict())
    else:
        pairs("Digests", total.as_dict())
    if total.failed:
        raise Refused(
            f"{total.failed} digest(s) could not be made; the log says whose, and they are tried "
            "again."
        )


def digests_sent(*, as_json: bool) -> None:
    """The newest digests that were sent, with the figures of each."""
    with opened() as (services, _now), services.database.read() as connection:
        rows = archive(connection, LISTED)
    if as_json:
        say_json(
            [
                {
                    "key": row.key, "digest": row.digest, "for": row.who, "dialogue": row.dialogue,
                    "as_of": row.as_of_at.isoformat(), "fingerprint": row.fingerprint,
                    "status": row.status.value if row.status else None,
                    "sent_at": row.sent_at.isoformat() if row.sent_at else None,
                    "figures": json.loads(row.figures),
                }
                for row in rows
            ]
        )  # fmt: skip
        return
    table(
        f"{len(rows)} digests, newest first",
        ("digest", "for", "dialogue", "as of (UTC)", "status", "fingerprint"),
        [
            (row.digest, row.who, row.dialogue, f"{row.as_of_at:%Y-%m-%d %H:%M}", row.status,
             row.fingerprint)
            for row in rows
        ],
        whole=("digest", "as of (UTC)", "status"),
    )  # fmt: skip


def _figures(made: Digest) -> dict[str, object]:
    return {
        **as_record(made.figures),
        "fingerprint": made.fingerprint,
        "unreachable": made.unreachable,
    }


def _text(services: Services, made: Digest, language: str) -> str:
    from notifications.digest import digest_text  # noqa: PLC0415 - words that --json does without

    return digest_text(made.edition(services, language))


def _bytes(services: Services, made: Digest, language: str, form: str) -> bytes:
    from notifications.digest import digest_page  # noqa: PLC0415

    edition = made.edition(services, language)
    match form:
        case ".html":
            return digest_page(edition).encode()
        case ".txt":
            return _text(services, made, language).encode()
        case ".json":
            return (json.dumps(_figures(made), ensure_ascii=False, indent=2) + "\n").encode()
        case ".xlsx":
            from notifications.digest_book import digest_book  # noqa: PLC0415

            return digest_book(made.figures, edition.language)
        case _:
            from workflows.digest_round import as_mail  # noqa: PLC0415

            return as_mail(services, made, edition)


def _write(out: Path, content: bytes) -> None:
    partial = out.with_name(f"{out.name}.part")
    try:
        partial.write_bytes(content)
        partial.replace(out)
    except OSError as error:
        raise Refused(f"{out} cannot be written ({error.strerror}).") from None
