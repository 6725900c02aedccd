"""Who we are in AWS, and what we may do there."""

from collections.abc import Callable, Iterator
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from dynaurora.adapters.aws import error_code
from dynaurora.deploy.doctor.findings import Finding, Patient, good, problem, unknown
from dynaurora.deploy.project import Project
from dynaurora.model.names import stack_name

NEEDED: Final = (
    "cloudformation:CreateChangeSet",
    "cloudformation:DeleteChangeSet",
    "cloudformation:DescribeChangeSet",
    "cloudformation:DescribeStackEvents",
    "cloudformation:DescribeStacks",
    "cloudformation:ExecuteChangeSet",
    "cloudformation:GetTemplate",
    "cloudformation:ListStacks",
    "dynamodb:DescribeStream",
    "dynamodb:DescribeTable",
    "dynamodb:UpdateTable",
    "events:PutRule",
    "events:PutTargets",
    "firehose:CreateDeliveryStream",
    "iam:CreateRole",
    "iam:PassRole",
    "iam:PutRolePolicy",
    "lambda:AddPermission",
    "lambda:CreateEventSourceMapping",
    "lambda:CreateFunction",
    "lambda:GetEventSourceMapping",
    "lambda:InvokeFunction",
    "lambda:UpdateEventSourceMapping",
    "lambda:UpdateFunctionCode",
    "logs:CreateLogGroup",
    "s3:CreateBucket",
    "s3:GetObject",
    "s3:ListBucket",
    "s3:PutBucketNotification",
    "s3:PutObject",
    "sqs:CreateQueue",
    "sqs:GetQueueAttributes",
)
"""What deploy, status and the commands call, themselves or through CloudFormation.

infra/deployer.yaml grants these and those below. sts:GetCallerIdentity needs no permission.
"""

FOR_ALARMS: Final = ("cloudwatch:PutDashboard", "cloudwatch:PutMetricAlarm")
FOR_A_TOPIC: Final = ("kms:CreateKey", "sns:CreateTopic")
FOR_A_NETWORK: Final = (
    "ec2:AssociateRouteTable",
    "ec2:AuthorizeSecurityGroupEgress",
    "ec2:AuthorizeSecurityGroupIngress",
    "ec2:CreateRouteTable",
    "ec2:CreateSecurityGroup",
    "ec2:CreateSubnet",
    "ec2:CreateTags",
    "ec2:CreateVpc",
    "ec2:CreateVpcEndpoint",
    "ec2:DescribeAvailabilityZones",
    "ec2:DescribeManagedPrefixLists",
    "ec2:DescribeSecurityGroups",
    "ec2:ModifySubnetAttribute",
    "ec2:ModifyVpcAttribute",
    "ec2:RevokeSecurityGroupEgress",
    "ec2:RevokeSecurityGroupIngress",
)
FOR_NAT: Final = (
    "ec2:AllocateAddress",
    "ec2:AttachInternetGateway",
    "ec2:CreateInternetGateway",
    "ec2:CreateNatGateway",
    "ec2:CreateRoute",
)
FOR_FLOW_LOGS: Final = ("ec2:CreateFlowLogs",)
FOR_A_CLUSTER: Final = (
    "iam:CreateServiceLinkedRole",
    "kms:DescribeKey",
    "rds:AddTagsToResource",
    "rds:CreateDBCluster",
    "rds:CreateDBClusterParameterGroup",
    "rds:CreateDBInstance",
    "rds:CreateDBSubnetGroup",
    "rds:ModifyDBCluster",
    "rds:ModifyDBClusterParameterGroup",
    "rds:ModifyDBInstance",
    "secretsmanager:CreateSecret",
    "secretsmanager:GetSecretValue",
    "secretsmanager:TagResource",
)
FOR_A_SECRET: Final = ("secretsmanager:GetSecretValue",)
FOR_A_BOUNDARY: Final = ("iam:PutRolePermissionsBoundary",)

_AT_ONCE: Final = 50
_BY_NOBODY: Final = "implicitDeny"
_THROUGH_CLOUDFORMATION: Final = {
    "ContextKeyName": "aws:CalledVia",
    "ContextKeyValues": ["cloudformation.amazonaws.com"],
    "ContextKeyType": "stringList",
}
_DENIED: Final = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"})


