"""`dynaurora destroy`: what deploy made goes, in the open; what holds data only when told twice."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dynaurora.cli.asking import errors_told
from dynaurora.cli.database import project_of, project_options
from dynaurora.cli.questions import agree, typed

if TYPE_CHECKING:
    from dynaurora.deploy.destroying import Destruction
    from dynaurora.deploy.project import Project

_EXAMPLES = """
Examples:

\b
  dynaurora destroy orders               disconnects a table whose file is gone
  dynaurora destroy                      all but what holds data; asks first
  dynaurora destroy --data               the data, too; asks for the project's name
  dynaurora destroy --yes --data --yes-delete-data shop --streams
"""


@click.command(epilog=_EXAMPLES)
@click.argument("table", required=False, default="")
@project_options
@click.option("--data", "is_all", is_flag=True, help="Delete what holds data, too.")
@click.option(
    "--streams",
    "is_off",
    is_flag=True,
    help="Turn the tables' streams off, too, unless others read them.",
)
@click.option("--yes", "is_agreed", is_flag=True, help="Do not ask; the data stays all the same.")
@click.option(
    "--yes-delete-data",
    "named",
    metavar="PROJECT",
    default="",
    help="With --data: do not ask for the project's name, here it is.",
)
@click.option("--json", "is_json", is_flag=True, help="Tell what went and what stayed as JSON.")
def destroy(
    *,
    table: str,
    folder: Path,
    chosen: str,
    is_all: bool,
    is_off: bool,
    is_agreed: bool,
    named: str,
    is_json: bool,
) -> None:
    """Take away what `deploy` made; with TABLE, of that table alone.

    Buckets with objects and an Aurora cluster of ours stay; the next deploy takes them over. With
    --data they go, with all that is in them. The SQL tables are not touched.
    Interrupted or failed, it goes on where it ended when it is called again.
    """
    if table and (is_all or named):
        raise click.UsageError("A table has no data of its own here; see `dynaurora drop`.")
    if named and not is_all:
        raise click.UsageError("--yes-delete-data goes with --data.")
    with errors_told(is_json=is_json):
        project = project_of(folder, chosen)
        if table:
            _refuse_plugin(project, table)
        _ask(project, table, is_agreed=is_agreed)
        if is_all:
            _ask_for_name(project, named)
        try:
            destruction = _destroyed(project, table, deletes_data=is_all, disables_streams=is_off)
        except KeyboardInterrupt:
            click.echo("`dynaurora destroy` again goes on where this ended.", err=True)
            raise
    if is_json:
        click.echo(json.dumps(_as_json(destruction)))
    else:
        click.echo("\n".join(_as_text(destruction)))


def _destroyed(
    project: "Project", table: str, *, deletes_data: bool, disables_streams: bool
) -> "Destruction":
    from dynaurora.cli.deploy_progress import progress_view
    from dynaurora.deploy.destroying import destroy_project, destroy_table

    with progress_view() as view:
        if table:
            return destroy_table(project, table, disables_streams=disables_streams, tell=view.tell)
        return destroy_project(
            project, deletes_data=deletes_data, disables_streams=disables_streams, tell=view.tell
        )


def _refuse_plugin(project: "Project", table: str) -> None:
    from dynaurora.errors import ProjectError
    from dynaurora.plugins.folder import find_plugins

    path = find_plugins(project.sqlqueries).get(table)
    if path is not None:
        raise ProjectError(
            f"table {table}",
            f"has a plugin, {path}",
            "none: the next deploy would connect it again",
            "Delete the file first.",
        )


def _ask(project: "Project", table: str, *, is_agreed: bool) -> None:
    if is_agreed:
        return
    what = f"the stack of {table}" if table else f"the stacks of {project.name}"
    where = f" in {project.region}" if project.region else ""
    if not sys.stdin.isatty():
        raise click.UsageError(f"Nobody can be asked whether to delete {what}; say --yes.")
    agree(f"Delete {what}{where}?")


def _ask_for_name(project: "Project", named: str) -> None:
    """Data goes only when its project is named."""
    if not named and sys.stdin.isatty():
        named = typed(
            f"All raw objects, the archive and a cluster of ours would go for good. "
            f"Type the project's name ({project.name}) to delete them"
        )
    if named != project.name:
        raise click.UsageError(
            f"The data is deleted with --yes-delete-data {project.name} only; nothing was done."
        )


def _as_text(destruction: "Destruction") -> Iterator[str]:
    for stack in destruction.kept_stacks:
        yield f"{stack}  kept: it holds the database, or the network that it is in"
    for bucket in destruction.kept_buckets:
        yield f"{bucket}  kept with its objects; the next deploy takes it over"
    for table in destruction.streams_on:
        if names := destruction.readers.get(table):
            yield f"{table}  its stream is left on; it is read by {', '.join(names)}, too"
        else:
            yield f"{table}  its stream is left on; --streams turns it off"
    if destruction.waiting:
        yield f"{destruction.waiting:,} messages were not loaded; their objects are kept"
    told = ", ".join((*destruction.stacks, *destruction.buckets)) or "nothing was there"
    yield f"{destruction.account} in {destruction.region}: deleted: {told}"


def _as_json(destruction: "Destruction") -> dict[str, Any]:
    return {
        "account": destruction.account,
        "region": destruction.region,
        "stacks": list(destruction.stacks),
        "buckets": list(destruction.buckets),
        "kept_stacks": list(destruction.kept_stacks),
        "kept_buckets": list(destruction.kept_buckets),
        "streams_on": list(destruction.streams_on),
        "streams_read_by": {table: list(names) for table, names in destruction.readers.items()},
        "messages_waiting": destruction.waiting,
    }
