"""What CloudFormation tells of a stack while it changes, and why it failed."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from botocore.exceptions import ClientError

from dynaurora.adapters.aws import says_stack_gone
from dynaurora.errors import StackFailed

_FAILURES_TOLD: Final = 5
_FIRST_PAUSE_S: Final = 0.05
_LONGEST_PAUSE_S: Final = 2.0
_CORRECT: Final = "Correct what is named first"
_REMEDIES: Final = {
    "cannot be created again": "Someone else is making it: wait until that is over",
    "already exists": (
        "What exists already is not this stack's: delete it if nobody needs it, or set another "
        "project or delivery_stream_prefix in dynaurora.toml,"
    ),
    "_IN_PROGRESS state": "Someone else is changing it: wait until that is over",
}
_STACK_TYPE: Final = "AWS::CloudFormation::Stack"


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


def newest_event(client: Any, stack: str) -> str:
    """The identifier of a stack's last event, "" where it has none."""
    events = client.describe_stack_events(StackName=stack)["StackEvents"]
    return str(events[0]["EventId"]) if events else ""


def events_after(client: Any, stack: str, last: str) -> Sequence[Mapping[str, Any]]:
    """The events behind the event ``last``, oldest first (CloudFormation: newest first)."""
    found: list[Mapping[str, Any]] = []
    try:
        for page in client.get_paginator("describe_stack_events").paginate(StackName=stack):
            for event in page["StackEvents"]:
                if event["EventId"] == last:
                    return found[::-1]
                found.append(event)
    except ClientError as error:
        if not says_stack_gone(error):
            raise  # else it was deleted, and its events with it
    return found[::-1]


def progress_of(stack: str, event: Mapping[str, Any]) -> ResourceProgress:
    return ResourceProgress(
        stack=stack,
        resource=event["LogicalResourceId"],
        kind=event.get("ResourceType", ""),
        status=event.get("ResourceStatus", ""),
        reason=event.get("ResourceStatusReason", ""),
        at=event.get("Timestamp") or datetime.now(UTC),
    )


# --- what failed ------------------------------------------------------------------------------


class Failures:
    """Gathers what failed, and passes everything on."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._found: list[ResourceProgress] = []

    def tell(self, progress: ResourceProgress) -> None:
        if progress.is_failure and progress.reason and "cancelled" not in progress.reason.lower():
            self._found.append(progress)
        self._tell(progress)

    def reasons(self, client: Any, stack: str) -> list[str]:
        """Those of the resources; what the stack says of itself only where they say nothing."""
        of_resources = [
            *(_reason(failure) for failure in self._found if failure.kind != _STACK_TYPE),
            *validation_failures(client, StackName=stack),
        ]
        return of_resources or [_reason(failure) for failure in self._found]


def _reason(failure: ResourceProgress) -> str:
    return f"{failure.resource} ({failure.kind}): {failure.reason}"


def validation_failures(client: Any, **which: str) -> list[str]:
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


def failed(
    name: str, found: str, reasons: Sequence[str], again: str = "deploy again"
) -> StackFailed:
    """The error of a stack, with the reasons that were told. again: what to do in the end."""
    told = list(dict.fromkeys(reason.strip().rstrip(".") for reason in reasons))
    listed = "; ".join(told[:_FAILURES_TOLD])
    remedy = next((said for sign, said in _REMEDIES.items() if sign in listed), _CORRECT)
    return StackFailed(
        f"stack {name}", f"{found}: {listed}" if listed else found, "", f"{remedy} and {again}."
    )


def pauses() -> Iterator[None]:
    """Short pauses first: an emulator answers at once, AWS within minutes."""
    pause = _FIRST_PAUSE_S
    while True:
        yield
        time.sleep(pause)
        pause = min(pause * 1.5, _LONGEST_PAUSE_S)
