"""The command `alkawari`, assembled."""

import logging
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from cli import (
    brakes,
    clarify,
    collect,
    digest,
    evidence,
    fairness,
    handing_out,
    keys,
    look,
    operate,
    people,
    record,
    rehearse,
    sensitive,
    sheets,
    sign_in,
    verify,
)
from cli.output import complain
from cli.session import choose_config
from engine.errors import EngineError

log = logging.getLogger("alkawari")

app = typer.Typer(
    name="alkawari",
    help="Keeps the promises that a community dialogue makes.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

for name, command in (
    ("init", operate.init),
    ("demo", operate.demo),
    ("up", operate.up),
    ("import", operate.take_in),
    ("actions", look.actions),
    ("show", look.show),
    ("history", look.history),
    ("move", record.move),
    ("report", record.report),
    ("reschedule", record.reschedule),
    ("acknowledge", record.acknowledge),
    ("snooze", record.snooze),
    ("dispute", record.dispute),
    ("verify-done", record.verify_done),
    ("call", record.call),
    ("answers", sheets.answers),
    ("contact", record.contact),
    ("clarify", clarify.clarify),
    ("assent", clarify.assent),
    ("sign-in", sign_in.sign_in),
    ("holder", people.holder),
    ("absence", people.absence),
    ("about", people.about),
    ("erase", people.erase),
    ("sweep", operate.sweep),
    ("deliver", operate.deliver),
    ("collect", collect.collect),
    ("status", look.status),
    ("fairness", fairness.fairness),
    ("digest", digest.digest),
    ("subscribe", digest.subscribe),
    ("rehearse", rehearse.rehearse),
    ("hold", operate.hold),
    ("release", record.release),
    ("escalate", brakes.escalate),
    ("pause", operate.pause),
    ("resume", operate.resume),
    ("export", handing_out.export),
    ("template", handing_out.template),
    ("verify", verify.verify),
    ("calendar", keys.calendar),
    ("doctor", operate.doctor),
):
    app.command(name)(command)

for name, group in (
    ("evidence", evidence.app),
    ("sensitive-days", sensitive.app),
    ("key", keys.key),
    ("webhook", keys.webhook),
):
    app.add_typer(group, name=name)


@app.callback()
def common(
    config: Annotated[
        Path | None,
        typer.Option(help="Settings file; also ALKAWARI_CONFIG. Default: alkawari.yaml here."),
    ] = None,
) -> None:
    """Keeps the promises that a community dialogue makes."""
    choose_config(config)


def main() -> None:
    """Run the command line: exit 0 done, 1 refused with one sentence, 2 wrong usage."""
    logging.basicConfig(
        level=logging.WARNING, stream=sys.stderr, format="%(asctime)s %(name)s: %(message)s"
    )
    if os.environ.get("ALKAWARI_DEBUG"):
        log.setLevel(logging.DEBUG)
    if not all(map(_is_text, sys.argv)):
        complain("An argument is not UTF-8; type it again in a terminal that is set to UTF-8.")
        sys.exit(2)
    try:
        app()
    except EngineError as error:
        complain(str(error))
        sys.exit(1)
    except BrokenPipeError:
        # Whoever read our output has gone; Python would complain again when it flushes at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except Exception as error:
        from workflows.doctor import explained  # noqa: PLC0415 - only an unforeseen error needs it

        log.debug("what was not foreseen:", exc_info=error)
        complain(explained(error))
        sys.exit(1)


def _is_text(argument: str) -> bool:
    """Whether it was UTF-8: Python hands on other bytes as halves of characters."""
    try:
        argument.encode()
    except UnicodeEncodeError:
        return False
    return True
