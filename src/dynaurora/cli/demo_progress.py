"""The demo as it goes: two bars per table on a terminal, a line per phase elsewhere."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from dynaurora.cli.output import duration, progress_console
from dynaurora.demo.road import Done, HasArrived, Phase, PhaseBegun, PhaseEnded, Progress

_TITLES: Final[Mapping[Phase, str]] = {
    "deploy": "Deploy the stacks: buckets, queue, Lambdas, Firehose streams",
    "load": "Write items to DynamoDB, which arrive in the database",
    "wave": "Update, delete and insert, also many times the same item",
    "latency": "Make single changes, each when the one before is a row",
    "compare": "Compare every item with its row, by value",
    "query": "Ask the queries of the plugins",
}
_BAR: Final = 24
_LINE_EVERY_S: Final = 10.0


class DemoProgress:
    """Shows what is told to it."""

    def __init__(self, console: Console, live: Live) -> None:
        self._console = console
        self._live = live
        self._title = ""
        self._begin = 0.0
        self._sizes: Mapping[str, int] = {}
        self._done: dict[str, int] = {}
        self._arrived: dict[str, int] = {}
        self._has_two = False
        self._next_line = 0.0

    def begin(self, title: str) -> None:
        """A step begins that says nothing until it ends."""
        self._title, self._sizes, self._begin = title, {}, time.monotonic()
        self._show()

    def end(self) -> None:
        """The step is over."""
        seconds = time.monotonic() - self._begin
        told = f"{self._title}{self._total(is_over=True)}"
        self._console.print(
            Text.assemble(("✓ ", "green"), told, (f"  {duration(seconds)}", "dim")), soft_wrap=True
        )
        self._title = ""
        self._show()

    def tell(self, progress: Progress) -> None:
        match progress:
            case PhaseBegun(phase=phase, sizes=sizes):
                self._done, self._arrived = {}, {}
                self.begin(_TITLES[phase])
                self._sizes = sizes
                self._has_two = phase in ("load", "wave")
                self._next_line = time.monotonic() + _LINE_EVERY_S
            case PhaseEnded():
                self.end()
            case Done(table=table, count=count):
                self._done[table] = self._done.get(table, 0) + count
            case HasArrived(counts=counts):
                self._arrived.update(counts)
            case _:
                return
        self._line()

    def __rich__(self) -> RenderableType:
        if not self._title:
            return Text()
        title = Spinner("dots", Text(f"{self._title}{self._total()}"), style="cyan")
        return Group(title, self._table()) if self._sizes else title

    def _show(self) -> None:
        if self._console.is_terminal:
            self._live.update(self, refresh=True)

    def _line(self) -> None:
        """Where nobody watches, a line now and then says that it goes on."""
        now = time.monotonic()
        if self._console.is_terminal or now < self._next_line:
            return
        self._next_line = now + _LINE_EVERY_S
        counts = f"{sum(self._done.values()):,} of {sum(self._sizes.values()):,} done"
        if self._has_two:
            counts += f", {sum(self._arrived.values()):,} arrived"
        self._console.print(f"  {counts}")

    def _table(self) -> Table:
        table = Table.grid(padding=(0, 1))
        for is_number in (False, True, False, True, False, False):
            table.add_column(justify="right" if is_number else "left")
        if self._has_two:
            table.add_row("", Text("DynamoDB", "dim"), "", Text("PostgreSQL", "dim"))
        for name, size in self._sizes.items():
            table.add_row(*self._row(name, size))
        return table

    def _row(self, name: str, size: int) -> Iterator[RenderableType]:
        counts = (self._done, self._arrived) if self._has_two else (self._done,)
        yield f"  {name}"
        for found in counts:
            count = found.get(name, 0)
            yield f"{count:,}"
            yield ProgressBar(total=max(size, 1), completed=count, width=_BAR)
        yield f"of {size:,}"

    def _total(self, *, is_over: bool = False) -> str:
        """How many there are, and when the last will have arrived."""
        size = sum(self._sizes.values())
        if not size:
            return ""
        arrived = self._arrived if self._has_two else self._done
        done = sum(arrived.values())
        seconds = time.monotonic() - self._begin
        if not done or seconds < 1:
            return f"  {done:,} of {size:,}"
        told = f"  {done:,} of {size:,}, {done / seconds:,.0f} a second"
        left = (size - done) * seconds / done
        return f"{told}, {duration(left)} to go" if left > 1 and not is_over else told


@contextmanager
def demo_progress() -> Iterator[DemoProgress]:
    """On stderr, so that stdout holds the results alone."""
    console = progress_console()
    with Live(console=console, transient=True, auto_refresh=console.is_terminal) as live:
        yield DemoProgress(console, live)
