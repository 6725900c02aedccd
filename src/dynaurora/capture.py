"""Capture: a batch of stream records becomes packed records of a Firehose stream.

    stream batch ─► lines ─► packs of at most 1,000 KiB ─► PutRecordBatch, again what failed
                      └─► a line larger than that: its body to S3, and a pointer in its place

Many changes share a Firehose record, because Firehose bills each record rounded up to 5 KB.
What is still not delivered when the time is nearly over is told by the first SequenceNumber that
failed: Lambda takes the lowest as its checkpoint and sends everything from there again. A change is
checkpointed only after its delivery; delivering twice is harmless (the load arbitrates).

This stage knows nothing of plugins or databases.
"""

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

from dynaurora.errors import AwsError, DeliveryFailed, DynauroraError
from dynaurora.model.claims import claim_to, packed
from dynaurora.model.events import ObjectName
from dynaurora.model.lines import Line, Operation, encode_line, pointer_to
from dynaurora.model.names import delivery_stream_name
from dynaurora.ports import BodyStore, Clock, DeliveryStreams

RECORD_BYTES: Final = 1_024_000
"""A Firehose record before base64: 1,000 KiB.
https://docs.aws.amazon.com/firehose/latest/APIReference/API_PutRecordBatch.html"""

PUT_BYTES: Final = 4 * 1024 * 1024
PUT_RECORDS: Final = 500
"""One PutRecordBatch: 4 MiB and 500 records. Same page."""

FIRST_PAUSE_S: Final = 0.1
LONGEST_PAUSE_S: Final = 5.0
RESERVED_MS: Final = 3_000
"""Kept of the invocation's time to answer, so that the answer is never lost to the time limit."""

REPLICATION: Final = frozenset({"aws:rep:deleting", "aws:rep:updatetime", "aws:rep:updateregion"})
"""What global tables of version 2017.11.29 add to items; some of it, or all.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/globaltables.V1.html"""


@dataclass(frozen=True, slots=True)
class Pack:
    """What travels as one Firehose record. ``sequence_number`` is that of its first change."""

    stream: str
    sequence_number: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Captured:
    """What one batch came to.

    table: of its first change; a mapping hands over changes of one table. records: of Firehose.
    retried: those of them that were put again. oversize: changes whose bodies were written to S3.
    """

    table: str
    changes: int
    records: int
    retried: int
    oversize: int
    failure: DynauroraError | None = None
    failed_sequence_number: str = ""


def capture(
    records: Sequence[Mapping[str, Any]],
    *,
    streams: DeliveryStreams,
    prefix: str,
    bodies: BodyStore,
    backup_bucket: str,
    clock: Clock,
) -> Captured:
    """Deliver the changes of one batch.

    records: ``Records`` of a DynamoDB stream event, in the order of the stream.
    prefix: what stands before a table's name in the name of its Firehose stream.
    bodies, backup_bucket: where the body of a change goes that no Firehose record can hold.

    A failure is a value: everything before ``failed_sequence_number`` has been delivered.
    """
    encoded: list[Pack] = []
    failure: DynauroraError | None = None
    failed = ""
    oversize = 0
    for record in records:
        line = line_of(record)
        data = encode_line(line)
        if len(data) >= RECORD_BYTES:  # and then its newline
            try:
                line = _left_behind(line, data, bodies, backup_bucket, clock)
            except DeliveryFailed as error:
                # Nothing behind it is put: the batch comes again from here.
                failure, failed = error, error.sequence_number
                break
            data = encode_line(line)
            oversize += 1
        stream = delivery_stream_name(prefix, line["table"])
        encoded.append(Pack(stream, line["seq"], data + b"\n"))
    packs = list(_packed(encoded))
    retried = 0
    try:
        for put in _puts(packs):
            retried += _deliver(put, streams, clock)
    except DeliveryFailed as error:
        failure, failed = error, error.sequence_number
    table = _table(records[0]["eventSourceARN"]) if records else ""
    return Captured(table, len(records), len(packs), retried, oversize, failure, failed)


def line_of(record: Mapping[str, Any]) -> Line:
    """The line of one stream record. ``aws:rep:*`` attributes and the old image stay behind."""
    change = record["dynamodb"]
    arn: str = record["eventSourceARN"]
    line: dict[str, Any] = {
        "v": 1,
        "table": _table(arn),
        "stream": arn,
        "op": cast("Operation", record["eventName"]),
        "keys": change["Keys"],
    }
    image = change.get("NewImage")
    if image is not None and record["eventName"] != "REMOVE":
        line["new"] = _without_replication(image)
    line["seq"] = change["SequenceNumber"]
    line["at"] = int(change.get("ApproximateCreationDateTime", 0))
    if _is_expiry(record):
        line["ttl"] = True
    return cast("Line", line)


