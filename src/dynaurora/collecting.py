"""When Python looks for garbage that refers to itself, and when it would look for nothing.

What has been made since the last time is looked through again and again while it grows. Imports and
clients make a hundred thousand objects, nearly all of which live as long as their process.
https://docs.python.org/3/library/gc.html
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """Look for none in here."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


@contextmanager
def starting() -> Iterator[None]:
    """Look for none in here, and never again in what is there at the end.

    Without the latter all of it would be looked through right afterwards, which takes nearly as
    long as was saved. To be entered once for each thing that is made once.
    """
    with uncollected():
        yield
        gc.freeze()
