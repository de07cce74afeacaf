"""One connection of the mail server for tests."""

import asyncio
import base64
import email.header
import hashlib
import json
import os
import re
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from smtp_script import Rule, Script

ADDRESS = re.compile(rb"<([^>]*)>")
MESSAGE_ENDS = b"\r\n.\r\n"


class Log:
    """Appends whole lines to a file, each with one write, past every buffer of ours."""

    def __init__(self, path: str) -> None:
        self.file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        self.lines = Path(path).read_bytes().count(b"\n")

    def add(self, **entry: object) -> None:
        self.lines += 1
        os.write(self.file, json.dumps(entry).encode() + b"\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """What the server offers, and how it speaks."""

    script: Script
    log: Log
    trace: Log | None
    tls: str
    context: ssl.SSLContext | None
    user: str
    password: str
    auth: str
    size: int
    pipelining: bool
    latency: float
    keep: bool


class Conversation(asyncio.Protocol):
    """One connection."""

    connections = 0

    def __init__(self, manner: Manner) -> None:
        self.manner, self.script = manner, manner.script
        self.loop = asyncio.get_running_loop()
        self.transport: Any = None
        self.incoming, self.outgoing = bytearray(), bytearray()
        self.paused = self.gone = self.logged_in = False
        self.reading_body = self.body_begun = False
        self.secure = manner.tls == "implicit"
        self.scanned = self.carried = 0
        self.sender, self.recipients = "", list[str]()
        self.has_mail = False
        self.next_line: Callable[[bytes], None] | None = None
        self.number = 0

    # ------------------------------------------------------------------ what asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        Conversation.connections += 1
        self.number = Conversation.connections
        self._trace("(connect)")
        self._act("connect", "220 test.example ESMTP")
        self._flush()

    def data_received(self, data: bytes) -> None:
        self.incoming += data
        self._pump()

    def connection_lost(self, _error: Exception | None) -> None:
        self.gone = True
        self._trace("(end)")

    # ------------------------------------------------------------------ the conversation

    def _pump(self) -> None:
        while self.incoming and not self.paused and not self.gone:
            if self.reading_body:
                if not self._read_body():
                    break
                continue
            end = self.incoming.find(b"\r\n")
            if end < 0:
                break
            line = bytes(self.incoming[:end])
            del self.incoming[: end + 2]
            if self.next_line is not None:
                answer, self.next_line = self.next_line, None
                answer(line)
            else:
                self._hear(line)
        self._flush()

    def _hear(self, line: bytes) -> None:
        verb, _, rest = line.partition(b" ")
        name = verb.decode("ascii", "replace").upper()
        # A login is heard without its secrets.
        self._trace(name if name == "AUTH" else f"{name} {rest.decode('latin-1')}".rstrip())
        handle = getattr(self, f"_on_{name.lower()}", None)
        if self.script.rules.get("command"):
            rule = self.script.find("command", "", self.carried)
            if rule is not None:
                self._obey(rule, "250 2.0.0 Ok")
                return
        if handle is None:
            self._say("502 5.5.2 unknown command")
        else:
            handle(rest)

    def _on_ehlo(self, _rest: bytes) -> None:
        manner = self.manner
        offers = ["test.example", "8BITMIME", "ENHANCEDSTATUSCODES"]
        offers += ["PIPELINING"] * manner.pipelining
        offers += [f"SIZE {manner.size}"] * bool(manner.size)
        offers += ["STARTTLS"] * (manner.tls == "starttls" and not self.secure)
        may_log_in = manner.user and (self.secure or manner.tls == "none")
        offers += [f"AUTH {manner.auth}"] * bool(may_log_in)
        lines = [f"250-{offer}" for offer in offers[:-1]] + [f"250 {offers[-1]}"]
        self._act("ehlo", "\r\n".join(lines))

    def _on_helo(self, _rest: bytes) -> None:
        self._act("ehlo", "250 test.example")

    def _on_starttls(self, _rest: bytes) -> None:
        if self.manner.tls != "starttls" or self.manner.context is None or self.secure:
            self._say("502 5.5.1 not offered")
            return
        rule = self.script.find("starttls", "", self.carried)
        if rule is not None:
            self._obey(rule, "454 4.7.0 TLS not available")
            return
        self._say("220 2.0.0 ready")
        self._flush(at_once=True)  # in the clear, before the handshake
        self._begin_tls(self.manner.context)

    def _on_auth(self, rest: bytes) -> None:
        mechanism, _, first = rest.partition(b" ")
        if mechanism.upper() == b"PLAIN" and first:
            self._log_in(*base64.b64decode(first).split(b"\0")[1:])
        elif mechanism.upper() == b"PLAIN":
            self._ask("", lambda line: self._log_in(*base64.b64decode(line).split(b"\0")[1:]))
        elif first:
            self._ask_password(first)
        else:
            self._ask("VXNlcm5hbWU6", self._ask_password)

    def _ask_password(self, user: bytes) -> None:
        name = base64.b64decode(user)
        self._ask("UGFzc3dvcmQ6", lambda line: self._log_in(name, base64.b64decode(line)))

    def _ask(self, question: str, answer: Callable[[bytes], None]) -> None:
        self.next_line = answer
        self._say(f"334 {question}")

    def _log_in(self, user: bytes, password: bytes) -> None:
        manner = self.manner
        if (user, password) == (manner.user.encode(), manner.password.encode()):
            self._act("auth", "235 2.7.0 welcome", lambda: setattr(self, "logged_in", True))
        else:
            self._act("auth", "535 5.7.8 authentication credentials invalid")

    def _on_mail(self, rest: bytes) -> None:
        self.script.messages += 1
        declared = re.search(rb"SIZE=(\d+)", rest, re.IGNORECASE)
        if self.manner.user and not self.logged_in:
            self._say("530 5.7.0 authentication required")
        elif self.has_mail:
            self._say("503 5.5.1 nested MAIL command")
        elif declared and 0 < self.manner.size < int(declared[1]):
            self._say("552 5.3.4 message too big")
        else:
            found = ADDRESS.search(rest)
            sender = found[1].decode("latin-1") if found else ""
            self._act("mail", "250 2.1.0 Ok", lambda: self._begin(sender))

    def _begin(self, sender: str) -> None:
        self.sender, self.recipients, self.has_mail = sender, [], True

    def _on_rcpt(self, rest: bytes) -> None:
        found = ADDRESS.search(rest)
        if not self.has_mail:
            self._say("503 5.5.1 need MAIL command")
        elif not found or b"@" not in found[1]:
            self._say("501 5.1.3 bad recipient address syntax")
        else:
            recipient = found[1].decode("latin-1")
            self.script.recipients.setdefault(recipient, len(self.script.recipients) + 1)
            take = lambda: self.recipients.append(recipient)  # noqa: E731 - said once, used once
            self._act("rcpt", "250 2.1.5 Ok", take, recipient)

    def _on_data(self, _rest: bytes) -> None:
        if not self.recipients and "data" not in self.script.rules:
            self._say("554 5.5.1 no valid recipients" if self.has_mail else "503 5.5.1 need MAIL")
        else:
            self._act("data", "354 go on", lambda: setattr(self, "reading_body", True))

    def _on_rset(self, _rest: bytes) -> None:
        self._act("rset", "250 2.0.0 Ok", self._forget)

    def _on_noop(self, _rest: bytes) -> None:
        self._say("250 2.0.0 Ok")

    def _on_quit(self, _rest: bytes) -> None:
        self._act("quit", "221 2.0.0 bye")
        if not self.paused:
            self._hang_up()

    def _forget(self) -> None:
        self.sender, self.recipients, self.has_mail = "", [], False

    def _read_body(self) -> bool:
        """Take a finished message; False while more of it has to come."""
        if self.script.rules.get("body") and not self.body_begun:
            self.body_begun = True
            rule = self.script.find("body", self.recipients[-1], self.carried)
            if rule is not None:
                self._obey(rule, "")
                return not self.paused
        if self.incoming.startswith(b".\r\n"):
            end, rest = 0, 3
        else:
            found = self.incoming.find(MESSAGE_ENDS, max(0, self.scanned - 4))
            self.scanned = len(self.incoming)
            if found < 0:
                return False
            end, rest = found + 2, found + 5
        raw = bytes(self.incoming[:end])
        del self.incoming[:rest]
        self.scanned, self.reading_body, self.body_begun = 0, False, False
        data = (raw[1:] if raw.startswith(b".") else raw).replace(b"\r\n..", b"\r\n.")
        recipient, taken = self.recipients[-1], self.carried
        queued = f"250 2.0.0 Ok: queued as {self.manner.log.lines + 1}"
        self._act("dot", queued, lambda: self._take(data), recipient)
        self._forget()
        if self.carried > taken and not self.paused and self.script.rules.get("after"):
            rule = self.script.find("after", recipient, self.carried)
            if rule is not None:
                self._obey(rule, "")
        return True

    def _take(self, data: bytes) -> None:
        self.carried += 1
        log = self.manner.log
        kept = {"data": base64.b64encode(data).decode()} if self.manner.keep else {}
        log.add(
            n=log.lines + 1,
            at=time.time(),
            connection=self.number,
            mail_from=self.sender,
            rcpt=",".join(self.recipients),
            message_id=header(data, b"message-id"),
            subject=header(data, b"subject"),
            sha256=hashlib.sha256(data).hexdigest(),
            size=len(data),
            **kept,
        )

    # ------------------------------------------------------------------ doing as told

    def _act(
        self,
        step: str,
        reply: str,
        effect: Callable[[], object] | None = None,
        recipient: str = "",
    ) -> None:
        """The usual reply and its effect, unless a rule says otherwise."""
        if not recipient and self.recipients:
            recipient = self.recipients[-1]
        rule = None
        if self.script.rules:
            hurried = bool(self.incoming)
            rule = self.script.find(step, recipient, self.carried, hurried=hurried)
        usual = rule is None or rule.accept or not (rule.reply or rule.drop)
        if usual and effect is not None:
            effect()
        if rule is not None:
            self._obey(rule, reply)
        else:
            self._say(reply)

    def _obey(self, rule: Rule, reply: str) -> None:
        if rule.delay:
            self.paused = True
            self._flush()
            self.loop.call_later(rule.delay, self._resume, rule, reply)
        else:
            self._finish(rule, reply)

    def _resume(self, rule: Rule, reply: str) -> None:
        self.paused = False
        if not self.gone:
            self._finish(rule, reply)
            self._pump()

    def _finish(self, rule: Rule, reply: str) -> None:
        if rule.reply:
            self._say(rule.reply)
        elif reply and not rule.drop:
            self._say(reply)
        if rule.drop:
            self._hang_up()

    def _say(self, reply: str) -> None:
        self.outgoing += reply.encode() + b"\r\n"

    def _flush(self, *, at_once: bool = False) -> None:
        if not self.outgoing:
            return
        parcel = bytes(self.outgoing)
        self.outgoing.clear()
        if self.manner.latency and not at_once:
            self.loop.call_later(self.manner.latency, self._write, parcel)
        else:
            self._write(parcel)

    def _write(self, parcel: bytes) -> None:
        if not self.transport.is_closing():
            self.transport.write(parcel)

    def _hang_up(self) -> None:
        self.gone = True
        self._flush()
        self.loop.call_later(self.manner.latency, self.transport.close)

    def _begin_tls(self, context: ssl.SSLContext) -> None:
        self.paused = True
        self.incoming.clear()  # what was said in the clear is not believed
        self.transport.pause_reading()
        self.handshake = self.loop.create_task(self._secure(context))

    async def _secure(self, context: ssl.SSLContext) -> None:
        try:
            self.transport = await self.loop.start_tls(
                self.transport, self, context, server_side=True
            )
        except OSError:
            self.gone = True
            return
        self.secure, self.paused = True, False
        self._pump()

    def _trace(self, line: str) -> None:
        if self.manner.trace is not None:
            self.manner.trace.add(connection=self.number, line=line)


def header(data: bytes, name: bytes) -> str:
    """The value of a header of a message, unfolded and decoded; empty if there is none."""
    head = re.sub(rb"\r\n[ \t]+", b" ", data.partition(b"\r\n\r\n")[0])
    for line in head.split(b"\r\n"):
        key, _, value = line.partition(b":")
        if key.lower() == name:
            text = value.strip().decode("utf-8", "replace")
            return str(email.header.make_header(email.header.decode_header(text)))
    return ""
