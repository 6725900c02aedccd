import subprocess
import sys

import pytest

from dynaurora.errors import PluginError
from dynaurora.model.paths import Attribute

HEAD = "from dynaurora import Table, column, rows\n"
DECLARED = """
from dynaurora import Table, rows
orders = Table(
    key="id",
    columns={"id": "text", "total": "numeric", "lines": rows("lines[]", {"sku": "text"})},
)
"""
BY_HAND = """
key = "id"
columns = {"id": "text", "total": "numeric(12,2)"}
create_table_queries = ["create table if not exists t (id text primary key, total numeric)"]
insert_table_queries = ["insert into t select id, total from staged on conflict do nothing"]
select_table_queries = {"all": "select * from t"}
drop_table_queries = ["drop table if exists t"]
"""


def message(folder, text, **more):
    with pytest.raises(PluginError) as caught:
        folder.load(text, **more)
    return str(caught.value).replace(f"{folder.path}/", "")


def test_a_declared_plugin_is_what_its_table_says(folder):
    plugin = folder.load(DECLARED, table="Orders")
    assert (plugin.table, plugin.engine, plugin.key) == ("Orders", "postgresql", ("id",))
    assert list(plugin.columns) == ["id", "total"]
    assert list(plugin.rows) == ["lines"]
    assert {name: table.column_names for name, table in plugin.tables.items()} == {
        "orders": ("id", "total"),
        "orders_lines": ("id", "position", "sku"),
    }
    assert plugin.is_row_wise
    assert [len(plugin.create), len(plugin.insert), len(plugin.drop)] == [2, 4, 2]
    assert list(plugin.select) == ["first orders", "first orders_lines", "count orders"]
    assert plugin.names("staged_lines")
    assert not plugin.names("changes")


def test_a_hand_written_plugin_is_what_it_says(folder):
    plugin = folder.load(BY_HAND)
    assert plugin.key == ("id",)
    assert plugin.insert == ("insert into t select id, total from staged on conflict do nothing",)
    assert plugin.select == {"all": "select * from t"}
    assert plugin.tables == {}
    assert not plugin.is_row_wise


def test_the_key_may_be_a_text_or_a_tuple(folder):
    text = BY_HAND.replace('key = "id"', 'key = ("id", "total")')
    assert folder.load(text).key == ("id", "total")


def test_a_list_that_is_defined_is_exactly_what_it_says(folder):
    text = DECLARED + 'insert_table_queries = ["insert into log select id from staged", orders]\n'
    plugin = folder.load(text)
    assert plugin.insert[0] == "insert into log select id from staged"
    assert len(plugin.insert) == 5
    assert len(plugin.create) == 2
    assert not plugin.is_row_wise
    assert folder.load(DECLARED + "create_table_queries = []\n").create == ()


def test_a_statement_may_differ_per_engine(folder):
    text = BY_HAND.replace(
        'columns = {"id": "text", "total": "numeric(12,2)"}',
        'columns = {"id": "text"}\nONLY = {"postgresql": None, "mysql": "drop table if exists x"}',
    ).replace(
        'drop_table_queries = ["',
        'drop_table_queries = [ONLY, {"postgresql": "drop table if exists p", "mysql": None}, "',
    )
    assert folder.load(text).drop == ("drop table if exists p", "drop table if exists t")
    assert folder.load(text, engine="mysql").drop == (
        "drop table if exists x",
        "drop table if exists t",
    )


def test_an_expression_may_differ_per_engine_and_is_not_staged(folder):
    plugin = folder.load(
        HEAD + 't = Table(key="id", columns={"id": "text",'
        ' "short": column("text", sql={"postgresql": "left(id, 3)", "mysql": "x"})})'
    )
    assert list(plugin.columns) == ["id"]
    assert "left(id, 3) as short" in plugin.insert[0]


def test_several_tables_of_one_file_are_made_and_dropped_in_order(folder):
    plugin = folder.load(
        HEAD
        + 'a = Table("a1", key="id", columns={"id": "text", "x": "text"})\n'
        + 'b = Table("b1", key="id", columns={"id": "text", "y": ("text", "z")})\n'
        + "again = a\n"
    )
    assert list(plugin.tables) == ["a1", "b1"]
    assert list(plugin.columns) == ["id", "x", "y"]
    assert [text.split()[4] for text in plugin.drop] == ["b1", "a1"]


