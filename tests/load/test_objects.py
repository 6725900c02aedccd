"""One contract for every object store: `ports.ObjectStore`, in memory and on S3."""

from itertools import count
from urllib.parse import unquote_plus

import pytest

from dynaurora.adapters.memory import MemoryObjects
from dynaurora.adapters.s3 import S3Objects
from dynaurora.errors import AwsError
from dynaurora.model.events import ObjectName

_numbers = count(1)


class S3:
    """Buckets of the emulator."""

    def __init__(self, aws):
        self.client = aws.client("s3")
        self.objects = S3Objects(lambda: self.client)
        number = next(_numbers)
        self.raw, self.backup = f"objects-raw-{number}", f"objects-backup-{number}"
        for bucket in (self.raw, self.backup):
            self.client.create_bucket(Bucket=bucket)

    def put(self, name, data):
        self.client.put_object(Bucket=name.bucket, Key=name.key, Body=data)


class Memory:
    raw, backup = "raw", "backup"

    def __init__(self):
        self.objects = MemoryObjects()
        self.put = self.objects.put


@pytest.fixture(params=["memory", "s3"])
def store(request):
    return Memory() if request.param == "memory" else S3(request.getfixturevalue("aws"))


@pytest.mark.parametrize("key", ["t/a", "t/a+b", "t/a%20b", "t/a b", "t/é", "t/a&b=c", "t/(x)'!*"])
def test_an_object_is_read_copied_and_deleted_under_any_key(store, key):
    name = ObjectName(store.raw, key)
    target = name.processed(store.backup)
    store.put(name, b"content\n")
    found = store.objects.read(name)
    assert (found.name, found.data) == (name, b"content\n")
    assert store.objects.copy(name, found.etag, target)
    store.objects.delete(name)
    assert store.objects.read(name) is None
    assert not store.objects.exists(name)
    assert store.objects.exists(target)
    assert store.objects.read(target).data == b"content\n"


def test_another_content_has_another_etag_and_is_not_copied_in_its_place(store):
    name = ObjectName(store.raw, "t/a")
    store.put(name, b"first")
    first = store.objects.read(name)
    store.put(name, b"second")
    assert store.objects.read(name).etag != first.etag
    assert not store.objects.copy(name, first.etag, name.processed(store.backup))
    assert not store.objects.exists(name.processed(store.backup))


def test_a_body_is_written_over_one_of_the_same_name(store):
    bodies = store.objects if isinstance(store, Memory) else S3Objects(lambda: store.client)
    name = ObjectName(store.backup, "Oversize/t/2026/01/01/1-a.json.gz")
    for data in (b"first", b"\x1f\x8bsecond"):
        bodies.put(name, data)
        assert store.objects.read(name).data == data


def test_what_is_not_there_is_none_and_is_neither_copied_nor_an_error_to_delete(store):
    name = ObjectName(store.raw, "t/nothing")
    assert store.objects.read(name) is None
    assert not store.objects.exists(name)
    assert not store.objects.copy(name, '"etag"', name.processed(store.backup))
    store.objects.delete(name)


def test_folders_are_the_first_of_each_key(store):
    for key in ("b/1", "a/x/y", "a/2", "(errors)/a/1", "loose"):
        store.put(ObjectName(store.raw, key), b"")
    assert list(store.objects.folders(store.raw)) == ["(errors)", "a", "b"]
    assert list(store.objects.folders(store.backup)) == []


def test_the_objects_of_one_folder_come_in_name_order_and_no_other_s(store):
    keys = ["t/2", "t/10", "t/1", "t/x/é", "t2/1", "tt/1"]
    for key in keys:
        store.put(ObjectName(store.raw, key), b"")
    found = [name.key for name in store.objects.list_older(store.raw, "t", 0)]
    assert found == sorted(key for key in keys if key.startswith("t/"))
    assert [name.key for name in store.objects.list_older(store.raw, "t/x", 0)] == ["t/x/é"]
    assert list(store.objects.list_older(store.raw, "t", 3600)) == []


def test_more_objects_than_one_answer_holds_are_all_listed(aws):
    store = S3(aws)
    store.client.meta.events.register(
        "provide-client-params.s3.ListObjectsV2", lambda params, **_: params | {"MaxKeys": 2}
    )
    for key in ("t/1", "t/2", "t/3", "t/4", "t/5", "u/1", "v/1"):
        store.put(ObjectName(store.raw, key), b"")
    assert len(list(store.objects.list_older(store.raw, "t", 0))) == 5
    assert list(store.objects.folders(store.raw)) == ["t", "u", "v"]


def test_a_bucket_that_is_not_there_is_an_error_and_no_missing_object(aws):
    store = S3(aws)
    nowhere = ObjectName("objects-nowhere", "t/a")
    name = ObjectName(store.raw, "t/a")
    store.put(name, b"x")
    with pytest.raises(AwsError, match="NoSuchBucket"):
        store.objects.read(nowhere)
    with pytest.raises(AwsError, match="NoSuchBucket"):
        store.objects.copy(name, store.objects.read(name).etag, nowhere)


def test_a_key_is_decoded_by_the_event_alone(store):
    name = ObjectName(store.raw, "t/a%2Bb+c")
    store.put(name, b"x")
    assert store.objects.read(ObjectName(store.raw, unquote_plus(name.key))) is None
    assert store.objects.read(name).data == b"x"
