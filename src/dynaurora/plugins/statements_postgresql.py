"""How PostgreSQL 15 and newer says what a declaration means.

The row locks of the ledger keep two loads apart that hold the same key, so these statements never
meet another load's rows. They write in key order all the same: rows that are read together then lie
together, which makes the next load's trim up to twice as fast and costs nothing measurable.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from dynaurora.model.names import shortened_sql_name
from dynaurora.plugins.statements import LINE_CHARACTERS, bracketed, listed
from dynaurora.plugins.statements_shared import EXPIRED, Shared
from dynaurora.plugins.tables import SqlColumn, SqlTable
from dynaurora.sql.postgresql import literal, quoted

refused_columns: frozenset[str] = frozenset({"ctid", "xmin", "xmax", "cmin", "cmax", "tableoid"})
"""https://www.postgresql.org/docs/15/ddl-system-columns.html"""


_SPELT: Final = {"timestamp with time zone": "timestamptz"}
"""What ``format_type`` calls differently."""
_DECLARED: Final = frozenset(
    "text boolean timestamptz date uuid bytea jsonb text[] numeric[] bytea[]"
    " integer bigint numeric".split()
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
    """The table with its primary key, a child's foreign key, and the indexes."""
    parts = [_definition(column) for column in table.columns]
    parts.append(f"primary key ({_names(table.key)})")
    if table.parent is not None:
        key = _names(table.item_key)
        parts.append(
            f"foreign key ({key}) references {quoted(table.parent)} ({key}) on delete cascade"
        )
    body = ",\n  ".join(parts)
    return [
        f"create table if not exists {quoted(table.name)} (\n  {body}\n)",
        *_create_indexes(table),
    ]


def upsert(table: SqlTable) -> str:
    """One statement for all rows; one that may be there as it is already is not written again."""
    alias = "c" if table.may_be_there else "s"
    columns = (quoted(name) for name in table.column_names)
    return "\n".join(
        [
            bracketed(f"insert into {quoted(table.name)}", columns),
            listed("select", (_selected(column, alias) for column in table.columns)),
            f"from {quoted(table.relation)} as {alias}",
            _order(table, alias),
            _on_conflict(table),
        ]
    )


def trim(table: SqlTable) -> str:
    """Only the rows of staged items are looked at, through the table's primary key."""
    assert table.within is not None  # noqa: S101 - what has no such relation is never trimmed
    same_row = "".join(f" and c.{quoted(name)} = t.{quoted(name)}" for name in table.level_columns)
    return (
        f"delete from {quoted(table.name)} as t using {quoted(table.within)} as s\n"
        f"where {_same_item(table, 't', 's')}\n"
        f"  and not exists (\n    select 1 from {quoted(table.relation)} as c"
        f" where c._key = s._key{same_row}\n  )"
    )


def delete_removed(table: SqlTable, *, expired: bool | None) -> str:
    """By the key columns, which ``removed`` carries under the same names."""
    return (
        f"delete from {quoted(table.name)} as t using removed as r\n"
        f"where {_same_item(table, 't', 'r')}{EXPIRED[expired]}"
    )


def mark_removed(table: SqlTable, *, expired: bool | None) -> str:
    """The other columns keep what the item was when it was last loaded."""
    return (
        f"update {quoted(table.name)} as t set"
        " _deleted_at = r._changed_at, _expired = r._expired\nfrom removed as r\n"
        f"where {_same_item(table, 't', 'r')}{EXPIRED[expired]}"
    )


def columns_of(table: str) -> str:
    """By the search path, as every other statement finds it.

    https://www.postgresql.org/docs/15/catalog-pg-attribute.html
    """
    return (
        "select a.attname::text, format_type(a.atttypid, a.atttypmod), a.attnotnull,\n"
        "  array_position(i.indkey::int2[], a.attnum) + 1\n"
        "from pg_attribute as a\n"
        "left join pg_index as i on i.indrelid = a.attrelid and i.indisprimary\n"
        f"where a.attrelid = to_regclass({literal(quoted(table))})\n"
        "  and a.attnum > 0 and not a.attisdropped\norder by a.attnum"
    )


def declared_type(sql_type: str) -> str | None:
    """As ``format_type`` spells it, or as a declaration does."""
    found = _SPELT.get(sql_type, sql_type)
    return found if found in _DECLARED or found.startswith("numeric(") else None


def alter(table: str, actions: Sequence[str]) -> str:
    """All in one, so that the table is rewritten once at most."""
    return listed(f"alter table {quoted(table)}", actions)


def add_column(column: SqlColumn) -> str:
    """Without a default it rewrites nothing.

    https://www.postgresql.org/docs/15/sql-altertable.html#SQL-ALTERTABLE-NOTES
    """
    return f"add column if not exists {_definition(column)}"


def widen(column: SqlColumn) -> str:
    """More digits rewrite nothing; a larger integer rewrites the table under its lock."""
    return f"alter column {quoted(column.name)} type {column.sql_type}"


def require(column: str, _sql_type: str) -> str:
    """Refused where a row has no value."""
    return f"alter column {quoted(column)} set not null"


def allow_null(column: str, _sql_type: str) -> str:
    """For a column that a declaration no longer has, or no longer requires."""
    return f"alter column {quoted(column)} drop not null"


def _create_indexes(table: SqlTable) -> Iterator[str]:
    for index in table.indexes:
        name = shortened_sql_name(f"{table.name}_{'_and_'.join(index)}_index")
        yield (
            f"create index if not exists {quoted(name)} on {quoted(table.name)} ({_names(index)})"
        )


def _order(table: SqlTable, alias: str) -> str:
    """The one place that says in which order an upsert reads its relation."""
    return "order by " + ", ".join(f"{alias}.{quoted(name)}" for name in table.key)


def _on_conflict(table: SqlTable) -> str:
    head = f"on conflict ({_names(table.key)}) do"
    data = [quoted(name) for name in table.data_columns]
    if not data:
        return f"{head} nothing"
    sets = listed(f"{head} update set", (f"{name} = excluded.{name}" for name in data))
    if not table.may_be_there:
        return sets
    old = bracketed("where", (f"{quoted(table.name)}.{name}" for name in data))
    new = bracketed("is distinct from", (f"excluded.{name}" for name in data))
    is_short = "\n" in old or len(f"{old} {new}") <= LINE_CHARACTERS
    return f"{sets}\n{old} {new}" if is_short else f"{sets}\n{old}\n  {new}"
