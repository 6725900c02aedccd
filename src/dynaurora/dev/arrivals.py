"""Arrivals: what the load has brought, asked of the database and S3, never of a log.

The ledger of objects tells which objects have been loaded; what was in one is counted in the object
itself, which is archived by then. The table's own ledger tells how many items it has.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final, cast

from dynaurora.etl import Engine, unpacked
from dynaurora.metadata import Metadata, Registration
from dynaurora.model.events import ObjectName
from dynaurora.ports import ObjectStore

_DELETE: Final = b'"op":"REMOVE"'
"""As `dynaurora.model.lines` writes it. Inside a value its quotes would be escaped."""

_LONGEST_LOAD: Final = timedelta(minutes=2)
"""An object is noted with the time at which its load began, and seen when that has committed."""

_LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)

_TRIES: Final = 20


@dataclass(frozen=True, slots=True)
class Arrived:
    """Changes of a table have arrived.

    puts, deletes: how many. items: how many the table has now. quarantined: how many wait there.
    """

    table: str
    puts: int
    deletes: int
    items: int
    quarantined: int


@dataclass(frozen=True, slots=True)
class Parked:
    """The objects of a table wait, or no longer do. reason: "" when they are loaded again."""

    table: str
    reason: str


@dataclass(slots=True)
class _Unread:
    """An object that was loaded and has not been counted yet."""

    table: str
    name: ObjectName
    tries: int = 0


@dataclass(slots=True)
class ArrivalWatch:
    """Looks for what has arrived since the last look. backup: the bucket of what was loaded."""

    engine: Engine
    store: ObjectStore
    backup: str
    _begin: datetime = _LONG_AGO
    _seen: set[tuple[int, str]] = field(default_factory=set)
    _unread: list[_Unread] = field(default_factory=list)
    _parked: dict[str, str] = field(default_factory=dict)

    def begin(self) -> None:
        """What has arrived so far is no news."""
        self._begin = self._now()

    def news(self) -> Iterator[Arrived | Parked]:
        """What has changed since the last look."""
        registrations = {each.number: each for each in self._metadata.registrations()}
        yield from self._parked_news(registrations)
        self._look(registrations)
        counts = self._count()
        quarantined = self._quarantined() if counts else {}
        for registration in registrations.values():
            table = registration.table
            if table in counts:
                puts, deletes = counts[table]
                items = self._items(registration)
                yield Arrived(table, puts, deletes, items, quarantined.get(table, 0))

    def _now(self) -> datetime:
        """The time of the server, who writes down when an object was loaded."""
        ((now,),) = self.engine.connection.fetch("select current_timestamp(6)")
        return cast("datetime", now)

    @property
    def _metadata(self) -> Metadata:
        return Metadata(self.engine.connection, self.engine.queries)

    def _parked_news(self, registrations: Mapping[int, Registration]) -> Iterator[Parked]:
        for registration in registrations.values():
            reason = registration.reason if registration.parked_for else ""
            if reason != self._parked.get(registration.table, ""):
                self._parked[registration.table] = reason
                yield Parked(registration.table, reason)

    def _look(self, registrations: Mapping[int, Registration]) -> None:
        """Note the objects that were loaded since the last look."""
        rows = self.engine.connection.fetch(
            f"select table_number, object, bucket from {self._metadata.schema}.objects"
            " where loaded_at >= %s",
            [max(self._begin, self._now() - _LONGEST_LOAD)],
        )
        found = {(number, key): bucket for number, key, bucket in rows}
        for number, key in found.keys() - self._seen:
            table = registrations[number].table
            self._unread.append(_Unread(table, ObjectName(found[number, key], key)))
        self._seen = set(found)

    def _count(self) -> dict[str, tuple[int, int]]:
        """How many puts and deletes were in the objects that can be read by now, by table."""
        counts: dict[str, tuple[int, int]] = {}
        waiting: list[_Unread] = []
        for unread in self._unread:
            data = self._read(unread.name)
            if data is None and unread.tries < _TRIES:
                unread.tries += 1
                waiting.append(unread)
                continue
            lines, deletes = _lines(data or b"")
            puts_before, deletes_before = counts.get(unread.table, (0, 0))
            counts[unread.table] = (puts_before + lines - deletes, deletes_before + deletes)
        self._unread = waiting
        return counts

    def _read(self, name: ObjectName) -> bytes | None:
        """It moves from the raw bucket to the archive, and may be in both or, for us, in none."""
        for place in (name.processed(self.backup), name):
            stored = self.store.read(place)
            if stored is not None:
                return stored.data
        return None

    def _items(self, registration: Registration) -> int:
        ledger = f"{self._metadata.schema}.ledger_{registration.number}"
        ((count,),) = self.engine.connection.fetch(
            f"select count(*) from {ledger} where not gone and rev > 0"
        )
        return int(count)

    def _quarantined(self) -> dict[str, int]:
        found: dict[str, int] = {}
        for table, _, count in self.engine.connection.fetch(
            self.engine.queries["count_quarantine"]
        ):
            found[table] = found.get(table, 0) + count
        return found


def _lines(data: bytes) -> tuple[int, int]:
    """How many lines there are, and how many of them are deletes."""
    text = unpacked(data)
    return sum(1 for line in text.split(b"\n") if line), text.count(_DELETE)
