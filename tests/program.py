"""`alkawari up` as a process of its own, for tests that need it as a background."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

COMMAND = str(Path(sys.executable).with_name("alkawari"))
PATIENCE_S = 90.0


class Program:
    """The command in a process group of its own; what it says goes to a file."""

    def __init__(self, folder: Path, number: int = 0) -> None:
        self._log = folder / f"program-{number}.log"
        with self._log.open("w", encoding="utf-8") as log:
            self._process = subprocess.Popen(
                [COMMAND, "up", "--port", "0"], cwd=folder, stderr=log, start_new_session=True
            )
        eventually(lambda: "Listening on " in self._said())
        [line] = [line for line in self._said().splitlines() if "Listening on " in line]
        self.url = line.split()[-1]

    def get(self, path: str) -> tuple[int, str]:
        try:
            with urlopen(self.url + path, timeout=PATIENCE_S) as answer:  # noqa: S310 - our own
                return answer.status, answer.read().decode()
        except HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.communicate()

    def _said(self) -> str:
        assert self._process.poll() is None, self._log.read_text("utf-8")
        return self._log.read_text("utf-8")


def eventually(true: Callable[[], bool]) -> None:
    """Wait until it is so."""
    pause = threading.Event()
    for _ in range(int(PATIENCE_S / 0.1)):
        if true():
            return
        pause.wait(0.1)
    raise AssertionError("it did not come to be so")
