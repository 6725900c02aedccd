"""The borders of the stages, as Protocols. Whatever fits may stand behind them.

Stages know these and nothing of AWS or of a driver; `dynaurora.adapters` has what fits.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Final, Protocol

from dynaurora.model.events import ObjectName


@dataclass(frozen=True, slots=True)
class PutOutcome:
    """What became of one record of a put. ``error_code`` is "" when it was taken."""

    error_code: str
    error_message: str


class DeliveryStreams(Protocol):
    """Firehose, as far as capture needs it."""

    def put(self, stream: str, records: Sequence[bytes]) -> Sequence[PutOutcome]:
        """Put at most 500 records and 4 MiB; one outcome per record, in order.

        Raises ``AwsError`` when the outcome of all of them is unknown or a refusal.
        """
        ...


class BodyStore(Protocol):
    """S3, as far as capture needs it."""

    def put(self, name: ObjectName, data: bytes) -> None:
        """Write an object, over one of the same name."""
        ...


GZIP: Final = b"\x1f\x8b"
"""How every gzip begins."""


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object that was read. ``etag`` tells it from another object under the same name."""

    name: ObjectName
    etag: str
    data: bytes

    @property
    def unpacked_bytes(self) -> int:
        """About how large it is without gzip, whose last four bytes say it of the last member.

        https://www.rfc-editor.org/rfc/rfc1952#section-2.3.1
        """
        if not self.data.startswith(GZIP):
            return len(self.data)
        return max(len(self.data), int.from_bytes(self.data[-4:], "little"))


class ObjectStore(Protocol):
    """S3, as far as the load needs it."""

    def read(self, name: ObjectName) -> StoredObject | None:
        """The whole object, or None where there is none."""
        ...

    def exists(self, name: ObjectName) -> bool: ...

    def copy(self, source: ObjectName, etag: str, target: ObjectName) -> bool:
        """Copy if the source still is what was read; False where there is no source."""
        ...

    def delete(self, name: ObjectName) -> None: ...

    def folders(self, bucket: str) -> Iterator[str]:
        """The first folders of a bucket, without the slash."""
        ...

    def list_older(
        self, bucket: str, folder: str, age_s: int, after: str = ""
    ) -> Iterator[ObjectName]:
        """The objects below a folder, which may be several deep, that are at least so old.

        In name order. after: only those whose key comes after this one.
        """
        ...


@dataclass(frozen=True, slots=True)
class RelationColumn:
    """A column of a relation, with the engine's own type."""

    name: str
    sql_type: str


class Connection(Protocol):
    """One connection to a database, at READ COMMITTED and in UTC.

    Errors are the classes below ``DatabaseError``.
    """

    def execute(self, statement: str, parameters: Sequence[Any] = ()) -> int:
        """Run one statement; the number of rows it touched."""
        ...

    def execute_all(self, statements: Sequence[str]) -> list[int]:
        """Run statements in order, in one round trip where the engine can; the rows that each
        touched. The error of one that fails tells it of those before (``DatabaseError.done``)."""
        ...

    def fetch(self, statement: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Run one query; all its rows. Numbers come as Decimal or int, never as float."""
        ...

    def fetch_named(self, statement: str) -> tuple[list[str], list[tuple[Any, ...]]]:
        """The columns and rows of a query."""
        ...

    def copy_in(
        self, relation: str, columns: Sequence[RelationColumn], blocks: Iterable[bytes]
    ) -> None:
        """Write rows in the text form of COPY: tabs between columns, a newline after each row."""
        ...

    def transaction(self) -> AbstractContextManager[None]:
        """Commit at the end, roll back on any exception. Not nested."""
        ...

    def savepoint(self) -> AbstractContextManager[None]:
        """Inside a transaction: release at the end, roll back to the start on an exception."""
        ...

    def is_healthy(self) -> bool:
        """Whether the server answers now; where the session has ended, in a new one.

        Not inside a transaction.
        """
        ...

    def close(self) -> None: ...


class Clock(Protocol):
    """Time as the stages see it; tests move it by hand."""

    def remaining_ms(self) -> int:
        """What is left of this invocation."""
        ...

    def sleep(self, seconds: float) -> None: ...
