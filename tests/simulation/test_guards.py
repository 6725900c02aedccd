"""The proof that the proof can fail: without each guard, the simulation finds what it guards from.

Each guard is taken out, and histories are run until one diverges. What it says has to be what the
guard is for.
"""

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import pytest

from dynaurora import applying, capture, etl, intake, portions, staging
from dynaurora.adapters import mysql
from dynaurora.errors import DeliveryFailed
from dynaurora.model import types
from dynaurora.sql import queries
from load import test_histories
from simulation import run
from simulation.engines import ENGINES
from simulation.faults import KINDS
from simulation.subjects import BASKETS, ORDERS, PRICES, SALES
from simulation.world import make_history
from support.items import DECLARED, put
from support.load import PATIENCE_S, LoadMachine, side_by_side

HISTORIES = 25
CHANGES = 200
ROWS = "rows that are there"
REFUSALS = {"value refused", "row refused"}
NO_REFUSALS = frozenset(KINDS) - REFUSALS


BOTH = ("postgresql", "mysql")


@dataclass(frozen=True)
class Guard:
    """A guard. shows: what the divergence says without it.

    take_out: on an engine. looks_at_rows: whether the accounts are left aside, which would show it
    by themselves. subjects: tables in which it shows soon. first: the history in which it did when
    this was written. kinds: the faults of the histories. engines: those that have it.
    """

    name: str
    take_out: Callable[[pytest.MonkeyPatch, str], None]
    shows: str
    subjects: tuple = ()
    first: int = 0
    kinds: frozenset[str] = NO_REFUSALS
    looks_at_rows: bool = False
    engines: tuple[str, ...] = BOTH


def edited(**edits):
    """Edits named statements of an engine. edits: by engine, (name, old, new)."""

    def take_out(monkeypatch, engine):
        found = dict(queries.statements(f"{engine}.sql"))
        for name, old, new in edits[engine]:
            assert old in found[name]
            found[name] = found[name].replace(old, new)
        monkeypatch.setattr(queries, "statements", lambda _file: found)

    return take_out


def statements(**new):
    """Other statements of these names."""

    def take_out(monkeypatch, engine):
        found = {**queries.statements(f"{engine}.sql"), **new}
        monkeypatch.setattr(queries, "statements", lambda _file: found)

    return take_out


def compare_as_texts(monkeypatch, _engine):
    monkeypatch.setattr(staging, "sequence_digits", lambda number: number.ljust(40, "0"))


def forget_tombstones(monkeypatch, _engine):
    settle = etl._Load._settle

    def settle_and_forget(self):
        settle(self)
        number = self._registration.number
        self._connection.execute(f"delete from dynaurora.ledger_{number} where gone")

    monkeypatch.setattr(etl._Load, "_settle", settle_and_forget)


def arbitrate_and_delete_in_one_statement(monkeypatch, _engine):
    """The plugin's first work on the child rows shares the snapshot of the arbitration.

    No statement of MySQL can do both.
    """
    found = queries.statements("postgresql.sql")
    deletes = ", ".join(
        f"""_{name} as (
          delete from baskets_{name} as t using staged as s, winners as w
          where t.id = s.id and s._key = w.k)"""
        for name in ("lines", "taxes", "notes")
    )
    insert = "\ninsert into _won"
    assert insert in found["arbitrate"]
    arbitrate = found["arbitrate"].replace(insert, f", {deletes}{insert}")
    statements(arbitrate=arbitrate)(monkeypatch, "postgresql")
    run = applying.Application.run

    def run_without_deletes(self):
        kept = [s for s in self._plugin.insert if not s.startswith("delete from baskets_")]
        self._plugin = replace(self._plugin, insert=tuple(kept))
        run(self)

    monkeypatch.setattr(applying.Application, "run", run_without_deletes)


def know_objects_whatever_their_table(monkeypatch, _engine):
    """Told apart by their names below the table's folder alone."""

    def note_by_name(self, objects):
        statement = self._queries["note_object"]
        return [
            stored
            for stored in sorted(objects, key=lambda stored: stored.name)
            if self._connection.execute(
                statement, [1, stored.name.key.split("/")[5], "", stored.name.bucket]
            )
        ]

    monkeypatch.setattr(etl._Load, "_note", note_by_name)


