"""Whether a plugin takes the items that it was inferred from: their rows are made, as in a load."""

from base64 import b64decode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from dynaurora.cells import RowsWriter, item_cell, written_cells
from dynaurora.errors import ValueRefused
from dynaurora.model.paths import Attribute, value_at
from dynaurora.plugins.contract import Plugin
from dynaurora.plugins.statements import dialect_of
from dynaurora.sql.dialect import Dialect

Image = Mapping[str, Mapping[str, Any]]


@dataclass(slots=True)
class Proof:
    """items: how many were tried. refused: how many no row can be made of, by reason."""

    items: int = 0
    refused: dict[str, int] = field(default_factory=dict)


def proof(plugin: Plugin, images: Iterable[Image]) -> Proof:
    """Make the rows of each item, as its engine has them. A reason names the column, never the
    value."""
    dialect = dialect_of(plugin.engine)
    keys = [(name, item_cell(dialect, name, plugin.columns[name])) for name in plugin.key]
    cells = [(name, item_cell(dialect, name, each)) for name, each in plugin.columns.items()]
    writers = [RowsWriter(dialect, name, each) for name, each in plugin.rows.items()]
    found = Proof()
    for image in images:
        found.items += 1
        try:
            written_cells(cells, image)
            _check_key(dialect, plugin, image)
            for writer in writers:
                for _ in writer.rows("", keys, image):
                    pass
        except ValueRefused as error:
            found.refused[str(error)] = found.refused.get(str(error), 0) + 1
    return found


def _check_key(dialect: Dialect, plugin: Plugin, image: Image) -> None:
    """Raise ``ValueRefused`` for a key that is too long; the server would say so in a load."""
    for name in plugin.key:
        column = plugin.columns[name]
        size = dialect.key_size(column.type)
        if size is None:
            continue
        found = value_at(column.path or (Attribute(name),), {"M": image}) or {}
        length = len(found.get("S", "")) or len(b64decode(found.get("B", "")))
        if length > size:
            raise ValueRefused(name, f"a key of length {length:,}", f"at most {size:,}")
