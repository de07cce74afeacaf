"""The command `alkawari`, assembled."""

import logging
import os
import sys
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from typer.core import TyperGroup

from cli.output import complain
from cli.session import choose_config
from engine.errors import EngineError

log = logging.getLogger("alkawari")

COMMANDS: Final = {
    "init": "cli.operate.init",
    "demo": "cli.operate.demo",
    "up": "cli.operate.up",
    "import": "cli.operate.take_in",
    "actions": "cli.look.actions",
    "show": "cli.look.show",
    "history": "cli.look.history",
    "move": "cli.record.move",
    "report": "cli.record.report",
    "reschedule": "cli.record.reschedule",
    "acknowledge": "cli.record.acknowledge",
    "snooze": "cli.record.snooze",
    "dispute": "cli.record.dispute",
    "verify-done": "cli.record.verify_done",
    "call": "cli.record.call",
    "answers": "cli.sheets.answers",
    "contact": "cli.record.contact",
    "clarify": "cli.clarify.clarify",
    "assent": "cli.clarify.assent",
    "sign-in": "cli.sign_in.sign_in",
    "holder": "cli.people.holder",
    "absence": "cli.people.absence",
    "about": "cli.people.about",
    "erase": "cli.people.erase",
    "sweep": "cli.operate.sweep",
    "deliver": "cli.operate.deliver",
    "collect": "cli.collect.collect",
    "status": "cli.look.status",
    "fairness": "cli.fairness.fairness",
    "digest": "cli.digest.digest",
    "subscribe": "cli.digest.subscribe",
    "rehearse": "cli.rehearse.rehearse",
    "hold": "cli.operate.hold",
    "release": "cli.record.release",
    "escalate": "cli.brakes.escalate",
    "pause": "cli.operate.pause",
    "resume": "cli.operate.resume",
    "export": "cli.handing_out.export",
    "template": "cli.handing_out.template",
    "verify": "cli.verify.verify",
    "calendar": "cli.keys.calendar",
    "deploy": "cli.orchestrate.deploy",
    "worker": "cli.orchestrate.worker",
    "migrate-to": "cli.moving.migrate_to",
    "backup": "cli.moving.backup",
    "doctor": "cli.operate.doctor",
    "evidence": "cli.evidence.app",
    "sensitive-days": "cli.sensitive.app",
    "days-off": "cli.days_off.app",
    "key": "cli.keys.key",
    "webhook": "cli.keys.webhook",
}
"""Where each command is written, in the order of the help; a module is loaded when it is needed."""


def assembled(names: Iterable[str] = COMMANDS) -> typer.Typer:
    """The command line with these commands."""
    made = typer.Typer(rich_markup_mode=None, callback=common)
    for name in names:
        module, _, part = COMMANDS[name].rpartition(".")
        found: Any = getattr(import_module(module), part)
        if isinstance(found, typer.Typer):
            made.add_typer(found, name=name)
        else:
            made.command(name)(found)
    return made


class OnDemand(TyperGroup):
    """Loads a command when it is asked for, and all of them for the help or a mistyped name."""

    # Typer has no public names for the contexts and commands of its own.
    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ANN401, ARG002
        self._load(COMMANDS)
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ANN401, ARG002
        self._load([cmd_name] if cmd_name in COMMANDS else COMMANDS)
        return self.commands.get(cmd_name)

    def _load(self, names: Iterable[str]) -> None:
        missing = [name for name in names if name not in self.commands]
        if missing:
            group: Any = typer.main.get_command(assembled(missing))
            self.commands.update(group.commands)


def common(
    config: Annotated[
        Path | None,
        typer.Option(help="Settings file; also ALKAWARI_CONFIG. Default: alkawari.yaml here."),
    ] = None,
) -> None:
    """Keeps the promises that a community dialogue makes."""
    choose_config(config)


app = typer.Typer(
    name="alkawari",
    cls=OnDemand,
    callback=common,
    help="Keeps the promises that a community dialogue makes.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


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
