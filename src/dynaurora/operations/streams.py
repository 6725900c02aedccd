"""Streams: which feed a table, and letting one in that a load would not."""

from dynaurora.errors import ProjectError
from dynaurora.metadata import KnownStream, Registration
from dynaurora.model.versions import Stream, stream_of
from dynaurora.operations.desk import Desk, Facts, metadata_of, moment


def list_streams(desk: Desk, *, table: str = "") -> Facts:
    """The streams that may feed the tables; of each table, the one that wins first."""
    metadata = metadata_of(desk)
    found = [each for each in metadata.registrations() if table in ("", each.table)]
    return {
        "streams": [
            _facts(registration.table, known)
            for registration in found
            for known in metadata.streams(registration).known()
        ]
    }


def look_at_stream(desk: Desk, *, arn: str) -> Facts:
    """What accepting a stream would mean; nothing is changed.

    doubts: why a load does not let it in by itself. is_known: whether it feeds its table already.
    """
    stream, registration = _found(desk, arn)
    acceptance = metadata_of(desk).streams(registration).acceptance()
    return {
        "stream": arn,
        "table": stream.table,
        "is_known": acceptance.knows(stream),
        "doubts": acceptance.doubts(stream),
        "epoch": acceptance.accept(stream),
        "parked_for": registration.parked_for,
    }


def accept_stream(desk: Desk, *, arn: str) -> Facts:
    """Let a stream in, above every other of its table, whose objects are then loaded again.

    Accepting it twice changes nothing; so a stream that another has been accepted over since does
    not win again, and ``winner`` is the other one. A version once given may not change.
    Raises ``ProjectError`` for a table that nobody knows.
    """
    stream, registration = _found(desk, arn)
    metadata = metadata_of(desk)
    with desk.engine.connection.transaction():
        streams = metadata.streams(registration)
        epoch = streams.accept(stream)
        winner = streams.known()[0].stream.arn
        if registration.parked_for == "stream":
            metadata.unpark(registration)
    return {
        "stream": arn,
        "table": stream.table,
        "epoch": epoch,
        "winner": winner,
        "unparked": registration.parked_for == "stream",
    }


def _found(desk: Desk, arn: str) -> tuple[Stream, Registration]:
    stream = stream_of(arn)
    registration = metadata_of(desk).find(stream.table)
    if registration is None:
        raise ProjectError(
            f"table {stream.table}",
            "nothing has been heard of it yet",
            "a table that is deployed",
            "Its first stream needs no acceptance: deploy.",
        )
    return stream, registration


def _facts(table: str, known: KnownStream) -> Facts:
    return {
        "table": table,
        "stream": known.stream.arn,
        "epoch": known.epoch,
        "table_id": known.table_id,
        "accepted_at": moment(known.accepted_at),
    }
