"""Names that SQL has to be told with care: each is quoted, shortened or refused, and loads."""

import pytest

from dynaurora.model.names import SQL_NAME_BYTES, shortened_sql_name, sql_name
from support.load import line

pytestmark = pytest.mark.each_engine

HEAD = "from dynaurora import Table, column, rows\n"
KEY = {"id": {"S": "1"}}
LONG = "n" * 65_535
"""The longest name of an attribute, which is 64 KB.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html"""


def loaded(machine, table, text, item):
    """Load one item, then delete and load it again: every statement meets the names."""
    machine.plugin(table, HEAD + text)
    for seq, image in ((10**21, item), (10**21 + 1, None), (10**21 + 2, item)):
        assert machine.load_lines(table, line(table, seq, KEY, image)).applied == 1
    assert machine.state(table) == ("", "")


@pytest.mark.parametrize(
    "name",
    [
        *["order-id", "a.b", "CamelCase", "UPPER", "with space", "größe", "1st", "$x", "it's"],
        *['say "hi"', "select", "user", "order", "group", "default", "end", "excluded", "staged"],
        *["x" * SQL_NAME_BYTES, "%s", "{x}", "a\\b", "😀", "-- x", "/*"],
    ],
)
def test_a_column_has_the_name_that_it_was_given(machine, name):
    if machine.engine == "mysql" and max(name) > "\uffff":
        pytest.skip("no name of MySQL has such a character")
    columns = {"id": "text", name: "text"}
    rows = f'rows("l[]", {{{name!r}: ("text", "$")}})'
    text = f'things = Table(key="id", columns={{**{columns!r}, "inside": {rows}}}, '
    item = {name: {"S": "a"}, "l": {"L": [{"S": "b"}]}}
    loaded(machine, "things", text + f"indexes=[({name!r},)])", item)
    quoted = machine.quoted(name)
    assert machine.rows(f"select {quoted} from things") == [("a",)]
    assert machine.rows(f"select {quoted} from things_inside") == [("b",)]


@pytest.mark.engines("postgresql")  # they are one to MySQL
def test_columns_whose_names_differ_in_case_alone_are_two(machine):
    text = 'things = Table(key="id", columns={"id": "text", "v": "text", "V": "text"})'
    loaded(machine, "things", text, {"v": {"S": "small"}, "V": {"S": "large"}})
    assert machine.rows(f"select v, {machine.quoted('V')} from things") == [("small", "large")]


def test_an_attribute_whose_name_has_64_kb_has_a_column_of_another_name(machine):
    text = f'things = Table(key="id", columns={{"id": "text", "short": ("text", "{LONG}")}})'
    loaded(machine, "things", text, {LONG: {"S": "a"}})
    assert machine.rows("select short from things") == [("a",)]


@pytest.mark.parametrize("key", [LONG[:1_000], "a-b.C"])
def test_a_map_key_of_any_length_up_to_an_index_is_a_level(machine, key):
    text = (
        'things = Table(key="id", columns={"id": "text", "m": rows("m{}", {"v": ("text", "$")})})'
    )
    key = machine.of_engine(key, key[:255])
    loaded(machine, "things", text, {"m": {"M": {key: {"S": "a"}}}})
    assert machine.rows("select name, v from things_m") == [(key, "a")]


@pytest.mark.parametrize(
    ("table", "name"),
    [
        ("prod.Orders-v2", "prod_orders_v2"),
        ("user", "user"),
        ("2024_sales", "t_2024_sales"),
        ("OrderLines", "order_lines"),
        ("---", "___"),
    ],
)
def test_an_sql_table_is_called_as_its_table_in_snake_case(machine, table, name):
    if name.startswith("_"):
        name, declared = "lines", 'Table("lines", key="id"'
    else:
        declared = 'Table(key="id"'
    loaded(machine, table, f'things = {declared}, columns={{"id": "text"}})', {})
    assert machine.rows(f"select id from {machine.quoted(name)}") == [("1",)]


def test_names_over_63_bytes_are_cut_and_stay_apart(machine):
    tables = ["t" * 252, "t" * 251 + "u"]  # with .py the longest name of a file
    names = [sql_name(table) for table in tables]
    for table in tables:
        text = (
            'things = Table(key="id", columns={"id": column("text", index=True), '
            f'"{"l" * 70}": rows("l[]", {{"v": ("text", "$")}}), '
            f'"{"l" * 71}": rows("m[]", {{"v": ("text", "$")}})}})'
        )
        loaded(machine, table, text, {"l": {"L": [{"S": "l"}]}, "m": {"L": [{"S": "m"}]}})
    for name in names:
        assert len(name) == SQL_NAME_BYTES
        children = [shortened_sql_name(f"{name}_{'l' * length}") for length in (70, 71)]
        assert [machine.rows(f"select v from {child}") for child in children] == [
            [("l",)],
            [("m",)],
        ]
    assert len({*names}) == 2


def test_a_cut_name_is_the_same_for_ever():
    """Another would be another table."""
    assert sql_name("t" * 252) == "t" * 54 + "_199d6268"
    assert shortened_sql_name("ü" * 40) == "ü" * 27 + "_2a6f95c6"
