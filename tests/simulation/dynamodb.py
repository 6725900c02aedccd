"""DynamoDB tables and their streams, as their documents describe them.

A stream has shards. A shard that splits is closed and has two children, which between them take its
keys; a reader has to finish the parent first. The changes of an item are in order within a lineage
of shards, and each is in the stream once. A put that changes nothing and a delete of nothing leave
no change.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dynaurora.model.versions import sequence_digits, stream_of

ACCOUNT = "111122223333"
REGION = "eu-west-1"
START_S = 1_700_000_000

Item = Mapping[str, Mapping[str, Any]]
"""An item or a key in DynamoDB JSON."""

KeyText = str
"""A key as a text that tells it from others, for dicts."""


@dataclass(frozen=True)
class Write:
    """What an application does to a table. item: None deletes. is_expiry: Time to Live did it.

    faults: the kinds that are in the item itself.
    """

    table: str
    key: Item
    item: Item | None
    is_expiry: bool = False
    faults: tuple[str, ...] = ()


@dataclass(frozen=True)
class Change:
    """A change as the stream has it."""

    write: Write
    record: Mapping[str, Any]
    version: int

    @property
    def key(self) -> KeyText:
        return key_text(self.write.key)


@dataclass(eq=False)
class Shard:
    """A shard: the part of the keys from ``first`` to before ``last``, of 256.

    parent: has to be read to its end before this one is begun.
    """

    stream: str
    first: int
    last: int
    parent: "Shard | None" = None
    records: list[Mapping[str, Any]] = field(default_factory=list)
    is_closed: bool = False


class Table:
    """A table, its items, and the streams it has had."""

    def __init__(self, name: str, seed: str) -> None:
        self.name = name
        self.items: dict[KeyText, Item] = {}
        self.changes: list[Change] = []
        self.shards: list[Shard] = []
        self.streams: list[str] = []
        self._chance = random.Random(f"{seed} stream of {name}")
        self._sequence = 0
        self.make_stream()

    def write(self, write: Write, now_s: float) -> None:
        """Do it; the change, if it is one, goes into the shard of its key."""
        key = key_text(write.key)
        before = self.items.get(key)
        if write.item == before:
            return
        if write.item is None:
            del self.items[key]
        else:
            self.items[key] = write.item
        stream = self.streams[-1]
        self._sequence += self._chance.randint(1, 10**9)
        record = _record(write, before, stream, self._sequence, now_s)
        self._shard(key).records.append(record)
        digits = stream_of(stream).version_prefix() + sequence_digits(str(self._sequence))
        self.changes.append(Change(write, record, int(digits)))

    def split(self) -> None:
        """Close an open shard and give its keys to two children."""
        parents = [shard for shard in self._open() if shard.last - shard.first > 1]
        if not parents:
            return
        parent = self._chance.choice(parents)
        parent.is_closed = True
        middle = (parent.first + parent.last) // 2
        for first, last in ((parent.first, middle), (middle, parent.last)):
            self.shards.append(Shard(parent.stream, first, last, parent))

    def make_stream(self) -> None:
        """A new stream; the one before stays readable. Its numbers may begin lower, and they may
        get a digit more on the way: compared as texts they would be in the wrong order."""
        for shard in self._open():
            shard.is_closed = True
        number = len(self.streams)
        label = f"2026-{number + 1:02d}-01T00:00:00.000"
        stream = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{self.name}/stream/{label}"
        self.streams.append(stream)
        self._sequence = 10 ** self._chance.randint(21, 30) - self._chance.randint(1, 10**11)
        middle = 128
        self.shards += [Shard(stream, 0, middle), Shard(stream, middle, 256)]

    def _open(self) -> list[Shard]:
        return [shard for shard in self.shards if not shard.is_closed]

    def _shard(self, key: KeyText) -> Shard:
        place = random.Random(key).randrange(256)
        (found,) = (shard for shard in self._open() if shard.first <= place < shard.last)
        return found


def key_text(key: Item) -> KeyText:
    return repr(sorted((name, *value.items()) for name, value in key.items()))


def lane_of(record: Mapping[str, Any], lanes: int) -> int:
    """Which of the batches that are processed at once an item's changes are in: always the same."""
    return random.Random(key_text(record["dynamodb"]["Keys"])).randrange(lanes)


def _record(
    write: Write, before: Item | None, stream: str, sequence: int, now_s: float
) -> dict[str, Any]:
    """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_Record.html"""
    change: dict[str, Any] = {
        "ApproximateCreationDateTime": float(START_S + int(now_s)),
        "Keys": write.key,
        "SequenceNumber": str(sequence),
        "SizeBytes": 1,
        "StreamViewType": "NEW_AND_OLD_IMAGES",
    }
    if before is not None:
        change["OldImage"] = before
    if write.item is not None:
        change["NewImage"] = write.item
    kind = "REMOVE" if write.item is None else "INSERT" if before is None else "MODIFY"
    record: dict[str, Any] = {
        "eventID": f"{sequence:x}",
        "eventName": kind,
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": REGION,
        "dynamodb": change,
        "eventSourceARN": stream,
    }
    if write.is_expiry:
        record["userIdentity"] = {"type": "Service", "principalId": "dynamodb.amazonaws.com"}
    return record
