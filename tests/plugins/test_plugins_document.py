"""docs/plugins.md is true: its plugins run, its rules say what it says they say."""

import re
from pathlib import Path

import pytest

from dynaurora.plugins.contract import ENGINES
from dynaurora.plugins.loading import NAMES
from support.load import line

TEXT = (Path(__file__).parents[2] / "docs" / "plugins.md").read_text("utf-8")
EXAMPLES = re.findall(r"```python\n# sqlqueries/(\w+).py\n(.*?)```", TEXT, re.DOTALL)
RULES = re.findall(
    r"^\| (\w+) \| [^|]+ \| `(.+)` \| (error|undecided|warning) \|$", TEXT, re.MULTILINE
)
KEYS = {
    "shop": {"PK": {"S": "USER#1"}, "SK": {"S": "USER#1"}},
    "prices": {"sku": {"S": "A-1"}},
}
PLUGIN = """
from dynaurora import Table
orders = Table(key="order_id", columns={"order_id": "text", "total": "numeric"})
log = "create table if not exists log (order_id text, total numeric)"
create_table_queries = [orders, log, *CREATE]
insert_table_queries = [orders, *INSERT]
select_table_queries = SELECT
drop_table_queries = [orders, "drop table if exists log", *DROP]
"""


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("table", "example"), EXAMPLES)
def test_its_plugins_have_no_problems(folder, table, example, engine):
    assert folder.problems(example, table=table, engine=engine) == []


@pytest.mark.each_engine
@pytest.mark.parametrize(("table", "example"), EXAMPLES)
def test_its_plugins_load_items_and_answer(machine, table, example):
    machine.plugin(table, example)
    item = {
        "price": {"N": "1.50"} if table == "prices" else {"M": {"amount": {"N": "1.50"}}},
        "total": {"N": "1.50"},
        "status": {"S": "paid"},
        "placedAt": {"S": "2024-05-01T12:00:00Z"},
        "day": {"S": "2024-05-01"},
        "lines": {"L": [{"M": {"sku": {"S": "a"}, "quantity": {"N": "2"}}}]},
        "notes": {"M": {"en": {"S": "fragile"}}},
    }
    key = KEYS.get(table, {"order_id": {"S": "1"}})
    for number in (1, 2):
        assert machine.load_lines(table, line(table, number, key, item)).applied == 1
    assert machine.load_lines(table, line(table, 3, key)).applied == 1
    assert machine.quarantine() == []
    assert machine.state(table) == ("", "")
    for name in machine._plugins.plugin(table).sql_tables:
        kept = 3 if name.endswith("_versions") else 2 if name.endswith("_history") else 0
        assert machine.rows(f"select count(*) from {name}") == [(kept,)], name


@pytest.mark.parametrize(("statement_list", "statement", "kind"), RULES)
def test_its_examples_break_the_rule_that_they_stand_for(folder, statement_list, statement, kind):
    listed = statement_list.replace("all", "insert")
    text = PLUGIN
    for name in ("create", "insert", "drop"):
        text = text.replace(f"*{name.upper()}", f"{statement!r}" if name == listed else "")
    text = text.replace("SELECT", repr({"q": statement} if listed == "select" else {}))
    found = folder.problems(text)
    assert len(found) == 1
    assert [word for word in ("undecided", "warning") if f": {word}: " in found[0]] == [
        word for word in (kind,) if word != "error"
    ]


def test_it_has_examples_and_rules():
    assert len(EXAMPLES) == 5
    assert len(RULES) == 22


@pytest.mark.parametrize("word", [*NAMES, *ENGINES, "_item", "_expired", "_deleted", "replaced_"])
def test_it_tells_every_name_that_means_something(word):
    assert f"`{word}" in TEXT or f'"{word}"' in TEXT
