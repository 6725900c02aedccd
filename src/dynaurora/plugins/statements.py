"""The SQL that a declaration stands for on a dialect: what to say, and in which order.

How an engine says it is in one file per engine, `dynaurora.plugins.statements_postgresql` and its
like, all of this shape (``Statements``).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib import import_module
from typing import Any, Final, Protocol, cast

from dynaurora.plugins.tables import SqlColumn, SqlTable
from dynaurora.sql.dialect import Dialect

LINE_CHARACTERS: Final = 96


class Statements(Protocol):
    """How one engine says what a declaration means."""

    refused_columns: frozenset[str]
    """Column names that the engine does not allow."""

    def create(self, table: SqlTable) -> list[str]:
        """The table, if it is not there, and its indexes."""
        ...

    def drop(self, table: SqlTable) -> str: ...

    def create_history(self, versions: SqlTable) -> str:
        """The view that says from when to when each version held. It can be made anew when the
        table has got another column."""
        ...

    def drop_history(self, versions: SqlTable) -> str: ...

    def upsert(self, table: SqlTable) -> str:
        """Bring the rows of its relation into the table."""
        ...

    def trim(self, table: SqlTable) -> str:
        """Delete the rows that the items of ``within`` no longer have in its relation."""
        ...

    def delete_removed(self, table: SqlTable, *, expired: bool | None) -> str:
        """Delete the rows of the items that were removed; children go with their parent.

        expired: those alone that expired, or that did not.
        """
        ...

    def mark_removed(self, table: SqlTable, *, expired: bool | None) -> str:
        """Say in the rows of the items that were removed, or of some of them, when that was."""
        ...

    def columns_of(self, table: str) -> str:
        """A query: name, type, whether it is NOT NULL, and place in the primary key from 1 or NULL
        of each column of a table; no rows where there is none."""
        ...

    def declared_type(self, sql_type: str) -> str | None:
        """A type as a declaration spells it, however the server does; None for one that no
        declaration makes."""
        ...

    def alter(self, table: str, actions: Sequence[str]) -> str:
        """One statement of the actions below."""
        ...

    def add_column(self, column: SqlColumn) -> str: ...

    def widen(self, column: SqlColumn) -> str: ...

    def require(self, column: str, sql_type: str) -> str: ...

    def allow_null(self, column: str, sql_type: str) -> str: ...

    def drop_column(self, table: str, column: str) -> str:
        """The whole statement, for a person."""
        ...

    def first_rows(self, table: SqlTable) -> str: ...

    def first_history(self, versions: SqlTable) -> str: ...

    def counts(self, tables: Sequence[SqlTable]) -> str: ...


def statements_of(engine: str) -> Statements:
    """How this engine says it. Raises ``KeyError`` for an engine that has no file yet."""
    return cast("Statements", _module("dynaurora.plugins.statements_", engine))


def dialect_of(engine: str) -> Dialect:
    """The dialect of an engine. Raises ``KeyError`` for one that has no file yet."""
    return cast("Dialect", _module("dynaurora.sql.", engine))


def create_statements(tables: Iterable[SqlTable], engine: str) -> list[str]:
    """Parents come before their children, as in ``tables``."""
    said = statements_of(engine)
    found: list[str] = []
    for table in tables:
        found += said.create(table)
        if table.history is not None:
            found.append(said.create_history(table))
    return found


def insert_statements(tables: Sequence[SqlTable], engine: str) -> list[str]:
    """The parent, its children, its versions; then the removed, which may take the children along.

    tables: those of one declaration, the parent first.
    """
    said = statements_of(engine)
    found: list[str] = []
    for table in tables:
        if table.within is not None:
            found.append(said.trim(table))
        found.append(said.upsert(table))
    return [*found, *_removals(tables[0], said)]


def _removals(table: SqlTable, said: Statements) -> Iterator[str]:
    """One statement where expired items fare as all others do, else one for each that says so."""
    for expired in (None,) if table.deleted == table.expired else (False, True):
        policy = table.expired if expired else table.deleted
        if policy == "remove":
            yield said.delete_removed(table, expired=expired)
        elif policy == "mark":
            yield said.mark_removed(table, expired=expired)


def drop_statements(tables: Sequence[SqlTable], engine: str) -> list[str]:
    """Views first, then children, whose foreign keys hold the parent."""
    said = statements_of(engine)
    views = [said.drop_history(table) for table in tables if table.history is not None]
    return [*views, *(said.drop(table) for table in reversed(tables))]


def select_statements(tables: Sequence[SqlTable], engine: str) -> Mapping[str, str]:
    """What one wants to see of a table before having written a query for it."""
    said = statements_of(engine)
    first = {
        f"first {table.names[-1]}": said.first_rows(table)
        if table.history is None
        else said.first_history(table)
        for table in tables
    }
    return {**first, f"count {tables[0].name}": said.counts(tables)}


def listed(head: str, parts: Iterable[str]) -> str:
    """``head`` and parts in one line, or the parts on lines of their own where that gets too long.

    A part, which may be a quoted name, is never broken.
    """
    found = list(parts)
    line = f"{head} {', '.join(found)}"
    if len(line) <= LINE_CHARACTERS:
        return line
    return head + _lines(found)


def bracketed(head: str, parts: Iterable[str]) -> str:
    """``head (a, b)``, with the parts on lines of their own where that gets too long."""
    found = list(parts)
    line = f"{head} ({', '.join(found)})"
    if len(line) <= LINE_CHARACTERS:
        return line
    return f"{head} ({_lines(found)}\n)"


def _lines(parts: Iterable[str]) -> str:
    lines = [""]
    for part in parts:
        if lines[-1] and len(lines[-1]) + len(part) > LINE_CHARACTERS - 4:
            lines.append("")
        lines[-1] += f"{part}, "
    return "".join(f"\n  {line.rstrip()}" for line in lines).rstrip(",")


def _module(prefix: str, engine: str) -> Any:
    try:
        return import_module(prefix + engine)
    except ModuleNotFoundError:
        raise KeyError(engine) from None
