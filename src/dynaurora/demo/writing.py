"""Writing: items to DynamoDB, 25 at a time and several times at once."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final

from botocore.exceptions import ClientError

from dynaurora.adapters.aws import aws_errors, error_code
from dynaurora.demo.dataset import Dataset, Item
from dynaurora.demo.threads import each
from dynaurora.errors import AwsAway, ProjectError

BATCH_ITEMS: Final = 25
"""https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html"""

_AT_ONCE: Final = 4
_TRIES: Final = 10
_FIRST_PAUSE_S: Final = 0.05

Tell = Callable[[str, int], None]
"""``tell(table, items)``: so many more items of the table have been written."""


def create_table(client: Any, dataset: Dataset) -> None:
    """Make the DynamoDB table, its stream on from the first item."""
    attributes = [{"AttributeName": k.name, "AttributeType": k.type} for k in dataset.key]
    kinds = ("HASH", "RANGE")
    with aws_errors(f"table {dataset.table}"):
        try:
            client.create_table(
                TableName=dataset.table,
                KeySchema=[
                    {"AttributeName": attribute.name, "KeyType": kind}
                    for attribute, kind in zip(dataset.key, kinds, strict=False)
                ],
                AttributeDefinitions=attributes,
                BillingMode="PAY_PER_REQUEST",
                StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
            )
        except ClientError as error:
            if error_code(error) != "ResourceInUseException":
                raise
            raise ProjectError(
                f"table {dataset.table}",
                "is there already",
                "a folder without a demo in it",
                "Choose another folder, or go on with this one: dynaurora dev --data.",
            ) from error
        client.get_waiter("table_exists").wait(
            TableName=dataset.table, WaiterConfig={"Delay": 1, "MaxAttempts": 60}
        )


def write_items(client: Any, datasets: Iterable[Dataset], tell: Tell) -> None:
    """Write every item of every table; their order does not matter, for no key comes twice."""

    def write(batch: tuple[str, Sequence[Item]]) -> tuple[str, int]:
        table, items = batch
        _write_batch(client, table, items)
        return table, len(items)

    batches = ((dataset.table, batch) for dataset in datasets for batch in _batches(dataset))
    for table, count in each(write, batches, at_once=_AT_ONCE):
        tell(table, count)


def _batches(dataset: Dataset) -> Iterator[list[Item]]:
    items = dataset.items()
    while batch := list(islice(items, BATCH_ITEMS)):
        yield batch


def _write_batch(client: Any, table: str, items: Sequence[Item]) -> None:
    requests: Mapping[str, Any] = {table: [{"PutRequest": {"Item": item}} for item in items]}
    pause_s = _FIRST_PAUSE_S
    for _ in range(_TRIES):
        with aws_errors(f"table {table}"):
            requests = client.batch_write_item(RequestItems=requests).get("UnprocessedItems", {})
        if not requests:
            return
        time.sleep(pause_s)
        pause_s *= 2
    raise AwsAway(
        f"table {table}",
        f"{len(requests[table])} items were left unwritten {_TRIES} times",
        "every item written",
        "DynamoDB is throttling: try again.",
    )
