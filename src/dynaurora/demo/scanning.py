"""Scanning: every item of a table, read consistently, some segments at once.

A page of each segment is read ahead while its caller works on another; no more is in memory.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Scan.html#Scan.ParallelScan
"""

from collections.abc import Generator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any, Final

from dynaurora.adapters.aws import aws_errors

Image = Mapping[str, Mapping[str, Any]]

SEGMENTS: Final = 4


def scan(
    client: Any, table: str, *, segments: int = SEGMENTS
) -> Generator[list[Image], None, None]:
    """The items of a table, a page (1 MB) at a time, in no order.

    client: of `dynaurora.demo.wire`, so an item is what a line of the pipeline holds.
    """

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
                yield answer["Items"]
    finally:
        pool.shutdown(cancel_futures=True)
