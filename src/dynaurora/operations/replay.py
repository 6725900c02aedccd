"""Replay: the archive of a table is loaded again, in the order in which it was written.

What is applied already changes nothing. After a drop, or once the generation was raised, every
item's newest change is applied once more: that fills columns that a plugin has gained.
"""

from collections.abc import Iterator

from dynaurora.model.events import PROCESSED_FOLDER, ObjectName
from dynaurora.operations.again import registration_to_load, staging_again
from dynaurora.operations.desk import Desk, Facts, metadata_of
from dynaurora.parts import Parts
from dynaurora.portions import load_portions, read_portions, within_bodies


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
    names = _archived(parts, table, after)
    portions = within_bodies(
        staging_again(parts, registration), read_portions(parts.store, names, missing)
    )
    counts = {"objects": 0, "applied": 0, "superseded": 0, "quarantined": 0}
    last = after
    for staged, loaded in load_portions(parts, metadata_of(parts), registration, portions):
        last = max(last, *(stored.name.key for stored in staged.objects))
        counts["objects"] += len(staged.objects)
        counts["applied"] += loaded.applied
        counts["superseded"] += loaded.superseded
        counts["quarantined"] += loaded.quarantined + loaded.unreadable
    is_done = next(_archived(parts, table, last), None) is None
    return {"replayed": counts, "after": last, "is_done": is_done}


def count_older(desk: Desk, *, table: str) -> Facts:
    """How many items were last applied in an earlier generation: the archive lacks their change."""
    metadata = metadata_of(desk)
    return {"table": table, "items": metadata.count_older(metadata.registration(table))}


def _archived(parts: Parts, table: str, after: str) -> Iterator[ObjectName]:
    return parts.store.list_older(parts.backup_bucket, f"{PROCESSED_FOLDER}/{table}", 0, after)
