"""What an engine cannot have is told without a server; what it just can have, it takes."""

import pytest

from dynaurora.errors import DatabaseError, PluginError
from dynaurora.sql import mysql
from support.load import line

HEAD = "from dynaurora import Table, rows\n"


def message(folder, text, engine):
    with pytest.raises(PluginError) as caught:
        folder.load(text, engine=engine)
    return str(caught.value).replace(f"{folder.path}/", "")


@pytest.mark.parametrize("kind", ["numeric(66,2)", "numeric(60,31)"])
def test_a_number_that_mysql_cannot_have_is_refused_there_alone(folder, kind):
    text = f'key = "id"\ncolumns = {{"id": "text", "total": "{kind}"}}\n'
    assert message(folder, text, "mysql") == (
        f'orders.py:2:26: columns["total"]: it is {kind}; mysql has at most 65 digits, 30 of them '
        'after the point; write a smaller one, or "numeric"'
    )
    assert str(folder.load(text).columns["total"].type) == kind


def test_the_largest_number_of_mysql_is_taken(folder):
    text = 'key = "id"\ncolumns = {"id": "text", "total": "numeric(65,30)"}\n'
    assert folder.load(text, engine="mysql").columns["total"].type.precision == 65


def test_the_columns_of_rows_have_limits_too(folder):
    text = HEAD + 'key = "id"\ncolumns = {"id": "text", "l": rows("l[]", {"n": "numeric(70)"})}\n'
    found = message(folder, text, "mysql")
    assert found.startswith('orders.py:3:44: columns["l"]["n"]: it is numeric(70,0)')


def test_columns_that_differ_in_case_alone_are_one_on_mysql(folder):
    text = 'key = "id"\ncolumns = {"id": "text", "ID": "text"}\n'
    assert message(folder, text, "mysql") == (
        'orders.py:2:26: columns["ID"]: mysql takes it for "id"; call one of them otherwise: '
        '"ID_2": ("text", "ID")'
    )
    assert list(folder.load(text).columns) == ["id", "ID"]


BLANKS = " \t\n\v\f\r"
"""Of all letters these alone: each one was tried as the last of a name, on both servers."""


@pytest.mark.parametrize("blank", BLANKS, ids=ascii)
def test_a_name_that_ends_in_a_blank_is_refused_on_mysql(folder, blank):
    name = f"a{blank}"
    text = f'key = "id"\ncolumns = {{"id": "text", {name!r}: "text"}}\n'
    assert "mysql can call no column so" in message(folder, text, "mysql")
    assert list(folder.load(text).columns) == ["id", name]


@pytest.mark.engines("mysql")
@pytest.mark.parametrize("blank", BLANKS, ids=ascii)
def test_the_server_has_no_name_that_ends_in_a_blank_and_such_as_begin_with_one(server, blank):
    with pytest.raises(DatabaseError, match="Incorrect column name"):
        server.execute(f"create table refused (`a{blank}` int)")
    server.execute(f"create table taken (`{blank}a` int, `\x13` int, `a\u2003` int)")


@pytest.mark.engines("mysql")
@pytest.mark.parametrize(("one", "other"), ["aA", "éÉ", "σΣ", "жЖ", "İI", "İi"])
def test_two_columns_that_are_one_to_the_server_are_one_to_us(server, one, other):
    assert mysql.folded(one) == mysql.folded(other)
    with pytest.raises(DatabaseError, match="Duplicate column name"):
        server.execute(f"create table t (`{one}` int, `{other}` int)")
    server.execute(f"create table t (`a{one}` int, `b{other}` int)")


TABLE = """from dynaurora import Table, column, rows
orders = Table(
    key=("pk", "sk"),
    columns={"pk": "text", "sk": "text", WHAT},
    indexes=[INDEX],
)
"""


