"""`dynaurora demo`: draws what the demo tells, prints its results, and says where everything is."""

import json
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from dynaurora.cli.database import engine_option
from dynaurora.cli.output import (
    INTERRUPTED,
    duration,
    error_facts,
    left_once,
    progress_console,
    result_console,
)

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from dynaurora.demo.comparison import TableComparison
    from dynaurora.demo.road import Outcome, QueryResult, Scale
    from dynaurora.sql.engines import Engine

_EXAMPLES = """
Examples:

\b
  dynaurora demo                  January 2013, 34,000 items
  dynaurora demo --all            the whole year, 368,000 items; this takes minutes
  dynaurora demo --engine mysql   into MariaDB instead of PostgreSQL
  dynaurora demo --stay           look around afterwards, in SQL and with the AWS command line
  dynaurora demo --json | jq .latency_s
"""

_SHOWN_ROWS: Final = 10
_SHOWN_DIFFERENCES: Final = 10


@click.command(epilog=_EXAMPLES)
@click.option("--all", "is_whole_year", is_flag=True, help="All 336,776 flights of the year.")
@click.option("--json", "is_json", is_flag=True, help="Print one JSON object instead of tables.")
@click.option("--stay", "is_staying", is_flag=True, help="Keep running afterwards, until Ctrl-C.")
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Keep everything in this folder; `dynaurora dev --data DIR` goes on with it.",
)
@engine_option(
    "What stands for Aurora: PostgreSQL, or MariaDB for mysql. Default: that of the folder that is "
    "kept, or postgresql."
)
@click.option("--limit", type=click.IntRange(min=1), hidden=True)
def demo(
    *,
    is_whole_year: bool,
    is_json: bool,
    is_staying: bool,
    data: Path | None,
    engine: "Engine | None",
    limit: int | None,
) -> None:
    """Carry real data through the whole pipeline, on this machine.

    Starts an emulator of AWS and a database, deploys the same stacks as on AWS, and writes the
    flights from New York in 2013, their airlines, airports, planes, fleets and weather, and the
    countries of the world to DynamoDB. When they have arrived, it updates and deletes some,
    compares every item with its row, and asks the plugins' queries. Exits with 1 if anything
    differs.
    """
    from dynaurora.demo.road import Scale
    from dynaurora.errors import DynauroraError

    scale = Scale(is_whole_year=is_whole_year, limit=limit)
    try:
        with left_once():
            is_equal = _run(scale, data, engine, is_json=is_json, is_staying=is_staying)
    except KeyboardInterrupt:
        click.echo("Interrupted; both servers are stopped.", err=True)
        raise click.exceptions.Exit(INTERRUPTED) from None
    except DynauroraError as error:
        if is_json:
            click.echo(json.dumps(error_facts(error)))
        raise
    if not is_equal:
        raise click.exceptions.Exit(1)


def project_root() -> Path:
    """The project that brings the demo's plugins: the one that this package is part of."""
    import dynaurora
    from dynaurora.deploy.project import find_root
    from dynaurora.deploy.settings_file import FILE

    own = Path(dynaurora.__file__).parents[2]
    return own if (own / FILE).is_file() else find_root(Path())


def _run(
    scale: "Scale",
    data: Path | None,
    engine: "Engine | None",
    *,
    is_json: bool,
    is_staying: bool,
) -> bool:
    from dynaurora.cli.demo_progress import demo_progress
    from dynaurora.cli.this_machine import local_project, tell_where
    from dynaurora.demo.road import run_demo
    from dynaurora.local.machine import LocalMachine

    begin = time.monotonic()
    with ExitStack() as stack:
        with demo_progress() as progress:
            progress.begin("Start MiniStack, which stands for AWS, and a database, for Aurora")
            machine = stack.enter_context(LocalMachine(data, engine=engine))
            progress.end()
            project = local_project(project_root(), machine)
            outcome = run_demo(machine, project, scale, progress.tell)
        seconds = time.monotonic() - begin
        if is_json:
            click.echo(json.dumps(as_json(outcome, seconds)))
        else:
            _print(outcome, seconds)
        if is_staying:
            tell_where(progress_console(), machine, project)
            _stay()
    if not is_json:
        _say_what_is_left(data, is_staying=is_staying)
    return outcome.is_equal


def _stay() -> None:
    """Wait for Ctrl-C, which here is the ordinary end."""
    click.echo("Ctrl-C stops both servers.", err=True)
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        click.echo("Stopping.", err=True)


