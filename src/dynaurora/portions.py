"""Portions: objects of a table, so many at a time that a transaction is neither large nor long.

object names ─► read ─► stage ─► load, commit
                └── the next portion ──┘ meanwhile
"""

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Final

from dynaurora.errors import LoadRace
from dynaurora.etl import Loaded, Staged, load
from dynaurora.log import log
from dynaurora.metadata import Metadata, Registration
from dynaurora.model.events import ObjectName
from dynaurora.parts import Parts
from dynaurora.ports import ObjectStore, StoredObject

LOAD_BYTES: Final = 16 * 1024 * 1024
LOAD_OBJECTS: Final = 1000
"""One transaction takes objects until it has this much, unpacked: it bounds the memory of a load,
and the next portion is staged while the database works on the last."""

BODY_BYTES: Final = 64 * 1024 * 1024
"""A load of several objects has at most this much in bodies, which it fetches one by one: some 20
to 60 of them, so that it comes to its end in seconds."""

RACE_TRIES: Final = 5


def read_portions(
    store: ObjectStore, names: Iterable[ObjectName], missing: list[ObjectName]
) -> Iterator[list[StoredObject]]:
    """The objects in portions of one transaction each, and the names of those that are gone."""
    portion: list[StoredObject] = []
    size = 0
    for name in names:
        stored = store.read(name)
        if stored is None:
            missing.append(name)
            continue
        if portion and (size + stored.unpacked_bytes > LOAD_BYTES or len(portion) == LOAD_OBJECTS):
            yield portion
            portion, size = [], 0
        portion.append(stored)
        size += stored.unpacked_bytes
    if portion:
        yield portion


def within_bodies(
    staging: Callable[[Sequence[StoredObject]], Staged], portions: Iterable[Sequence[StoredObject]]
) -> Iterator[Staged]:
    """The portions as rows; one whose lines are pointers to too many bodies is taken in halves."""
    for objects in portions:
        staged = staging(objects)
        if staged.staging.body_bytes > BODY_BYTES and len(objects) > 1:
            middle = len(objects) // 2
            yield from within_bodies(staging, [objects[:middle], objects[middle:]])
        else:
            yield staged


def load_portions(
    parts: Parts, metadata: Metadata, registration: Registration, portions: Iterator[Staged]
) -> Iterator[tuple[Staged, Loaded]]:
    """Load what is staged while there is time, and tell of each portion when it is committed; the
    next is read and staged while the database works on the last."""
    with ThreadPoolExecutor(1, "load") as database:
        running: tuple[Staged, Future[Loaded]] | None = None
        for staged in portions:
            if running is not None:
                if not parts.has_time():
                    break
                before, loading = running
                yield before, loading.result()
            running = staged, database.submit(load_staged, parts, metadata, registration, staged)
        if running is not None:
            before, loading = running
            yield before, loading.result()


def load_staged(
    parts: Parts, metadata: Metadata, registration: Registration, staged: Staged
) -> Loaded:
    """Load; after a race the whole transaction is done again, on what is registered then."""
    for number in range(1, RACE_TRIES + 1):
        try:
            return load(parts.engine, registration, staged, partial(_body, parts))
        except LoadRace as error:
            if number == RACE_TRIES:
                raise
            table = registration.table
            log("info", "a race: the load is done again", table=table, code=error.code)
            parts.clock.sleep(random.uniform(0, 0.1 * 2**number))  # noqa: S311 - spreads retries
            registration = metadata.registration(table)
    raise AssertionError


def _body(parts: Parts, key: str) -> bytes | None:
    """The body of a change that was too large for its line."""
    stored = parts.store.read(ObjectName(parts.backup_bucket, key))
    return stored.data if stored else None


def summed(one: Loaded, other: Loaded) -> Loaded:
    """What two loads came to, together."""
    return Loaded(*(getattr(one, n) + getattr(other, n) for n in Loaded.__dataclass_fields__))
