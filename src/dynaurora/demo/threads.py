"""Doing the same to many things, several at a time, without having all of them in memory."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

_Input = TypeVar("_Input")
_Output = TypeVar("_Output")


def each(
    work: Callable[[_Input], _Output], inputs: Iterable[_Input], *, at_once: int
) -> Iterator[_Output]:
    """The output for each input, in order. An error, or a Ctrl-C, leaves what waits undone."""
    waiting: deque[Future[_Output]] = deque()
    pool = ThreadPoolExecutor(at_once, thread_name_prefix=getattr(work, "__name__", "work"))
    try:
        for one in inputs:
            waiting.append(pool.submit(work, one))
            if len(waiting) >= 2 * at_once:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
