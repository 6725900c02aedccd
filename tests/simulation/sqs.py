"""SQS: messages come back until they are deleted, or have been received too often.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-visibility-timeout.html
"""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote_plus

from simulation.faults import Faults
from simulation.s3 import RAW

IDLE_S: Final = 30
"""How long an empty queue is left alone; this only saves steps of the simulation."""


@dataclass
class Message:
    """A message. It cannot be received before ``visible_s``."""

    number: int
    key: str
    visible_s: float
    receives: int = 0


class Queue:
    """The queue of objects to load. visibility_s: how long a received message is away."""

    def __init__(self, faults: Faults, *, visibility_s: float, receives: int) -> None:
        self._faults = faults
        self._visibility_s = visibility_s
        self._receives = receives
        self._messages: dict[int, Message] = {}
        self._numbers = 0
        self.dead: list[Message] = []

    @property
    def is_empty(self) -> bool:
        return not self._messages

    def waits_s(self, now_s: float) -> float:
        """How long no message can be received."""
        return min((m.visible_s - now_s for m in self._messages.values()), default=IDLE_S)

    def send(self, key: str, now_s: float) -> None:
        """S3 tells of an object."""
        self._numbers += 1
        self._messages[self._numbers] = Message(self._numbers, key, now_s)

    def receive(self, now_s: float, limit: int) -> list[Message]:
        """Up to so many messages; one may be handed to somebody else too."""
        found = []
        for message in list(self._messages.values()):
            if message.visible_s > now_s or len(found) == limit:
                continue
            if message.receives >= self._receives:
                self._faults.follows("dead letter")
                self.dead.append(self._messages.pop(message.number))
                continue
            message.receives += 1
            is_doubled = self._faults.happens("message handed to two")
            message.visible_s = now_s if is_doubled else now_s + self._visibility_s
            found.append(message)
        return found

    def delete(self, messages: Sequence[Message]) -> None:
        """They are done with. A deletion may come to nothing."""
        for message in messages:
            if not self._faults.happens("message delivered again"):
                self._messages.pop(message.number, None)


def event_of(messages: Sequence[Message]) -> dict[str, Any]:
    """The event that Lambda makes of messages."""
    return {"Records": [_record(message) for message in messages]}


def done(answer: dict[str, Any], messages: Sequence[Message]) -> list[Message]:
    """The messages that the answer does not call failed."""
    failed: Collection[str] = {f["itemIdentifier"] for f in answer["batchItemFailures"]}
    return [message for message in messages if str(message.number) not in failed]


def _record(message: Message) -> dict[str, Any]:
    entry = {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "eventName": "ObjectCreated:Put",
        "s3": {"bucket": {"name": RAW}, "object": {"key": quote_plus(message.key)}},
    }
    return {
        "messageId": str(message.number),
        "body": json.dumps({"Records": [entry]}),
        "attributes": {"ApproximateReceiveCount": str(message.receives)},
        "eventSource": "aws:sqs",
    }
