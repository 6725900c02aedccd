"""`doctor`: each thing is broken, and it is found with what mends it."""

import dataclasses
import json
import sys
import time

import pytest
from boto3 import Session

from dynaurora.deploy.deployment import deploy_project
from dynaurora.deploy.doctor import account, quotas
from dynaurora.deploy.doctor.findings import Patient
from dynaurora.deploy.doctor.machine import bytecode
from dynaurora.deploy.doctor.names import buckets, firehose_streams
from dynaurora.deploy.doctor.rounds import examined
from dynaurora.deploy.doctor.stacks import stacks
from dynaurora.deploy.doctor.streams import stream
from dynaurora.deploy.own import Own
from dynaurora.deploy.packaging import LOAD
from dynaurora.deploy.project import Alarms, Security
from dynaurora.errors import DatabaseAway, ProjectError
from dynaurora.model.names import bucket_name

HERE = f"python{sys.version_info[0]}.{sys.version_info[1]}"


def server(_command):
    """A database that is well."""
    return {
        "product": "PostgreSQL",
        "version": "16.1",
        "user": "dynaurora",
        "is_encrypted": True,
        "lacks": [],
    }


@pytest.fixture
def patient(project, aws, table_name):
    return Patient(
        project=project,
        client=aws.client,
        account=aws.account,
        region=aws.region,
        arn=f"arn:aws:iam::{aws.account}:root",
        tables=(table_name,),
        ask=server,
    )


@pytest.fixture
def credentials(aws, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", aws.access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", aws.secret_key)
    monkeypatch.delenv("AWS_PROFILE", raising=False)


def problems(found):
    return [each for each in found if each.level == "problem"]


def the_problem(found):
    (one,) = problems(found)
    assert one.remedy, "a problem comes with what mends it"
    return one


# --- streams ------------------------------------------------------------------------------------


@pytest.fixture
def connected(project, aws, make_table, table_name):
    make_table(table_name, "NEW_IMAGE")
    (outcome,) = deploy_project(
        project, [table_name], confirm=lambda _table: True, client=aws.client
    ).tables
    return outcome


def test_a_connected_table_is_well(patient, connected):
    (found,) = stream(patient, connected.table)
    assert found.level == "good"


def test_a_missing_table_is_found(patient, table_name):
    assert "is not in DynamoDB" in the_problem(stream(patient, table_name)).found


def test_a_stream_that_is_off_is_found(patient, connected, aws):
    aws.client("dynamodb").update_table(
        TableName=connected.table, StreamSpecification={"StreamEnabled": False}
    )
    assert the_problem(stream(patient, connected.table)).found == "its stream is off"


def test_a_wrong_view_is_found(patient, make_table, table_name):
    make_table(table_name, "KEYS_ONLY")
    assert "holds KEYS_ONLY" in the_problem(stream(patient, table_name)).found


def test_a_table_that_is_not_connected_is_found(patient, connected, make_table):
    make_table(f"{connected.table}2", "NEW_IMAGE")
    found = the_problem(stream(patient, f"{connected.table}2"))
    assert "is not connected" in found.found


@pytest.mark.parametrize("view", [None, "NEW_IMAGE"])
def test_before_the_first_deployment_a_table_is_in_order(patient, make_table, table_name, view):
    make_table(table_name, view)
    (found,) = stream(patient, table_name)
    assert found.level == "good"


