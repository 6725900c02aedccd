"""Arrival: how far the changes have come, asked of the ledgers and of S3.

The ledger of a table has one entry per key that was ever decided, so a first load has arrived when
it has as many as there are items. A wave changes keys that are there: it has arrived when its last
change has (a stream keeps its order, so all before it were captured by then) and when no object of
the table is left in the raw bucket (an object leaves it after its commit).
"""

import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from dynaurora.errors import DynauroraError, LoadRace
from dynaurora.etl import Engine
from dynaurora.metadata import Metadata, Registration
from dynaurora.ports import ObjectStore

PATIENCE_S: Final = 60.0
"""So long may nothing arrive at all before it is said that something is wrong."""

_PAUSE_S: Final = 0.25
_SHARE: Final = 10
"""Asking takes at most this part of the time: the pipeline has the same processors."""


class NothingArrives(DynauroraError):
    """Changes were written, and for a long time none has arrived."""


@dataclass(frozen=True, slots=True)
class Arrived:
    """What of a table has arrived.

    keys: that were ever decided. rows: of these, the ones that are not deleted.
    newer: keys that have changed above the mark. newest: the newest version, for a mark.
    """

    keys: int = 0
    rows: int = 0
    newer: int = 0
    newest: Decimal = Decimal(0)


Marks = Mapping[str, Decimal]
"""A version per table; what is above it is new."""
Counts = Mapping[str, Arrived]
Tell = Callable[[Counts], None]


@dataclass(frozen=True, slots=True)
class Arrival:
    """Asks how far the changes of some tables have come.

    raw: the bucket that objects leave when they are loaded.
    """

    engine: Engine
    store: ObjectStore
    raw: str

    def counts(self, tables: Collection[str], marks: Marks | None = None) -> dict[str, Arrived]:
        """What has arrived of each table. Raises where a table waits for a person."""
        marks = marks or {}
        found = {table: Arrived() for table in tables}
        for registration in self._registrations(tables):
            mark = marks.get(registration.table, Decimal(0))
            found[registration.table] = self._count(registration, mark)
        return found

    def wait_for_keys(self, expected: Mapping[str, int], tell: Tell) -> Counts:
        """Wait until each table has so many keys.

        tell: is told the counts again and again; what it raises ends the waiting.
        """
        return self._wait(
            expected,
            {},
            tell,
            lambda counts: all(counts[table].keys >= keys for table, keys in expected.items()),
        )

    def wait_for_changes(self, last: Mapping[str, bytes], marks: Marks, tell: Tell) -> Counts:
        """Wait until the last change of each table has arrived, and all before it.

        last: the key of the last change, 16 bytes, by table.
        """

        def is_there(_counts: Counts) -> bool:
            return self._have_changed(last, marks) and not any(map(self._has_raw, last))

        return self._wait(last, marks, tell, is_there)

    def quarantined(self) -> dict[str, dict[str, int]]:
        """Open entries of the quarantine: how many for which reason, by table."""
        found: dict[str, dict[str, int]] = {}
        for table, reason, count in self.engine.connection.fetch(
            self.engine.queries["count_quarantine"]
        ):
            found.setdefault(table, {})[reason] = count
        return found

    def _wait(
        self,
        tables: Collection[str],
        marks: Marks,
        tell: Tell,
        is_there: Callable[[Counts], bool],
    ) -> Counts:
        counts: Counts = {}
        until = time.monotonic() + PATIENCE_S
        while True:
            begin = time.monotonic()
            last, counts = counts, self.counts(tables, marks)
            tell(counts)
            if is_there(counts):
                return counts
            if counts != last:
                until = time.monotonic() + PATIENCE_S
            elif time.monotonic() > until:
                raise self._nothing(counts)
            time.sleep(max(_PAUSE_S, _SHARE * (time.monotonic() - begin)))

    def _registrations(self, tables: Collection[str]) -> Iterable[Registration]:
        """Of the tables that have a ledger."""
        metadata = Metadata(self.engine.connection, self.engine.queries)
        for registration in metadata.registrations():
            if registration.table not in tables:
                continue
            if registration.parked_for:
                raise NothingArrives(
                    f"table {registration.table}", f"it is parked: {registration.reason}"
                )
            if registration.plugin_digest:
                yield registration

    def _count(self, registration: Registration, mark: Decimal) -> Arrived:
        try:
            ((keys, rows, newer, newest),) = self.engine.connection.fetch(
                "select count(*), count(case when not gone then 1 end),"
                " count(case when version > %s then 1 end), coalesce(max(version), 0)"
                f" from {self._ledger(registration)}",
                [mark],
            )
        except LoadRace:  # it waits for a lock
            return Arrived()
        return Arrived(keys, rows, newer, newest)

    def _have_changed(self, last: Mapping[str, bytes], marks: Marks) -> bool:
        key_value = self.engine.dialect.key_value
        for registration in self._registrations(last):
            rows = self.engine.connection.fetch(
                f"select 1 from {self._ledger(registration)} where k = %s and version > %s",
                [key_value(last[registration.table]), marks[registration.table]],
            )
            if not rows:
                return False
        return True

    def _has_raw(self, table: str) -> bool:
        return any(True for _ in self.store.list_older(self.raw, table, 0))

    def _ledger(self, registration: Registration) -> str:
        return f"{self.engine.queries.schema}.ledger_{registration.number}"

    def _nothing(self, counts: Counts) -> NothingArrives:
        waiting = {table: len(list(self.store.list_older(self.raw, table, 0))) for table in counts}
        found = ", ".join(
            f"{table}: {arrived.keys:,} keys, {waiting[table]} objects wait"
            for table, arrived in counts.items()
        )
        return NothingArrives(
            "the pipeline",
            f"for {PATIENCE_S:.0f} s nothing has arrived ({found})",
            "changes on their way",
            "Look at the log of the emulator, and at dynaurora.tables.",
        )
