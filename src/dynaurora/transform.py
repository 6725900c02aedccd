"""Transform: what Firehose asks before it writes an object.

    records of a delivery stream ─► every line readable, every record ends in a newline ─► the same

Firehose joins records as they are, so a record without a final newline would run into the next.
A line that is no JSON travels on, whole, inside a line that says so, and the load quarantines it:
a record holds a thousand changes, and one bad line must not take them to the error prefix with it.
https://docs.aws.amazon.com/firehose/latest/dev/data-transformation.html

This stage knows nothing of tables.
"""

from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping
from typing import Final, Literal, NotRequired, TypedDict

from dynaurora.model.lines import is_readable, split_lines, unreadable_line

ANSWER_BYTES: Final = 6 * 1000 * 1000
"""A synchronous answer of a Lambda: 6 MB; an answer over it loses every record of the call.
https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"""

_RESERVED_BYTES: Final = 50_000
_RECORD_OVERHEAD_BYTES: Final = 400
"""The answer's JSON around the data of one record; a recordId has about 60 characters."""

Result = Literal["Ok", "ProcessingFailed"]


class TransformedRecord(TypedDict):
    """One record of the answer; ``data`` is base64 and left out with ``ProcessingFailed``."""

    recordId: str
    result: Result
    data: NotRequired[str]


def transform(records: Iterable[Mapping[str, str]]) -> list[TransformedRecord]:
    """Answer every recordId exactly once, within 6 MB; never raise for one bad record.

    ``ProcessingFailed`` is for a record that cannot be decoded at all, and for those that no longer
    fit the answer: Firehose writes the original to the error prefix, from where it can be replayed.
    """
    answer: list[TransformedRecord] = []
    left = ANSWER_BYTES - _RESERVED_BYTES
    for record in records:
        transformed = _transformed(record["recordId"], record.get("data", ""))
        size = len(transformed.get("data", "")) + _RECORD_OVERHEAD_BYTES
        if size > left:
            transformed = _failed(record["recordId"])
            size = _RECORD_OVERHEAD_BYTES
        left -= size
        answer.append(transformed)
    return answer


def _transformed(record_id: str, data: str) -> TransformedRecord:
    try:
        content = b64decode(data, validate=True)
    except (TypeError, ValueError):
        return _failed(record_id)
    lines = [text if is_readable(text) else unreadable_line(text) for text in split_lines(content)]
    joined = b"\n".join([*lines, b""])
    if joined == content:
        return {"recordId": record_id, "result": "Ok", "data": data}
    return {"recordId": record_id, "result": "Ok", "data": b64encode(joined).decode("ascii")}


def _failed(record_id: str) -> TransformedRecord:
    return {"recordId": record_id, "result": "ProcessingFailed"}
