"""Every permission of every role: tried where the emulator enforces it, asserted where it does not.

docs/security.md lists them, each with its reason, the page that asks for it, and which of the two
it is. What is tried is taken from the live role of a deployed pipeline: without it something fails,
with it it works. What is asserted stands word for word in test_templates.py and its neighbours.
"""

import copy
import json
import re
import shutil
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.exceptions import ClientError

from dynaurora.adapters.database import Database
from dynaurora.deploy.deployment import deploy_project
from dynaurora.deploy.project import Project, Security
from dynaurora.metadata import Metadata
from dynaurora.settings import DatabaseSettings
from support.permissions import KEY, TRIED, TRIED_AS_DEPLOYER, World
from support.templates import INFRA, deployed, every_statement, listed, shortened, template, text

ROOT = Path(__file__).parents[2]
PROJECT = "permissions"
TABLE = "permission.Orders"
PLUGIN = """
from dynaurora import Table

orders = Table(key="id", columns={"id": "text", "total": "numeric"})
"""


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
def boundary(aws, secret_arn):
    given = {"Project": PROJECT, "BoundedRoles": "true", "DatabaseSecretArn": secret_arn}
    with deployed(aws, "deployer", f"{PROJECT}-deployer", given) as deploy:
        yield deploy().outputs["Boundary"]


@pytest.fixture(scope="module")
def deployment(aws, database, secret_arn, boundary, tmp_path_factory):
    """The real pipeline with one table, within the boundary of its project.

    Its queue is not read: the tests call the load.
    """
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
        security=Security(boundary=boundary),
    )
    made = deploy_project(project, [TABLE], confirm=lambda _table: False, client=aws.client)
    assert not made.failures
    mapping = made.pipeline.outputs["LoadMappingId"]
    aws.client("lambda").delete_event_source_mapping(UUID=mapping)
    for role in roles(aws):
        # The emulator's CloudFormation leaves it out.
        aws.client("iam").put_role_permissions_boundary(RoleName=role, PermissionsBoundary=boundary)
    return made


def roles(aws):
    pages = aws.client("iam").get_paginator("list_roles").paginate()
    names = [role["RoleName"] for page in pages for role in page["Roles"]]
    return [name for name in names if name.startswith(f"{PROJECT}-")]


@pytest.fixture
def without(aws, deployment):
    """Take a permission from a Lambda's role while a block runs."""
    iam = aws.client("iam")
    bucket = {
        "${RawBucket}": deployment.pipeline.outputs["RawBucket"],
        "${BackupBucket}": deployment.pipeline.outputs["BackupBucket"],
    }

    @contextmanager
    def taken(role, sid, action, where):
        function = role.removesuffix("Role").lower()
        name = f"{PROJECT}-{function}"
        role = aws.client("lambda").get_function_configuration(FunctionName=name)["Role"]
        role = role.rpartition("/")[2]
        held = iam.get_role_policy(RoleName=role, PolicyName=function)["PolicyDocument"]
        less = copy.deepcopy(held)
        (statement,) = [s for s in less["Statement"] if s["Sid"] == sid]
        if where:
            others = [r for r in statement["Resource"] if not r.endswith(f":{bucket[where]}")]
            assert len(others) == len(statement["Resource"]) - 1
            statement["Resource"] = others
        else:
            actions = listed(statement["Action"])
            assert action in actions
            statement["Action"] = [a for a in actions if a != action] or ["none:none"]
        put = {"RoleName": role, "PolicyName": function}
        iam.put_role_policy(**put, PolicyDocument=json.dumps(less))
        try:
            yield
        finally:
            iam.put_role_policy(**put, PolicyDocument=json.dumps(held))

    return taken


@pytest.fixture
def world(aws, deployment):
    def call(function, event):
        answer = aws.client("lambda").invoke(
            FunctionName=f"{PROJECT}-{function}", Payload=json.dumps(event).encode()
        )
        return json.loads(answer["Payload"].read())

    outputs = deployment.pipeline.outputs
    return World(
        call=call,
        s3=aws.client("s3"),
        table=TABLE,
        stream=deployment.tables[0].stream_arn,
        raw=outputs["RawBucket"],
        backup=outputs["BackupBucket"],
    )


# --- tried --------------------------------------------------------------------------------------


@pytest.mark.parametrize("permission", TRIED, ids=" ".join)
def test_what_needs_a_permission_fails_without_it_and_works_with_it(world, without, permission):
    works = TRIED[permission]
    with without(*permission):
        assert not works(world)
    assert works(world)


# --- the boundary -------------------------------------------------------------------------------


EVERYTHING = {"Effect": "Allow", "Action": "*", "Resource": "*"}


@pytest.fixture
def as_load(aws, deployment):
    """A client of whoever has the load's role, which its own policy now lets do everything."""
    iam, security = aws.client("iam"), aws.client("sts")
    (name,) = [role for role in roles(aws) if "LoadRole" in role]
    named = {"RoleName": name, "PolicyName": "everything"}
    policy = {"Version": "2012-10-17", "Statement": [EVERYTHING]}
    iam.put_role_policy(**named, PolicyDocument=json.dumps(policy))
    arn = iam.get_role(RoleName=name)["Role"]["Arn"]
    given = security.assume_role(RoleArn=arn, RoleSessionName="it")["Credentials"]
    session = boto3.Session(
        given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"], aws.region
    )
    yield lambda service: session.client(service, endpoint_url=aws.endpoint_url)
    iam.delete_role_policy(**named)