def take_failed_records_for_taken(monkeypatch, _engine):
    def put_once(put, streams):
        streams.put(put[0].stream, [pack.data for pack in put])
        return [], "", True

    monkeypatch.setattr(capture, "_put_once", put_once)


def report_the_last_failure(monkeypatch, _engine):
    deliver = capture._deliver

    def deliver_or_tell_the_last(put, streams, clock):
        try:
            return deliver(put, streams, clock)
        except DeliveryFailed as error:
            last = put[-1].sequence_number
            raise DeliveryFailed(error.where, error.found, sequence_number=last) from None

    monkeypatch.setattr(capture, "_deliver", deliver_or_tell_the_last)


def archive_before_the_commit(monkeypatch, _engine):
    load = portions.load_staged

    def archive_and_load(parts, metadata, registration, staged):
        for stored in staged.objects:
            intake._archive(parts, stored)
        return load(parts, metadata, registration, staged)

    monkeypatch.setattr(portions, "load_staged", archive_and_load)


def let_the_database_round(monkeypatch, _engine):
    """MySQL's note of what it has cut off would be taken for a refusal."""
    quiet = (*mysql._SESSION, "set session sql_notes = 0")
    monkeypatch.setattr(mysql, "_SESSION", quiet)
    monkeypatch.setattr(types, "_numeric_within", lambda _p, _s, value: types._numeric(value))


LEDGER, WINNERS = "arbitrate_2_ledger", "arbitrate_3_winners"

GUARDS = [
    Guard(
        "versions are compared",
        edited(
            postgresql=[
                ("arbitrate", "where (l.version, l.rev) < (excluded.version, excluded.rev)", "")
            ],
            mysql=[
                (LEDGER, "({ledger}.version, {ledger}.rev) < (n._version, n.rev)", "true"),
                (LEDGER, "{ledger}.version < n._version", "true"),
                (LEDGER, "greatest({ledger}.version, n._version)", "n._version"),
            ],
        ),
        ROWS,
        looks_at_rows=True,
    ),
    Guard(
        "versions are compared as numbers",
        compare_as_texts,
        ROWS,
        (ORDERS,),
        looks_at_rows=True,
    ),
    Guard("tombstones are kept", forget_tombstones, ROWS, (ORDERS,), looks_at_rows=True),
    Guard(
        "the ledger's statement is apart from the plugin's",
        arbitrate_and_delete_in_one_statement,
        "select n.id, n.language|rows that are there",
        (BASKETS,),
        engines=("postgresql",),
    ),
    Guard(
        "winners are known by the attempt that decided them, not by their version",
        edited(
            mysql=[
                (WINNERS, "select _key from", "select _key, _version from"),
                (WINNERS, "l.batch = @dynaurora_batch", "l.version = c._version"),
            ]
        ),
        "applied twice|from sales_by_group",
        (SALES,),
        engines=("mysql",),
    ),
    Guard(
        "the ledger of objects is per table",
        know_objects_whatever_their_table,
        "keys of|ledger of|rows that are there",
        (ORDERS, SALES),
    ),
    Guard(
        "a refused row has generation 0",
        statements(
            refuse_key="select 1 from {ledger} where %s = '' and %s = ''",
            refuse_in_ledger="select 1 from {ledger} where false",
        ),
        "refused:|quarantined:|rows that are there",
        (ORDERS,),
        kinds=frozenset(KINDS),
    ),
    Guard(
        "what a put has failed at is put again",
        take_failed_records_for_taken,
        "that the backup lacks",
    ),
    Guard(
        "the first failure of a batch is reported",
        report_the_last_failure,
        "that the backup lacks",
        first=5,
        kinds=frozenset({"Firehose away"}),
    ),
    Guard(
        "an object is archived after the commit",
        archive_before_the_commit,
        "keys of|ledger of|that the backup lacks",
    ),
    Guard(
        "values are checked before they are staged",
        let_the_database_round,
        ROWS,
        (PRICES,),
        looks_at_rows=True,
        kinds=frozenset(KINDS),
    ),
]