def identity(patient: Patient) -> Iterator[Finding]:
    """The account and the Region that would be deployed to."""
    yield good(f"account {patient.account} in {patient.region}", f"we are {patient.arn}")


def permissions(patient: Patient) -> Iterator[Finding]:
    """Asked of IAM where that is allowed, otherwise tried with calls that change nothing.

    https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
    """
    try:
        decisions = _simulated(patient)
    except (BotoCoreError, ClientError) as error:
        yield from _tried(patient, error)
        return
    granted = [action for action, decision in decisions.items() if decision == "allowed"]
    open_ = sorted(action for action, decision in decisions.items() if decision == _BY_NOBODY)
    for action in sorted(decisions.keys() - {*granted, *open_}):
        yield problem(f"permission {action}", "is denied", "Grant it to whoever deploys.")
    if open_:
        yield unknown(
            "permissions",
            f"not granted on everything, and perhaps on what this project needs: "
            f"{', '.join(open_)}",
            "infra/deployer.yaml grants them (docs/security.md, Who deploys).",
        )
    if len(granted) == len(decisions):
        yield good("permissions", f"{len(granted)} of {len(granted)} are granted")


def needed(project: Project) -> list[str]:
    """The permissions that this project takes."""
    alarms, own, database = project.alarms, project.own, project.database
    of_network = own.network or {}
    return [
        *NEEDED,
        *(FOR_ALARMS if alarms.are_on else ()),
        *(FOR_A_TOPIC if alarms.are_on and not alarms.topic else ()),
        *(FOR_A_NETWORK if own.network is not None else ()),
        *(FOR_NAT if of_network.get("Nat") == "true" else ()),
        *(FOR_FLOW_LOGS if of_network.get("FlowLogs") == "true" else ()),
        *(FOR_A_CLUSTER if own.aurora is not None else ()),
        *(FOR_A_SECRET if database.secret_arn and not project.is_private else ()),
        *(FOR_A_BOUNDARY if project.security.boundary else ()),
    ]


def _simulated(patient: Patient) -> dict[str, str]:
    """What IAM decides of each, asked for everything, through CloudFormation.

    A policy that names resources, as ours do, does not say yes to everything.
    """
    if patient.arn.endswith(":root"):  # who may do all
        return dict.fromkeys(needed(patient.project), "allowed")
    iam = patient.client("iam")
    pages = iam.get_paginator("simulate_principal_policy").paginate(
        PolicySourceArn=_principal(iam, patient.arn),
        ActionNames=needed(patient.project),
        ContextEntries=[_THROUGH_CLOUDFORMATION],
        PaginationConfig={"PageSize": _AT_ONCE},
    )
    results = [result for page in pages for result in page["EvaluationResults"]]
    return {each["EvalActionName"]: each["EvalDecision"] for each in results}


def _principal(iam: Any, arn: str) -> str:
    """Of a session, the role: its ARN has a path that the session's has lost."""
    if ":assumed-role/" not in arn:
        return arn
    return str(iam.get_role(RoleName=arn.split("/")[1])["Role"]["Arn"])


def _tried(patient: Patient, error: Exception) -> Iterator[Finding]:
    yield unknown(
        "permissions",
        f"IAM does not tell what we may do ({error}); tried what changes nothing",
        "For all of them, grant iam:SimulatePrincipalPolicy and iam:GetRole.",
    )
    for action, call in _harmless(patient).items():
        try:
            call()
        except ClientError as refused:
            if error_code(refused) in _DENIED:
                remedy = "Grant it to whoever deploys."
                yield problem(f"permission {action}", "is not granted", remedy)


def _harmless(patient: Patient) -> dict[str, Callable[[], Any]]:
    """Calls that are refused for another reason where they are allowed, or only read."""
    cloudformation, dynamodb = patient.client("cloudformation"), patient.client("dynamodb")
    functions, nothing = patient.client("lambda"), "dynaurora-doctor-asks"
    stack = stack_name(patient.project.name, "pipeline")
    return {
        "cloudformation:DescribeStacks": lambda: cloudformation.describe_stacks(StackName=stack),
        "cloudformation:ListStacks": cloudformation.list_stacks,
        "dynamodb:DescribeTable": lambda: dynamodb.describe_table(TableName=nothing),
        "lambda:GetEventSourceMapping": lambda: functions.get_event_source_mapping(
            UUID="00000000-0000-0000-0000-000000000000"
        ),
    }
