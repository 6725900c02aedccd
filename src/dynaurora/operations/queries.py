"""The SELECT queries that a plugin brings along: run, and written as JSON with exact numbers."""

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

import orjson

from dynaurora.errors import StatementRefused
from dynaurora.operations.desk import Desk, Facts, plugin_of
from dynaurora.plugins.contract import Plugin

_NO_SUCH_TABLE: Final = frozenset({"42P01", "1146"})
"""https://www.postgresql.org/docs/15/errcodes-appendix.html (undefined_table),
https://dev.mysql.com/doc/mysql-errors/8.0/en/server-error-reference.html (ER_NO_SUCH_TABLE)"""


def run_queries(desk: Desk, *, table: str, names: Sequence[str]) -> Facts:
    """Run queries of a table's plugin.

    The rows of each are a text of JSON, because who hands facts on may read numbers as floats.
    """
    plugin = plugin_of(desk, table)
    return {"queries": [_fetched(desk, plugin, name) for name in names]}


def _fetched(desk: Desk, plugin: Plugin, name: str) -> Facts:
    try:
        columns, rows = desk.engine.connection.fetch_named(plugin.select[name])
    except StatementRefused as error:
        raise StatementRefused(
            f'{plugin.path}, query "{name}"',
            error.found,
            "a query that the database accepts",
            _remedy(error.code),
            code=error.code,
        ) from error
    return {"query": name, "columns": columns, "rows": orjson.dumps(rows, _json_value).decode()}


def _remedy(code: str) -> str:
    if code in _NO_SUCH_TABLE:
        return (
            "They are made with the first change of their DynamoDB table; "
            "`dynaurora check` tells what is wrong with a plugin."
        )
    return "Correct the query in the plugin."


def _json_value(value: Any) -> Any:
    if isinstance(value, Decimal):
        return orjson.Fragment(f"{value:f}") if value.is_finite() else str(value)
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dt.timedelta):
        return str(value)
    raise TypeError(type(value).__name__)
