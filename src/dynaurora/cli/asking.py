"""How a project's database is asked: on a connection of our own, or through the load Lambda.

The rule is one setting, ``[database] private``. Either way it is the same commands by name, with
the same arguments and facts (`dynaurora.commands`).
"""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import click

from dynaurora.cli.database import session

if TYPE_CHECKING:
    from dynaurora.deploy.project import Project
    from dynaurora.etl import Engine

Ask = Callable[..., dict[str, Any]]
"""``ask("quarantine list", table="orders")``: the facts. Raises ``DynauroraError``."""

TURN_S: Final = 1.0
"""A command that takes long answers after so long, to be asked to go on: progress can be told."""


@contextmanager
def asking(project: "Project") -> Iterator[Ask]:
    """Ask the database of a project."""
    if project.is_private:
        from dynaurora.adapters.aws import client_factory
        from dynaurora.deploy.load_function import LoadFunction

        client = client_factory(project.region, project.endpoint)
        yield LoadFunction(project, client).ask
    else:
        with session(project) as engine:
            yield partial(_run, project, engine)


@contextmanager
def errors_told(*, is_json: bool) -> Iterator[None]:
    """For programs, an error is JSON on stdout, too; the exit status is 1 either way."""
    from dynaurora.cli.output import error_facts
    from dynaurora.errors import DynauroraError

    try:
        yield
    except DynauroraError as error:
        if not is_json:
            raise
        click.echo(json.dumps(error_facts(error)))
        raise click.exceptions.Exit(1) from error


class Turn:
    """A clock for commands that stop when their time is nearly over."""

    def __init__(self) -> None:
        from dynaurora.parts import RESERVED_MS

        self._end = time.monotonic() + TURN_S + RESERVED_MS / 1000

    def remaining_ms(self) -> int:
        return int((self._end - time.monotonic()) * 1000)

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


def _run(project: "Project", engine: "Engine", command: str, **arguments: Any) -> dict[str, Any]:
    """On a connection of our own. Only what reads objects looks for the deployed pipeline."""
    from dynaurora.adapters.database import engine_of
    from dynaurora.commands import ON_A_DATABASE, run_command, run_on_database
    from dynaurora.operations.desk import DatabaseDesk
    from dynaurora.plugins.folder import PluginFolder

    plugins = PluginFolder(project.sqlqueries, engine_of(project.database.url))
    if command in ON_A_DATABASE:
        return run_on_database(DatabaseDesk(engine, plugins), command, arguments)

    from dynaurora.adapters.aws import client_factory
    from dynaurora.adapters.s3 import S3Objects
    from dynaurora.deploy.load_function import pipeline_outputs
    from dynaurora.parts import Parts

    client = client_factory(project.region, project.endpoint)
    outputs = pipeline_outputs(project, client)
    parts = Parts(
        store=S3Objects(partial(client, "s3")),
        engine=engine,
        plugins=plugins,
        clock=Turn(),
        raw_bucket=outputs["RawBucket"],
        backup_bucket=outputs["BackupBucket"],
    )
    return run_command(parts, {"command": command, **arguments})
