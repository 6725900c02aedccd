"""Scanning: every item of a table, read consistently, some segments at once.

A page of each segment is read ahead while its caller works on another; no more is in memory.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Scan.html#Scan.ParallelScan
"""

from base64 import b64encode
from collections.abc import Generator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any, Final

from dynaurora.adapters.aws import aws_errors

Image = Mapping[str, Mapping[str, Any]]

SEGMENTS: Final = 4


def scan(
    client: Any, table: str, *, segments: int = SEGMENTS
) -> Generator[list[Image], None, None]:
    """The items of a table, a page (1 MB) at a time, in no order."""

    def page(segment: int, start: Mapping[str, Any]) -> tuple[int, Mapping[str, Any]]:
        with aws_errors(f"table {table}"):
            return segment, client.scan(
                TableName=table,
                ConsistentRead=True,
                Segment=segment,
                TotalSegments=segments,
                **start,
            )

    pool = ThreadPoolExecutor(segments, thread_name_prefix=f"scan of {table}")
    try:
        reading: set[Future[tuple[int, Mapping[str, Any]]]]
        reading = {pool.submit(page, segment, {}) for segment in range(segments)}
        while reading:
            done, reading = wait(reading, return_when=FIRST_COMPLETED)
            for one in done:
                segment, answer = one.result()
                if last := answer.get("LastEvaluatedKey"):
                    reading.add(pool.submit(page, segment, {"ExclusiveStartKey": last}))
                yield [image_of(item) for item in answer["Items"]]
    finally:
        pool.shutdown(cancel_futures=True)


def image_of(item: Image) -> Image:
    """An item as it is in a line: boto3 has decoded its binary values."""
    return {name: _value(value) for name, value in item.items()}


def _value(value: Mapping[str, Any]) -> Mapping[str, Any]:
    if "S" in value or "N" in value:
        return value
    ((tag, content),) = value.items()
    if tag == "B":
        return {"B": b64encode(content).decode()}
    if tag == "BS":
        return {"BS": [b64encode(inner).decode() for inner in content]}
    if tag == "L":
        return {"L": [_value(inner) for inner in content]}
    if tag == "M":
        return {"M": {name: _value(inner) for name, inner in content.items()}}
    return value
