"""Whether a plugin's key tells the keys of its table apart."""

from collections.abc import Mapping
from typing import Any

from dynaurora.errors import PluginError
from dynaurora.model.paths import Attribute
from dynaurora.plugins.contract import Plugin
from dynaurora.plugins.declarations import KEY_TAGS


def key_attributes(plugin: Plugin) -> dict[str, str]:
    """The key columns by the key attributes that they hold."""
    found = {}
    for name in plugin.key:
        steps = plugin.columns[name].path or (Attribute(name),)
        first = steps[0]
        assert isinstance(first, Attribute)  # noqa: S101 - a rule of every plugin's key
        found[first.name] = name
    return found


def check_key(plugin: Plugin, keys: Mapping[str, Mapping[str, Any]]) -> None:
    """Whether a plugin's key tells the keys of its table apart; looked at once per stream.

    Raises ``PluginError``: a key that leaves out the sort key, or a number made of texts, would
    make one row of two items.
    """
    columns = key_attributes(plugin)
    if keys.keys() != columns.keys():
        raise PluginError(
            str(plugin.path),
            f"its key columns hold {sorted(columns)}",
            f"the key of table {plugin.table}, {sorted(keys)}",
            "Correct `key`: it names the columns of the partition key and of the sort key.",
        )
    for attribute, column in columns.items():
        word = plugin.columns[column].type.word
        tag = next(iter(keys[attribute]))
        if tag not in KEY_TAGS[word]:
            raise PluginError(
                str(plugin.path),
                f'its key column "{column}" is {word}, and the key attribute is of type {tag}',
                f"a type that keeps such keys apart: {', '.join(_words_for(tag))}",
                "Correct the column's type.",
            )


def _words_for(tag: str) -> list[str]:
    return [word for word, tags in KEY_TAGS.items() if tag in tags]
