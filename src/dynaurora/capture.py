"""Capture: a batch of stream records becomes packed records of a Firehose stream.

    stream batch ─► lines ─► packs of at most 1,000 KiB ─► PutRecordBatch, again what failed

Many changes share a Firehose record, because Firehose bills each record rounded up to 5 KB.
What is still not delivered when the time is nearly over is told by the first SequenceNumber that
failed: Lambda takes the lowest as its checkpoint and sends everything from there again. A change is
checkpointed only after its delivery; delivering twice is harmless (the load arbitrates).

This stage knows nothing of plugins, databases or S3.
"""

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

from dynaurora.errors import AwsError, ChangeTooLarge, DeliveryFailed, DynauroraError
from dynaurora.model.keys import key_of
from dynaurora.model.lines import Line, Operation, encode_line
from dynaurora.model.names import delivery_stream_name
from dynaurora.ports import Clock, DeliveryStreams

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


@dataclass(frozen=True, slots=True)
class Pack:
    """What travels as one Firehose record. ``sequence_number`` is that of its first change."""

    stream: str
    sequence_number: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Captured:
    """What one batch came to. ``records`` counts Firehose records, ``retried`` those put again."""

    changes: int
    records: int
    retried: int
    failure: DynauroraError | None = None
    failed_sequence_number: str = ""


def capture(
    records: Sequence[Mapping[str, Any]],
    *,
    streams: DeliveryStreams,
    prefix: str,
    clock: Clock,
) -> Captured:
    """Deliver the changes of one batch.

    records: ``Records`` of a DynamoDB stream event, in the order of the stream.
    prefix: what stands before a table's name in the name of its Firehose stream.

    A failure is a value: everything before ``failed_sequence_number`` has been delivered.
    """
    encoded: list[Pack] = []
    failure: DynauroraError | None = None
    failed = ""
    for record in records:
        try:
            encoded.append(_encoded(record, prefix))
        except DynauroraError as error:
            # Nothing behind it is put: the batch comes again from here.
            failure, failed = error, _sequence_number(record)
            break
    packs = list(_packed(encoded))
    retried = 0
    try:
        for put in _puts(packs):
            retried += _deliver(put, streams, clock)
    except DeliveryFailed as error:
        failure, failed = error, error.sequence_number
    return Captured(len(records), len(packs), retried, failure, failed)


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


def _encoded(record: Mapping[str, Any], prefix: str) -> Pack:
    line = line_of(record)
    data = encode_line(line) + b"\n"
    if len(data) > RECORD_BYTES:
        raise ChangeTooLarge(
            f"{line['table']}, key {key_of(line['keys']).hex()}",
            f"its change has {len(data):,} bytes as a line",
            f"at most {RECORD_BYTES:,}",
            "Make the item smaller, or move its large attribute to S3.",
        )
    return Pack(delivery_stream_name(prefix, line["table"]), line["seq"], data)


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
    waiting, retried, pause_s = list(put), 0, FIRST_PAUSE_S
    while True:
        waiting, reason, can_retry = _put_once(waiting, streams)
        if not waiting:
            return retried
        # Full jitter: https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/
        wait_s = random.uniform(0, pause_s)  # noqa: S311 - spreads retries, guards nothing
        if not can_retry or clock.remaining_ms() - wait_s * 1000 < RESERVED_MS:
            raise DeliveryFailed(
                waiting[0].stream,
                f"{len(waiting)} of {len(put)} records were not taken in the time left ({reason})",
                "every record taken",
                "The batch comes again from the first of them. If this lasts, look at the "
                "stream's quota and at its alarms.",
                sequence_number=waiting[0].sequence_number,
            )
        clock.sleep(wait_s)
        retried += len(waiting)
        pause_s = min(LONGEST_PAUSE_S, pause_s * 2)


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


def _sequence_number(record: Mapping[str, Any]) -> str:
    return str(record["dynamodb"]["SequenceNumber"])


def _is_expiry(record: Mapping[str, Any]) -> bool:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/time-to-live-ttl-streams.html"""
    identity = record.get("userIdentity") or {}
    return (
        identity.get("type") == "Service"
        and identity.get("principalId") == "dynamodb.amazonaws.com"
    )


def _without_replication(image: Mapping[str, Any]) -> Mapping[str, Any]:
    """Global tables of version 2017.11.29 add three attributes to every item.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/globaltables.V1.html
    """
    if "aws:rep:updatetime" not in image:
        return image
    return {name: value for name, value in image.items() if not name.startswith("aws:rep:")}
