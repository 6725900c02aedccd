"""One load of a trial: lines through staging, arbitration and the plugin, as in the Lambda."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Final

from dynaurora.etl import Engine, Loaded, load, stage
from dynaurora.metadata import Metadata
from dynaurora.model.events import ObjectName
from dynaurora.plugins.contract import Plugin
from dynaurora.ports import StoredObject
from dynaurora.sql.queries import Queries

_ELSEWHERE: Final = "elsewhere"
_METADATA_ELSEWHERE: Final = "dynaurora_elsewhere"


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
    quoted = engine.dialect.quoted
    filled = engine.connection.fetch(trial_queries(engine)["filled_tables"])
    if filled:
        names = ", ".join(f"{quoted(schema)}.{quoted(name)}" for schema, name in filled)
        engine.connection.execute(f"truncate {names} restart identity cascade")


def apply_again(engine: Engine, plugin: Plugin) -> None:
    """From now on the newest change of each key is applied once more, as by a rebuild."""
    engine.connection.execute(trial_queries(engine)["raise_generation"], [plugin.table])


def trial_queries(engine: Engine) -> Queries:
    """The statements that only trials need."""
    return replace(engine.queries, file=f"{engine.dialect.engine}_trials.sql")


@contextmanager
def elsewhere(engine: Engine) -> Iterator[Engine]:
    """The same database with nothing of Dynaurora in it: other schemas, which go in the end.

    What is in the usual ones can still be read, as by a plugin that reads another's table.
    """
    execute, dialect = engine.connection.execute, engine.dialect
    ((here,),) = engine.connection.fetch("select current_schema()")
    schemas = [dialect.quoted(name) for name in (_ELSEWHERE, _METADATA_ELSEWHERE)]
    execute(f"create schema {schemas[0]}")
    execute(f"set search_path to {schemas[0]}, {dialect.quoted(here)}")
    try:
        yield replace(engine, queries=dialect.queries(_METADATA_ELSEWHERE))
    finally:
        execute(f"set search_path to {dialect.quoted(here)}")
        for schema in schemas:
            execute(f"drop schema if exists {schema} cascade")
