"""`dynaurora check`: what is in the folder, and why something is not in use."""

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from dynaurora.cli.asking import errors_told
from dynaurora.cli.database import (
    engine_at,
    engine_of_database,
    engine_option,
    place_of,
    project_options,
    sqlqueries_option,
)
from dynaurora.cli.output import counted

if TYPE_CHECKING:
    from dynaurora.etl import Engine as LoadEngine
    from dynaurora.plugins.contract import Plugin
    from dynaurora.plugins.inspection import Inspected, Problem
    from dynaurora.sql.engines import Engine

_COLORS: Final = {
    "broken": "red",
    "error": "red",
    "undecided": "magenta",
    "warning": "yellow",
    "ok": "green",
}

_EXAMPLES = """
Examples:

\b
  dynaurora check                      every file, its tables, and what is wrong with it
  dynaurora check orders lines         the plugins of these tables
  dynaurora check --project-dir shop   those of another project
  dynaurora check --database postgresql://localhost/test   and let a server plan them
  dynaurora check --database mysql://localhost/test        which leaves nothing there either
  dynaurora check --json | jq -r '.[] | select(.state == "broken") | .file'
"""


@click.command(epilog=_EXAMPLES)
@click.argument("tables", metavar="[TABLE]...", nargs=-1)
@sqlqueries_option
@engine_option("The engine that they are to run on. Default: that of the database, or postgresql.")
@click.option(
    "--database",
    "url",
    metavar="URL",
    help="Let this database plan every statement; nothing of it stays.",
)
@project_options
@click.option("--json", "is_json", is_flag=True, help="Print JSON, for programs.")
def check(
    *,
    tables: Sequence[str],
    sqlqueries: Path | None,
    engine: "Engine | None",
    url: str | None,
    folder: Path,
    chosen: str,
    is_json: bool,
) -> None:
    """List the plugins, or those of the TABLEs: file, SQL tables, and what is wrong with them.

    Every file is run and verified, without a database. Exits with 1 if a plugin is broken, or
    undecided because it has SQL that only a database can judge; a warning is neither.
    """
    from dynaurora.plugins.inspection import inspect_folder

    with errors_told(is_json=is_json):
        place = place_of(folder, chosen, sqlqueries)
        name = engine_at(place, engine) if url is None else engine_of_database(engine, url)
        plugins = place.sqlqueries
        inspected = _chosen(inspect_folder(plugins, name), tables, plugins)
        if url is not None:
            inspected = _decided(inspected, url)
    if is_json:
        click.echo(json.dumps([_as_json(one) for one in inspected], indent=2))
    else:
        has_color = False if os.environ.get("NO_COLOR") else None  # https://no-color.org
        for line in _as_text(plugins, inspected):
            click.echo(line, color=has_color)
    if any(_state(one) != "ok" for one in inspected):
        raise click.exceptions.Exit(1)


def _chosen(
    inspected: "Sequence[Inspected]", tables: Sequence[str], folder: Path
) -> "Sequence[Inspected]":
    """The plugins of these tables, or all. The others were read, too: two may make one SQL table.

    Raises ``ProjectError`` for a table that has no file.
    """
    from dynaurora.errors import ProjectError
    from dynaurora.plugins.declarations import suggestion

    known = {one.table for one in inspected}
    for table in tables:
        if table not in known:
            raise ProjectError(
                f"table {table}",
                f"it has no plugin{suggestion(table, sorted(known))}",
                f"{table}.py in {folder}",
                "`dynaurora check` lists those that are there.",
            )
    return [one for one in inspected if not tables or one.table in tables]


def _decided(inspected: "Sequence[Inspected]", url: str) -> "Sequence[Inspected]":
    """With the word of a database: what it finds, in the place of what was undecided."""
    from dynaurora.adapters.database import Database
    from dynaurora.settings import DatabaseSettings

    schema = os.environ.get("DYNAURORA_SCHEMA") or "dynaurora"
    database = Database(DatabaseSettings(url=url, secret_arn="", schema=schema))
    try:
        with database.session() as engine:
            return [
                _planned(one, database.engine, engine) if one.is_ok else one for one in inspected
            ]
    finally:
        database.close()


def _planned(one: "Inspected", name: "Engine", engine: "LoadEngine") -> "Inspected":
    from dynaurora.planning import alterations, misfits, problems
    from dynaurora.plugins.loading import read_plugin

    reading = read_plugin(one.path, one.table, name)
    given = (engine.connection, engine.dialect, engine.queries, reading)
    refused = problems(*given)
    found = [
        *refused,
        *([] if refused else misfits(*given)),
        *alterations(engine.connection, reading.plugin),
        *_unmapped(reading.plugin, engine),
    ]
    kept = [problem for problem in one.problems if not problem.is_undecided]
    return replace(one, problems=(*kept, *found))


def _unmapped(plugin: "Plugin", engine: "LoadEngine") -> "Iterator[Problem]":
    """Attributes that loads have met and that no column of the plugin reads."""
    from dynaurora.operations.unmapped import unmapped_by
    from dynaurora.plugins.inspection import Problem

    for each in unmapped_by(engine, plugin.table, plugin):
        what = (
            f'attribute "{each["attribute"]}"' if each["attribute"] else "items that no Table takes"
        )
        message = f"{what}: in {counted(each['changes'], 'change')}, and in no column"
        remedy = "Add a column for it, or leave it: the archive has it."
        yield Problem(str(plugin.path), message, remedy, is_error=False)


def _as_json(one: "Inspected") -> dict[str, Any]:
    return {
        "table": one.table,
        "file": str(one.path),
        "state": _state(one),
        "digest": one.digest,
        "sql_tables": list(one.sql_tables),
        "is_row_wise": one.is_row_wise,
        "relations": list(one.relations),
        "problems": [problem.facts for problem in one.problems],
    }


def _as_text(folder: Path, inspected: "Sequence[Inspected]") -> Iterator[str]:
    if not inspected:
        yield f"No plugins in {folder}. A plugin is one Python file, named after its table."
        return
    rows = [(one.table, str(one.path), _tables(one)) for one in inspected]
    heads = ("TABLE", "FILE", "SQL TABLES")
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    yield click.style(_cells(heads, widths) + "  STATE", bold=True)
    for one, row in zip(inspected, rows, strict=True):
        yield f"{_cells(row, widths)}  {_told_state(one)}"
        for problem in one.problems:
            yield click.style(f"  {problem}", fg=_COLORS[problem.kind])
    yield _summary(inspected)


def _cells(row: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True))


def _tables(one: "Inspected") -> str:
    """The first SQL table, and how many more there are."""
    first, more = one.sql_tables[:1], len(one.sql_tables) - 1
    return "".join(first) + (f" and {more} more" if more > 0 else "")


def _state(one: "Inspected") -> str:
    if not one.is_ok:
        return "broken"
    return "undecided" if one.is_undecided else "ok"


def _told_state(one: "Inspected") -> str:
    state = _state(one)
    more = "" if one.is_row_wise or state != "ok" else ", one load at a time"
    return click.style(state, fg=_COLORS[state]) + more


def _summary(inspected: "Sequence[Inspected]") -> str:
    states = [_state(one) for one in inspected]
    kinds = [problem.kind for one in inspected for problem in one.problems]
    undecided, warnings = states.count("undecided"), kinds.count("warning")
    told = f"{counted(len(inspected), 'plugin')}, {states.count('broken')} broken"
    told += f", {undecided} undecided" if undecided else ""
    return told + (f", {counted(warnings, 'warning')}" if warnings else "")
