"""
A mail server for tests, in a process of its own, that does what a script tells it to.

    python tests/smtp_server.py --port 0 --log received.jsonl --behave '[{"at": "rcpt", ...}]'

It prints its port as the first line. Every message that it takes is one JSON line in the log,
written before the reply: n, at, connection, mail_from, rcpt (several: joined by commas),
message_id, subject, sha256, size, and data (base64) with `--keep`.

`--behave` is a JSON list of rules, or a file that holds one; for each step the first rule that
applies decides. A rule says

    at          connect, ehlo, starttls, auth, mail, rcpt, data, body, dot, after, rset, quit;
                or command: any of them that the client says ("after" comes behind a taken message)
    every       only each k-th distinct recipient, counted in the order of first appearance
    match       only recipients in which this regular expression is found
    message     only the n-th message (counted by MAIL); every_message: each k-th
    nth         only the n-th time that this step is reached, over all connections
    beyond      only on a connection that has already carried so many messages
    hurried     only when the client did not wait for its turn (a parcel of commands)
    first_time  only once for each recipient; times: at most so often in all
    delay       wait so many seconds before answering ("hangs")
    reply       answer this instead
    drop        then (or instead) close the connection
    accept      at the dot: take and log the message although reply or drop say otherwise
"""

import argparse
import asyncio
import json
import signal
import ssl
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

from smtp_conversation import Conversation, Log, Manner
from smtp_script import Script


def rules_from(given: str) -> list[dict[str, Any]]:
    """The rules in a JSON text, or in the file of that name."""
    text = given if given.lstrip().startswith("[") else Path(given).read_text("utf-8")
    rules: list[dict[str, Any]] = json.loads(text)
    return rules


async def serve(arguments: argparse.Namespace) -> None:
    context = None
    if arguments.tls != "none":
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(arguments.cert)
    manner = Manner(
        script=Script(rules_from(arguments.behave)),
        log=Log(arguments.log),
        trace=Log(arguments.trace) if arguments.trace else None,
        tls=arguments.tls,
        context=context,
        user=arguments.user,
        password=arguments.password,
        auth=arguments.auth,
        size=arguments.size,
        pipelining=not arguments.no_pipelining,
        latency=arguments.latency,
        keep=arguments.keep,
    )
    loop = asyncio.get_running_loop()
    over = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, over.set)
    if arguments.until_stdin_closes:
        loop.add_reader(sys.stdin.fileno(), over.set)
    server = await loop.create_server(
        lambda: Conversation(manner),
        arguments.host,
        arguments.port,
        ssl=context if arguments.tls == "implicit" else None,
        backlog=1024,
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await over.wait()
    server.close()


def main() -> None:
    parser = argparse.ArgumentParser(description="A mail server for tests.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--log", required=True, help="one JSON line for each message taken")
    parser.add_argument("--trace", default="", help="one JSON line for each command heard")
    parser.add_argument("--behave", default="[]", help="JSON list of rules, or a file of it")
    parser.add_argument("--tls", choices=("none", "starttls", "implicit"), default="none")
    parser.add_argument("--cert", default="", help="PEM file of key and certificate chain")
    parser.add_argument("--user", default="", help="a login is needed, by this name")
    parser.add_argument("--password", default="")
    parser.add_argument("--auth", default="PLAIN LOGIN", help="the mechanisms offered")
    parser.add_argument("--size", type=int, default=0, help="the largest message, in bytes")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds before each reply")
    parser.add_argument("--no-pipelining", action="store_true")
    parser.add_argument("--keep", action="store_true", help="log the whole message too")
    parser.add_argument("--until-stdin-closes", action="store_true")
    asyncio.run(serve(parser.parse_args()))


class SmtpServer:
    """
    The server as a context manager: it listens from entry to exit, in its own process.

    `behave` holds rules (see the head of this module), `cert` the PEM bytes of key and chain.
    Files go to `folder`, or to a temporary one. `stop` and `start` keep port and log.
    """

    def __init__(
        self,
        behave: Sequence[Mapping[str, Any]] = (),
        *,
        folder: Path | None = None,
        port: int = 0,
        tls: str = "none",
        cert: bytes = b"",
        user: str = "",
        password: str = "",
        auth: str = "PLAIN LOGIN",
        size: int = 0,
        latency: float = 0.0,
        pipelining: bool = True,
        keep: bool = False,
        trace: bool = True,
    ) -> None:
        self._own_folder = None if folder else tempfile.TemporaryDirectory(prefix="smtp-")
        self.folder = folder or Path(self._own_folder.name if self._own_folder else "")
        self.host, self.port = "127.0.0.1", port
        self.log, self.trace = self.folder / "received.jsonl", self.folder / "trace.jsonl"
        self._process: subprocess.Popen[str] | None = None
        self._behave = list(behave)
        self._options = [f"--tls={tls}", f"--user={user}", f"--password={password}"]
        self._options += [f"--auth={auth}"]
        self._options += [f"--size={size}", f"--latency={latency}"]
        self._options += ["--keep"] * keep + ["--no-pipelining"] * (not pipelining)
        self._options += [f"--trace={self.trace}"] * trace
        if cert:
            pem = self.folder / "server.pem"
            pem.write_bytes(cert)
            self._options.append(f"--cert={pem}")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        if self._own_folder is not None:
            self._own_folder.cleanup()

    def start(self, behave: Sequence[Mapping[str, Any]] | None = None) -> None:
        """Listen (again), with other rules if given; every count starts anew but the log's."""
        if behave is not None:
            self._behave = list(behave)
        script = self.folder / "behave.json"
        script.write_text(json.dumps(self._behave), "utf-8")
        command = [sys.executable, str(Path(__file__).resolve()), "--until-stdin-closes"]
        command += [f"--port={self.port}", f"--log={self.log}", f"--behave={script}"]
        self._process = subprocess.Popen(
            [*command, *self._options], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        first = self._process.stdout.readline() if self._process.stdout else ""
        if not first:
            self.stop()
            raise RuntimeError("the mail server for tests did not start")
        self.port = int(first)

    def stop(self) -> None:
        """End the process; port and files stay."""
        process, self._process = self._process, None
        if process is None:
            return
        with suppress(ProcessLookupError):
            process.terminate()
        process.communicate()

    def received(self) -> list[dict[str, Any]]:
        """The messages taken so far, oldest first."""
        return _lines(self.log)

    def said(self, verb: str = "") -> list[str]:
        """The commands heard so far that start with `verb`; logins are heard without secrets."""
        return [entry["line"] for entry in _lines(self.trace) if entry["line"].startswith(verb)]

    @property
    def connections(self) -> int:
        return len(self.said("(connect)"))


def _lines(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


if __name__ == "__main__":
    main()
