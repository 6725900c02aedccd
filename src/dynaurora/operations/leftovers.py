"""What AWS has kept of changes that it could not hand on, as lines that a load takes."""

from collections.abc import Mapping
from typing import Any

import orjson

from dynaurora.capture import line_of
from dynaurora.etl import unpacked
from dynaurora.model.leftovers import given_up, undelivered
from dynaurora.model.lines import encode_line
from dynaurora.ports import StoredObject


def undelivered_lines(stored: StoredObject) -> bytes:
    """The lines of an object that Firehose wrote below ``(errors)/``."""
    return b"\n".join(undelivered(unpacked(stored.data)))


def given_up_lines(stored: StoredObject) -> tuple[str, bytes]:
    """The table of a batch that a stream's mapping gave up, and its lines.

    Raises ``ChangeError`` for an object that is no such batch.
    """
    batch = given_up(stored.data, stored.name.key)
    return batch.table, b"\n".join(map(_line, batch.records()))


def _line(record: Mapping[str, Any]) -> bytes:
    """The line that the capture would have made; what is no record goes on, to be quarantined."""
    try:
        return encode_line(line_of(record))
    except (AttributeError, IndexError, KeyError, OverflowError, TypeError, ValueError):
        return orjson.dumps(dict(record))
