"""The comparison can fail: whatever is changed behind the pipeline's back is a difference."""

import tracemalloc
from decimal import Decimal

import pytest

from dynaurora.demo.comparison import KEPT, compare, is_same
from dynaurora.plugins.folder import load_plugin
from dynaurora.plugins.statements import dialect_of
from support.load import line

pytestmark = pytest.mark.each_engine

THINGS = """
    from dynaurora import Table, rows

    things = Table(
        key=("place", "number"),
        columns={
            "place": "text",
            "number": "integer",
            "amount": "numeric",
            "price": "numeric(12,2)",
            "is_new": "boolean",
            "kind": ("attribute_type", "amount"),
            "at": "timestamptz",
            "day": "date",
            "uuid": "uuid",
            "data": "bytes",
            "document": "json",
            "words": "text[]",
            "numbers": "numeric[]",
            "inner": ("text", "document.name"),
            "parts": rows("parts[]", {"name": "text", "weight": "numeric"}),
            "labels": rows("labels{}", {"label": ("text", "$")}, at="language"),
        },
    )
"""
ITEM = {
    "place": {"S": "here"},
    "number": {"N": "1"},
    "amount": {"N": "12345678901234567890123456789012345.678"},
    "price": {"N": "1.50"},
    "is_new": {"BOOL": True},
    "at": {"S": "2024-05-01T12:00:00.25+02:00"},
    "day": {"S": "2024-05-01"},
    "uuid": {"S": "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"},
    "data": {"B": "AAEC/w=="},
    "document": {"M": {"name": {"S": "naïve\t\\"}, "n": {"N": "0.1"}, "is": {"BOOL": True}}},
    "words": {"SS": ["b", "a"]},
    "numbers": {"NS": ["10", "9", "0.5"]},
    "parts": {"L": [{"M": {"name": {"S": "x"}, "weight": {"N": "2.50"}}}, {"M": {}}]},
    "labels": {"M": {"de": {"S": "Ding"}, "en": {"S": "thing"}}},
}
SPARSE = {"place": {"S": "there"}, "number": {"N": "2"}, "amount": {"NULL": True}}
ITEMS = [ITEM, SPARSE, {**ITEM, "number": {"N": "3"}}]


@pytest.fixture
def things(machine):
    machine.plugin("things", THINGS)
    machine.load_lines("things", *(_line(n, item) for n, item in enumerate(ITEMS, 10)))
    return machine


def _line(seq, item):
    keys = {name: item[name] for name in ("place", "number")}
    return line("things", seq, keys, item)


def compared(machine, items=ITEMS, table="things"):
    plugin = load_plugin(machine.folder / f"{table}.py", table, machine.server.engine)
    with machine.database.session() as engine:
        return compare(plugin, [items[:1], items[1:]], engine)


def only(found):
    assert found.different == len(found.differences) == 1
    assert not found.is_equal
    return found.differences[0]


def test_what_the_load_brought_is_equal(things):
    found = compared(things)
    assert (found.items, found.rows, found.child_rows) == (3, 3, 8)
    assert found.differences == ()
    assert found.is_equal


def changed_text(column, old, new):
    return {
        "postgresql": f"replace({column}::text, '{old}', '{new}')::jsonb",
        "mysql": f"replace({column}, '{old}', '{new}')",
    }


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("amount", "amount + 0.001"),
        ("amount", "null"),
        ("price", "1.51"),
        ("is_new", "false"),
        ("is_new", "null"),
        ("kind", "'S'"),
        ("at", {"postgresql": "at + interval '1 us'", "mysql": "at + interval 1 microsecond"}),
        ("day", "'2024-05-02'"),
        ("uuid", "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a12'"),
        ("data", {"postgresql": r"'\x00'", "mysql": "x'00'"}),
        ("document", changed_text("document", "{", '{"more": null, ')),
        ("document", changed_text("document", "0.1", "0.10000000000000000001")),
        ("document", changed_text("document", "true", "1")),
        ("words", {"postgresql": "array['b', 'a']", "mysql": """'["b", "a"]'"""}),
        ("numbers", {"postgresql": "array[0.5, 9, 11]", "mysql": "'[0.5, 9, 11]'"}),
        ("inner", "'naïve'"),
    ],
)
def test_a_changed_value_is_told_with_its_key_and_column(things, column, value):
    engine = things.server.engine
    name = dialect_of(engine).quoted(column)
    value = value if isinstance(value, str) else value[engine]
    things.execute(f"update things set {name} = {value} where number = 1")
    difference = only(compared(things))
    assert difference.sql_table == "things"
    assert difference.key == ("here", 1)
    assert difference.column == column
    assert column in str(difference)
    assert "here, 1" in str(difference)


