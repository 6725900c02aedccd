"""The relations that a plugin's insert statements may read, and which of them they do."""

from collections.abc import Mapping
from typing import Final

from dynaurora.model.paths import levels
from dynaurora.plugins.contract import Plugin
from dynaurora.plugins.tables import staged_relation

_HEAD: Final = ("_key", "_version", "_changed_at")


def relations(plugin: Plugin) -> Mapping[str, tuple[str, ...]]:
    """The columns of each relation, by its name (docs/plugins.md)."""
    staged = (*plugin.columns, *_HEAD, "_item")
    found = {
        "staged": staged,
        "removed": (*plugin.key, *_HEAD, "_expired"),
        "changes": (*staged, "_deleted", "_expired"),
    }
    for name, rows in plugin.rows.items():
        at = rows.at[: len(levels(rows.path))]
        found[staged_relation(name)] = (*plugin.key, *_HEAD, *at, *rows.columns)
    for name, table in plugin.tables.items():
        found[f"replaced_{name}"] = table.column_names
    return found


def relations_used(plugin: Plugin) -> tuple[str, ...]:
    """The relations that the plugin's insert statements name."""
    return tuple(name for name in relations(plugin) if plugin.names(name))
