"""What S3 tells through SQS: which objects are new."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote_plus

import orjson

from dynaurora.errors import ChangeError

ERRORS_FOLDER: Final = "(errors)"
"""Where Firehose puts what it could not deliver; no table can have this name."""

PROCESSED_FOLDER: Final = "Processed"
"""Where the backup bucket keeps what was loaded, under its raw key."""


@dataclass(frozen=True, slots=True, order=True)
class ObjectName:
    """An object of a bucket. The first folder of ``key`` is the table."""

    bucket: str
    key: str

    @property
    def table(self) -> str:
        """The DynamoDB table whose changes it holds; "" for an object in no folder."""
        folder, slash, _ = self.key.partition("/")
        return folder if slash else ""

    def processed(self, bucket: str) -> "ObjectName":
        """Where it is archived."""
        return ObjectName(bucket, f"{PROCESSED_FOLDER}/{self.key}")


@dataclass(frozen=True, slots=True)
class Message:
    """One SQS message and the objects it tells of. ``receives``: how often it was received."""

    message_id: str
    receives: int
    objects: tuple[ObjectName, ...]


def message_of(record: Mapping[str, Any]) -> Message:
    """Read one record of an SQS event.

    S3 sends ``s3:TestEvent`` when its notification is set, which tells of no objects. Anything else
    that tells of none is no notification: raises ``ChangeError``.
    Keys are form-encoded, and are decoded here and nowhere else.
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
    """
    message_id = str(record["messageId"])
    try:
        objects = tuple(_objects(orjson.loads(record["body"])))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ChangeError(
            f"SQS message {message_id}", "it is no notification of S3", "an S3 event", ""
        ) from None
    receives = int(record.get("attributes", {}).get("ApproximateReceiveCount", 1))
    return Message(message_id, receives, objects)


def _objects(body: Mapping[str, Any]) -> Iterator[ObjectName]:
    if body.get("Event") == "s3:TestEvent":
        return
    if not body["Records"]:
        raise ValueError("it tells of nothing")
    for entry in body["Records"]:
        found = entry["s3"]
        yield ObjectName(found["bucket"]["name"], unquote_plus(found["object"]["key"]))
