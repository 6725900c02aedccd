"""What has to hold in the end, whatever has happened.

- Aurora equals DynamoDB, by value;
- the backup bucket holds every change;
- every change is exactly one of applied, superseded and quarantined, and was applied at most once;
- no table is parked, no object waits, and no log holds what is in an item.
"""

import json
from base64 import b64decode
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from dynaurora.capture import line_of
from dynaurora.model.keys import key_of
from dynaurora.model.lines import split_lines
from dynaurora.model.versions import sequence_digits, stream_of
from simulation.dynamodb import Change
from simulation.s3 import BACKUP, RAW
from simulation.subjects import Rows, Subject, history_checks
from simulation.world import Divergence, World, content


def check_accounts(world: World, log: str) -> None:
    """What holds at any quiet moment, also while changes are in quarantine."""
    if "secret" in log:
        place = log.index("secret")
        raise Divergence(f"a log holds an item: {log[max(0, place - 300) : place + 40]}")
    if f'"found":"{world.engine.deadlock}"' in log:
        raise Divergence("a deadlock reached the user")
    _equal("waiting objects", world.s3.keys(RAW), [])
    parked = world.rows(
        "select name, parked_for, reason from dynaurora.tables where parked_for is not null"
    )
    _equal("parked tables", parked, [])
    for subject in world.history.subjects:
        changes = world.tables[subject.table].changes
        _check_ledger(world, subject, changes)
        _check_writes(world, subject, changes)


def check_archive(world: World) -> None:
    """The backup bucket holds every change."""
    archived = _archived(world)
    for subject in world.history.subjects:
        made = {change.version for change in world.tables[subject.table].changes}
        missing = sorted(made - archived[subject.table])
        _equal(f"changes of {subject.table} that the backup lacks", missing, [])


def check_equal(world: World, *, has_all_come_again: bool) -> None:
    """What holds when nothing is in quarantine any more: Aurora equals DynamoDB.

    has_all_come_again: since what was refused is not any more. Until then a history lacks versions
    that were refused, and superseded before they were mended.
    """
    still_open = world.rows(
        "select * from dynaurora.quarantine where state = 'open' and reason <> 'unreadable'"
    )
    _equal("open entries of the quarantine", still_open, [])
    for subject in world.history.subjects:
        table = world.tables[subject.table]
        for query, expected in subject.checks(table.items):
            _same_rows(query, world.rows(query), _held(world, expected))
        for query, possible in subject.some(table.changes):
            _equal(query, sorted(set(world.rows(query)) - set(possible)), [])
        if subject.has_history and has_all_come_again:
            for query, expected in history_checks(table.changes):
                _same_rows(query, world.rows(query), expected)


def _check_ledger(world: World, subject: Subject, changes: list[Change]) -> None:
    ((number,),) = world.rows(f"select number from dynaurora.tables where name = '{subject.table}'")
    ledger = {
        world.engine.key_bytes(key): (int(version), rev, gone)
        for key, version, rev, gone in world.rows(
            f"select k, version, rev, gone from dynaurora.ledger_{number}"
        )
    }
    entries = {
        (world.engine.key_bytes(key), int(version)): state
        for key, version, state in world.rows(
            "select k, version, state from dynaurora.quarantine "
            f"where table_number = {number} and reason <> 'unreadable'"
        )
    }
    newest = {key_of(change.write.key): change for change in changes}
    _equal(f"keys of {subject.table}", sorted(ledger), sorted(newest))
    for key, (version, rev, gone) in ledger.items():
        change = newest[key]
        _equal(
            f"ledger of {change.write}",
            (version, gone),
            (change.version, change.write.item is None),
        )
        _equal(f"refused: {change.write}", rev == 0, entries.get((key, version)) == "open")
    for (key, version), state in entries.items():
        decided, rev, _ = ledger[key]
        expected = "superseded" if version < decided else "retried" if rev else "open"
        _equal(f"quarantined: {newest[key].write}, version {version}", state, expected)


def _check_writes(world: World, subject: Subject, changes: list[Change]) -> None:
    written = Counter(v for (v,) in world.rows(f"select v from {subject.sql_table}_writes"))
    twice = sorted(v[:20] for v, times in written.items() if times > 1)
    _equal(f"changes of {subject.table} that were applied twice", twice, [])
    made = {change.write.item["v"]["S"] for change in changes if change.write.item}
    _equal(f"rows of {subject.table} from nowhere", sorted(set(written) - made), [])


def _archived(world: World) -> dict[str, set[int]]:
    """The versions of every table that the backup bucket holds."""
    found: dict[str, set[int]] = {subject.table: set() for subject in world.history.subjects}
    for line in _archived_lines(world):
        claim = line.get("claim")
        if claim is None or (BACKUP, claim["object"]) in world.s3.objects:
            digits = stream_of(line["stream"]).version_prefix() + sequence_digits(line["seq"])
            found[line["table"]].add(int(digits))
    return found


def _archived_lines(world: World) -> Iterator[Mapping[str, Any]]:
    """What was loaded, what Firehose could not deliver, and what the stream's mapping gave up."""
    for key in world.s3.keys(BACKUP, "Processed/"):
        data = content(world.s3.objects[BACKUP, key].data)
        for text in data.splitlines():
            if key.startswith("Processed/(errors)/"):
                yield from _lines(b64decode(json.loads(text)["rawData"]))
            else:
                yield from _lines(text)
    for key in world.s3.keys(BACKUP, "aws/lambda/"):
        told = json.loads(world.s3.objects[BACKUP, key].data)
        yield from map(line_of, json.loads(told["payload"])["Records"])


def _lines(data: bytes) -> Iterator[Mapping[str, Any]]:
    for text in split_lines(data):
        with suppress(ValueError):  # a line that is none is in quarantine
            line = json.loads(text)
            if "unreadable" not in line:
                yield line


def _same_rows(query: str, found: Rows, expected: Rows) -> None:
    """The same rows in any order, the same number of times."""
    more = Counter(map(_hashable, found))
    more.subtract(map(_hashable, expected))
    wrong = sorted(f"{'+' if n > 0 else '-'} {row}" for row, n in more.items() if n)
    if wrong:
        raise Divergence(
            "\n  ".join([f"{query}: rows that are there (+) and should be (-)", *wrong[:40]])
        )


def _held(world: World, rows: Rows) -> Rows:
    """As the engine gives them."""
    return [tuple(map(world.engine.held, row)) for row in rows]


def _hashable(row: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(tuple(value) if isinstance(value, list) else value for value in row)


def _equal(what: str, found, expected) -> None:
    if found != expected:
        raise Divergence(f"{what}: found {_cut(found)}, expected {_cut(expected)}")


def _cut(value) -> str:
    text = repr(value)
    return text if len(text) < 2_000 else f"{text[:2_000]}…"
