"""CloudFormation: a stack reaches what its template says, through a change set.

    as wanted already? ─yes─► unchanged
          │no
    change set ─► nothing in it ─► deleted, unchanged
          │
       execute ─► events of resources ─► created or updated, or StackFailed with the reasons

A stack whose template and parameters are read back as they are wanted is not touched, so that a
deployment without changes takes two reads a stack. Resources that were changed by hand are not
noticed that way, nor would a change set notice them.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final
from uuid import uuid4

from botocore.exceptions import ClientError

from dynaurora.adapters.aws import aws_errors, error_code, error_message
from dynaurora.errors import StackFailed

_NO_CHANGES: Final = ("didn't contain changes", "No updates are to be performed")
_FAILURES_TOLD: Final = 5
_FIRST_PAUSE_S: Final = 0.05
_LONGEST_PAUSE_S: Final = 2.0
_STACK_TYPE: Final = "AWS::CloudFormation::Stack"

_NEW: Final = frozenset({"", "REVIEW_IN_PROGRESS", "DELETE_COMPLETE"})
_READY: Final = frozenset(
    {
        "CREATE_COMPLETE",
        "IMPORT_COMPLETE",
        "IMPORT_ROLLBACK_COMPLETE",
        "UPDATE_COMPLETE",
        "UPDATE_ROLLBACK_COMPLETE",
    }
)
_DEAD: Final = frozenset({"CREATE_FAILED", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED"})
"""A stack that never came up can only be deleted.
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html"""

_STUCK: Final[Mapping[str, str]] = {
    "DELETE_FAILED": "Delete what keeps it from being deleted, then the stack, and deploy again.",
    "UPDATE_FAILED": "Roll it back: aws cloudformation rollback-stack --stack-name {name}",
    "UPDATE_ROLLBACK_FAILED": (
        "Finish the rollback: aws cloudformation continue-update-rollback --stack-name {name}"
    ),
}


class StackChange(StrEnum):
    """What became of a stack."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True)
class StackRequest:
    """A stack as it is wanted."""

    name: str
    template: str
    parameters: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StackOutcome:
    """A stack as it is."""

    name: str
    change: StackChange
    outputs: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ResourceProgress:
    """One resource of a stack came into a new state. ``reason`` is "" where there is none."""

    stack: str
    resource: str
    kind: str
    status: str
    reason: str
    at: datetime

    @property
    def is_failure(self) -> bool:
        return self.status.endswith("_FAILED")


Tell = Callable[[ResourceProgress], None]


@dataclass(frozen=True, slots=True)
class _Stack:
    """A stack as CloudFormation describes it. ``status`` "" means that there is none."""

    identifier: str = ""
    status: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)
    outputs: Mapping[str, str] = field(default_factory=dict)


def deploy_stack(client: Any, request: StackRequest, tell: Tell) -> StackOutcome:
    """Bring a stack to what is asked for. Raises ``StackFailed`` if it does not come up.

    client: boto3's ``cloudformation``; may be shared between threads.
    """
    with aws_errors(f"stack {request.name}"):
        stack = _ready_stack(client, request.name, tell)
        if _is_as_wanted(client, stack, request):
            return StackOutcome(request.name, StackChange.UNCHANGED, stack.outputs)
        return _changed(client, request, stack, tell)


def stack_outputs(client: Any, name: str) -> Mapping[str, str] | None:
    """The outputs of a stack that is up, None where there is none."""
    with aws_errors(f"stack {name}"):
        stack = _described(client, name)
    return stack.outputs if stack.status in _READY else None


# --- what is there ----------------------------------------------------------------------------


def _described(client: Any, name: str) -> _Stack:
    try:
        found = client.describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as error:
        if _says_missing(error):
            return _Stack()
        raise
    return _Stack(
        identifier=found["StackId"],
        status=found["StackStatus"],
        parameters={
            given["ParameterKey"]: given.get("ParameterValue", "")
            for given in found.get("Parameters", ())
        },
        outputs={told["OutputKey"]: told["OutputValue"] for told in found.get("Outputs", ())},
    )


