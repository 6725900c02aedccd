"""S3: where the load finds its objects and archives them."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any, Final

from botocore.exceptions import ClientError

from dynaurora.adapters.aws import Options, aws_errors, error_code
from dynaurora.model.events import ObjectName
from dynaurora.ports import StoredObject

PATIENCE: Final[Options] = {
    "connect_timeout": 3,
    "read_timeout": 10,
    "retries": {"mode": "standard", "total_max_attempts": 3},
}
"""For a client in a Lambda: all tries together end within 45 seconds, before a database ends the
transaction that waits for a body (`dynaurora.adapters.postgresql`) and before the Lambda's own time
is over. What fails is tried again by whoever called. The defaults are five tries of 60 seconds.
https://docs.aws.amazon.com/boto3/latest/guide/configuration.html"""

ONE_TRY: Final[Options] = {
    **PATIENCE,
    "retries": {"mode": "standard", "total_max_attempts": 1},
}
"""For capture, which tries again itself, as long as its own time allows."""

_MISSING: Final = frozenset({"NoSuchKey", "404", "NotFound"})
_CHANGED: Final = frozenset({"PreconditionFailed", "412"})


class S3Objects:
    """`ports.ObjectStore` and `ports.BodyStore` on a client of S3.

    client: makes it; called when it is first needed, which for bodies it hardly ever is.

    A missing key is told apart from a forbidden one only where the role may list the bucket.
    https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
    """

    def __init__(self, client: Callable[[], Any]) -> None:
        self._make = client

    @cached_property
    def _client(self) -> Any:
        return self._make()

    def read(self, name: ObjectName) -> StoredObject | None:
        with aws_errors(_where(name)):
            try:
                answer = self._client.get_object(Bucket=name.bucket, Key=name.key)
            except ClientError as error:
                if error_code(error) in _MISSING:
                    return None
                raise
            # All of it now: a body read slowly beside database work times out (aws/aws-cli#7309).
            return StoredObject(name, answer["ETag"], answer["Body"].read())

    def put(self, name: ObjectName, data: bytes) -> None:
        with aws_errors(_where(name)):
            self._client.put_object(Bucket=name.bucket, Key=name.key, Body=data)

    def exists(self, name: ObjectName) -> bool:
        with aws_errors(_where(name)):
            try:
                self._client.head_object(Bucket=name.bucket, Key=name.key)
            except ClientError as error:
                if error_code(error) in _MISSING:
                    return False
                raise
        return True

    def copy(self, source: ObjectName, etag: str, target: ObjectName) -> bool:
        with aws_errors(_where(source)):
            try:
                self._client.copy_object(
                    Bucket=target.bucket,
                    Key=target.key,
                    CopySource={"Bucket": source.bucket, "Key": source.key},
                    CopySourceIfMatch=etag,
                )
            except ClientError as error:
                if error_code(error) in _MISSING | _CHANGED:
                    return False
                raise
        return True

    def delete(self, name: ObjectName) -> None:
        with aws_errors(_where(name)):
            self._client.delete_object(Bucket=name.bucket, Key=name.key)

    def folders(self, bucket: str) -> Iterator[str]:
        with aws_errors(f"s3://{bucket}"):
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=bucket, Delimiter="/"
            )
            for page in pages:
                for found in page.get("CommonPrefixes", []):
                    yield found["Prefix"].removesuffix("/")

    def list_older(
        self, bucket: str, folder: str, age_s: int, after: str = ""
    ) -> Iterator[ObjectName]:
        latest = datetime.now(UTC) - timedelta(seconds=age_s)
        with aws_errors(f"s3://{bucket}/{folder}/"):
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=bucket, Prefix=f"{folder}/", **({"StartAfter": after} if after else {})
            )
            for page in pages:
                for found in page.get("Contents", []):
                    if found["LastModified"] <= latest:
                        yield ObjectName(bucket, found["Key"])

    def newest(self, bucket: str, folder: str) -> Iterator[ObjectName]:
        """The objects below a folder, the last in name order first: as Firehose names them, the
        newest. Only so many are listed as are asked for, and their neighbours."""
        folders, names = self._listed(bucket, f"{folder}/")
        for found in sorted([*folders, *names], reverse=True):
            if found in names:
                yield ObjectName(bucket, found)
            else:
                yield from self.newest(bucket, found.removesuffix("/"))

    def _listed(self, bucket: str, prefix: str) -> tuple[set[str], set[str]]:
        """The folders in a folder, and the objects."""
        folders, names = set[str](), set[str]()
        with aws_errors(f"s3://{bucket}/{prefix}"):
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=bucket, Prefix=prefix, Delimiter="/"
            )
            for page in pages:
                folders.update(found["Prefix"] for found in page.get("CommonPrefixes", []))
                names.update(found["Key"] for found in page.get("Contents", []))
        return folders, names


def _where(name: ObjectName) -> str:
    return f"s3://{name.bucket}/{name.key}"
