"""
A wire between a worker and its database, in a process of its own, that can be cut.

    python tests/wire.py --port 0 --to 127.0.0.1:5432

It prints its port as the first line and carries bytes both ways, unread. A wire that is stopped
(SIGSTOP) swallows what it is given, as a network does that has lost its way; one that is killed
ends every connection.
"""

import argparse
import asyncio
import contextlib
import signal
import subprocess
import sys
from pathlib import Path
from typing import Self

PARCEL = 65536


async def carry(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    """Everything from one end to the other, until either hangs up."""
    with contextlib.suppress(OSError):
        while parcel := await source.read(PARCEL):
            target.write(parcel)
            await target.drain()
    target.close()


async def serve(listen: str, port: int, host: str, to: int) -> None:
    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection(host, to)
        except OSError:
            writer.close()
            return
        await asyncio.gather(carry(reader, far_writer), carry(far_reader, writer))

    server = await asyncio.start_server(connect, listen, port)
    print(server.sockets[0].getsockname()[1], flush=True)
    # Whoever started it holds the other end of this pipe: with them it goes.
    loop, over = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(sys.stdin.fileno(), over.set)
    await over.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description="A wire that can be cut.")
    parser.add_argument("--listen", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--to", required=True, metavar="HOST:PORT")
    options = parser.parse_args()
    host, _, to = options.to.rpartition(":")
    asyncio.run(serve(options.listen, options.port, host, int(to)))


class Wire:
    """The wire as a context manager: whole at its entry, gone at its exit."""

    def __init__(self, to: int, *, host: str = "127.0.0.1", listen: str = "127.0.0.1") -> None:
        self.port, self._to, self._listen = 0, f"{host}:{to}", listen
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        self.heal()
        return self

    def __exit__(self, *_: object) -> None:
        self.drop()

    def stall(self) -> None:
        """Carry nothing more; connections stay open, and nobody is told."""
        if self._process is not None:
            self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Carry on, with what was given meanwhile."""
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)

    def drop(self) -> None:
        """End every connection, and take no new one."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.communicate()

    def heal(self) -> None:
        """Be whole again, on the same port as before."""
        command = [sys.executable, str(Path(__file__).resolve()), "--to", self._to]
        process = subprocess.Popen(
            [*command, "--listen", self._listen, "--port", str(self.port)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        first = process.stdout.readline() if process.stdout else ""
        if not first:
            process.kill()
            process.communicate()
            raise RuntimeError("the wire did not come to be")
        self.port, self._process = int(first), process


if __name__ == "__main__":
    main()
