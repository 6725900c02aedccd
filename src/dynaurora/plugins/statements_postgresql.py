"""How PostgreSQL 15 and newer says what a declaration means.

The row locks of the ledger keep two loads apart that hold the same key, so these statements never
meet another load's rows. They write in key order all the same: rows that are read together then lie
together, which makes the next load's trim up to twice as fast and costs nothing measurable.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from dynaurora.model.names import shortened_sql_name
from dynaurora.plugins.declarations import VALIDITY
from dynaurora.plugins.statements import LINE_CHARACTERS, bracketed, listed
from dynaurora.plugins.tables import SqlColumn, SqlTable
from dynaurora.sql.postgresql import quoted

refused_columns: frozenset[str] = frozenset({"ctid", "xmin", "xmax", "cmin", "cmax", "tableoid"})
"""https://www.postgresql.org/docs/15/ddl-system-columns.html"""

_FIRST_ROWS: Final = 100

_SPELT: Final = {"timestamp with time zone": "timestamptz"}
"""What ``format_type`` calls differently."""
_DECLARED: Final = frozenset(
    "text boolean timestamptz date uuid bytea jsonb text[] numeric[] bytea[]"
    " integer bigint numeric".split()
)


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


def drop(table: SqlTable) -> str:
    """Views that a person has put upon the table keep it: no cascade."""
    return f"drop table if exists {quoted(table.name)}"


def create_history(versions: SqlTable) -> str:
    """With all columns as they stand in the table: a new one is the last there, and only at its end
    may a view that is replaced get another.

    https://www.postgresql.org/docs/15/sql-createview.html
    """
    key = _names(versions.item_key)
    return (
        f"create or replace view {quoted(versions.names[-1])} as\n"
        "select * from (\n"
        "  select\n"
        "    _changed_at as valid_from,\n"
        f"    lead(_changed_at) over (partition by {key} order by _version) as valid_to,\n"
        "    v.*\n"
        f"  from {quoted(versions.name)} as v\n"
        ") as h\n"
        "where not _deleted"
    )


def drop_history(versions: SqlTable) -> str:
    """The view of the versions."""
    return f"drop view if exists {quoted(versions.names[-1])}"


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
        f"where {_same_item(table, 't', 'r')}{_EXPIRED[expired]}"
    )


def mark_removed(table: SqlTable, *, expired: bool | None) -> str:
    """The other columns keep what the item was when it was last loaded."""
    return (
        f"update {quoted(table.name)} as t set"
        " _deleted_at = r._changed_at, _expired = r._expired\nfrom removed as r\n"
        f"where {_same_item(table, 't', 'r')}{_EXPIRED[expired]}"
    )


_EXPIRED: Final = {None: "", True: " and r._expired", False: " and not r._expired"}


def columns_of(table: str) -> str:
    """By the search path, as every other statement finds it.

    https://www.postgresql.org/docs/15/catalog-pg-attribute.html
    """
    return (
        "select a.attname::text, format_type(a.atttypid, a.atttypmod), a.attnotnull,\n"
        "  array_position(i.indkey::int2[], a.attnum) + 1\n"
        "from pg_attribute as a\n"
        "left join pg_index as i on i.indrelid = a.attrelid and i.indisprimary\n"
        f"where a.attrelid = to_regclass({_text(quoted(table))})\n"
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


def drop_column(table: str, column: str) -> str:
    """What is in it is lost."""
    return f"alter table {quoted(table)} drop column {quoted(column)}"


def first_rows(table: SqlTable) -> str:
    """In key order, which the primary key's index gives for nothing."""
    return _first(table.name, table.column_names, table.key)


def first_history(versions: SqlTable) -> str:
    """Item by item, oldest first."""
    data = (name for name in versions.data_columns if not name.startswith("_"))
    columns = (*versions.item_key, *VALIDITY, *data)
    return _first(versions.names[-1], columns, versions.key)


def _first(name: str, columns: Iterable[str], key: Iterable[str]) -> str:
    return (
        f"{listed('select', map(quoted, columns))}\nfrom {quoted(name)}\n"
        f"order by {_names(key)}\nlimit {_FIRST_ROWS}"
    )


def counts(tables: Sequence[SqlTable]) -> str:
    """The rows of a table and of its children."""
    return "\nunion all ".join(
        f"select {_text(table.name)} as sql_table, count(*) as count from {quoted(table.name)}"
        for table in tables
    )


def _definition(column: SqlColumn) -> str:
    required = " not null" if column.is_required else ""
    return f"{quoted(column.name)} {column.sql_type}{required}"


def _create_indexes(table: SqlTable) -> Iterator[str]:
    for index in table.indexes:
        name = shortened_sql_name(f"{table.name}_{'_and_'.join(index)}_index")
        yield (
            f"create index if not exists {quoted(name)} on {quoted(table.name)} ({_names(index)})"
        )


def _selected(column: SqlColumn, alias: str) -> str:
    if column.expression is None:
        return f"{alias}.{quoted(column.name)}"
    return f"{column.expression} as {quoted(column.name)}"


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


def _same_item(table: SqlTable, one: str, other: str) -> str:
    return " and ".join(f"{one}.{quoted(name)} = {other}.{quoted(name)}" for name in table.item_key)


def _names(names: Iterable[str]) -> str:
    return ", ".join(quoted(name) for name in names)


def _text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