def test_a_stream_made_anew_is_found(patient, connected, aws):
    dynamodb = aws.client("dynamodb")
    for specification in (
        {"StreamEnabled": False},
        {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
    ):
        dynamodb.update_table(TableName=connected.table, StreamSpecification=specification)
    found = the_problem(stream(patient, connected.table))
    assert "another stream than the one that is read" in found.found
    assert "within 24 hours" in found.remedy


def test_a_mapping_that_is_off_is_found(patient, connected, aws):
    mapping = connected.stack.outputs["MappingId"]
    aws.client("lambda").update_event_source_mapping(UUID=mapping, Enabled=False)
    assert f"--uuid {mapping} --enabled" in the_problem(stream(patient, connected.table)).remedy


def test_too_many_readers_are_found(patient, connected, aws, project):
    for function in ("load", "transform"):
        aws.client("lambda").create_event_source_mapping(
            FunctionName=f"{project.name}-{function}",
            EventSourceArn=connected.stream_arn,
            StartingPosition="LATEST",
            Enabled=False,
        )
    assert "has 3 readers" in the_problem(stream(patient, connected.table)).found


# --- permissions --------------------------------------------------------------------------------


@pytest.fixture
def someone(aws, patient, project):
    """Whoever has these policies, as a patient."""

    def made(*statements):
        iam = aws.client("iam")
        user = iam.create_user(UserName=project.name)["User"]
        key = iam.create_access_key(UserName=project.name)["AccessKey"]
        iam.put_user_policy(
            UserName=project.name,
            PolicyName="it",
            PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": list(statements)}),
        )

        def client(service):
            return aws.session().client(
                service,
                endpoint_url=aws.endpoint_url,
                aws_access_key_id=key["AccessKeyId"],
                aws_secret_access_key=key["SecretAccessKey"],
            )

        return dataclasses.replace(patient, arn=user["Arn"], client=client)

    return made


ALL = {"Effect": "Allow", "Action": "*", "Resource": "*"}


def test_all_permissions_are_well(someone):
    (found,) = account.permissions(someone(ALL))
    assert found.level == "good"


def test_a_permission_that_is_missing_is_found(someone):
    deny = {"Effect": "Deny", "Action": "firehose:CreateDeliveryStream", "Resource": "*"}
    found = the_problem(account.permissions(someone(ALL, deny)))
    assert found.where == "permission firehose:CreateDeliveryStream"


def test_what_is_granted_on_some_things_alone_is_no_problem_and_not_known(someone):
    """As infra/deployer.yaml grants most of it."""
    narrow = {"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::shop-*"}
    rest = {"Effect": "Allow", "NotAction": "s3:*", "Resource": "*"}
    (found,) = account.permissions(someone(narrow, rest))
    assert found.level == "unknown"
    assert "s3:CreateBucket" in found.found
    assert "iam:CreateRole" not in found.found


def test_what_a_project_does_not_ask_for_needs_no_permission(patient):
    plain = set(account.needed(patient.project))

    def more(**given):
        return set(account.needed(dataclasses.replace(patient.project, **given))) - plain

    watched = {*account.FOR_ALARMS, *account.FOR_A_TOPIC}
    assert more(alarms=Alarms(are_on=True)) == watched
    assert more(alarms=Alarms(are_on=True, topic="arn:aws:sns:it")) == set(account.FOR_ALARMS)
    assert more(security=Security(boundary="arn:aws:iam:it")) == set(account.FOR_A_BOUNDARY)
    assert more(own=Own(network={})) == set(account.FOR_A_NETWORK)
    assert more(own=Own(network={"Nat": "true", "FlowLogs": "true"})) == {
        *account.FOR_A_NETWORK,
        *account.FOR_NAT,
        *account.FOR_FLOW_LOGS,
    }
    assert more(own=Own(aurora={})) == set(account.FOR_A_CLUSTER)


def test_where_iam_does_not_tell_it_is_tried_and_said(someone):
    deny = {
        "Effect": "Deny",
        "Action": ["iam:SimulatePrincipalPolicy", "dynamodb:DescribeTable"],
        "Resource": "*",
    }
    found = list(account.permissions(someone(ALL, deny)))
    assert found[0].level == "unknown"
    assert "iam:SimulatePrincipalPolicy" in found[0].remedy
    assert the_problem(found).where == "permission dynamodb:DescribeTable"


# --- quotas -------------------------------------------------------------------------------------


def test_too_little_concurrency_is_found(patient):
    (found,) = quotas.concurrency(patient)
    assert found.level == "good"
    many = {"LoadConcurrency": "100000"}
    greedy = dataclasses.replace(patient, project=dataclasses.replace(patient.project, sizes=many))
    assert "Service Quotas" in the_problem(quotas.concurrency(greedy)).remedy


def test_too_many_delivery_streams_are_found(patient, monkeypatch):
    (found,) = quotas.delivery_streams(patient)
    assert found.level == "good"
    monkeypatch.setattr(quotas, "_DELIVERY_STREAMS", 0)
    assert "1 would be added" in the_problem(quotas.delivery_streams(patient)).found


# --- stacks -------------------------------------------------------------------------------------


class Stuck:
    """A CloudFormation with a stack that the emulator cannot bring about."""

    def __init__(self, aws):
        self.meta = aws.client("cloudformation").meta

    def get_paginator(self, _operation):
        return self

    def paginate(self, **_filter):
        for name in ("it-pipeline", "other-pipeline"):
            yield {"StackSummaries": [{"StackName": name, "StackStatus": "UPDATE_ROLLBACK_FAILED"}]}


def test_a_name_of_a_firehose_stream_that_is_taken_is_found(patient, aws, table_name):
    firehose = aws.client("firehose")
    firehose.create_delivery_stream(DeliveryStreamName=table_name)
    try:
        found = the_problem(firehose_streams(patient))
    finally:
        firehose.delete_delivery_stream(DeliveryStreamName=table_name)
    assert found.where == f"Firehose stream {table_name}"
    assert "delivery_stream_prefix" in found.remedy
    assert not problems(firehose_streams(patient))


def test_a_bucket_of_another_account_is_found(patient, aws, project):
    """An access key of twelve digits is another account to the emulator."""
    other = Session("1" * 12, "test", region_name=aws.region)
    s3 = other.client("s3", endpoint_url=aws.endpoint_url)
    s3.create_bucket(Bucket=bucket_name(project.name, "raw", aws.account, aws.region))
    assert "another project name" in the_problem(buckets(patient)).remedy


def test_what_somebody_has_deleted_is_found(patient, aws, connected):
    assert not problems([*buckets(patient), *firehose_streams(patient)])
    project = patient.project
    raw = bucket_name(project.name, "raw", aws.account, aws.region)
    aws.client("s3").delete_bucket(Bucket=raw)
    aws.client("firehose").delete_delivery_stream(DeliveryStreamName=connected.table)
    of_bucket, of_stream = problems([*buckets(patient), *firehose_streams(patient)])
    assert (of_bucket.where, of_stream.where) == (
        f"bucket {raw}",
        f"Firehose stream {connected.table}",
    )
    for found in (of_bucket, of_stream):
        stack = found.remedy.partition("--stack-name ")[2].partition(",")[0]
        aws.client("cloudformation").delete_stack(StackName=stack)
    deploy_project(project, [connected.table], confirm=lambda _: True, client=aws.client)
    assert not problems([*buckets(patient), *firehose_streams(patient)])


@pytest.mark.parametrize(("runtime", "is_there"), [("python3.99", False), (HERE, True)])
def test_whether_the_zips_get_bytecode_is_told(patient, runtime, is_there):
    away = dataclasses.replace(patient.project, endpoint="", runtime=runtime)
    (found,) = bytecode(dataclasses.replace(patient, project=away))
    assert found.level == "good"
    assert bool(found.remedy) is not is_there
    assert not list(bytecode(patient)), "an emulator has what is installed"


def test_a_stack_that_is_stuck_is_found(patient, aws):
    project = dataclasses.replace(patient.project, name="it")
    stuck = dataclasses.replace(patient, project=project, client=lambda _service: Stuck(aws))
    found = the_problem(stacks(stuck))
    assert (found.where, found.found) == ("stack it-pipeline", "is UPDATE_ROLLBACK_FAILED")
    assert "continue-update-rollback --stack-name it-pipeline" in found.remedy


# --- the rest, all at once ----------------------------------------------------------------------


@pytest.fixture
def examine(project, credentials, table_name):
    def found(ask=server, of=project, tables=()):
        return examined(of, tables, ask)

    return found


def test_a_project_that_is_well_is_told_within_seconds(examine, connected, project):
    (project.sqlqueries / f"{connected.table}.py").write_text(
        'from dynaurora import Table\nit = Table(key="id", columns={"id": "text"})\n'
    )
    started = time.monotonic()
    found = examine(tables=[connected.table])
    assert time.monotonic() - started < 10
    assert problems(found) == []
    assert {"good"} == {each.level for each in found}


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"version": "12.3"}, "is PostgreSQL 12.3"),
        ({"lacks": ["make tables"]}, "dynaurora may not make tables"),
        ({"is_encrypted": False}, "the connection is not encrypted"),
    ],
)
def test_what_a_database_lacks_is_found(patient, facts, said):
    from dynaurora.deploy.doctor.database import database

    away = dataclasses.replace(patient.project, endpoint="")
    asked = dataclasses.replace(
        patient, project=away, ask=lambda _command: {**server("server"), **facts}
    )
    assert said in the_problem(database(asked)).found


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        (
            {"previews_lack": ["CREATE on `app\\_preview\\_%`.*"]},
            "dynaurora may not CREATE on `app",
        ),
        ({"unsure": ["DROP on `app`.*"]}, "has DROP on `app`.* by one grant and not by another"),
        ({"lacks": None, "untold": "it runs without grants"}, "it runs without grants"),
        ({"lacks": None}, "this version of the load Lambda does not tell"),
    ],
)
def test_what_keeps_no_load_from_its_work_or_is_not_told_is_no_problem(patient, facts, said):
    from dynaurora.deploy.doctor.database import database

    asked = dataclasses.replace(patient, ask=lambda _command: {**server("server"), **facts})
    found, well = database(asked)
    assert (found.level != "problem", well.level) == (True, "good")
    assert said in found.found
    assert found.remedy


