"""A rehearsal: a load of which nothing stays.

    begin
      lock what the load would lock: the table, then the ledger rows of the keys
      make the metadata as temporary tables, and copy what is known of the table and the keys
      …  whoever rehearses: create statements, load, looking at rows
    roll back

The load knows nothing of it: it is given a connection whose transactions are savepoints, and
statements whose metadata is temporary. So nothing is written to the real metadata, whose numbers a
rollback would not give back. What the plugin writes, it writes where it always does.

MySQL commits at every CREATE: there it takes place elsewhere
(`dynaurora.operations.rehearsal_elsewhere`).
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any, Final

from dynaurora.cells import Image
from dynaurora.etl import Engine
from dynaurora.operations.rehearsal_elsewhere import rehearsing_elsewhere
from dynaurora.operations.rehearsed import (
    NothingStays,
    Rehearsal,
    RehearsedConnection,
    preview_queries,
)
from dynaurora.plugins.contract import Plugin
from dynaurora.sql.queries import Queries

_TEMPORARY: Final = "pg_temp"
"""The schema of a session's temporary tables, in which names are looked up first.
https://www.postgresql.org/docs/15/runtime-config-client.html#GUC-SEARCH-PATH"""

_PREFIX: Final = "_preview_"
"""A plugin may have an SQL table that is called as one of the metadata, but none that begins so."""


def rehearsing(
    engine: Engine, plugin: Plugin, keys: Mapping[bytes, Image], *, is_as_new: bool
) -> AbstractContextManager[Rehearsal]:
    """Inside, the plugin's tables are as they are, and in the end they are as they were.

    keys: of the items whose changes are loaded. is_as_new: the ledger knows none of them.
    """
    if engine.dialect.undoes_definitions:
        return _in_a_transaction(engine, plugin, keys, is_as_new=is_as_new)
    return rehearsing_elsewhere(engine, plugin, keys, is_as_new=is_as_new)


@contextmanager
def _in_a_transaction(
    engine: Engine, plugin: Plugin, keys: Mapping[bytes, Image], *, is_as_new: bool
) -> Iterator[Rehearsal]:
    with suppress(NothingStays), engine.connection.transaction():
        connection = RehearsedConnection(engine.connection, is_inside=True)
        temporary = replace(engine.queries, schema=_TEMPORARY, prefix=_PREFIX)
        found = _Found(engine, connection, temporary)
        listed = sorted(key.hex() for key in keys)
        found.prepare(plugin.table, listed, plugin.is_row_wise, is_as_new)
        yield Rehearsal(replace(engine, connection=connection, queries=temporary), connection)
        raise NothingStays


@dataclass(frozen=True, slots=True)
class _Found:
    """The metadata that is there, and its temporary copy."""

    engine: Engine
    connection: RehearsedConnection
    temporary: Queries

    def prepare(self, table: str, keys: list[str], is_row_wise: bool, is_as_new: bool) -> None:  # noqa: FBT001 - named where it is called
        queries, fetch = preview_queries(self.engine), self.connection.fetch
        fetch(queries["limits"])
        for prefix in ("metadata_", "added_"):
            for statement in self.temporary.starting_with(prefix):
                if statement != self.temporary["metadata_schema"]:
                    self.connection.execute(statement)
        if not _is(fetch(queries["has_metadata"])):
            return
        self.connection.execute(queries["copy_tables"])
        fetch(queries["count_on"])
        self.connection.execute(queries["copy_sql_tables"])
        for number, *_ in fetch(self.engine.queries["table"], [table]):
            kind = "shared" if is_row_wise else "exclusive"
            lock = self.engine.queries[f"lock_table_{kind}"]
            fetch(lock, [self.engine.queries.schema, number])
            self.connection.execute(queries["copy_streams"], [number])
            if _is(fetch(queries.of_table("has_ledger", number))):
                self._copy_ledger(number, keys, is_as_new)

    def _copy_ledger(self, number: int, keys: list[str], is_as_new: bool) -> None:  # noqa: FBT001 - see above
        queries = preview_queries(self.engine)
        self.connection.fetch(queries.of_table("lock_keys", number), [keys])
        self.connection.execute(self.temporary.of_table("create_ledger", number))
        if not is_as_new:
            statement = queries.of_table("copy_ledger", number)
            copy = self.temporary.ledger(number)
            self.connection.execute(statement.replace("{copy}", copy), [keys])


def _is(rows: Sequence[tuple[Any, ...]]) -> bool:
    ((found,),) = rows
    return bool(found)
