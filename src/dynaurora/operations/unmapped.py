"""Unmapped: attributes that come in items and that no column of the plugin, as it is now, reads."""

from dynaurora.errors import PluginError
from dynaurora.metadata import Unmapped
from dynaurora.operations.desk import Desk, Facts, moment
from dynaurora.plugins.contract import NO_TABLE, Plugin


def unmapped(desk: Desk) -> list[Facts]:
    """What is unmapped, by table. ``attribute`` is None for items that no table takes."""
    counted = Unmapped(desk.engine.connection, desk.engine.queries).listed()
    return [
        {
            "table": table,
            "attribute": attribute or None,
            "changes": changes,
            "last": moment(last),
            "mended_by": f"add a Table for them to {table}.py"
            if attribute == NO_TABLE
            else f"add a column for it to {table}.py, or leave it",
        }
        for table, attribute, changes, last in counted
        if _is_unmapped(_plugin(desk, table), attribute)
    ]


def list_unmapped(desk: Desk) -> Facts:
    """The same as a command."""
    return {"unmapped": unmapped(desk)}


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
