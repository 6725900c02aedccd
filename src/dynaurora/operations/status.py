"""Status: is all well, and what mends what is not?

    parked tables · quarantine · gaps · objects that wait in the raw bucket · what no column reads

Each comes with the command that mends it. ``needs_a_person`` is what nothing mends by itself.
"""

import re
from itertools import islice
from typing import Final

from dynaurora.intake import SWEEP_AGE_S
from dynaurora.metadata import Gaps, ParkedFor, Quarantine, Registration
from dynaurora.metadata.gaps import REPLAYABLE
from dynaurora.model.events import ERRORS_FOLDER
from dynaurora.operations.desk import Facts, metadata_of, moment
from dynaurora.operations.unmapped import unmapped
from dynaurora.parts import Parts

COUNTED: Final = 1000
"""Objects of a table that are counted, as S3 lists them in one answer; more are told as more."""

LATE_S: Final = SWEEP_AGE_S + 2 * 15 * 60
"""An object that is older has been met by a sweep, and is still there."""

_HOUR: Final = re.compile(r"[^/]+/(\d{4})/(\d\d)/(\d\d)/(\d\d)/")

_ACCEPTED: Final = re.compile(r"`(dynaurora stream accept [^`]+)`")

_MENDED_BY: Final = {
    "unknown": "add sqlqueries/{table}.py, dynaurora deploy",
    "plugin": "correct its plugin, dynaurora deploy",
    "stream": "dynaurora stream accept ARN",
    "error": "look at the database, dynaurora unpark {table}",
    "dropped": "dynaurora unpark {table}",
}


def status(parts: Parts) -> Facts:
    """How the pipeline is."""
    parked = {each.table: each for each in metadata_of(parts).registrations() if each.parked_for}
    facts: Facts = {
        "parked": [_parked(registration) for registration in parked.values()],
        "quarantine": _quarantine(parts),
        "gaps": _gaps(parts),
        "waiting": _waiting(parts, parked),
        "unmapped": unmapped(parts),
    }
    return {**facts, "needs_a_person": _needs_a_person(facts)}


def _needs_a_person(facts: Facts) -> bool:
    """A table that an operator has dropped, and what waits for it, is as it should be."""
    return (
        any(each["parked_for"] != "dropped" for each in facts["parked"])
        or bool(facts["quarantine"] or facts["gaps"])
        or any(each["late"] and not each["parked_for"] for each in facts["waiting"])
    )


def _parked(registration: Registration) -> Facts:
    why: ParkedFor = registration.parked_for
    accepted = _ACCEPTED.search(registration.reason) if why == "stream" else None
    return {
        "table": registration.table,
        "parked_for": why,
        "since": moment(registration.parked_at),
        "reason": registration.reason,
        "mended_by": accepted[1] if accepted else _MENDED_BY[why].format(table=registration.table),
    }


def _quarantine(parts: Parts) -> list[Facts]:
    counted = Quarantine(parts.engine.connection, parts.engine.queries).counted()
    return [
        {
            "table": table,
            "reason": reason,
            "entries": entries,
            "oldest": moment(oldest),
            "mended_by": f"dynaurora quarantine list --table {table} --reason {reason}",
        }
        for table, reason, entries, oldest in counted
    ]


def _gaps(parts: Parts) -> list[Facts]:
    counted = Gaps(parts.engine.connection, parts.engine.queries).counted()
    return [
        {
            "table": table,
            "kind": kind,
            "gaps": gaps,
            "changes": changes or None,
            "oldest": moment(oldest),
            "mended_by": f"dynaurora gaps replay {table}"
            if kind in REPLAYABLE and table
            else "dynaurora gaps list",
        }
        for table, kind, gaps, changes, oldest in counted
    ]


def _waiting(parts: Parts, parked: dict[str, Registration]) -> list[Facts]:
    """What is in the raw bucket; the errors below it are gaps."""
    folders = parts.store.folders(parts.raw_bucket)
    return [
        _folder(parts, table, parked[table].parked_for if table in parked else "")
        for table in folders
        if table != ERRORS_FOLDER
    ]


def _folder(parts: Parts, table: str, parked_for: str) -> Facts:
    store, bucket = parts.store, parts.raw_bucket
    names = list(islice(store.list_older(bucket, table, 0), COUNTED + 1))
    late = list(islice(store.list_older(bucket, table, LATE_S), COUNTED))
    return {
        "table": table,
        "objects": len(names[:COUNTED]),
        "are_more": len(names) > COUNTED,
        "late": len(late),
        "oldest": _hour(names[0].key) if names else None,
        "parked_for": parked_for,
        "mended_by": "" if parked_for or not late else "look at the load's log",
    }


def _hour(key: str) -> str | None:
    """Keys say the hour in which Firehose took the first record, and are listed in that order."""
    found = _HOUR.match(key)
    return f"{found[1]}-{found[2]}-{found[3]}T{found[4]}:00:00+00:00" if found else None
