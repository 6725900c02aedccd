"""The registry of streams: which may feed a table, and at which epoch.

A version begins with the epoch, so the changes of a stream with a higher one win over all others,
whatever the labels say. It is 0 until an operator accepts a stream whose label is lower than that
of another: what is newer is then no longer told by the labels, but by that decision.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from dynaurora.errors import StreamNotAccepted
from dynaurora.model.versions import EPOCH_DIGITS, Stream, stream_of
from dynaurora.ports import Connection
from dynaurora.sql.queries import Queries


@dataclass(frozen=True, slots=True)
class KnownStream:
    """A stream that may feed its table. table_id: DynamoDB's, "" where `deploy` has not told it."""

    stream: Stream
    epoch: int
    table_id: str = ""
    accepted_at: datetime | None = None

    @property
    def rank(self) -> tuple[int, int]:
        """What orders the streams of a table."""
        return self.epoch, self.stream.label_ms


class Acceptance:
    """Decides which streams may feed a table, and at which epoch.

    A load parks on another account, another Region or a lower label than the highest known: a
    fail-over to a replica whose stream is older would lose every change to the ledger in silence.
    """

    def __init__(self, table: str, known: Sequence[KnownStream]) -> None:
        self._table = table
        self._known = list(known)
        self.new: dict[Stream, int] = {}

    def epoch(self, stream: Stream) -> int:
        """The epoch of a stream; raises ``StreamNotAccepted``."""
        for known in self._known:
            if known.stream.arn == stream.arn:
                return known.epoch
        if self._known:
            self._check(stream)
        return self._add(stream, self._highest_epoch())

    def doubts(self, stream: Stream) -> list[str]:
        """Why a stream may not feed the table unless an operator lets it in."""
        if not self._known or self.knows(stream):
            return []
        found = []
        newest = self._newest()
        if (newest.account, newest.region) != (stream.account, stream.region):
            found.append(
                f"it is of account {stream.account} in {stream.region}, and the table is fed from "
                f"account {newest.account} in {newest.region}"
            )
        if stream.label_ms < self._highest_label():
            found.append("it is older than one that feeds the table")
        return found

    def accept(self, stream: Stream) -> int:
        """Let a stream in, above every other one; its epoch."""
        if self.knows(stream):
            return self.epoch(stream)
        is_older = bool(self._known) and stream.label_ms < self._highest_label()
        epoch = self._highest_epoch() + is_older
        if epoch >= 10**EPOCH_DIGITS:
            raise StreamNotAccepted(
                f"stream {stream.arn}",
                f"table {self._table} has had {epoch} epochs",
                f"fewer than {10**EPOCH_DIGITS}",
                "Turn its stream off and on in DynamoDB: a new one has the newest label.",
            )
        return self._add(stream, epoch)

    def knows(self, stream: Stream) -> bool:
        """Whether the stream may feed the table already."""
        return any(known.stream.arn == stream.arn for known in self._known)

    def _add(self, stream: Stream, epoch: int) -> int:
        self._known.append(KnownStream(stream, epoch))
        self.new[stream] = epoch
        return epoch

    def _check(self, stream: Stream) -> None:
        doubts = self.doubts(stream)
        if not doubts:
            return
        newest = self._newest()
        raise StreamNotAccepted(
            f"stream {stream.arn}",
            ", and ".join(doubts),
            f"one of account {newest.account} in {newest.region} that is newer than every other",
            f"The objects of table {self._table} wait in the raw bucket. If its changes shall win "
            f"over all others from now on: `dynaurora stream accept {stream.arn}`. To begin with "
            f"empty SQL tables, `dynaurora drop {self._table}` before that.",
        )

    def _newest(self) -> Stream:
        return max(self._known, key=lambda known: known.rank).stream

    def _highest_label(self) -> int:
        return max(known.stream.label_ms for known in self._known)

    def _highest_epoch(self) -> int:
        return max((known.epoch for known in self._known), default=0)


class Streams:
    """The streams of one table. table, number: as it is registered."""

    def __init__(self, connection: Connection, queries: Queries, table: str, number: int) -> None:
        self._connection = connection
        self._queries = queries
        self._table = table
        self._number = number

    def known(self) -> list[KnownStream]:
        """Those that may feed the table, the one that wins over all others first."""
        rows = self._connection.fetch(self._queries["streams"], [self._number])
        found = [
            KnownStream(stream_of(arn), epoch, table_id or "", accepted_at)
            for arn, table_id, epoch, accepted_at in rows
        ]
        return sorted(found, key=lambda known: known.rank, reverse=True)

    def acceptance(self) -> Acceptance:
        """Which streams may feed the table, as of now."""
        return Acceptance(self._table, self.known())

    def lock(self) -> None:
        """Until the transaction ends, nobody else adds streams to the table."""
        parameters = [self._queries.schema, self._number]
        self._connection.fetch(self._queries["lock_streams"], parameters)

    def add(self, streams: Mapping[Stream, int]) -> None:
        """Note streams that a load has seen for the first time, with their epochs."""
        for stream, epoch in streams.items():
            self._add(stream, "", epoch)

    def register(self, arn: str, table_id: str) -> bool:
        """Note the stream of a table that is being deployed; whether another one was read before.

        In a transaction. Raises ``StreamNotAccepted`` when the table was deleted and made again
        since, unless an operator has let its stream in; and for a stream over which another was
        accepted.
        """
        self.lock()
        known = self.known()
        stream = stream_of(arn)
        acceptance = Acceptance(self._table, known)
        known_ids = {each.table_id for each in known if each.table_id}
        if known_ids and table_id not in known_ids and not acceptance.knows(stream):
            raise StreamNotAccepted(
                f"table {self._table}",
                f"it was deleted and made again (its TableId is now {table_id})",
                f"the table that was deployed before ({', '.join(sorted(known_ids))})",
                "Its old rows are still in SQL, and no change will remove them. To begin anew, say "
                f"`dynaurora drop {self._table}`, deploy, and `dynaurora unpark {self._table}`. "
                f"To keep them beside the new ones: `dynaurora stream accept {arn}`, and deploy.",
            )
        epoch = acceptance.epoch(stream)
        if known and (epoch, stream.label_ms) < known[0].rank:
            raise StreamNotAccepted(
                f"stream {arn}",
                f"its changes lose against those of {known[0].stream.arn}, accepted after it",
                "the stream that wins over all others of the table",
                "Turn it off and on in DynamoDB, and deploy: a new one has the newest label.",
            )
        self._add(stream, table_id, epoch)
        return bool(known) and not any(each.stream.arn == arn for each in known)

    def accept(self, stream: Stream) -> int:
        """Let a stream in, above every other one of the table; its epoch. In a transaction."""
        self.lock()
        epoch = self.acceptance().accept(stream)
        self._add(stream, "", epoch)
        return epoch

    def _add(self, stream: Stream, table_id: str, epoch: int) -> None:
        parameters = [stream.arn, self._number, table_id or None, stream.label_ms, epoch]
        self._connection.execute(self._queries["add_stream"], parameters)
