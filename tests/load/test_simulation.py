"""Random histories: whatever the world does to the load, the tables equal DynamoDB in the end.

Changes of a few hot keys arrive doubled, out of order and in several objects; objects are told of
several times, to several workers at once; workers die at any step, their sessions end; some changes
cannot be read, stored or are refused; some are pointers, and of these some have no body. Then

- each distinct change is exactly one of applied, superseded, quarantined;
- no change was applied twice;
- what was good is in the history, with what lost;
- and when the refusals are mended and the whole archive is loaded again, all is equal to the model.

What a seed does is the same each time but for what the threads make of it. More seeds:
``DYNAURORA_SEEDS=1000 pytest tests/load/test_simulation.py``.
"""

import os
import random
from collections import Counter, deque
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal

import pytest

from dynaurora import portions
from dynaurora.errors import DatabaseAway, DatabaseUnknown
from dynaurora.metadata import Metadata
from dynaurora.model.keys import key_of
from dynaurora.model.versions import sequence_digits, stream_of
from dynaurora.plugins.statements import dialect_of
from support.items import delete, put
from support.load import Crash, LoadMachine, side_by_side, stream_arn
from support.sql import raising, refusing_no_more

pytestmark = pytest.mark.each_engine

SEEDS = range(int(os.environ.get("DYNAURORA_SEEDS", "6")))
WORKERS = 3
CHANGES = 70
KEYS = tuple("abcdef")
LABELS = ("2026-01-01T00:00:00.000", "2026-02-01T00:00:00.000")

DECLARED = """
    from dynaurora import Table, rows

    items = Table(
        key="id",
        columns={
            "id": "text",
            "v": "text",
            "g": "text",
            "n": "numeric(12,2)",
            "tags": rows("tags[]", {"tag": ("text", "$")}),
        },
    )
"""
BY_HAND = (
    DECLARED
    + """
    create_table_queries = [
        items,
        {
            "postgresql": '''create table if not exists sums (
                g text primary key, n numeric not null, items int)''',
            "mysql": '''create table if not exists sums (
                g varchar(255) primary key, n decimal(60,27) not null, items int)''',
        },
        {
            "postgresql": '''create table if not exists versions (
                id text, _version numeric(57), v text, deleted boolean,
                primary key (id, _version))''',
            "mysql": '''create table if not exists versions (
                id varchar(255), _version decimal(57), v longtext, deleted boolean,
                primary key (id, _version))''',
        },
    ]
    insert_table_queries = [
        items,
        {
            "postgresql": '''insert into sums
                select g, sum(n), sum(one) from (
                  select g, n, 1 as one from staged union all select g, -n, -1 from replaced_items
                ) as d group by g order by g
                on conflict (g) do update
                set n = sums.n + excluded.n, items = sums.items + excluded.items''',
            "mysql": '''insert into sums select * from (
                  select g, sum(n) as n, sum(one) as items from (
                    select g, n, 1 as one from staged union all select g, -n, -1 from replaced_items
                  ) as d group by g
                ) as added order by g
                on duplicate key update n = sums.n + added.n, items = sums.items + added.items''',
        },
        {
            "postgresql": '''insert into versions select id, _version, v, _deleted from changes
                             on conflict do nothing''',
            "mysql": '''insert into versions
                        select * from (select id, _version, v, _deleted from changes) as n
                        on duplicate key update id = versions.id''',
        },
    ]
    drop_table_queries = [items, "drop table if exists sums", "drop table if exists versions"]
"""
)
AUDIT = {
    "postgresql": (
        "create table writes (id text, v text)",
        """create function audit() returns trigger language plpgsql as $$
           begin insert into writes values (new.id, new.v); return new; end $$""",
        """create trigger audit after insert or update on items
           for each row execute function audit()""",
    ),
    "mysql": (
        "create table writes (id text, v text)",
        *(
            f"create trigger audit_{event} after {event} on items for each row"
            " insert into writes values (new.id, new.v)"
            for event in ("insert", "update")
        ),
    ),
}
END_SESSIONS = {
    "postgresql": "select pg_terminate_backend(pid) from pg_stat_activity where "
    "datname = current_database() and application_name = 'dynaurora'",
    "mysql": "select concat('kill ', id) from information_schema.processlist "
    "where db = database() and id <> connection_id()",
}


@dataclass(frozen=True)
class Change:
    """A change as DynamoDB made it. ``why_refused``: "", "value", "database" or "body"."""

    item: str
    stream: str
    seq: int
    row: tuple | None
    tags: tuple
    why_refused: str
    is_large: bool = False

    @property
    def version(self):
        return int(stream_of(self.stream).version_prefix() + sequence_digits(str(self.seq)))

    def line(self):
        if self.row is None:
            return delete(self.seq, self.item, stream=self.stream)
        v, g, n = self.row
        image = {"v": v, "g": g, "n": n, "tags": list(self.tags)}
        return put(self.seq, self.item, **image, fields={"stream": self.stream})


