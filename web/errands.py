"""What takes too long for one page: done in the background, one at a time, kept for a while."""

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any, Final

from engine.errors import EngineError
from engine.traces import trace_of
from web.face import FAILED, SLOW, Refused

log = logging.getLogger("alkawari.web")

MOST_WAITING: Final = 8
"""So many errands may wait for their turn; who asks for one more is told to come back."""

KEPT: Final = 24


@dataclass(slots=True)
class Errand:
    """Something that is being worked out; `at` is when it was asked for, on the machine's clock."""

    at: float
    done: threading.Event = field(default_factory=threading.Event)
    value: Any = None
    error: EngineError | None = None
    failed: bool = False

    def result(self) -> Any:  # noqa: ANN401 - whatever was worked out
        """What came of it. The EngineError that it ended with, or a page that says it failed."""
        if self.error is not None:
            raise self.error
        if self.failed:
            raise Refused(FAILED)
        return self.value


class Errands:
    """One at a time, so that they never take more than one core from the rest of the program."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._known: OrderedDict[Hashable, Errand] = OrderedDict()
        self._changing, self._working = threading.Lock(), threading.Lock()

    def ask(
        self, key: Hashable, work: Callable[[], Any], *, keep_s: float, patience_s: float = 1.0
    ) -> Errand:
        """
        The errand of that key: a new one, or one that is under way or not older than `keep_s`.

        Waits a moment for its end, so that a short one is done when the page is shown.
        """
        with self._changing:
            found = self._known.get(key)
            if found is None or (found.done.is_set() and found.at + keep_s < self._clock()):
                found = self._begin(key, work)
        found.done.wait(patience_s)
        return found

    def find(self, key: Hashable) -> Errand | None:
        """The errand of that key, if it is still kept."""
        with self._changing:
            return self._known.get(key)

    def _begin(self, key: Hashable, work: Callable[[], Any]) -> Errand:
        waiting = sum(not errand.done.is_set() for errand in self._known.values())
        if waiting >= MOST_WAITING:
            raise Refused(SLOW)
        errand = self._known[key] = Errand(self._clock())
        self._known.move_to_end(key)
        for old in [k for k, e in self._known.items() if e.done.is_set()][: -KEPT or None]:
            del self._known[old]
        # A daemon: the program ends without waiting for figures that nobody will look at.
        threading.Thread(target=self._work, args=(errand, work), name="errand", daemon=True).start()
        return errand

    def _work(self, errand: Errand, work: Callable[[], Any]) -> None:
        try:
            with self._working:
                errand.value = work()
        except EngineError as error:
            errand.error = error
        except Exception as error:
            log.error("an errand failed (%s)", trace_of(error))  # noqa: TRY400 - names
            log.debug("what was not foreseen:", exc_info=error)
            errand.failed = True
        finally:
            errand.at = self._clock()
            errand.done.set()
