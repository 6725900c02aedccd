"""Whoever deploys with the policies of infra/deployer.yaml can, and without any of them cannot.

The emulator enforces what the commands call themselves. What CloudFormation does for them it does
not: that is held against what CloudFormation's own handlers ask for.
"""

import json
import re
from fnmatch import fnmatchcase
from pathlib import Path

import boto3
import cfnlint
import pytest

from dynaurora.deploy.deployment import deploy_project
from dynaurora.deploy.destroying import destroy_project
from dynaurora.deploy.dry_run import plan_project
from dynaurora.errors import DynauroraError
from support.permissions import DEPLOYS
from support.templates import deployed, every_statement, listed, of_type, template


@pytest.fixture
def policies(aws, project):
    with deployed(aws, "deployer", f"{project.name}-deployer", {"Project": project.name}) as deploy:
        yield deploy().outputs["Policies"].split(",")


@pytest.fixture
def person(aws, project, policies):
    """Somebody with these policies and no others; their clients."""
    iam, name = aws.client("iam"), f"{project.name}-person"
    iam.create_user(UserName=name)
    for arn in policies:
        iam.attach_user_policy(UserName=name, PolicyArn=arn)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    session = boto3.Session(
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
        region_name=aws.region,
    )
    return lambda service: session.client(service, endpoint_url=aws.endpoint_url)


@pytest.fixture
def forbid(aws, project):
    """Take an action from them."""

    def forbidden(action):
        deny = {"Effect": "Deny", "Action": action, "Resource": "*"}
        aws.client("iam").put_user_policy(
            UserName=f"{project.name}-person",
            PolicyName="without",
            PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [deny]}),
        )

    return forbidden


@pytest.fixture
def deploy(person, project, make_table, table_name):
    """Deploy as that person; what went wrong, as text."""
    make_table(table_name)

    def deployment():
        try:
            done = deploy_project(project, [table_name], confirm=lambda _: True, client=person)
        except DynauroraError as error:
            return str(error)
        return " ".join(str(table.error) for table in done.failures)

    return deployment


def test_who_has_the_policies_deploys_and_takes_away(deploy, person, project):
    assert deploy() == ""
    assert deploy() == ""
    destruction = destroy_project(project, client=person)
    assert project.name in " ".join(destruction.stacks)


@pytest.mark.parametrize("action", DEPLOYS["first"])
def test_without_one_of_them_the_first_deployment_says_which(deploy, forbid, action):
    forbid(action)
    assert_named(action, deploy())


@pytest.mark.parametrize("action", DEPLOYS["again"])
def test_without_one_of_them_the_second_deployment_says_which(deploy, forbid, action):
    assert deploy() == ""
    forbid(action)
    assert_named(action, deploy())


@pytest.mark.parametrize("action", DEPLOYS["dry"])
def test_without_one_of_them_a_dry_run_says_which(person, project, forbid, action):
    assert plan_project(project, [], client=person).has_changes
    forbid(action)
    with pytest.raises(DynauroraError) as caught:
        plan_project(project, [], client=person)
    assert_named(action, str(caught.value))


@pytest.mark.parametrize("action", DEPLOYS["away"])
def test_without_one_of_them_a_project_does_not_go_and_it_says_why(
    deploy, person, project, forbid, action
):
    assert deploy() == ""
    forbid(action)
    with pytest.raises(DynauroraError) as caught:
        destroy_project(project, client=person)
    assert_named(action, str(caught.value))


def assert_named(action, said):
    """S3 calls a permission otherwise than its operation, and a HEAD says nothing of either."""
    called = {
        "s3:GetObject": "HeadObject",
        "s3:ListBucketMultipartUploads": "ListMultipartUploads",
        "s3:ListBucketVersions": "ListObjectVersions",
    }
    operation = called.get(action, action.partition(":")[2])
    assert operation in said
    assert re.search("[Gg]rant", said)