def _left_behind(line: Line, body: bytes, bodies: BodyStore, bucket: str, clock: Clock) -> Line:
    """Write a line as a body to S3; the pointer to it. Raises ``DeliveryFailed``.

    Half of the time that is left is kept for the changes before it, which are not put yet.
    """
    claim = claim_to(line["table"], line["seq"], line["at"], body)
    name, data = ObjectName(bucket, claim["object"]), packed(body)
    pauses = _Pauses(clock, keep_ms=clock.remaining_ms() // 2)
    while True:
        try:
            bodies.put(name, data)
        except AwsError as error:
            if error.can_retry and pauses.take():
                continue
            raise DeliveryFailed(
                f"s3://{bucket}/{name.key}",
                f"the body of a change too large for a record was not written ({error})",
                "it in the backup bucket",
                "The batch comes again from this change. If this lasts, look at the bucket.",
                sequence_number=line["seq"],
            ) from error
        return pointer_to(line, claim)


def _packed(changes: Iterable[Pack]) -> Iterator[Pack]:
    """Join neighbours of one stream, up to the size of a record."""
    run: list[Pack] = []
    size = 0
    for change in changes:
        if run and (change.stream != run[0].stream or size + len(change.data) > RECORD_BYTES):
            yield _joined(run)
            run, size = [], 0
        run.append(change)
        size += len(change.data)
    if run:
        yield _joined(run)


def _joined(run: Sequence[Pack]) -> Pack:
    return Pack(run[0].stream, run[0].sequence_number, b"".join([pack.data for pack in run]))


def _puts(packs: Iterable[Pack]) -> Iterator[list[Pack]]:
    """Group packs into calls: one stream, at most 500 records and 4 MiB each."""
    put: list[Pack] = []
    size = 0
    for pack in packs:
        is_full = len(put) == PUT_RECORDS or size + len(pack.data) > PUT_BYTES
        if put and (is_full or put[0].stream != pack.stream):
            yield put
            put, size = [], 0
        put.append(pack)
        size += len(pack.data)
    if put:
        yield put


def _deliver(put: Sequence[Pack], streams: DeliveryStreams, clock: Clock) -> int:
    """Put until all is taken; the number of records put again. Raises ``DeliveryFailed``."""
    waiting, retried, pauses = list(put), 0, _Pauses(clock)
    while True:
        waiting, reason, can_retry = _put_once(waiting, streams)
        if not waiting:
            return retried
        if not can_retry or not pauses.take():
            raise DeliveryFailed(
                waiting[0].stream,
                f"{len(waiting)} of {len(put)} records were not taken in the time left ({reason})",
                "every record taken",
                "The batch comes again from the first of them. If this lasts, look at the "
                "stream's quota and at its alarms.",
                sequence_number=waiting[0].sequence_number,
            )
        retried += len(waiting)


class _Pauses:
    """Pauses between tries, jittered, longer each time up to a bound, while there is time.

    keep_ms: so much of the invocation is left alone.
    """

    def __init__(self, clock: Clock, keep_ms: int = 0) -> None:
        self._clock = clock
        self._keep_ms = max(keep_ms, RESERVED_MS)
        self._longest_s = FIRST_PAUSE_S

    def take(self) -> bool:
        """Wait; False, at once, where the time would be over then."""
        # Full jitter: https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/
        wait_s = random.uniform(0, self._longest_s)  # noqa: S311 - spreads retries, guards nothing
        if self._clock.remaining_ms() - wait_s * 1000 < self._keep_ms:
            return False
        self._clock.sleep(wait_s)
        self._longest_s = min(LONGEST_PAUSE_S, self._longest_s * 2)
        return True


def _put_once(put: Sequence[Pack], streams: DeliveryStreams) -> tuple[list[Pack], str, bool]:
    """What was not taken, in order; why its first was not; whether trying again can help."""
    try:
        outcomes = streams.put(put[0].stream, [pack.data for pack in put])
    except AwsError as error:
        return list(put), str(error), error.can_retry
    failed = [
        (pack, outcome) for pack, outcome in zip(put, outcomes, strict=True) if outcome.error_code
    ]
    reason = f"{failed[0][1].error_code}: {failed[0][1].error_message}" if failed else ""
    return [pack for pack, _ in failed], reason, True


def _table(arn: str) -> str:
    """``arn:aws:dynamodb:region:account:table/<table>/stream/<label>``"""
    return arn.split("/", 2)[1]


def _is_expiry(record: Mapping[str, Any]) -> bool:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/time-to-live-ttl-streams.html"""
    identity = record.get("userIdentity") or {}
    return (
        identity.get("type") == "Service"
        and identity.get("principalId") == "dynamodb.amazonaws.com"
    )


def _without_replication(image: Mapping[str, Any]) -> Mapping[str, Any]:
    if image.keys().isdisjoint(REPLICATION):
        return image
    return {name: value for name, value in image.items() if name not in REPLICATION}
