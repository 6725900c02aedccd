"""The stage, on the emulator: what is made, what is left alone, what is asked and refused."""

import dataclasses
import time

import pytest

from dynaurora.adapters.aws import client_factory
from dynaurora.adapters.cloudformation import StackChange, StackOutcome
from dynaurora.adapters.dynamodb import describe_table
from dynaurora.adapters.stack_events import ResourceProgress
from dynaurora.deploy.deployment import deploy_project
from dynaurora.deploy.outcomes import CodeOutcome, StepDone, StreamEnabled, TableOutcome
from dynaurora.deploy.packaging import CAPTURE, LOAD
from dynaurora.deploy.project import Security
from dynaurora.errors import AwsError, ProjectError, SettingsError, StackFailed, StreamNotAccepted
from dynaurora.model.names import bucket_name, delivery_stream_name, table_stack_name

CREATED, UPDATED, UNCHANGED = StackChange.CREATED, StackChange.UPDATED, StackChange.UNCHANGED


@pytest.fixture
def deploy(project, aws):
    """Deploy the test's project; says yes to everything."""

    def deployed(*tables, of=project, confirm=lambda _table: True, **given):
        return deploy_project(of, tables, confirm=confirm, client=aws.client, **given)

    return deployed


def changes(deployment):
    return [stack.change for stack in deployment.stacks]


def stacks_of(aws, project):
    pages = aws.client("cloudformation").get_paginator("describe_stacks").paginate()
    found = (stack["StackName"] for page in pages for stack in page["Stacks"])
    return {name for name in found if name.startswith(f"{project.name}-")}


def test_everything_is_made_and_a_second_run_changes_nothing(
    deploy, aws, project, make_table, table_name
):
    make_table(table_name, "NEW_IMAGE")
    first = deploy(table_name)
    assert changes(first) == [CREATED, CREATED, CREATED]
    assert [code.is_new for code in first.code] == [True, True]
    assert not first.failures
    started = time.monotonic()
    second = deploy(table_name)
    assert time.monotonic() - started < 10
    assert changes(second) == [UNCHANGED, UNCHANGED, UNCHANGED]
    assert not second.has_changed
    assert [code.is_new for code in second.code] == [False, False]


def test_the_buckets_and_streams_have_the_names_that_the_capture_computes(
    deploy, aws, project, make_table
):
    table = f"{'Long.table-name_' * 5}{project.name}"
    project = dataclasses.replace(project, delivery_stream_prefix="pre-")
    make_table(table, "NEW_IMAGE")
    deployment = deploy(table, of=project)
    for purpose in ("raw", "backup", "artifacts"):
        bucket = bucket_name(project.name, purpose, aws.account, aws.region)
        aws.client("s3").head_bucket(Bucket=bucket)
    stream = delivery_stream_name("pre-", table)
    description = aws.client("firehose").describe_delivery_stream(DeliveryStreamName=stream)
    (target,) = description["DeliveryStreamDescription"]["Destinations"]
    target = target["ExtendedS3DestinationDescription"]
    assert target["Prefix"] == f"{table}/!{{timestamp:yyyy/MM/dd/HH}}/"
    assert target["ErrorOutputPrefix"].startswith(f"(errors)/{table}/!{{firehose:")
    assert table_stack_name(project.name, table) in {s.name for s in deployment.stacks}


def test_a_key_of_ones_own_and_the_logs_of_access_are_given_to_every_stack(
    deploy, aws, project, make_table, table_name
):
    """What is made of them is asserted in tests/infra; the emulator makes nothing of them."""
    make_table(table_name, "NEW_IMAGE")
    deploy(table_name)
    key = aws.client("kms").create_key()["KeyMetadata"]["Arn"]
    secured = dataclasses.replace(project, security=Security(key, "access"))
    deployment = deploy(table_name, of=secured)
    assert changes(deployment) == [UPDATED, UPDATED, UPDATED]
    cloudformation = aws.client("cloudformation")
    artifacts, pipeline, table = (
        {p["ParameterKey"]: p["ParameterValue"] for p in stack["Parameters"]}
        for made in deployment.stacks
        for stack in cloudformation.describe_stacks(StackName=made.name)["Stacks"]
    )
    assert artifacts["AccessLogBucket"] == pipeline["AccessLogBucket"] == "access"
    assert pipeline["KmsKeyArn"] == table["KmsKeyArn"] == key


