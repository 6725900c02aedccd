"""Where a preview takes place: which plugin, which database, which changes.

In a project all three are known; without one, a folder of plugins and a file of changes will do.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from dynaurora.deploy.project import Project
    from dynaurora.etl import Bodies, Engine
    from dynaurora.plugins.contract import Plugin
    from dynaurora.sql.engines import Engine as EngineName


class Place:
    """A plugin's folder, and the project around it, if there is one.

    url: of the database that was asked for. is_scratch: a server of our own, whatever there is.
    """

    def __init__(
        self,
        folder: Path,
        chosen: str,
        plugins: Path | None,
        *,
        url: str,
        is_scratch: bool,
        engine: "EngineName | None",
    ) -> None:
        from dynaurora.cli.database import engine_at, engine_of_database, region
        from dynaurora.deploy.project import read_place
        from dynaurora.plugins.folder import PluginFolder

        self._project = _project(folder, chosen)
        self._place = read_place(folder, chosen=chosen, region=region())
        self._folder = plugins or self._place.sqlqueries
        self._url = url
        self._is_asked = is_scratch
        found = url or (self._project.database.url if self._project else "")
        self._is_scratch = is_scratch or not found
        if self._is_scratch:
            self._engine = engine_at(self._place, engine)
        else:
            self._engine = engine_of_database(engine, found)
        self._plugins = PluginFolder(self._folder, self._engine)

    def plugin(self, table: str) -> "Plugin":
        from dynaurora.errors import ProjectError
        from dynaurora.plugins.declarations import suggestion

        found = self._plugins.plugin(table)
        if found is None:
            raise ProjectError(
                f"table {table}",
                f"it has no plugin{suggestion(table, self._plugins.tables())}",
                f"{table}.py in {self._folder}",
                f"`dynaurora new {table}` writes one.",
            )
        return found

    def still_makes(self, table: str, sql_table: str) -> bool:
        from dynaurora.intake import still_makes

        return still_makes(self._plugins, table, sql_table)

    @contextmanager
    def database(self) -> Iterator["Engine"]:
        """The one that was asked for, else the project's, else one of our own."""
        from dynaurora.cli.database import session

        if self._is_scratch:
            if not self._is_asked:
                click.echo("No database is configured: this is on an empty one.", err=True)
            with _scratch(self._engine) as engine:
                yield engine
        elif self._project is not None and not self._url:
            _check_reach(self._project)
            with session(self._project) as engine:
                yield engine
        else:
            with _session(self._url) as engine:
                yield engine

    def changes(
        self, engine: "Engine", plugin: "Plugin", file: Any, items: int | None, last: int
    ) -> "tuple[Sequence[bytes], Bodies]":
        """The lines, and where the bodies are of those that are pointers."""
        if file is not None:
            from dynaurora.etl import unpacked
            from dynaurora.model.lines import split_lines

            return list(split_lines(unpacked(file.read()))), _no_bodies
        if items is not None:
            return list(self._put(engine, plugin, items)), _no_bodies
        if self._project is None:
            raise click.UsageError("Outside a project, say --changes FILE or --items N.")
        return _captured(self._project, plugin.table, last)

    def _put(self, engine: "Engine", plugin: "Plugin", items: int) -> Iterator[bytes]:
        from dynaurora.adapters.items import items_client_of, sample
        from dynaurora.operations.preview import put_lines

        client = items_client_of(self._place.region, self._place.endpoint)
        images = (image for page in sample(client, plugin.table, items) for image in page)
        return put_lines(engine, plugin, islice(images, items), int(time.time()))


def _project(folder: Path, chosen: str) -> "Project | None":
    from dynaurora.cli.database import region
    from dynaurora.deploy.project import find_root, read_project
    from dynaurora.errors import ProjectError

    try:
        find_root(folder)
    except ProjectError:
        return None
    return read_project(folder, chosen=chosen, region=region())


def _check_reach(project: "Project") -> None:
    from dynaurora.errors import SettingsError

    if project.is_private:
        raise SettingsError(
            "[database] private",
            "the database is reached by the load Lambda alone, which has the deployed plugin and "
            "not this one",
            "a database that can be reached from here",
            "Preview with --scratch on an empty one, or with --database URL on a copy.",
        )


@contextmanager
def _session(url: str) -> Iterator["Engine"]:
    from dynaurora.adapters.database import Database
    from dynaurora.settings import DatabaseSettings

    database = Database(DatabaseSettings(url=url, secret_arn="", schema="dynaurora"))
    try:
        with database.session() as engine:
            yield engine
    finally:
        database.close()


@contextmanager
def _scratch(engine: "EngineName") -> Iterator["Engine"]:
    from dynaurora.cli.output import progress_console
    from dynaurora.local.databases import PRODUCTS
    from dynaurora.local.scratch import scratch_server

    with ExitStack() as stack:
        with progress_console().status(f"Starting {PRODUCTS[engine].name}"):
            server = stack.enter_context(scratch_server(engine))
        yield stack.enter_context(_session(server.url))


def _no_bodies(_key: str) -> bytes | None:
    return None


def _captured(project: "Project", table: str, last: int) -> "tuple[Sequence[bytes], Bodies]":
    """The newest captured changes: waiting in the raw bucket, then archived."""
    from dynaurora.adapters.aws import client_factory
    from dynaurora.adapters.s3 import S3Objects
    from dynaurora.deploy.load_function import pipeline_outputs
    from dynaurora.errors import ProjectError
    from dynaurora.etl import unpacked
    from dynaurora.model.events import PROCESSED_FOLDER, ObjectName
    from dynaurora.model.lines import split_lines

    client = client_factory(project.region, project.endpoint)
    outputs = pipeline_outputs(project, client)
    raw, backup = outputs["RawBucket"], outputs["BackupBucket"]
    store = S3Objects(partial(client, "s3"))

    def body(key: str) -> bytes | None:
        stored = store.read(ObjectName(backup, key))
        return stored.data if stored else None

    lines: list[bytes] = []
    for bucket, folder in ((raw, table), (backup, f"{PROCESSED_FOLDER}/{table}")):
        for name in store.newest(bucket, folder):
            if len(lines) >= last:
                break
            stored = store.read(name)
            found = split_lines(unpacked(stored.data)) if stored else ()
            lines = [*found, *lines]
    if not lines:
        raise ProjectError(
            f"table {table}",
            "no change of it has been captured",
            "one in the raw or the backup bucket",
            "Preview with --items N, which reads the table, or --changes FILE.",
        )
    return lines[-last:], body
