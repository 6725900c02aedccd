"""What stops a deployment says what to do; once that is done, a second run gets through."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from itertools import count

import pytest
from boto3 import Session

from dynaurora.adapters.cloudformation import StackChange, StackOutcome
from dynaurora.adapters.dynamodb import describe_table, is_stream_kept
from dynaurora.deploy import tables
from dynaurora.deploy.deployment import deploy_project
from dynaurora.errors import AwsError, StackFailed


class Interrupted(BaseException):
    """Stands in for Ctrl-C."""


@pytest.fixture
def deploy(project, aws):
    def deployed(*tables, client=aws.client, **given):
        return deploy_project(project, tables, confirm=lambda _t: True, client=client, **given)

    return deployed


def stream_arn(aws, table):
    return describe_table(aws.client("dynamodb"), table).stream_arn


# --- streams ------------------------------------------------------------------------------------


def test_a_stream_that_was_turned_off_and_on_is_read_anew(deploy, aws, make_table, table_name):
    make_table(table_name, "NEW_IMAGE")
    (before,) = deploy(table_name).tables
    dynamodb = aws.client("dynamodb")
    dynamodb.update_table(TableName=table_name, StreamSpecification={"StreamEnabled": False})
    (after,) = deploy(table_name).tables
    assert (after.error, after.is_stream_enabled) == (None, True)
    assert after.stream_arn == stream_arn(aws, table_name) != before.stream_arn
    mapping = aws.client("lambda").get_event_source_mapping(UUID=after.stack.outputs["MappingId"])
    assert mapping["EventSourceArn"] == after.stream_arn


@pytest.fixture
def turn_off(aws, table_name):
    """Turn the stream off with a change in it; the emulator forgets an empty one."""
    dynamodb, numbers = aws.client("dynamodb"), count(1)

    def turned_off():
        dynamodb.put_item(TableName=table_name, Item={"id": {"S": str(next(numbers))}})
        dynamodb.update_table(TableName=table_name, StreamSpecification={"StreamEnabled": False})

    return turned_off


@pytest.fixture
def asked(aws):
    """What CloudFormation was asked to make of a table's streams, in order; and a client for it.

    The emulator makes no change set for a resource that comes with a condition alone.
    """
    found = []

    def note(params, **_given):
        given = {p["ParameterKey"]: p["ParameterValue"] for p in params["Parameters"]}
        if "StreamArn" in given:
            names = ("StreamArn", "FormerStreamArn", "ReadsFormer")
            found.append(tuple(given[name] for name in names))

    def client(service):
        made = aws.client(service)
        if service == "cloudformation":
            made.meta.events.register("provide-client-params.cloudformation.CreateChangeSet", note)
        return made

    return found, client


def test_what_a_stream_that_was_turned_off_still_has_is_read_beside_the_new_one(
    deploy, asked, make_table, table_name, turn_off
):
    wanted, client = asked
    make_table(table_name, "NEW_IMAGE")
    first = deploy(table_name, client=client).tables[0].stream_arn
    turn_off()
    (renewed,) = deploy(table_name, client=client).tables
    second = renewed.stream_arn
    assert renewed.stack.change is StackChange.UPDATED
    # Lambda refuses a second mapping of a stream and a function: the first has to go before.
    assert wanted == [(first, "", "false"), (second, first, "false"), (second, first, "true")]
    wanted.clear()
    turn_off()
    third = deploy(table_name, client=client).tables[0].stream_arn
    assert wanted == [(third, second, "false"), (third, second, "true")]


def test_a_former_stream_is_read_also_when_the_deployment_was_interrupted(
    deploy, asked, make_table, table_name, turn_off
):
    wanted, client = asked
    make_table(table_name, "NEW_IMAGE")
    first = deploy(table_name).tables[0].stream_arn
    turn_off()

    def tell(step):
        if isinstance(step, StackOutcome) and step.change is StackChange.UPDATED:
            raise Interrupted

    with pytest.raises(Interrupted):
        deploy(table_name, client=client, tell=tell)
    second = deploy(table_name, client=client).tables[0].stream_arn
    assert wanted == [(second, first, "false"), (second, first, "true")]


def test_a_former_stream_that_dynamodb_has_forgotten_is_read_no_longer(
    deploy, asked, aws, make_table, monkeypatch, table_name, turn_off
):
    wanted, client = asked
    make_table(table_name, "NEW_IMAGE")
    deploy(table_name)
    turn_off()
    deploy(table_name)
    monkeypatch.setattr(tables, "is_stream_kept", lambda _client, _arn: False)
    deploy(table_name, client=client)
    assert wanted == [(stream_arn(aws, table_name), "", "false")]


def test_the_stream_of_a_table_that_is_no_more_is_none_of_the_table_that_is_made_anew(
    deploy, asked, aws, make_table, table_name, turn_off
):
    """Its items would come back."""
    wanted, client = asked
    make_table(table_name, "NEW_IMAGE")
    deploy(table_name)
    turn_off()
    aws.client("dynamodb").delete_table(TableName=table_name)
    time.sleep(1)  # the emulator tells seconds
    make_table(table_name, "NEW_IMAGE")
    deploy(table_name, client=client)
    assert wanted == [(stream_arn(aws, table_name), "", "false")]


def test_a_stream_that_is_not_there_is_not_kept(aws):
    arn = "arn:aws:dynamodb:us-east-1:000000000000:table/none/stream/2026-01-01T00:00:00.000"
    assert not is_stream_kept(aws.client("dynamodbstreams"), arn)


@pytest.mark.parametrize("view", ["KEYS_ONLY", "OLD_IMAGE"])
def test_a_view_that_is_put_right_is_connected(deploy, aws, make_table, table_name, view):
    make_table(table_name, view)
    assert "turn the stream off and deploy again" in str(deploy(table_name).tables[0].error)
    dynamodb = aws.client("dynamodb")
    dynamodb.update_table(TableName=table_name, StreamSpecification={"StreamEnabled": False})
    (after,) = deploy(table_name).tables
    assert (after.error, after.stack.change) == (None, StackChange.CREATED)


def test_a_table_that_is_made_later_is_connected_then(deploy, make_table, table_name):
    assert "is not in DynamoDB" in str(deploy(table_name).tables[0].error)
    make_table(table_name, "NEW_IMAGE")
    assert deploy(table_name).tables[0].error is None


# --- names that are taken -----------------------------------------------------------------------


def test_a_delivery_stream_of_the_name_says_what_to_do(deploy, aws, make_table, table_name):
    make_table(table_name, "NEW_IMAGE")
    firehose = aws.client("firehose")
    firehose.create_delivery_stream(DeliveryStreamName=table_name)
    (refused,) = deploy(table_name).tables
    assert isinstance(refused.error, StackFailed)
    assert "already exists" in refused.error.found
    assert "delivery_stream_prefix" in refused.error.remedy
    firehose.delete_delivery_stream(DeliveryStreamName=table_name)
    (after,) = deploy(table_name).tables
    assert (after.error, after.stack.change) == (None, StackChange.CREATED)


# --- interrupted --------------------------------------------------------------------------------


@pytest.mark.parametrize("after", [1, 3, 5, 9, 17, 33])
def test_a_deployment_that_is_interrupted_is_finished_by_the_next(
    deploy, aws, make_table, table_name, after
):
    make_table(table_name)
    steps = []

    def tell(step):
        steps.append(step)
        if len(steps) == after:
            raise Interrupted

    with pytest.raises(Interrupted):
        deploy(table_name, tell=tell)
    (outcome,) = deploy(table_name).tables
    assert outcome.error is None
    assert not deploy(table_name).has_changed


@pytest.fixture
def killed_deploy(project, aws, database_url):
    """`dynaurora deploy`, ended by a signal when a line of its stderr says this."""

    def run(line, number):
        environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "DYNAURORA_"))},
            "AWS_ENDPOINT_URL": aws.endpoint_url,
            "AWS_REGION": aws.region,
            "AWS_ACCESS_KEY_ID": aws.access_key,
            "AWS_SECRET_ACCESS_KEY": aws.secret_key,
            "DYNAURORA_PROJECT": project.name,
            "DYNAURORA_DATABASE_URL": database_url,
        }
        program = [sys.executable, "-c", "from dynaurora.cli import main; main()"]
        with subprocess.Popen(
            [*program, "deploy", "--yes", "--project-dir", str(project.root)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=environment,
            text=True,
        ) as process:
            told = []
            for each in process.stderr:
                told.append(each)
                if line in each:
                    process.send_signal(number)
            return process.wait(60), "".join(told)

    return run


@pytest.mark.parametrize("line", ["-artifacts is new", "uploaded", "-pipeline is new"])
def test_a_deployment_that_is_killed_is_finished_by_the_next(
    killed_deploy, dynaurora, plugin, make_table, line
):
    make_table(plugin)
    status, told = killed_deploy(line, signal.SIGKILL)
    assert status == -signal.SIGKILL, told
    after = dynaurora("deploy", "--yes")
    assert after.exit_code == 0, after.output
    assert "nothing to change" in dynaurora("deploy", "--yes").stdout


def test_ctrl_c_says_what_goes_on(killed_deploy, dynaurora, plugin, make_table):
    make_table(plugin)
    status, told = killed_deploy("-pipeline is new", signal.SIGINT)
    assert status == 130, told
    assert "What CloudFormation has begun goes on there." in told
    assert dynaurora("deploy", "--yes").exit_code == 0


# --- permissions --------------------------------------------------------------------------------


@pytest.fixture
def someone(aws, project):
    """A user of the account, who may do everything but what is denied to them."""
    iam = aws.client("iam")
    iam.create_user(UserName=project.name)
    key = iam.create_access_key(UserName=project.name)["AccessKey"]
    session = Session(
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
        region_name=aws.region,
    )
    made = {}

    def client(service):
        if service not in made:
            made[service] = session.client(service, endpoint_url=aws.endpoint_url)
        return made[service]

    @contextmanager
    def without(*denied):
        statements = [{"Effect": "Allow", "Action": "*", "Resource": "*"}]
        if denied:
            statements.append({"Effect": "Deny", "Action": list(denied), "Resource": "*"})
        iam.put_user_policy(
            UserName=project.name,
            PolicyName="all",
            PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": statements}),
        )
        yield client

    return without


@pytest.mark.parametrize(
    "denied",
    [
        "cloudformation:CreateChangeSet",
        "cloudformation:DescribeChangeSet",
        "cloudformation:DescribeStackEvents",
        "cloudformation:DescribeStacks",
        "cloudformation:ExecuteChangeSet",
        "cloudformation:ListStacks",
        "s3:PutObject",
    ],
)
def test_who_may_not_is_told_the_permission_and_gets_through_with_it(deploy, someone, denied):
    with someone(denied) as client, pytest.raises(AwsError) as raised:
        deploy(client=client)
    assert raised.value.expected == f"a permission for {denied.partition(':')[2]}"
    with someone() as client:
        deploy(client=client)
        assert not deploy(client=client).has_changed


@pytest.mark.parametrize("denied", ["dynamodb:DescribeTable", "dynamodb:UpdateTable"])
def test_who_may_not_see_a_table_is_told_so_for_that_table(
    deploy, someone, make_table, table_name, denied
):
    make_table(table_name)
    with someone(denied) as client:
        (refused,) = deploy(table_name, client=client).tables
    assert refused.error.expected == f"a permission for {denied.partition(':')[2]}"
    with someone() as client:
        assert deploy(table_name, client=client).tables[0].error is None
