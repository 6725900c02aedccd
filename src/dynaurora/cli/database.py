"""What the commands that need the database share: which project, which plugin, which connection."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

if TYPE_CHECKING:
    from dynaurora.deploy.project import Project
    from dynaurora.etl import Engine
    from dynaurora.plugins.contract import Engine as EngineName
    from dynaurora.plugins.contract import Plugin

Command = TypeVar("Command", bound=Callable[..., object])


def project_options(command: Command) -> Command:
    """Which project, and which of its environments."""
    env = click.option(
        "--env", "chosen", metavar="NAME", default="", help="[env.NAME] of dynaurora.toml."
    )
    folder = click.option(
        "--project-dir",
        "folder",
        type=click.Path(exists=True, file_okay=False, path_type=Path),
        default=Path(),
        help="The folder of the project. Default: this one or one above it.",
    )
    return env(folder(command))


def project_of(folder: Path, chosen: str) -> "Project":
    """The project of a folder."""
    from dynaurora.deploy.project import read_project

    return read_project(folder, chosen=chosen)


@contextmanager
def session(project: "Project") -> Iterator["Engine"]:
    """One connection to the project's database, closed in the end."""
    from dynaurora.adapters.aws import client_factory
    from dynaurora.adapters.database import Database
    from dynaurora.errors import SettingsError

    if not project.database.url:
        raise SettingsError(
            "the database",
            "no URL is set",
            "postgresql://user@host:5432/database",
            "Set DYNAURORA_DATABASE_URL, or [database] url in dynaurora.toml.",
        )
    secrets = partial(client_factory(project.region, project.endpoint), "secretsmanager")
    database = Database(project.database, secrets=secrets)
    try:
        with database.session() as engine:
            yield engine
    finally:
        database.close()


def plugin_of(project: "Project", table: str) -> "Plugin":
    """The plugin of a table; raises ``ProjectError`` where there is none."""
    from dynaurora.adapters.database import engine_of

    return plugin_in(project.sqlqueries, engine_of(project.database.url), table)


def plugin_in(folder: Path, engine: "EngineName", table: str) -> "Plugin":
    """The plugin of a table in this folder; raises ``ProjectError`` where there is none."""
    from dynaurora.errors import ProjectError
    from dynaurora.plugins.declarations import suggestion
    from dynaurora.plugins.folder import PluginFolder

    plugins = PluginFolder(folder, engine)
    found = plugins.plugin(table)
    if found is None:
        raise ProjectError(
            f"table {table}",
            f"it has no plugin{suggestion(table, plugins.tables())}",
            f"{table}.py in {folder}",
            "`dynaurora check` lists those that are there.",
        )
    return found
