"""A plugin that gains columns alters its SQL table; nothing that is there is lost."""

from decimal import Decimal

import pytest

from support.items import delete, put
from support.load import side_by_side

COLUMNS = """
    select column_name, data_type, is_nullable from information_schema.columns
    where table_schema = {} and table_name = '{}' order by ordinal_position
"""
SCHEMA = {"postgresql": "current_schema()", "mysql": "database()"}
OF_MYSQL = {
    "int": "integer",
    "decimal": "numeric",
    "longtext": "text",
    "varchar": "character varying",
}

HISTORY = """
    from dynaurora import Table

    items = Table(key="id", columns={{"id": "text", {}}}, history=True)
"""


@pytest.fixture
def items(machine):
    """Loads changes after the plugin became one with these columns, beside the key."""

    class Items:
        def __init__(self):
            self.machine = machine
            self.number = 0

        def become(self, columns, key="id"):
            text = f"""
                from dynaurora import Table, column, rows

                items = Table(key={key!r}, columns={{"id": "text", {columns}}})
            """
            machine.plugin("items", text)

        def load(self, **attributes):
            self.number += 1
            return machine.load_lines("items", put(self.number, f"k{self.number}", **attributes))

        def columns(self, table="items"):
            found = machine.rows(COLUMNS.format(SCHEMA[machine.server.engine], table))[1:]
            return [(name, OF_MYSQL.get(kind, kind), null) for name, kind, null in found]

        def parked(self):
            return machine.state("items")

    return Items()


def test_a_new_column_is_added_and_the_rows_that_are_there_have_null(items, machine):
    items.become('"v": "text"')
    items.load(v="1")
    items.become('"v": "text", "n": "numeric(5,2)"')
    items.load(v="2", n="1.25")
    assert [(k, str(n)) for k, n in machine.rows("select id, n from items order by id")] == [
        ("k1", "None"),
        ("k2", "1.25"),
    ]


def test_new_rows_in_an_item_make_their_table_and_a_new_column_in_rows_is_added(items, machine):
    items.become('"v": "text"')
    items.load(v="1")
    items.become('"v": "text", "lines": rows("lines[]", {"a": "text"})')
    items.load(v="2", lines={"L": [{"M": {"a": {"S": "x"}}}]})
    items.become('"v": "text", "lines": rows("lines[]", {"a": "text", "b": "text"})')
    items.load(v="3", lines={"L": [{"M": {"a": {"S": "x"}, "b": {"S": "y"}}}]})
    assert machine.rows("select id, position, a, b from items_lines order by id") == [
        ("k2", 0, "x", None),
        ("k3", 0, "x", "y"),
    ]


@pytest.mark.parametrize(
    ("before", "after", "kept"),
    [
        ("integer", "bigint", "bigint"),
        ("integer", "numeric", "numeric"),
        ("bigint", "numeric(19,0)", "numeric"),
        ("numeric(5,2)", "numeric(6,2)", "numeric"),
        ("numeric(5,2)", "numeric(7,4)", "numeric"),
        ("numeric(9,0)", "integer", "integer"),
    ],
)
def test_a_number_gets_more_room_and_keeps_its_value(items, machine, before, after, kept):
    items.become(f'"n": "{before}"')
    items.load(n=7)
    items.become(f'"n": "{after}"')
    items.load(n=8)
    assert items.columns() == [("n", kept, "YES")]
    assert [int(n) for (n,) in machine.rows("select n from items order by id")] == [7, 8]


@pytest.mark.parametrize(
    ("before", "after"), [("bigint", "integer"), ("numeric", "numeric(5,2)"), ("numeric", "bigint")]
)
def test_a_column_that_holds_more_than_is_asked_for_stays_as_it_is(items, before, after):
    items.become(f'"n": "{before}"')
    items.load(n=7)
    there = items.columns()
    items.become(f'"n": "{after}"')
    items.load(n=8)
    assert items.columns() == there
    assert items.parked() == ("", "")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("text", "integer"),
        ("integer", "text"),
        ("numeric(5,2)", "numeric(5,3)"),
        ("numeric(10,0)", "numeric(12,4)"),
        ("date", "timestamptz"),
    ],
)
def test_what_could_lose_data_is_refused_with_the_sql_that_would_do_it(items, before, after):
    items.become(f'"n": "{before}"')
    items.load()
    items.become(f'"n": "{after}"')
    items.load()
    parked_for, reason = items.parked()
    assert parked_for == "plugin"
    for said in ('columns["n"]', "items.n is", "`alter table items drop column n`"):
        assert said in reason
    assert "`dynaurora unpark items` and `dynaurora replay items --anew`" in reason


