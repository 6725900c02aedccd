"""Where a statement stands in a plugin's file that a database has refused.

A load knows a statement by its number, for it has no source at hand. Who shows the error to the
plugin's author has.
"""

import re
from typing import Final

from dynaurora.errors import DatabaseError, PluginError
from dynaurora.plugins.contract import Plugin
from dynaurora.plugins.loading import read_plugin
from dynaurora.plugins.places import Source, where

_PLACE: Final = re.compile(r"(create|insert)_table_queries\[(\d+)\]$")


def with_place(error: PluginError, plugin: Plugin) -> PluginError:
    """The same error with file, line and column, as far as the author wrote the statement.

    One that a declaration stands for is in no file; `dynaurora show` prints it.
    """
    match = _PLACE.search(error.where)
    if match is None:
        return error
    statements = plugin.insert if match[1] == "insert" else plugin.create
    statement = statements[int(match[2])]
    place = _place(plugin, statement, _offset(error, statement))
    if place is None:
        return error
    return PluginError(place, error.found, error.expected, error.remedy)


def _offset(error: PluginError, statement: str) -> int:
    """The character that the database points at, else the first."""
    cause = error.__cause__
    if isinstance(cause, DatabaseError) and cause.position is not None:
        return min(cause.position, len(statement)) - 1
    return len(statement) - len(statement.lstrip())


def _place(plugin: Plugin, statement: str, offset: int) -> str | None:
    reading = read_plugin(plugin.path, plugin.table, plugin.engine)
    source = Source(reading.data)
    for written in reading.written:
        if written.text == statement:
            return f"{where(plugin.path, *source.written(written, offset))}, {written.place}"
    at = source.expression(statement, offset)
    return where(plugin.path, *at) if at else None