def test_the_lambdas_get_their_settings(deploy, aws, project):
    deploy()
    client = aws.client("lambda")

    def environment(function):
        found = client.get_function_configuration(FunctionName=f"{project.name}-{function}")
        return found.get("Environment", {}).get("Variables", {})

    assert environment("capture") == {
        "DYNAURORA_PROJECT": project.name,
        "DYNAURORA_DELIVERY_STREAM_PREFIX": "",
        "DYNAURORA_STREAM_FAILURES": "raise",
        "DYNAURORA_BACKUP_BUCKET": bucket_name(project.name, "backup", aws.account, aws.region),
    }
    assert environment("transform") == {"DYNAURORA_PROJECT": project.name}
    assert environment("load") == {
        "DYNAURORA_PROJECT": project.name,
        "DYNAURORA_DATABASE_URL": project.database.url,
        "DYNAURORA_DATABASE_SECRET_ARN": "",
        "DYNAURORA_DATABASE_IAM": "0",
        "DYNAURORA_DATABASE_CA": "",
        "DYNAURORA_SCHEMA": "dynaurora",
        "DYNAURORA_SQLQUERIES": str(project.sqlqueries),
        "DYNAURORA_RAW_BUCKET": bucket_name(project.name, "raw", aws.account, aws.region),
        "DYNAURORA_BACKUP_BUCKET": bucket_name(project.name, "backup", aws.account, aws.region),
    }


def test_the_uploaded_code_runs(deploy, aws, project):
    deploy()
    for function in ("capture", "transform", "load"):
        answer = aws.client("lambda").invoke(FunctionName=f"{project.name}-{function}")
        assert "FunctionError" not in answer
        assert answer["Payload"].read() == b"{}", "the emulator answers for code that is not there"


def test_an_object_in_the_raw_bucket_reaches_the_load(deploy, aws, project):
    (project.lambda_functions / LOAD).write_text(
        "import os, boto3\n"
        "def lambda_handler(event, context):\n"
        "    for message in event['Records']:\n"
        "        if 's3:TestEvent' not in message['body']:\n"
        "            boto3.client('s3').put_object(Body=b'',\n"
        "                Bucket=os.environ['DYNAURORA_BACKUP_BUCKET'], Key='Processed/seen')\n"
    )
    deploy()
    s3 = aws.client("s3")
    raw, backup = (bucket_name(project.name, p, aws.account, aws.region) for p in ("raw", "backup"))
    s3.put_object(Bucket=raw, Key="orders/2026/01/01/00/it", Body=b"{}")
    until = time.monotonic() + 20
    while not s3.list_objects_v2(Bucket=backup).get("Contents"):
        assert time.monotonic() < until, "the load was not called"
        time.sleep(0.1)


def test_one_more_table_is_one_more_stack(deploy, aws, project, make_table, table_name):
    make_table(table_name, "NEW_IMAGE")
    make_table(f"{table_name}2", "NEW_AND_OLD_IMAGES")
    deploy(table_name)
    before = stacks_of(aws, project)
    deployment = deploy(table_name, f"{table_name}2")
    assert changes(deployment) == [UNCHANGED, UNCHANGED, UNCHANGED, CREATED]
    assert stacks_of(aws, project) - before == {table_stack_name(project.name, f"{table_name}2")}


def test_tables_are_connected_at_the_same_time(deploy, make_table, table_name):
    tables = [f"{table_name}{number}" for number in range(12)]
    for table in tables:
        make_table(table, "NEW_IMAGE")
    assert changes(deploy(*tables)) == [CREATED] * 14
    started = time.monotonic()
    assert not deploy(*tables).has_changed
    assert time.monotonic() - started < 10


def test_changed_code_of_the_load_updates_the_pipeline_alone(
    deploy, project, make_table, table_name
):
    make_table(table_name, "NEW_IMAGE")
    deploy(table_name)
    (project.lambda_functions / LOAD).write_text(
        "def lambda_handler(event, context):\n    return 1\n"
    )
    deployment = deploy(table_name)
    assert changes(deployment) == [UNCHANGED, UPDATED, UNCHANGED]
    assert [code.is_new for code in deployment.code] == [False, True]


