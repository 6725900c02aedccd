"""The quarantine as an operator sees it: its entries by number, filtered.

A load writes entries in its own transaction (`dynaurora.etl`); here they are read and discarded.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from dynaurora.metadata.making import Making
from dynaurora.model.events import ObjectName
from dynaurora.ports import Connection
from dynaurora.sql.queries import Queries

QuarantineState = Literal["open", "superseded", "retried", "discarded"]
QuarantineReason = Literal["unreadable", "body", "value", "database"]


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which entries are meant; "" and None mean any.

    older_s, newer_s: by how long ago the entry was made. numbers: these alone.
    after, until: only entries with a higher number than the first, and none above the second.
    """

    table: str = ""
    reason: str = ""
    state: str = "open"
    older_s: int | None = None
    newer_s: int | None = None
    numbers: Sequence[int] | None = None
    after: int = 0
    until: int | None = None

    def parameters(self) -> list[Any]:
        """For the statements that choose entries, which name each twice."""
        numbers = None if self.numbers is None else list(self.numbers)
        age = (self.older_s, self.newer_s)
        given = (self.table, self.reason, self.state, *age, numbers, self.until)
        return [*(value for each in given for value in (each, each)), self.after]


@dataclass(frozen=True, slots=True)
class Entry:
    """A change in quarantine.

    number: its name, which stays. key, version: "" and 0 in all digits where it is unreadable.
    message: what was wrong; of the reason ``database`` it may hold values of the row.
    line: as it first came; b"" where it was not asked for. line_bytes: how long it is.
    """

    number: int
    table: str
    key: str
    version: str
    state: QuarantineState
    reason: QuarantineReason
    message: str
    code: str
    plugin_digest: str
    object: ObjectName
    attempts: int
    quarantined_at: datetime
    settled_at: datetime | None
    why: str
    line_bytes: int
    line: bytes = b""


class Quarantine:
    """The quarantine of one pipeline."""

    def __init__(self, connection: Connection, queries: Queries) -> None:
        self._making = Making(connection, queries)

    def entries(self, chosen: Chosen, *, limit: int, with_lines: bool = False) -> list[Entry]:
        """The chosen entries in the order of their numbers, at most ``limit``."""
        parameters = [with_lines, *chosen.parameters(), limit]
        rows = self._making.fetch("list_quarantine", parameters)
        return [_entry(row) for row in rows]

    def count(self, chosen: Chosen) -> int:
        """How many are chosen."""
        ((count,),) = self._making.fetch("count_chosen", chosen.parameters())
        return int(count)

    def last(self) -> int:
        """The highest number."""
        ((number,),) = self._making.fetch("last_quarantine")
        return int(number)

    def counted(self) -> list[tuple[str, QuarantineReason, int, datetime]]:
        """Table, reason, open entries, the oldest; by table and reason."""
        return [(*row,) for row in self._making.fetch("age_quarantine")]

    def discard(self, numbers: Sequence[int], why: str) -> int:
        """Close open entries without loading them; how many were open."""
        return self._making.execute("discard_quarantine", [why, list(numbers)])


def _entry(row: tuple[Any, ...]) -> Entry:
    number, table, key, version, *rest, bucket, name, attempts, made, settled, why, size, line = row
    state, reason, message, code, digest = rest
    return Entry(
        number,
        table,
        key.hex() if isinstance(key, bytes) else key.hex,  # a UUID on PostgreSQL
        f"{int(version):057d}",
        state,
        reason,
        message,
        code,
        digest,
        ObjectName(bucket, name),
        attempts,
        made,
        settled,
        why,
        size,
        bytes(line or b""),
    )
