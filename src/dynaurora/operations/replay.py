"""Replay: the archive of a table is loaded again, in the order in which it was written.

    Processed/<table>/            what was loaded
    Processed/(errors)/<table>/   what Firehose could not deliver, once its gap was replayed
    aws/lambda/                   what the stream's mapping gave up, once its gap was replayed

The order does not matter (docs/arbitration.md); it is fixed so that a replay can go on. What is
applied already changes nothing. After a drop, or once the generation was raised, every
item's newest change is applied once more: that fills columns that a plugin has gained.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from dynaurora.metadata import Gaps
from dynaurora.model.events import ERRORS_FOLDER, PROCESSED_FOLDER, ObjectName
from dynaurora.model.leftovers import GIVEN_UP_FOLDER
from dynaurora.operations.again import registration_to_load, staging_again
from dynaurora.operations.desk import Desk, Facts, metadata_of
from dynaurora.operations.leftovers import given_up_lines, undelivered_lines
from dynaurora.parts import Parts
from dynaurora.portions import load_portions, read_portions, within_bodies
from dynaurora.ports import StoredObject

_UNDELIVERED: Final = f"{PROCESSED_FOLDER}/{ERRORS_FOLDER}"


def begin_anew(desk: Desk, *, table: str) -> Facts:
    """Raise the generation of a table that is loaded."""
    registration = metadata_of(desk).renew(registration_to_load(desk, table))
    return {"table": table, "generation": registration.generation}


def replay_archive(parts: Parts, *, table: str, after: str = "") -> Facts:
    """Load archived objects while there is time; ``is_done`` says whether those were all.

    after: the last object that was loaded before, by its key; the facts say the next.
    A crash in between loses nothing and applies nothing twice.
    """
    registration = registration_to_load(parts, table)
    missing: list[ObjectName] = []
    archive = _Archive(parts, table)
    read = read_portions(parts.store, archive.names(after), missing)
    portions = within_bodies(
        staging_again(parts, registration), ([_with_lines(one) for one in some] for some in read)
    )
    counts = {"objects": 0, "applied": 0, "superseded": 0, "quarantined": 0}
    last = after
    for staged, loaded in load_portions(parts, metadata_of(parts), registration, portions):
        last = staged.objects[-1].name.key
        counts["objects"] += len(staged.objects)
        counts["applied"] += loaded.applied
        counts["superseded"] += loaded.superseded
        counts["quarantined"] += loaded.quarantined + loaded.unreadable
    is_done = next(archive.names(last), None) is None
    return {"replayed": counts, "after": last, "is_done": is_done}


def count_older(desk: Desk, *, table: str) -> Facts:
    """How many items were last applied in an earlier generation: the archive lacks their change."""
    metadata = metadata_of(desk)
    return {"table": table, "items": metadata.count_older(metadata.registration(table))}


class _Archive:
    """What is kept of a table's changes that were loaded."""

    def __init__(self, parts: Parts, table: str) -> None:
        self._parts = parts
        self._loaded = f"{PROCESSED_FOLDER}/{table}"
        self._undelivered = f"{_UNDELIVERED}/{table}"
        # Asked for now, for the connection is a load's while names are given.
        self._given_up = Gaps(parts.engine.connection, parts.engine.queries).replayed_batches(table)

    def names(self, after: str) -> Iterator[ObjectName]:
        """The objects, in the same order each time. after: only those behind this one."""
        is_loaded = not after.startswith((f"{_UNDELIVERED}/", f"{GIVEN_UP_FOLDER}/"))
        if is_loaded:
            yield from self._below(self._loaded, after)
        if not after.startswith(f"{GIVEN_UP_FOLDER}/"):
            yield from self._below(self._undelivered, "" if is_loaded else after)
            after = ""
        yield from (name for name in self._given_up if name.key > after)

    def _below(self, folder: str, after: str) -> Iterator[ObjectName]:
        return self._parts.store.list_older(self._parts.backup_bucket, folder, 0, after)


def _with_lines(stored: StoredObject) -> StoredObject:
    """As a load reads it."""
    key = stored.name.key
    if key.startswith(f"{_UNDELIVERED}/"):
        lines = undelivered_lines(stored)
    elif key.startswith(f"{GIVEN_UP_FOLDER}/"):
        _, lines = given_up_lines(stored)
    else:
        return stored
    return replace(stored, data=b"\n" + lines)  # nothing that begins so is taken for gzip
