"""Attributes that come in items and that no column reads are counted."""

import json

import pytest
from click.testing import CliRunner

from dynaurora.cli.check import check
from support.items import DECLARED, delete, put
from support.operations import done

pytestmark = pytest.mark.each_engine

WITH_ITEM = """
    key = "id"
    columns = {"id": "text"}
    create_table_queries = [
        {
            "postgresql": "create table if not exists items (id text, item jsonb)",
            "mysql": "create table if not exists items (id text, item longtext)",
        },
    ]
    insert_table_queries = ["insert into items select id, _item from staged"]
"""

KINDS = """
    from dynaurora import rows

    key = "id"
    columns = {"id": "text", "orders": rows("$", {"v": "text"}, when={"kind": "order"})}
    create_table_queries = ["create table if not exists items (id text, v text)"]
    insert_table_queries = ["insert into items select id, v from staged_orders"]
"""


def unmapped(machine):
    return [
        (u["table"], u["attribute"], u["changes"]) for u in done(machine, "unmapped")["unmapped"]
    ]


@pytest.fixture
def checked(machine):
    """What `check --database` warns of."""

    def checked():
        arguments = ["--sqlqueries", str(machine.folder), "--database", machine.url, "--json"]
        (one,) = json.loads(CliRunner().invoke(check, arguments).output)
        return [problem["message"] for problem in one["problems"]]

    return checked


@pytest.mark.engines("postgresql")  # a check asks no database of MySQL
def test_check_tells_them_too(machine, checked):
    machine.plugin("items", DECLARED)
    machine.load_lines("items", put(1, "a", v="1", note="x"))
    assert checked() == ['attribute "note": in 1 change, and in no column']
    machine.execute(f"drop schema dynaurora {machine.of_engine('cascade', '')}")
    assert checked() == []


def test_they_are_counted_over_loads_and_told_by_status(machine):
    machine.plugin("items", DECLARED)
    machine.load_lines("items", put(1, "a", v="1", note="x"), put(2, "b", note="y", size=3))
    machine.load_lines("items", put(3, "a", v="2", note="x"), delete(4, "b"))
    assert unmapped(machine) == [("items", "note", 3), ("items", "size", 1)]
    found = done(machine, "status")
    assert [each["attribute"] for each in found["unmapped"]] == ["note", "size"]
    assert not found["needs_a_person"]


def test_what_the_plugin_reads_by_now_is_not_told(machine):
    machine.plugin("items", DECLARED)
    machine.load_lines("items", put(1, "a", note="x", size=3))
    machine.plugin("items", DECLARED.replace('"v": "text"', '"v": "text", "note": "text"'))
    assert unmapped(machine) == [("items", "size", 1)]


def test_part_of_an_attribute_is_enough(machine):
    machine.plugin("items", DECLARED.replace('"v": "text"', '"v": ("text", "info.v")'))
    machine.load_lines("items", put(1, "a", info={"M": {"w": {"S": "x"}}}))
    assert unmapped(machine) == []


def test_a_plugin_that_reads_the_whole_item_leaves_nothing_out(machine):
    machine.plugin("items", WITH_ITEM)
    machine.load_lines("items", put(1, "a", note="x"))
    assert unmapped(machine) == []


def test_items_that_no_table_takes_are_counted(machine):
    machine.plugin("items", KINDS)
    machine.load_lines("items", put(1, "a", kind="order", v="1"), put(2, "b", kind="note"))
    machine.load_lines("items", put(3, "c"))
    assert unmapped(machine) == [("items", None, 2)]


def test_names_are_bounded_in_length_and_number(machine):
    machine.plugin("items", DECLARED)
    machine.load_lines("items", put(1, "a", **{"x" * 65_000: "1", "a\0\ud800": "2"}))
    assert [name for _, name, _ in unmapped(machine)] == ["a\\x00\\ud800", "x" * 254 + "…"]
    for number in range(3):
        machine.load_lines(
            "items", put(2 + number, "a", **{f"n{number}_{i}": "1" for i in range(150)})
        )
    assert len(unmapped(machine)) < 400


def test_a_load_goes_on_where_they_cannot_be_noted(machine):
    machine.plugin("items", DECLARED)
    machine.load_lines("items", put(1, "a", note="x"))
    machine.execute("alter table dynaurora.unmapped add check (changes < 2)")
    assert machine.load_lines("items", put(2, "b", note="x")).applied == 1
    assert machine.state("items") == ("", "")