def history(chance):
    """The changes of a table, in the order in which they were made."""
    made = []
    for number in range(CHANGES):
        stream = stream_arn("items", LABELS[number * 2 // CHANGES])
        seq = 10**21 + number if number * 2 < CHANGES else number  # a new stream may begin lower
        item = chance.choice(KEYS)
        if chance.random() < 0.25:
            made.append(Change(item, stream, seq, None, (), ""))
            continue
        why = chance.choices(["", "value", "database", "body"], [80, 7, 7, 6])[0]
        is_large = why == "body" or chance.random() < 0.3
        n = "0.001" if why == "value" else f"{chance.randint(-5, 500) / 4:.2f}"
        v = f"{item}{number}" + ("bad" if why == "database" else "")
        tags = tuple(chance.choice("xyz") for _ in range(chance.randint(0, 3)))
        row = (v, chance.choice("gh"), n)
        made.append(Change(item, stream, seq, row, tags, why, is_large))
    return made


@dataclass
class World:
    """A pipeline in which much goes wrong.

    deliveries: what the queue tells of. archived: what has to be in the archive in the end.
    """

    machine: LoadMachine
    chance: random.Random
    changes: list[Change]
    junk: set[bytes] = field(default_factory=set)
    deliveries: deque = field(default_factory=deque)
    archived: list[str] = field(default_factory=list)

    def write(self):
        """Put the changes into objects as Firehose may, and tell of these as SQS may."""
        lines = [self.travelling(change) for change in self.changes]
        objects = []
        while lines:
            size = self.chance.randint(1, 9)
            part, lines = lines[:size], lines[size:]
            objects.append(part)
            if self.chance.random() < 0.2:
                objects.append(part[self.chance.randrange(size) :])
        if self.chance.random() < 0.7:
            self.chance.shuffle(objects)
        for part in objects:
            if self.chance.random() < 0.3:
                self.chance.shuffle(part)
            if self.chance.random() < 0.2:
                part.append(b"junk %d" % self.chance.randrange(3))
                self.junk.add(part[-1])
        names = [self.machine.put("items", *part) for part in objects]
        self.archived = sorted(
            self.machine.store.keys("backup") + [f"Processed/{n.key}" for n in names]
        )
        told = [name for name in names for _ in range(self.chance.choice((0, 1, 1, 1, 2, 3)))]
        while told:
            size = self.chance.randint(1, 4)
            self.deliveries.append(told[:size])
            told = told[size:]
        if self.chance.random() < 0.5:
            self.chance.shuffle(self.deliveries)

    def travelling(self, change, *, is_mended=False):
        """The line of a change, or the pointer to it."""
        if not change.is_large:
            return change.line()
        has_body = is_mended or change.why_refused != "body"
        return self.machine.pointer(change.line(), has_body=has_body)

    def work(self, seed):
        """A worker: it loads what the queue tells of until nothing is left, and dies often."""
        chance = random.Random(seed)

        def step(found):
            point = chance.random()
            if point < (0.06 if found in ("commit", "archive", "delete") else 0.004):
                raise Crash
            if point > 0.998:
                self.end_sessions()

        with self.machine.twin() as machine:
            machine.before = machine.after = step
            while self.deliveries:
                try:
                    names = self.deliveries.popleft()
                except IndexError:
                    return
                try:
                    report = machine.load(*names)
                except Crash:
                    machine.database.close()
                    self.deliveries.append(names)
                except DatabaseAway:
                    self.deliveries.append(names)
                else:
                    if report.failed:
                        self.deliveries.append(sorted(report.failed))

    def end_sessions(self):
        server = self.machine.server
        for (kill,) in server.execute(END_SESSIONS[server.engine]):
            if server.engine == "mysql":
                with suppress(DatabaseUnknown):  # it has ended by itself
                    server.execute(kill)

    def newest(self):
        """The newest change of each key."""
        return {change.item: change for change in self.changes}


@pytest.fixture(params=["declared", "by hand"])
def plugin(request):
    return {"declared": DECLARED, "by hand": BY_HAND}[request.param]


@pytest.mark.parametrize("seed", SEEDS)
def test_a_random_history_ends_equal_to_the_model(machine, plugin, seed, capsys, monkeypatch):
    chance = random.Random(seed)
    monkeypatch.setattr(portions, "LOAD_OBJECTS", chance.choice((1_000, 2)))
    world = World(machine, chance, history(chance))
    machine.plugin("items", plugin)
    machine.load(machine.put("items"))
    for statement in AUDIT[machine.engine]:
        machine.execute(statement)
    raising_bad(machine)
    with machine.database.session() as engine:
        metadata = Metadata(engine.connection, engine.queries)
        for label in LABELS:
            metadata.register_stream("items", stream_arn("items", label), "id")
    world.write()
    side_by_side(*[lambda seed=seed, n=n: world.work(f"{seed} {n}") for n in range(WORKERS)])
    machine.sweep(age_s=0)

    said = capsys.readouterr().out
    if machine.engine == "postgresql":  # where InnoDB finds one, the load is done again
        assert "40P01" not in said
    assert machine.store.keys("raw") == []
    assert machine.store.keys("backup") == world.archived
    assert machine.state("items") == ("", "")
    renewed = [("unread", stream_arn("items", label)) for label in LABELS[1:]]
    assert machine.rows("select kind, object from dynaurora.gaps order by object") == renewed
    accounted(world)
    applied_once(world)
    if plugin is BY_HAND:
        sums_are_right(world)
        history_is_whole(world, [c for c in world.changes if not c.why_refused])

    mend(world, plugin)
    accounted(world)
    applied_once(world)
    equal_to_the_model(world)
    if plugin is BY_HAND:
        sums_are_right(world)
        history_is_whole(world, world.changes)


def raising_bad(machine):
    """Refuse the values that end so, by the means of a trigger."""
    raising(machine, "P0001", condition="like '%bad'")


def accounted(world):
    """The newest version of each key is decided; refused, it is open in the quarantine."""
    key_bytes = dialect_of(world.machine.engine).key_bytes
    ledger = {
        key_bytes(k): (int(version), rev, gone)
        for k, version, rev, gone in world.machine.rows(
            "select k, version, rev, gone from dynaurora.ledger_1"
        )
    }
    entries = {
        (key_bytes(k), int(version)): state
        for k, version, state in world.machine.rows(
            "select k, version, state from dynaurora.quarantine where reason <> 'unreadable'"
        )
    }
    keys = {key_of({"id": {"S": item}}): item for item in KEYS}
    newest = world.newest()
    assert {keys[k] for k in ledger} == set(newest)
    for k, (version, rev, gone) in ledger.items():
        change = newest[keys[k]]
        assert (version, gone) == (change.version, change.row is None)
        assert (rev == 0) == (entries.get((k, version)) == "open")
    for (k, version), state in entries.items():
        decided, rev, _ = ledger[k]
        expected = "superseded" if version < decided else "retried" if rev else "open"
        assert state == expected
    junk = world.machine.rows("select line from dynaurora.quarantine where reason = 'unreadable'")
    assert {line for (line,) in junk} == world.junk
    assert len(junk) == len(world.junk)


def applied_once(world):
    writes = Counter(world.machine.rows("select id, v from writes"))
    assert {write: count for write, count in writes.items() if count > 1} == {}
    assert set(writes) <= {(c.item, c.row[0]) for c in world.changes if c.row}


def sums_are_right(world):
    found = world.machine.rows("select g, n, items from sums where items <> 0 or n <> 0 order by 1")
    held = world.machine.rows("select g, sum(n), count(*) from items group by g order by 1")
    assert found == held


def history_is_whole(world, wanted):
    found = {
        (item, int(version)): (v, gone)
        for item, version, v, gone in world.machine.rows(
            "select id, _version, v, deleted from versions"
        )
    }
    made = {(c.item, c.version): (c.row and c.row[0], c.row is None) for c in world.changes}
    assert {(c.item, c.version) for c in wanted} <= set(found)
    assert all(made[change] == value for change, value in found.items())


def mend(world, plugin):
    """Take the reasons away, and load the whole archive again."""
    machine = world.machine
    refusing_no_more(machine)
    wider = machine.of_engine("alter column n type numeric", "modify n decimal(65,27)")
    machine.execute(f"alter table items {wider}")
    machine.plugin("items", plugin.replace("numeric(12,2)", "numeric"))
    lines = [world.travelling(change, is_mended=True) for change in world.changes]
    world.chance.shuffle(lines)
    middle = len(lines) // 2
    machine.load_lines("items", *lines[:middle])
    machine.load_lines("items", *lines[middle:])


def equal_to_the_model(world):
    newest = [change for change in world.newest().values() if change.row]
    found = world.machine.rows("select id, v, g, n from items order by id")
    assert found == sorted((c.item, *c.row[:2], Decimal(c.row[2])) for c in newest)
    found = world.machine.rows("select id, position, tag from items_tags order by 1, 2")
    assert found == sorted((c.item, n, tag) for c in newest for n, tag in enumerate(c.tags))