def test_changed_code_is_what_runs(deploy, aws, project):
    deploy()
    (project.lambda_functions / CAPTURE).write_text(
        "def lambda_handler(event, context):\n    return 'new'\n"
    )
    deploy()
    answer = aws.client("lambda").invoke(FunctionName=f"{project.name}-capture")
    assert answer["Payload"].read() == b'"new"'


def test_a_plugin_file_changes_no_code_on_this_machine(deploy, project):
    deploy()
    (project.sqlqueries / "orders.py").write_text("")
    assert not deploy().has_changed


def test_sizes_reach_the_templates(deploy, aws, project, make_table, table_name):
    make_table(table_name, "NEW_IMAGE")
    sizes = {"LoadTimeoutSeconds": "60", "BufferSeconds": "9", "LocalRetrySeconds": "7"}
    deploy(table_name, of=dataclasses.replace(project, sizes=sizes))
    function = aws.client("lambda").get_function_configuration(FunctionName=f"{project.name}-load")
    assert function["Timeout"] == 60
    sqs = aws.client("sqs")
    queue = sqs.get_queue_url(QueueName=f"{project.name}-objects")["QueueUrl"]
    found = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["VisibilityTimeout"])
    assert found["Attributes"] == {"VisibilityTimeout": "7"}


# --- as on AWS ----------------------------------------------------------------------------------


def test_on_aws_a_plugin_file_is_one_more_stack_and_other_code_of_the_load(
    deploy, aws, project_on_aws, make_table, table_name
):
    tables = [table_name, f"{table_name}2"]
    for table in tables:
        make_table(table, "NEW_IMAGE")
    (project_on_aws.sqlqueries / f"{tables[0]}.py").write_text("")
    assert changes(deploy(tables[0], of=project_on_aws)) == [CREATED] * 3
    (project_on_aws.sqlqueries / f"{tables[1]}.py").write_text("")
    deployment = deploy(*tables, of=project_on_aws)
    assert changes(deployment) == [UNCHANGED, UPDATED, UNCHANGED, CREATED]
    assert [code.is_new for code in deployment.code] == [False, True]
    assert not deploy(*tables, of=project_on_aws).has_changed


def test_on_aws_only_tls_is_taken_and_the_load_has_secret_and_network(
    deploy, aws, project_on_aws, make_table, table_name
):
    make_table(table_name, "NEW_IMAGE")
    deploy(table_name, of=project_on_aws)
    name = project_on_aws.name
    for purpose in ("raw", "backup", "artifacts"):
        bucket = bucket_name(name, purpose, aws.account, aws.region)
        assert "OnlyTls" in aws.client("s3").get_bucket_policy(Bucket=bucket)["Policy"]
    load = aws.client("lambda").get_function_configuration(FunctionName=f"{name}-load")
    assert load["Environment"]["Variables"]["DYNAURORA_SQLQUERIES"] == "sqlqueries"
    role = load["Role"].rpartition("/")[2]
    policy = aws.client("iam").get_role_policy(RoleName=role, PolicyName="load")["PolicyDocument"]
    sids = {statement["Sid"] for statement in policy["Statement"]}
    assert sids >= {"Secret", "Network", "NetworkNotByTheCode"}
    queue = aws.client("sqs").get_queue_url(QueueName=f"{name}-objects")["QueueUrl"]
    asked = {"QueueUrl": queue, "AttributeNames": ["VisibilityTimeout"]}
    visibility = aws.client("sqs").get_queue_attributes(**asked)["Attributes"]
    assert int(visibility["VisibilityTimeout"]) >= 6 * load["Timeout"]


# --- progress -----------------------------------------------------------------------------------


def test_each_step_is_told_as_a_value(deploy, make_table, table_name):
    make_table(table_name)
    told = []
    deployment = deploy(table_name, tell=told.append)
    kinds = {type(progress) for progress in told}
    assert kinds >= {CodeOutcome, ResourceProgress, StackOutcome, StreamEnabled, TableOutcome}
    assert [p for p in told if isinstance(p, StackOutcome)] == list(deployment.stacks)


# --- streams ------------------------------------------------------------------------------------


