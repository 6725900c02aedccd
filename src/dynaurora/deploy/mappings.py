"""Mappings: what has Lambda read a stream or a queue."""

import time
from collections.abc import Mapping
from typing import Any, Final

from dynaurora.adapters.aws import aws_errors
from dynaurora.deploy.account import Account
from dynaurora.errors import AwsError

_ENABLING_S: Final = 300.0
_FIRST_PAUSE_S: Final = 0.1
_LONGEST_PAUSE_S: Final = 2.0


def mappings_of(outputs: Mapping[str, str]) -> list[str]:
    """Those of a table's stack: of its stream, and of the former one while that is read."""
    return [outputs[name] for name in ("MappingId", "FormerMappingId") if name in outputs]


def enabled(account: Account, subject: str, mapping: str) -> None:
    """Have a mapping read, and wait until it does: it is on some time after it was made.

    One that is off was left so, by a destruction that was not finished or by hand.
    """
    until = time.monotonic() + _ENABLING_S
    pause = _FIRST_PAUSE_S
    is_asked = False
    while (state := _state(account, subject, mapping)) != "Enabled":
        if time.monotonic() > until:
            raise AwsError(
                f"mapping {mapping} of {subject}",
                f"is {state} after 5 minutes",
                "Enabled: nothing is read until then",
                f"aws lambda update-event-source-mapping --uuid {mapping} --enabled",
            )
        if state == "Disabled" and not is_asked:
            with aws_errors(f"mapping {mapping} of {subject}"):
                account.client("lambda").update_event_source_mapping(UUID=mapping, Enabled=True)
            account.done(subject, "its mapping was off, and is turned on")
            is_asked = True
        time.sleep(pause)
        pause = min(pause * 2, _LONGEST_PAUSE_S)


def disable(account: Account, subject: str, mapping: str) -> None:
    """Have a mapping read nothing more, and wait until that is so."""
    if _state(account, subject, mapping) == "Disabled":
        return
    account.begin("its mapping is being turned off", subject)
    with aws_errors(f"mapping {mapping} of {subject}"):
        account.client("lambda").update_event_source_mapping(UUID=mapping, Enabled=False)
    until = time.monotonic() + _ENABLING_S
    pause = _FIRST_PAUSE_S
    while (state := _state(account, subject, mapping)) != "Disabled":
        if time.monotonic() > until:
            raise AwsError(
                f"mapping {mapping} of {subject}",
                f"is {state} after 5 minutes",
                "Disabled",
                "Look at it, and try again.",
            )
        time.sleep(pause)
        pause = min(pause * 2, _LONGEST_PAUSE_S)
    account.done(subject, "its mapping is off")


def readers(client: Any, stream_arn: str) -> list[str]:
    """The functions that read a stream, by name; another program that does does not show.

    client: of Lambda.
    """
    with aws_errors(f"stream {stream_arn}"):
        pages = client.get_paginator("list_event_source_mappings").paginate(
            EventSourceArn=stream_arn
        )
        found = [each for page in pages for each in page["EventSourceMappings"]]
    return sorted(_function(each["FunctionArn"]) for each in found)


def _function(arn: str) -> str:
    """``arn:…:function:<name>``, which a version or an alias may follow."""
    return arn.partition(":function:")[2].partition(":")[0]


def _state(account: Account, subject: str, mapping: str) -> str:
    with aws_errors(f"mapping {mapping} of {subject}"):
        return str(account.client("lambda").get_event_source_mapping(UUID=mapping)["State"])
