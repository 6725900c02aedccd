"""How an SQL table that is there becomes the one that a declaration asks for now.

What loses nothing is done: a column is added, a number gets more room, a column that may be NULL
by now may be. What would lose something is refused, with the SQL that would do it all the same. A
column that holds more than is asked for stays as it is, and so does one that nobody asks for.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from dynaurora.plugins.statements import Statements
from dynaurora.plugins.tables import SqlColumn, SqlTable

_DECIMAL: Final = re.compile(r"(?:numeric|decimal)\((\d+)(?:,(\d+))?\)")
_Digits = tuple[int, int]
"""Before the point, and after it."""
_EVERY: Final = (1 << 20, 1 << 20)
_ROOM: Final[Mapping[str, _Digits]] = {"integer": (9, 0), "bigint": (18, 0), "numeric": _EVERY}
_NEED: Final[Mapping[str, _Digits]] = {"integer": (10, 0), "bigint": (19, 0), "numeric": _EVERY}
"""An integer has room for every number of nine digits, and for some of ten."""


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
    """The statements that bring a table to what is declared; none where it is as it should be.

    found: the columns of the table that is there. The statements belong into one transaction.
    Raises ``EvolutionRefused``.
    """
    there = {column.name: column for column in found}
    _check_key(table, found)
    wider = [column for column in table.columns if _is_wider(table, column, there, said)]
    added = [column for column in table.columns if column.name not in there]
    required = {column.name: column.is_required for column in table.columns}
    actions = [
        *(said.add_column(replace(column, is_required=False)) for column in added),
        *map(said.widen, wider),
        *(
            said.require(c.name, c.sql_type)
            for c in found
            if required.get(c.name) and not c.is_required
        ),
        *(
            said.allow_null(c.name, c.sql_type)
            for c in found
            if c.is_required and not required.get(c.name)
        ),
    ]
    # Afterwards, because MySQL gives the rows that are there 0 or '' for what is required at once.
    late = [said.require(c.name, c.sql_type) for c in added if c.is_required]
    statements = [said.alter(table.name, found) for found in (actions, late) if found]
    if wider and table.history is not None:  # a view holds the types of its columns
        return [said.drop_history(table), *statements, said.create_history(table)]
    return statements


def _check_key(table: SqlTable, found: Sequence[FoundColumn]) -> None:
    places = {c.key_place: c.name for c in found if c.key_place is not None}
    key = tuple(places[place] for place in sorted(places))
    if key != table.key:
        raise EvolutionRefused(
            "key",
            f"the primary key of {table.name} is ({', '.join(key)}) in SQL",
            f"({', '.join(table.key)}), as it is declared",
        )


def _is_wider(
    table: SqlTable, column: SqlColumn, there: Mapping[str, FoundColumn], said: Statements
) -> bool:
    """Whether the column has to get more room. Raises where it would hold something else."""
    found = there.get(column.name)
    if found is None or _holds(found.sql_type, column.sql_type, said):
        return False
    if _holds(column.sql_type, found.sql_type, said):
        return True
    raise EvolutionRefused(
        f'columns["{column.name}"]',
        f"{table.name}.{column.name} is {found.sql_type} in SQL, of which not every value is the "
        f"same as {column.sql_type}",
        "a type that holds what is there",
        "" if column.name in table.key else said.drop_column(table.name, column.name),
    )


def _holds(sql_type: str, other: str, said: Statements) -> bool:
    """Whether a column of a type has room for every value of the other, as the same value.

    Numbers have room for numbers of fewer digits; any other type holds itself alone. A type that no
    declaration makes was made by hand, and is taken to be right.
    """
    one, another = said.declared_type(sql_type), said.declared_type(other)
    if one == another or one is None or another is None:
        return True
    room, need = _digits(one, _ROOM), _digits(another, _NEED)
    return room is not None and need is not None and room[0] >= need[0] and room[1] >= need[1]


def _digits(sql_type: str, of_words: Mapping[str, _Digits]) -> _Digits | None:
    """The digits of a number's type; None for what is no number."""
    match = _DECIMAL.fullmatch(sql_type)
    if match is None:
        return of_words.get(sql_type)
    precision, scale = int(match[1]), int(match[2] or 0)
    return precision - scale, scale


def found_columns(rows: Sequence[tuple[object, ...]]) -> list[FoundColumn]:
    """The answer to ``Statements.columns_of``."""
    return [
        FoundColumn(
            str(name), str(kind), bool(is_required), place if isinstance(place, int) else None
        )
        for name, kind, is_required, place in rows
    ]
