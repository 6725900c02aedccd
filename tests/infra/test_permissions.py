"""Each permission that the emulator enforces: without it the Lambda fails, with it it works.

The permission is taken from the live role of a deployed pipeline. Which ones are enforced: what the
Lambdas' own code calls. The others are asserted on the templates (test_templates.py).
"""

import copy
import json
import shutil
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from urllib.parse import quote_plus, urlsplit

import pytest

from dynaurora.adapters.database import Database
from dynaurora.deploy.deployment import deploy_project
from dynaurora.deploy.project import Project
from dynaurora.metadata import Metadata
from dynaurora.model.lines import encode_line
from dynaurora.settings import DatabaseSettings

ROOT = Path(__file__).parents[2]
PROJECT = "permissions"
TABLE = "permission.Orders"
KEY = {"id": {"S": "1"}}
PLUGIN = """
from dynaurora import Table

orders = Table(key="id", columns={"id": "text", "total": "numeric"})
"""

_numbers = count(1)


@pytest.fixture(scope="module")
def database(postgresql):
    """The settings of a database with the load's metadata, and the secret's contents."""
    import psycopg

    with psycopg.connect(postgresql.url, autocommit=True) as connection:
        connection.execute("create database permissions")
    url = urlsplit(postgresql.url)._replace(path="/permissions")
    opened = Database(DatabaseSettings(url.geturl(), "", "dynaurora"))
    with opened.session() as engine:
        Metadata(engine.connection, engine.queries).create()
    opened.close()
    yield url
    with psycopg.connect(postgresql.url, autocommit=True) as connection:
        connection.execute("drop database permissions with (force)")


@pytest.fixture(scope="module")
def secret_arn(aws, database):
    secret = {"username": database.username, "password": database.password or "none"}
    return aws.client("secretsmanager").create_secret(
        Name=PROJECT, SecretString=json.dumps(secret)
    )["ARN"]


@pytest.fixture(scope="module")
def deployment(aws, database, secret_arn, tmp_path_factory):
    """The real pipeline with one table. Its queue is not read: the tests call the load."""
    root = tmp_path_factory.mktemp("project")
    for folder in ("infra", "lambda_functions"):
        shutil.copytree(ROOT / folder, root / folder)
    (root / "sqlqueries").mkdir()
    (root / "sqlqueries" / f"{TABLE}.py").write_text(PLUGIN)
    aws.client("dynamodb").create_table(
        TableName=TABLE,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
    )
    project = Project(
        root=root,
        name=PROJECT,
        region=aws.region,
        endpoint=aws.endpoint_url,
        database=DatabaseSettings(database.geturl(), secret_arn, "dynaurora"),
        sqlqueries=root / "sqlqueries",
        stream_failures="raise",
    )
    deployed = deploy_project(project, [TABLE], confirm=lambda _table: False, client=aws.client)
    assert not deployed.failures
    mapping = deployed.pipeline.outputs["LoadMappingId"]
    aws.client("lambda").delete_event_source_mapping(UUID=mapping)
    return deployed


@pytest.fixture
def without(aws, deployment):
    """Take a permission from a Lambda's role while a block runs."""
    iam = aws.client("iam")

    @contextmanager
    def taken(function, sid, action, only=None):
        name = f"{PROJECT}-{function}"
        role = aws.client("lambda").get_function_configuration(FunctionName=name)["Role"]
        role = role.rpartition("/")[2]
        held = iam.get_role_policy(RoleName=role, PolicyName=function)["PolicyDocument"]
        less = copy.deepcopy(held)
        (statement,) = [s for s in less["Statement"] if s["Sid"] == sid]
        if only is None:
            actions = statement["Action"]
            actions = [actions] if isinstance(actions, str) else actions
            assert action in actions
            statement["Action"] = [a for a in actions if a != action] or ["none:none"]
        else:
            statement["Resource"] = [r for r in statement["Resource"] if not r.endswith(only)]
            assert len(statement["Resource"]) == 1
        put = {"RoleName": role, "PolicyName": function}
        iam.put_role_policy(**put, PolicyDocument=json.dumps(less))
        try:
            yield
        finally:
            iam.put_role_policy(**put, PolicyDocument=json.dumps(held))

    return taken


@pytest.fixture
def call(aws, deployment):
    """Invoke a Lambda; its answer, or its error as text."""

    def called(function, event):
        answer = aws.client("lambda").invoke(
            FunctionName=f"{PROJECT}-{function}", Payload=json.dumps(event).encode()
        )
        return json.loads(answer["Payload"].read())

    return called


@pytest.fixture
def raw_object(aws, deployment):
    """An object of one change in the raw bucket, by key."""
    number = next(_numbers)
    key = f"{TABLE}/2026/01/01/00/{number}"
    line = encode_line(
        {
            "v": 1,
            "table": TABLE,
            "stream": deployment.tables[0].stream_arn,
            "op": "INSERT",
            "keys": KEY,
            "new": {**KEY, "total": {"N": str(number)}},
            "seq": f"{number:021}",
            "at": 1_700_000_000,
        }
    )
    bucket = deployment.pipeline.outputs["RawBucket"]
    aws.client("s3").put_object(Bucket=bucket, Key=key, Body=line + b"\n")
    return key


