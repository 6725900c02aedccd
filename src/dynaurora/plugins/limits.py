"""What an engine cannot hold of what any plugin may declare: known without a server.

The limits themselves stand in the engine's dialect.
"""

from collections.abc import Iterable, Mapping, Sequence

from dynaurora.plugins.declarations import Column, DeclarationError, Rows
from dynaurora.plugins.tables import SqlTable
from dynaurora.sql.dialect import Dialect


def check_limits(
    dialect: Dialect,
    key: Sequence[str],
    columns: Mapping[str, Column],
    rows: Mapping[str, Rows],
) -> None:
    """Raise ``DeclarationError`` for a type or a name that the engine cannot have."""
    _check_columns(dialect, "columns", columns)
    for name, found in rows.items():
        _check_columns(dialect, f'columns["{name}"]', found.columns)
        _check_names(dialect, f'columns["{name}"]', (*key, *found.at, *found.columns))


def check_tables(dialect: Dialect, tables: Iterable[SqlTable]) -> None:
    """Raise ``DeclarationError`` for an SQL table that the engine cannot make."""
    for table in tables:
        _check_names(dialect, "columns", table.column_names)
        if not dialect.can_name(table.name):
            raise DeclarationError(
                "name", f'{dialect.engine} can call no table "{table.name}"; give it another name'
            )
        if len(table.columns) > dialect.most_columns:
            raise DeclarationError(
                "columns",
                f"{table.name} has {len(table.columns)} columns; {dialect.engine} has at most "
                f"{dialect.most_columns}; leave out those that nobody reads, or declare rows",
            )
        _check_index(dialect, table, "key", table.key)
        for index in table.indexes:
            _check_index(dialect, table, "indexes", index)


def _check_columns(dialect: Dialect, place: str, columns: Mapping[str, Column]) -> None:
    precision, scale = dialect.largest_numeric
    for name, column in columns.items():
        kind = column.type
        if kind.precision is not None and (kind.precision > precision or kind.scale > scale):
            raise DeclarationError(
                f'{place}["{name}"]',
                f"it is {kind}; {dialect.engine} has at most {precision} digits, {scale} of them "
                'after the point; write a smaller one, or "numeric"',
            )
    _check_names(dialect, place, columns)


def _check_names(dialect: Dialect, place: str, names: Iterable[str]) -> None:
    seen: dict[str, str] = {}
    for name in names:
        if not dialect.can_name(name):
            raise DeclarationError(
                f'{place}["{name}"]',
                f"{dialect.engine} can call no column so; call it otherwise: "
                f'"name": ("text", "{name}")',
            )
        other = seen.setdefault(dialect.folded(name), name)
        if other != name:
            raise DeclarationError(
                f'{place}["{name}"]',
                f'{dialect.engine} takes it for "{other}"; call one of them otherwise: '
                f'"{name}_2": ("text", "{name}")',
            )


def _check_index(dialect: Dialect, table: SqlTable, place: str, columns: Sequence[str]) -> None:
    types = {column.name: column.sql_type for column in table.columns}
    found = sum(dialect.index_bytes(types[name]) for name in columns)
    if found > dialect.most_index_bytes:
        what = "primary key" if place == "key" else "index"
        raise DeclarationError(
            place,
            f"the {what} of {table.name} ({', '.join(columns)}) has {found:,} bytes; "
            f"{dialect.engine} has at most {dialect.most_index_bytes:,}; "
            + ("declare rows of fewer levels" if place == "key" else "leave out a column"),
        )