def diverges(simulation, guard):
    """What the first history that diverges says."""
    for number in range(guard.first, guard.first + HISTORIES):
        history = make_history(f"guard {number}", CHANGES, guard.kinds, guard.subjects)
        history = replace(history, writes=history.writes[:CHANGES])
        found = simulation.run(history).divergence
        if found:
            return found
    return ""


CASES = [(engine, guard) for engine in BOTH for guard in GUARDS if engine in guard.engines]
NAMES = [f"{engine}-{guard.name}" for engine, guard in CASES]


@pytest.mark.parametrize(
    ("engine", "guard"), CASES, ids=NAMES, indirect=["engine"], scope="session"
)
def test_without_a_guard_the_simulation_diverges(engine, guard, simulation, monkeypatch):
    guard.take_out(monkeypatch, engine)
    if guard.looks_at_rows:
        monkeypatch.setattr(run, "check_accounts", lambda *_: None)
    assert re.search(guard.shows, diverges(simulation, guard))


lock_shared = edited(
    postgresql=[("lock_table_exclusive", "xact_lock(", "xact_lock_shared(")],
    mysql=[("lock_table_exclusive", "for update", "lock in share mode")],
)


@pytest.mark.each_engine
def test_without_the_table_s_lock_what_looks_across_keys_is_wrong(server, tmp_path, monkeypatch):
    """Two loads of different items of one group have to meet, which they do in a named history."""
    lock_shared(monkeypatch, server.engine)
    with (
        LoadMachine(server.url, tmp_path) as machine,
        machine.twin() as other,
        pytest.raises(AssertionError, match=r"assert \[\('g', 1\), \('z', 1\)\] =="),
    ):
        test_histories.test_h2_loads_of_a_plugin_that_looks_across_keys_are_serialised(
            machine, other
        )


forget_the_ledger_s_order = edited(
    postgresql=[("arbitrate", ") as c order by _key", ") as c")],
    mysql=[(LEDGER, ") as n order by n._key", ") as n")],
)


def forget_the_order(monkeypatch, engine):
    """Rows are staged in this order, too, which a server may keep or not."""
    monkeypatch.setattr(staging, "sorted", list, raising=False)
    forget_the_ledger_s_order(monkeypatch, engine)


@pytest.mark.each_engine
@pytest.mark.parametrize("is_out", [False, True])
def test_without_the_order_of_the_keys_two_loads_deadlock(
    server, tmp_path, capsys, monkeypatch, is_out
):
    """A statement is one step of the simulation; here two of them are at work at once."""
    if is_out:
        forget_the_order(monkeypatch, server.engine)
    with LoadMachine(server.url, tmp_path) as machine, machine.twin() as other:
        machine.plugin("items", DECLARED)
        machine.load_lines("items", put(1, "a"))
        for statement in SLOW[server.engine]:
            machine.execute(statement)
        lines = [put(2, f"k{number}") for number in range(8)]
        names = [machine.put("items", *lines), machine.put("items", *reversed(lines))]
        meet_at_the_ledger(machine, other)
        side_by_side(lambda: machine.load(names[0]), lambda: other.load(names[1]))
    deadlock = ENGINES[server.engine].deadlock
    assert (f'"code":"{deadlock}"' in capsys.readouterr().out) == is_out


def meet_at_the_ledger(*machines):
    """Let their next loads arbitrate at once."""
    barrier = threading.Barrier(len(machines))

    def meet(machine, step):
        if "insert into dynaurora.ledger_1" in step:
            machine.before = lambda _: None
            barrier.wait(PATIENCE_S)

    for machine in machines:
        machine.before = partial(meet, machine)


SLOW = {
    "postgresql": (
        """create function slow() returns trigger language plpgsql as $$
             begin perform pg_sleep(0.02); return new; end $$""",
        """create trigger slow before insert on dynaurora.ledger_1
             for each row execute function slow()""",
    ),
    "mysql": (
        """create trigger dynaurora.slow before insert on dynaurora.ledger_1
             for each row set @slept = sleep(0.02)""",
    ),
}