def told_of(deployment, key):
    """What SQS hands to the load for an object."""
    bucket = deployment.pipeline.outputs["RawBucket"]
    s3 = {"bucket": {"name": bucket}, "object": {"key": quote_plus(key, safe="/")}}
    return {"Records": [{"messageId": "1", "body": json.dumps({"Records": [{"s3": s3}]})}]}


LOADED = {"batchItemFailures": []}
FAILED = {"batchItemFailures": [{"itemIdentifier": "1"}]}
SWEEP = {"dynaurora": {"command": "sweep"}}


def test_the_capture_puts_to_firehose(call, without, deployment):
    change = {
        "eventID": "1",
        "eventName": "INSERT",
        "eventSourceARN": deployment.tables[0].stream_arn,
        "dynamodb": {
            "ApproximateCreationDateTime": 1_700_000_000,
            "Keys": KEY,
            "NewImage": KEY,
            "SequenceNumber": "100000000000000000000",
        },
    }
    with without("capture", "DeliveryStreams", "firehose:PutRecordBatch"):
        assert "AccessDenied" in call("capture", {"Records": [change]})["errorMessage"]
    assert call("capture", {"Records": [change]}) == {"batchItemFailures": []}


def oversize(deployment, number):
    """A change that no Firehose record can hold."""
    return {
        "eventName": "INSERT",
        "eventSourceARN": deployment.tables[0].stream_arn,
        "dynamodb": {
            "ApproximateCreationDateTime": 1_700_000_000,
            "Keys": KEY,
            "NewImage": {**KEY, "large": {"S": "x" * 1_100_000}},
            "SequenceNumber": str(number),
        },
    }


def test_the_capture_writes_a_body_that_the_load_reads(aws, call, without, deployment):
    event = {"Records": [oversize(deployment, 9 * 10**20)]}
    with without("capture", "Oversize", "s3:PutObject"):
        assert "AccessDenied" in call("capture", event)["errorMessage"]
    assert call("capture", event) == LOADED
    bucket = deployment.pipeline.outputs["RawBucket"]
    found = aws.client("s3").list_objects_v2(Bucket=bucket, Prefix=f"{TABLE}/")["Contents"]
    key = max(found, key=lambda one: one["LastModified"])["Key"]
    with without("load", "Oversize", "s3:GetObject"):
        assert call("load", told_of(deployment, key)) == FAILED
    assert call("load", told_of(deployment, key)) == LOADED


def test_the_load_reads_its_secret(call, without):
    # The emulator ends a worker that raised; the next one has no connection yet.
    assert "errorMessage" in call("load", {"Records": [{}]})
    with without("load", "Secret", "secretsmanager:GetSecretValue"):
        assert "AccessDenied" in call("load", SWEEP)["error"]["found"]
    assert call("load", SWEEP)["failed"] == 0


@pytest.mark.parametrize("bucket", ["raw", "backup"])
def test_the_load_lists_its_buckets(call, without, raw_object, bucket):
    """The raw one for what waits, the backup for what the streams' mappings gave up."""
    with without("load", "Buckets", "s3:ListBucket", only=f"-{bucket}-000000000000-us-east-1"):
        assert "AccessDenied" in call("load", SWEEP)["error"]["found"]
    call("load", SWEEP)


def test_the_load_reads_what_was_given_up(aws, call, without, deployment):
    backup = deployment.pipeline.outputs["BackupBucket"]
    aws.client("s3").put_object(Bucket=backup, Key="aws/lambda/mapping/shard/1", Body=b"")
    with without("load", "GivenUp", "s3:GetObject"):
        assert "AccessDenied" in call("load", SWEEP)["error"]["found"]
    assert call("load", SWEEP)["failed"] == 0


@pytest.mark.parametrize(
    ("sid", "action"),
    [("Raw", "s3:GetObject"), ("Raw", "s3:DeleteObject"), ("Processed", "s3:PutObject")],
)
def test_the_load_moves_objects(aws, call, without, deployment, raw_object, sid, action):
    event = told_of(deployment, raw_object)
    buckets = deployment.pipeline.outputs
    s3 = aws.client("s3")

    def keys(bucket):
        return {found["Key"] for found in s3.list_objects_v2(Bucket=bucket).get("Contents", [])}

    with without("load", sid, action):
        assert call("load", event) == FAILED
        assert raw_object in keys(buckets["RawBucket"])
    assert call("load", event) == LOADED
    assert raw_object not in keys(buckets["RawBucket"])
    assert f"Processed/{raw_object}" in keys(buckets["BackupBucket"])


def test_the_load_looks_into_the_archive(aws, call, without, deployment):
    """An object that is gone from the raw bucket but archived was loaded before."""
    key = f"{TABLE}/2026/01/01/00/archived"
    backup = deployment.pipeline.outputs["BackupBucket"]
    aws.client("s3").put_object(Bucket=backup, Key=f"Processed/{key}", Body=b"")
    with without("load", "Processed", "s3:GetObject"):
        assert call("load", told_of(deployment, key)) == FAILED
    assert call("load", told_of(deployment, key)) == LOADED
