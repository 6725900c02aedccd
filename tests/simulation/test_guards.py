"""The proof that the proof can fail: without each guard, the simulation finds what it guards from.

Each guard is taken out, and histories are run until one diverges. What it says has to be what the
guard is for.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest

from dynaurora import applying, capture, etl, intake, staging
from dynaurora.errors import DeliveryFailed
from dynaurora.model import types
from dynaurora.sql import queries
from load import test_histories
from simulation import run
from simulation.faults import KINDS
from simulation.subjects import BASKETS, ORDERS, PRICES, SALES
from simulation.world import make_history
from support.items import DECLARED, put
from support.load import LoadMachine, side_by_side

HISTORIES = 25
CHANGES = 200
ROWS = "rows that are there"
REFUSALS = {"value refused", "row refused"}
NO_REFUSALS = frozenset(KINDS) - REFUSALS


@dataclass(frozen=True)
class Guard:
    """A guard. shows: what the divergence says without it.

    looks_at_rows: whether the accounts are left aside, which would show it by themselves.
    subjects: tables in which it shows soon. first: the history in which it did when this was
    written. kinds: the faults of the histories.
    """

    name: str
    take_out: Callable[[pytest.MonkeyPatch], None]
    shows: str
    subjects: tuple = ()
    first: int = 0
    kinds: frozenset[str] = NO_REFUSALS
    looks_at_rows: bool = False


def statement(name, old, new):
    """Takes something out of a named statement."""

    def take_out(monkeypatch):
        found = queries.statements("postgresql.sql")
        assert old in found[name]
        edited = {**found, name: found[name].replace(old, new)}
        monkeypatch.setattr(queries, "statements", lambda _file: edited)

    return take_out


def statements(**new):
    def take_out(monkeypatch):
        edited = {**queries.statements("postgresql.sql"), **new}
        monkeypatch.setattr(queries, "statements", lambda _file: edited)

    return take_out


def compare_as_texts(monkeypatch):
    monkeypatch.setattr(staging, "sequence_digits", lambda number: number.ljust(40, "0"))


def forget_tombstones(monkeypatch):
    settle = etl._Load._settle

    def settle_and_forget(self):
        settle(self)
        number = self._registration.number
        self._connection.execute(f"delete from dynaurora.ledger_{number} where gone")

    monkeypatch.setattr(etl._Load, "_settle", settle_and_forget)


def arbitrate_and_delete_in_one_statement(monkeypatch):
    """The plugin's first work on the child rows shares the snapshot of the arbitration."""
    found = queries.statements("postgresql.sql")
    deletes = ", ".join(
        f"""_{name} as (
          delete from baskets_{name} as t using staged as s, winners as w
          where t.id = s.id and s._key = w.k)"""
        for name in ("lines", "taxes", "notes")
    )
    insert = "\ninsert into _won"
    assert insert in found["arbitrate"]
    edited = {**found, "arbitrate": found["arbitrate"].replace(insert, f", {deletes}{insert}")}
    monkeypatch.setattr(queries, "statements", lambda _file: edited)
    run = applying.Application.run

    def run_without_deletes(self):
        kept = [s for s in self._plugin.insert if not s.startswith("delete from baskets_")]
        self._plugin = replace(self._plugin, insert=tuple(kept))
        run(self)

    monkeypatch.setattr(applying.Application, "run", run_without_deletes)


def lock_shared(monkeypatch):
    exclusive = queries.statements("postgresql.sql")["lock_table_exclusive"]
    shared = exclusive.replace("xact_lock(", "xact_lock_shared(")
    assert shared != exclusive
    statements(lock_table_exclusive=shared)(monkeypatch)


