"""What commands that run long have in common: consoles, errors as JSON, and how they are left.

Progress goes to stderr and results to stdout, so that results can be piped. Where NO_COLOR is set
nothing is styled, for rich alone would leave what is bold: https://no-color.org
"""

import os
import signal
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, Literal

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from dynaurora.errors import DynauroraError

INTERRUPTED: Final = 130
"""The exit code of a program that Ctrl-C has ended, as shells give it."""

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
_FILE_WIDTH: Final = 120
"""Results that go into a file or a pipe are laid out for no terminal."""


def progress_console() -> "Console":
    """For what happens now: on stderr."""
    from rich.console import Console

    return Console(stderr=True, highlight=False, soft_wrap=True, color_system=_color_system())


def result_console() -> "Console":
    """For results: on stdout."""
    from rich.console import Console

    console = Console(highlight=False, color_system=_color_system())
    if not console.is_terminal:
        console.width = _FILE_WIDTH
    return console


def _color_system() -> 'Literal["auto"] | None':
    return None if os.environ.get("NO_COLOR") else "auto"


@contextmanager
def left_once() -> Iterator[None]:
    """The first Ctrl-C or SIGTERM raises ``KeyboardInterrupt``; the next ones are ignored.

    Who presses Ctrl-C again, because stopping takes a moment, must not stop the stopping: a server
    would stay.
    """

    def leave(_number: int, _frame: object) -> None:
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    before = [signal.signal(number, leave) for number in _SIGNALS]
    try:
        yield
    finally:
        for number, handler in zip(_SIGNALS, before, strict=True):
            signal.signal(number, handler)


def plain_table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> "Table":
    """A table without lines, for a terminal or a file; what is long is wrapped, never cut."""
    from rich.markup import escape
    from rich.table import Column, Table

    columns = (Column(head, overflow="fold") for head in heads)
    table = Table(*columns, box=None, padding=(0, 2, 0, 0))
    for row in rows:
        table.add_row(*map(escape, row))
    return table


def error_facts(error: "DynauroraError") -> dict[str, Any]:
    """An error for programs."""
    return {"error": error.facts}


def counted(number: int, word: str) -> str:
    """A number of things for people: 1 change, 1,200 changes."""
    return f"{number:,} {word}{'s'[: number != 1]}"


def duration(seconds: float) -> str:
    """A time for people: 0.07 s, 12.3 s, 3 min 12 s."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 100:
        return f"{seconds:.1f} s"
    return f"{int(seconds // 60)} min {int(seconds % 60):02} s"
