"""How an SQL table that is there becomes the one that a declaration asks for now.

What loses nothing is done: a column is added, a number gets more room, a column that may be NULL
by now may be. What would lose something is refused, with the SQL that would do it all the same. A
column that holds more than is asked for stays as it is, and so does one that nobody asks for.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dynaurora.plugins.statements import Statements
from dynaurora.plugins.tables import SqlColumn, SqlTable


@dataclass(frozen=True, slots=True)
class FoundColumn:
    """A column of a table that is there. key_place: its place in the primary key, from 1."""

    name: str
    sql_type: str
    is_required: bool
    key_place: int | None


class EvolutionRefused(Exception):
    """A declaration that the table cannot follow without a loss.

    place: of the declaration. loss: the SQL that would do it; "" where the table has to be made
    anew. It ends up in a ``PluginError``.
    """

    def __init__(self, place: str, found: str, expected: str, loss: str = "") -> None:
        super().__init__(found)
        self.place = place
        self.found = found
        self.expected = expected
        self.loss = loss


def alterations(table: SqlTable, found: Sequence[FoundColumn], said: Statements) -> list[str]:
    """What ``ALTER TABLE`` has to do, as its actions; none where the table is as it should be.

    found: the columns of the table that is there.
    Raises ``EvolutionRefused``.
    """
    there = {column.name: column for column in found}
    _check_key(table, found)
    actions = [
        action
        for column in table.columns
        for action in _of_column(table, column, there.get(column.name), said)
    ]
    wanted = set(table.column_names)
    left = (c for c in found if c.is_required and c.name not in wanted)
    return actions + [said.allow_null(column.name) for column in left]


def _check_key(table: SqlTable, found: Sequence[FoundColumn]) -> None:
    places = {c.key_place: c.name for c in found if c.key_place is not None}
    key = tuple(places[place] for place in sorted(places))
    if key != table.key:
        raise EvolutionRefused(
            "key",
            f"the primary key of {table.name} is ({', '.join(key)}) in SQL",
            f"({', '.join(table.key)}), as it is declared",
        )


def _of_column(
    table: SqlTable, column: SqlColumn, found: FoundColumn | None, said: Statements
) -> Iterator[str]:
    if found is None:
        yield said.add_column(column)
        return
    if not said.holds(found.sql_type, column.sql_type):
        if not said.holds(column.sql_type, found.sql_type):
            raise EvolutionRefused(
                f'columns["{column.name}"]',
                f"{table.name}.{column.name} is {found.sql_type} in SQL, of which not every value "
                f"is the same as {column.sql_type}",
                "a type that holds what is there",
                said.drop_column(table.name, column.name),
            )
        yield said.widen(column)
    if column.is_required and not found.is_required:
        yield said.require(column.name)
    if found.is_required and not column.is_required:
        yield said.allow_null(column.name)


def found_columns(rows: Sequence[tuple[object, ...]]) -> list[FoundColumn]:
    """The answer to ``Statements.columns_of``."""
    return [
        FoundColumn(
            str(name), str(kind), bool(is_required), place if isinstance(place, int) else None
        )
        for name, kind, is_required, place in rows
    ]
