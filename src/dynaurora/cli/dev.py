"""`dynaurora dev`: keeps the pipeline as the folder of plugins says, and shows what arrives."""

import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from dynaurora.cli.database import engine_option
from dynaurora.cli.output import left_once, progress_console, result_console

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dynaurora.deploy.project import Project
    from dynaurora.local.machine import LocalMachine
    from dynaurora.sql.engines import Engine

_EXAMPLES = """
Examples:

\b
  dynaurora dev                         everything is thrown away at the end
  dynaurora dev --data .dynaurora/dev   everything is there again next time
  dynaurora dev --engine mysql          into MariaDB instead of PostgreSQL
  dynaurora dev --sqlqueries ../other   the plugins of another folder

\b
  # then, in another terminal, with the variables that it prints:
  aws dynamodb create-table --table-name orders --billing-mode PAY_PER_REQUEST \\
    --attribute-definitions AttributeName=order_id,AttributeType=S \\
    --key-schema AttributeName=order_id,KeyType=HASH
  $EDITOR sqlqueries/orders.py          # or: dynaurora new orders --local
"""

_PAUSE_S: Final = 0.1


@click.command(epilog=_EXAMPLES)
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Keep the state of both servers in this folder. Default: it is thrown away.",
)
@click.option(
    "--sqlqueries",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="DIR",
    help="The folder of the plugins. Default: the project's.",
)
@engine_option(
    "What stands for Aurora: PostgreSQL, or MariaDB for mysql. Default: that of the folder that is "
    "kept, or postgresql."
)
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    help="The port of the local AWS. Default: 4566, or a free one if that is in use.",
)
@click.option(
    "--project-dir",
    "folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=Path(),
    help="The folder of the project. Default: this one or one above it.",
)
def dev(
    *,
    data: Path | None,
    sqlqueries: Path | None,
    engine: "Engine | None",
    port: int | None,
    folder: Path,
) -> None:
    """Run the pipeline on this machine and watch sqlqueries/.

    Starts an emulator of AWS and a database, deploys the stacks, and keeps running until Ctrl-C. A
    plugin that is dropped into the folder is picked up, and its table flows as soon as it is there:
    streams are turned on without asking. A plugin that breaks is told at once; the others go on.
    """
    from dynaurora.deploy.project import find_root

    find_root(folder)  # what is wrong with the folder is told before anything is started
    try:
        with left_once(), ExitStack() as stack:
            machine = stack.enter_context(_started(data, engine, port))
            _run(stack, machine, sqlqueries, folder, is_kept=data is not None)
    except KeyboardInterrupt:
        kept = f"Everything is kept in {data}." if data is not None else ""
        click.echo(f"Both servers are stopped. {kept}".rstrip(), err=True)


@contextmanager
def _started(
    data: Path | None, engine: "Engine | None", port: int | None
) -> "Iterator[LocalMachine]":
    from dynaurora.local.machine import LocalMachine

    with ExitStack() as stack:
        told = "Starting MiniStack, which stands for AWS, and a database, for Aurora"
        with progress_console().status(told):
            machine = stack.enter_context(LocalMachine(data, engine=engine, port=port))
        yield machine


def _run(
    stack: ExitStack,
    machine: "LocalMachine",
    sqlqueries: Path | None,
    folder: Path,
    *,
    is_kept: bool,
) -> None:
    from dynaurora.cli.this_machine import local_project
    from dynaurora.local.running import noted

    project = local_project(folder, machine, sqlqueries=sqlqueries)
    environment = {**machine.environment(), "DYNAURORA_SQLQUERIES": str(project.sqlqueries)}
    stack.enter_context(noted(project.root, machine.folder, environment))
    _develop(machine, project, is_kept=is_kept)


def _develop(machine: "LocalMachine", project: "Project", *, is_kept: bool) -> None:
    from dynaurora.adapters.database import Database
    from dynaurora.cli.dev_view import dev_view
    from dynaurora.cli.this_machine import tell_where
    from dynaurora.dev.development import Development

    console = result_console()
    tell_where(console, machine, project)
    database = Database(project.database)
    with database.session() as engine, dev_view(console) as view:
        development = Development(machine, project, engine, view.tell)
        view.say("the stacks are being deployed")
        development.begin()
        view.say(f"ready; {project.sqlqueries} is watched")
        try:
            while True:
                development.look()
                view.refresh()
                time.sleep(_PAUSE_S)
        except KeyboardInterrupt:
            if is_kept:
                view.say("what is on its way still arrives")
                development.settle()
            view.refresh(is_last=True)
            raise
