"""What each permission is for, as something that works with it and not without.

Those are the permissions that the emulator enforces: what the Lambdas' own code calls.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import Any
from urllib.parse import quote_plus

from dynaurora.model.lines import encode_line

KEY = {"id": {"S": "1"}}
DONE = {"batchItemFailures": []}
SWEEP = {"dynaurora": {"command": "sweep"}}

_numbers = count(1)


@dataclass(frozen=True)
class World:
    """A deployed pipeline with one table. call: invokes a Lambda; its answer, or its error."""

    call: Callable[[str, dict[str, Any]], Any]
    s3: Any
    table: str
    stream: str
    raw: str
    backup: str

    def keys(self, bucket: str) -> set[str]:
        found = self.s3.list_objects_v2(Bucket=bucket, Prefix="")
        return {one["Key"] for one in found.get("Contents", [])}

    def name(self) -> str:
        return f"{self.table}/2026/01/01/00/{next(_numbers)}"

    def put_line(self) -> str:
        """An object of one change in the raw bucket; its key."""
        number = next(_numbers)
        line = encode_line(
            {
                "v": 1,
                "table": self.table,
                "stream": self.stream,
                "op": "INSERT",
                "keys": KEY,
                "new": {**KEY, "total": {"N": str(number)}},
                "seq": f"{number:021}",
                "at": 1_700_000_000,
            }
        )
        key = self.name()
        self.s3.put_object(Bucket=self.raw, Key=key, Body=line + b"\n")
        return key

    def load(self, key: str) -> Any:
        """Tell the load of an object, as SQS does."""
        s3 = {"bucket": {"name": self.raw}, "object": {"key": quote_plus(key, safe="/")}}
        body = json.dumps({"Records": [{"s3": s3}]})
        return self.call("load", {"Records": [{"messageId": "1", "body": body}]})

    def capture(self, **attributes: Any) -> Any:
        """Hand the capture a change of an item with these attributes."""
        change = {
            "eventName": "INSERT",
            "eventSourceARN": self.stream,
            "dynamodb": {
                "ApproximateCreationDateTime": 1_700_000_000,
                "Keys": KEY,
                "NewImage": {**KEY, **attributes},
                "SequenceNumber": str(9 * 10**20 + next(_numbers)),
            },
        }
        return self.call("capture", {"Records": [change]})

    def capture_large(self) -> Any:
        """A change that no Firehose record can hold."""
        return self.capture(large={"S": "x" * 1_100_000})


# --- what works ---------------------------------------------------------------------------------


def a_change_reaches_firehose(world: World) -> bool:
    return bool(world.capture() == DONE)


def a_large_change_is_kept(world: World) -> bool:
    return bool(world.capture_large() == DONE)


def a_large_change_is_loaded(world: World) -> bool:
    before = world.keys(world.raw)
    assert world.capture_large() == DONE
    (pointer,) = world.keys(world.raw) - before
    return bool(world.load(pointer) == DONE)


def an_object_is_loaded_and_moved(world: World) -> bool:
    key = world.put_line()
    is_loaded = world.load(key) == DONE
    is_moved = key not in world.keys(world.raw) and f"Processed/{key}" in world.keys(world.backup)
    return is_loaded and is_moved


def an_object_that_was_archived_is_known(world: World) -> bool:
    """It is gone from the raw bucket, so it was loaded before."""
    key = world.name()
    world.s3.put_object(Bucket=world.backup, Key=f"Processed/{key}", Body=b"")
    return bool(world.load(key) == DONE)


def a_sweep_finds_what_waits_and_what_was_given_up(world: World) -> bool:
    given_up = f"aws/lambda/mapping/shard/{next(_numbers)}"
    world.s3.put_object(Bucket=world.backup, Key=given_up, Body=b"")
    return "error" not in world.call("load", SWEEP)


def a_new_worker_opens_the_database(world: World) -> bool:
    # The emulator ends a worker that raised; the next one has no connection yet.
    assert "errorMessage" in world.call("load", {"Records": [{}]})
    return "error" not in world.call("load", SWEEP)


TRIED: dict[tuple[str, str, str, str], Callable[[World], bool]] = {
    ("CaptureRole", "DeliveryStreams", "firehose:PutRecordBatch", ""): a_change_reaches_firehose,
    ("CaptureRole", "Oversize", "s3:PutObject", ""): a_large_change_is_kept,
    ("LoadRole", "Oversize", "s3:GetObject", ""): a_large_change_is_loaded,
    ("LoadRole", "Raw", "s3:GetObject", ""): an_object_is_loaded_and_moved,
    ("LoadRole", "Raw", "s3:DeleteObject", ""): an_object_is_loaded_and_moved,
    ("LoadRole", "Processed", "s3:PutObject", ""): an_object_is_loaded_and_moved,
    ("LoadRole", "Processed", "s3:GetObject", ""): an_object_that_was_archived_is_known,
    ("LoadRole", "Buckets", "s3:ListBucket", "${RawBucket}"): (
        a_sweep_finds_what_waits_and_what_was_given_up
    ),
    ("LoadRole", "Buckets", "s3:ListBucket", "${BackupBucket}"): (
        a_sweep_finds_what_waits_and_what_was_given_up
    ),
    ("LoadRole", "GivenUp", "s3:GetObject", ""): a_sweep_finds_what_waits_and_what_was_given_up,
    ("LoadRole", "Secret", "secretsmanager:GetSecretValue", ""): a_new_worker_opens_the_database,
}
"""By role, statement, action, and resource where the statement names several."""

DEPLOYS = {
    "first": (
        "cloudformation:CreateChangeSet",
        "cloudformation:DescribeChangeSet",
        "cloudformation:DescribeStackEvents",
        "cloudformation:DescribeStacks",
        "cloudformation:ExecuteChangeSet",
        "dynamodb:DescribeTable",
        "dynamodb:UpdateTable",
        "s3:PutObject",
    ),
    "again": ("cloudformation:GetTemplate", "cloudformation:ListStacks", "s3:GetObject"),
    "renewed": ("dynamodb:DescribeStream",),
    "dry": ("cloudformation:DeleteChangeSet",),
    "away": (
        "cloudformation:DeleteStack",
        "s3:DeleteBucket",
        "s3:ListBucket",
        "s3:ListBucketMultipartUploads",
        "s3:ListBucketVersions",
        "sqs:GetQueueAttributes",
    ),
    "network": ("ec2:DescribeSecurityGroups", "ec2:RevokeSecurityGroupEgress"),
    "cluster away": ("rds:ModifyDBCluster",),
}
"""What whoever deploys calls themselves, by when it is missed (tests/deploy/test_deployer.py)."""

TRIED_AS_DEPLOYER = {action for actions in DEPLOYS.values() for action in actions}