def test_a_database_that_does_not_answer_is_found(examine, project):
    def ask(_command):
        raise DatabaseAway("the database", "connection refused", "", "")

    found = [each for each in problems(examine(ask)) if each.where == "database"]
    assert "connection refused" in found[0].found
    assert found[0].remedy


def test_a_private_database_before_the_first_deployment_is_not_known(examine):
    def ask(_command):
        raise ProjectError("stack s", "it is not there")

    (found,) = [each for each in examine(ask) if each.where == "database"]
    assert found.level == "unknown"


def test_a_broken_plugin_and_a_missing_handler_are_found(examine, project):
    (project.sqlqueries / "orders.py").write_text("import nothing_of_this_name\n")
    (project.lambda_functions / LOAD).unlink()
    found = problems(examine())
    assert any("nothing_of_this_name" in each.found for each in found)
    assert any(LOAD in each.where for each in found)


def test_without_credentials_the_rest_is_told_all_the_same(examine, monkeypatch, tmp_path):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    found = examine()
    assert "Sign in" in problems(found)[0].remedy
    assert any(each.where == "database" and each.level == "good" for each in found)


# --- the command --------------------------------------------------------------------------------


def test_the_command_tells_what_is_wrong_and_then_that_nothing_is(dynaurora, plugin, make_table):
    before = dynaurora("doctor")
    assert before.exit_code == 1, before.output
    assert f"PROBLEM table {plugin}: is not in DynamoDB" in before.stdout
    make_table(plugin)
    assert dynaurora("doctor").exit_code == 0, "nothing stands in the way of a first deployment"
    assert dynaurora("deploy", "--yes").exit_code == 0
    after = dynaurora("doctor")
    assert after.exit_code == 0, after.output
    assert "Nothing stands in the way." in after.stdout
    assert "answers" in after.stdout, "the database was asked"
    told = json.loads(dynaurora("doctor", "--json").stdout)
    assert told["is_well"] is True
    assert {each["level"] for each in told["findings"]} == {"good"}
