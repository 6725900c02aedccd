"""The plugin as the load sees it, whichever way it was written.

A ``Plugin`` is plain data: which columns and rows to stage, and the statements of one engine. Made
by `dynaurora.plugins.folder` from a file that keeps the rules of docs/plugins.md.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final, Literal

from dynaurora.plugins.declarations import Column, Rows

Engine = Literal["postgresql", "mysql"]
ENGINES: Final[tuple[Engine, ...]] = ("postgresql", "mysql")

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
    tables: the SQL tables that the plugin's declarations make, with their columns.
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
    tables: Mapping[str, tuple[str, ...]]
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

    def names(self, word: str) -> bool:
        """Whether an insert statement names this relation or column."""
        if _WORD.fullmatch(word):
            return word.lower() in self.words
        quoted = word.replace('"', '""').lower()
        return any(quoted in statement.lower() for statement in self.insert)
