"""The order of changes: version = (epoch, stream label, SequenceNumber), compared as numbers.

SequenceNumbers have 21 to 40 digits, so "9…" and "10…" compared as text come in the wrong order.
A version is written with exactly 57 digits: 3 of the epoch, 14 of the label in milliseconds, 40 of
the SequenceNumber. So written, the order of the texts is the order of the numbers, and the database
reads the same digits as ``numeric(57)``.
A whole stream is above every older one, because numbers of a recreated stream are not documented to
go on above the old ones.
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_StreamRecord.html
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from dynaurora.errors import LineUnreadable

SEQUENCE_DIGITS: Final = 40
LABEL_DIGITS: Final = 14
EPOCH_DIGITS: Final = 3
_LABEL_LIMIT: Final = 10**LABEL_DIGITS
"""The year 5138; a later label would run into the epoch."""

_STREAM_ARN: Final = re.compile(
    r"arn:(?P<partition>[a-z0-9-]+):dynamodb:(?P<region>[a-z0-9-]+):(?P<account>\d{12}):"
    r"table/(?P<table>[A-Za-z0-9_.-]{3,255})/stream/(?P<label>.+)",
    re.ASCII,
)
_LABEL: Final = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,3}))?Z?", re.ASCII)
_EPOCH_START: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Stream:
    """A DynamoDB stream, read from its ARN. ``label_ms`` orders the streams of a table."""

    arn: str
    account: str
    region: str
    table: str
    label_ms: int

    def version_prefix(self, epoch: int = 0) -> str:
        """The digits of a version before the SequenceNumber."""
        return f"{epoch:0{EPOCH_DIGITS}d}{self.label_ms:0{LABEL_DIGITS}d}"


def sequence_digits(sequence_number: str) -> str:
    """A SequenceNumber with 40 digits; a longer one would run into the label."""
    is_number = sequence_number.isascii() and sequence_number.isdigit()
    if not is_number or len(sequence_number) > SEQUENCE_DIGITS:
        raise LineUnreadable(
            "seq", f'"{sequence_number[:60]}" is no SequenceNumber', "1 to 40 digits"
        )
    return sequence_number.zfill(SEQUENCE_DIGITS)


def stream_of(arn: str) -> Stream:
    """Read a stream's ARN.

    >>> stream_of("arn:aws:dynamodb:eu-west-1:111122223333:table/t.1/stream/1970-01-01T00:00:01.5Z")
    ... # doctest: +ELLIPSIS
    Stream(arn='...', account='111122223333', region='eu-west-1', table='t.1', label_ms=1500)
    """
    match = _STREAM_ARN.fullmatch(arn)
    if match is None:
        raise LineUnreadable("stream", f'"{arn[:300]}" is no stream ARN', "arn:aws:dynamodb:…")
    return Stream(arn, match["account"], match["region"], match["table"], _label_ms(match["label"]))


def _label_ms(label: str) -> int:
    match = _LABEL.fullmatch(label)
    if match is None:
        raise _no_label(label)
    try:
        moment = datetime.fromisoformat(match[1]).replace(tzinfo=UTC)
    except ValueError:
        raise _no_label(label) from None
    whole = moment - _EPOCH_START
    label_ms = (whole.days * 86_400 + whole.seconds) * 1000 + int((match[2] or "0").ljust(3, "0"))
    if not 0 <= label_ms < _LABEL_LIMIT:
        raise _no_label(label)
    return label_ms


def _no_label(label: str) -> LineUnreadable:
    return LineUnreadable(
        "stream", f'the label "{label[:60]}" is no time', "yyyy-MM-ddTHH:mm:ss.SSS"
    )
