"""
A gateway for texts, for tests, in a process of its own, that does what a script tells it to.

    python tests/sms_gateway.py --port 0 --log taken.jsonl --behave '[{"match": "...", ...}]'

It prints its port as the first line. Every text that it takes is one JSON line in the log, written
before the reply: n, at, to, text, id. It takes `POST` of JSON or of a form, with the fields `to`,
`text` and `id`, at any path.

`--behave` is a JSON list of rules, or a file that holds one; the first rule that applies decides:

    match       only recipients in which this regular expression is found
    every       only each k-th distinct recipient, counted in the order of first appearance
    times       at most so often in all; first_time: only once for each recipient
    nth         only the n-th request over all
    status      answer this code instead of 200
    delay       wait so many seconds before answering ("hangs")
    drop        close the connection instead of answering
    take        take and log the text although status or drop say otherwise
"""

import argparse
import json
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qs

OK = 200


class Script:
    """The rules, and the counts they go by; one request asks at a time."""

    def __init__(self, rules: Sequence[Mapping[str, Any]], log: Path) -> None:
        self.rules, self.log = list(rules), log
        self.lock = threading.Lock()
        self.requests, self.taken = 0, 0
        self.used: Counter[int] = Counter()
        self.met: set[tuple[int, str]] = set()
        self.recipients: dict[str, int] = {}

    def decide(self, fields: Mapping[str, str]) -> Mapping[str, Any]:
        """The rule for this text; what is taken is in the log when this returns."""
        with self.lock:
            self.requests += 1
            to = fields.get("to", "")
            self.recipients.setdefault(to, len(self.recipients) + 1)
            rule = next((r for n, r in enumerate(self.rules) if self._applies(n, r, to)), {})
            refused = rule.get("drop") or not 200 <= rule.get("status", OK) < 300
            if rule.get("take", not refused):
                self._write(fields)
            return rule

    def _applies(self, number: int, rule: Mapping[str, Any], to: str) -> bool:
        if (
            (rule.get("match") and not re.search(rule["match"], to))
            or (rule.get("every") and self.recipients[to] % rule["every"])
            or (rule.get("nth") and self.requests != rule["nth"])
            or (rule.get("first_time") and (number, to) in self.met)
            or (rule.get("times") and self.used[number] >= rule["times"])
        ):
            return False
        self.used[number] += 1
        self.met.add((number, to))
        return True

    def _write(self, fields: Mapping[str, str]) -> None:
        self.taken += 1
        entry = {"n": self.taken, "at": time.time(), **{k: fields.get(k, "") for k in _FIELDS}}
        with self.log.open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")


_FIELDS = ("to", "text", "id")


class Handler(BaseHTTPRequestHandler):
    script: Script

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        if "json" in self.headers.get("content-type", ""):
            fields = {name: str(value) for name, value in json.loads(body).items()}
        else:
            fields = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        rule = self.script.decide(fields)
        time.sleep(rule.get("delay", 0.0))
        self.close_connection = True
        if rule.get("drop"):
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        with suppress(OSError):  # who hung up meanwhile does not hear it
            self.send_response(rule.get("status", OK))
            self.send_header("content-length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

    def log_message(self, *_: object) -> None:
        pass


def serve(arguments: argparse.Namespace) -> None:
    given = arguments.behave
    text = given if given.lstrip().startswith("[") else Path(given).read_text("utf-8")
    Handler.script = Script(json.loads(text), Path(arguments.log))
    server = ThreadingHTTPServer(("127.0.0.1", arguments.port), Handler)
    server.daemon_threads = True
    print(server.server_address[1], flush=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.read()


def main() -> None:
    parser = argparse.ArgumentParser(description="A gateway for texts, for tests.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--log", required=True, help="one JSON line for each text taken")
    parser.add_argument("--behave", default="[]", help="JSON list of rules, or a file of it")
    serve(parser.parse_args())


class SmsGateway:
    """The gateway as a context manager: it listens from entry to exit, in its own process."""

    def __init__(self, behave: Sequence[Mapping[str, Any]] = (), *, port: int = 0) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="sms-")
        self.folder, self.port = Path(self._folder.name), port
        self.log = self.folder / "taken.jsonl"
        self._process: subprocess.Popen[str] | None = None
        self._behave = list(behave)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._folder.cleanup()

    @property
    def url(self) -> str:
        """What to write into `texts.gateway`."""
        return (
            f"json://127.0.0.1:{self.port}/send?:to={{phone}}&:id={{id}}"
            "&:message=text&:title=&:type=&:version="
        )

    def start(self, behave: Sequence[Mapping[str, Any]] | None = None) -> None:
        """Listen (again), with other rules if given; every count starts anew but the log's."""
        if behave is not None:
            self._behave = list(behave)
        script = self.folder / "behave.json"
        script.write_text(json.dumps(self._behave), "utf-8")
        command = [sys.executable, str(Path(__file__).resolve()), f"--port={self.port}"]
        command += [f"--log={self.log}", f"--behave={script}"]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        first = self._process.stdout.readline() if self._process.stdout else ""
        if not first:
            self.stop()
            raise RuntimeError("the gateway for tests did not start")
        self.port = int(first)

    def stop(self) -> None:
        """End the process; port and files stay."""
        process, self._process = self._process, None
        if process is None:
            return
        with suppress(ProcessLookupError):
            process.terminate()
        process.communicate()

    def taken(self) -> list[dict[str, Any]]:
        """The texts taken so far, oldest first."""
        if not self.log.exists():
            return []
        # A line that is just being written has no end yet.
        whole = self.log.read_text("utf-8").rpartition("\n")[0]
        return [json.loads(line) for line in whole.splitlines()]


if __name__ == "__main__":
    main()
