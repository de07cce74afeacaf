"""The same form sent twice, by a double click or by going back: done once, answered alike."""

import hashlib
import json
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock
from typing import Final

from fastapi import Response
from fastapi.responses import RedirectResponse

from web.answer_form import Sent

SEE_OTHER: Final = 303
SESSIONS_KEPT: Final = 4096


def mark_of(address: str, sent: Sent) -> bytes:
    """What tells one sending from another; each page that is shown has a word of its own in it."""
    said = json.dumps([address, sorted(sent.fields.items())])
    digest = hashlib.sha256(said.encode())
    if sent.upload is not None:
        digest.update(sent.upload.data)
    return digest.digest()


@dataclass(slots=True)
class _Sending:
    mark: bytes
    turn: Lock = field(default_factory=Lock)
    led_to: str = ""


class Once:
    """
    The last form that each session sent, and where it led.

    Only the last: who stops messages, lets them leave, goes back and stops them again means it.
    In memory, for this process; what may never be written twice has a key in the record as well.
    """

    def __init__(self) -> None:
        self._last: OrderedDict[int, _Sending] = OrderedDict()
        self._changing = Lock()

    def answer(self, session_id: int, mark: bytes, work: Callable[[], Response]) -> Response:
        """What `work` answers; where it led the first time, if the same comes again."""
        with self._changing:
            sending = self._last.get(session_id)
            if sending is None or sending.mark != mark:
                sending = self._last[session_id] = _Sending(mark)
            self._last.move_to_end(session_id)
            while len(self._last) > SESSIONS_KEPT:
                self._last.popitem(last=False)
        with sending.turn:  # whoever comes second waits for what comes of the first
            if sending.led_to:
                return RedirectResponse(sending.led_to, SEE_OTHER)
            answer = work()
            if answer.status_code == SEE_OTHER and "set-cookie" not in answer.headers:
                sending.led_to = answer.headers["location"]
            return answer
