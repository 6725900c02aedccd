"""Whoever deploys with the policies of infra/deployer.yaml can, and without any of them cannot.

The emulator enforces what the commands call themselves. What CloudFormation does for them it does
not: that is held against what CloudFormation's own handlers ask for.
"""

import dataclasses
import json
import re
from fnmatch import fnmatchcase
from pathlib import Path

import boto3
import cfnlint
import pytest

from dynaurora.deploy.deployment import deploy_project
from dynaurora.deploy.destroying import destroy_project
from dynaurora.deploy.doctor import account
from dynaurora.deploy.dry_run import plan_project
from dynaurora.deploy.own import Own
from dynaurora.errors import DynauroraError
from support.permissions import DEPLOYS
from support.templates import (
    deployed,
    every_statement,
    listed,
    of_type,
    resource,
    shortened,
    template,
    text,
)

OWN = {"MakesNetwork": "true", "MakesCluster": "true", "MayDeleteData": "true"}
"""What an administrator says of a project with a network and a cluster of its own."""


@pytest.fixture
def options():
    """What an administrator says beside the project's name."""
    return {}


@pytest.fixture
def policies(aws, project, options):
    given = {"Project": project.name, **options}
    with deployed(aws, "deployer", f"{project.name}-deployer", given) as deploy:
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


def test_a_role_that_is_assumed_has_the_policies_and_no_others(aws, project):
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use.html"""
    name = f"deployers-of-{project.name}"
    person = aws.client("iam").create_user(UserName=f"{project.name}-ci")["User"]["Arn"]
    given = {"Project": project.name, "AssumedBy": person, "MayDeleteData": "true"}
    with deployed(aws, "deployer", name, given) as deploy:
        outputs = deploy().outputs
        role = outputs["Role"].rpartition("/")[2]
        iam = aws.client("iam")
        attached = iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]
        trust = iam.get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"]["Statement"]
    assert {each["PolicyArn"] for each in attached} == set(outputs["Policies"].split(","))
    assert [(one["Action"], one["Principal"]) for one in trust] == [
        ("sts:AssumeRole", {"AWS": person})
    ]
    assert not role.startswith(f"{project.name}-"), "it would be a role that it may change"


@pytest.mark.parametrize("action", DEPLOYS["first"])
def test_without_one_of_them_the_first_deployment_says_which(deploy, forbid, action):
    forbid(action)
    assert_named(action, deploy())


@pytest.mark.parametrize("action", DEPLOYS["again"])
def test_without_one_of_them_the_second_deployment_says_which(deploy, forbid, action):
    assert deploy() == ""
    forbid(action)
    assert_named(action, deploy())


@pytest.mark.parametrize("action", DEPLOYS["renewed"])
def test_without_one_of_them_a_stream_that_was_off_says_which(
    deploy, forbid, aws, table_name, action
):
    assert deploy() == ""
    aws.client("dynamodb").update_table(
        TableName=table_name, StreamSpecification={"StreamEnabled": False}
    )
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


@pytest.fixture
def own(project):
    """The project with a network and a cluster of its own."""
    url = "postgresql://dynaurora_load@/app"
    return dataclasses.replace(
        project,
        own=Own(network={}, aurora={}),
        database=dataclasses.replace(project.database, url=url, is_iam=True),
    )


@pytest.fixture
def deploy_own(person, own):
    return lambda: deploy_project(own, [], confirm=lambda _: True, client=person)


@pytest.mark.parametrize("options", [OWN])
def test_with_their_policies_a_network_and_a_cluster_are_made_and_go(deploy_own, person, own):
    parts = {stack.name.removeprefix(f"{own.name}-") for stack in deploy_own().shared}
    assert {"network", "aurora"} <= parts
    gone = destroy_project(own, deletes_data=True, client=person)
    assert {f"{own.name}-network", f"{own.name}-aurora"} <= set(gone.stacks)


@pytest.mark.parametrize("options", [OWN])
@pytest.mark.parametrize("action", DEPLOYS["network"])
def test_without_one_of_them_a_first_network_says_which(deploy_own, forbid, action):
    forbid(action)
    with pytest.raises(DynauroraError) as caught:
        deploy_own()
    assert_named(action, str(caught.value))


@pytest.mark.parametrize("options", [OWN])
@pytest.mark.parametrize("action", DEPLOYS["cluster away"])
def test_without_one_of_them_a_cluster_does_not_go_and_it_says_why(
    deploy_own, person, own, forbid, action
):
    deploy_own()
    forbid(action)
    with pytest.raises(DynauroraError) as caught:
        destroy_project(own, deletes_data=True, client=person)
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


KINDS = ("create", "read", "update", "delete")
PARTS = ("artifacts", "network", "aurora", "pipeline", "table", "alarms")


def asked_by_handlers(*kinds, of=PARTS):
    """The actions that CloudFormation's handlers of our resources ask for, by resource type."""
    ours = {resource["Type"] for name in of for resource in template(name)["Resources"].values()}
    found = {}
    for path in (Path(cfnlint.__file__).parent / "data/schemas/resources").glob("*.json"):
        schema = json.loads(path.read_text())
        if schema["typeName"] in ours:
            handlers = schema.get("handlers", {})
            found.setdefault(schema["typeName"], set()).update(
                action
                for kind in kinds or KINDS
                for action in handlers.get(kind, {}).get("permissions", ())
            )
    assert set(found) == ours
    return found


