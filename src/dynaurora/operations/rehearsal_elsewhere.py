"""A rehearsal where nothing undoes a CREATE: in a database of its own (`dynaurora.elsewhere`).

make it, and metadata beside it
make the tables that the load would meet           (`dynaurora.operations.copies`)
begin, and lock the table: no load of it is under way
  copy what is known of the table and the keys, and the rows that matter
commit: from now on nobody waits for this
…  whoever rehearses: create and alter
begin
  …  load, look at rows
roll back, and drop it all
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace

from dynaurora.cells import Image, item_cell, written_cells
from dynaurora.elsewhere import Elsewhere, elsewhere
from dynaurora.errors import PluginError, StatementRefused, ValueRefused
from dynaurora.etl import Engine
from dynaurora.metadata import Metadata
from dynaurora.metadata.evolving import pending_alterations
from dynaurora.operations.copies import Copies
from dynaurora.operations.rehearsed import (
    NothingStays,
    Rehearsal,
    RehearsedConnection,
    preview_queries,
)
from dynaurora.plugins.beyond import beyond
from dynaurora.plugins.contract import Plugin
from dynaurora.ports import RelationColumn
from dynaurora.sql.queries import Queries
from dynaurora.staging import Relation


@contextmanager
def rehearsing_elsewhere(
    engine: Engine, plugin: Plugin, keys: Mapping[bytes, Image], *, is_as_new: bool
) -> Iterator[Rehearsal]:
    """See `dynaurora.operations.rehearsal.rehearsing`.

    Raises ``PluginError`` for a statement that would reach beyond its database.
    """
    is_altered = bool(pending_alterations(engine.connection, plugin))
    with elsewhere(engine.connection, engine.dialect) as place:
        _stay_inside(plugin, place)
        queries = engine.dialect.queries(place.metadata)
        copies = Copies(place, plugin, preview_queries(engine), is_altered=is_altered)
        items = _items(engine, plugin, keys)
        _Found(engine, plugin, copies, queries).prepare(items, is_as_new)
        connection = RehearsedConnection(engine.connection, is_inside=False)

        @contextmanager
        def loading() -> Iterator[None]:
            with suppress(NothingStays), engine.connection.transaction():
                connection.is_inside = True
                yield
                raise NothingStays

        yield Rehearsal(
            replace(engine, connection=connection, queries=queries), connection, loading
        )


def _stay_inside(plugin: Plugin, place: Elsewhere) -> None:
    databases = place.databases()
    for kind, statements in (("create", plugin.create), ("insert", plugin.insert)):
        for number, statement in enumerate(statements):
            reason = beyond(statement, plugin.engine, databases)
            if reason is None:
                continue
            from dynaurora.plugins.refused import place_of  # noqa: PLC0415 - only for what is wrong

            why, offset = reason
            error = StatementRefused("", why, position=offset + 1)
            raise PluginError(
                place_of(plugin, "create" if kind == "create" else "insert", number, error),
                why,
                "names of tables alone: a preview takes place in a database of its own",
                "Leave the database out; the loader's session is in it.",
            )


def _items(engine: Engine, plugin: Plugin, keys: Mapping[bytes, Image]) -> Relation:
    """The items of a load by the columns of their key, as the plugin's tables have them."""
    dialect = engine.dialect
    cells = [(name, item_cell(dialect, name, plugin.columns[name])) for name in plugin.key]
    columns = [RelationColumn("_key", dialect.key_type)]
    columns += [
        RelationColumn(name, dialect.sql_type(plugin.columns[name].type)) for name in plugin.key
    ]
    rows = []
    for key, image in keys.items():
        with suppress(ValueRefused, AttributeError, KeyError, TypeError, ValueError):
            rows.append("\t".join([dialect.encoded_key(key), *written_cells(cells, image)]))
    return Relation("_items", tuple(columns), rows)


@dataclass(frozen=True, slots=True)
class _Found:
    """The metadata and the tables that are there, and their copies."""

    engine: Engine
    plugin: Plugin
    copies: Copies
    queries: Queries

    def prepare(self, items: Relation, is_as_new: bool) -> None:  # noqa: FBT001 - named where it is called
        connection = self.engine.connection
        said = preview_queries(self.engine)
        Metadata(connection, self.queries).create()
        self.copies.make()
        number = self._number(said)
        has_ledger = number is not None and self._is(said.of_table("has_ledger", number))
        if number is not None and has_ledger:
            connection.execute(self.queries.of_table("create_ledger", number))
        with connection.transaction():
            connection.execute(self.engine.dialect.create_relation(items.name, items.columns))
            if items.rows:
                connection.copy_in(items.name, items.columns, items.blocks())
            if number is not None:
                self._copy_metadata(said, number, has_ledger=has_ledger and not is_as_new)
            self.copies.fill()
        self.copies.finish()

    def _number(self, said: Queries) -> int | None:
        if not self._is(said["has_metadata"]):
            return None
        found = Metadata(self.engine.connection, self.engine.queries).find(self.plugin.table)
        return found.number if found else 0

    def _copy_metadata(self, said: Queries, number: int, *, has_ledger: bool) -> None:
        connection = self.engine.connection
        lock = self.engine.queries["lock_table_exclusive"]
        connection.fetch(lock, [self.engine.queries.schema, number])
        connection.execute(self._filled(said["copy_tables"]))
        connection.execute(self._filled(said["copy_sql_tables"]))
        connection.execute(self._filled(said["copy_streams"]), [number])
        if has_ledger:
            copy = said.of_table("copy_ledger", number)
            connection.execute(copy.replace("{copy}", self.queries.ledger(number)))

    def _filled(self, statement: str) -> str:
        return statement.replace("{copies}", self.queries.schema)

    def _is(self, statement: str) -> bool:
        ((found,),) = self.engine.connection.fetch(statement)
        return bool(found)
