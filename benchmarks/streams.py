"""Capture and transform, beside the least that could do their work."""

import base64
import json
from collections.abc import Iterator, Sequence
from statistics import median
from typing import Any

from measures import Measure, seconds

from dynaurora.adapters.memory import MemoryObjects
from dynaurora.capture import Captured, capture
from dynaurora.ports import DeliveryStreams, PutOutcome
from dynaurora.transform import transform


class Taken:
    """A Firehose stream that takes everything at once."""

    def put(self, stream: str, records: Sequence[bytes]) -> list[PutOutcome]:
        del stream
        return [PutOutcome("", "") for _ in records]


class Invocation:
    """A clock with time enough."""

    def remaining_ms(self) -> int:
        return 60_000

    def sleep(self, seconds: float) -> None:
        raise AssertionError(seconds)


def measure(records: Sequence[dict[str, Any]], *, times: int) -> Iterator[Measure]:
    """records: of a stream event, about as many as a batch has."""
    count = len(records)
    ours, floor = [], []
    for _ in range(times):
        ours.append(seconds(lambda: _captured(records)))
        floor.append(seconds(lambda: [json.dumps(record).encode() for record in records]))
    yield Measure("capture", "python", count / median(ours), count / median(floor), "changes/s")

    packs = _packs(records)
    ours, floor = [], []
    for _ in range(times):
        ours.append(seconds(lambda: transform(packs)))
        floor.append(seconds(lambda: [_base64_alone(pack["data"]) for pack in packs]))
    yield Measure("transform", "python", count / median(ours), count / median(floor), "changes/s")


def _captured(records: Sequence[dict[str, Any]]) -> None:
    assert _deliver(records, Taken()).failure is None


def _deliver(records: Sequence[dict[str, Any]], streams: DeliveryStreams) -> Captured:
    return capture(
        records,
        streams=streams,
        prefix="",
        bodies=MemoryObjects(),
        backup_bucket="backup",
        clock=Invocation(),
    )


def _base64_alone(data: str) -> str:
    return base64.b64encode(base64.b64decode(data)).decode("ascii")


def _packs(records: Sequence[dict[str, Any]]) -> list[dict[str, str]]:
    packs: list[bytes] = []

    class Kept(Taken):
        def put(self, stream: str, records: Sequence[bytes]) -> list[PutOutcome]:
            packs.extend(records)
            return super().put(stream, records)

    _deliver(records, Kept())
    return [
        {"recordId": str(number), "data": base64.b64encode(pack).decode("ascii")}
        for number, pack in enumerate(packs)
    ]
