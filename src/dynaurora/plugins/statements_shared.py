"""What every engine says alike of a declaration, but for how it quotes.

A file of an engine takes from here what fits it, and says the rest itself.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from dynaurora.plugins.declarations import VALIDITY
from dynaurora.plugins.statements import listed
from dynaurora.plugins.tables import SqlColumn, SqlTable

_FIRST_ROWS: Final = 100

EXPIRED: Final = {None: "", True: " and r._expired", False: " and not r._expired"}
"""Which of the removed items are meant, behind a condition on ``removed as r``."""


@dataclass(frozen=True)
class Shared:
    """The statements of one engine. quoted, literal: the dialect's."""

    quoted: Callable[[str], str]
    literal: Callable[[str], str]

    def drop(self, table: SqlTable) -> str:
        """Views that a person has put upon the table keep it: no cascade."""
        return f"drop table if exists {self.quoted(table.name)}"

    def create_history(self, versions: SqlTable) -> str:
        """With all columns as they stand in the table: a new one is the last there, and only at its
        end may PostgreSQL replace a view by one with another.

        https://www.postgresql.org/docs/15/sql-createview.html
        """
        key = self.names(versions.item_key)
        return (
            f"create or replace view {self.quoted(versions.names[-1])} as\n"
            "select * from (\n"
            "  select\n"
            "    _changed_at as valid_from,\n"
            f"    lead(_changed_at) over (partition by {key} order by _version) as valid_to,\n"
            "    v.*\n"
            f"  from {self.quoted(versions.name)} as v\n"
            ") as h\n"
            "where not _deleted"
        )

    def drop_history(self, versions: SqlTable) -> str:
        """The view of the versions."""
        return f"drop view if exists {self.quoted(versions.names[-1])}"

    def drop_column(self, table: str, column: str) -> str:
        """What is in it is lost."""
        return f"alter table {self.quoted(table)} drop column {self.quoted(column)}"

    def first_rows(self, table: SqlTable) -> str:
        """In key order, which the primary key's index gives for nothing."""
        return self._first(table.name, table.column_names, table.key)

    def first_history(self, versions: SqlTable) -> str:
        """Item by item, oldest first."""
        data = (name for name in versions.data_columns if not name.startswith("_"))
        columns = (*versions.item_key, *VALIDITY, *data)
        return self._first(versions.names[-1], columns, versions.key)

    def counts(self, tables: Sequence[SqlTable]) -> str:
        """The rows of a table and of its children."""
        return "\nunion all ".join(
            f"select {self.literal(table.name)} as sql_table, count(*) as count "
            f"from {self.quoted(table.name)}"
            for table in tables
        )

    def definition(self, column: SqlColumn) -> str:
        """A column, as it is made."""
        required = " not null" if column.is_required else ""
        return f"{self.quoted(column.name)} {column.sql_type}{required}"

    def selected(self, column: SqlColumn, alias: str) -> str:
        """What an insert selects for a column."""
        if column.expression is None:
            return f"{alias}.{self.quoted(column.name)}"
        return f"{column.expression} as {self.quoted(column.name)}"

    def same_item(self, table: SqlTable, one: str, other: str) -> str:
        """The condition that two rows are of one item."""
        names = map(self.quoted, table.item_key)
        return " and ".join(f"{one}.{name} = {other}.{name}" for name in names)

    def names(self, names: Iterable[str]) -> str:
        """Names in a list."""
        return ", ".join(map(self.quoted, names))

    def _first(self, name: str, columns: Iterable[str], key: Iterable[str]) -> str:
        return (
            f"{listed('select', map(self.quoted, columns))}\nfrom {self.quoted(name)}\n"
            f"order by {self.names(key)}\nlimit {_FIRST_ROWS}"
        )