def test_a_stream_is_turned_on_when_a_person_says_so(deploy, aws, make_table, table_name):
    make_table(table_name)
    aws.client("dynamodb").put_item(TableName=table_name, Item={"id": {"S": "1"}})
    asked = []

    def confirm(table):
        asked.append((table.name, table.items))
        return True

    deployment = deploy(table_name, confirm=confirm)
    assert asked == [(table_name, 1)]
    (outcome,) = deployment.tables
    assert (outcome.is_stream_enabled, outcome.items_before) == (True, 1)
    table = describe_table(aws.client("dynamodb"), table_name)
    assert table.stream_view == "NEW_IMAGE"
    assert (table.stream_arn, table.table_id) == (outcome.stream_arn, outcome.table_id)
    (again,) = deploy(table_name, confirm=confirm).tables
    assert asked == [(table_name, 1)]
    assert (again.is_stream_enabled, again.items_before) == (False, 0)


def test_without_a_yes_the_stream_stays_off_and_the_others_go_on(
    deploy, aws, make_table, table_name
):
    make_table(table_name)
    make_table(f"{table_name}2", "NEW_IMAGE")
    deployment = deploy(table_name, f"{table_name}2", confirm=lambda _table: False)
    refused, connected = deployment.tables
    assert "its stream is off" in str(refused.error)
    assert not describe_table(aws.client("dynamodb"), table_name).has_stream
    assert connected.stack.change is CREATED
    assert deployment.failures == (refused,)


@pytest.mark.parametrize("view", ["KEYS_ONLY", "OLD_IMAGE"])
def test_a_stream_without_new_images_is_refused(deploy, aws, project, make_table, table_name, view):
    make_table(table_name, view)
    (outcome,) = deploy(table_name).tables
    assert isinstance(outcome.error, AwsError)
    assert f"its stream holds {view}" in str(outcome.error)
    assert "turn the stream off and deploy again" in str(outcome.error)
    assert describe_table(aws.client("dynamodb"), table_name).stream_view == view
    assert table_stack_name(project.name, table_name) not in stacks_of(aws, project)


def test_a_table_that_is_not_there_is_told_and_the_others_go_on(deploy, make_table, table_name):
    make_table(table_name, "NEW_IMAGE")
    missing, there = deploy(f"{table_name}-missing", table_name).tables
    assert "is not in DynamoDB in us-east-1" in str(missing.error)
    assert "rename the file" in str(missing.error)
    assert (there.error, there.stack.change) == (None, CREATED)


def test_a_table_made_anew_gets_a_new_mapping(deploy, aws, make_table, table_name):
    make_table(table_name, "NEW_IMAGE")
    (before,) = deploy(table_name).tables
    aws.client("dynamodb").delete_table(TableName=table_name)
    make_table(table_name, "NEW_IMAGE")
    (after,) = deploy(table_name).tables
    assert after.stack.change is UPDATED
    assert after.table_id != before.table_id
    mapping = aws.client("lambda").get_event_source_mapping(UUID=after.stack.outputs["MappingId"])
    assert mapping["EventSourceArn"] == after.stream_arn != before.stream_arn


# --- registration -------------------------------------------------------------------------------


def test_a_table_is_registered_before_its_mapping_is_made(
    deploy, aws, project, make_table, table_name
):
    make_table(table_name, "NEW_IMAGE")
    registered = []

    def register(table, stream_arn, table_id):
        stack = table_stack_name(project.name, table)
        registered.append((table, stream_arn, table_id, stack in stacks_of(aws, project)))

    (outcome,) = deploy(table_name, register=register).tables
    assert registered == [(table_name, outcome.stream_arn, outcome.table_id, False)]


def test_a_table_that_may_not_be_registered_is_not_connected(
    deploy, aws, project, make_table, table_name
):
    make_table(table_name, "NEW_IMAGE")
    refusal = StreamNotAccepted(table_name, "has another stream", "", "Accept it.")

    def register(_table, _stream_arn, _table_id):
        raise refusal

    (outcome,) = deploy(table_name, register=register).tables
    assert (outcome.error, outcome.stack) == (refusal, None)
    assert table_stack_name(project.name, table_name) not in stacks_of(aws, project)


# --- what goes wrong ----------------------------------------------------------------------------


def test_a_broken_template_is_told_with_the_reasons(deploy, project):
    template = project.infra / "pipeline.yaml"
    text = template.read_text()
    template.write_text(text.replace("!GetAtt DeadLetters.Arn", "!GetAtt DeadLetters.Nothing", 1))
    with pytest.raises(StackFailed, match=r"Objects \(AWS::SQS::Queue\): .*Nothing") as raised:
        deploy()
    assert raised.value.where == f"stack {project.name}-pipeline"
    template.write_text(text)
    assert changes(deploy()) == [UNCHANGED, CREATED]