def test_a_text_that_becomes_a_document_is_refused_where_that_is_another_type(items, machine):
    """MySQL has both as longtext, and cannot tell: `dynaurora replay items --anew` fills it."""
    items.become('"n": "text"')
    items.load(n="x")
    items.become('"n": "json"')
    items.load(n="x")
    if machine.server.engine == "postgresql":
        assert items.parked()[0] == "plugin"
    else:
        assert items.parked() == ("", "")
        assert machine.rows("select n from items order by id") == [("x",), ('"x"',)]


def test_a_numeric_with_more_digits_after_the_point_keeps_those_before_it(items):
    items.become('"n": "numeric(5,2)"')
    items.load(n="999.99")
    items.become('"n": "numeric(5,4)"')
    items.load(n="1")
    assert items.parked()[0] == "plugin"


def test_after_the_column_was_dropped_by_hand_the_table_goes_on(items, machine):
    items.become('"n": "text"')
    items.load(n="x")
    items.become('"n": "integer"')
    items.load(n=1)
    machine.execute("alter table items drop column n")
    machine.unpark("items")
    machine.sweep(age_s=0)
    assert items.columns() == [("n", "integer", "YES")]
    assert machine.rows("select id, n from items order by id") == [("k1", None), ("k2", 1)]


def test_another_key_is_refused_and_needs_the_table_anew(items):
    items.become('"sk": "text"')
    items.load(sk="x")
    items.become('"sk": "text"', key=("id", "sk"))
    items.load(sk="x")
    parked_for, reason = items.parked()
    assert parked_for == "plugin"
    assert "the primary key of items is (id) in SQL; expected (id, sk)" in reason
    assert "`dynaurora drop items`, `dynaurora unpark items` and `dynaurora replay items`" in reason


def test_a_column_that_the_plugin_no_longer_has_keeps_its_values(items, machine):
    items.become('"v": column("text", required=True)')
    items.load(v="1")
    items.become('"w": "text"')
    items.load(w="2")
    assert machine.rows("select id, v, w from items order by id") == [
        ("k1", "1", None),
        ("k2", None, "2"),
    ]


def test_a_column_is_required_from_now_on_where_every_row_has_it(items):
    items.become('"v": "text"')
    items.load(v="1")
    items.become('"v": column("text", required=True)')
    items.load(v="2")
    assert items.columns() == [("v", "text", "NO")]
    items.become('"v": "text"')
    items.load()
    assert items.columns() == [("v", "text", "YES")]


def test_a_column_that_rows_lack_cannot_be_required(items):
    items.become('"v": "text"')
    items.load()
    items.become('"v": column("text", required=True)')
    items.load(v="2")
    parked_for, reason = items.parked()
    assert parked_for == "plugin"
    assert "rows that are there have no value of it" in reason
    assert "Leave required=True out" in reason


def test_a_new_column_that_is_required_invents_no_value_for_the_rows_that_are_there(items, machine):
    items.become('"v": "text"')
    items.load(v="1")
    items.become('"v": "text", "n": column("numeric", required=True)')
    items.load(v="2", n="1.25")
    parked_for, reason = items.parked()
    assert parked_for == "plugin"
    assert "rows that are there have no value of it" in reason
    items.become('"v": "text", "n": "numeric"')
    machine.unpark("items")
    items.load(v="3", n="3")
    assert machine.rows("select id, n from items order by id") == [("k1", None), ("k3", 3)]


def test_a_new_column_is_required_at_once_where_there_are_no_rows(items, machine):
    items.become('"v": "text"')
    items.load(v="1")
    machine.execute("delete from items")
    items.become('"v": "text", "n": column("numeric", required=True)')
    items.load(v="2", n="1.25")
    assert items.columns() == [("v", "text", "YES"), ("n", "numeric", "NO")]


def test_the_history_follows_too_and_its_view_shows_the_new_columns(items, machine):
    machine.plugin("items", HISTORY.format('"n": "integer"'))
    items.load(n=1)
    machine.plugin("items", HISTORY.format('"w": "text", "n": "integer"'))
    items.load(n=2, w="x")
    machine.plugin("items", HISTORY.format('"w": "text", "n": "numeric"'))
    items.load(n="3.5", w="y")
    found = machine.rows("select id, w, n from items_history order by id")
    assert found == [("k1", None, 1), ("k2", "x", 2), ("k3", "y", Decimal("3.5"))]
    assert items.parked() == ("", "")


