"""The load: docs/arbitration.md, section 2.4, sentence by sentence."""

import pytest

from support.load import line

pytestmark = pytest.mark.each_engine

ORDERS = """
    from dynaurora import Table, column

    orders = Table(
        key="order_id",
        columns={
            "order_id": "text",
            "total": ("numeric(12,2)", "price.amount"),
            "status": "text",
        },
    )
"""


def order(seq, order_id, total=None, status="new", **fields):
    if status is None:
        return line("orders", seq, {"order_id": {"S": order_id}}, **fields)
    image = {"status": {"S": status}}
    if total is not None:
        image["price"] = {"M": {"amount": {"N": total}}}
    return line("orders", seq, {"order_id": {"S": order_id}}, image, **fields)


def rows(machine):
    return [
        (k, None if t is None else str(t), s)
        for k, t, s in machine.rows("select order_id, total, status from orders order by 1")
    ]


def test_a_change_becomes_a_row(machine):
    machine.plugin("orders", ORDERS)
    loaded = machine.load_lines("orders", order(10, "a", "1.50"), order(11, "b"))
    assert rows(machine) == [("a", "1.50", "new"), ("b", None, "new")]
    assert (loaded.lines, loaded.applied, loaded.superseded) == (2, 2, 0)


def test_a_loaded_object_is_archived_and_deleted(machine):
    machine.plugin("orders", ORDERS)
    name = machine.put("orders", order(10, "a"))
    machine.load(name)
    assert machine.store.keys("raw") == []
    assert machine.store.keys("backup") == [f"Processed/{name.key}"]


def test_the_newest_wins_in_one_load_and_over_loads(machine):
    machine.plugin("orders", ORDERS)
    machine.load_lines("orders", order(9, "a", status="9"), order(10, "a", status="10"))
    assert rows(machine) == [("a", None, "10")]
    machine.load_lines("orders", order(100, "a", status="100"))
    late = machine.load_lines("orders", order(99, "a", status="99"))
    assert rows(machine) == [("a", None, "100")]
    assert (late.applied, late.superseded) == (0, 1)


def test_a_delete_stays_deleted(machine):
    machine.plugin("orders", ORDERS)
    machine.load_lines("orders", order(10, "a"))
    machine.load_lines("orders", order(12, "a", status=None))
    machine.load_lines("orders", order(11, "a", status="late"))
    assert rows(machine) == []


def test_a_value_that_no_column_holds_is_quarantined_and_its_neighbours_load(machine):
    machine.plugin("orders", ORDERS)
    loaded = machine.load_lines("orders", order(10, "a", "1.005"), order(11, "b", "2"))
    assert rows(machine) == [("b", "2.00", "new")]
    assert (loaded.applied, loaded.quarantined) == (1, 1)
    ((table, state, reason, message, _, text),) = machine.quarantine()
    assert (table, state, reason, text) == ("orders", "open", "value", order(10, "a", "1.005"))
    assert message.startswith("total: ")
    assert "1.005" not in message


def test_a_newer_change_supersedes_a_quarantined_one(machine):
    machine.plugin("orders", ORDERS)
    machine.load_lines("orders", order(10, "a", "1.005"))
    machine.load_lines("orders", order(11, "a", "1.01"))
    assert rows(machine) == [("a", "1.01", "new")]
    assert [state for _, state, *_ in machine.quarantine()] == ["superseded"]


def test_a_line_that_cannot_be_read_is_quarantined(machine):
    machine.plugin("orders", ORDERS)
    loaded = machine.load_lines("orders", b"not json", order(11, "b", "2"))
    assert (loaded.applied, loaded.unreadable) == (1, 1)
    ((_, state, reason, _, _, text),) = machine.quarantine()
    assert (state, reason, text) == ("open", "unreadable", b"not json")


def test_a_row_that_the_database_refuses_is_found_by_halving(machine):
    machine.plugin("orders", ORDERS)
    machine.load_lines("orders", order(1, "first"))
    machine.execute("alter table orders add constraint c check (status <> 'bad')")
    lines = [order(10 + n, f"k{n}", status="bad" if n in (3, 17) else "good") for n in range(30)]
    loaded = machine.load_lines("orders", *lines)
    assert (loaded.applied, loaded.quarantined) == (28, 2)
    assert machine.rows("select count(*) from orders") == [(29,)]
    assert sorted((code, text) for *_, code, text in machine.quarantine()) == [
        ("23514", lines[17]),
        ("23514", lines[3]),
    ] or sorted(t for *_, t in machine.quarantine()) == sorted([lines[3], lines[17]])
    assert machine.rows("select count(*) from dynaurora.ledger_1 where rev = 0") == [(2,)]


def test_an_object_of_an_unknown_table_waits(machine):
    name = machine.put("orders", order(10, "a"))
    report = machine.load(name)
    assert report.waiting == {name}
    assert machine.state("orders") == ("unknown", "no plugin: add orders.py to sqlqueries/")
    machine.plugin("orders", ORDERS)
    machine.load_lines("orders", order(11, "b"))
    assert [k for k, *_ in rows(machine)] == ["a", "b"]
