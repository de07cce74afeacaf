"""Python's search for circles of values, kept out of work that makes thousands and no circle."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def no_search_for_cycles() -> Iterator[None]:
    """
    Keep Python from looking for cycles in a batch's thousands of values: there are none.

    The search costs a sixth of a sweep and a twelfth of a delivery; what is no longer used is freed
    all the same. Let the values go before this ends, or the next search looks at all of them.
    """
    searching = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if searching:
            gc.enable()
