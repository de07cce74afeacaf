"""
The mail server of a storm, in a process of its own: it may be killed at any time.

Each message that it takes is one line of JSON in a ledger, on the disk before the reply leaves.
"""

import argparse
import asyncio
import email
import email.policy
import hashlib
import json
import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

TESTS = Path(__file__).resolve().parent.parent / "tests"
sys.path.insert(0, str(TESTS))

from smtp_conversation import Conversation, Log, Manner, header  # noqa: E402
from smtp_script import Script  # noqa: E402

TOPIC = re.compile(r"^Ref\. ([A-Z0-9-]+): (.*)$", re.MULTILINE)
REMINDS = "update requested"


class Scribe(Conversation):
    """One connection; what it takes is read, to know which things it says."""

    def _take(self, data: bytes) -> None:
        self.carried += 1
        message = email.message_from_bytes(data, policy=email.policy.SMTP)
        body: Any = message.get_body(("plain",))
        line = {
            "at": time.time(),
            "rcpt": ",".join(self.recipients),
            "message_id": header(data, b"message-id"),
            "sha256": hashlib.sha256(data).hexdigest(),
            "says": [
                [ref, words.startswith(REMINDS)] for ref, words in TOPIC.findall(body.get_content())
            ],
        }
        # The empty line before it keeps a line apart from one that a kill cut off.
        os.write(self.manner.log.file, b"\n" + json.dumps(line).encode() + b"\n")
        os.fsync(self.manner.log.file)


async def serve(port: int, log: str, latency: float) -> None:
    manner = Manner(
        script=Script([]), log=Log(log), trace=None, tls="none", context=None, user="",
        password="", auth="", size=0, pipelining=True, latency=latency, keep=False,
    )  # fmt: skip
    loop, over = asyncio.get_running_loop(), asyncio.Event()
    server = await loop.create_server(lambda: Scribe(manner), "127.0.0.1", port, backlog=256)
    print(server.sockets[0].getsockname()[1], flush=True)
    loop.add_reader(sys.stdin.fileno(), over.set)
    await over.wait()


@dataclass(slots=True)
class Letter:
    """A message as it was received."""

    rcpt: str
    message_id: str
    sha256: str
    says: frozenset[tuple[str, bool]]
    at: float


@dataclass(slots=True)
class Post:
    """The mail server, seen by who starts and kills it."""

    ledger: Path
    latency: float
    port: int = 0
    _process: subprocess.Popen[str] | None = field(default=None)

    def start(self) -> None:
        """Listen, on the same port as before."""
        command = [sys.executable, str(Path(__file__).resolve()), "--port", str(self.port)]
        process = subprocess.Popen(
            [*command, "--log", str(self.ledger), "--latency", str(self.latency)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        first = process.stdout.readline() if process.stdout else ""
        if not first:
            raise RuntimeError("the mail server did not start")
        self.port, self._process = int(first), process

    def kill(self) -> None:
        """End it by SIGKILL."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.communicate()

    def received(self) -> tuple[list[Letter], int]:
        """Every message taken, oldest first, and how many lines a kill left unfinished."""
        letters, torn = [], 0
        for line in self.ledger.read_bytes().splitlines() if self.ledger.exists() else []:
            try:
                found = json.loads(line) if line.strip() else None
            except ValueError:
                torn += 1
                continue
            if found:
                says = frozenset((ref, bool(reminds)) for ref, reminds in found.pop("says"))
                letters.append(Letter(says=says, **found))
        return letters, torn


def main() -> None:
    parser = argparse.ArgumentParser(description="The mail server of a storm.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--log", required=True)
    parser.add_argument("--latency", type=float, default=0.05)
    options = parser.parse_args()
    asyncio.run(serve(options.port, options.log, options.latency))


if __name__ == "__main__":
    main()
