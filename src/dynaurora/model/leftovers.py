"""What AWS keeps of changes that it could not hand on: the stream's mapping, and Firehose.

Both keep whole what they were given, so that it can be loaded later.
"""

from base64 import b64decode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from dynaurora.errors import ChangeError
from dynaurora.model.lines import split_lines

GIVEN_UP_FOLDER: Final = "aws/lambda"
"""Where Lambda puts what a stream's mapping gave up: ``<mapping>/<shard>/yyyy/MM/dd/…`` below it.
https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html"""


@dataclass(frozen=True, slots=True)
class GivenUp:
    """A batch of ``changes`` that a stream's mapping gave up.

    condition: why, as ``RetryAttemptsExhausted``. payload: the event that the capture was handed,
    as a text of JSON; "" where it is missing.
    """

    where: str
    table: str
    condition: str
    changes: int
    payload: str

    def records(self) -> Sequence[Mapping[str, Any]]:
        """The stream's records, as the capture was handed them. Raises ``ChangeError``."""
        try:
            return [dict(record) for record in orjson.loads(self.payload)["Records"]]
        except (KeyError, TypeError, ValueError):
            raise _no_batch(self.where) from None


def given_up(data: bytes, where: str) -> GivenUp:
    """Read an object that Lambda wrote on failure. Raises ``ChangeError`` for what is none.

    The page is that of `GIVEN_UP_FOLDER`.
    """
    try:
        told = orjson.loads(data)
        batch = told["DDBStreamBatchInfo"]
        return GivenUp(
            where=where,
            table=batch["streamArn"].split("/", 2)[1],
            condition=str(told["requestContext"]["condition"]),
            changes=int(batch["batchSize"]),
            payload=str(told.get("payload", "")),
        )
    except (AttributeError, IndexError, KeyError, TypeError, ValueError):
        raise _no_batch(where) from None


def _no_batch(where: str) -> ChangeError:
    return ChangeError(
        where,
        "it is no batch that a stream's mapping gave up",
        "what Lambda writes, with its payload",
        "Look at the object, then `dynaurora gaps close OBJECT --why …`.",
    )


def undelivered(data: bytes) -> Iterator[bytes]:
    """The lines of an object below ``(errors)/``, unpacked.

    Firehose writes a line of JSON per record; its ``rawData`` is the record as it was put, before
    the transform: lines of ours. What cannot be read is given as it is.
    https://docs.aws.amazon.com/firehose/latest/dev/data-transformation-failure-handling.html
    """
    for text in split_lines(data):
        try:
            record = b64decode(orjson.loads(text)["rawData"], validate=True)
        except (KeyError, TypeError, ValueError):
            yield text
        else:
            yield from split_lines(record)