@pytest.mark.parametrize(
    ("what", "index", "place", "found"),
    [
        (
            '"m": rows("m{}{}", {}, at=("a", "b"))',
            "",
            "3:9: key",
            "the primary key of orders_m (pk, sk, a, b) has 4,080 bytes; mysql has at most 3,072",
        ),
        (
            '"a": "text", "b": "uuid"',
            '("pk", "sk", "a", "b")',
            "5:13: indexes",
            "the index of orders (pk, sk, a, b) has 3,204 bytes; mysql has at most 3,072",
        ),
        (
            '**{f"c{n}": "integer" for n in range(1016)}',
            "",
            "4:13: columns",
            "orders has 1018 columns; mysql has at most 1017",
        ),
        (
            '"l": rows("l[]", {"PK": "text"})',
            "",
            '4:60: columns["l"]["PK"]',
            'mysql takes it for "pk"; call one of them otherwise: "PK_2": ("text", "PK")',
        ),
        ('"a ": "text"', "", '4:42: columns["a "]', "mysql can call no column so"),
        ('"😀": "text"', "", '4:42: columns["😀"]', "mysql can call no column so"),
    ],
)
def test_what_mysql_cannot_make_of_a_declaration_is_refused_there_alone(
    folder, what, index, place, found
):
    text = TABLE.replace("WHAT", what).replace("INDEX", index)
    assert message(folder, text, "mysql").startswith(f"orders.py:{place}: {found}")
    assert folder.load(text).tables


@pytest.mark.each_engine
def test_an_index_and_a_key_as_large_as_mysql_has_them_are_made(machine):
    """A text of any length is indexed, by its beginning."""
    what = '"t": "text", "n": "bigint", "i": "integer", "m": rows("m{}[]", {}, at=("a", "b"))'
    text = TABLE.replace("WHAT", what).replace("INDEX", '("pk", "sk", "t", "n", "i")')
    machine.plugin("orders", text)
    key = {"pk": {"S": "é" * 255}, "sk": {"S": "😀" * 255}}
    entries = {"m": {"M": {"😀" * 255: {"L": [{"S": "x"}]}}}}
    item = {"t": {"S": "y" * (100_000 if machine.server.engine == "mysql" else 255)}, **entries}
    assert machine.load_lines("orders", line("orders", 1, key, item)).applied == 1
    assert machine.state("orders") == ("", "")


@pytest.mark.each_engine
@pytest.mark.parametrize("name", ["position", "count", "sum", "now", "substr", "cast", "char"])
def test_an_index_upon_a_text_that_is_called_as_a_function_is_made(machine, name):
    """Which would be called, where its length stood behind it at once."""
    what = f'"{name}": column("text", index=True)'
    machine.plugin("orders", TABLE.replace("WHAT", what).replace("INDEX", f'("{name}",)'))
    machine.load_lines(
        "orders", line("orders", 1, {"pk": {"S": "a"}, "sk": {"S": "b"}}, {name: {"S": "x"}})
    )
    assert machine.state("orders") == ("", "")


@pytest.mark.each_engine
def test_names_as_long_as_they_may_be_load_and_are_dropped(machine):
    name, inner = "x" * 63, "y" * 63
    machine.plugin(
        name,
        f"""
        from dynaurora import Table, column, rows

        lines = rows("l[]", {{"{inner}": column("text", index=True)}})
        table = Table(key="{name}", columns={{"{name}": "text", "l": lines}}, history=True)
        """,
    )
    loaded = machine.load_lines(name, line(name, 1, {name: {"S": "a"}}, {"l": {"L": [{"M": {}}]}}))
    assert loaded.applied == 1
    machine.drop(name)


@pytest.mark.engines("mysql")
def test_a_table_whose_rows_no_page_of_mysql_has_room_for_is_parked_with_its_reason(machine):
    text = TABLE.replace("WHAT", '**{f"c{n}": "text" for n in range(600)}').replace("INDEX", "")
    machine.plugin("orders", text)
    machine.load_lines("orders", line("orders", 1, {"pk": {"S": "a"}, "sk": {"S": "b"}}, {}))
    parked_for, reason = machine.state("orders")
    assert parked_for == "plugin"
    assert "1118: Row size too large" in reason