def know_objects_whatever_their_table(monkeypatch):
    """Told apart by their names below the table's folder alone."""
    found = queries.statements("postgresql.sql")
    name = "split_part(%s, '/', 6) || left(%s, 0)"
    edited = found["note_object"].replace(
        "values (%s, %s, %s, %s)",
        f"select 1, {name}, '', %s from (select %s::int) as one",
    )
    assert edited != found["note_object"]
    monkeypatch.setattr(queries, "statements", lambda _file: {**found, "note_object": edited})

    def note_by_name(self, objects):
        number = self._registration.number
        connection = self._connection
        statement = self._queries["note_object"]
        return [
            stored
            for stored in sorted(objects, key=lambda stored: stored.name)
            if connection.execute(statement, [stored.name.key, "", stored.name.bucket, number])
        ]

    monkeypatch.setattr(etl._Load, "_note", note_by_name)


def take_failed_records_for_taken(monkeypatch):
    def put_once(put, streams):
        streams.put(put[0].stream, [pack.data for pack in put])
        return [], "", True

    monkeypatch.setattr(capture, "_put_once", put_once)


def report_the_last_failure(monkeypatch):
    deliver = capture._deliver

    def deliver_or_tell_the_last(put, streams, clock):
        try:
            return deliver(put, streams, clock)
        except DeliveryFailed as error:
            last = put[-1].sequence_number
            raise DeliveryFailed(error.where, error.found, sequence_number=last) from None

    monkeypatch.setattr(capture, "_deliver", deliver_or_tell_the_last)


def archive_before_the_commit(monkeypatch):
    load = intake.load_staged

    def archive_and_load(parts, metadata, registration, staged):
        for stored in staged.objects:
            intake._archive(parts, stored)
        return load(parts, metadata, registration, staged)

    monkeypatch.setattr(intake, "load_staged", archive_and_load)


def let_the_database_round(monkeypatch):
    monkeypatch.setattr(types, "_numeric_within", lambda _p, _s, value: types._numeric(value))


GUARDS = [
    Guard(
        "versions are compared",
        statement("arbitrate", "where (l.version, l.rev) < (excluded.version, excluded.rev)", ""),
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
            refuse_key="select from {ledger} where k = %s and version = %s",
            refuse_in_ledger="select from {ledger} where false",
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


@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: guard.name)
def test_without_a_guard_the_simulation_diverges(guard, simulation, monkeypatch):
    guard.take_out(monkeypatch)
    if guard.looks_at_rows:
        monkeypatch.setattr(run, "check_accounts", lambda *_: None)
    assert re.search(guard.shows, diverges(simulation, guard))


def test_without_the_table_s_lock_what_looks_across_keys_is_wrong(
    database_url, tmp_path, monkeypatch
):
    """Two loads of different items of one group have to meet, which they do in a named history."""
    lock_shared(monkeypatch)
    with (
        LoadMachine(database_url, tmp_path) as machine,
        machine.twin() as other,
        pytest.raises(AssertionError, match="assert"),
    ):
        test_histories.test_h2_loads_of_a_plugin_that_looks_across_keys_are_serialised(
            machine, other
        )


@pytest.mark.parametrize("is_out", [False, True])
def test_without_the_order_of_the_keys_two_loads_deadlock(
    database_url, tmp_path, capsys, monkeypatch, is_out
):
    """A statement is one step of the simulation; here two of them are at work at once."""
    if is_out:
        statement("arbitrate", ") as c order by _key", ") as c")(monkeypatch)
    with LoadMachine(database_url, tmp_path) as machine, machine.twin() as other:
        machine.plugin("items", DECLARED)
        machine.load_lines("items", put(1, "a"))
        machine.execute(SLOW)
        lines = [put(2, f"k{number}") for number in range(8)]
        names = [machine.put("items", *lines), machine.put("items", *reversed(lines))]
        side_by_side(lambda: machine.load(names[0]), lambda: other.load(names[1]))
    assert ('"code":"40P01"' in capsys.readouterr().out) == is_out


SLOW = """
    create function slow() returns trigger language plpgsql as $$
      begin perform pg_sleep(0.02); return new; end $$;
    create trigger slow before insert on dynaurora.ledger_1
      for each row execute function slow();
"""
