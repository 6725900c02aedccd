"""The metadata itself: made where it is missing, completed where a version before made it.

Nobody asks beforehand whether it is there. A statement that the database refuses is the question:
the metadata is made, and the statement is run once more. So a database that is as it should be
costs nothing, and whoever comes first, a load or a command, makes it.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from dynaurora.errors import StatementRefused
from dynaurora.ports import Connection
from dynaurora.sql.queries import Queries

Outcome = TypeVar("Outcome")


class Making:
    """Makes the metadata of one pipeline, on one connection."""

    def __init__(self, connection: Connection, queries: Queries) -> None:
        self._connection = connection
        self._queries = queries

    def create(self) -> None:
        """Make the schema and its tables; what is there stays, and gets what it lacks."""
        with self.creating():
            self._execute(self._queries.starting_with("metadata_"))
            if not self._is_complete():
                self._execute(self._queries.starting_with("added_"))

    def execute(self, name: str, parameters: Sequence[Any]) -> int:
        """Run a statement outside a transaction; the number of rows it touched."""
        return self._made(lambda: self._connection.execute(self._queries[name], parameters))

    def fetch(self, name: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Run a query outside a transaction; its rows."""
        return self._made(lambda: self._connection.fetch(self._queries[name], parameters))

    @contextmanager
    def creating(self) -> Iterator[None]:
        """Two loaders that meet a new table at once: `if not exists` alone is not enough, both may
        find nothing and one then fails. https://www.postgresql.org/docs/15/explicit-locking.html
        """
        self._connection.fetch(self._queries["lock_creation"], [self._queries.schema])
        try:
            yield
        finally:
            self._connection.fetch(self._queries["unlock_creation"], [self._queries.schema])

    def _made(self, work: Callable[[], Outcome]) -> Outcome:
        try:
            return work()
        except StatementRefused:
            self.create()
            return work()

    def _is_complete(self) -> bool:
        """Adding a column locks its table against every load, also where it is there already."""
        try:
            self._connection.fetch(self._queries["is_complete"])
        except StatementRefused:
            return False
        return True

    def _execute(self, statements: Iterable[str]) -> None:
        for statement in statements:
            self._connection.execute(statement)
