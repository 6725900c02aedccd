"""`dynaurora check`: what is in the folder, and why something is not in use."""

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from dynaurora.plugins.contract import Engine
    from dynaurora.plugins.inspection import Inspected

_EXAMPLES = """
Examples:

\b
  dynaurora check                      every file, its tables, and what is wrong with it
  dynaurora check orders lines         the plugins of these tables
  dynaurora check --sqlqueries other   those of another folder
  dynaurora check --json | jq -r '.[] | select(.state == "broken") | .file'
"""


@click.command(epilog=_EXAMPLES)
@click.argument("tables", metavar="[TABLE]...", nargs=-1)
@click.option(
    "--sqlqueries",
    "folder",
    type=click.Path(path_type=Path),
    envvar="DYNAURORA_SQLQUERIES",
    default=Path("sqlqueries"),
    show_default=True,
    show_envvar=True,
    help="The folder of the plugins, one file per table.",
)
@click.option(
    "--engine",
    type=click.Choice(["postgresql", "mysql"]),
    default="postgresql",
    show_default=True,
    help="The engine that they are to run on.",
)
@click.option("--json", "is_json", is_flag=True, help="Print JSON, for programs.")
def check(tables: Sequence[str], folder: Path, engine: "Engine", *, is_json: bool) -> None:
    """List the plugins, or those of the TABLEs: file, SQL tables, and what is wrong with them.

    Every file is run and verified, without a database. Exits with 1 if a plugin is broken; a
    warning is none.
    """
    from dynaurora.plugins.inspection import inspect_folder

    inspected = _chosen(inspect_folder(folder, engine), tables, folder)
    if is_json:
        click.echo(json.dumps([_as_json(one) for one in inspected], indent=2))
    else:
        has_color = False if os.environ.get("NO_COLOR") else None  # https://no-color.org
        for line in _as_text(folder, inspected):
            click.echo(line, color=has_color)
    if not all(one.is_ok for one in inspected):
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


def _as_json(one: "Inspected") -> dict[str, Any]:
    return {
        "table": one.table,
        "file": str(one.path),
        "state": "ok" if one.is_ok else "broken",
        "digest": one.digest,
        "sql_tables": list(one.sql_tables),
        "is_row_wise": one.is_row_wise,
        "relations": list(one.relations),
        "problems": [
            {
                "where": problem.where,
                "message": problem.message,
                "remedy": problem.remedy,
                "is_error": problem.is_error,
            }
            for problem in one.problems
        ],
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
        yield f"{_cells(row, widths)}  {_state(one)}"
        for problem in one.problems:
            yield click.style(f"  {problem}", fg="red" if problem.is_error else "yellow")
    yield _summary(inspected)


def _cells(row: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True))


def _tables(one: "Inspected") -> str:
    """The first SQL table, and how many more there are."""
    first, more = one.sql_tables[:1], len(one.sql_tables) - 1
    return "".join(first) + (f" and {more} more" if more > 0 else "")


def _state(one: "Inspected") -> str:
    if not one.is_ok:
        return click.style("broken", fg="red")
    return click.style("ok", fg="green") + ("" if one.is_row_wise else ", one load at a time")


def _summary(inspected: "Sequence[Inspected]") -> str:
    broken = sum(not one.is_ok for one in inspected)
    warnings = sum(not problem.is_error for one in inspected for problem in one.problems)
    told = f"{len(inspected)} plugin{'s'[: len(inspected) != 1]}, {broken} broken"
    return told + (f", {warnings} warning{'s'[: warnings != 1]}" if warnings else "")
