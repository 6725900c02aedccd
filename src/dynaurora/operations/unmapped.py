"""Unmapped: attributes that come in items and that no column of the plugin, as it is now, reads."""

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from operator import itemgetter

from dynaurora.errors import PluginError
from dynaurora.etl import Engine
from dynaurora.metadata import Unmapped
from dynaurora.operations.desk import Desk, Facts, moment
from dynaurora.plugins.contract import NO_TABLE, Plugin

_Row = tuple[str, str, int, datetime]


def unmapped(desk: Desk) -> list[Facts]:
    """What is unmapped, by table. ``attribute`` is None for items that no table takes."""
    listed = groupby(_listed(desk.engine), key=itemgetter(0))
    return [
        facts for table, rows in listed for facts in _facts(table, list(rows), _plugin(desk, table))
    ]


def unmapped_by(engine: Engine, table: str, plugin: Plugin) -> list[Facts]:
    """What a plugin, as it is now, leaves unmapped of its table."""
    rows = [row for row in _listed(engine) if row[0] == table]
    return _facts(table, rows, plugin)


def list_unmapped(desk: Desk) -> Facts:
    """The same as a command."""
    return {"unmapped": unmapped(desk)}


def _listed(engine: Engine) -> list[_Row]:
    return Unmapped(engine.connection, engine.queries).listed()


def _facts(table: str, rows: Sequence[_Row], plugin: Plugin | None) -> list[Facts]:
    return [
        {
            "table": table,
            "attribute": attribute or None,
            "changes": changes,
            "last": moment(last),
            "mended_by": f"add a {'column' if attribute else 'Table'} to {table}.py, or leave it",
        }
        for _, attribute, changes, last in rows
        if _is_unmapped(plugin, attribute)
    ]


def _plugin(desk: Desk, table: str) -> Plugin | None:
    try:
        return desk.plugins.plugin(table)
    except PluginError:
        return None


def _is_unmapped(plugin: Plugin | None, attribute: str) -> bool:
    """A plugin that has been changed since may read it now."""
    if plugin is None:
        return False
    if attribute == NO_TABLE:
        return plugin.takes_kinds
    return plugin.attributes is not None and attribute not in plugin.attributes
