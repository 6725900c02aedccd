"""What S3 tells through SQS: which objects are new."""

from collections.abc import Mapping
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

    S3 sends ``s3:TestEvent``, which has no ``Records``, when its notification is set: no objects.
    Keys are form-encoded, and are decoded here and nowhere else.
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
    """
    message_id = str(record["messageId"])
    try:
        body = orjson.loads(record["body"])
        entries = body.get("Records", [])
        objects = tuple(
            ObjectName(entry["s3"]["bucket"]["name"], unquote_plus(entry["s3"]["object"]["key"]))
            for entry in entries
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ChangeError(
            f"SQS message {message_id}", "it is no notification of S3", "an S3 event", ""
        ) from None
    receives = int(record.get("attributes", {}).get("ApproximateReceiveCount", 1))
    return Message(message_id, receives, objects)
