"""The SQL tables that a declaration makes: their names, columns and keys, not yet any SQL.

A ``Table`` makes one SQL table and, for each of its ``rows``, a child table whose key is the
parent's key and the columns that number the rows. One with ``when`` reads a relation of its own,
``staged_<table>``, which the loader makes as it makes rows: typed, and of its items alone. One with
``history`` also makes the table ``<table>_versions``, which ``changes`` fill, and the view
``<table>_history`` of it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from dynaurora.model.names import SQL_NAME_BYTES, shortened_sql_name, sql_name
from dynaurora.model.paths import Attribute, Path, levels
from dynaurora.plugins.declarations import (
    Column,
    DeclarationError,
    Policy,
    Rows,
    Table,
    conditions,
    normalised_columns,
)
from dynaurora.sql.dialect import Dialect

_OURS: Final = ("staged", "replaced_", "_")
_OUR_NAMES: Final = frozenset({"removed", "changes", "excluded"})
"""``excluded`` is what PostgreSQL calls the row that an upsert could not insert."""


@dataclass(frozen=True, slots=True)
class SqlColumn:
    """A column of an SQL table. ``expression`` is what an insert selects for it, if no column."""

    name: str
    sql_type: str
    is_required: bool = False
    expression: str | None = None


@dataclass(frozen=True, slots=True)
class SqlTable:
    """One SQL table and the relation that fills it.

    key: its primary key, which begins with the DynamoDB key.
    item_key: the columns of the DynamoDB key alone.
    within: the relation whose items may be without rows in this one; None: none is.
    parent: of a child table, the table whose items its rows are inside.
    deleted, expired: what becomes of the rows of deleted items; those of a child are its parent's.
    history: of a table that keeps every version of its items, the view of how long each held.
    """

    name: str
    columns: tuple[SqlColumn, ...]
    key: tuple[str, ...]
    item_key: tuple[str, ...]
    relation: str
    within: str | None = None
    indexes: tuple[tuple[str, ...], ...] = ()
    parent: str | None = None
    deleted: Policy = "remove"
    expired: Policy = "remove"
    history: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """What it is called in SQL, and its view."""
        return (self.name,) if self.history is None else (self.name, self.history)

    @property
    def may_be_there(self) -> bool:
        """Whether rows come that it may hold as they are: of an item, one of which has changed, or
        versions, which come at least once. They are compared, so that a replay fills new columns.
        """
        return self.parent is not None or self.history is not None

    @property
    def column_names(self) -> tuple[str, ...]:
        """The names of all columns, key first."""
        return tuple(column.name for column in self.columns)

    @property
    def data_columns(self) -> tuple[str, ...]:
        """The columns that are no part of the key."""
        return tuple(name for name in self.column_names if name not in self.key)

    @property
    def level_columns(self) -> tuple[str, ...]:
        """The columns that tell the rows of one item apart."""
        return self.key[len(self.item_key) :]


def staged_relation(rows_name: str) -> str:
    """The relation that holds the rows of this name: ``staged_<name>``, within 63 bytes."""
    return shortened_sql_name(f"staged_{rows_name}")


def table_name(table: Table, plugin_table: str) -> str:
    """What the SQL table of a declaration is called."""
    if table.name is None:
        return _not_ours(sql_name(plugin_table), f'the table "{plugin_table}" would be called so')
    if not isinstance(table.name, str) or not table.name:
        raise DeclarationError("name", f"it is {table.name!r}; write a text")
    return _not_ours(shortened_sql_name(table.name), "give the table another name")


def staged_columns(table: Table, plugin_table: str) -> dict[str, Column | Rows]:
    """What is staged for a declaration: its columns; with ``when``, its key and rows of its own.

    With ``when`` the rows are called as the SQL tables that they fill.
    """
    declared = normalised_columns(table.columns)
    when = conditions(table.when)
    if when is None:
        return declared
    name, key = table_name(table, plugin_table), table.key_columns
    flat = {n: c for n, c in declared.items() if isinstance(c, Column) and n not in key}
    inside = {
        f"{name}_{n}": replace(found, when=(*when, *(found.when or ())))
        for n, found in declared.items()
        if isinstance(found, Rows)
    }
    return {**{n: declared[n] for n in key}, name: Rows((), flat, (), when), **inside}


def sql_tables(table: Table, plugin_table: str, dialect: Dialect) -> Iterator[SqlTable]:
    """The SQL tables of a declaration, the parent first, its versions last."""
    parent = _parent(table, table_name(table, plugin_table), dialect)
    yield parent
    for name, found in normalised_columns(table.columns).items():
        if isinstance(found, Rows):
            yield _child(parent, name, found, dialect)
    if table.history:
        yield _versions(parent, dialect)


def column_names_fit(place: str, names: Sequence[str]) -> None:
    """Refuse a column whose name a database would cut."""
    for name in names:
        if len(name.encode()) > SQL_NAME_BYTES:
            raise DeclarationError(
                f'{place}["{name}"]',
                f"a column name has at most {SQL_NAME_BYTES} bytes; "
                'write a shorter one with a path: "short": ("text", "the long name")',
            )


def check_rows_names(name: str, key: Sequence[str], found: Rows) -> None:
    """Refuse rows two of whose columns have one name: those of the key, the levels, their own."""
    taken = [*key, *found.at]
    if len(set(taken)) < len(taken):
        raise DeclarationError(
            f'columns["{name}"]', f"at={found.at!r} names a column twice; call it otherwise"
        )
    for column_name in found.columns:
        if column_name in taken:
            raise DeclarationError(
                f'columns["{name}"]["{column_name}"]',
                "the rows have a column of this name already; call it otherwise, or rename the "
                "other with at=…",
            )


def _parent(table: Table, name: str, dialect: Dialect) -> SqlTable:
    flat = {
        column_name: found
        for column_name, found in normalised_columns(table.columns).items()
        if isinstance(found, Column)
    }
    key = table.key_columns
    expired = table.expired or table.deleted
    relation = "staged" if table.when is None else staged_relation(name)
    ordered = {**{column_name: flat[column_name] for column_name in key}, **flat}
    return SqlTable(
        name=name,
        columns=(
            *_columns(ordered, key, dialect),
            *(_marks(dialect) if "mark" in (table.deleted, expired) else ()),
        ),
        key=key,
        item_key=key,
        relation=relation,
        within="staged" if _may_leave(table) else None,
        indexes=_indexes(flat, table.indexes),
        deleted=table.deleted,
        expired=expired,
    )


def _marks(dialect: Dialect) -> tuple[SqlColumn, SqlColumn]:
    """What marks a deleted item. An item that is put is not, or not any more."""
    return (
        SqlColumn("_deleted_at", dialect.time_type, expression="null"),
        SqlColumn("_expired", dialect.boolean_type, expression="null"),
    )


def _versions(parent: SqlTable, dialect: Dialect) -> SqlTable:
    """A delete is a version too, without data; so nothing but the key is required."""
    key = parent.columns[: len(parent.key)]
    data = parent.columns[len(parent.key) :]
    return SqlTable(
        name=shortened_sql_name(f"{parent.name}_versions"),
        columns=(
            *key,
            SqlColumn("_version", dialect.version_type, is_required=True),
            SqlColumn("_changed_at", dialect.time_type, is_required=True),
            SqlColumn("_deleted", dialect.boolean_type, is_required=True),
            SqlColumn("_expired", dialect.boolean_type, is_required=True),
            *(replace(c, is_required=False) for c in data if not c.name.startswith("_")),
        ),
        key=(*parent.key, "_version"),
        item_key=parent.key,
        relation="changes",
        history=shortened_sql_name(f"{parent.name}_history"),
    )


def _may_leave(table: Table) -> bool:
    """Whether an item can become one that the Table does not hold. A key never changes."""
    columns = normalised_columns(table.columns)
    keys = [_path(name, columns[name]) for name in table.key_columns]
    return any(condition.path not in keys for condition in conditions(table.when) or ())


def _path(name: str, found: Column | Rows) -> Path:
    return (Attribute(name),) if found.path is None else found.path


def _child(parent: SqlTable, name: str, found: Rows, dialect: Dialect) -> SqlTable:
    level_columns = [
        SqlColumn(
            at, dialect.position_type if level.kind == "[]" else dialect.name_type, is_required=True
        )
        for at, level in zip(found.at, levels(found.path), strict=True)
    ]
    check_rows_names(name, parent.item_key, found)
    return SqlTable(
        name=shortened_sql_name(f"{parent.name}_{name}"),
        columns=(
            *parent.columns[: len(parent.item_key)],
            *level_columns,
            *_columns(found.columns, (), dialect),
        ),
        key=(*parent.item_key, *found.at),
        item_key=parent.item_key,
        relation=staged_relation(name if parent.relation == "staged" else f"{parent.name}_{name}"),
        within=parent.relation,
        indexes=_indexes(found.columns, ()),
        parent=parent.name,
    )


def _columns(
    columns: Mapping[str, Column], key: tuple[str, ...], dialect: Dialect
) -> Iterator[SqlColumn]:
    for name, found in columns.items():
        yield SqlColumn(
            name,
            dialect.key_sql_type(found.type) if name in key else dialect.sql_type(found.type),
            found.is_required or name in key,
            _expression(name, found, dialect.engine),
        )


def _expression(name: str, found: Column, engine: str) -> str | None:
    if found.sql is None or isinstance(found.sql, str):
        return found.sql
    if engine not in found.sql:
        raise DeclarationError(
            f'columns["{name}"]', f'sql has no "{engine}" expression; the plugin does not run there'
        )
    return found.sql[engine]


def _indexes(
    columns: Mapping[str, Column], more: Sequence[tuple[str, ...]]
) -> tuple[tuple[str, ...], ...]:
    single = [(name,) for name, found in columns.items() if found.is_indexed]
    return tuple(dict.fromkeys([*single, *(tuple(index) for index in more)]))


def _not_ours(name: str, why: str) -> str:
    owner = owner_of(name)
    if owner:
        raise DeclarationError(
            "name", f'"{name}" belongs to {owner} ({why}); write Table("another_name", …)'
        )
    return name


def owner_of(name: str) -> str:
    """Whose name for an SQL table this is: Dynaurora's, PostgreSQL's, or "" for anybody's.

    PostgreSQL looks for its own tables first, so one of ours that is called as one of them would be
    made, and never be found. https://www.postgresql.org/docs/15/ddl-schemas.html#DDL-SCHEMAS-CATALOG
    """
    folded = name.lower()
    if folded.startswith(_OURS) or folded in _OUR_NAMES:
        return "Dynaurora"
    return "PostgreSQL" if folded.startswith("pg_") else ""