def test_a_missing_template_is_named(deploy, project):
    (project.infra / "artifacts.yaml").unlink()
    with pytest.raises(ProjectError, match=r"artifacts\.yaml"):
        deploy()


def test_a_template_without_our_outputs_is_told(deploy, project):
    template = project.infra / "artifacts.yaml"
    template.write_text(
        template.read_text().replace("Outputs:\n  ArtifactsBucket", "Outputs:\n  It")
    )
    with pytest.raises(ProjectError, match="has no output ArtifactsBucket"):
        deploy()


def test_a_failing_table_stack_does_not_stop_the_others(
    deploy, aws, project, make_table, table_name
):
    make_table(table_name, "NEW_IMAGE")
    make_table(f"{table_name}2", "NEW_IMAGE")
    aws.client("firehose").create_delivery_stream(DeliveryStreamName=table_name)
    failed, connected = deploy(table_name, f"{table_name}2").tables
    assert isinstance(failed.error, StackFailed)
    assert "Delivery (AWS::KinesisFirehose::DeliveryStream)" in str(failed.error)
    assert connected.stack.change is CREATED


def test_a_mapping_that_is_off_is_turned_on(deploy, aws, make_table, table_name):
    """As a destruction leaves it that was not finished."""
    make_table(table_name, "NEW_IMAGE")
    (outcome,) = deploy(table_name).tables
    functions = aws.client("lambda")
    mapping = outcome.stack.outputs["MappingId"]
    functions.update_event_source_mapping(UUID=mapping, Enabled=False)
    told = []
    (again,) = deploy(table_name, tell=told.append).tables
    assert again.error is None
    assert functions.get_event_source_mapping(UUID=mapping)["State"] == "Enabled"
    assert StepDone(table_name, "its mapping was off, and is turned on") in told


def test_a_password_is_refused_before_anything_is_made(deploy, aws, project):
    away = dataclasses.replace(project, endpoint="")
    with pytest.raises(SettingsError, match="DYNAURORA_DATABASE_SECRET_ARN"):
        deploy(of=away)
    assert stacks_of(aws, project) == set()


@pytest.fixture
def no_credentials(monkeypatch, tmp_path):
    for name in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)


def deploy_without_client(project):
    return deploy_project(project, [], confirm=lambda _table: True)


@pytest.mark.usefixtures("no_credentials")
def test_without_credentials_the_message_says_how_to_sign_in(project):
    with pytest.raises(AwsError, match="Sign in"):
        deploy_without_client(project)


def test_wrong_credentials_say_how_to_sign_in(project, no_credentials, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAWRONG")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    with pytest.raises(AwsError, match=r"InvalidClientTokenId.*Sign in"):
        deploy_without_client(project)


def test_without_a_region_the_message_says_how_to_set_one(project, no_credentials, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    with pytest.raises(AwsError, match=r"no Region is set.*--region"):
        deploy_without_client(dataclasses.replace(project, region=""))


def test_an_endpoint_that_does_not_answer_is_told(project, no_credentials, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    nobody = dataclasses.replace(project, endpoint="http://127.0.0.1:9")
    with pytest.raises(AwsError, match="Look at the network"):
        deploy_without_client(nobody)


def test_a_bucket_that_somebody_deleted_is_told(deploy, aws, project):
    deploy()
    s3 = aws.client("s3")
    bucket = bucket_name(project.name, "artifacts", aws.account, aws.region)
    for found in s3.list_object_versions(Bucket=bucket)["Versions"]:
        s3.delete_object(Bucket=bucket, Key=found["Key"], VersionId=found["VersionId"])
    s3.delete_bucket(Bucket=bucket)
    with pytest.raises(AwsError, match=rf"bucket {bucket}: .*delete its stack"):
        deploy()


def test_clients_of_the_factory_reach_the_endpoint(aws, no_credentials, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    client = client_factory("eu-west-3", aws.endpoint_url)
    assert client("sts").get_caller_identity()["Account"] == aws.account
    assert client("sts") is client("sts")
    assert client("s3").meta.region_name == "eu-west-3"
