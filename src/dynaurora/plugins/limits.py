"""What an engine cannot hold of what any plugin may declare: known without a server."""

from collections.abc import Iterable, Mapping
from typing import Final

from dynaurora.plugins.contract import Engine
from dynaurora.plugins.declarations import Column, DeclarationError, Rows

_LARGEST_NUMERIC: Final[Mapping[Engine, tuple[int, int]]] = {
    # https://www.postgresql.org/docs/15/datatype-numeric.html#DATATYPE-NUMERIC-DECIMAL
    "postgresql": (1000, 1000),
    # https://dev.mysql.com/doc/refman/8.0/en/fixed-point-types.html
    "mysql": (65, 30),
}
_FOLDS_COLUMNS: Final = frozenset({"mysql"})
"""https://dev.mysql.com/doc/refman/8.0/en/identifier-case-sensitivity.html"""


def check_limits(engine: Engine, columns: Mapping[str, Column], rows: Mapping[str, Rows]) -> None:
    """Raise ``DeclarationError`` for a type or a name that the engine cannot have."""
    _check_columns(engine, "columns", columns)
    for name, found in rows.items():
        _check_columns(engine, f'columns["{name}"]', found.columns)


def _check_columns(engine: Engine, place: str, columns: Mapping[str, Column]) -> None:
    precision, scale = _LARGEST_NUMERIC[engine]
    for name, column in columns.items():
        kind = column.type
        if kind.precision is not None and (kind.precision > precision or kind.scale > scale):
            raise DeclarationError(
                f'{place}["{name}"]',
                f"it is {kind}; {engine} has at most {precision} digits, {scale} of them after "
                'the point; write a smaller one, or "numeric"',
            )
    if engine in _FOLDS_COLUMNS:
        _check_case(engine, place, columns)


def _check_case(engine: Engine, place: str, names: Iterable[str]) -> None:
    seen: dict[str, str] = {}
    for name in names:
        other = seen.setdefault(name.lower(), name)
        if other != name:
            raise DeclarationError(
                f'{place}["{name}"]',
                f'{engine} takes it for "{other}"; call one of them otherwise: '
                f'"{name}_2": ("text", "{name}")',
            )
