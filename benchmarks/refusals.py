"""The load with refused rows, beside the same load without: what is the search for them worth?

One row in a hundred is refused by a CHECK constraint, as many as a load may have: evenly spread, at
random, and side by side. The constraint is there in both loads.
"""

import gzip
import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

from measures import Measure, rates, seconds

import load
from dynaurora.adapters.database import Database
from dynaurora.etl import unpacked
from dynaurora.intake import take_in
from dynaurora.metadata import Metadata
from dynaurora.model.lines import split_lines
from dynaurora.ports import StoredObject
from dynaurora.settings import DatabaseSettings

CONSTRAINT = "alter table orders add check (status <> 'refused')"
CHILD_CONSTRAINT = "alter table orders_lines add check (sku <> 'refused')"
WITH_CHILDREN = load.PLUGIN.replace("import Table", "import Table, rows").replace(
    '"lines": "json"', '"lines": rows("lines[]", {"sku": "text", "price": "numeric(12,2)"})'
)

Spread = Callable[[int], set[int]]
"""Which of so many lines, in key order, are refused."""


def evenly(lines: int) -> set[int]:
    """Every hundredth."""
    return set(range(50, lines, 100))


def at_random(lines: int) -> set[int]:
    """One in a hundred, anywhere."""
    return set(random.Random(lines).sample(range(lines), lines // 100))


def side_by_side(lines: int) -> set[int]:
    """All refused rows one behind the other."""
    return set(range(lines // 3, lines // 3 + lines // 100))


def measure(url: str, folder: Path, *, count: int, times: int) -> Iterator[Measure]:
    """Each spread and kind of table, alternating with the load without refusals."""
    clean = load.objects(count, 1)
    flat, nested = load.PLUGIN, WITH_CHILDREN
    cases = [
        ("evenly", flat, CONSTRAINT, _status, evenly),
        ("at random", flat, CONSTRAINT, _status, at_random),
        ("in a clump", flat, CONSTRAINT, _status, side_by_side),
        ("with child rows", nested, CONSTRAINT, _status, evenly),
        ("children refused", nested, CHILD_CONSTRAINT, _sku, evenly),
    ]
    for name, plugin, constraint, refused, spread in cases:
        (folder / f"{load.TABLE}.py").write_text(plugin)
        bad = [_with_refused(stored, refused, spread) for stored in clean]
        run = partial(_seconds, url, folder, constraint)
        found = [(run(bad, count // 100), run(clean, 0)) for _ in range(times)]
        ours, floor = ([times[i] for times in found] for i in (0, 1))
        yield rates(f"1 % refused, {name}", "postgresql", count, ours, floor)


def _seconds(
    url: str, folder: Path, constraint: str, found: list[StoredObject], refused: int
) -> float:
    load.empty(url)
    database = Database(DatabaseSettings(url=url, secret_arn="", schema="dynaurora"))
    with database.session() as engine:
        Metadata(engine.connection, engine.queries).create()
        first = replace(found[0], name=replace(found[0].name, key=f"{load.TABLE}/0"), data=b"")
        take_in(load.parts_of(engine, folder, [first]), [first.name])
        engine.connection.execute(constraint)
        engine.connection.execute("checkpoint")
        parts = load.parts_of(engine, folder, found)
        time = seconds(partial(take_in, parts, [stored.name for stored in found]))
        ((quarantined,),) = engine.connection.fetch("select count(*) from dynaurora.quarantine")
        assert quarantined == refused
    database.close()
    return time


def _with_refused(
    stored: StoredObject, refused: Callable[[bytes], bytes], spread: Spread
) -> StoredObject:
    lines = list(split_lines(unpacked(stored.data)))
    in_key_order = sorted(range(len(lines)), key=lambda number: _key(lines[number]))
    for place in spread(len(lines)):
        number = in_key_order[place]
        lines[number] = refused(lines[number])
    data = gzip.compress(b"\n".join(lines) + b"\n", compresslevel=1)
    return replace(stored, etag=f"{stored.etag}-refused", data=data)


def _key(line: bytes) -> bytes:
    return line.partition(b'"order_id":{"S":"')[2].partition(b'"')[0]


def _status(line: bytes) -> bytes:
    head, _, tail = line.partition(b'"status":{"S":"')
    return head + b'"status":{"S":"refused' + tail[tail.index(b'"') :]


def _sku(line: bytes) -> bytes:
    head, _, tail = line.partition(b'"sku":{"S":"')
    return head + b'"sku":{"S":"refused' + tail[tail.index(b'"') :]
