"""Unmapped: attributes that items have and no column reads, and items that no table takes.

Nothing is lost by either, for the raw changes are kept; but whoever asks SQL will not find them.
The counts are of changes, and about right: a change that is loaded again may count again.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from dynaurora.errors import StatementRefused
from dynaurora.metadata.making import Making
from dynaurora.plugins.contract import MOST_UNMAPPED
from dynaurora.ports import Connection
from dynaurora.sql.queries import Queries

MOST_CHARACTERS: Final = 255
"""Of an attribute's name, which DynamoDB allows 65,535 bytes.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html"""


class Unmapped:
    """What is unmapped in the tables of one pipeline."""

    def __init__(self, connection: Connection, queries: Queries) -> None:
        self._connection = connection
        self._queries = queries
        self._making = Making(connection, queries)

    def add(self, table_number: int, counts: Mapping[str, int]) -> None:
        """Add to the counts of a table's attributes."""
        shortened = {_storable(attribute): changes for attribute, changes in counts.items()}
        listed = [{"attribute": name, "changes": shortened[name]} for name in sorted(shortened)]
        number = table_number
        parameters = [number, json.dumps(listed), number, MOST_UNMAPPED, number]
        self._making.execute("add_unmapped", parameters)

    def listed(self) -> list[tuple[str, str, int, datetime]]:
        """Table, attribute (or ``NO_TABLE``), changes, the last time; by table and count.

        Makes nothing: where there is no metadata yet, nothing is known.
        """
        try:
            return [(*row,) for row in self._connection.fetch(self._queries["list_unmapped"])]
        except StatementRefused:
            return []


def _storable(attribute: str) -> str:
    found = attribute.encode(errors="backslashreplace").decode().replace("\0", "\\x00")
    return found if len(found) <= MOST_CHARACTERS else f"{found[: MOST_CHARACTERS - 1]}…"
