"""`dynaurora preview`: what changes would do to the SQL tables of their plugin."""

from collections.abc import Sequence
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from dynaurora.cli.asking import errors_told
from dynaurora.cli.database import engine_option, project_options, use_running
from dynaurora.cli.output import INTERRUPTED, left_once

if TYPE_CHECKING:
    from dynaurora.cli.preview_place import Place
    from dynaurora.etl import Bodies, Engine
    from dynaurora.operations.preview import Preview
    from dynaurora.plugins.contract import Plugin
    from dynaurora.sql.engines import Engine as EngineName

_LAST: Final = 1000

_EXAMPLES = """
Examples:

\b
  dynaurora preview orders                            the newest captured changes, on the database
  dynaurora preview orders --as-new                   as if none of them had been loaded
  dynaurora preview orders --items 100 --local        items of the running `dynaurora dev`
  dynaurora preview orders --scratch --changes -      lines from stdin, on an empty database
  dynaurora preview orders --scratch --engine mysql --items 100       the same on MariaDB
  dynaurora preview orders --sql                      the statements alone
  dynaurora preview orders --json | jq .quarantined
"""


@click.command(epilog=_EXAMPLES)
@click.argument("table")
@click.option(
    "--changes",
    "file",
    type=click.File("rb"),
    metavar="FILE",
    help="Lines as they are archived, also as gzip; - is stdin.",
)
@click.option(
    "--items",
    type=click.IntRange(1, 100_000),
    help="So many items of the table, as if each had just been put.",
)
@click.option(
    "--last",
    type=click.IntRange(1, 100_000),
    default=_LAST,
    show_default=True,
    help="So many of the newest captured changes, if neither of these is given.",
)
@click.option("--as-new", "is_as_new", is_flag=True, help="As if none had been loaded before.")
@click.option("--database", "url", metavar="URL", default="", help="Another than the project's.")
@click.option("--scratch", "is_scratch", is_flag=True, help="An empty server of its own.")
@engine_option("Of --scratch. Default: that of the project's database, or postgresql.")
@click.option(
    "--sqlqueries",
    "plugins",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="DIR",
    help="The folder of the plugins. Default: the project's.",
)
@project_options
@click.option(
    "--limit",
    type=click.IntRange(min=0),
    default=20,
    show_default=True,
    help="Rows that are shown of each SQL table, added, changed and removed.",
)
@click.option("--sql", "is_sql", is_flag=True, help="Print the statements alone.")
@click.option("--json", "is_json", is_flag=True, help="Print JSON, with every row.")
def preview(
    *,
    table: str,
    file: Any,
    items: int | None,
    last: int,
    is_as_new: bool,
    url: str,
    is_scratch: bool,
    engine: "EngineName | None",
    plugins: Path | None,
    folder: Path,
    chosen: str,
    limit: int,
    is_sql: bool,
    is_json: bool,
) -> None:
    """Show what changes of TABLE would do to its SQL tables, by a load of which nothing stays.

    Prints the statements with their times, the rows that would be added, changed and removed, and
    what would be quarantined; the values of items are among it. Exits with 1 if something would be
    quarantined or refused.
    """
    from dynaurora.cli.preview_place import Place
    from dynaurora.cli.preview_view import print_preview

    if file is not None and items is not None:
        raise click.UsageError("--changes and --items are two sources: give one.")
    if url and is_scratch:
        raise click.UsageError("--database and --scratch are two databases: give one.")
    try:
        with left_once(), errors_told(is_json=is_json):
            use_running(folder)
            place = Place(folder, chosen, plugins, url=url, is_scratch=is_scratch, engine=engine)
            plugin = place.plugin(table)
            with place.database() as session:
                lines, bodies = place.changes(session, plugin, file, items, last)
                found = _previewed(place, session, plugin, lines, bodies, is_as_new=is_as_new)
    except KeyboardInterrupt:
        click.echo("Interrupted; nothing was done.", err=True)
        raise click.exceptions.Exit(INTERRUPTED) from None
    print_preview(found, limit, is_sql=is_sql, is_json=is_json)
    if found.quarantined:
        raise click.exceptions.Exit(1)


def _previewed(
    place: "Place",
    engine: "Engine",
    plugin: "Plugin",
    lines: Sequence[bytes],
    bodies: "Bodies",
    *,
    is_as_new: bool,
) -> "Preview":
    from dynaurora.operations.preview import preview

    # What a load logs is not so in a preview, and stdout is for the result.
    with redirect_stdout(StringIO()):
        return preview(
            engine,
            plugin,
            lines,
            is_as_new=is_as_new,
            still_makes=place.still_makes,
            bodies=bodies,
        )
