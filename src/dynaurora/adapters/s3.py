"""S3: where the load finds its objects and archives them."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from botocore.exceptions import ClientError

from dynaurora.adapters.aws import aws_errors, error_code
from dynaurora.model.events import ObjectName
from dynaurora.ports import StoredObject

_MISSING: Final = frozenset({"NoSuchKey", "404", "NotFound"})
_CHANGED: Final = frozenset({"PreconditionFailed", "412"})


class S3Objects:
    """`ports.ObjectStore` on a boto3 client.

    A missing key is told apart from a forbidden one only where the role may list the bucket.
    https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
    """

    def __init__(self, client: Any) -> None:
        self._client = client

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

    def list_older(self, bucket: str, folder: str, age_s: int) -> Iterator[ObjectName]:
        latest = datetime.now(UTC) - timedelta(seconds=age_s)
        with aws_errors(f"s3://{bucket}/{folder}/"):
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=bucket, Prefix=f"{folder}/"
            )
            for page in pages:
                for found in page.get("Contents", []):
                    if found["LastModified"] <= latest:
                        yield ObjectName(bucket, found["Key"])


def _where(name: ObjectName) -> str:
    return f"s3://{name.bucket}/{name.key}"
