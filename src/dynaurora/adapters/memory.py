"""Objects in memory: `ports.ObjectStore` for tests, benches and trials without S3."""

import time
from collections.abc import Iterator
from hashlib import blake2b

from dynaurora.model.events import ObjectName
from dynaurora.ports import StoredObject


class MemoryObjects:
    """Buckets in a dict. ``now`` is the time of what is put, and moves by hand."""

    def __init__(self) -> None:
        self._objects: dict[ObjectName, tuple[StoredObject, float]] = {}
        self.now = time.time()

    def put(self, name: ObjectName, data: bytes) -> None:
        """Write an object, over one of the same name."""
        etag = f'"{blake2b(data, digest_size=16).hexdigest()}"'
        self._objects[name] = (StoredObject(name, etag, data), self.now)

    def read(self, name: ObjectName) -> StoredObject | None:
        found = self._objects.get(name)
        return found[0] if found else None

    def exists(self, name: ObjectName) -> bool:
        return name in self._objects

    def copy(self, source: ObjectName, etag: str, target: ObjectName) -> bool:
        stored = self.read(source)
        if stored is None or stored.etag != etag:
            return False
        self.put(target, stored.data)
        return True

    def delete(self, name: ObjectName) -> None:
        self._objects.pop(name, None)

    def folders(self, bucket: str) -> Iterator[str]:
        found = {name.table for name in list(self._objects) if name.bucket == bucket}
        return iter(sorted(found - {""}))

    def list_older(
        self, bucket: str, folder: str, age_s: int, after: str = ""
    ) -> Iterator[ObjectName]:
        found = [
            name
            for name, (_, at) in list(self._objects.items())  # others may write meanwhile
            if name.bucket == bucket
            and name.key.startswith(f"{folder}/")
            and at <= self.now - age_s
            and name.key > after
        ]
        return iter(sorted(found))

    def keys(self, bucket: str) -> list[str]:
        """Every key of a bucket, sorted."""
        return sorted(name.key for name in list(self._objects) if name.bucket == bucket)