def _says_missing(error: ClientError) -> bool:
    return error_code(error) == "ValidationError" and "does not exist" in error_message(error)


def _ready_stack(client: Any, name: str, tell: Tell) -> _Stack:
    """The stack once nobody else is changing it; a stack that never came up is deleted."""
    stack = _described(client, name)
    if _is_moving(stack):
        stack = _settled(client, name, stack, tell, after=_newest_event(client, stack))
    if stack.status in _DEAD:
        last = _newest_event(client, stack)
        client.delete_stack(StackName=stack.identifier)
        stack = _settled(client, name, stack, tell, after=last, is_begun=False)
    if stack.status in _STUCK:
        raise StackFailed(
            f"stack {name}",
            f"is {stack.status}",
            "a stack that can be updated",
            _STUCK[stack.status].format(name=name),
        )
    return stack


def _is_moving(stack: _Stack) -> bool:
    return stack.status not in _NEW and stack.status.endswith("_IN_PROGRESS")


def _is_as_wanted(client: Any, stack: _Stack, request: StackRequest) -> bool:
    if stack.status not in _READY:
        return False
    if any(stack.parameters.get(name) != value for name, value in request.parameters.items()):
        return False
    answer = client.get_template(StackName=stack.identifier, TemplateStage="Original")
    return _normal(str(answer["TemplateBody"])) == _normal(request.template)


def _normal(template: str) -> str:
    return "\n".join(line.rstrip() for line in template.strip().splitlines())


# --- the change -------------------------------------------------------------------------------


def _changed(client: Any, request: StackRequest, stack: _Stack, tell: Tell) -> StackOutcome:
    is_new = stack.status in _NEW
    change_set = _change_set(client, request, is_new=is_new)
    made = _Stack(identifier=change_set["StackId"], status=stack.status)
    reason = _change_set_refusal(client, change_set["Id"])
    if reason is None:
        last = _newest_event(client, made)
        client.execute_change_set(ChangeSetName=change_set["Id"])
        return _executed(client, request.name, made, tell, is_new=is_new, after=last)
    details = _validation_failures(client, ChangeSetName=change_set["Id"])
    client.delete_change_set(ChangeSetName=change_set["Id"])
    if not is_new and any(told in reason for told in _NO_CHANGES):
        return StackOutcome(request.name, StackChange.UNCHANGED, stack.outputs)
    if is_new:
        # The empty stack that the change set made would stay for ever.
        client.delete_stack(StackName=made.identifier)
    raise _failed(request.name, "its change set was refused", [reason, *details])


def _change_set(client: Any, request: StackRequest, *, is_new: bool) -> Mapping[str, str]:
    try:
        made: Mapping[str, str] = client.create_change_set(
            StackName=request.name,
            ChangeSetName=f"dynaurora-{uuid4().hex}",
            ChangeSetType="CREATE" if is_new else "UPDATE",
            TemplateBody=request.template,
            Parameters=[
                {"ParameterKey": name, "ParameterValue": value}
                for name, value in request.parameters.items()
            ],
            Capabilities=["CAPABILITY_IAM"],
        )
    except ClientError as error:
        if error_code(error) != "ValidationError":
            raise
        raise _failed(request.name, "was refused", [error_message(error)]) from error
    return made


def _change_set_refusal(client: Any, change_set: str) -> str | None:
    """Wait for a change set; None when it can be executed, else the reason why not."""
    for _ in _pauses():
        found = client.describe_change_set(ChangeSetName=change_set)
        if found["Status"] == "CREATE_COMPLETE":
            return None
        if found["Status"] not in ("CREATE_PENDING", "CREATE_IN_PROGRESS"):
            return str(found.get("StatusReason") or found["Status"])
    raise AssertionError  # the pauses do not end


def _executed(
    client: Any, name: str, stack: _Stack, tell: Tell, *, is_new: bool, after: str
) -> StackOutcome:
    failures: list[ResourceProgress] = []

    def noted(progress: ResourceProgress) -> None:
        if progress.is_failure and progress.reason and "cancelled" not in progress.reason.lower():
            failures.append(progress)
        tell(progress)

    settled = _settled(client, name, stack, noted, after=after, is_begun=False)
    if settled.status not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
        raise _failed(name, f"is {settled.status}", _reasons(client, stack, failures))
    change = StackChange.CREATED if is_new else StackChange.UPDATED
    return StackOutcome(name, change, settled.outputs)


