"""Gaps: what the pipeline can know to be missing is noted once, with an alarm."""

import json

import pytest

from dynaurora import noticing
from dynaurora.metadata import Gaps
from dynaurora.model.events import ObjectName
from support.items import DECLARED, put
from support.leftovers import MAPPING, given_up, stream_record

pytestmark = pytest.mark.each_engine


def gaps(machine):
    columns = f"kind, table_name, object, {machine.quoted('condition')}, changes"
    return machine.rows(f"select {columns} from dynaurora.gaps order by object")


def keep(machine, name, data):
    """An object that a stream's mapping gave up."""
    found = ObjectName("backup", f"{MAPPING}/2026/01/01/{name}")
    machine.store.put(found, data)
    return found


def record(seq, item_id="a", **attributes):
    return stream_record("items", seq, {"id": {"S": item_id}}, attributes)


def test_what_a_mapping_gave_up_is_noted_once_with_table_condition_and_count(machine, capsys):
    name = keep(machine, "one", given_up("items", record(1), record(2)))
    machine.sweep()
    machine.sweep()
    assert gaps(machine) == [("given_up", "items", name.key, "RetryAttemptsExhausted", 2)]
    assert capsys.readouterr().out.count('"alarm":"gap"') == 1


def test_an_object_below_the_mapping_s_folder_that_nobody_knows_is_noted_too(machine):
    for name, data in (("a", b""), ("b", b"[]"), ("c", b'{"payload": "no"}')):
        keep(machine, name, data)
    machine.sweep()
    assert [row[0::3] for row in gaps(machine)] == [("given_up", "unreadable")] * 3


def test_a_batch_without_its_payload_is_noted_with_what_is_known_of_it(machine):
    told = json.loads(given_up("items", record(1), record(2)))
    del told["payload"]
    name = keep(machine, "one", json.dumps(told).encode())
    machine.sweep()
    assert gaps(machine) == [("given_up", "items", name.key, "RetryAttemptsExhausted", 2)]


def test_what_firehose_could_not_deliver_is_noted_with_the_type_of_its_error(machine):
    name = ObjectName("raw", "(errors)/items/processing-failed/2026/01/01/00/1")
    machine.store.put(name, b"{}")
    machine.store.now += 7200
    machine.sweep()
    assert gaps(machine) == [("undelivered", "items", name.key, "processing-failed", None)]


def test_thousands_that_were_noted_before_cost_one_query_per_thousand_and_no_reading(
    machine, monkeypatch
):
    monkeypatch.setattr(noticing, "AT_ONCE", 100)
    for number in range(250):
        keep(machine, f"{number:04d}", given_up("items", record(number)))
    machine.sweep()
    assert machine.rows("select count(*) from dynaurora.gaps") == [(250,)]
    steps = []
    machine.before = steps.append
    keep(machine, "9999", given_up("items", record(1)))
    machine.sweep()
    assert len([step for step in steps if "dynaurora.gaps" in step]) == 4  # three looks, one note
    assert steps.count("read") == 1


def test_a_sweep_of_one_table_looks_for_no_gaps(machine):
    keep(machine, "one", given_up("items", record(1)))
    machine.sweep(table="items", age_s=0)
    noted = (
        "from information_schema.tables where table_schema = 'dynaurora' and table_name = 'gaps'"
    )
    assert machine.rows(f"select count(*) {noted}") == [(0,)]


def test_when_the_time_is_nearly_over_the_rest_is_noted_by_the_next_sweep(machine):
    for number in range(3):
        keep(machine, str(number), given_up("items", record(number)))
    machine.before = lambda step: setattr(machine.clock, "left_ms", 0) if step == "read" else None
    machine.sweep()
    assert machine.rows("select count(*) from dynaurora.gaps") == [(1,)]
    machine.before = lambda _: None
    machine.clock.left_ms = 600_000
    machine.sweep()
    assert machine.rows("select count(*) from dynaurora.gaps") == [(3,)]


def test_a_closed_gap_is_not_noted_again(machine):
    machine.plugin("items", DECLARED)
    machine.load_lines("items", put(1, "a", v="1"))
    name = keep(machine, "one", given_up("items", record(1)))
    machine.sweep()
    with machine.database.session() as engine:
        assert Gaps(engine.connection, engine.queries).close(name.key, "closed", "compared")
        assert not Gaps(engine.connection, engine.queries).close(name.key, "closed", "again")
    machine.sweep()
    assert machine.rows("select state, why from dynaurora.gaps") == [("closed", "compared")]
