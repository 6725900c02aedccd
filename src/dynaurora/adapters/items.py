"""The items of DynamoDB tables, many at a time, as DynamoDB JSON.

botocore walks through every attribute of every item, in Python, to check it, to write it and to
read it. An item is DynamoDB JSON here, the form in which it travels, so orjson writes and reads it
at once. botocore still signs, sends, tries again and tells errors; what is left out is done with
its own events.
https://boto3.amazonaws.com/v1/documentation/api/latest/guide/events.html

An item that comes back is what a line of the pipeline holds: its binary values stay base64.
"""

from collections.abc import Generator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import count
from typing import Any, Final

import orjson
from botocore.config import Config

from dynaurora.adapters.aws import aws_errors

Image = Mapping[str, Mapping[str, Any]]

SEGMENTS: Final = 4
PAGE_BYTES: Final = 1_048_576
"""https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Scan.html#Scan.Pagination"""

SAMPLE_PAGES: Final = 64
"""A sample is kept in memory: items of 400 KB are many fewer than were asked for."""

READ_UNIT_BYTES: Final = 8_192
"""An eventually consistent read unit is two reads of 4 KB.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html
"""

_BODY: Final = "dynaurora_body"
_ITEMS: Final = b'"Items"'


def items_client(session: Any, endpoint: str = "") -> Any:
    """A client of DynamoDB for many items. endpoint: "" leaves it to the environment."""
    config = Config(
        parameter_validation=False,  # what is written is DynamoDB JSON already
        max_pool_connections=16,
        connect_timeout=5,
        read_timeout=60,
        retries={"mode": "standard", "total_max_attempts": 8},
        proxies={} if endpoint else None,
    )
    client = session.client("dynamodb", endpoint_url=endpoint or None, config=config)
    events = client.meta.events
    events.register("provide-client-params.dynamodb.BatchWriteItem", _written)
    events.register("before-call.dynamodb.BatchWriteItem", _sent)
    events.register("before-parse.dynamodb.Scan", _read)
    return client


def items_client_of(region: str, endpoint: str = "") -> Any:
    """The same of a Region, with the credentials of the environment."""
    import boto3  # noqa: PLC0415 - takes longer than many a command

    with aws_errors("AWS"):
        return items_client(boto3.Session(region_name=region or None), endpoint)


def scan(
    client: Any, table: str, *, segments: int = SEGMENTS
) -> Generator[list[Image], None, None]:
    """Every item of a table, read consistently: a page (1 MB) at a time, in no order.

    A page of each segment is read ahead while the caller works on another; no more is in memory.
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Scan.html#Scan.ParallelScan

    client: as `items_client` makes it.
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


def sample(
    client: Any, table: str, items: int, *, segments: int = SEGMENTS
) -> Generator[list[Image], None, None]:
    """At most so many items of a table, from every part of it alike, eventually consistent.

    A table that has no more is read whole. No more is read than is given, and at most
    `SAMPLE_PAGES` pages, so the cost is bounded: see `sample_units`.

    client: as `items_client` makes it.
    """

    def page(segment: int, start: Mapping[str, Any], limit: int) -> Mapping[str, Any]:
        with aws_errors(f"table {table}"):
            answer: Mapping[str, Any] = client.scan(
                TableName=table, Segment=segment, TotalSegments=segments, Limit=limit, **start
            )
        return answer

    share = -(-items // segments)
    wanted, pages = items, count(1)
    waiting: list[tuple[int, Mapping[str, Any]]] = [(segment, {}) for segment in range(segments)]
    reading: dict[Future[Mapping[str, Any]], tuple[int, int]] = {}
    pool = ThreadPoolExecutor(segments, thread_name_prefix=f"sample of {table}")
    try:
        while True:
            while waiting and wanted and next(pages) <= SAMPLE_PAGES:
                (segment, start), limit = waiting.pop(0), min(wanted, share)
                wanted -= limit
                reading[pool.submit(page, segment, start, limit)] = segment, limit
            if not reading:
                return
            done, _ = wait(reading, return_when=FIRST_COMPLETED)
            for one in done:
                segment, limit = reading.pop(one)
                answer = one.result()
                wanted += limit - len(answer["Items"])
                if last := answer.get("LastEvaluatedKey"):
                    waiting.append((segment, {"ExclusiveStartKey": last}))
                yield answer["Items"]
    finally:
        pool.shutdown(cancel_futures=True)


def sample_units(items: int, table_items: int, table_bytes: int) -> int:
    """About how many read units a sample of so many items takes.

    table_items, table_bytes: how many items the table has, and their size, as far as is known.
    Each page that is read is rounded up by itself, which is left out here.
    """
    most = SAMPLE_PAGES * PAGE_BYTES
    if not table_items:  # DynamoDB has not counted yet
        return most // READ_UNIT_BYTES
    size_bytes = min(most, table_bytes * min(items, table_items) // table_items)
    return -(-size_bytes // READ_UNIT_BYTES)


def _written(params: Mapping[str, Any], context: dict[str, Any], **_: Any) -> Mapping[str, Any]:
    """Write the body, and leave botocore the names of the tables, which it looks at."""
    context[_BODY] = orjson.dumps(params)
    return {"RequestItems": dict.fromkeys(params["RequestItems"], ())}


def _sent(params: dict[str, Any], context: Mapping[str, Any], **_: Any) -> None:
    params["body"] = context[_BODY]


def _read(
    response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: Any
) -> None:
    """Take the items out of the answer before botocore reads the rest of it."""
    if _ITEMS in response_dict["body"]:
        answer = orjson.loads(response_dict["body"])
        customized_response_dict["Items"] = answer.pop("Items")
        response_dict["body"] = orjson.dumps(answer)