def _settled(
    client: Any, name: str, stack: _Stack, tell: Tell, *, after: str, is_begun: bool = True
) -> _Stack:
    """Wait until nothing moves any more, telling every event behind ``after``.

    is_begun: whether the stack is moving already. Just after a call that moves it, it can still be
        described as it was before; then the first event of it is waited for.
    """
    last = after
    for _ in _pauses():
        for event in _events_after(client, stack.identifier, last):
            last, is_begun = event["EventId"], True
            tell(_progress(name, event))
        now = _described(client, stack.identifier)
        is_gone = now.status in ("", "DELETE_COMPLETE")
        is_still = now.status != "REVIEW_IN_PROGRESS" and not _is_moving(now)
        if is_gone or (is_begun and is_still):
            for event in _events_after(client, stack.identifier, last):
                tell(_progress(name, event))
            return now
    raise AssertionError  # the pauses do not end


# --- events -----------------------------------------------------------------------------------


def _newest_event(client: Any, stack: _Stack) -> str:
    events = client.describe_stack_events(StackName=stack.identifier)["StackEvents"]
    return str(events[0]["EventId"]) if events else ""


def _events_after(client: Any, stack: str, last: str) -> Sequence[Mapping[str, Any]]:
    """The events behind the event ``last``, oldest first (CloudFormation: newest first)."""
    found: list[Mapping[str, Any]] = []
    try:
        for page in client.get_paginator("describe_stack_events").paginate(StackName=stack):
            for event in page["StackEvents"]:
                if event["EventId"] == last:
                    return found[::-1]
                found.append(event)
    except ClientError as error:
        if not _says_missing(error):
            raise  # else it was deleted, and its events with it
    return found[::-1]


def _progress(stack: str, event: Mapping[str, Any]) -> ResourceProgress:
    return ResourceProgress(
        stack=stack,
        resource=event["LogicalResourceId"],
        kind=event.get("ResourceType", ""),
        status=event.get("ResourceStatus", ""),
        reason=event.get("ResourceStatusReason", ""),
        at=event.get("Timestamp") or datetime.now(UTC),
    )


def _reasons(client: Any, stack: _Stack, failures: Sequence[ResourceProgress]) -> list[str]:
    """Those of the resources; what the stack says of itself only where they say nothing."""
    of_resources = [
        *(_reason(failure) for failure in failures if failure.kind != _STACK_TYPE),
        *_validation_failures(client, StackName=stack.identifier),
    ]
    return of_resources or [_reason(failure) for failure in failures]


def _reason(failure: ResourceProgress) -> str:
    return f"{failure.resource} ({failure.kind}): {failure.reason}"


def _validation_failures(client: Any, **which: str) -> list[str]:
    """What the validation before an operation found; its events are apart from the stack's.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeEvents.html
    """
    try:
        events = client.describe_events(**which)["OperationEvents"]
    except ClientError:
        return []  # an older endpoint; the reasons of the stack's events remain
    return [
        f"{event.get('LogicalResourceId', '')} ({event.get('ResourceType', '')}): "
        f"{event['ValidationStatusReason']}"
        for event in events
        if event.get("ValidationStatus") == "FAILED" and event.get("ValidationStatusReason")
    ]


def _failed(name: str, found: str, reasons: Sequence[str]) -> StackFailed:
    told = list(dict.fromkeys(reason.strip().rstrip(".") for reason in reasons))
    listed = "; ".join(told[:_FAILURES_TOLD])
    return StackFailed(
        f"stack {name}",
        f"{found}: {listed}" if listed else found,
        "",
        "Correct what is named first and deploy again.",
    )


def _pauses() -> Iterator[None]:
    """Short pauses first: an emulator answers at once, AWS within minutes."""
    pause = _FIRST_PAUSE_S
    while True:
        yield
        time.sleep(pause)
        pause = min(pause * 1.5, _LONGEST_PAUSE_S)
