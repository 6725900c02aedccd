"""What a reviewer of the templates asks first: what is skipped and why, and what a key covers."""

import re
from itertools import count

import pytest

from support.templates import INFRA, deployed, of_type, resource, template, text

TEMPLATES = sorted(INFRA.glob("*.yaml"))
SKIPPED = re.compile(r"checkov:skip=(\w*)(.*)")
_numbers = count(1)


@pytest.fixture(scope="module")
def pipeline():
    return template("pipeline")


@pytest.fixture(scope="module")
def table():
    return template("table")


def with_key(value):
    condition, with_one, without = value["Fn::If"]
    assert condition == "HasKey"
    return with_one, without


KEY, NOTHING = {"Ref": "KmsKeyArn"}, {"Ref": "AWS::NoValue"}


# --- checkov ------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)
def test_what_checkov_is_to_skip_has_its_reason_in_a_sentence(path):
    for check, reason in SKIPPED.findall(path.read_text()):
        assert re.fullmatch(r"CKV2?_AWS_\d+", check)
        assert re.fullmatch(r": [A-Z].{15,}\.", reason), f"{check} is skipped without a reason"


def test_nothing_is_skipped_but_beside_its_resource():
    """Neither for all templates at once, nor in metadata, where no sentence is asked for."""
    assert "--skip-check" not in (INFRA.parent / "Makefile").read_text()
    assert not list(INFRA.parent.glob(".checkov.y*ml"))
    for path in TEMPLATES:
        assert not re.search(r"^\s+(checkov|cfn-lint|cfn_nag):", path.read_text(), re.MULTILINE)


# --- a key of one's own -------------------------------------------------------------------------


def test_what_lies_still_is_encrypted_with_the_key_where_one_is_given(pipeline, table):
    for bucket in of_type(pipeline, "AWS::S3::Bucket").values():
        (rule,) = bucket["Properties"]["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        assert with_key(rule["ServerSideEncryptionByDefault"]) == (
            {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": KEY},
            {"SSEAlgorithm": "AES256"},
        )
        assert with_key(rule["BucketKeyEnabled"]) == (True, False)
    for queue in of_type(pipeline, "AWS::SQS::Queue").values():
        assert with_key(queue["Properties"]["KmsMasterKeyId"]) == (KEY, NOTHING)
        assert with_key(queue["Properties"]["SqsManagedSseEnabled"]) == (False, True)
    for source in (pipeline, table, template("aurora")):
        for log in of_type(source, "AWS::Logs::LogGroup").values():
            assert with_key(log["Properties"]["KmsKeyId"]) == (KEY, NOTHING)
    for function in of_type(pipeline, "AWS::Lambda::Function").values():
        assert with_key(function["Properties"]["KmsKeyArn"]) == (KEY, NOTHING)
    assert with_key(resource(table, "Delivery")["DeliveryStreamEncryptionConfigurationInput"]) == (
        {"KeyType": "CUSTOMER_MANAGED_CMK", "KeyARN": KEY},
        {"KeyType": "AWS_OWNED_CMK"},
    )


def test_access_to_every_bucket_is_written_down_where_a_bucket_is_named(pipeline):
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerLogs.html"""
    for source in (pipeline, template("artifacts")):
        for bucket in of_type(source, "AWS::S3::Bucket").values():
            name = bucket["Properties"]["BucketName"]["Ref"]
            assert bucket["Properties"]["LoggingConfiguration"]["Fn::If"] == [
                "HasAccessLogs",
                {
                    "DestinationBucketName": {"Ref": "AccessLogBucket"},
                    "LogFilePrefix": {"Fn::Sub": f"${{{name}}}/"},
                },
                NOTHING,
            ]


def test_the_key_is_kept_and_turns():
    key = template("key")["Resources"]["Key"]
    assert (key["DeletionPolicy"], key["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain")
    assert key["Properties"]["EnableKeyRotation"] is True


def test_a_service_uses_the_key_for_this_project_alone():
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/grant-destinations-permissions-to-s3.html,
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html
    """
    statements = resource(template("key"), "Key")["KeyPolicy"]["Statement"]
    account, bucket, logs = (statement.get("Condition") for statement in statements)
    assert account is None
    assert list(statements[0]["Principal"]) == ["AWS"]
    assert text(bucket["ArnLike"]["aws:SourceArn"]).endswith(
        ":${Project}-raw-${AWS::AccountId}-${AWS::Region}"
    )
    assert bucket["StringEquals"] == {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
    groups = [text(arn) for arn in logs["ArnLike"]["kms:EncryptionContext:aws:logs:arn"]]
    prefix = "arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:log-group:"
    assert [group.removeprefix(prefix) for group in groups] == [
        "/aws/lambda/${Project}-*",
        "/aws/kinesisfirehose/*",
        "/aws/rds/cluster/${Project}-aurora/*",
    ]


def test_the_key_comes_up(aws):
    with deployed(aws, "key", f"of-a-key-{next(_numbers)}", {"Project": "of-a-key"}) as deploy:
        arn = deploy().outputs["KeyArn"]
        kms = aws.client("kms")
        assert kms.get_key_rotation_status(KeyId=arn)["KeyRotationEnabled"]
        (alias,) = kms.list_aliases(KeyId=arn)["Aliases"]
        assert alias["AliasName"] == "alias/of-a-key"