def test_a_value_where_none_should_be_is_a_difference(things):
    things.execute("update things set price = 0 where number = 2")
    difference = only(compared(things))
    assert (difference.key, difference.column) == (("there", 2), "price")
    assert (difference.expected, difference.found) == (None, Decimal("0.00"))


def test_a_deleted_row_is_missing(things):
    things.execute("delete from things where number = 2")
    difference = only(compared(things))
    assert (difference.key, difference.column, difference.found) == (("there", 2), "", None)
    assert "missing" in difference.reason


def test_a_deleted_row_is_missing_with_all_that_was_inside(things):
    things.execute("delete from things where number = 1")
    found = compared(things)
    assert found.different == 5
    assert {d.sql_table for d in found.differences} == {"things", "things_parts", "things_labels"}


def test_a_row_without_an_item_is_told(things):
    things.execute("insert into things (place, number) values ('nowhere', 9)")
    difference = only(compared(things))
    assert (difference.key, difference.column, difference.expected) == (("nowhere", 9), "", None)
    assert "belongs to no item" in difference.reason


def test_an_item_that_is_gone_leaves_its_rows_without_one(things):
    found = compared(things, ITEMS[:2])
    assert found.different == 5
    assert {d.key[:2] for d in found.differences} == {("here", 3)}


def test_a_changed_child_row_is_told_with_its_place(things):
    things.execute("update things_parts set weight = 2.51 where number = 1 and position = 0")
    difference = only(compared(things))
    assert difference.sql_table == "things_parts"
    assert (difference.key, difference.column) == (("here", 1, 0), "weight")
    assert (difference.expected, difference.found) == (Decimal("2.50"), Decimal("2.51"))


def test_a_child_row_too_many_and_one_too_few(things):
    things.execute("insert into things_labels values ('here', 1, 'fr', 'chose')")
    things.execute("delete from things_parts where number = 3 and position = 1")
    found = {d.sql_table: d for d in compared(things).differences}
    assert found.keys() == {"things_labels", "things_parts"}
    assert found["things_labels"].key == ("here", 1, "fr")
    assert found["things_labels"].expected is None
    assert found["things_parts"].key == ("here", 3, 1)
    assert found["things_parts"].found is None


def test_a_newer_item_is_a_difference(things):
    items = [{**ITEM, "price": {"N": "7"}}, *ITEMS[1:]]
    difference = only(compared(things, items))
    assert (difference.expected, difference.found) == (Decimal(7), Decimal("1.50"))


def test_an_item_that_its_columns_cannot_hold_says_why(things):
    refused = {**SPARSE, "number": {"N": "4"}, "price": {"N": "1.005"}}
    things.load_lines("things", _line(20, refused))
    difference = only(compared(things, [*ITEMS, refused]))
    assert difference.key == ("there", 4)
    assert "cannot be a row" in difference.reason
    assert "numeric(12,2)" in difference.reason


def test_hand_written_sql_is_compared_by_the_names_of_its_columns(machine):
    machine.plugin(
        "notes",
        """
        key = "id"
        columns = {"id": "text", "text": "text", "size": "integer", "unused": "text"}
        create_table_queries = [
            "create table if not exists notes (id varchar(9) primary key, text text, size integer)"
        ]
        insert_table_queries = ["insert into notes select id, upper(text), size from staged"]
        drop_table_queries = ["drop table if exists notes"]
        """,
    )
    item = {"id": {"S": "a"}, "text": {"S": "hello"}, "size": {"N": "5"}, "unused": {"S": "x"}}
    machine.load_lines("notes", line("notes", 1, {"id": {"S": "a"}}, item))
    difference = only(compared(machine, [item], "notes"))
    assert (difference.column, difference.expected, difference.found) == ("text", "hello", "HELLO")


