"""The bench: a database that the trials of a test share, and that is emptied between tests.

The plugins of a test live side by side in it, as they do in a pipeline, so that a query may join
them. SQL tables stay from test to test, and their rows go; those of another file for the same table
are made anew.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

from dynaurora.adapters.database import Database, engine_of
from dynaurora.errors import PluginError, TrialError
from dynaurora.etl import Engine
from dynaurora.metadata import Metadata
from dynaurora.plugins.contract import Engine as EngineName
from dynaurora.plugins.contract import Plugin
from dynaurora.plugins.folder import load_plugin, table_of
from dynaurora.plugins.loading import digest_of
from dynaurora.settings import DatabaseSettings
from dynaurora.testing.loading import create_tables, empty, trial_queries
from dynaurora.testing.trial import Trial

PluginFixture = Callable[[str | PathLike[str]], Trial]
"""What the fixture ``plugin`` is: ``plugin("sqlqueries/orders.py")`` gives a ``Trial``."""


@contextmanager
def bench(server_url: str) -> Iterator["Bench"]:
    """A bench in a new database of a server, which is dropped in the end; and so are the metadata,
    which have one of their own on MySQL."""
    name = f"trials_{uuid4().hex}"
    with _session(server_url, name) as server:
        queries = trial_queries(server)
        server.connection.execute(queries["make_bench"].replace("{bench}", name))
        try:
            with _session(urlsplit(server_url)._replace(path=f"/{name}").geturl(), name) as engine:
                yield Bench(engine, engine_of(server_url))
        finally:
            server.connection.execute(queries["drop_bench"].replace("{bench}", name))
            server.connection.execute(queries["drop_metadata"])


@contextmanager
def _session(url: str, name: str) -> Iterator[Engine]:
    schema = f"{name}_metadata"
    database = Database(DatabaseSettings(url=url, secret_arn="", schema=schema))
    try:
        with database.session() as engine:
            engine.connection.execute(trial_queries(engine)["wait_for_tests"])
            yield engine
    finally:
        database.close()


class Bench:
    """A database for the plugins of one test after another."""

    def __init__(self, engine: Engine, name: EngineName) -> None:
        self._engine = engine
        self._engine_name = name
        self._metadata = Metadata(engine.connection, engine.queries)
        self._metadata.create()
        self._made: dict[str, Plugin] = {}
        self._trials: dict[str, Trial] = {}

    def trial(self, path: Path) -> Trial:
        """A plugin on trial. Raises ``PluginError`` where its file or a statement is wrong."""
        if not path.is_file():
            raise TrialError(str(path), "there is no such file", "a plugin", "Correct the path.")
        table = table_of(path)
        if table in self._trials:
            if self._made[table].path != path:
                raise TrialError(str(path), f"table {table} is on trial already", "one file of it")
            return self._trials[table]
        self._trials[table] = Trial(self._plugin(path, table), self._engine)
        return self._trials[table]

    def trials(self) -> Iterator[tuple[str, Trial]]:
        """Those of this test, by table."""
        return iter(self._trials.items())

    def clear(self) -> None:
        """End the trials: no row and no change of theirs is left."""
        self._trials = {}
        empty(self._engine)

    def _plugin(self, path: Path, table: str) -> Plugin:
        """The plugin, with its SQL tables made."""
        known = self._made.get(table)
        if known is not None and (known.path, known.digest) == (path, digest_of(path.read_bytes())):
            return known
        plugin = load_plugin(path, table, self._engine_name)
        if known is not None:
            self._remove(known)
        self._make(plugin)
        self._made[table] = plugin
        return plugin

    def _make(self, plugin: Plugin) -> None:
        try:
            create_tables(self._engine, plugin)
        except PluginError:
            others = [each for table, each in self._made.items() if table not in self._trials]
            if not others:
                raise
            for other in others:  # of tests before: they may be in the way
                self._remove(other)
            create_tables(self._engine, plugin)

    def _remove(self, plugin: Plugin) -> None:
        """Remove a plugin's SQL tables, by force: its own drop list may be what is tried next."""
        connection, queries = self._engine.connection, trial_queries(self._engine)
        for name in plugin.sql_tables:
            quoted = self._engine.dialect.quoted(name)
            for statement in queries.starting_with("remove_"):
                connection.execute(statement.replace("{table}", quoted))
        for statement in ("forget_creation", "release_names"):
            connection.execute(queries[statement], [plugin.table])
        del self._made[plugin.table]
