"""The templates: linted, and what the emulator does not check asserted statically.

MiniStack enforces IAM on what Lambda code calls, not on what services do among themselves, and it
ignores much of a mapping. Each such statement has a test here with the page that it comes from.
"""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from dynaurora.deploy.keys import PIPELINE_SIZES, TABLE_SIZES
from dynaurora.deploy.packaging import CAPTURE, LOAD, LOAD_NEEDS, TRANSFORM
from support.templates import (
    INFRA,
    allowed,
    of_type,
    resource,
    statements,
    template,
    text,
)

NAMES = ("alarms", "artifacts", "aurora", "deployer", "network", "pipeline", "table")
TEMPLATE_BYTES = 51_200
"""https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html"""


@pytest.fixture(scope="module")
def pipeline():
    return template("pipeline")


@pytest.fixture(scope="module")
def table():
    return template("table")


# --- form ---------------------------------------------------------------------------------------


def test_cfn_lint_finds_nothing():
    program = shutil.which("cfn-lint", path=str(Path(sys.executable).parent))
    outcome = subprocess.run(
        [program, *(str(INFRA / f"{name}.yaml") for name in NAMES)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (outcome.returncode, outcome.stdout) == (0, "")


@pytest.mark.parametrize("name", NAMES)
def test_a_template_fits_a_request(name):
    assert (INFRA / f"{name}.yaml").stat().st_size <= TEMPLATE_BYTES


@pytest.mark.parametrize("name", NAMES)
def test_what_an_emulator_has_not_is_behind_a_condition(name):
    """Whatever needs TLS: the emulator is reached by http."""
    for found in of_type(template(name), "AWS::S3::BucketPolicy").values():
        assert found["Condition"] == "OnAws"


def test_every_size_is_a_parameter_with_a_default(pipeline, table):
    for source, names in ((pipeline, PIPELINE_SIZES), (table, TABLE_SIZES)):
        for name in names:
            assert "Default" in source["Parameters"][name]


def test_the_handlers_are_the_files_that_are_packed(pipeline):
    for function, file in (("Capture", CAPTURE), ("Transform", TRANSFORM), ("Load", LOAD)):
        handler = resource(pipeline, function)["Handler"]
        assert handler == f"{Path(file).stem}.lambda_handler"
    assert "boto3" not in LOAD_NEEDS


# --- private and encrypted ----------------------------------------------------------------------


@pytest.mark.parametrize("name", ["artifacts", "pipeline"])
def test_a_bucket_is_private_encrypted_and_kept(name):
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/security-best-practices.html"""
    source = template(name)
    buckets = of_type(source, "AWS::S3::Bucket")
    assert buckets
    for logical, found in buckets.items():
        properties = found["Properties"]
        assert set(properties["PublicAccessBlockConfiguration"].values()) == {True}
        assert properties["BucketEncryption"]
        assert properties["OwnershipControls"]["Rules"] == [
            {"ObjectOwnership": "BucketOwnerEnforced"}
        ]
        assert found["DeletionPolicy"] == "RetainExceptOnCreate"
        policy = resource(source, f"{logical}Policy")
        statements = policy["PolicyDocument"]["Statement"]
        assert [statement["Condition"] for statement in statements] == [
            {"Bool": {"aws:SecureTransport": "false"}},
            {"NumericLessThan": {"s3:TlsVersion": "1.2"}},
        ]
        for statement in statements:
            said = (statement["Effect"], statement["Principal"], statement["Action"])
            assert said == ("Deny", "*", "s3:*")
            assert [text(r) for r in statement["Resource"]] == [
                f"${{{logical}.Arn}}",
                f"${{{logical}.Arn}}/*",
            ]


def rules(source, bucket):
    found = resource(source, bucket)["LifecycleConfiguration"]["Rules"]
    return {
        rule["Id"]: (condition, rule)
        for condition, rule in (r["Fn::If"][:2] if "Fn::If" in r else ("", r) for r in found)
    }


def test_what_is_written_over_can_be_had_back_for_a_while(pipeline):
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/Versioning.html"""
    for source, bucket in ((pipeline, "Backup"), (template("artifacts"), "Artifacts")):
        assert resource(source, bucket)["VersioningConfiguration"] == {"Status": "Enabled"}
        condition, rule = rules(source, bucket)["older-versions"]
        assert condition == ""
        assert rule["NoncurrentVersionExpiration"]["NoncurrentDays"] in (
            30,
            {"Ref": "NoncurrentDays"},
        )


def test_nothing_in_the_raw_bucket_ever_expires(pipeline):
    """Not even below (errors)/: what is there has not been loaded."""
    assert set(rules(pipeline, "Raw")) == {"unfinished-uploads"}


def test_the_archive_is_kept_unless_it_is_asked_to_go(pipeline):
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html"""
    found = rules(pipeline, "Backup")
    assert set(found) == {"unfinished-uploads", "older-versions", "rarely-read", "forgotten"}
    condition, moved = found["rarely-read"]
    assert (condition, moved["Prefix"]) == ("HasInfrequent", "Processed/")
    assert moved["Transitions"] == [
        {"StorageClass": "STANDARD_IA", "TransitionInDays": {"Ref": "ArchiveInfrequentAfterDays"}}
    ]
    condition, forgotten = found["forgotten"]
    assert condition == "HasExpiry"
    assert forgotten["ExpirationInDays"] == {"Ref": "ArchiveExpiresAfterDays"}
    assert "Prefix" not in forgotten  # bodies and what was given up go with their lines
    for name in ("ArchiveInfrequentAfterDays", "ArchiveExpiresAfterDays"):
        assert pipeline["Parameters"][name]["Default"] == 0


def test_every_log_group_forgets(pipeline, table):
    for source in (pipeline, table):
        for found in of_type(source, "AWS::Logs::LogGroup").values():
            assert found["Properties"]["RetentionInDays"] == {"Ref": "LogRetentionDays"}


# --- queue --------------------------------------------------------------------------------------


def test_a_message_is_hidden_six_times_as_long_as_a_load_may_take(pipeline):
    """https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html"""
    window = pipeline["Parameters"]["LoadWindowSeconds"]
    assert window["MinValue"] >= 1  # else a batch has at most 10
    timeouts = pipeline["Parameters"]["LoadTimeoutSeconds"]["AllowedValues"]
    visibility = pipeline["Mappings"]["Visibility"]
    assert set(timeouts) == set(visibility)
    for timeout, found in visibility.items():
        assert found["Seconds"] >= 6 * int(timeout) + window["MaxValue"]


def test_a_message_is_received_at_least_five_times(pipeline):
    """Same page: throttled receives count."""
    redrive = resource(pipeline, "Objects")["RedrivePolicy"]
    assert redrive["maxReceiveCount"] >= 5
    assert redrive["deadLetterTargetArn"] == {"Fn::GetAtt": ["DeadLetters", "Arn"]}


def test_only_our_raw_bucket_may_send_and_is_made_after_that_is_allowed(pipeline):
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/grant-destinations-permissions-to-s3.html"""
    bucket, _only_tls = resource(pipeline, "ObjectsPolicy")["PolicyDocument"]["Statement"]
    assert bucket["Principal"] == {"Service": "s3.amazonaws.com"}
    assert bucket["Condition"] == {
        "ArnLike": {"aws:SourceArn": {"Fn::Sub": "arn:${AWS::Partition}:s3:::${RawBucket}"}},
        "StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}},
    }
    raw = pipeline["Resources"]["Raw"]
    assert raw["DependsOn"] == "ObjectsPolicy"
    assert raw["Properties"]["NotificationConfiguration"]["QueueConfigurations"] == [
        {"Event": "s3:ObjectCreated:*", "Queue": {"Fn::GetAtt": ["Objects", "Arn"]}}
    ]


def test_the_load_reports_what_failed_and_its_concurrency_is_bounded(pipeline):
    """https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html"""
    mapping = resource(pipeline, "LoadMapping")
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    condition, on_aws, _local = mapping["ScalingConfig"]["Fn::If"]
    assert condition == "OnAws"
    assert on_aws == {"MaximumConcurrency": {"Ref": "LoadConcurrency"}}
    assert pipeline["Parameters"]["LoadConcurrency"]["MinValue"] == 2
    assert pipeline["Parameters"]["LoadBatchSize"]["Default"] > 1


def test_the_sweep_may_wake_the_load(pipeline):
    """https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html"""
    rule = resource(pipeline, "Sweep")
    assert rule["ScheduleExpression"] == "rate(15 minutes)"
    assert [t["Arn"] for t in rule["Targets"]] == [{"Fn::GetAtt": ["Load", "Arn"]}]
    permission = resource(pipeline, "SweepPermission")
    assert permission["Principal"] == "events.amazonaws.com"
    assert permission["SourceArn"] == {"Fn::GetAtt": ["Sweep", "Arn"]}


# --- roles --------------------------------------------------------------------------------------


RAW = "arn:${AWS::Partition}:s3:::${RawBucket}"
BACKUP = "arn:${AWS::Partition}:s3:::${BackupBucket}"
STREAMS = "arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}:table/*/stream/*"
DELIVERY = "arn:${AWS::Partition}:firehose:${AWS::Region}:${AWS::AccountId}:deliverystream/"


def logs(group):
    """https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs.html"""
    arn = f"${{{group}.Arn}}"
    return {("logs:CreateLogStream", arn), ("logs:PutLogEvents", arn)}


def test_the_capture_may_read_streams_put_to_firehose_and_keep_what_is_given_up(pipeline):
    """https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html,
    https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html (the S3 destination),
    https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html (the bodies)
    """
    actions = ("DescribeStream", "GetRecords", "GetShardIterator", "ListStreams")
    assert allowed(pipeline, "CaptureRole") == {
        *((f"dynamodb:{action}", STREAMS) for action in actions),
        ("firehose:PutRecordBatch", DELIVERY + "${DeliveryStreamPrefix}*"),
        ("s3:PutObject", BACKUP + "/Oversize/*"),
        ("s3:PutObject", BACKUP + "/aws/lambda/*"),
        ("s3:ListBucket", BACKUP),
        *logs("CaptureLog"),
    }
    for sid in ("Oversize", "GivenUp", "GivenUpBucket"):
        assert statements(pipeline, "CaptureRole")[sid]["Condition"] == {
            "StringEquals": {"s3:ResourceAccount": {"Ref": "AWS::AccountId"}}
        }


def test_the_capture_puts_to_what_the_tables_of_its_project_have_tagged(pipeline, table):
    """https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonkinesisfirehose.html
    has aws:ResourceTag for a deliverystream, on which PutRecordBatch works.
    """
    condition = statements(pipeline, "CaptureRole")["DeliveryStreams"]["Condition"]["Fn::If"]
    project = {"Ref": "Project"}
    assert condition == [
        "OnAws",
        {"StringEquals": {"aws:ResourceTag/dynaurora:project": project}},
        {"Ref": "AWS::NoValue"},
    ]
    assert resource(table, "Delivery")["Tags"] == [{"Key": "dynaurora:project", "Value": project}]


def test_capture_and_load_are_told_the_same_backup_bucket(pipeline):
    for function in ("Capture", "Load"):
        variables = resource(pipeline, function)["Environment"]["Variables"]
        assert variables["DYNAURORA_BACKUP_BUCKET"] == {"Ref": "BackupBucket"}


def test_the_transform_may_only_log(pipeline):
    assert allowed(pipeline, "TransformRole") == logs("TransformLog")


def test_the_load_may_move_objects_read_its_queue_and_one_secret(pipeline):
    """https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html,
    https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html (404 needs ListBucket),
    https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html,
    https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html (aws/lambda/),
    https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/UsingWithRDS.IAMDBAuth.IAMPolicy.html
    """
    user = "arn:${AWS::Partition}:rds-db:${AWS::Region}:${AWS::AccountId}:dbuser:"
    user += "${DatabaseResourceId}/${DatabaseUser}"
    queue = ("DeleteMessage", "GetQueueAttributes", "ReceiveMessage")
    network = ("AssignPrivateIpAddresses", "CreateNetworkInterface", "DeleteNetworkInterface")
    network += ("DescribeNetworkInterfaces", "DescribeSubnets", "UnassignPrivateIpAddresses")
    assert allowed(pipeline, "LoadRole") == {
        ("s3:GetObject", RAW + "/*"),
        ("s3:DeleteObject", RAW + "/*"),
        ("s3:ListBucket", RAW),
        ("s3:ListBucket", BACKUP),
        ("s3:GetObject", BACKUP + "/Processed/*"),
        ("s3:PutObject", BACKUP + "/Processed/*"),
        ("s3:GetObject", BACKUP + "/aws/lambda/*"),
        ("s3:GetObject", BACKUP + "/Oversize/*"),
        *((f"sqs:{action}", "${Objects.Arn}") for action in queue),
        ("secretsmanager:GetSecretValue", "${DatabaseSecretArn}"),
        ("rds-db:connect", user),
        *((f"ec2:{action}", "*") for action in network),
        *logs("LoadLog"),
    }


def test_the_load_has_network_and_secret_only_where_they_are_given(pipeline):
    policy = resource(pipeline, "LoadRole")["Policies"][0]["PolicyDocument"]["Statement"]
    conditions = {s["Fn::If"][1]["Sid"]: s["Fn::If"][0] for s in policy if "Fn::If" in s}
    assert conditions == {
        "Secret": "HasSecret",
        "SignIn": "HasIam",
        "Network": "InVpc",
        "NetworkNotByTheCode": "InVpc",
    }
    condition, network, nothing = resource(pipeline, "Load")["VpcConfig"]["Fn::If"]
    assert condition == "InVpc"
    assert network == {
        "SubnetIds": {"Ref": "SubnetIds"},
        "SecurityGroupIds": {"Ref": "SecurityGroupIds"},
    }
    assert nothing == {"Ref": "AWS::NoValue"}
    denied = statements(pipeline, "LoadRole")["NetworkNotByTheCode"]
    assert denied["Effect"] == "Deny"
    assert denied["Action"] == statements(pipeline, "LoadRole")["Network"]["Action"]


def test_firehose_may_write_below_its_table_call_the_transform_and_log(table):
    """https://docs.aws.amazon.com/firehose/latest/dev/controlling-access.html#using-iam-s3"""
    objects = ("AbortMultipartUpload", "GetObject", "PutObject")
    bucket = ("GetBucketLocation", "ListBucket", "ListBucketMultipartUploads")
    prefixes = ("/${Table}/*", "/(errors)/${Table}/*")
    transform = ("lambda:InvokeFunction", "lambda:GetFunctionConfiguration")
    log = (
        "arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}"
        ":log-group:/aws/kinesisfirehose/${DeliveryStream}:log-stream:*"
    )
    assert allowed(table, "DeliveryRole") == {
        *((f"s3:{action}", RAW) for action in bucket),
        *((f"s3:{action}", RAW + prefix) for action in objects for prefix in prefixes),
        *((action, "${TransformArn}" + end) for action in transform for end in ("", ":*")),
        ("logs:PutLogEvents", log),
    }


@pytest.mark.parametrize(
    ("source", "role", "service"),
    [
        ("pipeline", "CaptureRole", "lambda"),
        ("pipeline", "TransformRole", "lambda"),
        ("pipeline", "LoadRole", "lambda"),
        ("table", "DeliveryRole", "firehose"),
    ],
)
def test_a_role_is_assumed_by_its_service_alone(source, role, service):
    """https://docs.aws.amazon.com/lambda/latest/dg/lambda-intro-execution-role.html"""
    (trust,) = resource(template(source), role)["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": f"{service}.amazonaws.com"}
    assert trust["Action"] == "sts:AssumeRole"


def test_firehose_assumes_its_role_for_its_own_stream_only(table):
    """https://docs.aws.amazon.com/firehose/latest/dev/cross-service-confused-deputy-prevention.html"""
    (trust,) = resource(table, "DeliveryRole")["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Condition"]["StringEquals"] == {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
    assert text(trust["Condition"]["ArnLike"]["aws:SourceArn"]) == DELIVERY + "${DeliveryStream}"


@pytest.mark.parametrize("name", NAMES)
def test_no_role_may_do_everything(name):
    source = template(name)
    for role in of_type(source, "AWS::IAM::Role"):
        assert not any("*" in action for action, _ in allowed(source, role))
        wide = {action for action, where in allowed(source, role) if where == "*"}
        assert all(action.startswith("ec2:") for action in wide)


# --- Firehose and the stream's mapping ------------------------------------------------------------


def test_firehose_writes_below_the_table_and_errors_beside_all_tables(table):
    """https://docs.aws.amazon.com/firehose/latest/dev/s3-prefixes.html"""
    target = resource(table, "Delivery")["ExtendedS3DestinationConfiguration"]
    assert text(target["Prefix"]) == "${Table}/!{timestamp:yyyy/MM/dd/HH}/"
    errors = text(target["ErrorOutputPrefix"])
    assert errors.startswith("(errors)/${Table}/")
    assert "!{firehose:error-output-type}" in errors
    assert target["CompressionFormat"] == "GZIP"


def test_firehose_gathers_for_seconds(table):
    """https://docs.aws.amazon.com/firehose/latest/dev/buffering-hints.html"""
    target = resource(table, "Delivery")["ExtendedS3DestinationConfiguration"]
    assert target["BufferingHints"]["IntervalInSeconds"] == {"Ref": "BufferSeconds"}
    assert table["Parameters"]["BufferSeconds"]["Default"] <= 10
    (processor,) = target["ProcessingConfiguration"]["Processors"]
    given = {p["ParameterName"]: p["ParameterValue"] for p in processor["Parameters"]}
    assert given == {
        "LambdaArn": {"Ref": "TransformArn"},
        "NumberOfRetries": "3",
        "BufferSizeInMBs": "1",
        "BufferIntervalInSeconds": {"Ref": "TransformBufferSeconds"},
    }


def test_firehose_logs_what_it_cannot_deliver(table):
    """https://docs.aws.amazon.com/firehose/latest/dev/monitoring-with-cloudwatch-logs.html"""
    target = resource(table, "Delivery")["ExtendedS3DestinationConfiguration"]
    assert target["CloudWatchLoggingOptions"] == {
        "Enabled": True,
        "LogGroupName": {"Ref": "DeliveryLog"},
        "LogStreamName": {"Ref": "DeliveryLogStream"},
    }


def test_the_streams_mapping_loses_nothing_and_is_not_blocked_for_ever(table):
    """https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-params.html,
    https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html
    """
    mapping = resource(table, "Mapping")
    assert mapping["StartingPosition"] == "TRIM_HORIZON"
    assert mapping["BisectBatchOnFunctionError"] is True
    assert 1 <= mapping["MaximumRetryAttempts"] <= 100
    assert 60 <= mapping["MaximumRecordAgeInSeconds"] <= 12 * 3600
    assert mapping["MaximumBatchingWindowInSeconds"] == 1
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert text(mapping["DestinationConfig"]["OnFailure"]["Destination"]) == BACKUP
    assert table["Resources"]["Mapping"]["DependsOn"] == "Delivery"


def test_a_former_stream_is_read_as_the_table_s_own_is():
    """But for its longer age, for it ends within a day, and for metrics, which nobody watches."""
    own, former = (resource(template("table"), name) for name in ("Mapping", "Former"))
    assert template("table")["Resources"]["Former"]["Condition"] == "ReadsBoth"
    assert former["EventSourceArn"] == {"Ref": "FormerStreamArn"}
    assert former["MaximumRecordAgeInSeconds"] == 24 * 3600
    apart = {"EventSourceArn", "MaximumRecordAgeInSeconds", "MetricsConfig"}
    assert {k: v for k, v in former.items() if k not in apart} == {
        k: v for k, v in own.items() if k not in apart
    }