def test_two_items_that_are_one_row_are_told(things):
    difference = only(compared(things, [*ITEMS, ITEM]))
    assert difference.key == ("here", 1)
    assert "two items" in difference.reason


def test_an_item_whose_key_cannot_be_one_is_told(things):
    difference = only(compared(things, [*ITEMS, {**ITEM, "number": {"N": "1.5"}}]))
    assert "cannot be a row" in difference.reason


def test_every_table_of_a_plugin_is_compared(machine):
    machine.plugin(
        "pairs",
        """
        from dynaurora import Table, rows
        one = Table("one", key="id", columns={"id": "text", "left": "integer"})
        two = Table("two", key="id", columns={
            "id": "text", "right": "integer", "more": rows("more[]", {"text": ("text", "$")}),
        })
        """,
    )
    item = {
        "id": {"S": "a"},
        "left": {"N": "1"},
        "right": {"N": "2"},
        "more": {"L": [{"S": "x"}, {"S": "y"}]},
    }
    machine.load_lines("pairs", line("pairs", 1, {"id": {"S": "a"}}, item))
    found = compared(machine, [item], "pairs")
    assert (found.is_equal, found.rows, found.child_rows) == (True, 1, 2)
    for change, table in [
        ("update one set {left} = 9", "one"),
        ("update two set {right} = 9", "two"),
        ("update two_more set text = 'z' where position = 1", "two_more"),
    ]:
        quoted = dialect_of(machine.server.engine).quoted
        machine.execute(change.format(left=quoted("left"), right=quoted("right")))
        assert table in {d.sql_table for d in compared(machine, [item], "pairs").differences}


KINDS = """
    from dynaurora import Table, rows
    a = Table("a", key="id", when={"kind": "a"}, columns={
        "id": "text", "x": "integer", "inner": rows("inner[]", {"y": ("text", "$")}),
    })
    b = Table("b", key="id", when={"kind": "b"}, columns={"id": "text", "x": "text"})
"""
OF_KINDS = [
    {
        "id": {"S": "1"},
        "kind": {"S": "a"},
        "x": {"N": "1"},
        "inner": {"L": [{"S": "p"}, {"S": "q"}]},
    },
    {"id": {"S": "2"}, "kind": {"S": "b"}, "x": {"S": "one"}, "inner": {"L": [{"S": "p"}]}},
    {"id": {"S": "3"}, "kind": {"S": "b"}},
]


@pytest.fixture
def kinds(machine):
    machine.plugin("kinds", KINDS)
    found = (line("kinds", n, {"id": i["id"]}, i) for n, i in enumerate(OF_KINDS))
    machine.load_lines("kinds", *found)
    return machine


def test_items_of_several_kinds_are_compared_each_with_its_own_table(kinds):
    found = compared(kinds, OF_KINDS, "kinds")
    assert (found.is_equal, found.items, found.rows, found.child_rows) == (True, 3, 3, 2)


@pytest.mark.parametrize(
    ("change", "table"),
    [
        ("update a set x = 2", "a"),
        ("update b set x = null", "b"),
        ("delete from b where id = '3'", "b"),
        ("update a_inner set y = 'z' where position = 1", "a_inner"),
        ("delete from a_inner where position = 1", "a_inner"),
        ("insert into a values ('2', 1)", "a"),
        ("insert into b values ('9', 'x')", "b"),
    ],
)
def test_what_is_changed_in_the_table_of_a_kind_is_told(kinds, change, table):
    kinds.execute(change)
    assert only(compared(kinds, OF_KINDS, "kinds")).sql_table == table


def test_an_item_that_no_table_takes_is_told(kinds):
    items = [*OF_KINDS, {"id": {"S": "4"}, "kind": {"S": "c"}}]
    difference = only(compared(kinds, items, "kinds"))
    assert difference.key == ("4",)
    assert "no SQL table takes the item" in str(difference)


