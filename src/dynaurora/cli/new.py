"""`dynaurora new`: reads some items of a table and writes the plugin that they ask for."""

import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import gettempdir
from typing import TYPE_CHECKING, Any, Final

import click

from dynaurora.cli.asking import errors_told
from dynaurora.cli.database import (
    engine_at,
    engine_option,
    is_local,
    project_options,
    region,
    sqlqueries_option,
    use_running,
)
from dynaurora.cli.output import INTERRUPTED, left_once, progress_console
from dynaurora.cli.questions import confirmed

if TYPE_CHECKING:
    from dynaurora.adapters.dynamodb import TableDescription
    from dynaurora.adapters.items import Image
    from dynaurora.deploy.project import Place
    from dynaurora.errors import ProjectError
    from dynaurora.inference.plan import InferredColumn, InferredPlugin, InferredRows
    from dynaurora.inference.proof import Proof
    from dynaurora.sql.engines import Engine

_ITEMS: Final = 10_000

_EXAMPLES = """
Examples:

\b
  dynaurora new orders                       writes sqlqueries/orders.py
  dynaurora new orders --local               a table of the running `dynaurora dev`
  dynaurora new orders --stdout              look at it first
  dynaurora new orders --items 100000        look at more of the table
  dynaurora new orders --json | jq '.tables[].columns[] | select(.type == "json")'
"""


@click.command(epilog=_EXAMPLES)
@click.argument("table")
@click.option(
    "--items",
    type=click.IntRange(min=1),
    default=_ITEMS,
    show_default=True,
    help="Read at most so many items.",
)
@click.option(
    "--segments",
    type=click.IntRange(1, 64),
    default=4,
    show_default=True,
    help="Read so many parts of the table side by side.",
)
@click.option("--stdout", "is_printed", is_flag=True, help="Print the plugin; write no file.")
@click.option("--force", "is_forced", is_flag=True, help="Write over the plugin that is there.")
@click.option("--yes", "is_agreed", is_flag=True, help="Read without asking.")
@click.option("--json", "is_json", is_flag=True, help="Tell what was found as JSON.")
@click.option(
    "--endpoint-url", "endpoint", metavar="URL", default="", help="Another DynamoDB than AWS's."
)
@sqlqueries_option
@engine_option(
    "The engine whose rows are to hold the items. Default: that of the database, or postgresql."
)
@project_options
def new(
    *,
    table: str,
    items: int,
    segments: int,
    is_printed: bool,
    is_forced: bool,
    is_agreed: bool,
    is_json: bool,
    endpoint: str,
    sqlqueries: Path | None,
    engine: "Engine | None",
    folder: Path,
    chosen: str,
) -> None:
    """Write the plugin of TABLE, as its items ask for it.

    Reads some of them (all of a small table), infers columns, types and child tables, and writes
    one file into sqlqueries/. What reading costs is told before, and on a terminal it asks. No file
    is written over without --force.
    """
    try:
        with left_once(), errors_told(is_json=is_json):
            use_running(folder)
            place = _place(folder, chosen, endpoint, sqlqueries)
            name = engine_at(place, engine)
            path = None if is_printed else _path(place.sqlqueries, table, is_forced=is_forced)
            described = _described(place, table)
            units = _told_cost(described, items)
            if not (is_agreed or place.is_on_this_machine or _confirmed()):
                raise click.exceptions.Exit(1)
            found = _found(place, described, name, items, segments)
            with _draft(found.text, path) as draft:
                proof = _proof(draft, table, name, found.images)
                if path is not None:
                    _publish(draft, path, is_forced=is_forced)
    except KeyboardInterrupt:
        click.echo("Interrupted; nothing is written.", err=True)
        raise click.exceptions.Exit(INTERRUPTED) from None
    if is_json:
        facts = _as_json(found, proof)
        click.echo(json.dumps({**facts, "file": path and str(path), "read_units": units}))
    elif is_printed:
        click.echo(found.text, nl=False)
    for line in _as_text(found, proof, path, is_local=is_local()):
        click.echo(line, err=is_json or is_printed)


@dataclass(frozen=True, slots=True)
class _Found:
    """What a sample has shown. is_whole: whether it is all of the table."""

    plugin: "InferredPlugin"
    text: str
    images: "Sequence[Image]"
    is_whole: bool


def _place(folder: Path, chosen: str, endpoint: str, sqlqueries: Path | None) -> "Place":
    from dynaurora.deploy.project import read_place

    place = read_place(folder, chosen=chosen, region=region())
    return replace(
        place, endpoint=endpoint or place.endpoint, sqlqueries=sqlqueries or place.sqlqueries
    )


def _path(folder: Path, table: str, *, is_forced: bool) -> Path:
    """Where the plugin is, or is to be; raises ``ProjectError`` where one is and may not go."""
    from dynaurora.errors import ProjectError
    from dynaurora.model.names import is_table_name
    from dynaurora.plugins.folder import scan_folder

    scan = scan_folder(folder)
    if problem := scan.problem_of(table):
        raise problem
    known = scan.plugins.get(table)
    if known is not None and not is_forced:
        raise _there_already(known)
    if not is_table_name(table):
        raise ProjectError(
            f'table "{table}"', "is no name of a DynamoDB table", "3 to 255 of A-Z a-z 0-9 _ . -"
        )
    return known or folder / f"{table}.py"


def _there_already(path: Path) -> "ProjectError":
    from dynaurora.errors import ProjectError

    return ProjectError(
        str(path), "is there already", "", "Look with --stdout, or write over it with --force."
    )


