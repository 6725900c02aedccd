"""Status: what is parked, quarantined, missing or waiting, and what mends it."""

import pytest

from dynaurora.model.events import ObjectName
from dynaurora.operations import status
from support.items import DECLARED, put
from support.load import stream_arn
from support.operations import done

pytestmark = pytest.mark.each_engine


def test_of_an_empty_pipeline_all_is_well(machine):
    found = done(machine, "status")
    assert found == {
        "parked": [],
        "quarantine": [],
        "gaps": [],
        "waiting": [],
        "unmapped": [],
        "needs_a_person": False,
    }


def test_what_is_on_its_way_needs_nobody(machine):
    machine.plugin("items", DECLARED)
    machine.put("items", put(1, "a", v="1"), key="items/2026/01/02/03/x")
    found = done(machine, "status")
    (waiting,) = found["waiting"]
    assert (waiting["objects"], waiting["late"], waiting["oldest"]) == (
        1,
        0,
        "2026-01-02T03:00:00+00:00",
    )
    assert found["needs_a_person"] is False


def test_what_the_sweep_should_have_loaded_needs_a_person(machine):
    machine.plugin("items", DECLARED)
    machine.put("items", put(1, "a", v="1"))
    machine.store.now += status.LATE_S
    assert done(machine, "status")["needs_a_person"] is True


def test_a_parked_table_is_told_with_since_when_and_what_mends_it(machine):
    name = machine.put("items", put(1, "a", v="1"))
    machine.load(name)
    machine.execute("update dynaurora.tables set parked_at = '2026-01-01 00:00:00'")
    machine.load(name)
    (parked,) = done(machine, "status")["parked"]
    assert (parked["table"], parked["parked_for"]) == ("items", "unknown")
    assert parked["since"] == "2026-01-01T00:00:00+00:00"
    assert "sqlqueries/items.py" in parked["mended_by"]


def test_of_a_stream_that_parks_its_table_the_command_that_accepts_it_is_told(machine):
    machine.plugin("items", DECLARED)
    machine.load_lines("items", put(1, "a", v="1"))
    older = stream_arn("items", "2025-01-01T00:00:00.000")
    machine.load(machine.put("items", put(1, "a", v="1", fields={"stream": older})))
    (parked,) = done(machine, "status")["parked"]
    assert parked["mended_by"] == f"dynaurora stream accept {older}"


def test_since_when_a_broken_plugin_parks_a_table_is_when_it_was_found_first(machine):
    machine.plugin("items", "import nothing_of_this_name\n")
    name = machine.put("items", put(1, "a", v="1"))
    machine.load(name)
    (before,) = machine.rows("select parked_at from dynaurora.tables")
    machine.load(name)
    assert machine.rows("select parked_at from dynaurora.tables") == [before]
    machine.plugin("items", DECLARED)
    machine.load(name)
    assert machine.rows("select parked_at from dynaurora.tables") == [(None,)]


def test_a_dropped_table_is_as_an_operator_wants_it(machine):
    machine.plugin("items", DECLARED)
    machine.load_lines("items", put(1, "a", v="1"))
    machine.drop("items")
    machine.put("items", put(2, "a", v="1"))
    machine.store.now += status.LATE_S
    found = done(machine, "status")
    assert found["needs_a_person"] is False
    assert found["parked"][0]["mended_by"] == "dynaurora unpark items"


def test_the_quarantine_is_counted_by_table_and_reason(machine):
    machine.plugin("items", DECLARED)
    machine.load_lines("items", put(1, "a", n="1.005"), put(1, "b", n="1.005"), b"{bad")
    found = done(machine, "status")
    assert [(each["reason"], each["entries"]) for each in found["quarantine"]] == [
        ("unreadable", 1),
        ("value", 2),
    ]
    assert found["needs_a_person"] is True


def test_gaps_are_counted_by_table_and_kind(machine):
    machine.plugin("items", DECLARED)
    for number in range(2):
        machine.store.put(ObjectName("raw", f"(errors)/items/processing-failed/{number}"), b"")
    machine.load(ObjectName("raw", "items/2026/1"))
    machine.sweep(age_s=0)
    found = done(machine, "status")["gaps"]
    assert [(each["kind"], each["gaps"], each["mended_by"]) for each in found] == [
        ("undelivered", 2, "dynaurora gaps replay items"),
        ("vanished", 1, "dynaurora gaps list"),
    ]


def test_more_objects_than_are_counted_are_told_as_more(machine, monkeypatch):
    monkeypatch.setattr(status, "COUNTED", 2)
    for number in range(3):
        machine.put("items", put(number, "a"))
    (waiting,) = done(machine, "status")["waiting"]
    assert (waiting["objects"], waiting["are_more"]) == (2, True)
