"""DynamoDB's tables: what one is, how large it is, and turning its stream on."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from botocore.exceptions import ClientError

from dynaurora.adapters.aws import aws_errors, error_code
from dynaurora.errors import AwsError

VIEW: Final = "NEW_IMAGE"
"""Old images are not needed: the ledger decides, and they double what travels."""

ACCEPTED_VIEWS: Final = frozenset({"NEW_IMAGE", "NEW_AND_OLD_IMAGES"})

_ENABLING_S: Final = 300.0
_PAUSE_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class TableDescription:
    """A DynamoDB table. ``stream_arn`` and ``stream_view`` are "" while its stream is off.

    table_id: another one for a table made anew under the same name.
    created_ms: when it was made.
    items, size_bytes: refreshed by DynamoDB about every six hours.
    read_units: how many a second the table is provisioned for; 0 where it is paid by request.
    key: the key attributes and their types (S, N or B), partition key first.
    """

    name: str
    table_id: str
    created_ms: int
    status: str
    items: int
    size_bytes: int
    read_units: int
    key: Mapping[str, str]
    stream_arn: str
    stream_view: str

    @property
    def has_stream(self) -> bool:
        return bool(self.stream_arn)


def describe_table(client: Any, name: str) -> TableDescription:
    """Raises ``AwsError`` that says what to do when there is no such table."""
    with aws_errors(f"table {name}"):
        try:
            found = client.describe_table(TableName=name)["Table"]
        except ClientError as error:
            if error_code(error) != "ResourceNotFoundException":
                raise
            raise AwsError(
                f"table {name}",
                f"is not in DynamoDB in {client.meta.region_name}",
                "a table named exactly as its plugin file",
                "Make the table, rename the file, or choose another Region or profile.",
            ) from error
    return _description(found)


def enable_stream(client: Any, name: str) -> TableDescription:
    """Turn the stream on and wait until the table has it. Its items so far are not in it."""
    with aws_errors(f"table {name}"):
        client.update_table(
            TableName=name,
            StreamSpecification={"StreamEnabled": True, "StreamViewType": VIEW},
        )
    until = time.monotonic() + _ENABLING_S
    while time.monotonic() < until:
        table = describe_table(client, name)
        if table.has_stream and table.status == "ACTIVE":
            return table
        time.sleep(_PAUSE_S)
    raise AwsError(
        f"table {name}", "its stream is not on after 5 minutes", "", "Look at it, deploy again."
    )


def stream_of(client: Any, name: str) -> str:
    """The ARN of a table's stream; "" where it is off, or there is no such table any more."""
    with aws_errors(f"table {name}"):
        try:
            found = _description(client.describe_table(TableName=name)["Table"])
        except ClientError as error:
            if error_code(error) == "ResourceNotFoundException":
                return ""
            raise
    return found.stream_arn if found.has_stream else ""


def is_stream_kept(client: Any, arn: str) -> bool:
    """Whether DynamoDB still has a stream: of one that was turned off, for 24 hours.

    client: of DynamoDB Streams.
    """
    with aws_errors(f"stream {arn}"):
        try:
            client.describe_stream(StreamArn=arn, Limit=1)
        except ClientError as error:
            if error_code(error) == "ResourceNotFoundException":
                return False
            raise
    return True


def disable_stream(client: Any, name: str) -> bool:
    """Turn the stream off; False where it was off, or there is no such table any more."""
    if not stream_of(client, name):
        return False
    with aws_errors(f"table {name}"):
        client.update_table(TableName=name, StreamSpecification={"StreamEnabled": False})
    return True


def _description(found: Mapping[str, Any]) -> TableDescription:
    specification = found.get("StreamSpecification") or {}
    # A stream that was turned off can still be named by LatestStreamArn.
    is_on = bool(specification.get("StreamEnabled"))
    return TableDescription(
        name=found["TableName"],
        table_id=found["TableId"],
        created_ms=int(found["CreationDateTime"].timestamp() * 1000),
        status=found["TableStatus"],
        items=int(found.get("ItemCount", 0)),
        size_bytes=int(found.get("TableSizeBytes", 0)),
        read_units=int(found.get("ProvisionedThroughput", {}).get("ReadCapacityUnits", 0)),
        key=_key(found),
        stream_arn=found.get("LatestStreamArn", "") if is_on else "",
        stream_view=specification.get("StreamViewType", "") if is_on else "",
    )


def _key(found: Mapping[str, Any]) -> dict[str, str]:
    types = {each["AttributeName"]: each["AttributeType"] for each in found["AttributeDefinitions"]}
    schema = sorted(found["KeySchema"], key=lambda each: str(each["KeyType"]))  # HASH, RANGE
    return {each["AttributeName"]: types[each["AttributeName"]] for each in schema}
