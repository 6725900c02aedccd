"""Change sets: what CloudFormation would do to bring a stack to its template, before it does it."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final
from uuid import uuid4

from botocore.exceptions import ClientError

from dynaurora.adapters.aws import error_code, error_message, says_stack_gone
from dynaurora.adapters.stack_events import failed, pauses, validation_failures

_NO_CHANGES: Final = ("didn't contain changes", "No updates are to be performed")

_HOLDS_DATA: Final = frozenset(
    {
        "AWS::DynamoDB::Table",
        "AWS::KMS::Key",
        "AWS::KinesisFirehose::DeliveryStream",  # what it has gathered and not delivered yet
        "AWS::RDS::DBCluster",
        "AWS::RDS::DBInstance",
        "AWS::S3::Bucket",
        "AWS::SecretsManager::Secret",
    }
)

REPLACED_BY: Final[Mapping[str, frozenset[str]]] = {
    "AWS::KinesisFirehose::DeliveryStream": frozenset(
        {"DeliveryStreamName", "DeliveryStreamType", "DirectPutSourceConfiguration"}
    ),
    "AWS::S3::Bucket": frozenset({"BucketName", "BucketNamePrefix", "BucketNamespace"}),
}
"""Of what holds data, and of which an emulator says "perhaps" at every change: the properties that
replace it. https://docs.aws.amazon.com/cloudformation-cli/latest/userguide/resource-type-schema.html
(createOnlyProperties; of a Firehose stream those of another source or destination are left out)."""


class Action(StrEnum):
    """What happens to a resource."""

    ADD = "add"
    MODIFY = "modify"
    REPLACE = "replace"
    REMOVE = "remove"


@dataclass(frozen=True, slots=True)
class StackRequest:
    """A stack as it is wanted.

    adopts: the buckets, by their names in the template, that are there and become the stack's.
        Nothing else may be in such a template.
    """

    name: str
    template: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    adopts: Mapping[str, str] = field(default_factory=dict)


def adoption(request: StackRequest, buckets: Mapping[str, str]) -> StackRequest:
    """A stack that has these buckets and nothing else; an update then brings the rest.

    Each is called by the parameter that the template calls it by: another word for the same name
    looks to CloudFormation as if the bucket might be replaced.
    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/resource-import-new-stack.html
    """
    called = {value: parameter for parameter, value in request.parameters.items()}
    resources = {
        resource: {
            "Type": "AWS::S3::Bucket",
            "DeletionPolicy": "Retain",
            "UpdateReplacePolicy": "Retain",
            "Properties": {"BucketName": {"Ref": called[bucket]}},
        }
        for resource, bucket in buckets.items()
    }
    given = {called[bucket]: bucket for bucket in buckets.values()}
    template = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Parameters": {parameter: {"Type": "String"} for parameter in given},
        "Resources": resources,
    }
    return StackRequest(request.name, json.dumps(template), given, adopts=buckets)


@dataclass(frozen=True, slots=True)
class ResourceChange:
    """What would become of one resource.

    is_certain: a replacement is uncertain where it depends on what is known only then.
    properties: what of it changes.
    is_kept: the resource itself stays where the stack lets it go (DeletionPolicy).
    """

    action: Action
    resource: str
    kind: str
    is_certain: bool = True
    properties: tuple[str, ...] = ()
    is_kept: bool = False

    @property
    def endangers_data(self) -> bool:
        """Whether something that holds data is replaced or removed.

        One that is kept is left alone by its stack, which is no better for who looks for the data.
        """
        return self.action in (Action.REPLACE, Action.REMOVE) and self.kind in _HOLDS_DATA


@dataclass(frozen=True, slots=True)
class StackPlan:
    """What would become of a stack; without changes, nothing.

    adopts: buckets that are there already, and become the stack's.
    """

    name: str
    is_new: bool
    changes: tuple[ResourceChange, ...]
    adopts: tuple[str, ...] = ()

    @property
    def dangers(self) -> tuple[ResourceChange, ...]:
        return tuple(change for change in self.changes if change.endangers_data)


@dataclass(frozen=True, slots=True)
class ChangeSet:
    """A change set that can be executed. stack: the identifier of its stack."""

    identifier: str
    stack: str
    plan: StackPlan


@contextmanager
def change_set(
    client: Any, request: StackRequest, *, is_new: bool, is_reviewed: bool = False
) -> Iterator[ChangeSet | None]:
    """A change set, None where there is nothing to change. Raises ``StackFailed`` if it is refused.

    What is not executed inside is taken away again, with the empty stack that a first one makes.
    An interruption does so, too; a change set that stays all the same does no harm and goes with
    the next that is executed.

    is_reviewed: an empty stack is there already, with the change set of somebody else; it stays.
    """
    made = _made(client, request, is_new=is_new)
    try:
        reason = _refusal(client, _named(made))
        if reason is None:
            plan = StackPlan(request.name, is_new, _changes(client, _named(made)))
            yield ChangeSet(made["Id"], made["StackId"], plan)
        elif not is_new and any(told in reason for told in _NO_CHANGES):
            yield None
        else:
            details = validation_failures(client, ChangeSetName=made["Id"])
            raise failed(request.name, "its change set was refused", [reason, *details])
    finally:
        _taken_away(client, made, makes_stack=is_new and not is_reviewed)


def _named(made: Mapping[str, str]) -> dict[str, str]:
    """With its stack, which a policy names: of a change set alone it could name only all."""
    return {"ChangeSetName": made["Id"], "StackName": made["StackId"]}


def _taken_away(client: Any, made: Mapping[str, str], *, makes_stack: bool) -> None:
    """One that is executed, or was, is left to CloudFormation.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeChangeSet.html
    """
    try:
        found = client.describe_change_set(**_named(made))
        if found.get("ExecutionStatus") not in ("AVAILABLE", "UNAVAILABLE"):
            return
        client.delete_change_set(**_named(made))
        if makes_stack:
            status = client.describe_stacks(StackName=made["StackId"])["Stacks"][0]["StackStatus"]
            if status == "REVIEW_IN_PROGRESS":
                client.delete_stack(StackName=made["StackId"])
    except ClientError as error:
        if error_code(error) not in ("ChangeSetNotFound", "ValidationError"):
            raise


def _made(client: Any, request: StackRequest, *, is_new: bool) -> Mapping[str, str]:
    try:
        made: Mapping[str, str] = client.create_change_set(
            StackName=request.name,
            ChangeSetName=f"dynaurora-{uuid4().hex}",
            **_kind(request, is_new=is_new),
            TemplateBody=request.template,
            Parameters=[
                {"ParameterKey": name, "ParameterValue": value}
                for name, value in request.parameters.items()
            ],
            Capabilities=["CAPABILITY_IAM"],
        )
    except ClientError as error:
        if error_code(error) != "ValidationError" or says_stack_gone(error):
            raise
        raise failed(request.name, "was refused", [error_message(error)]) from error
    return made


def _kind(request: StackRequest, *, is_new: bool) -> dict[str, Any]:
    if not request.adopts:
        return {"ChangeSetType": "CREATE" if is_new else "UPDATE"}
    adopted = [
        {
            "ResourceType": "AWS::S3::Bucket",
            "LogicalResourceId": resource,
            "ResourceIdentifier": {"BucketName": bucket},
        }
        for resource, bucket in request.adopts.items()
    ]
    return {"ChangeSetType": "IMPORT", "ResourcesToImport": adopted}


def _refusal(client: Any, named: Mapping[str, str]) -> str | None:
    """Wait for a change set; None when it can be executed, else the reason why not."""
    for _ in pauses():
        found = client.describe_change_set(**named)
        if found["Status"] == "CREATE_COMPLETE":
            return None
        if found["Status"] not in ("CREATE_PENDING", "CREATE_IN_PROGRESS"):
            return str(found.get("StatusReason") or found["Status"])
    raise AssertionError  # the pauses do not end


# --- what it would do -------------------------------------------------------------------------


def _changes(client: Any, named: Mapping[str, str]) -> tuple[ResourceChange, ...]:
    pages = client.get_paginator("describe_change_set").paginate(**named)
    found = (change for page in pages for change in page.get("Changes", ()))
    return tuple(_change(each["ResourceChange"]) for each in found if "ResourceChange" in each)


def _change(found: Mapping[str, Any]) -> ResourceChange:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ResourceChange.html"""
    action = {"Add": Action.ADD, "Remove": Action.REMOVE}.get(found["Action"], Action.MODIFY)
    targets = (detail.get("Target", {}) for detail in found.get("Details", ()))
    named = (str(target.get("Name") or target.get("Attribute", "")) for target in targets)
    properties = frozenset(filter(None, named))
    if action is Action.MODIFY and _may_replace(found, properties):
        action = Action.REPLACE
    return ResourceChange(
        action=action,
        resource=found["LogicalResourceId"],
        kind=found["ResourceType"],
        is_certain=found.get("Replacement") != "Conditional",
        properties=tuple(sorted(properties)),
        is_kept="Retain" in found.get("PolicyAction", ""),
    )


def _may_replace(found: Mapping[str, Any], properties: frozenset[str]) -> bool:
    replacing = REPLACED_BY.get(found["ResourceType"])
    if found.get("Replacement") == "Conditional" and replacing is not None and properties:
        return not properties.isdisjoint(replacing)
    return str(found.get("Replacement", "False")) != "False"
