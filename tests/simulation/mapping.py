"""The stream mapping: Lambda's reading of a table's streams, and what it does with answers.

Each shard is read in lanes, as many as are processed at once; the changes of an item are in one
lane. A batch that fails comes again, whole, in halves, or from the lowest number that was reported,
until it is too old or has been tried too often; then it goes whole into a bucket, and its
neighbours go on.
https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html
https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html
"""

import json
import random
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from simulation.dynamodb import START_S, Shard, Table, lane_of
from simulation.faults import Faults
from simulation.turns import Crash

IDLE_S: Final = 15
"""How long a stream without changes is left alone; this only saves steps of the simulation."""

Records = Sequence[Mapping[str, Any]]
Capture = Callable[[Records], Any]
"""Invoke the function; raises what it raises."""

GivenUp = Callable[[str, bytes], None]
"""Write an object, by its key, where the mapping writes what it gives up."""


@dataclass
class _Batch:
    records: Records
    attempts: int = 0


@dataclass
class _Lane:
    shard: Shard
    number: int
    read: int = 0
    batches: deque[_Batch] = field(default_factory=deque)
    held_until_s: float = 0


class StreamMapping:
    """The mapping of one table. Its settings are part of the history."""

    def __init__(
        self, table: Table, capture: Capture, give_up: GivenUp, faults: Faults, seed: str
    ) -> None:
        chance = random.Random(f"{seed} mapping of {table.name}")
        self._table = table
        self._capture = capture
        self._give_up = give_up
        self._faults = faults
        self._batch_size = chance.choice((5, 20, 100))
        self._lanes_of_a_shard = chance.choice((1, 1, 3))
        self._bisects = chance.random() < 0.7
        self._retries = chance.choice((2, 5, 10))
        self._oldest_s = chance.choice((120, 21_600))
        self._lanes: dict[int, list[_Lane]] = {}
        self._finished: set[int] = set()
        self._given_up = 0

    @property
    def is_idle(self) -> bool:
        """Whether everything has been read and handed over."""
        shards = self._shards()
        has_children = any(shard.parent in shards for shard in self._table.shards)
        return not has_children and all(map(self._is_read, shards))

    def poll(self, now_s: float) -> None:
        """Hand over a batch of every lane that may be read."""
        for shard in self._shards():
            for lane in self._lanes_of(shard):
                if now_s >= lane.held_until_s:
                    self._poll_lane(lane, now_s)
            if shard.is_closed and self._is_read(shard):
                self._finished.add(id(shard))

    def waits_s(self, now_s: float) -> float:
        """How long there is nothing to do, for all that is known."""
        lanes = [lane for shard in self._shards() for lane in self._lanes_of(shard)]
        busy = [lane.held_until_s - now_s for lane in lanes if not self._is_lane_read(lane)]
        return max(0, min(busy, default=IDLE_S))

    def _poll_lane(self, lane: _Lane, now_s: float) -> None:
        if self._is_lane_read(lane):
            return
        if self._faults.happens("batch held up"):
            lane.held_until_s = now_s + self._faults.draw("batch held up").choice((30, 200, 1000))
            return
        if not lane.batches:
            self._read(lane)
        if lane.batches:
            self._hand_over(lane, lane.batches.popleft(), now_s)

    def _read(self, lane: _Lane) -> None:
        found = [
            record
            for record in lane.shard.records[lane.read :]
            if lane_of(record, self._lanes_of_a_shard) == lane.number
        ]
        if len(found) <= self._batch_size:
            lane.read = len(lane.shard.records)
        else:
            found = found[: self._batch_size]
            lane.read = lane.shard.records.index(found[-1]) + 1
        if found:
            lane.batches.append(_Batch(found))

    def _hand_over(self, lane: _Lane, batch: _Batch, now_s: float) -> None:
        oldest_s = now_s - (batch.records[0]["dynamodb"]["ApproximateCreationDateTime"] - START_S)
        if oldest_s > self._oldest_s and not self._faults.is_calm:
            self._give_up_batch(lane, batch, "RecordAgeExceeded")
            return
        try:
            answer = self._capture(batch.records)
        except (Crash, Exception):  # noqa: BLE001 - whatever it raises, the batch has failed
            self._failed(lane, batch)
            return
        done = _done(answer, batch.records)
        if done is None:
            self._failed(lane, batch)
        elif done < len(batch.records):
            self._again(lane, _Batch(batch.records[done:], batch.attempts + 1))
        elif self._faults.happens("batch handed over twice"):
            lane.batches.appendleft(batch)

    def _failed(self, lane: _Lane, batch: _Batch) -> None:
        middle = len(batch.records) // 2
        if self._bisects and middle:
            lane.batches.appendleft(_Batch(batch.records[middle:], batch.attempts))
            lane.batches.appendleft(_Batch(batch.records[:middle], batch.attempts))
            return
        self._again(lane, _Batch(batch.records, batch.attempts + 1))

    def _again(self, lane: _Lane, batch: _Batch) -> None:
        if batch.attempts > self._retries and not self._faults.is_calm:
            self._give_up_batch(lane, batch, "RetryAttemptsExhausted")
        else:
            lane.batches.appendleft(batch)

    def _give_up_batch(self, lane: _Lane, batch: _Batch, condition: str) -> None:
        self._faults.follows("batch given up")
        self._given_up += 1
        shard = f"shardId-{lane.shard.first:05d}-{lane.shard.last:05d}"
        numbers = [record["dynamodb"]["SequenceNumber"] for record in batch.records]
        told = {
            "requestContext": {
                "requestId": f"{self._given_up:032x}",
                "functionArn": "arn:aws:lambda:eu-west-1:111122223333:function:capture",
                "condition": condition,
                "approximateInvokeCount": batch.attempts,
            },
            "responseContext": {
                "statusCode": 200,
                "executedVersion": "$LATEST",
                "functionError": "Unhandled",
            },
            "version": "1.0",
            "timestamp": "2026-01-01T00:00:00.000Z",
            "DDBStreamBatchInfo": {
                "shardId": shard,
                "startSequenceNumber": numbers[0],
                "endSequenceNumber": numbers[-1],
                "approximateArrivalOfFirstRecord": "2026-01-01T00:00:00Z",
                "approximateArrivalOfLastRecord": "2026-01-01T00:00:00Z",
                "batchSize": len(batch.records),
                "streamArn": lane.shard.stream,
            },
            "payload": json.dumps({"Records": batch.records}),
        }
        name = f"2026-01-01T00.00.00-{self._given_up:032x}"
        key = f"aws/lambda/{self._table.name}/{shard}/2026/01/01/{name}"
        self._give_up(key, json.dumps(told).encode())

    def _shards(self) -> list[Shard]:
        """Those that may be read and have not been to their end: no child before its parent."""
        return [
            shard
            for shard in self._table.shards
            if id(shard) not in self._finished
            and (shard.parent is None or id(shard.parent) in self._finished)
        ]

    def _lanes_of(self, shard: Shard) -> list[_Lane]:
        found = self._lanes.get(id(shard))
        if found is None:
            found = [_Lane(shard, number) for number in range(self._lanes_of_a_shard)]
            self._lanes[id(shard)] = found
        return found

    def _is_read(self, shard: Shard) -> bool:
        return all(map(self._is_lane_read, self._lanes_of(shard)))

    def _is_lane_read(self, lane: _Lane) -> bool:
        return lane.read == len(lane.shard.records) and not lane.batches


def _done(answer: Any, records: Records) -> int | None:
    """How many records are done with: up to the lowest that failed. None: the batch has failed.

    An empty or missing list is success; an item that is empty, missing or unknown is failure.
    """
    failures = (answer or {}).get("batchItemFailures") or []
    numbers = [record["dynamodb"]["SequenceNumber"] for record in records]
    if not failures:
        return len(records)
    try:
        return min(numbers.index(failure["itemIdentifier"]) for failure in failures)
    except (KeyError, ValueError):
        return None
