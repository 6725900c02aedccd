"""The quarantine: what could not be read or stored is looked at, loaded again, or let go."""

import json
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Any, Final

from dynaurora.errors import DatabaseAway, DynauroraError, ProjectError
from dynaurora.etl import LEAST_BUDGET
from dynaurora.metadata import Chosen, Entry, Quarantine
from dynaurora.operations.again import load_again
from dynaurora.operations.desk import LIMIT, Desk, Facts, added, moment
from dynaurora.parts import Parts
from dynaurora.portions import LOAD_BYTES

PORTION: Final = LEAST_BUDGET
"""Entries that are loaded together. So few that all may be refused again and still be within the
budget of a load: a retry that does not help parks no table."""

SHOWN_BYTES: Final = 5_000_000
"""Of a line that is longer, written as JSON, `show` has the beginning: it must fit the answer of a
Lambda, whose limit is in `dynaurora.commands`."""


@dataclass(frozen=True, slots=True)
class Retried:
    """What one portion came to. last: the number of its last entry.

    counts: by table, how many were ``retried`` (applied now), ``superseded`` and ``refused`` again.
    errors: by table, why its entries could not be loaded at all.
    """

    entries: int
    last: int
    counts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    errors: Mapping[str, DynauroraError] = field(default_factory=dict)


def list_quarantine(desk: Desk, *, limit: int = LIMIT, **chosen: Any) -> Facts:
    """Entries without what their lines hold. chosen: fields of `Chosen`."""
    wanted = Chosen(**chosen)
    entries = _quarantine(desk).entries(wanted, limit=limit)
    return {"total": _quarantine(desk).count(wanted), "entries": [_facts(e) for e in entries]}


def show_quarantine(desk: Desk, *, number: int) -> Facts:
    """One entry whole, with its line. Raises ``ProjectError`` where there is none."""
    chosen = Chosen(state="", numbers=[number])
    found = _quarantine(desk).entries(chosen, limit=1, with_lines=True)
    if not found:
        raise ProjectError(
            f"entry {number}", "there is none", "a number of `dynaurora quarantine list`"
        )
    (entry,) = found
    return {**_facts(entry), "message": entry.message, **_line_facts(entry.line)}


def discard_quarantine(desk: Desk, *, numbers: Sequence[int], why: str = "") -> Facts:
    """Close open entries. Neither the ledger nor a row is touched: what is there stays."""
    return {"discarded": _quarantine(desk).discard(numbers, why)}


def retry_portions(parts: Parts, chosen: Chosen | None = None) -> Iterator[Retried]:
    """Load the open entries that are chosen again, portion by portion, in the order of their
    numbers; each portion is committed when it is told of. What is quarantined meanwhile is not.

    Raises ``DatabaseAway``; what is wrong with one table is told, and the others go on.
    """
    wanted = replace(chosen or Chosen(), state="open")
    if wanted.until is None:
        wanted = replace(wanted, until=_quarantine(parts).last())
    while entries := _portion(_quarantine(parts), wanted):
        yield _retried(parts, entries)
        wanted = replace(wanted, after=entries[-1].number)


def retry_quarantine(parts: Parts, **chosen: Any) -> Facts:
    """Retry while there is time; ``after`` is where to go on, None when all is done, and ``until``
    where to end then."""
    wanted = Chosen(**chosen)
    until = _quarantine(parts).last() if wanted.until is None else wanted.until
    facts: Facts = {"entries": 0, "tables": {}, "errors": {}, "after": None, "until": until}
    tables: dict[str, Mapping[str, int]] = {}
    for portion in retry_portions(parts, replace(wanted, until=until)):
        facts["entries"] += portion.entries
        for table, counts in portion.counts.items():
            tables[table] = added(tables.get(table, {}), counts)
        for table, error in portion.errors.items():
            facts["errors"][table] = error.facts
        if not parts.has_time():
            facts["after"] = portion.last
            break
    return {**facts, "tables": tables}


def _quarantine(desk: Desk) -> Quarantine:
    return Quarantine(desk.engine.connection, desk.engine.queries)


def _portion(quarantine: Quarantine, chosen: Chosen) -> list[Entry]:
    """The next entries, with their lines, as far as they fit a load."""
    sizes = quarantine.entries(chosen, limit=PORTION)
    fitting: list[int] = []
    size = 0
    for entry in sizes:
        size += entry.line_bytes
        if fitting and size > LOAD_BYTES:
            break
        fitting.append(entry.number)
    if not fitting:
        return []
    numbers = replace(chosen, numbers=fitting, after=0)
    found = quarantine.entries(numbers, limit=PORTION, with_lines=True)
    # What was settled meanwhile is left out; the portion ends where it was to end.
    return found or _portion(quarantine, replace(chosen, after=fitting[-1]))


def _retried(parts: Parts, entries: Sequence[Entry]) -> Retried:
    counts: dict[str, Mapping[str, int]] = {}
    errors: dict[str, DynauroraError] = {}
    ordered = sorted(entries, key=lambda entry: (entry.table, entry.number))
    for table, found in groupby(ordered, key=lambda entry: entry.table):
        try:
            counts[table] = _loaded(parts, table, list(found))
        except DatabaseAway:
            raise
        except DynauroraError as error:
            errors[table] = error
    return Retried(len(entries), entries[-1].number, counts, errors)


def _loaded(parts: Parts, table: str, entries: Sequence[Entry]) -> Mapping[str, int]:
    loaded = load_again(
        parts,
        table,
        [(entry.object, entry.line) for entry in entries],
        [entry.line for entry in entries if entry.reason == "unreadable"],
    )
    return {
        "retried": loaded.applied,
        "superseded": loaded.superseded,
        "refused": loaded.quarantined + loaded.unreadable,
    }


def _facts(entry: Entry) -> Facts:
    """What an entry is, without what its line holds: a database's message may quote a value."""
    return {
        "number": entry.number,
        "table": entry.table,
        "key": "" if entry.reason == "unreadable" else entry.key,
        "version": "" if entry.reason == "unreadable" else entry.version,
        "state": entry.state,
        "reason": entry.reason,
        "message": "" if entry.reason == "database" else entry.message,
        "code": entry.code,
        "plugin_digest": entry.plugin_digest,
        "bucket": entry.object.bucket,
        "object": entry.object.key,
        "attempts": entry.attempts,
        "quarantined_at": moment(entry.quarantined_at),
        "settled_at": moment(entry.settled_at),
        "why": entry.why,
        "line_bytes": entry.line_bytes,
    }


def _line_facts(text: bytes) -> Facts:
    """The line as the text that it is, else in base64, and so much of it as fits."""
    try:
        return {"line": _beginning(text.decode())}
    except UnicodeDecodeError:
        return {"line": None, "line_base64": b64encode(text).decode("ascii")[:SHOWN_BYTES]}


def _beginning(text: str) -> str:
    while len(json.dumps(text)) > SHOWN_BYTES:
        text = text[: len(text) // 2]
    return text