def test_a_table_that_only_stands_in_a_list_belongs_to_the_plugin(folder):
    plugin = folder.load(
        HEAD + 'insert_table_queries = [Table("x", key="id", columns={"id": "text"})]'
    )
    assert list(plugin.tables) == ["x"]
    assert plugin.key == ("id",)


def test_two_tables_share_a_column_that_means_the_same(folder):
    plugin = folder.load(
        HEAD
        + 'a = Table("a1", key="id", columns={"id": "text"})\n'
        + 'b = Table("b1", key="id", columns={"id": column("text", "id", index=True)})\n'
    )
    assert plugin.columns["id"].path == (Attribute("id"),)


KINDS = (
    HEAD
    + """
a = Table("a1", key=("pk", "sk"), when={"kind": "a", "PK": "A*"}, columns={
    "pk": ("text", "PK"), "sk": ("text", "SK"), "x": "text", "l": rows("l[]", {"n": "integer"}),
})
b = Table("b1", key=("pk", "sk"), when={"PK": "B*"}, columns={
    "pk": ("text", "PK"), "sk": ("text", "SK"), "x": ("numeric", "y"), "l": rows("m{}", {}),
})
every = Table("every", key=("pk", "sk"), columns={"pk": ("text", "PK"), "sk": ("text", "SK")})
"""
)


def test_tables_with_when_share_nothing_but_the_key(folder):
    plugin = folder.load(KINDS)
    assert list(plugin.columns) == ["pk", "sk"]
    assert list(plugin.rows) == ["a1", "a1_l", "b1", "b1_l"]
    assert list(plugin.tables) == ["a1", "a1_l", "b1", "b1_l", "every"]
    assert plugin.rows["a1_l"].when == plugin.rows["a1"].when


def test_rows_of_a_table_with_when_may_have_a_when_of_their_own(folder):
    text = KINDS.replace('rows("m{}", {})', 'rows("m{}", {}, when={"kind": "m"})')
    paths = [condition.path for condition in folder.load(text).rows["b1_l"].when]
    assert paths == [(Attribute("PK"),), (Attribute("kind"),)]


def test_only_an_item_whose_when_is_not_its_key_is_looked_for_in_its_old_table(folder):
    leaving = [text for text in folder.load(KINDS).insert if "using staged as" in text]
    assert len(leaving) == 1
    assert leaving[0].startswith("delete from a1 as t")


def test_a_history_is_a_table_and_a_view_that_no_other_plugin_may_make(folder):
    plugin = folder.load(
        HEAD + 't = Table(key="id", columns={"id": "text", "v": "text"}, history=True)'
    )
    assert plugin.sql_tables == ("orders", "orders_versions", "orders_history")
    assert list(plugin.tables) == ["orders", "orders_versions"]
    assert plugin.names("changes")
    assert plugin.is_row_wise
    assert plugin.drop[0] == "drop view if exists orders_history"


def test_percent_and_braces_mean_themselves(folder):
    text = "select '100 %', '{x}', '%s', '%(a)s' from t"
    plugin = folder.load(BY_HAND.replace('"all": "select * from t"', f'"all": "{text}"'))
    assert plugin.select["all"] == text


def test_the_file_is_run_as_a_module_that_nobody_sees(folder):
    before = set(sys.modules)
    folder.load(
        "from __future__ import annotations\nfrom dataclasses import dataclass\n"
        "@dataclass\nclass Sum:\n    total: int\n"
        "assert __name__ != '__main__' and __file__.endswith('prod.Orders-v2.py')\n" + DECLARED,
        table="prod.Orders-v2",
    )
    assert not {name for name in set(sys.modules) - before if "plugin" in name}
    assert not list(folder.path.glob("__pycache__"))