@pytest.mark.engines("postgresql")
def test_who_may_read_a_history_may_read_its_new_columns(items, machine):
    machine.plugin("items", HISTORY.format('"n": "integer"'))
    items.load(n=1)
    machine.execute("grant select on items_history to public")
    machine.plugin("items", HISTORY.format('"w": "text", "n": "integer"'))
    items.load(n=2, w="x")
    granted = "select count(*) from information_schema.role_table_grants where grantee = 'PUBLIC'"
    assert machine.rows(f"{granted} and table_name = 'items_history'") == [(1,)]


def test_a_view_upon_a_column_that_gets_more_room_is_told_of_or_follows(items, machine):
    items.become('"n": "integer"')
    items.load(n=1)
    machine.execute("create view seen as select n from items")
    items.become('"n": "bigint"')
    items.load(n=2)
    parked_for, reason = items.parked()
    if machine.server.engine == "mysql":  # a view there follows its table
        assert parked_for == ""
        assert machine.rows("select n from seen order by n") == [(1,), (2,)]
    else:
        assert parked_for == "plugin"
        assert "0A000" in reason
        assert "such as a view" in reason


def test_a_table_that_is_held_is_waited_for_briefly_and_tried_again(items, machine):
    items.become('"v": "text"')
    items.load(v="1")
    items.become('"v": "text", "w": "text"')
    twin = machine.twin()
    with twin.database.session() as engine, engine.connection.transaction():
        engine.connection.fetch("select * from items")
        report = machine.load(name := machine.put("items", put(9, "k9", w="9")))
    twin.database.close()
    assert report.failed == {name}
    assert items.parked() == ("", "")
    assert not machine.load(name).failed
    assert machine.rows("select w from items where id = 'k9'") == [("9",)]


def test_two_workers_that_meet_the_changed_plugin_alter_it_once(items, machine):
    items.become('"v": "text"')
    items.load(v="1")
    items.become('"v": "text", "w": "text"')
    names = [machine.put("items", put(n, f"k{n}", w="x")) for n in (8, 9)]
    twin = machine.twin()
    reports = side_by_side(lambda: machine.load(names[0]), lambda: twin.load(names[1]))
    twin.database.close()
    assert not any(report.failed or report.waiting for report in reports)
    assert machine.rows("select count(*) from items where w = 'x'") == [(2,)]


def test_types_that_were_changed_by_hand_are_left_alone(items, machine):
    items.become('"v": "text"')
    items.load(v="1")
    change = {"postgresql": "alter column v type", "mysql": "modify column v"}
    machine.execute(f"alter table items {change[machine.server.engine]} varchar(10)")
    items.become('"v": "text", "w": "text"')
    items.load(v="2", w="x")
    assert items.columns()[0] == ("v", "character varying", "YES")
    assert items.parked() == ("", "")


def test_a_replay_fills_a_new_column_of_the_history_too(items, machine):
    text = """
        from dynaurora import Table
        items = Table(key="id", columns={{"id": "text", "v": "text"{}}}, history=True)
    """
    machine.plugin("items", text.format(""))
    changes = [put(n, "k", v=str(n), w=f"w{n}") for n in (1, 2, 3)]
    for change in changes:
        machine.load_lines("items", change)
    machine.plugin("items", text.format(', "w": "text"'))
    machine.load_lines("items", *changes[:2])
    versions = "select v, w from items_history order by _version"
    assert machine.rows(versions) == [("1", "w1"), ("2", "w2"), ("3", None)]
    assert items.parked() == ("", "")


def test_a_table_begins_to_mark(items, machine):
    items.become('"v": "text"')
    items.load(v="1")
    machine.plugin(
        "items",
        """
        from dynaurora import Table
        items = Table(key="id", columns={"id": "text", "v": "text"}, deleted="mark")
        """,
    )
    machine.load_lines("items", delete(9, "k1"))
    assert machine.rows("select id, _deleted_at is null, _expired from items") == [
        ("k1", False, False)
    ]


PATIENCE = {
    "postgresql": "show lock_timeout",
    "mysql": "select @@innodb_lock_wait_timeout, @@lock_wait_timeout",
}


@pytest.mark.parametrize("default", ["", ", required=True"], ids=["altered", "refused"])
def test_a_table_s_alteration_leaves_the_patience_of_a_worker_as_it_was(items, machine, default):
    patience = PATIENCE[machine.server.engine]
    items.become('"v": "text"')
    items.load(v="1")
    before = machine.rows(patience)
    items.become(f'"v": "text", "n": column("numeric"{default})')
    items.load(v="2", n="1.25")
    assert (items.parked()[0] == "plugin") == bool(default)
    assert machine.rows(patience) == before
