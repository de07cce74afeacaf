"""A receiver of webhooks on this machine, which answers as it is told."""

import base64
import hashlib
import hmac
import json
import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any


@dataclass
class Receiver:
    """`answers`: the statuses of the next posts, then `usual`; 0 hangs, -1 drips, -2 goes away."""

    url: str = ""
    usual: int = 204
    answers: list[int] = field(default_factory=list)
    heard: list[Any] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    release: threading.Event = field(default_factory=threading.Event)
    arrived: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

    @property
    def names(self) -> list[str]:
        return [each["id"] for each in self.heard]

    def signed_by(self, secret: str, number: int = -1) -> bool:
        headers, body = self.headers[number], self.bodies[number]
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        key = base64.b64decode(secret.removeprefix("whsec_"))
        said = "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
        return hmac.compare_digest(said, headers["webhook-signature"])


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False


@contextmanager
def a_receiver(wrap: Any = None) -> Iterator[Receiver]:
    """Listening on loopback; `wrap` makes a server socket speak TLS."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            receiver.bodies.append(body)
            receiver.headers.append({k.lower(): v for k, v in self.headers.items()})
            receiver.heard.append(json.loads(body))
            status = receiver.answers.pop(0) if receiver.answers else receiver.usual
            receiver.arrived.release()
            if status == 0:
                receiver.release.wait(30)
            elif status == -1:
                for _ in range(300):
                    self.wfile.write(b"H")
                    self.wfile.flush()
                    if receiver.release.wait(0.1):
                        break
            elif status == -2:
                self.connection.shutdown(socket.SHUT_RDWR)
            else:
                self.send_response(status)
                if status in {301, 302, 307}:
                    self.send_header("location", receiver.url + "/elsewhere")
                self.send_header("content-length", "0")
                self.end_headers()

        def handle(self) -> None:
            try:
                super().handle()
            except (OSError, ValueError):
                return

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name
            pass

    with _Server(("127.0.0.1", 0), Handler) as server:
        scheme = "http"
        if wrap is not None:
            server.socket = wrap(server.socket)
            scheme = "https"
        receiver.url = f"{scheme}://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield receiver
        finally:
            receiver.release.set()
            server.shutdown()
            thread.join()
