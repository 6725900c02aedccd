"""What a load is rehearsed with: a connection whose transactions are savepoints, which counts."""

import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Any

from dynaurora.errors import DatabaseError
from dynaurora.etl import Engine
from dynaurora.ports import Connection, RelationColumn
from dynaurora.sql.queries import Queries


@dataclass(frozen=True, slots=True)
class Run:
    """A statement that was run. touched: its rows."""

    statement: str
    touched: int
    seconds: float


class RehearsedConnection:
    """`ports.Connection` inside a transaction that somebody else ends.

    is_inside: False while no transaction could hold what is done. A statement that fails inside
    leaves what was there before it. The statements that are run together,
    which are the plugin's, are run one by one, and timed; before_plugin is called before the first.
    """

    def __init__(self, connection: Connection, *, is_inside: bool) -> None:
        self._connection = connection
        self.is_inside = is_inside
        self.before_plugin: Callable[[], None] = lambda: None
        self.runs: list[Run] = []
        self._has_begun = False

    def execute(self, statement: str, parameters: Sequence[Any] = ()) -> int:
        with self._held():
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
        with self._held():
            return self._connection.fetch(statement, parameters)

    def fetch_named(self, statement: str) -> tuple[list[str], list[tuple[Any, ...]]]:
        with self._held():
            return self._connection.fetch_named(statement)

    def copy_in(
        self, relation: str, columns: Sequence[RelationColumn], blocks: Iterable[bytes]
    ) -> None:
        self._connection.copy_in(relation, columns, blocks)

    def transaction(self) -> AbstractContextManager[None]:
        return self._connection.savepoint() if self.is_inside else self._connection.transaction()

    def savepoint(self) -> AbstractContextManager[None]:
        return self._connection.savepoint()

    def is_healthy(self) -> bool:
        return True  # or the transaction would have ended

    def close(self) -> None:
        """It is somebody else's."""

    def _held(self) -> AbstractContextManager[None]:
        return self._connection.savepoint() if self.is_inside else nullcontext()


class NothingStays(Exception):
    """Ends a transaction, whatever was done in it."""


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What a load is rehearsed with. engine: has the connection, and metadata of its own.

    loading: inside, the load takes place, and what comes of it can be looked at.
    """

    engine: Engine
    connection: RehearsedConnection
    loading: Callable[[], AbstractContextManager[None]] = nullcontext


def preview_queries(engine: Engine) -> Queries:
    """The statements of a preview, on the metadata of an engine."""
    return replace(engine.queries, file=f"{engine.dialect.engine}_preview.sql")
