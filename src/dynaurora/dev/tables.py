"""The DynamoDB tables of the local AWS: which are there, and which have to be connected."""

import time
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any, Final

from dynaurora.adapters.aws import aws_errors
from dynaurora.adapters.dynamodb import TableDescription, describe_table
from dynaurora.errors import AwsError

_TRY_AGAIN_S: Final = 5.0


@dataclass(slots=True)
class TableWatch:
    """Looks at the tables. It keeps which stream of each is connected.

    missing, unplugged: the wanted tables that were not there, and those there that nobody wants.
    """

    client: Any
    connected: dict[str, str] = field(default_factory=dict)
    missing: set[str] = field(default_factory=set)
    unplugged: set[str] = field(default_factory=set)
    _refused: dict[str, float] = field(default_factory=dict)

    def names(self) -> set[str]:
        """Every table that is there."""
        with aws_errors("DynamoDB"):
            pages = self.client.get_paginator("list_tables").paginate()
            return {name for page in pages for name in page["TableNames"]}

    def new(self, wanted: Collection[str]) -> list[str]:
        """The wanted tables that are there and not connected, or have another stream now."""
        there = self.names()
        self.missing, self.unplugged = set(wanted) - there, there - set(wanted)
        now = time.monotonic()
        return [
            table
            for table in wanted
            if table in there and self._refused.get(table, now) <= now and self._is_new(table)
        ]

    def connect(self, table: str, stream_arn: str) -> None:
        """Note that this stream of the table is connected."""
        self._refused.pop(table, None)
        self.connected[table] = stream_arn

    def refuse(self, table: str) -> None:
        """Note that a table could not be connected: it is tried again, but not at once."""
        self._refused[table] = time.monotonic() + _TRY_AGAIN_S

    def _is_new(self, table: str) -> bool:
        found = self._description(table)
        if found is None or found.status != "ACTIVE":
            return False
        return not found.has_stream or self.connected.get(table) != found.stream_arn

    def _description(self, table: str) -> TableDescription | None:
        try:
            return describe_table(self.client, table)
        except AwsError:  # it was deleted a moment ago
            return None
