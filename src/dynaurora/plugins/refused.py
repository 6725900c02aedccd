"""Where a statement stands in a plugin's file that a database has refused.

A load knows a statement by its number, for it has no source at hand. Who shows the error to the
plugin's author has.
"""

import re
from typing import Final

from dynaurora.errors import PluginError
from dynaurora.plugins.contract import Plugin
from dynaurora.plugins.loading import Reading, read_plugin
from dynaurora.plugins.places import Source, where

_PLACE: Final = re.compile(r"(create|insert)_table_queries\[(\d+)\]$")


def with_place(error: PluginError, plugin: Plugin) -> PluginError:
    """The same error with file, line and column, where the author wrote the statement.

    One that a declaration stands for is in no file; `dynaurora show` prints it.
    """
    match = _PLACE.search(error.where)
    if match is None:
        return error
    statements = plugin.insert if match[1] == "insert" else plugin.create
    place = _place(read_plugin(plugin.path, plugin.table, plugin.engine), statements[int(match[2])])
    if place is None:
        return error
    return PluginError(place, error.found, error.expected, error.remedy)


def _place(reading: Reading, statement: str) -> str | None:
    for written in reading.written:
        if written.text == statement:
            offset = len(statement) - len(statement.lstrip())
            at = Source(reading.data).written(written, offset)
            return f"{where(reading.plugin.path, *at)}, {written.place}"
    return None
