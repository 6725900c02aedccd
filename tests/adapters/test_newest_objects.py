"""The newest objects of a folder, without listing all that an archive has."""

from itertools import islice

import pytest

from dynaurora.adapters.s3 import S3Objects

BUCKET = "newest-objects"
KEYS = [
    "Processed/orders/2025/12/31/23/orders-1-2025-12-31-23-59-59-a",
    "Processed/orders/2026/01/01/00/orders-1-2026-01-01-00-00-01-b",
    "Processed/orders/2026/01/01/00/orders-1-2026-01-01-00-00-02-a",
    "Processed/orders/2026/02/01/00/orders-1-2026-02-01-00-00-00-c",
    "Processed/orders/late",
]


class CountingClient:
    """Tells how many folders were listed."""

    def __init__(self, client):
        self._client = client
        self.listed = []

    def get_paginator(self, name):
        client = self

        class Paginator:
            def paginate(self, **options):
                client.listed.append(options["Prefix"])
                return client._client.get_paginator(name).paginate(**options)

        return Paginator()


@pytest.fixture(scope="module")
def client(aws):
    found = aws.client("s3")
    found.create_bucket(Bucket=BUCKET)
    for key in (*KEYS, "Processed/orders2/2027/01/01/00/another-table"):
        found.put_object(Bucket=BUCKET, Key=key, Body=b"")
    return found


def test_they_come_newest_first_and_of_one_table_alone(client):
    found = [name.key for name in S3Objects(lambda: client).newest(BUCKET, "Processed/orders")]
    assert found == sorted(KEYS, reverse=True)


def test_the_first_of_them_needs_few_listings(client):
    counting = CountingClient(client)
    found = list(islice(S3Objects(lambda: counting).newest(BUCKET, "Processed/orders"), 2))
    assert [name.key for name in found] == [KEYS[4], KEYS[3]]
    assert len(counting.listed) == 5
    assert not any("2025" in prefix or "2026/01" in prefix for prefix in counting.listed)


def test_a_folder_that_is_not_there_has_none(client):
    assert list(S3Objects(lambda: client).newest(BUCKET, "Processed/none")) == []