def _described(place: "Place", table: str) -> "TableDescription":
    from dynaurora.adapters.aws import client_factory
    from dynaurora.adapters.dynamodb import describe_table

    client = client_factory(place.region, place.endpoint, first="dynamodb")
    return describe_table(client("dynamodb"), table)


def _told_cost(table: "TableDescription", items: int) -> int:
    """Tell on stderr what reading will cost; the read units."""
    from dynaurora.adapters.items import sample_units

    units = sample_units(items, table.items, table.size_bytes)
    if table.items:
        which = "all of them" if items >= table.items else f"{items:,} of them"
        told = f"about {table.items:,} items; reading {which} takes about {units:,} read units"
    else:
        told = f"not counted yet by DynamoDB; reading takes at most {units:,} read units"
    if table.read_units:
        told += f", and the table is provisioned for {table.read_units:,} a second"
    click.echo(f"{table.name}: {told}", err=True)
    return units


def _confirmed() -> bool:
    """Ask a person; a program has meant it."""
    return not sys.stdin.isatty() or confirmed("Read them?")


def _found(
    place: "Place", table: "TableDescription", engine: "Engine", items: int, segments: int
) -> _Found:
    """Read a sample, and infer the plugin from it."""
    from dynaurora.adapters.items import SAMPLE_PAGES, items_client_of, sample
    from dynaurora.inference.plan import infer
    from dynaurora.inference.writing import plugin_text

    client = items_client_of(place.region, place.endpoint)
    images: list[Image] = []
    pages = 0
    with progress_console().status(f"Reading {table.name}") as shown:
        for page in sample(client, table.name, items, segments=segments):
            images += page
            pages += 1
            shown.update(f"Reading {table.name}: {len(images):,} items")
        shown.update(f"Looking at {len(images):,} items")
        plugin = infer(table.name, table.key, images, engine)
    is_whole = len(images) < items and pages < SAMPLE_PAGES
    text = plugin_text(plugin, len(images) if is_whole else table.items)
    return _Found(plugin, text, images, is_whole)


@contextmanager
def _draft(text: str, path: Path | None) -> Iterator[Path]:
    """The plugin in a file that is none yet, beside its place, so that it can be moved there."""
    folder = Path(gettempdir()) if path is None else path.parent
    draft = folder / f".new-{os.getpid()}.py"
    try:
        draft.write_text(text, encoding="utf-8")
        yield draft
    finally:
        draft.unlink(missing_ok=True)


def _proof(draft: Path, table: str, engine: "Engine", images: "Sequence[Image]") -> "Proof":
    from dynaurora.inference.proof import proof
    from dynaurora.plugins.folder import load_plugin

    return proof(load_plugin(draft, table, engine), images)


def _publish(draft: Path, path: Path, *, is_forced: bool) -> None:
    """Give the file its name: all of it at once, and over another only if that is wanted."""
    if is_forced:
        draft.replace(path)
        return
    try:
        path.hardlink_to(draft)
    except FileExistsError:
        raise _there_already(path) from None
    except OSError:  # a file system without links
        draft.replace(path)


def _as_text(found: _Found, proof: "Proof", path: Path | None, *, is_local: bool) -> Iterator[str]:
    from dynaurora.inference.plan import InferredRows

    plugin = found.plugin
    fields = [each for table in plugin.tables for each in table.fields]
    rows = sum(isinstance(each, InferredRows) for each in fields)
    told = f"{_counted(len(fields) - rows, 'column')}, {_counted(rows, 'child table')}"
    if len(plugin.tables) > 1:
        told = f"{len(plugin.tables)} tables, {told}"
    yield f"{path or plugin.table}: {told}, from {_counted(plugin.items, 'item')}"
    for reason, times in proof.refused.items():
        yield f"{times:,} of them would be quarantined: {reason}"
    if path is not None:
        yield from _next(plugin.table, is_local=is_local)


def _next(table: str, *, is_local: bool) -> Iterator[str]:
    place = " --local" if is_local else ""
    commands = {
        f"dynaurora check {table}": "what is wrong with it, if anything",
        f"dynaurora preview {table} --items 100{place}": "the rows that items become",
    }
    if not is_local:
        commands["dynaurora dev"] = "the pipeline on this machine"
    width = max(map(len, commands))
    yield "Read it, change what you like. Then:"
    for command, what in commands.items():
        yield f"  {command:<{width}}  {what}"
    if is_local:
        yield f"The running dynaurora dev has it already: dynaurora query {table} --local"


def _counted(count: int, word: str) -> str:
    return f"{count:,} {word}{'' if count == 1 else 's'}"


def _as_json(found: _Found, proof: "Proof") -> dict[str, Any]:
    return {
        "table": found.plugin.table,
        "items_read": found.plugin.items,
        "is_whole": found.is_whole,
        "refused": proof.refused,
        "text": found.text,
        "tables": [
            {
                "name": each.name or None,
                "key": each.key,
                "when": dict(each.when),
                "items": each.items,
                "columns": [_field(one) for one in each.fields],
                "left_out": dict(each.left_out),
            }
            for each in found.plugin.tables
        ],
    }


def _field(found: "InferredColumn | InferredRows") -> dict[str, Any]:
    from dynaurora.inference.plan import InferredRows
    from dynaurora.model.paths import path_text

    told: dict[str, Any] = {
        "name": found.name,
        "path": None if found.path is None else path_text(found.path),
        "evidence": found.note,
        "is_held": found.is_held,
    }
    if isinstance(found, InferredRows):
        return {**told, "at": found.at, "columns": [_field(each) for each in found.columns]}
    return {**told, "type": found.type}
