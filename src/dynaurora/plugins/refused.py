"""Where a statement stands in a plugin's file that a database has refused.

Imported only when there is something to say: a load knows a statement by its number, and has no
source at hand.
"""

from typing import Literal

from dynaurora.errors import DatabaseError, PluginError
from dynaurora.plugins.contract import Plugin
from dynaurora.plugins.loading import read_plugin
from dynaurora.plugins.places import Source, where

Kind = Literal["create", "insert"]


def place_of(plugin: Plugin, kind: Kind, number: int, error: DatabaseError) -> str:
    """``file:line:column, insert_table_queries[1]``: what the database points at, as far as the
    author wrote it. What a declaration stands for is in no file: `dynaurora show` prints it.

    number: of the statement among the plugin's.
    """
    statement = (plugin.insert if kind == "insert" else plugin.create)[number]
    return _written(plugin, statement, error) or f"{plugin.path}, {kind}_table_queries[{number}]"


def _written(plugin: Plugin, statement: str, error: DatabaseError) -> str | None:
    try:
        reading = read_plugin(plugin.path, plugin.table, plugin.engine)
    except PluginError:  # it was changed meanwhile
        return None
    offset = _offset(statement, error.position)
    source = Source(reading.data)
    for written in reading.written:
        if written.text == statement:
            return f"{where(plugin.path, *source.written(written, offset))}, {written.place}"
    at = source.expression(statement, offset)
    return where(plugin.path, *at) if at else None


def _offset(statement: str, position: int | None) -> int:
    """The character that the database points at, else the first that is no space."""
    if position is None:
        return len(statement) - len(statement.lstrip())
    return max(0, min(position, len(statement)) - 1)
