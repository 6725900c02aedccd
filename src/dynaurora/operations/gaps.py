"""Gaps: what is known to be missing is listed, loaded where something is left of it, or closed."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from dynaurora.errors import DatabaseAway, DynauroraError, ProjectError
from dynaurora.etl import Loaded
from dynaurora.metadata import Gap, Gaps
from dynaurora.metadata.gaps import REPLAYABLE
from dynaurora.operations.again import load_again
from dynaurora.operations.desk import LIMIT, Desk, Facts, added, moment
from dynaurora.operations.leftovers import given_up_lines, undelivered_lines
from dynaurora.parts import Parts
from dynaurora.ports import StoredObject

AT_ONCE: Final = 10_000
"""Gaps that are looked at in one call."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """What became of one gap; ``error`` says why it is still open."""

    gap: Gap
    loaded: Loaded = field(default_factory=Loaded)
    error: DynauroraError | None = None


def list_gaps(desk: Desk, *, table: str = "", is_all: bool = False, limit: int = LIMIT) -> Facts:
    """The open gaps, or all, the oldest first."""
    found = _gaps(desk).listed(table=table, is_all=is_all, limit=limit)
    return {"gaps": [_facts(gap) for gap in found]}


def close_gap(desk: Desk, *, name: str, why: str) -> Facts:
    """Close the gap of an object, by its key, because a person has looked into it."""
    if not _gaps(desk).close(name, "closed", why):
        raise ProjectError(
            f"gap {name}", "none is open", "an object of `dynaurora gaps list`", "Correct it."
        )
    return {"object": name, "closed": True}


def replay_each(parts: Parts, table: str = "", skip: int = 0) -> Iterator[Replayed]:
    """Load what the open gaps hold, and close them; each is whole when it is told of.

    skip: the first so many, which were tried before and are still open.
    A crash in between leaves the gap open, and loading it again changes nothing.
    Raises ``DatabaseAway``; what is wrong with one gap is told, and the others go on.
    """
    listed = _gaps(parts).listed(table=table, limit=AT_ONCE)
    replayable = (gap for gap in listed if gap.notice.kind in REPLAYABLE)
    for gap in islice(replayable, skip, None):
        try:
            yield Replayed(gap, _replayed(parts, gap))
        except DatabaseAway:
            raise
        except DynauroraError as error:
            yield Replayed(gap, error=error)


def replay_gaps(parts: Parts, *, table: str = "", skip: int = 0) -> Facts:
    """Replay while there is time; ``is_done`` says whether every gap was tried. skip: as above."""
    counts: dict[str, int] = {"gaps": 0, "applied": 0, "superseded": 0, "quarantined": 0}
    errors: list[Facts] = []
    is_done = True
    for number, replayed in enumerate(replay_each(parts, table, skip), 1):
        if replayed.error is None:
            counts = added(counts, _counts(replayed.loaded))
        else:
            errors.append({"object": replayed.gap.notice.object.key, **replayed.error.facts})
        if number == AT_ONCE or not parts.has_time():
            is_done = False
            break
    return {"replayed": counts, "errors": errors, "is_done": is_done}


def _gaps(desk: Desk) -> Gaps:
    return Gaps(desk.engine.connection, desk.engine.queries)


def _replayed(parts: Parts, gap: Gap) -> Loaded:
    name = gap.notice.object
    stored = parts.store.read(name)
    if stored is not None:
        loaded = _loaded(parts, gap, stored)
        if gap.notice.kind == "undelivered":
            _archive(parts, stored)
    elif parts.store.exists(name.processed(parts.backup_bucket)):
        loaded = Loaded()  # it was loaded, and then something came between
    else:
        raise ProjectError(
            f"object {name.key}",
            "it is gone, so nothing is left of it to load",
            f"it to be in {name.bucket}",
            f"Compare the table, then `dynaurora gaps close '{name.key}' --why …`.",
        )
    _gaps(parts).close(name.key, "replayed", "")
    return loaded


def _loaded(parts: Parts, gap: Gap, stored: StoredObject) -> Loaded:
    name = stored.name
    if gap.notice.kind == "undelivered":
        return load_again(parts, gap.notice.table, [(name, undelivered_lines(stored))])
    table, lines = given_up_lines(stored)
    return load_again(parts, table, [(name, lines)])


def _archive(parts: Parts, stored: StoredObject) -> None:
    """The original is kept: below ``Processed/``, as what was loaded is."""
    target = stored.name.processed(parts.backup_bucket)
    if parts.store.copy(stored.name, stored.etag, target):
        parts.store.delete(stored.name)


def _counts(loaded: Loaded) -> dict[str, int]:
    return {
        "gaps": 1,
        "applied": loaded.applied,
        "superseded": loaded.superseded,
        "quarantined": loaded.quarantined + loaded.unreadable,
    }


def _facts(gap: Gap) -> Facts:
    notice = gap.notice
    return {
        "kind": notice.kind,
        "table": notice.table,
        "bucket": notice.object.bucket,
        "object": notice.object.key,
        "condition": notice.condition,
        "changes": notice.changes,
        "state": gap.state,
        "noticed_at": moment(gap.noticed_at),
        "closed_at": moment(gap.closed_at),
        "why": gap.why,
        "mended_by": _mended_by(gap),
    }


def _mended_by(gap: Gap) -> str:
    if gap.state != "open":
        return ""
    if gap.notice.kind in REPLAYABLE and gap.notice.table:
        return f"dynaurora gaps replay {gap.notice.table}"
    return f"dynaurora gaps close '{gap.notice.object.key}' --why …"
