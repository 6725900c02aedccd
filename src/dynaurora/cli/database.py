"""What the commands that need the database share: which project, which plugin, which connection."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

import click

from dynaurora.sql.engines import DEFAULT, ENGINES

if TYPE_CHECKING:
    from dynaurora.adapters.database import Database
    from dynaurora.deploy.project import Place, Project
    from dynaurora.etl import Engine
    from dynaurora.plugins.contract import Plugin
    from dynaurora.sql.engines import Engine as EngineName

Command = TypeVar("Command", bound=Callable[..., object])

_LOCAL: Final = f"{__name__}.is_local"
_REGION: Final = f"{__name__}.region"


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
    local = click.option(
        "--local",
        is_flag=True,
        expose_value=False,
        callback=_note_local,
        help="The pipeline of the running `dynaurora dev`.",
    )
    return local(settings_option(env(region_option(folder(command)))))


def region_option(command: Command) -> Command:
    """Which Region; `region` tells it."""
    return click.option(
        "--region",
        metavar="REGION",
        default="",
        expose_value=False,
        callback=_note_region,
        help="The AWS Region.",
    )(command)


def settings_option(command: Command) -> Command:
    """`--set key=value`: a flag for every key of dynaurora.toml."""
    return click.option(
        "--set",
        metavar="KEY=VALUE",
        multiple=True,
        expose_value=False,
        callback=_set,
        help="A key of dynaurora.toml, as sizes.BufferSeconds=9, over file and environment.",
    )(command)


def _set(ctx: click.Context, _option: click.Parameter, given: tuple[str, ...]) -> None:
    """Into the environment while the command runs: whoever reads a setting looks there."""
    if not given:
        return
    from dynaurora.deploy.keys import KEYS
    from dynaurora.deploy.overrides import variable_of

    for each in given:
        key, equals, value = each.partition("=")
        if not equals:
            raise click.BadParameter(f'"{each}" is no KEY=VALUE, as sizes.BufferSeconds=9.')
        if key not in KEYS:
            raise click.BadParameter(_unknown(key))
        if not value.strip():
            raise click.BadParameter(f'"{each}" has no value. Write one, or leave it out.')
        variable = variable_of(key)
        ctx.call_on_close(partial(_put_back, variable, os.environ.get(variable)))
        os.environ[variable] = value


def _unknown(key: str) -> str:
    """With what may be meant, else with what stands beside it."""
    from dynaurora.deploy.keys import KEYS, TABLES
    from dynaurora.plugins.declarations import suggestion

    named = key.partition(".")[0]
    table = named if named in TABLES else ""
    beside = [f"{table}.{each}" if table else each for each in sorted(TABLES[table])]
    beside += [] if table else [f"{each}.…" for each in TABLES if each]
    meant = suggestion(key, sorted(KEYS)) or f"; expected one of {', '.join(beside)}."
    return f'"{key}" is no key of dynaurora.toml{meant}'


def _put_back(variable: str, before: str | None) -> None:
    if before is None:
        os.environ.pop(variable, None)
    else:
        os.environ[variable] = before


def sqlqueries_option(command: Command) -> Command:
    """Another folder of plugins than the project's."""
    return click.option(
        "--sqlqueries",
        type=click.Path(exists=True, file_okay=False, path_type=Path),
        metavar="DIR",
        help="The folder of the plugins. Default: DYNAURORA_SQLQUERIES, else the project's.",
    )(command)


def engine_option(told: str) -> Callable[[Command], Command]:
    """Which engine; told: what for, and what is taken where none is named."""
    return click.option("--engine", type=click.Choice(ENGINES), help=told)


def _note_local(ctx: click.Context, _option: click.Parameter, value: bool) -> None:  # noqa: FBT001 - click's signature
    ctx.meta[_LOCAL] = value


def is_local() -> bool:
    """Whether the command was called with --local."""
    return bool(click.get_current_context().meta.get(_LOCAL))


def _note_region(ctx: click.Context, _option: click.Parameter, value: str) -> None:
    ctx.meta[_REGION] = value


def region() -> str:
    """The Region that the command was called with; "" for none."""
    return str(click.get_current_context().meta.get(_REGION, ""))


def same_project() -> Iterator[str]:
    """The options that choose the project of this command, for another command to be typed."""
    given = click.get_current_context()
    for option, name in (("--env", "chosen"), ("--project-dir", "folder")):
        if (value := given.params.get(name)) and value != Path():
            yield from (option, str(value))
    if region():
        yield from ("--region", region())
    if is_local():
        yield "--local"


def use_running(folder: Path) -> None:
    """With --local, go on as if the lines had been copied that the running `dev` prints.

    Raises ``LocalServerError`` where none runs.
    """
    from dynaurora.deploy.project import find_root
    from dynaurora.local.running import running

    if is_local():
        os.environ.update(running(find_root(folder)))


def place_of(folder: Path, chosen: str, sqlqueries: Path | None) -> "Place":
    """Where the plugins of a folder are, for who needs no database; as options say, else as the
    project. What lies below the folder that one is in is called from there."""
    from dynaurora.deploy.project import read_place

    use_running(folder)
    place = read_place(folder, chosen=chosen, region=region())
    here = Path.cwd()
    found = sqlqueries or place.sqlqueries
    if found.is_relative_to(here):
        found = found.relative_to(here)
    return replace(place, sqlqueries=found)


def engine_at(place: "Place", engine: "EngineName | None") -> "EngineName":
    """The engine that was asked for; else that of the project's database."""
    from dynaurora.adapters.database import engine_of

    if engine or not place.database_url:
        return engine or DEFAULT
    return engine_of(place.database_url)


def engine_of_database(chosen: "EngineName | None", url: str) -> "EngineName":
    """The engine of a database; raises ``UsageError`` where another is asked for."""
    from dynaurora.adapters.database import engine_of

    found = engine_of(url)
    if chosen not in (None, found):
        raise click.UsageError(f"--engine is {chosen}, and the database is {found}: leave one out.")
    return found


def project_of(folder: Path, chosen: str) -> "Project":
    """The project of a folder."""
    from dynaurora.deploy.project import read_project

    use_running(folder)
    return read_project(folder, chosen=chosen, region=region())


def database_of(project: "Project") -> "Database":
    """The project's database, as it is reached from here."""
    from dynaurora.adapters.aws import client_factory, database_token
    from dynaurora.adapters.database import Database
    from dynaurora.deploy.certificates import certificates_of
    from dynaurora.errors import SettingsError

    if not project.database.url:
        raise SettingsError(
            "the database",
            "no URL is set",
            "postgresql://user@host:5432/database",
            "Set DYNAURORA_DATABASE_URL, or [database] url in dynaurora.toml.",
        )
    secrets = partial(client_factory(project.region, project.endpoint), "secretsmanager")
    tokens = partial(database_token, region=project.region)
    found = certificates_of(project)
    settings = replace(project.database, certificates=str(found or ""))
    return Database(settings, secrets=secrets, tokens=tokens)


@contextmanager
def session(project: "Project") -> Iterator["Engine"]:
    """One connection to the project's database, closed in the end."""
    database = database_of(project)
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
