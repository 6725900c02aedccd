"""Halving: which rows of a load does the database refuse?

Only the plugin's work is done again for parts of the winners, never the arbitration. The relations
are set aside once, and cut down to the rows of some keys before each attempt.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from dynaurora.errors import RowRefused
from dynaurora.ports import Connection
from dynaurora.sql.dialect import Dialect, RelationColumn
from dynaurora.sql.queries import Queries
from dynaurora.staging import Relation

Unit = TypeVar("Unit")


class Parts:
    """The relations of a load, cut down to some of their keys at a time."""

    def __init__(
        self,
        connection: Connection,
        dialect: Dialect,
        queries: Queries,
        relations: Sequence[Relation],
    ) -> None:
        self._connection = connection
        self._dialect = dialect
        self._queries = queries
        self._relations = [relation.name for relation in relations]
        for name in self._relations:
            connection.execute(dialect.set_aside(name))
        connection.execute(
            dialect.create_relation("_part", [RelationColumn("k", dialect.key_type)])
        )

    def keys(self) -> list[bytes]:
        """Every key of the relations, in key order."""
        union = " union ".join(
            f"select _key from {self._dialect.quoted(relation)}" for relation in self._relations
        )
        rows = self._connection.fetch(f"{union} order by 1")
        return [self._dialect.key_bytes(key) for (key,) in rows]

    def keep_only(self, keys: Sequence[bytes]) -> None:
        """Leave the rows of these keys in the relations."""
        self._begin(keys)
        for relation in self._relations:
            self._connection.execute(self._dialect.take_part(relation))

    def keep_versions(self, key: bytes, versions: Sequence[str], *, has_newest: bool) -> None:
        """Leave these neighbouring versions of a key in ``changes``; what it has in the other
        relations is the newest version's."""
        self._begin([key])
        for relation in self._relations:
            if relation != "changes" and has_newest:
                self._connection.execute(self._dialect.take_part(relation))
        first_and_last = [self._dialect.encoded_key(key), versions[0], versions[-1]]
        self._connection.execute(self._queries["take_versions"], first_and_last)

    def _begin(self, keys: Sequence[bytes]) -> None:
        # What was applied before has made the deferred constraints immediate.
        self._connection.execute(self._queries["defer_constraints"])
        self._connection.execute("delete from _part")
        rows = "".join(f"{self._dialect.encoded_key(key)}\n" for key in keys)
        self._connection.copy_in("_part", ["k"], [rows.encode()])
        for relation in self._relations:
            self._connection.execute(f"delete from {self._dialect.quoted(relation)}")


def refused_alone(
    part: Sequence[Unit], apply: Callable[[Sequence[Unit]], None]
) -> Iterator[tuple[Unit, RowRefused]]:
    """Apply all but those that are refused alone, and tell these."""
    if not part:
        return
    found: RowRefused | None = None
    try:
        apply(part)
    except RowRefused as error:
        found = error
    if found is None:
        return
    if len(part) == 1:
        yield part[0], found
        return
    middle = len(part) // 2
    yield from refused_alone(part[:middle], apply)
    yield from refused_alone(part[middle:], apply)
