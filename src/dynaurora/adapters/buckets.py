"""S3 buckets as a whole: whose one is, whether it holds anything, and taking it away."""

from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

from botocore.exceptions import ClientError

from dynaurora.adapters.aws import aws_errors, error_code
from dynaurora.errors import AwsError

_AT_ONCE: Final = 1000
"""https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html"""


def is_ours(client: Any, bucket: str, account: str) -> bool:
    """Whether the account has a bucket of this name; raises ``AwsError`` if another one has.

    Names of buckets are one space for all accounts, and 403 is also what one gets who may not look.
    https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadBucket.html
    """
    with aws_errors(f"bucket {bucket}"):
        try:
            client.head_bucket(Bucket=bucket, ExpectedBucketOwner=account)
        except ClientError as error:
            code = error_code(error)
            if code in ("404", "NoSuchBucket", "NotFound"):
                return False
            if code not in ("403", "AccessDenied"):
                raise
            raise AwsError(
                f"bucket {bucket}",
                f"there is one that account {account} may not use",
                "a bucket of our own, or none",
                "If it is another account's, choose another project name in dynaurora.toml; "
                "if it is ours, grant s3:ListBucket on it.",
            ) from error
    return True


def is_empty(client: Any, bucket: str) -> bool:
    """Whether a bucket has no object, and no version of one that was deleted."""
    with aws_errors(f"bucket {bucket}"):
        return not list(islice(_versions(client, bucket), 1))


def emptied(client: Any, bucket: str) -> int:
    """Delete every version of every object, and what was never uploaded whole; how many it was."""
    count = 0
    with aws_errors(f"bucket {bucket}"):
        versions = _versions(client, bucket)
        while some := list(islice(versions, _AT_ONCE)):
            answer = client.delete_objects(Bucket=bucket, Delete={"Objects": some, "Quiet": True})
            if refused := answer.get("Errors"):
                raise AwsError(
                    f"s3://{bucket}/{refused[0]['Key']}",
                    f"{refused[0]['Code']}: {refused[0].get('Message', '')}",
                    "a permission for DeleteObjectVersion",
                    "Grant it and try again.",
                )
            count += len(some)
        for page in client.get_paginator("list_multipart_uploads").paginate(Bucket=bucket):
            for upload in page.get("Uploads", ()):
                client.abort_multipart_upload(
                    Bucket=bucket, Key=upload["Key"], UploadId=upload["UploadId"]
                )
    return count


def delete_bucket(client: Any, bucket: str) -> None:
    """Delete an empty bucket."""
    with aws_errors(f"bucket {bucket}"):
        client.delete_bucket(Bucket=bucket)


def _versions(client: Any, bucket: str) -> Iterator[dict[str, str]]:
    for page in client.get_paginator("list_object_versions").paginate(Bucket=bucket):
        for found in (*page.get("Versions", ()), *page.get("DeleteMarkers", ())):
            yield {"Key": found["Key"], "VersionId": found["VersionId"]}