def granting():
    """The statements of the policies that whoever deploys gets."""
    return [(n, s) for n, s in every_statement(template("deployer")) if n != "Boundary"]


def granted():
    return {action for _, s in granting() for action in listed(s["Action"])}


UNUSED = re.compile(
    """
    s3tables:.* | s3files:.* | elasticfilesystem:.*           # not used
    | s3:.*(Analytics|CORS|Cors|Inventory|Metrics|Replication|Website|Accelerate|Acl|Abac
        |ObjectLock|IntelligentTiering|Metadata).*            # features that no bucket of ours has
    | s3:(DeleteObject|DeleteBucket|DeleteBucketEncryption|DeleteBucketLifecycle) # buckets stay
    | s3:REST.PUT.OBJECT | logs:CreateLogDelivery | logs:.*(DataProtection|Index|Resource)Polic.*
    | logs:Put(BearerTokenAuthentication|LogGroupDeletionProtection)
    | iam:(Attach|Detach)RolePolicy | iam:DeleteRolePermissionsBoundary | iam:.*(User|Group)Policy
    | lambda:(Put|Delete)FunctionConcurrency | lambda:.*(CodeSigning|Recursion|Scaling)Config
    | lambda:(Put|Get)RuntimeManagementConfig | lambda:GetLayerVersion | lambda:PublishVersion
    | lambda:(PassCapacityProvider|AssociateRuntimeAlias)
    | sns:(Put|Get)DataProtectionPolicy
    | vpc-lattice:.* | vpce:.* | autoscaling:.* | logs:DeleteLogDelivery
    | ec2:(Attach|Detach)VpnGateway | ec2:.*SubnetCidrBlock | ec2:CreateVpcEncryptionControl
    | ec2:ModifyVpcTenancy | ec2:(Assign|Unassign|Associate|Disassociate).*Address
    | ec2:AcceptAddressTransfer
    | rds:(Add|Remove)Role.* | rds:.*HttpEndpoint | rds:Restore.* | rds:.*ReadReplica
    | rds:(Start|Stop)DBInstanceAutomatedBackupsReplication | rds:RemoveFromGlobalCluster
    | rds:CreateDBSnapshot                                    # of an instance: it holds no data
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
    for _policy, statement in granting():
        if "ForAnyValue:StringEquals" in statement.get("Condition", {}):
            for action in listed(statement["Action"]):
                assert any(fnmatchcase(one, action) for one in {*asked, *UNTOLD}), action


UNTOLD = {"route53:AssociateVPCWithHostedZone"}
"""What EC2 asks for an endpoint with a private name; the handler's schema does not tell."""


CALLED = {
    ("NetworkPolicy", "DefaultGroup"),
    ("ClusterPolicy", "Administrator"),
    ("KeyPolicy", "Secrets"),
}
"""What the commands call themselves, beside the policies that hold nothing else."""


def is_bound_to_a_service(statement):
    """A role is handed over, or made, and the statement says for whom."""
    (services,) = statement["Condition"]["StringEquals"].items()
    key = {"iam:PassRole": "iam:PassedToService"}.get(statement["Action"], "iam:AWSServiceName")
    return services[0] == key


def test_what_cloudformation_does_is_done_through_it_alone():
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html"""
    for policy, statement in granting():
        is_called = policy in ("Commands", "SecretPolicy", "DataPolicy")
        if is_called or (policy, statement["Sid"]) in CALLED:
            continue
        through = statement["Condition"].get("ForAnyValue:StringEquals")
        assert through == {
            "aws:CalledVia": "cloudformation.amazonaws.com"
        } or is_bound_to_a_service(statement), (policy, statement["Sid"])


def test_a_role_is_handed_to_the_services_of_its_template_alone():
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html"""
    assert {
        policy: statement["Condition"]["StringEquals"]["iam:PassedToService"]
        for policy, statement in granting()
        if statement["Action"] == "iam:PassRole"
    } == {
        "Compute": ["firehose.amazonaws.com", "lambda.amazonaws.com"],
        "NetworkPolicy": "vpc-flow-logs.amazonaws.com",
        "ClusterPolicy": "monitoring.rds.amazonaws.com",
    }


# --- roles --------------------------------------------------------------------------------------


def test_where_roles_are_bounded_none_is_made_or_widened_without_the_boundary():
    """https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsidentityandaccessmanagement.html
    has iam:PermissionsBoundary for these three.
    """
    within = {"iam:PermissionsBoundary": {"Ref": "Boundary"}}
    ways = {"iam:CreateRole", "iam:PutRolePolicy", "iam:PutRolePermissionsBoundary"}
    found = {}
    for _, statement in granting():
        for action in ways & set(listed(statement["Action"])):
            found[action] = statement["Condition"]["StringEquals"]
    nothing = {"Ref": "AWS::NoValue"}
    assert found == {
        "iam:CreateRole": {"Fn::If": ["Bounded", within, nothing]},
        "iam:PutRolePolicy": {"Fn::If": ["Bounded", within, nothing]},
        "iam:PutRolePermissionsBoundary": {
            "iam:PermissionsBoundary": {"Fn::If": ["Bounded", {"Ref": "Boundary"}, "none"]}
        },
    }


def test_nobody_who_deploys_takes_the_boundary_away_or_changes_it():
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html"""
    of_iam = {action for action in granted() if action.startswith("iam:")}
    assert {action for action in of_iam if "Polic" in action or "Boundary" in action} == {
        *("iam:DeleteRolePolicy", "iam:GetRolePolicy", "iam:PutRolePolicy"),
        *("iam:ListAttachedRolePolicies", "iam:ListRolePolicies"),
        *("iam:PutRolePermissionsBoundary", "iam:UpdateAssumeRolePolicy"),
    }


# --- a network and a cluster of the project's own ------------------------------------------------


@pytest.mark.parametrize(
    ("policy", "condition"), [("NetworkPolicy", "OwnNetwork"), ("ClusterPolicy", "OwnCluster")]
)
def test_what_makes_them_is_granted_only_where_it_is_asked_for(policy, condition):
    source = template("deployer")
    assert source["Resources"][policy]["Condition"] == condition
    for name in ("MakesNetwork", "MakesCluster"):
        assert source["Parameters"][name]["Default"] == "false"


def statement_of(policy, sid):
    (found,) = [s for name, s in granting() if (name, s["Sid"]) == (policy, sid)]
    return found


def test_what_carries_a_name_in_the_network_carries_the_projects():
    """So that no other network of the account is changed.

    https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html
    """
    ours = [{"Ref": "Project"}, {"Fn::Sub": "${Project}-*"}]
    parts = statement_of("NetworkPolicy", "Parts")
    assert parts["Condition"]["StringLikeIfExists"] == {
        "aws:RequestTag/Name": ours,
        "aws:ResourceTag/Name": ours,
    }
    for found in template("network")["Resources"].values():
        for tag in found["Properties"].get("Tags", ()):
            assert tag["Key"] == "Name"
            assert re.fullmatch(r"\$\{Project\}(-[a-z-]+)?", text(tag["Value"]))


def test_no_other_group_is_opened():
    """A group of ours has its name before somebody is let in."""
    condition = statement_of("NetworkPolicy", "LetsIn")["Condition"]
    assert condition["StringLike"] == {"aws:ResourceTag/Name": {"Fn::Sub": "${Project}-*"}}
    for _, statement in granting():
        if statement["Sid"] != "LetsIn":
            assert "ec2:AuthorizeSecurityGroupIngress" not in listed(statement["Action"])
    for group in of_type(template("network"), "AWS::EC2::SecurityGroup").values():
        assert "SecurityGroupIngress" not in group["Properties"]
        assert group["Properties"]["Tags"][0]["Key"] == "Name"


def test_of_rds_the_projects_own_names_alone_are_changed():
    """https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonrds.html"""
    source = template("aurora")
    assert {shortened(text(r)) for r in statement_of("ClusterPolicy", "Cluster")["Resource"]} == {
        "rds:cluster:${Project}-aurora",
        "rds:cluster-pg:${Project}-aurora-*",
        "rds:cluster-snapshot:${Project}-aurora-*",
        "rds:db:${Project}-aurora-*",
        "rds:subgrp:${Project}-aurora",
    }
    assert text(resource(source, "Cluster")["DBClusterIdentifier"]) == "${Project}-aurora"
    assert text(resource(source, "Subnets")["DBSubnetGroupName"]) == "${Project}-aurora"
    for instance in of_type(source, "AWS::RDS::DBInstance").values():
        name = text(instance["Properties"]["DBInstanceIdentifier"])
        assert name.startswith("${Project}-aurora-")
    assert "DBClusterParameterGroupName" not in resource(source, "Parameters")


def test_the_administrators_secret_is_read_of_the_projects_own_cluster_alone():
    """RDS tags it: https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AmazonRDSServiceRolePolicy.html"""
    condition, on_aws, _ = statement_of("ClusterPolicy", "Administrator")["Condition"]["Fn::If"]
    assert condition == "OnAws"
    ((tag, cluster),) = on_aws["StringEquals"].items()
    assert tag == "aws:ResourceTag/aws:rds:primaryDBClusterArn"
    assert text(cluster) == text(template("aurora")["Outputs"]["ClusterArn"]["Value"])


def test_rds_gets_its_own_role_and_no_other():
    """https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/UsingWithRDS.IAM.ServiceLinkedRoles.html"""
    found = statement_of("ClusterPolicy", "ServiceRole")
    assert found["Condition"] == {"StringEquals": {"iam:AWSServiceName": "rds.amazonaws.com"}}
    assert text(found["Resource"]).endswith("/rds.amazonaws.com/AWSServiceRoleForRDS")


# --- doctor -------------------------------------------------------------------------------------


def granted_with(*conditions):
    """The actions of the policies that are there without a condition, and with one of these."""
    source = template("deployer")["Resources"]
    return {
        action
        for policy, statement in granting()
        if source[policy].get("Condition", "") in ("", *conditions)
        for action in listed(statement["Action"])
    }


@pytest.mark.parametrize(
    ("asked", "conditions"),
    [
        (account.NEEDED, ()),
        (account.FOR_ALARMS, ()),
        (account.FOR_A_TOPIC, ("OwnTopic",)),
        (account.FOR_A_SECRET, ("HasSecret",)),
        (account.FOR_A_NETWORK, ("OwnNetwork",)),
        (account.FOR_NAT, ("OwnNetwork",)),
        (account.FOR_FLOW_LOGS, ("OwnNetwork",)),
        (account.FOR_A_CLUSTER, ("OwnCluster",)),
        (account.FOR_A_BOUNDARY, ()),
    ],
)
def test_what_doctor_asks_for_whoever_has_the_policies_may(asked, conditions):
    assert set(asked) - granted_with(*conditions) == set()


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("network", {*account.FOR_A_NETWORK, *account.FOR_NAT, *account.FOR_FLOW_LOGS}),
        ("aurora", {*account.FOR_A_CLUSTER}),
    ],
)
def test_doctor_asks_for_what_makes_a_network_or_a_cluster(name, asked):
    """But for what a handler only looks at, or does to what is there already."""
    later = re.compile(
        r"\w+:(Describe|Get|List|Delete|Detach|Replace|Remove|Reboot|Untag).*"
        r"|iam:(PutRolePermissionsBoundary|TagRole) | kms:CreateGrant | logs:(Put|Tag).*"
        r"|s3:.* | firehose:.*",
        re.VERBOSE,
    )
    # A flow log asks for it where it goes to Firehose; ours does not.
    elsewhere = "iam:CreateServiceLinkedRole" if name == "network" else ""
    of_handlers = {
        action for actions in asked_by_handlers("create", of=(name,)).values() for action in actions
    }
    missed = {
        action
        for action in of_handlers - {*account.NEEDED, *asked, elsewhere}
        if not UNUSED.fullmatch(action) and not later.fullmatch(action)
    }
    assert missed == set()


# --- sizes --------------------------------------------------------------------------------------


def test_a_role_takes_all_policies_at_once():
    """Ten by default: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html"""
    (_, names) = template("deployer")["Outputs"]["Policies"]["Value"]["Fn::Join"]
    assert len(names) <= 10


def test_each_policy_fits():
    """6,144 characters without spaces: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html"""
    for name, policy in of_type(template("deployer"), "AWS::IAM::ManagedPolicy").items():
        text = json.dumps(policy["Properties"]["PolicyDocument"], separators=(",", ":"))
        assert len(text) < 6_144, name