# --- what CloudFormation does for them -----------------------------------------------------------


def asked_by_handlers():
    """The actions that CloudFormation's handlers of our resources ask for, by resource type."""
    ours = {
        resource["Type"]
        for name in ("artifacts", "pipeline", "table", "alarms")
        for resource in template(name)["Resources"].values()
    }
    found = {}
    for path in (Path(cfnlint.__file__).parent / "data/schemas/resources").glob("*.json"):
        schema = json.loads(path.read_text())
        if schema["typeName"] in ours:
            handlers = schema.get("handlers", {})
            found.setdefault(schema["typeName"], set()).update(
                action
                for kind in ("create", "read", "update", "delete")
                for action in handlers.get(kind, {}).get("permissions", ())
            )
    assert set(found) == ours
    return found


def granted():
    return {
        action for _, s in every_statement(template("deployer")) for action in listed(s["Action"])
    }


UNUSED = re.compile(
    """
    s3tables:.* | s3files:.* | elasticfilesystem:.*           # not used
    | s3:.*(Analytics|CORS|Cors|Inventory|Metrics|Replication|Website|Accelerate|Acl|Abac
        |ObjectLock|IntelligentTiering|Metadata).*            # features that no bucket of ours has
    | s3:(DeleteObject|DeleteBucket|DeleteBucketEncryption|DeleteBucketLifecycle) # buckets stay
    | s3:REST.PUT.OBJECT | logs:CreateLogDelivery | logs:.*(DataProtection|Index|Resource)Polic.*
    | logs:Put(BearerTokenAuthentication|LogGroupDeletionProtection)
    | iam:(Attach|Detach)RolePolicy | iam:.*PermissionsBoundary | iam:.*(User|Group)Policy
    | lambda:(Put|Delete)FunctionConcurrency | lambda:.*(CodeSigning|Recursion|Scaling)Config
    | lambda:(Put|Get)RuntimeManagementConfig | lambda:GetLayerVersion | lambda:PublishVersion
    | lambda:(PassCapacityProvider|AssociateRuntimeAlias)
    | sns:(Put|Get)DataProtectionPolicy
    """,
    re.VERBOSE,
)
"""For what our resources do not have."""


def test_cloudformation_may_do_what_its_handlers_of_our_resources_ask_for():
    """https://docs.aws.amazon.com/cloudformation-cli/latest/userguide/resource-type-schema.html"""
    patterns = granted()
    missed = {
        (kind, action)
        for kind, actions in asked_by_handlers().items()
        for action in actions
        if not UNUSED.fullmatch(action)
        and not any(fnmatchcase(action, pattern) for pattern in patterns)
    }
    assert missed == set()


def test_cloudformation_may_do_nothing_that_no_handler_asks_for():
    asked = {action for actions in asked_by_handlers().values() for action in actions}
    for _policy, statement in every_statement(template("deployer")):
        if "ForAnyValue:StringEquals" in statement.get("Condition", {}):
            for action in listed(statement["Action"]):
                assert any(fnmatchcase(one, action) for one in asked), action


def test_what_cloudformation_does_is_done_through_it_alone():
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html"""
    for policy, statement in every_statement(template("deployer")):
        if policy not in ("Commands", "SecretPolicy", "DataPolicy"):
            condition = statement["Condition"]
            through = {"aws:CalledVia": "cloudformation.amazonaws.com"}
            passed = {
                "StringEquals": {
                    "iam:PassedToService": ["firehose.amazonaws.com", "lambda.amazonaws.com"]
                }
            }
            assert condition.get("ForAnyValue:StringEquals") == through or condition == passed


def test_each_policy_fits():
    """6,144 characters without spaces: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html"""
    for name, policy in of_type(template("deployer"), "AWS::IAM::ManagedPolicy").items():
        text = json.dumps(policy["Properties"]["PolicyDocument"], separators=(",", ":"))
        assert len(text) < 6_144, name
