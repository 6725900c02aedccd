"""How MySQL 8.0 and MariaDB say what a declaration means: one SQL for both.

A temporary table is opened once per statement, so what is to be deleted is found by a join. Rows go
in by way of a derived table, whose columns an upsert may name on both servers; the order stands
outside it, because MariaDB drops an inner one.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from dynaurora.model.names import shortened_sql_name
from dynaurora.plugins.statements import bracketed, listed
from dynaurora.plugins.statements_shared import EXPIRED, Shared
from dynaurora.plugins.tables import SqlColumn, SqlTable
from dynaurora.sql.mysql import CHARACTER_SET, INDEX_PREFIX, literal, quoted

refused_columns: frozenset[str] = frozenset()


_WIDTH: Final = re.compile(r"^(int|bigint|tinyint)\(\d+\)$")
_SPELT: Final = {"int": "integer", "tinyint": "boolean"}
_DECLARED: Final = frozenset(
    "integer bigint boolean datetime(6) date char(36) longblob longtext varchar(255) varchar(4)"
    " varbinary(1024)".split()
)


_SAID: Final = Shared(quoted, literal)
drop = _SAID.drop
create_history = _SAID.create_history
drop_history = _SAID.drop_history
drop_column = _SAID.drop_column
first_rows = _SAID.first_rows
first_history = _SAID.first_history
counts = _SAID.counts
_definition = _SAID.definition
_selected = _SAID.selected
_same_item = _SAID.same_item
_names = _SAID.names


def create(table: SqlTable) -> list[str]:
    """The table with its primary key, a child's foreign key, and the indexes.

    The indexes stand in it: ``create index if not exists`` is MariaDB's alone.
    """
    parts = [_definition(column) for column in table.columns]
    parts.append(f"primary key ({_names(table.key)})")
    parts += _indexes(table)
    if table.parent is not None:
        key = _names(table.item_key)
        # The server's own name for it, the table's and ``_ibfk_1``, may have over 64 characters.
        parts.append(
            f"constraint {quoted(shortened_sql_name(f'{table.name}_parent'))} "
            f"foreign key ({key}) references {quoted(table.parent)} ({key}) on delete cascade"
        )
    body = ",\n  ".join(parts)
    return [f"create table if not exists {quoted(table.name)} (\n  {body}\n) {CHARACTER_SET}"]


def upsert(table: SqlTable) -> str:
    """One statement for all rows; one that is there as it is already is not written again.

    https://dev.mysql.com/doc/refman/8.0/en/insert-on-duplicate.html
    """
    data = [quoted(name) for name in table.data_columns] or [quoted(table.key[0])]
    sets = listed("on duplicate key update", (f"{name} = n.{name}" for name in data))
    return f"{_insert(table, 'c' if table.may_be_there else 's')}\n{sets}"


def _insert(table: SqlTable, alias: str) -> str:
    columns = (quoted(name) for name in table.column_names)
    order = ", ".join(f"n.{quoted(name)}" for name in table.key)
    return "\n".join(
        [
            bracketed(f"insert into {quoted(table.name)}", columns),
            "select * from (",
            f"  {listed('select', (_selected(column, alias) for column in table.columns))}",
            f"  from {quoted(table.relation)} as {alias}",
            f") as n order by {order}",
        ]
    )


def trim(table: SqlTable) -> str:
    """Only the rows of staged items are looked at, through the table's primary key."""
    assert table.within is not None  # noqa: S101 - what has no such relation is never trimmed
    same_row = "".join(f" and c.{quoted(name)} = t.{quoted(name)}" for name in table.level_columns)
    return (
        f"delete t from {quoted(table.name)} as t\n"
        f"join {quoted(table.within)} as s on {_same_item(table, 't', 's')}\n"
        f"left join {quoted(table.relation)} as c on c._key = s._key{same_row}\n"
        "where c._key is null"
    )


def delete_removed(table: SqlTable, *, expired: bool | None) -> str:
    """By the key columns, which ``removed`` carries under the same names."""
    return (
        f"delete t from {quoted(table.name)} as t\n"
        f"join removed as r on {_same_item(table, 't', 'r')}{EXPIRED[expired]}"
    )


def mark_removed(table: SqlTable, *, expired: bool | None) -> str:
    """The other columns keep what the item was when it was last loaded."""
    return (
        f"update {quoted(table.name)} as t\n"
        f"join removed as r on {_same_item(table, 't', 'r')}{EXPIRED[expired]}\n"
        "set t._deleted_at = r._changed_at, t._expired = r._expired"
    )


def columns_of(table: str) -> str:
    """In the database of the connection, as every other statement finds it."""
    return (
        "select c.column_name, c.column_type, c.is_nullable = 'NO', k.ordinal_position\n"
        "from information_schema.columns as c\n"
        "left join information_schema.key_column_usage as k\n"
        "  on k.table_schema = c.table_schema and k.table_name = c.table_name\n"
        "  and k.column_name = c.column_name and k.constraint_name = 'PRIMARY'\n"
        f"where c.table_schema = database() and c.table_name = {literal(table)}\n"
        "order by c.ordinal_position"
    )


def declared_type(sql_type: str) -> str | None:
    """As information_schema spells it, or as a declaration does: MariaDB tells the width of an
    integer, which means nothing."""
    found = _WIDTH.sub(r"\1", sql_type)
    found = _SPELT.get(found, found)
    return found if found in _DECLARED or found.startswith("decimal(") else None


def alter(table: str, actions: Sequence[str]) -> str:
    """All in one, so that the table is rewritten once at most. It commits."""
    return listed(f"alter table {quoted(table)}", actions)


def add_column(column: SqlColumn) -> str:
    """MySQL adds one in no time. ``if not exists`` is MariaDB's alone.

    https://dev.mysql.com/doc/refman/8.0/en/innodb-online-ddl-operations.html
    """
    return f"add column {_definition(column)}"


def widen(column: SqlColumn) -> str:
    """It rewrites the table."""
    return f"modify column {_definition(column)}"


def require(column: str, sql_type: str) -> str:
    """Refused where a row has no value."""
    return f"modify column {quoted(column)} {sql_type} not null"


def allow_null(column: str, sql_type: str) -> str:
    """For a column that a declaration no longer has, or no longer requires."""
    return f"modify column {quoted(column)} {sql_type} null"


def _indexes(table: SqlTable) -> Iterator[str]:
    types = {column.name: column.sql_type for column in table.columns}
    for index in table.indexes:
        name = shortened_sql_name(f"{table.name}_{'_and_'.join(index)}_index")
        listed_names = ", ".join(_indexed(column, types[column]) for column in index)
        yield f"key {quoted(name)} ({listed_names})"


def _indexed(column: str, sql_type: str) -> str:
    """With a blank, for ``position(255)`` would be a call of a function on MySQL.

    https://dev.mysql.com/doc/refman/8.0/en/function-resolution.html
    """
    is_long = sql_type in ("longtext", "longblob")
    return f"{quoted(column)} ({INDEX_PREFIX})" if is_long else quoted(column)
