"""One load of a trial: lines through staging, arbitration and the plugin, as in the Lambda."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from dynaurora.etl import Engine, Loaded, load, stage
from dynaurora.metadata import Metadata
from dynaurora.model.events import ObjectName
from dynaurora.plugins.contract import Plugin
from dynaurora.ports import StoredObject
from dynaurora.sql.queries import Queries


def create_tables(engine: Engine, plugin: Plugin) -> None:
    """Make the plugin's SQL tables, where they are not there yet. Raises ``PluginError``."""
    metadata = Metadata(engine.connection, engine.queries)
    metadata.create_tables(plugin, metadata.registration(plugin.table))


def load_lines(engine: Engine, plugin: Plugin, lines: Sequence[bytes], number: int) -> Loaded:
    """Load lines as one object of the raw bucket.

    number: of the load; another for each. Raises ``PluginError`` with the plugin's file and line.
    """
    metadata = Metadata(engine.connection, engine.queries)
    registration = metadata.registration(plugin.table)
    acceptance = metadata.streams(registration).acceptance()
    name = ObjectName("raw", f"{plugin.table}/trial/{number}")
    stored = StoredObject(name, etag="", data=b"\n".join(lines))
    staged = stage(plugin, engine.dialect, acceptance, [stored])
    return load(engine, registration, staged, bodies=lambda _: None)


def empty(engine: Engine) -> None:
    """No row of any plugin and no change is left; the tables are."""
    quoted, queries = engine.dialect.quoted, trial_queries(engine)
    filled = engine.connection.fetch(queries["filled_tables"])
    names = [f"{quoted(schema)}.{quoted(name)}" for schema, name in filled]
    for statement in queries.starting_with("empty_") if names else ():
        whole = statement.replace("{every}", ", ".join(names))
        for name in names if "{each}" in whole else names[:1]:
            engine.connection.execute(whole.replace("{each}", name))


def apply_again(engine: Engine, plugin: Plugin) -> None:
    """From now on the newest change of each key is applied once more, as by a rebuild."""
    engine.connection.execute(trial_queries(engine)["raise_generation"], [plugin.table])


def trial_queries(engine: Engine) -> Queries:
    """The statements that only trials need."""
    return replace(engine.queries, file=f"{engine.dialect.engine}_trials.sql")


@contextmanager
def elsewhere(engine: Engine, plugin: Plugin) -> Iterator[Engine]:
    """The same database with nothing of Dynaurora in it: other schemas, which go in the end.

    What other plugins have in the usual ones can still be read.
    """
    quoted, queries = engine.dialect.quoted, trial_queries(engine)
    ((here,),) = engine.connection.fetch(queries["here"])
    there, metadata = f"{here}_elsewhere", f"{here}_elsewhere_metadata"

    def run(name: str, **names: str) -> None:
        statement = queries[name]
        for place, text in {"here": here, "there": there, **names}.items():
            statement = statement.replace(f"{{{place}}}", quoted(text))
        engine.connection.execute(statement)

    others = [
        name
        for schema, name in engine.connection.fetch(queries["filled_tables"])
        if schema == here and name not in plugin.sql_tables
    ]
    run("make_there")
    try:
        for name in others:
            run("show_here", table=name)
        run("go_there")
        yield replace(engine, queries=engine.dialect.queries(metadata))
    finally:
        run("go_back")
        for schema in (there, metadata):
            run("drop_there", there=schema)
