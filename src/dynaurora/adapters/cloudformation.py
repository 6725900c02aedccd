"""CloudFormation: a stack reaches what its template says, through a change set; or goes.

    as wanted already? ─yes─► unchanged
          │no
    change set ─► nothing in it ─► deleted, unchanged
          │
       agreed? ─no─► deleted, StackNotAgreed
          │yes
       execute ─► events of resources ─► created or updated, or StackFailed with the reasons

A stack whose template and parameters are read back as they are wanted is not touched, so that a
deployment without changes takes two reads a stack. Resources that were changed by hand are not
noticed that way, nor would a change set notice them.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from botocore.exceptions import ClientError

from dynaurora.adapters.aws import aws_errors, says_stack_gone
from dynaurora.adapters.change_sets import ChangeSet, StackPlan, StackRequest, adoption, change_set
from dynaurora.adapters.stack_events import (
    Failures,
    Tell,
    events_after,
    failed,
    newest_event,
    pauses,
    progress_of,
)
from dynaurora.errors import StackFailed, StackNotAgreed

_REVIEWED: Final = "REVIEW_IN_PROGRESS"
"""A stack with nothing in it but a change set that would make it."""
_NEW: Final = frozenset({"", _REVIEWED, "DELETE_COMPLETE"})
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

Agree = Callable[[StackPlan], bool]
"""Asked before a stack is changed; what it refuses is not done."""

Kept = Callable[[], Mapping[str, str]]
"""Asked where a stack is new: the buckets of it that are there already, by their names in the
template. They were kept when the stack went before."""


class StackChange(StrEnum):
    """What became of a stack."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class StackOutcome:
    """A stack as it is."""

    name: str
    change: StackChange
    outputs: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Stack:
    """A stack as CloudFormation describes it. ``status`` "" means that there is none."""

    identifier: str = ""
    status: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)
    outputs: Mapping[str, str] = field(default_factory=dict)


def deploy_stack(
    client: Any,
    request: StackRequest,
    tell: Tell,
    agree: Agree = lambda _plan: True,
    kept: Kept = dict,
) -> StackOutcome:
    """Bring a stack to what is asked for. Raises ``StackFailed`` if it does not come up.

    client: boto3's ``cloudformation``; may be shared between threads.
    agree: is asked with what would change; raises ``StackNotAgreed`` where it says no.
    """
    with aws_errors(f"stack {request.name}"):
        stack = _ready_stack(client, request.name, tell)
        if stack.status in _NEW and (buckets := kept()):
            _adopt(client, adoption(request, buckets), tell, agree)
            stack = _described(client, request.name)
        if _is_as_wanted(client, stack, request):
            return StackOutcome(request.name, StackChange.UNCHANGED, stack.outputs)
        with change_set(
            client, request, is_new=stack.status in _NEW, is_reviewed=stack.status == _REVIEWED
        ) as made:
            if made is None:
                return StackOutcome(request.name, StackChange.UNCHANGED, stack.outputs)
            if not agree(made.plan):
                raise StackNotAgreed(
                    f"stack {request.name}",
                    "what would change was not agreed to",
                    "",
                    "Nothing of it was done. Deploy again and say yes, or --yes.",
                )
            return _executed(client, made, tell)


def plan_stack(client: Any, request: StackRequest, kept: Kept = dict) -> StackPlan:
    """What would become of a stack; nothing does. Raises ``StackFailed`` if it would be refused."""
    with aws_errors(f"stack {request.name}"):
        stack = _described(client, request.name)
        _refuse_stuck(request.name, stack)
        if _is_moving(stack):
            raise StackFailed(
                f"stack {request.name}",
                f"is {stack.status}: it is being changed now",
                "a stack at rest",
                "Wait until that is over.",
            )
        if stack.status in _DEAD:
            # It would be deleted and made anew; a change set of it cannot be made.
            return StackPlan(request.name, is_new=True, changes=())
        if _is_as_wanted(client, stack, request):
            return StackPlan(request.name, is_new=False, changes=())
        is_new = stack.status in _NEW
        if is_new and (buckets := kept()):
            # They would come first, and the rest as an update of a stack that is not there yet.
            return StackPlan(request.name, is_new=True, changes=(), adopts=(*buckets.values(),))
        is_reviewed = stack.status == _REVIEWED
        with change_set(client, request, is_new=is_new, is_reviewed=is_reviewed) as made:
            return made.plan if made else StackPlan(request.name, is_new, ())


def delete_stack(client: Any, name: str, tell: Tell) -> StackOutcome:
    """Have a stack gone. Raises ``StackFailed`` if it stays; one that is not there is unchanged."""
    with aws_errors(f"stack {name}"):
        stack = _settled_stack(client, name, tell)
        if stack.status in ("", "DELETE_COMPLETE"):
            return StackOutcome(name, StackChange.UNCHANGED)
        _deleted(client, name, stack, tell)
    return StackOutcome(name, StackChange.DELETED)


def stack_outputs(client: Any, name: str) -> Mapping[str, str] | None:
    """The outputs of a stack that is up, None where there is none."""
    with aws_errors(f"stack {name}"):
        stack = _described(client, name)
    return stack.outputs if stack.status in _READY else None


