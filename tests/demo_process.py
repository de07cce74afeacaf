"""`alkawari demo` as a real process, for the tests that look on in a browser."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

COMMAND = str(Path(sys.executable).with_name("alkawari"))
PATIENCE_S = 90.0
LOG_SHOWN = 8000


class Demo:
    """The command in a process group of its own, with a temporary folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.log = folder, folder / "demo.log"
        self.temporary = folder / "tmp"
        self.temporary.mkdir()
        # A database address of the person who looks on must not be touched.
        somebodys = {"ALKAWARI_DATABASE_URL": f"sqlite:///{folder / 'somebodys.db'}"}
        with self.log.open("w", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                [COMMAND, "demo", "--port", "0"],
                cwd=folder, env={**os.environ, **somebodys, "TMPDIR": str(self.temporary)},
                stderr=log, start_new_session=True,
            )  # fmt: skip
        self.url = self.wait_for(r"The demonstration is at (\S+)")

    def wait_for(self, pattern: str) -> str:
        waiting = threading.Event()
        for _turn in range(int(PATIENCE_S * 10)):
            found = re.search(pattern, self.log.read_text("utf-8"))
            if found:
                return found[found.lastindex or 0]
            assert self.process.poll() is None, self.log.read_text("utf-8")
            waiting.wait(0.1)
        raise AssertionError(f"no {pattern!r} in {self.log.read_text('utf-8')}")

    def show_log(self) -> None:
        """Print what it said, for whoever reads why a test failed."""
        print(self.log.read_text("utf-8")[-LOG_SHOWN:])

    def end(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.communicate()
