"""Transform: what Firehose asks before it writes an object.

    records of a delivery stream ─► every line readable, every record ends in a newline ─► the same

Firehose joins records as they are, so a record without a final newline would run into the next.
A line that is no JSON travels on, whole, inside a line that says so, and the load quarantines it:
a record holds a thousand changes, and one bad line must not take them to the error prefix with it.
https://docs.aws.amazon.com/firehose/latest/dev/data-transformation.html

This stage knows nothing of tables.
"""

from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, NotRequired, TypedDict

from dynaurora.model.lines import is_readable, split_lines, unreadable_line

ANSWER_BYTES: Final = 6 * 1000 * 1000
"""A synchronous answer of a Lambda: 6 MB; an answer over it loses every record of the call.
https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"""

_ENVELOPE_BYTES: Final = len('{"records": []}')
_RECORD_BYTES: Final = len('{"recordId": "", "result": "ProcessingFailed", "data": ""}, ')
"""The answer's JSON around the recordId and the data of one record."""

Result = Literal["Ok", "ProcessingFailed"]


class TransformedRecord(TypedDict):
    """One record of the answer; ``data`` is base64 and left out with ``ProcessingFailed``."""

    recordId: str
    result: Result
    data: NotRequired[str]


@dataclass(frozen=True, slots=True)
class Transformed:
    """The answer, and how many of its lines were no JSON."""

    records: list[TransformedRecord]
    unreadable: int

    @property
    def failed(self) -> int:
        """How many records Firehose has to write to the error prefix."""
        return sum(record["result"] != "Ok" for record in self.records)


def transform(records: Sequence[Mapping[str, str]]) -> Transformed:
    """Answer every recordId exactly once, within 6 MB; never raise for one bad record.

    ``ProcessingFailed`` is for a record that cannot be decoded at all, and for those that no longer
    fit the answer: Firehose writes the original to the error prefix, from where it can be replayed.
    """
    answer: list[TransformedRecord] = []
    unreadable = 0
    # Every recordId is answered, so the room for that is taken before any data gets some.
    taken = sum(len(record["recordId"]) + _RECORD_BYTES for record in records)
    left = ANSWER_BYTES - _ENVELOPE_BYTES - taken
    for record in records:
        transformed, bad_lines = _transformed(record["recordId"], record.get("data", ""))
        if len(transformed.get("data", "")) > left:
            transformed, bad_lines = _failed(record["recordId"]), 0
        unreadable += bad_lines
        left -= len(transformed.get("data", ""))
        answer.append(transformed)
    return Transformed(answer, unreadable)


def _transformed(record_id: str, data: str) -> tuple[TransformedRecord, int]:
    """The record, and how many of its lines are no JSON."""
    try:
        content = b64decode(data, validate=True)
    except (TypeError, ValueError):
        return _failed(record_id), 0
    found = list(split_lines(content))
    lines = [text if is_readable(text) else unreadable_line(text) for text in found]
    unreadable = sum(line is not text for line, text in zip(lines, found, strict=True))
    joined = b"\n".join([*lines, b""])
    if joined != content:
        data = b64encode(joined).decode("ascii")
    return {"recordId": record_id, "result": "Ok", "data": data}, unreadable


def _failed(record_id: str) -> TransformedRecord:
    return {"recordId": record_id, "result": "ProcessingFailed"}
