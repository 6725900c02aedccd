"""Gaps: changes that are known to be missing, and what became of them.

    undelivered   Firehose could not deliver them; they lie below ``(errors)/`` in the raw bucket
    given_up      the stream's mapping gave them up; they lie whole in the backup bucket
    vanished      an object was gone before it was loaded: nothing is left to load
    unread        the table's stream was off, and another one is read now: what changed in between
                  is in none; it stands under the ARN of the new one

A gap stands under its object and is noted once. It is open until what it holds is loaded
(``replayed``) or a person has looked into it (``closed``).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from dynaurora.metadata.making import Making
from dynaurora.model.events import ObjectName
from dynaurora.ports import Connection
from dynaurora.sql.queries import Queries

GapKind = Literal["undelivered", "given_up", "vanished", "unread"]
GapState = Literal["open", "replayed", "closed"]

REPLAYABLE: Final[tuple[GapKind, ...]] = ("undelivered", "given_up")
"""Of these an object is left that can be loaded."""


@dataclass(frozen=True, slots=True)
class Notice:
    """What is noticed of a gap. changes: how many are missing; None where that is not known.

    condition: why, in AWS's own word; "" where nobody says it.
    """

    kind: GapKind
    table: str
    object: ObjectName
    condition: str = ""
    changes: int | None = None


@dataclass(frozen=True, slots=True)
class Gap:
    """A gap as it is noted."""

    notice: Notice
    state: GapState
    noticed_at: datetime
    closed_at: datetime | None
    why: str


class Gaps:
    """The gaps of one pipeline."""

    def __init__(self, connection: Connection, queries: Queries) -> None:
        self._making = Making(connection, queries)

    def add(self, notice: Notice) -> bool:
        """Note a gap; False where it was noted before."""
        parameters = [
            *(notice.kind, notice.table, notice.object.bucket, notice.object.key),
            *(notice.condition, notice.changes),
        ]
        return self._making.execute("add_gap", parameters) == 1

    def unknown(self, kind: GapKind, names: Sequence[ObjectName]) -> list[ObjectName]:
        """Those of these objects, of one bucket, that are not noted yet: one query for all."""
        if not names:
            return []
        parameters = [kind, names[0].bucket, [name.key for name in names]]
        known = {key for (key,) in self._making.fetch("known_gaps", parameters)}
        return [name for name in names if name.key not in known]

    def close(self, key: str, state: GapState, why: str) -> bool:
        """Close the gap of an object, whose key says its bucket; False where none is open."""
        return self._making.execute("close_gap", [state, why, key]) > 0

    def listed(self, *, table: str = "", is_all: bool = False, limit: int) -> Iterator[Gap]:
        """The open gaps, or all; the oldest first. table: only this one's; "" for all."""
        parameters = [table, table, is_all, limit]
        for row in self._making.fetch("list_gaps", parameters):
            kind, found, bucket, key, condition, changes, state, noticed, closed, why = row
            notice = Notice(kind, found, ObjectName(bucket, key), condition, changes)
            yield Gap(notice, state, noticed, closed, why)

    def replayed_batches(self, table: str) -> list[ObjectName]:
        """The given up batches of a table whose changes were loaded, by their keys."""
        parameters = [table, "given_up", "replayed"]
        return sorted(ObjectName(*row) for row in self._making.fetch("list_batches", parameters))

    def counted(self) -> list[tuple[str, GapKind, int, int, datetime]]:
        """Table, kind, open gaps, their changes as far as known, the oldest; by table and kind."""
        return [(*row,) for row in self._making.fetch("count_gaps")]
