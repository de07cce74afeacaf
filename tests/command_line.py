"""The command `alkawari` as tests use it: run in this process, in an empty folder."""

import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cli.main import main

PLAN = """\
dialogue,timezone,language,action,kind,repeat,responsible,responsible_email,verifier,\
verifier_email,coordinator_email,due,state,depends_on,ref
Jos,Africa/Lagos,en,Register the deed,,,Residents,residents@jos.example,Works,\
works@jos.example,coord@jos.example,2026-03-02,agreed,,JOS-01
Jos,,,Build the station,,,Works,works@jos.example,Residents,\
residents@jos.example,,2026-09-30,agreed,JOS-01,JOS-02
Jos,,,Meet each month,recurring,monthly,Residents,residents@jos.example,Works,\
works@jos.example,,2026-03-05,in_force,,JOS-03
Saaba,Africa/Ouagadougou,fr,Faire une ronde,,,Police,,Mairie,\
mairie@saaba.example,coord@saaba.example,2026-03-02,proposed,,SAA-01
"""
"""A small programme, to be taken in on 2 February 2026."""


@dataclass(frozen=True)
class Said:
    """What a command printed, and how it ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one value of a command that went well and said nothing else."""
        assert self.code == 0, self.err
        assert self.err == ""
        return json.loads(self.out)

    @property
    def sentence(self) -> str:
        """The one line of a refusal that printed nothing else."""
        assert self.code == 1, (self.code, self.out, self.err)
        assert self.out == ""
        return self.complaint

    @property
    def complaint(self) -> str:
        """The one line on stderr."""
        assert self.err.count("\n") == 1, self.err
        assert "not foreseen" not in self.err
        assert re.search(r"[.!?]\n$", self.err), self.err
        return self.err


class CommandLine:
    """`alkawari("status", "--json")` in a folder of its own, in a window of 80 columns."""

    def __init__(
        self, folder: Path, patch: pytest.MonkeyPatch, captured: pytest.CaptureFixture[str]
    ) -> None:
        self.folder, self._patch, self._captured = folder, patch, captured
        patch.chdir(folder)
        patch.setenv("COLUMNS", "80")

    def __call__(self, *arguments: str) -> Said:
        """Run the command with these arguments."""
        self._captured.readouterr()
        self._patch.setattr(sys, "argv", ["alkawari", *arguments])
        code = 0
        try:
            main()
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else int(bool(ended.code))
        printed = self._captured.readouterr()
        return Said(code, printed.out, printed.err)

    def settle_in(self, plan: str = PLAN) -> None:
        """Settings, a database, and a small programme taken in on 2 February 2026."""
        assert self("init").code == 0
        self.take_in(plan)

    def take_in(self, plan: str, *options: str) -> Said:
        """Import a plan in CSV."""
        path = self.folder / "plan.csv"
        path.write_text(plan, encoding="utf-8")
        return self("import", str(path), "--as-of", "2026-02-02", *options)

    def set_mail_server(self, port: int) -> None:
        """Settings of the environment for a server on this machine."""
        for name, value in (
            ("HOST", "127.0.0.1"), ("PORT", str(port)), ("SECURITY", "none"),
            ("SENDER", "alkawari@programme.example"),
        ):  # fmt: skip
            self._patch.setenv(f"ALKAWARI_MAIL__{name}", value)