def test_the_newest_version_of_a_history_is_compared(machine):
    machine.plugin(
        "prices",
        """
        from dynaurora import Table
        prices = Table(key="id", columns={"id": "text", "price": "integer"}, history=True)
        """,
    )
    key = {"id": {"S": "a"}}
    items = [{**key, "price": {"N": str(price)}} for price in (1, 2)]
    gone = {"id": {"S": "b"}}
    machine.load_lines(
        "prices",
        *(line("prices", n, key, item) for n, item in enumerate(items)),
        line("prices", 7, gone, {**gone, "price": {"N": "1"}}),
        line("prices", 8, gone),
    )
    found = compared(machine, items[1:], "prices")
    assert (found.is_equal, found.rows, found.child_rows) == (True, 1, 0)
    machine.execute("update prices_versions set price = 3 where price = 2")
    assert only(compared(machine, items[1:], "prices")).sql_table == "prices_history"
    machine.execute("delete from prices_versions")
    assert only(compared(machine, items[1:], "prices")).sql_table == "prices_history"


def test_a_marked_row_is_no_row(machine):
    machine.plugin(
        "marks",
        """
        from dynaurora import Table, rows
        marks = Table(
            key="id",
            columns={"id": "text", "tags": rows("tags[]", {"tag": ("text", "$")})},
            deleted="mark",
        )
        """,
    )
    key = {"id": {"S": "a"}}
    item = {**key, "tags": {"L": [{"S": "x"}]}}
    machine.load_lines("marks", line("marks", 1, key, item))
    found = compared(machine, [item], "marks")
    assert (found.is_equal, found.rows, found.child_rows) == (True, 1, 1)
    machine.load_lines("marks", line("marks", 2, key))
    found = compared(machine, [], "marks")
    assert (found.is_equal, found.rows, found.child_rows) == (True, 0, 0)
    assert "missing" in only(compared(machine, [key], "marks")).reason


def test_many_differences_are_counted_and_the_first_ones_kept(machine):
    machine.plugin("things", THINGS)
    items = [{**SPARSE, "number": {"N": str(number)}} for number in range(KEPT + 50)]
    machine.load_lines("things", *(_line(n, item) for n, item in enumerate(items)))
    machine.execute("update things set price = 1")
    found = compared(machine, items)
    assert found.different == KEPT + 50
    assert len(found.differences) == KEPT


def test_a_table_without_items_and_rows_is_equal(machine):
    machine.plugin("things", THINGS)
    machine.load_lines("things", _line(1, ITEM), line("things", 2, _keys(ITEM)))
    found = compared(machine, [])
    assert (found.items, found.rows, found.is_equal) == (0, 0, True)


def _keys(item):
    return {name: item[name] for name in ("place", "number")}


def test_memory_does_not_grow_with_the_items(machine):
    """Only a hash of each key is kept: a few hundred bytes, where an item here has thousands."""
    machine.plugin("things", THINGS)
    pages = 20
    items = [{**SPARSE, "number": {"N": str(number)}} for number in range(500 * pages)]
    machine.load_lines("things", *(_line(n, item) for n, item in enumerate(items)))
    plugin = load_plugin(machine.folder / "things.py", "things", machine.server.engine)
    parts = [items[start : start + 500] for start in range(0, len(items), 500)]
    with machine.database.session() as engine:
        tracemalloc.start()
        found = compare(plugin, iter(parts), engine)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert found.is_equal
    assert peak < 300 * len(items) + 5_000_000


@pytest.mark.parametrize(
    ("expected", "found"),
    [
        (True, 1),
        (0, False),
        ({"a": True}, {"a": 1}),
        ([1, False], [1, 0]),
        ({"a": None}, {}),
        ([1], [1, 1]),
        ("1", 1),
        (None, ""),
        (Decimal("0.1"), Decimal("0.10000000000000000001")),
    ],
)
def test_values_that_are_not_the_same(expected, found):
    assert not is_same(expected, found)
    assert not is_same(found, expected)


@pytest.mark.parametrize(
    ("one", "other"),
    [(Decimal("1.50"), Decimal("1.5")), (1, Decimal("1.0")), ({"a": [1]}, {"a": [Decimal(1)]})],
)
def test_values_that_are_the_same(one, other):
    assert is_same(one, other)
