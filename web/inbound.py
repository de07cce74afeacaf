"""Where a gateway posts the texts that people send back: signed, once, and answered by nothing."""

import hashlib
import hmac
import json
import logging
import time
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qs

from fastapi import FastAPI, Request, Response
from starlette.concurrency import run_in_threadpool

from config.settings import TextsPart
from config.wiring import Services
from notifications.phone import same_number
from web.answer_limits import Guesses, client_of
from workflows.heard_texts import HeardText, take_text

log = logging.getLogger("alkawari.texts")

LONGEST_BODY: Final = 16_384
SKEW_S: Final = 300
MOST_FIELDS: Final = 100
LONGEST_ID: Final = 120

DONE, UNFIT, UNSIGNED, TOO_MUCH, TOO_OFTEN = 204, 400, 401, 413, 429

PER_SENDER: Final = 30
"""Texts of one number in ten minutes; a gateway passes the others on again later."""


def add_inbound(app: FastAPI, services: Services) -> None:
    """`POST /in/sms`, if there is a secret to know the gateway by."""
    if not services.settings.texts.secret:
        return
    door = _Door(services)

    @app.post("/in/sms")
    async def text(request: Request) -> Response:
        return Response(status_code=await door.take(request))


class _Door:
    def __init__(self, services: Services) -> None:
        self._services, self._part = services, services.settings.texts
        self._unsigned = Guesses()
        self._senders = Guesses(per_client=PER_SENDER, for_all=PER_SENDER**2)

    async def take(self, request: Request) -> int:
        """The status that answers a request."""
        body = await _read(request)
        if body is None:
            return TOO_MUCH
        peer = request.client.host if request.client else ""
        client = client_of(peer, request.headers.get("x-forwarded-for", ""))
        at = request.headers.get("x-timestamp", "")
        if not self._signed(body, at, request.headers.get("x-signature", "")):
            if self._unsigned.wait_s(client):
                return TOO_OFTEN
            self._unsigned.missed(client)
            log.warning("a text was posted without a valid signature; it was not taken")
            return UNSIGNED
        heard = heard_in(self._part, body, request.headers.get("content-type", ""), at)
        if heard is None:
            log.warning("a gateway's text lacks sender or words; see the settings texts.*_field")
            return UNFIT
        if self._senders.wait_s(heard.sender):
            return TOO_OFTEN
        self._senders.missed(heard.sender)
        await run_in_threadpool(take_text, self._services, heard, self._services.clock.now())
        return DONE

    def _signed(self, body: bytes, at: str, given: str) -> bool:
        """Signed by who knows the secret, within five minutes of the real time."""
        if not (at.isascii() and at.isdecimal() and abs(time.time() - int(at[:12])) <= SKEW_S):
            return False
        known = given.strip().lower().removeprefix("sha256=").encode("ascii", "replace")
        fits = [
            hmac.compare_digest(signature.encode(), known)
            for signature in signatures(self._part.secret, body, at)
        ]
        return any(fits)


def signatures(secret: str, body: bytes, at: str) -> tuple[str, str]:
    """
    The two ways in which gateways sign, as hexadecimal HMAC-SHA256.

    Over `timestamp.body`, and over the body with the timestamp behind it, as an Android telephone
    with the app SMS Gateway does.
    """
    stamp = at.encode()

    def over(data: bytes) -> str:
        return hmac.new(secret.encode(), data, hashlib.sha256).hexdigest()

    return over(stamp + b"." + body), over(body + stamp)


def heard_in(part: TextsPart, body: bytes, content_type: str, at: str) -> HeardText | None:
    """The text in what was posted; None if sender or words are missing."""
    fields = _fields(body, content_type)
    sender, words = _field(fields, part.from_field), _field(fields, part.text_field)
    if not sender or not words or not same_number(sender):
        return None
    mark = _field(fields, part.id_field)[:LONGEST_ID]
    if not mark:
        # A gateway without ids: the same words of the same number on one day are one text. The day
        # is that of the signature, so that a copy of the request is known whenever it comes.
        day = str(int(at) // 86_400)
        mark = hashlib.sha256(f"{sender}\n{day}\n{words}".encode()).hexdigest()[:40]
    return HeardText(sender=same_number(sender), text=words, key=f"sms:{mark}")


def _fields(body: bytes, content_type: str) -> Mapping[str, Any]:
    try:
        if "json" in content_type.lower() or body.lstrip()[:1] == b"{":
            found = json.loads(body)
            return found if isinstance(found, dict) else {}
        given = parse_qs(body.decode(), max_num_fields=MOST_FIELDS)
    except (ValueError, RecursionError):
        return {}
    return {name: values[0] for name, values in given.items()}


def _field(fields: Mapping[str, Any], path: str) -> str:
    """A field by its name, or inside of others by a path with dots."""
    found: Any = fields
    for name in path.split("."):
        found = found.get(name) if isinstance(found, Mapping) else None
    return str(found).strip() if isinstance(found, str | int) else ""


async def _read(request: Request) -> bytes | None:
    """The body, as far as it is allowed to be; None if it is longer."""
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > LONGEST_BODY:
            return None
    return bytes(body)