def _say_what_is_left(data: Path | None, *, is_staying: bool) -> None:
    if data is not None:
        told = f"It is kept in {data}: `dynaurora dev --data {data}` goes on with it."
    elif is_staying:
        return
    else:
        told = (
            "Both servers are stopped and their data is gone. To look around: "
            "`dynaurora demo --stay`. To work on a plugin: `dynaurora dev`."
        )
    click.echo(told, err=True)


# --- results ------------------------------------------------------------------------------------


def as_json(outcome: "Outcome", seconds: float) -> dict[str, Any]:
    """The outcome for programs."""
    return {
        "equal": outcome.is_equal,
        "seconds": round(seconds, 3),
        "items": sum(table.items for table in outcome.tables),
        "rows": sum(table.rows for table in outcome.tables),
        "child_rows": sum(table.child_rows for table in outcome.tables),
        "changes": outcome.changes,
        "latency_s": {
            "p50": round(outcome.latency.p50, 4),
            "p99": round(outcome.latency.p99, 4),
            "changes": len(outcome.latency.seconds),
        },
        "phases_s": {phase: round(took, 3) for phase, took in outcome.seconds.items()},
        "tables": {table.table: _table_json(table, outcome) for table in outcome.tables},
    }


def _table_json(table: "TableComparison", outcome: "Outcome") -> dict[str, Any]:
    return {
        "items": table.items,
        "rows": table.rows,
        "child_rows": table.child_rows,
        "different": table.different,
        "differences": [str(found) for found in table.differences],
        "quarantined": sum(outcome.quarantined.get(table.table, {}).values()),
    }


def _print(outcome: "Outcome", seconds: float) -> None:
    console = result_console()
    _print_queries(console, outcome.queries)
    console.print(_comparison(outcome))
    for line in _differences(outcome):
        console.print(line, style="red", markup=False)
    console.print(_verdict(outcome, seconds))


def _print_queries(console: "Console", results: Sequence["QueryResult"]) -> None:
    """Beside each other as far as the terminal is wide; those of one plugin together."""
    from rich.columns import Columns
    from rich.text import Text

    for table, found in groupby(results, key=lambda result: result.table):
        console.print(Text(f"sqlqueries/{table}.py", style="bold cyan"))
        console.print(Columns([_as_table(result) for result in found], padding=(0, 3)))


def _as_table(result: "QueryResult") -> "Table":
    from dynaurora.cli.query import as_table

    table = as_table(result.name, result.columns, result.rows[:_SHOWN_ROWS])
    more = len(result.rows) - _SHOWN_ROWS
    if more > 0:
        table.caption = f"and {more:,} more"
        table.caption_justify = "left"
    return table


def _comparison(outcome: "Outcome") -> "Table":
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(
        title="Every item and its row", title_justify="left", title_style="bold", box=box.SIMPLE
    )
    for name in ("table", "items", "rows", "rows inside items", "different", ""):
        table.add_column(name, justify="left" if name in ("table", "") else "right")
    for found in outcome.tables:
        waiting = sum(outcome.quarantined.get(found.table, {}).values())
        told = "equal" if found.is_equal else "DIFFERENT"
        table.add_row(
            found.table,
            f"{found.items:,}",
            f"{found.rows:,}",
            f"{found.child_rows:,}" if found.child_rows else "",
            f"{found.different:,}",
            Text(
                told + (f", {waiting:,} in quarantine" if waiting else ""),
                style="green" if found.is_equal else "red",
            ),
        )
    return table


def _differences(outcome: "Outcome") -> Iterator[str]:
    for table in outcome.tables:
        yield from (f"  {found}" for found in table.differences[:_SHOWN_DIFFERENCES])
        if table.different > _SHOWN_DIFFERENCES:
            yield f"  and {table.different - _SHOWN_DIFFERENCES:,} more of {table.table}"


def _verdict(outcome: "Outcome", seconds: float) -> str:
    items = sum(table.items for table in outcome.tables)
    inside = sum(table.child_rows for table in outcome.tables)
    equal = "equals its row" if outcome.is_equal else "should equal its row; some do not"
    latency = outcome.latency
    return (
        f"{items:,} items, {outcome.changes:,} changes afterwards: each item {equal}, "
        f"with {inside:,} rows inside items.\n"
        f"A single change is a row after {duration(latency.p50)} (p50) or "
        f"{duration(latency.p99)} (p99, of {len(latency.seconds)}).\n"
        f"{duration(seconds)} in all."
    )
