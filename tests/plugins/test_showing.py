"""`dynaurora show`: what a declaration stands for, as a plugin that does the same."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from dynaurora.cli.show import show
from dynaurora.model.paths import path, path_text
from dynaurora.plugins.folder import find_plugins, load_plugin
from dynaurora.plugins.showing import shown

SQLQUERIES = Path(__file__).parents[2] / "sqlqueries"
NASTY = Path(__file__).parent / "nasty_table.py"
ORDERS = """
from dynaurora import Table, rows
orders = Table(
    key="id",
    columns={
        "id": "text",
        "total": ("numeric(12,2)", "price.amount"),
        "lines": rows("lines[]", {"sku": "text"}),
    },
)
"""
SHOWN = '''\
# What orders.py stands for on postgresql.
# By hand it is loaded one load at a time; declared, by several side by side.

from dynaurora import rows

key = "id"

columns = {
    "id": "text",
    "total": ("numeric(12,2)", "price.amount"),
    "lines": rows("lines[]", {"sku": "text"}, at="position"),
}

create_table_queries = [
    """
    create table if not exists orders (
      id text not null,
      total numeric(12,2),
      primary key (id)
    )
    """,
'''


def meaning(plugin):
    """All that a load does with a plugin; white space between the words of SQL means nothing."""
    said = {
        name: [" ".join(statement.split()) for statement in getattr(plugin, name)]
        for name in ("create", "insert", "drop")
    }
    select = {name: " ".join(text.split()) for name, text in plugin.select.items()}
    return plugin.key, plugin.columns, plugin.rows, set(plugin.sql_tables), said, select


PLUGINS = [
    (table, path.read_text("utf-8"))
    for table, path in [*find_plugins(SQLQUERIES).items(), ("prod.Order-Lines", NASTY)]
]


each_plugin = pytest.mark.parametrize(("table", "text"), PLUGINS, ids=[name for name, _ in PLUGINS])


@pytest.mark.parametrize("engine", ["postgresql", "mysql"])
@each_plugin
def test_what_is_shown_gives_the_same_plugin(folder, table, text, engine):
    plugin = folder.load(text, table, engine)
    by_hand = folder.load(shown(plugin), table, engine)
    assert meaning(by_hand) == meaning(plugin)
    assert meaning(folder.load(text + shown(plugin), table, engine)) == meaning(plugin)
    assert shown(by_hand).partition("\nkey")[2] == shown(plugin).partition("\nkey")[2]


@pytest.mark.parametrize("engine", ["postgresql", "mysql"])
@each_plugin
def test_what_is_shown_keeps_every_rule(folder, table, text, engine):
    by_hand = shown(folder.load(text, table, engine))
    text = text + by_hand if "keep the Table" in by_hand else by_hand
    assert folder.problems(text, table, engine) == []


def test_it_reads_as_one_would_write_it(folder):
    assert shown(folder.load(ORDERS)).startswith(SHOWN)


def test_what_only_a_table_has_is_told(folder):
    text = ORDERS + (
        'insert_table_queries = [orders, "insert into log select id from replaced_orders"]\n'
    )
    assert "reads replaced_orders, which only a Table has" in shown(folder.load(text))


def test_a_text_of_several_lines_stays_as_it_is(folder):
    for value in ("a\n  b", "it's\n\tc", 'say "hi"', "back\\slash\n"):
        quoted = value.replace("'", "''")
        text = ORDERS + f"select_table_queries = {{'q': {f'''select '{quoted}' '''!r}}}\n"
        plugin = folder.load(text)
        assert folder.load(shown(plugin)).select["q"].strip() == plugin.select["q"].strip()


@pytest.mark.parametrize(
    "text", ["$", "a", "a.b[0].c", '"a.b"."say ""hi"""[]', "[0]", "a[].b{}", '"$"', '"$.x".y', "[]"]
)
def test_a_path_is_written_as_it_is_read(text):
    assert path_text(path(text)) == text


@pytest.fixture
def run(folder):
    def run(*arguments):
        return CliRunner().invoke(show, ["--sqlqueries", str(folder.path), *arguments])

    return run


def test_the_command_shows_the_plugin_or_one_list_of_it(folder, run):
    folder.write("orders.py", ORDERS)
    whole = run("orders")
    assert (whole.exit_code, whole.output.partition("\n\n")[0]) == (0, SHOWN.partition("\n\n")[0])
    drops = 'drop_table_queries = [\n    "drop table if exists orders_lines",\n'
    assert run("orders", "--list", "drop").output.startswith(drops)
    for name in ("create", "insert", "select", "drop"):
        assert run("orders", "--list", name).output.strip() in whole.output


def test_json_has_every_list_or_the_one_that_is_asked_for(folder, run):
    folder.write("orders.py", ORDERS)
    found = json.loads(run("orders", "--json").output)
    assert found["columns"]["total"] == '("numeric(12,2)", "price.amount")'
    plugin = load_plugin(folder.path / "orders.py", "orders", "postgresql")
    assert tuple(found["insert"]) == plugin.insert
    one = json.loads(run("orders", "--json", "--list", "drop").output)
    assert "insert" not in one
    assert tuple(one["drop"]) == plugin.drop


def test_a_table_without_a_plugin_is_told(folder, run):
    folder.write("orders.py", ORDERS)
    assert "it has no plugin; did you mean" in str(run("order").exception)


def test_each_engine_has_its_own_sql(folder, run):
    folder.write("orders.py", ORDERS)
    assert "on conflict" in run("orders", "--list", "insert").output
    assert "on duplicate key" in run("orders", "--list", "insert", "--engine", "mysql").output


def test_the_project_says_where_plugins_are_and_whose_sql_is_shown(folder):
    folder.write("orders.py", ORDERS)
    project = folder.path.parent
    (project / "dynaurora.toml").write_text('[database]\nurl = "mysql://a@127.0.0.1/a"\n')
    found = CliRunner().invoke(show, ["orders", "--project-dir", str(project)])
    assert "on duplicate key" in found.output
