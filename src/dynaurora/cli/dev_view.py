"""`dynaurora dev` as it goes: news scroll up, and below them a line per table; or lines alone."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from dynaurora.cli.output import counted
from dynaurora.dev.arrivals import Arrived, Parked
from dynaurora.dev.development import Awaited, Connected, Failed, News, Unplugged
from dynaurora.dev.plugins import PluginNews

_CHANGES_EVERY_S: Final = 1.0
"""Where there is no terminal, changes of a table are told at most so often."""

_DRAWN_EVERY_S: Final = 1.0
"""How old a change is, is counted in seconds."""

_SHOWN_TABLES: Final = 2
"""SQL tables of a plugin."""

_FLOWS: Final = "flows"


@dataclass(slots=True)
class _Line:
    """What is known of a table."""

    state: str = ""
    style: str = "dim"
    is_connected: bool = False
    items: int = 0
    puts: int = 0
    deletes: int = 0
    quarantined: int = 0
    arrived_at: float | None = None
    untold_puts: int = 0
    untold_deletes: int = 0
    told_at: float = 0.0


class DevView:
    """Shows what is told to it."""

    def __init__(self, console: Console, live: Live | None) -> None:
        self._console = console
        self._live = live
        self._lines: dict[str, _Line] = {}
        self._is_changed = True
        self._drawn_at = 0.0

    def say(self, told: str) -> None:
        """Show something that is about no table."""
        self._console.print(Text.assemble((time.strftime("%H:%M:%S"), "dim"), f"  {told}"))
        self.refresh()

    def tell(self, news: News) -> None:
        """Show the news."""
        self._is_changed = True
        match news:
            case Arrived():
                self._arrived(news)
            case PluginNews():
                self._plugin(news)
            case Awaited(table=table):
                told = "waits for a DynamoDB table of this name"
                self._say(table, told, "yellow", state="no DynamoDB table yet")
            case Unplugged(table=table):
                told = f"has no plugin; this writes one: dynaurora new {table} --local"
                self._say(table, told, "yellow", state="no plugin")
            case Connected():
                self._connected(news)
            case Failed(table=table, error=error):
                self._say(table, str(error), "red", state="failed, see above")
            case Parked(table=table, reason=""):
                self._say(table, "what waited is being loaded", "green", state=_FLOWS)
            case Parked(table=table, reason=reason):
                told = f"its changes wait in S3: {reason}"
                self._say(table, told, "red", state="waits, see above")

    def refresh(self, *, is_last: bool = False) -> None:
        """Show the time as it is, and tell the changes that were held back."""
        now = time.monotonic()
        if self._live is not None:
            if self._is_changed or now - self._drawn_at >= _DRAWN_EVERY_S:
                self._is_changed, self._drawn_at = False, now
                self._live.update(self._table(), refresh=True)
            return
        for table, line in self._lines.items():
            is_due = is_last or now - line.told_at >= _CHANGES_EVERY_S
            if is_due and (line.untold_puts or line.untold_deletes):
                self._tell_changes(table, line)

    def _line(self, table: str) -> _Line:
        return self._lines.setdefault(table, _Line())

    def _arrived(self, news: Arrived) -> None:
        line = self._line(news.table)
        line.items, line.quarantined = news.items, news.quarantined
        line.puts += news.puts
        line.deletes += news.deletes
        line.untold_puts += news.puts
        line.untold_deletes += news.deletes
        line.arrived_at = time.monotonic()

    def _tell_changes(self, table: str, line: _Line) -> None:
        counts = _changes(line.untold_puts, line.untold_deletes)
        quarantined = f", {line.quarantined:,} in quarantine" if line.quarantined else ""
        line.told_at, line.untold_puts, line.untold_deletes = time.monotonic(), 0, 0
        self._print(table, f"{counts} arrived; {counted(line.items, 'item')}{quarantined}", "")

    def _plugin(self, news: PluginNews) -> None:
        plugin = news.plugin
        where = _near(plugin.path)
        for problem in plugin.problems:
            if not problem.is_error:
                self._print(plugin.table, str(problem), "yellow")
        match news.what:
            case "found" | "changed":
                tables = _tables(plugin.sql_tables) or "tables of its own SQL"
                word = "mended" if news.was_broken else news.what
                line = self._line(plugin.table)
                state = _FLOWS if line.is_connected else ""
                self._say(plugin.table, f"plugin {word}: {where} ─► {tables}", "green", state=state)
            case "broken":
                for problem in plugin.problems:
                    if problem.is_error:
                        self._say(plugin.table, f"broken: {problem}", "red", state="broken plugin")
                told = "the other tables go on; its changes wait until the plugin is mended"
                self._print(plugin.table, told, "dim")
            case "gone":
                told = f"plugin gone: {where}. Its SQL tables stay; new changes wait in S3"
                self._say(plugin.table, told, "yellow", state="no plugin")

    def _connected(self, news: Connected) -> None:
        told = "connected"
        if news.is_stream_enabled:
            told += "; its stream was off and is on now"
        if news.filled:
            told += f"; {counted(news.filled, 'earlier item')} on the way"
        self._line(news.table).is_connected = True
        self._say(news.table, told, "green", state=_FLOWS)

    def _say(self, table: str, told: str, style: str, *, state: str = "") -> None:
        if state:
            line = self._line(table)
            line.state, line.style = state, style
        self._print(table, told, style)

    def _print(self, table: str, told: str, style: str) -> None:
        now = time.strftime("%H:%M:%S")
        self._console.print(
            Text.assemble((now, "dim"), "  ", (table, "bold"), "  ", (told, style)), soft_wrap=True
        )

    def _table(self) -> Table:
        table = Table(box=None, padding=(0, 2), header_style="dim", pad_edge=False)
        for name in ("table", "", "items", "changes", "quarantine", "last"):
            is_text = name in ("table", "", "last")
            table.add_column(name, justify="left" if is_text else "right", no_wrap=True)
        for name, line in sorted(self._lines.items()):
            table.add_row(
                Text(name, "bold"),
                Text(line.state, line.style),
                f"{line.items:,}",
                f"{line.puts + line.deletes:,}",
                Text(f"{line.quarantined:,}", "red" if line.quarantined else "dim"),
                _ago(line.arrived_at),
            )
        table.add_row(Text("Ctrl-C stops", "dim"))
        return table


def _near(path: Path) -> Path:
    """As one would type it here."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def _tables(names: Sequence[str]) -> str:
    """The first few, and how many more there are: a line of a terminal has no room for all."""
    more = len(names) - _SHOWN_TABLES
    return ", ".join(names[:_SHOWN_TABLES]) + (f" and {more} more" if more > 0 else "")


def _changes(puts: int, deletes: int) -> str:
    """3 changes (1 delete)"""
    if not deletes:
        return counted(puts, "change")
    return f"{counted(puts + deletes, 'change')} ({counted(deletes, 'delete')})"


def _ago(moment: float | None) -> str:
    if moment is None:
        return ""
    seconds = int(time.monotonic() - moment)
    if seconds < 1:
        return "now"
    return f"{seconds} s ago" if seconds < 120 else f"{seconds // 60} min ago"


@contextmanager
def dev_view(console: Console) -> Iterator[DevView]:
    """On a terminal with a line per table that stays below; else lines alone."""
    if not console.is_terminal:
        yield DevView(console, None)
        return
    with Live(console=console, transient=True, auto_refresh=False) as live:
        yield DevView(console, live)
