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
    """A batch that a stream's mapping gave up. condition: ``RetryAttemptsExhausted`` and the like.

    records: the stream's records as the capture was given them; ``changes`` of them.
    """

    table: str
    condition: str
    changes: int
    records: Sequence[Mapping[str, Any]]


def given_up(data: bytes, where: str) -> GivenUp:
    """Read an object that Lambda wrote on failure; its ``payload`` is the event as a text of JSON.

    Raises ``ChangeError`` for what is none. The page is that of `GIVEN_UP_FOLDER`.
    """
    try:
        told = orjson.loads(data)
        batch = told["DDBStreamBatchInfo"]
        records = orjson.loads(told["payload"])["Records"]
        return GivenUp(
            table=batch["streamArn"].split("/", 2)[1],
            condition=str(told["requestContext"]["condition"]),
            changes=int(batch["batchSize"]),
            records=[dict(record) for record in records],
        )
    except (AttributeError, IndexError, KeyError, TypeError, ValueError):
        raise ChangeError(
            where, "it is no batch that a stream's mapping gave up", "what Lambda writes", ""
        ) from None


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