def beyond(client, backup):
    """What no role of the project is ever to do, by what it would mean."""
    return {
        "make another role": lambda: client("iam").create_role(
            RoleName=f"{PROJECT}-other", AssumeRolePolicyDocument="{}"
        ),
        "write an item": lambda: client("dynamodb").put_item(TableName=TABLE, Item=KEY),
        "delete what is archived": lambda: client("s3").delete_object(Bucket=backup, Key="it"),
        "read another bucket": lambda: client("s3").list_objects_v2(
            Bucket=f"{PROJECT}-artifacts-000000000000-us-east-1"
        ),
        "make a message": lambda: client("sqs").send_message(
            QueueUrl=client("sqs").get_queue_url(QueueName=f"{PROJECT}-objects")["QueueUrl"],
            MessageBody="it",
        ),
    }


def test_a_role_may_not_more_than_its_boundary_though_its_policy_allows(world, as_load):
    assert as_load("s3").list_objects_v2(Bucket=world.raw)["KeyCount"] >= 0
    for what, call in beyond(as_load, world.backup).items():
        with pytest.raises(ClientError) as caught:
            call()
        assert "AccessDenied" in caught.value.response["Error"]["Code"], what


def test_without_the_boundary_the_same_policy_allows_it(aws, world, as_load, boundary):
    (name,) = [role for role in roles(aws) if "LoadRole" in role]
    aws.client("iam").delete_role_permissions_boundary(RoleName=name)
    try:
        as_load("s3").delete_object(Bucket=world.backup, Key="it")
    finally:
        aws.client("iam").put_role_permissions_boundary(RoleName=name, PermissionsBoundary=boundary)


# --- each of them is listed ---------------------------------------------------------------------


def documented():
    """The rows of docs/security.md: (template, role, statement) to what stands beside them."""
    found, source = {}, ""
    for line in (ROOT / "docs" / "security.md").read_text().splitlines():
        if heading := re.fullmatch(r"### infra/(\w+)\.yaml", line):
            source = heading[1]
        elif line.startswith("## "):
            source = ""
        elif source and (row := re.fullmatch(r"\| ([A-Z]\w+) \| (\w+) \| (.*) \|", line)):
            found[source, row[1], row[2]] = tuple(row[3].split(" | "))
    return found


def in_the_templates():
    """The same of the templates: who, which statement, to what it may and on what."""
    found = {}
    for path in sorted(INFRA.glob("*.yaml")):
        for role, statement in every_statement(template(path.stem)):
            actions = " ".join(f"`{action}`" for action in listed(statement["Action"]))
            never = "" if statement["Effect"] == "Allow" else "never "
            where = " ".join(f"`{shortened(text(r))}`" for r in listed(statement["Resource"]))
            found[path.stem, role, statement["Sid"]] = (never + actions, where)
    return found


def test_every_permission_of_every_role_is_documented_as_it_is():
    """Copy what is missed into docs/security.md, and say why it is there."""
    assert {key: row[:2] for key, row in documented().items()} == in_the_templates()


def test_every_permission_is_there_for_a_reason_and_a_page_of_aws_asks_for_it():
    for key, (_actions, _where, why, _held) in documented().items():
        assert re.search(r"\w.*\[.+\]\(https://docs\.aws\.amazon\.com/\S+\)", why), key


def test_every_permission_is_either_tried_or_asserted():
    tried = {("pipeline", role, sid) for role, sid, _action, _where in TRIED}
    tried |= {
        ("deployer", policy, statement["Sid"])
        for policy, statement in every_statement(template("deployer"))
        if policy != "Boundary"
        and "aws:CalledVia" not in str(statement)
        and set(listed(statement["Action"])) <= TRIED_AS_DEPLOYER
    }
    held = {key: row[3] for key, row in documented().items()}
    assert set(held.values()) == {"tried", "asserted"}
    assert {key for key, how in held.items() if how == "tried"} == tried


def test_of_a_statement_that_is_tried_every_action_is():
    tried = set(TRIED)
    for role, statement in every_statement(template("pipeline")):
        resources = [shortened(text(r)) for r in listed(statement["Resource"])]
        wheres = resources if len(resources) > 1 else [""]
        each = {
            (role, statement["Sid"], action, where)
            for action in listed(statement["Action"])
            for where in wheres
        }
        if each & tried:
            assert each <= tried
            tried -= each
    assert tried == set()


def test_what_lambda_does_with_a_role_is_denied_to_the_code():
    """https://docs.aws.amazon.com/lambda/latest/dg/permissions-source-function-arn.html: Lambda's
    own calls do not name the function, but those for its log.
    """
    tried = {(role, sid) for role, sid, _action, _where in TRIED}
    allowed, denied = set(), set()
    for role, statement in every_statement(template("pipeline")):
        # The code itself signs in to the database, which the emulator has not.
        if role == "KeyPolicy" or statement["Sid"] in ("Log", "SignIn"):
            continue
        is_ours = (role, statement["Sid"]) in tried
        pairs = {
            (role, action, text(r))
            for action in listed(statement["Action"])
            for r in listed(statement["Resource"])
        }
        if statement["Effect"] == "Deny":
            function = role.removesuffix("Role").lower()
            arn = statement["Condition"]["ArnEquals"]["lambda:SourceFunctionArn"]
            assert text(arn).endswith(f":function:${{Project}}-{function}")
            denied |= pairs
        elif not is_ours:
            allowed |= pairs
    assert allowed
    assert allowed <= denied


def test_every_bucket_that_a_role_uses_is_of_this_account():
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/amazon-s3-policy-keys.html: a bucket
    that was deleted can be made again by anybody.
    """
    ours = {"StringEquals": {"s3:ResourceAccount": {"Ref": "AWS::AccountId"}}}
    for name in ("pipeline", "table"):
        for role, statement in every_statement(template(name)):
            is_s3 = any(action.startswith("s3:") for action in listed(statement["Action"]))
            if is_s3 and statement["Effect"] == "Allow":
                assert statement["Condition"] == ours, (role, statement["Sid"])
