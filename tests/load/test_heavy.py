"""Much at once: a server that dies under a large load, and four loaders on the same few keys.

The changes are the same each time; what the threads make of them is not. In the end every table
equals the model by value, and every change is decided.
"""

import random
import sys
import threading
from collections import deque
from dataclasses import dataclass
from decimal import Decimal

import pytest

from dynaurora import portions
from dynaurora.errors import DatabaseAway
from dynaurora.model.events import ObjectName
from dynaurora.model.keys import key_of
from dynaurora.plugins.statements import dialect_of
from support.items import WITH_ROWS, WITH_SUM, delete, put
from support.load import LoadMachine, side_by_side

pytestmark = pytest.mark.each_engine

WITH_ROWS_AND_NUMBERS = WITH_ROWS.replace('"v": "text",', '"g": "text", "n": "numeric(12,2)",')


@dataclass(frozen=True)
class Change:
    """What became of an item. row: group, number and tags; None where it was deleted."""

    item: str
    seq: int
    row: tuple[str, str, tuple[str, ...]] | None

    def line(self):
        if self.row is None:
            return delete(self.seq, self.item)
        group, number, tags = self.row
        return put(self.seq, self.item, g=group, n={"N": number}, tags=list(tags))


def changes_of(chance, count, keys):
    """One change in ten is a delete."""
    for seq in range(1, count + 1):
        item = f"item {chance.randrange(keys)}"
        if chance.random() < 0.1:
            yield Change(item, seq, None)
        else:
            tags = tuple(chance.choices("uvwxyz", k=chance.randrange(4)))
            number = f"{chance.randrange(10**6)}.{chance.randrange(100):02d}"
            yield Change(item, seq, (chance.choice("ghij"), number, tags))


def in_parts(things, size):
    found = list(things)
    return [found[start : start + size] for start in range(0, len(found), size)]


def decided_and_equal(machine, changes):
    """The ledger has the newest change of each key, applied, and ``items`` has what it says."""
    newest = {change.item: change for change in changes}
    key_bytes = dialect_of(machine.engine).key_bytes
    found = [
        (key_bytes(key), int(version) % 10**40, gone, rev)
        for key, version, gone, rev in machine.rows(
            "select k, version, gone, rev from dynaurora.ledger_1"
        )
    ]
    keys = {item: key_of({"id": {"S": item}}) for item in newest}
    assert sorted(found) == sorted((keys[c.item], c.seq, c.row is None, 1) for c in newest.values())
    held = {item: change.row for item, change in newest.items() if change.row}
    assert sorted(machine.rows("select id, g, n from items")) == sorted(
        (item, group, Decimal(number)) for item, (group, number, _) in held.items()
    )
    assert machine.quarantine() == []
    assert machine.rows("select * from dynaurora.gaps") == []
    assert machine.state("items") == ("", "")
    return held


def archived(machine, names):
    assert machine.store.keys("raw") == []
    assert machine.store.keys("backup") == sorted(f"Processed/{name.key}" for name in names)
    ((objects,),) = machine.rows("select count(*) from dynaurora.objects")
    assert objects == len(names)


def test_a_server_that_is_killed_under_a_large_load_loses_and_doubles_nothing(
    tmp_path, own_server, monkeypatch
):
    monkeypatch.setattr(portions, "LOAD_OBJECTS", 5)
    changes = list(changes_of(random.Random(1), 100_000, 60_000))
    with LoadMachine(own_server.url, tmp_path) as machine:
        machine.plugin("items", WITH_SUM)
        lines = (change.line() for change in changes)
        names = [machine.put("items", *part) for part in in_parts(lines, 5_000)]
        kills = []

        def kill_at(step, pause_s):
            def kill(found):
                if found.startswith(step):
                    machine.before = machine.after = lambda _: None
                    kills.append(threading.Timer(pause_s, own_server.kill))
                    kills[-1].start()

            return kill

        for step, pause_s in (("insert into items", 0.05), ("copy staged", 0.02), ("archive", 0)):
            machine.before = kill_at(step, pause_s)
            left = [name for name in names if name.key in machine.store.keys("raw")]
            with pytest.raises(DatabaseAway):
                machine.load(*left)
            kills[-1].join()
            own_server.start()
        assert len(kills) == 3
        machine.load(*names)

        held = decided_and_equal(machine, changes)
        archived(machine, names)
        assert sums(machine) == sums_of(held)


def sums(machine):
    return machine.rows("select g, n, items from sums where items <> 0 order by g")


def sums_of(held):
    groups = {}
    for group, number, _ in held.values():
        groups.setdefault(group, []).append(Decimal(number))
    return sorted((group, sum(numbers), len(numbers)) for group, numbers in groups.items())


@pytest.mark.parametrize("plugin", [WITH_ROWS_AND_NUMBERS, WITH_SUM], ids=["rows", "sum"])
def test_four_loaders_on_hot_keys_end_equal_and_no_deadlock_reaches_anyone(
    machine, plugin, capsys, monkeypatch
):
    monkeypatch.setattr(portions, "LOAD_OBJECTS", 2)
    chance = random.Random(2)
    changes = list(changes_of(chance, 50_000, 500))
    machine.plugin("items", plugin)
    machine.load(machine.put("items", key="items/first"))
    lines = [change.line() for change in changes]
    chance.shuffle(lines)
    parts = in_parts(lines, 500)
    names = [machine.put("items", *part) for part in [*parts, *parts]]
    told = [*names, *names]
    chance.shuffle(told)
    deliveries = deque(in_parts(told, 8))

    def work():
        with machine.twin() as worker:
            while deliveries:
                try:
                    delivery = deliveries.popleft()
                except IndexError:
                    return
                assert worker.load(*delivery).failed == set()

    side_by_side(work, work, work, work)
    said = capsys.readouterr().out
    sys.stdout.write(
        f"races: {said.count('a race')}, deadlocks: {said.count('40P01') + said.count('1213')}\n"
    )  # -rP

    held = decided_and_equal(machine, changes)
    archived(machine, [*names, ObjectName("raw", "items/first")])
    if plugin is WITH_SUM:
        assert sums(machine) == sums_of(held)
    else:
        found = machine.rows("select id, position, tag from items_tags")
        assert sorted(found) == sorted(
            (item, place, tag)
            for item, (*_, tags) in held.items()
            for place, tag in enumerate(tags)
        )
