"""The plugin as the load sees it, whichever way it was written.

A ``Plugin`` is plain data: which columns and rows to stage, and the statements of one engine. Made
by `dynaurora.plugins.folder` from a file that keeps the rules of docs/plugins.md.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

from dynaurora.model import paths
from dynaurora.model.paths import Attribute
from dynaurora.plugins.declarations import Column, Rows
from dynaurora.plugins.tables import SqlTable
from dynaurora.sql.engines import ENGINES, Engine

__all__ = ["ENGINES", "MOST_UNMAPPED", "NO_TABLE", "Engine", "Plugin"]

MOST_UNMAPPED: Final = 200
"""Unmapped attributes of a table that are noted. Where there are more, names are data."""

NO_TABLE: Final = ""
"""In the place of an unmapped attribute: items that no table of the plugin takes."""

_WORD: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_$]*")


@dataclass(frozen=True)
class Plugin:
    """What becomes of one DynamoDB table on one engine.

    table: the DynamoDB table, exactly.
    digest: of the file's bytes; another digest is a changed plugin.
    key: the columns that hold the DynamoDB key, partition key first.
    columns, rows: what is staged, by name.
    create, insert, drop: statements in the order in which they run.
    select: queries by name.
    tables: the SQL tables that the plugin's declarations make, by name, parents first.
    sql_tables: every SQL table that it makes, declared or by its own create statements.
    is_row_wise: it defines no ``insert_table_queries`` of its own, so loads may run side by side.
    """

    table: str
    path: Path
    digest: str
    engine: Engine
    key: tuple[str, ...]
    columns: Mapping[str, Column]
    rows: Mapping[str, Rows]
    create: tuple[str, ...]
    insert: tuple[str, ...]
    drop: tuple[str, ...]
    select: Mapping[str, str]
    tables: Mapping[str, SqlTable]
    sql_tables: tuple[str, ...]
    is_row_wise: bool

    @cached_property
    def words(self) -> frozenset[str]:
        """Every word of the insert statements, in lower case.

        A relation or an optional column is made only when its word occurs; a word in a comment or
        in a text makes one too many, which is harmless.
        """
        return frozenset(
            word.lower() for statement in self.insert for word in _WORD.findall(statement)
        )

    @cached_property
    def attributes(self) -> frozenset[str] | None:
        """The attributes that are read; None where something reads all of them."""
        found = set[str]()
        paths = [_path_of(name, column) for name, column in self.columns.items()]
        for rows in self.rows.values():
            paths += [condition.path for condition in rows.when or ()]
            inner = (_path_of(name, column) for name, column in rows.columns.items())
            paths += [rows.path] if rows.path else inner
        for path in paths:
            if not path or not isinstance(path[0], Attribute):
                return None
            found.add(path[0].name)
        return None if self.names("_item") else frozenset(found)

    @cached_property
    def takes_kinds(self) -> bool:
        """Whether it takes items of certain kinds alone: each of its rows has a ``when``, and the
        key is all that it reads of every item."""
        rows = self.rows.values()
        return (
            set(self.columns) == set(self.key)
            and any(not found.path for found in rows)
            and all(found.when for found in rows)
        )

    def names(self, word: str) -> bool:
        """Whether an insert statement names this relation or column."""
        if _WORD.fullmatch(word):
            return word.lower() in self.words
        quoted = word.replace('"', '""').lower()
        return any(quoted in statement.lower() for statement in self.insert)


def _path_of(name: str, column: Column) -> paths.Path:
    return (Attribute(name),) if column.path is None else column.path
