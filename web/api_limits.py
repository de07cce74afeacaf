"""How much and how often: the length of a body, and the requests of one key in a minute."""

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from web.api_problems import Problem, problem

LONGEST_BODY: Final = 128 * 1024
LONGEST_PLAN: Final = 20 * 1024 * 1024
KEPT: Final = 4096
MINUTE_S: Final = 60.0


class Budget:
    """
    A budget that fills again evenly, for each name; in memory, and bounded.

    A whole minute's worth may be used at once, and then as much as comes back.
    """

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._most, self._clock = float(per_minute), clock
        self._of: OrderedDict[object, tuple[float, float]] = OrderedDict()
        self._changing = threading.Lock()

    def spend(self, name: object) -> int:
        """Take one; 0, or for how many seconds there is none."""
        now = self._clock()
        with self._changing:
            left, at = self._of.pop(name, (self._most, now))
            left = min(self._most, left + (now - at) * self._most / MINUTE_S)
            spent = left >= 1
            self._of[name] = (left - 1 if spent else left, now)
            while len(self._of) > KEPT:
                self._of.popitem(last=False)
        return 0 if spent else max(1, math.ceil((1 - left) * MINUTE_S / self._most))


class BodyLimit:
    """Reads no more of a body than is allowed, whatever its length was said to be."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        known = any(name == b"authorization" for name, _value in scope["headers"])
        plan = known and scope["path"].endswith("/import")
        most = LONGEST_PLAN if plan else LONGEST_BODY
        body, more = bytearray(), True
        while more:
            message = await receive()
            if message["type"] != "http.request":
                return  # whoever asked has gone
            body += message.get("body", b"")
            more = message.get("more_body", False)
            if len(body) > most:
                said = f"The body is longer than {most // 1024} KB; send it in parts."
                await problem(Problem(413, said))(scope, receive, send)
                return
        read = False

        async def replay() -> Message:
            nonlocal read
            if read:
                return await receive()
            read = True
            return {"type": "http.request", "body": bytes(body), "more_body": False}

        await self._app(scope, replay, send)
