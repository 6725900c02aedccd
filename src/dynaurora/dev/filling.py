"""Filling: the items that were in a table before its stream, as changes of their own.

Who makes a table and writes to it is quicker than who waits for tables, so the first items are in
no stream. They are captured as inserts with a version below every change of the stream: the time in
milliseconds in place of a SequenceNumber, which has more digits. So a change that the stream tells
of wins over the item as it was read here, whichever arrives first.
"""

import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import Any, Final, Protocol

from dynaurora.adapters.items import Image, scan
from dynaurora.capture import Captured
from dynaurora.ports import Clock

_PATIENCE_S: Final = 60


class _Clock:
    """Time as capture asks for it."""

    sleep = staticmethod(time.sleep)

    def __init__(self) -> None:
        self._end = time.monotonic() + _PATIENCE_S

    def remaining_ms(self) -> int:
        return int((self._end - time.monotonic()) * 1000)


class Capture(Protocol):
    """`dynaurora.capture.capture` with its parts."""

    def __call__(self, records: Sequence[Mapping[str, Any]], *, clock: Clock) -> Captured: ...


def fill(dynamodb: Any, capture: Capture, table: Mapping[str, Any]) -> int:
    """Send every item of the table on its way; how many there were.

    dynamodb: as `dynaurora.adapters.items` makes it. table: as DescribeTable answers, with the
    stream on.
    """
    begin = time.time()
    keys = [key["AttributeName"] for key in table["KeySchema"]]
    count = 0

    def record(item: Image) -> Mapping[str, Any]:
        return {
            "eventName": "INSERT",
            "eventSourceARN": table["LatestStreamArn"],
            "dynamodb": {
                "Keys": {name: item[name] for name in keys},
                "NewImage": item,
                "SequenceNumber": str(int(begin * 1000)),
                "ApproximateCreationDateTime": int(begin),
            },
        }

    with closing(scan(dynamodb, table["TableName"], segments=1)) as pages:
        for page in pages:
            outcome = capture([record(item) for item in page], clock=_Clock())
            if outcome.failure is not None:
                raise outcome.failure
            count += len(page)
    return count