def test_the_digest_tells_the_bytes_of_the_file(folder):
    first, again = folder.load(DECLARED), folder.load(DECLARED)
    assert first.digest == again.digest
    assert folder.load(DECLARED + "\n").digest != first.digest


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # What Python says, with the place in the plugin's own file.
        ("x = 1\nx = = 2", "orders.py:2:5: SyntaxError: invalid syntax"),
        ("import nowhere", "orders.py:1:1: ModuleNotFoundError: No module named 'nowhere'."),
        ("x = 1 + int('x')", "orders.py:1:9: ValueError: invalid literal for int()"),
        ("def f():\n    raise KeyError('k')\nf()", "orders.py:2:5: KeyError: 'k'"),
        ("import sys\nsys.exit('bye')", "orders.py:2:1: SystemExit: bye. A plugin only declares."),
        ("def f(): f()\nf()", "orders.py:1:10: RecursionError: maximum recursion depth"),
        ("raise Exception", "orders.py:1:1: Exception. A plugin only declares."),
        ("\0", "orders.py: SyntaxError: source code string cannot contain null bytes"),
        # Names.
        ("", "orders.py: it declares nothing; expected a Table, or key, columns and SQL"),
        ('columns = {"id": "text"}', 'orders.py: key is missing. Add key = "id".'),
        ('key = 1\ncolumns = {"id": "text"}', "orders.py:1:7: key is of type int; expected"),
        ('key = ()\ncolumns = {"id": "text"}', "orders.py:1:7: key is of type tuple; expected"),
        ('key = "x"\ncolumns = {"id": "text"}', 'key: names "x", which is no column'),
        ('key = "idd"\ncolumns = {"id": "text"}', 'orders.py:1:7: key: names "idd", which is no'),
        ('key = "id"\ncolumns = ["id"]', "orders.py:2:11: columns: it is a list; write a dict"),
        ('key = "id"\ncolumns = {1: "text"}', "columns: 1 is no name; write a text"),
        ('key = "id"\ncolumns = {"id": "json"}', 'orders.py:2:12: columns["id"]: it is json;'),
        (
            'key = "id"\ncolumns = {"id": "text"}\ninsert_table_query = []',
            "insert_table_query means",
        ),
        (
            'keys = "id"\ncolumns = {"id": "text"}',
            "orders.py:1:8: keys means nothing; expected key",
        ),
        # Columns.
        (
            'key = "id"\ncolumns = {\n    "id": "text",\n    "total": "numric(12,2)",\n}',
            'orders.py:4:5: columns["total"]: no type "numric(12,2)"; did you mean "numeric(12',
        ),
        (
            'key = "id"\ncolumns = {"id": "text", "tags": ["text"]}',
            """columns["tags"]: it is ['text']; write "text", ("text", "path"), column(...) or""",
        ),
        (
            'key = "id"\ncolumns = {"id": "text", "_x": "text"}',
            'columns["_x"]: names that begin with "_" belong to Dynaurora',
        ),
        (
            'key = "id"\ncolumns = {"id": "text", "x": ("text", "a..b")}',
            "orders.py:2:26: columns[\"x\"]: 'a..b' is no path",
        ),
        (
            'key = "id"\ncolumns = {"id": ("text", "a.b")}',
            'orders.py:2:12: columns["id"]: a key of DynamoDB is an attribute, never inside one',
        ),
        (
            HEAD + 'key = "id"\ncolumns = {"id": "text", "x": column("text", sql="1")}',
            'orders.py:3:26: columns["x"]: sql=… is for a Table',
        ),
        # Tables, with the whole place of what stands inside.
        (
            HEAD + 't = Table(key="id", columns={"id": "text",\n  "x": rows("l[]", {"s": "txt"})})',
            'orders.py:3:21: columns["x"]["s"]: no type "txt"; did you mean "text"?',
        ),
        (
            HEAD + 't = Table(key="id", columns={"id": "text", "x": column("txt")})',
            'orders.py:2:49: columns["x"]: no type "txt"; did you mean "text"?',
        ),
        (
            HEAD + 'KEY = {"id": "txt"}\nt = Table(key="id", columns={**KEY, "x": "text"})',
            'orders.py:2:8: columns["id"]: no type "txt"; did you mean "text"?',
        ),
        (
            HEAD + 't = Table(\n    key="idd",\n    columns={"id": "text"},\n)',
            'orders.py:3:9: key: names "idd", which is no column; did you mean "id"?',
        ),
        (
            HEAD + 't = Table(columns={"id": "text"})',
            "key: it has to name the column of the partition key",
        ),
        (
            HEAD + 't = Table(key="id", columns={"id": "text"}, indexes=[("x",)])',
            'indexes: "x" is no column',
        ),
        (
            HEAD + 't = Table("staged_x", key="id", columns={"id": "text"})',
            'name: "staged_x" belongs to Dynaurora',
        ),
        (
            HEAD + 't = Table("_x", key="id", columns={"id": "text"})',
            'name: "_x" belongs to Dynaurora',
        ),
        (
            HEAD + 't = Table(key="id", columns={"id": "text", "ctid": "text"})',
            'orders.py:2:44: columns["ctid"]: postgresql has a column of this name in every table',
        ),
        (
            HEAD + f't = Table(key="id", columns={{"id": "text", "{"x" * 64}": "text"}})',
            "a column name has at most 63 bytes",
        ),
        (
            HEAD + 't = Table(key="name", columns={"name": "text", "m": rows("m{}", {})})',
            "orders.py:2:48: columns[\"m\"]: at=('name',) names a column twice; call it otherwise",
        ),
        (
            HEAD + 't = Table(key="id", columns={"id": "text", "l": rows("l[]", {"id": "text"})})',
            'orders.py:2:62: columns["l"]["id"]: the rows have a column of this name already',
        ),
        (
            HEAD + 't = Table(key="id", columns={"id": "text", "x": column("text", sql={})})',
            'columns["x"]: sql has no "postgresql" expression; the plugin does not run there',
        ),
        (
            HEAD
            + 'a = Table("a1", key="id", columns={"id": "text"})\n'
            + 'b = Table("A1", key="id", columns={"id": "text"})\n'
            + 'c = Table("a1", key="id", columns={"id": "text"})\n',
            'name: two Tables make the SQL table "a1"; name one otherwise',
        ),
        (
            HEAD
            + 'a = Table("a1", key="id", columns={"id": "text", "x": "text"})\n'
            + 'b = Table("b1", key="id", columns={"id": "text", "x": "integer"})\n',
            'columns["x"]: it is declared twice, with different types or paths',
        ),
        (
            HEAD
            + 'a = Table("a1", key="id", columns={"id": "text", "x": "text"})\n'
            + 'b = Table("b1", key="id", columns={"id": "text", "x": rows("x[]", {})})\n',
            'columns["x"]: it is a column here and rows there',
        ),
        (
            HEAD
            + 'key = "other"\ncolumns = {"other": "text"}\n'
            + 'a = Table("a1", key="id", columns={"id": "text"})\n',
            'key: it is "other" here and "id" there; keys agree',
        ),
        (
            HEAD
            + 't = Table(key="id", columns={"id": "text", "l": rows("l[]", {"_key": "text"})})',
            'orders.py:2:62: columns["l"]["_key"]: names that begin with "_" belong to Dynaurora',
        ),
        (
            HEAD + 'key = "id"\ncolumns = {"id": "text", "l": rows("l[]", {}, at="_key")}',
            'columns["l"] at: names that begin with "_" belong to Dynaurora',
        ),
        (
            HEAD + 'key = "id"\ncolumns = {"id": "text", "l": rows("l[]", {"id": "text"})}',
            'orders.py:3:44: columns["l"]["id"]: the rows have a column of this name already',
        ),
        (
            HEAD + 't = Table(key="id", columns={"id": "text"}, indexes=["id"])',
            'indexes: it holds "id"; write [("id",)]',
        ),
        (
            HEAD + 't = Table(key="id", columns={"id": "text"}, when={"kind": 1.5})',
            'orders.py:2:51: when["kind"]: 1.5 is no value; write text, a whole number',
        ),
        (
            HEAD + 't = Table(key="id", columns={"id": "text"}, when={"kinds[]": "a"})',
            'orders.py:2:51: when["kinds[]"]: it is no path of one value',
        ),
        (
            HEAD + 't = Table(key="id", columns={"id": "text"}, when={})',
            'orders.py:2:50: when: it is {}; write {"path": "value"}, or leave it out',
        ),
        (
            HEAD + 't = Table(key="id", columns={"id": "text"}, when={"k": 1}, history=True)',
            "orders.py:2:68: history: a Table with `when` cannot have one, for `changes` has the c",
        ),
        (
            HEAD + 't = Table(key="id", columns={"id": "text", "valid_to": "date"}, history=True)',
            'orders.py:2:44: columns["valid_to"]: the history has a column of this name; call it',
        ),
        (
            HEAD
            + 'a = Table("a1", key="id", columns={"id": "text"}, history=True)\n'
            + 'b = Table("a1_history", key="id", columns={"id": "text"})\n',
            'name: two Tables make the SQL table "a1_history"; name one otherwise',
        ),
        (
            HEAD + 't = Table(key="id", columns={"id": "text"}, expired="marked")',
            "orders.py:2:53: expired: it is 'marked'; did you mean \"mark\"?; write remove, mark,",
        ),
        (
            HEAD
            + 'a = Table("a1", key="id", columns={"id": "text", "b1": "text"})\n'
            + 'b = Table("b1", key="id", columns={"id": "text"}, when={"kind": "b"})\n',
            'columns["b1"]: it is a column here and rows there',
        ),
        # Statements.
        (BY_HAND + "insert_table_queries = 'x'", "insert_table_queries is of type str; expected a"),
        (
            BY_HAND + "insert_table_queries = [1]",
            "insert_table_queries[0] is of type int; expected",
        ),
        (BY_HAND + "drop_table_queries = [{}]", 'drop_table_queries[0] has no "postgresql" statem'),
        (BY_HAND + 'drop_table_queries = [{"postgres": ""}]', "'postgres' is no engine; expected"),
        (
            BY_HAND + 'drop_table_queries = [{"postgresql": 1}]',
            "drop_table_queries[0] is of type int; expected a statement, or None",
        ),
        (BY_HAND + "select_table_queries = []", "select_table_queries is of type list; expected {"),
        (
            BY_HAND + "select_table_queries = {1: ''}",
            "a name in select_table_queries is of type int",
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_place(folder, text, expected):
    assert expected in message(folder, text)


@pytest.mark.parametrize("table", ["staged_orders", "removed", "changes", "Replaced_x", "_orders"])
def test_a_table_whose_own_name_is_ours_needs_another(folder, table):
    text = HEAD + 't = Table(key="id", columns={"id": "text"})'
    assert "belongs to Dynaurora" in message(folder, text, table=table)
    named = text.replace('Table(key="id"', 'Table("mine", key="id"')
    assert list(folder.load(named, table=table).tables) == ["mine"]


def test_a_plugin_without_a_statement_for_its_engine_does_not_run_there(folder):
    text = BY_HAND + 'drop_table_queries = [{"mysql": "drop table if exists t"}]'
    assert folder.load(text, engine="mysql").drop == ("drop table if exists t",)
    found = message(folder, text)
    assert 'drop_table_queries[0] has no "postgresql" statement' in found
    assert "Give one, or None if postgresql needs none." in found


def test_the_load_refuses_what_would_lose_half_of_its_work(folder):
    text = BY_HAND.replace("on conflict do nothing", "; drop table t")
    assert "orders.py:4:71: 2 statements in one string" in message(folder, text)


def test_loading_a_plugin_imports_nothing_heavy(folder):
    """The load Lambda starts fast: no parser, no driver, no AWS."""
    path = folder.write("orders.py", BY_HAND)
    code = f"""
import sys
from pathlib import Path
from dynaurora.plugins.folder import PluginFolder
assert PluginFolder(Path({str(path.parent)!r}), "postgresql").plugin("orders")
heavy = {{"sqlglot", "boto3", "psycopg", "click", "dynaurora.plugins.places", "traceback"}}
sys.exit(", ".join(heavy & set(sys.modules)) or 0)
"""
    subprocess.run([sys.executable, "-c", code], check=True)
