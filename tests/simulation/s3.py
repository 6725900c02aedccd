"""S3: the two buckets, the clients that code has of them, and what is told of new objects.

Events come at least once, in any order and mostly at once. That one may be lost for good is more
than the documents say; the sweep is there for it.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-event-types-and-destinations.html
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import md5
from io import BytesIO
from typing import Any, Final

from botocore.exceptions import ClientError

from simulation.faults import Faults

RAW: Final = "raw"
BACKUP: Final = "backup"

Step = Callable[[str], None]


@dataclass(frozen=True)
class Stored:
    data: bytes
    written_s: float

    @property
    def etag(self) -> str:
        return f'"{md5(self.data).hexdigest()}"'


class S3:
    """The objects. clock: what time it is, in seconds. tell: told of each new raw object."""

    def __init__(
        self, clock: Callable[[], float], tell: Callable[[str], None], faults: Faults
    ) -> None:
        self.objects: dict[tuple[str, str], Stored] = {}
        self.clock = clock
        self.faults = faults
        self._tell = tell

    def put(self, bucket: str, key: str, data: bytes) -> None:
        self.objects[bucket, key] = Stored(data, self.clock())
        if bucket == RAW:
            self._tell(key)

    def keys(self, bucket: str, prefix: str = "") -> list[str]:
        """The keys of a bucket, sorted."""
        return sorted(k for b, k in self.objects if b == bucket and k.startswith(prefix))

    def client(self, step: Step = lambda _: None) -> "S3Client":
        """A client. step: called before each of its calls."""
        return S3Client(self, step)


class S3Client:
    """What boto3's client does, as far as it is used."""

    def __init__(self, s3: S3, step: Step) -> None:
        self._s3 = s3
        self._step = step

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803 - boto3's names
        self._call("read")
        stored = self._found(Bucket, Key, "NoSuchKey", "GetObject")
        return {"ETag": stored.etag, "Body": BytesIO(stored.data)}

    def head_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803
        self._call("exists")
        stored = self._found(Bucket, Key, "404", "HeadObject")
        return {"ETag": stored.etag, "ContentLength": len(stored.data)}

    def put_object(self, *, Bucket: str, Key: str, Body: bytes, **_: Any) -> dict[str, Any]:  # noqa: N803
        self._call("put")
        self._s3.put(Bucket, Key, Body)
        return {}

    def copy_object(
        self,
        *,
        Bucket: str,  # noqa: N803
        Key: str,  # noqa: N803
        CopySource: Mapping[str, str],  # noqa: N803
        CopySourceIfMatch: str,  # noqa: N803
    ) -> dict[str, Any]:
        self._call("archive")
        stored = self._found(CopySource["Bucket"], CopySource["Key"], "NoSuchKey", "CopyObject")
        if stored.etag != CopySourceIfMatch:
            raise _refused("PreconditionFailed", 412, "CopyObject")
        self._s3.put(Bucket, Key, stored.data)
        return {}

    def delete_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803
        self._call("delete")
        self._s3.objects.pop((Bucket, Key), None)
        return {}

    def get_paginator(self, operation: str) -> "_Pages":
        assert operation == "list_objects_v2"
        return _Pages(self._s3)

    def _call(self, step: str) -> None:
        self._step(step)
        if self._s3.faults.happens("S3 slow down"):
            raise _refused("SlowDown", 503, step)

    def _found(self, bucket: str, key: str, code: str, operation: str) -> Stored:
        stored = self._s3.objects.get((bucket, key))
        if stored is None:
            raise _refused(code, 404, operation)
        return stored


class _Pages:
    """Pages of a listing, two objects each, so that there are several."""

    def __init__(self, s3: S3) -> None:
        self._s3 = s3

    def paginate(
        self,
        *,
        Bucket: str,  # noqa: N803
        Prefix: str = "",  # noqa: N803
        Delimiter: str = "",  # noqa: N803
        **_: Any,
    ) -> Iterator[dict[str, Any]]:
        keys = self._s3.keys(Bucket, Prefix)
        if Delimiter:
            ends = (key.find(Delimiter, len(Prefix)) for key in keys)
            found = {key[: end + 1] for key, end in zip(keys, ends, strict=True) if end >= 0}
            yield {"CommonPrefixes": [{"Prefix": prefix} for prefix in sorted(found)]}
            keys = [key for key in keys if Delimiter not in key[len(Prefix) :]]
        for start in range(0, len(keys), 2):
            yield {"Contents": [self._listed(Bucket, key) for key in keys[start : start + 2]]}

    def _listed(self, bucket: str, key: str) -> dict[str, Any]:
        stored = self._s3.objects[bucket, key]
        age = timedelta(seconds=self._s3.clock() - stored.written_s)
        return {
            "Key": key,
            "Size": len(stored.data),
            "ETag": stored.etag,
            "LastModified": datetime.now(UTC) - age,
        }


def _refused(code: str, status: int, operation: str) -> ClientError:
    return ClientError(
        {"Error": {"Code": code, "Message": "no"}, "ResponseMetadata": {"HTTPStatusCode": status}},
        operation,
    )