def stack_parameters(client: Any, name: str) -> Mapping[str, str]:
    """What a stack was given; nothing where there is none."""
    with aws_errors(f"stack {name}"):
        return _described(client, name).parameters


def stack_resources(client: Any, name: str, kind: str) -> list[str]:
    """The identifiers of a stack's resources of one type; none where there is no such stack."""
    with aws_errors(f"stack {name}"):
        try:
            pages = list(client.get_paginator("list_stack_resources").paginate(StackName=name))
        except ClientError as error:
            if says_stack_gone(error):
                return []
            raise
    found = (resource for page in pages for resource in page["StackResourceSummaries"])
    return [
        each["PhysicalResourceId"]
        for each in found
        if each["ResourceType"] == kind and each.get("PhysicalResourceId")
    ]


def stack_names(client: Any, prefix: str) -> Iterator[str]:
    """The stacks that are there, by the beginning of their name."""
    return (name for name, _ in _listed(client, prefix))


def stuck_stacks(client: Any, prefix: str) -> Iterator[tuple[str, str, str]]:
    """Those of them that only a person can help: name, status, and what helps."""
    for name, status in _listed(client, prefix):
        if status in _STUCK:
            yield name, status, _STUCK[status].format(name=name)


# --- what is there ----------------------------------------------------------------------------


def _listed(client: Any, prefix: str) -> Iterator[tuple[str, str]]:
    """Deleted stacks are listed for 90 days, unless they are not asked for."""
    every = client.meta.service_model.shape_for("StackStatus").enum
    wanted = [status for status in every if status != "DELETE_COMPLETE"]
    with aws_errors("CloudFormation"):
        for page in client.get_paginator("list_stacks").paginate(StackStatusFilter=wanted):
            for found in page["StackSummaries"]:
                if found["StackName"].startswith(prefix):
                    yield found["StackName"], found["StackStatus"]


def _described(client: Any, name: str) -> _Stack:
    try:
        found = client.describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as error:
        if says_stack_gone(error):
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


def _ready_stack(client: Any, name: str, tell: Tell) -> _Stack:
    """The stack once nobody else is changing it; a stack that never came up is deleted."""
    stack = _settled_stack(client, name, tell)
    if stack.status in _DEAD:
        stack = _deleted(client, name, stack, tell)
    _refuse_stuck(name, stack)
    return stack


def _settled_stack(client: Any, name: str, tell: Tell) -> _Stack:
    stack = _described(client, name)
    if _is_moving(stack):
        last = newest_event(client, stack.identifier)
        stack = _settled(client, name, stack.identifier, tell, after=last)
    return stack


def _refuse_stuck(name: str, stack: _Stack) -> None:
    if stack.status in _STUCK:
        raise StackFailed(
            f"stack {name}",
            f"is {stack.status}",
            "a stack that can be updated",
            _STUCK[stack.status].format(name=name),
        )


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


def _adopt(client: Any, request: StackRequest, tell: Tell, agree: Agree) -> None:
    """Begin a stack with the buckets that were kept."""
    with change_set(client, request, is_new=True) as made:
        if made is None:
            raise AssertionError  # a new stack has something in it
        agree(StackPlan(request.name, is_new=True, changes=(), adopts=(*request.adopts.values(),)))
        _executed(client, made, tell)


def _executed(client: Any, made: ChangeSet, tell: Tell) -> StackOutcome:
    name, failures = made.plan.name, Failures(tell)
    last = newest_event(client, made.stack)
    client.execute_change_set(ChangeSetName=made.identifier, StackName=made.stack)
    settled = _settled(client, name, made.stack, failures.tell, after=last, is_begun=False)
    if settled.status not in ("CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"):
        raise failed(name, f"is {settled.status}", failures.reasons(client, made.stack))
    change = StackChange.CREATED if made.plan.is_new else StackChange.UPDATED
    return StackOutcome(name, change, settled.outputs)


def _deleted(client: Any, name: str, stack: _Stack, tell: Tell) -> _Stack:
    failures = Failures(tell)
    last = newest_event(client, stack.identifier)
    client.delete_stack(StackName=stack.identifier)
    settled = _settled(client, name, stack.identifier, failures.tell, after=last, is_begun=False)
    if settled.status == "DELETE_FAILED":
        reasons = failures.reasons(client, stack.identifier)
        raise failed(name, f"is {settled.status}", reasons, "try again")
    return settled


def _settled(
    client: Any, name: str, stack: str, tell: Tell, *, after: str, is_begun: bool = True
) -> _Stack:
    """Wait until nothing moves any more, telling every event behind ``after``.

    stack: its identifier, by which it is found when it is deleted, too.
    is_begun: whether the stack is moving already. Just after a call that moves it, it can still be
        described as it was before; then the first event of it is waited for.
    """
    last = after
    for _ in pauses():
        for event in events_after(client, stack, last):
            last, is_begun = event["EventId"], True
            tell(progress_of(name, event))
        now = _described(client, stack)
        is_gone = now.status in ("", "DELETE_COMPLETE")
        is_still = now.status != _REVIEWED and not _is_moving(now)
        if is_gone or (is_begun and is_still):
            for event in events_after(client, stack, last):
                tell(progress_of(name, event))
            return now
    raise AssertionError  # the pauses do not end
