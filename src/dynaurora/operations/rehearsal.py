"""A rehearsal: a load in a transaction of which nothing stays.

    begin
      lock what the load would lock: the table, then the ledger rows of the keys
      make the metadata as temporary tables, and copy what is known of the table and the keys
      …  whoever rehearses: create statements, load, looking at rows
    roll back

The load knows nothing of it: it is given a connection whose transactions are savepoints, and
statements whose metadata is temporary. So nothing is written to the real metadata, whose numbers a
rollback would not give back. What the plugin writes, it writes where it always does.

MySQL commits at every CREATE: there a rehearsal will need a database of its own, which is
`rehearsing`'s to make.
"""

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any, Final

from dynaurora.errors import DatabaseError
from dynaurora.etl import Engine
from dynaurora.ports import Connection, RelationColumn
from dynaurora.sql.queries import Queries

_TEMPORARY: Final = "pg_temp"
"""The schema of a session's temporary tables, in which names are looked up first.
https://www.postgresql.org/docs/15/runtime-config-client.html#GUC-SEARCH-PATH"""

_PREFIX: Final = "_preview_"
"""A plugin may have an SQL table that is called as one of the metadata, but none that begins so."""


@dataclass(frozen=True, slots=True)
class Run:
    """A statement that was run. touched: its rows."""

    statement: str
    touched: int
    seconds: float


class RehearsedConnection:
    """`ports.Connection` inside a transaction that somebody else ends.

    A statement that fails leaves what was there before it. The statements that are run together,
    which are the plugin's, are run one by one, and timed; before_plugin is called before the first.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.before_plugin: Callable[[], None] = lambda: None
        self.runs: list[Run] = []
        self._has_begun = False

    def execute(self, statement: str, parameters: Sequence[Any] = ()) -> int:
        with self._connection.savepoint():
            begin = time.perf_counter()
            touched = self._connection.execute(statement, parameters)
            self.runs.append(Run(statement, max(0, touched), time.perf_counter() - begin))
        return touched

    def execute_all(self, statements: Sequence[str]) -> list[int]:
        if not self._has_begun:
            self._has_begun = True
            self.before_plugin()
        runs: list[Run] = []
        for statement in statements:
            begin = time.perf_counter()
            try:
                touched = self._connection.execute(statement)
            except DatabaseError as error:
                error.done = [run.touched for run in runs]
                raise
            runs.append(Run(statement, max(0, touched), time.perf_counter() - begin))
        self.runs += runs
        return [run.touched for run in runs]

    def fetch(self, statement: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        with self._connection.savepoint():
            return self._connection.fetch(statement, parameters)

    def fetch_named(self, statement: str) -> tuple[list[str], list[tuple[Any, ...]]]:
        with self._connection.savepoint():
            return self._connection.fetch_named(statement)

    def copy_in(
        self, relation: str, columns: Sequence[RelationColumn], blocks: Iterable[bytes]
    ) -> None:
        self._connection.copy_in(relation, columns, blocks)

    def transaction(self) -> AbstractContextManager[None]:
        return self._connection.savepoint()

    def savepoint(self) -> AbstractContextManager[None]:
        return self._connection.savepoint()

    def is_healthy(self) -> bool:
        return True  # or the transaction would have ended

    def close(self) -> None:
        """It is somebody else's."""


class _NothingStays(Exception):
    """Ends a transaction, whatever was done in it."""


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What a load is rehearsed with. engine: has the connection, and the temporary metadata."""

    engine: Engine
    connection: RehearsedConnection


@contextmanager
def rehearsing(
    engine: Engine, table: str, keys: Collection[bytes], *, is_row_wise: bool, is_as_new: bool
) -> Iterator[Rehearsal]:
    """Inside, the table is as it is, and in the end it is as it was.

    keys: of the items whose changes are loaded. is_as_new: the ledger knows none of them.
    """
    with suppress(_NothingStays), engine.connection.transaction():
        connection = RehearsedConnection(engine.connection)
        temporary = replace(engine.queries, schema=_TEMPORARY, prefix=_PREFIX)
        found = _Found(engine, connection, temporary)
        found.prepare(table, sorted(key.hex() for key in keys), is_row_wise, is_as_new)
        yield Rehearsal(replace(engine, connection=connection, queries=temporary), connection)
        raise _NothingStays


def preview_queries(engine: Engine) -> Queries:
    """The statements of a preview, on the metadata of an engine."""
    return replace(engine.queries, file=f"{engine.dialect.engine}_preview.sql")


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
