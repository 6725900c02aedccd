"""Every rule for hand-written SQL: what it says, where, and what it lets through."""

import re
from pathlib import Path

import pytest

from dynaurora.plugins.contract import ENGINES
from dynaurora.plugins.tokens import tokens

PLUGIN = """
from dynaurora import Table, rows
orders = Table(
    key="order_id",
    columns={
        "order_id": "text",
        "total": "numeric",
        "customerId": "text",
        "lines": rows("lines[]", {"sku": "text"}),
    },
)
create_table_queries = [
    orders,
    "create table if not exists log (order_id text, total numeric)",
    CREATE,
]
insert_table_queries = [
    INSERT,
]
select_table_queries = {"q": SELECT}
drop_table_queries = [orders, DROP]
"""
GOOD = {
    "CREATE": "create table if not exists other (a int)",
    "INSERT": "insert into log (order_id) select order_id from staged",
    "SELECT": "select * from log",
    "DROP": "drop table if exists log",
}
HERE = Path(__file__).parent
BROKEN = re.findall(
    r"^([A-Z]+): (.*)\n=> (.*)$", (HERE / "broken_rules.txt").read_text(), re.MULTILINE
)
KEPT = (HERE / "kept_rules.txt").read_text().splitlines()[2:]
LINES = {"CREATE": (14, 5), "INSERT": (17, 5), "SELECT": (19, 30), "DROP": (20, 31)}


def problems(folder, statement_list, statement, engine="postgresql"):
    """What is found in one statement; its place is relative to the statement's first character."""
    text = PLUGIN
    for name, good in GOOD.items():
        text = text.replace(
            f"    {name},", f"    {(statement if name == statement_list else good)!r},"
        )
        text = text.replace(
            f": {name}}}", f": {(statement if name == statement_list else good)!r}}}"
        )
        text = text.replace(f" {name}]", f" {(statement if name == statement_list else good)!r}]")
    line, column = LINES[statement_list]
    found = []
    for problem in folder.problems(text, engine=engine):
        place, _, said = problem.partition(": ")
        _, at_line, at_column = place.split(":")
        assert int(at_line) == line, problem
        found.append(f"{int(at_column) - column}: {said}")
    return found


@pytest.mark.parametrize("statement_list", GOOD)
def test_statements_that_keep_the_rules_have_no_problems(folder, statement_list):
    assert problems(folder, statement_list, GOOD[statement_list]) == []


@pytest.mark.parametrize(("statement_list", "statement", "expected"), BROKEN)
def test_a_rule_that_is_broken_is_told_with_its_place(folder, statement_list, statement, expected):
    assert expected in problems(folder, statement_list, statement)


@pytest.mark.parametrize("statement", KEPT)
def test_sql_that_keeps_the_rules_is_let_through(folder, statement):
    assert problems(folder, "INSERT", statement) == []


def test_names_of_relations_fold_as_the_engine_folds_them(folder):
    text = """
    from dynaurora import rows
    key = "id"
    columns = {"id": "text", "Lines": rows("l[]", {"sku": "text"})}
    insert_table_queries = ["insert into log select id from staged_Lines"]
    """
    assert folder.problems(text) == [
        (
            "orders.py:4:57: no relation staged_lines: PostgreSQL folds unquoted names. "
            'Write "staged_Lines".'
        )
    ]
    assert folder.problems(text.replace("staged_Lines", '\\"staged_Lines\\"')) == []


def test_sql_that_the_offline_parser_does_not_know_is_undecided(folder):
    (found,) = problems(folder, "INSERT", "insert into log select from staged ) from")
    assert found == (
        '36: undecided: not understood by the offline parser near ")". '
        "Run `dynaurora check --database URL`: there the server decides."
    )


@pytest.mark.parametrize("expected", [expected for _, _, expected in BROKEN])
def test_every_message_ends_in_a_remedy(expected):
    assert re.search(r"\. [A-Z][^.]*.*(\.|…)$", expected)


def test_of_very_many_columns_the_first_are_told(folder):
    columns = {"id": "text"} | {f"c{number}": "text" for number in range(1_500)}
    (found,) = folder.problems(
        f'key = "id"\ncolumns = {columns!r}\n'
        'insert_table_queries = ["insert into log select nothing from staged"]'
    )
    assert found.endswith("c28 and 1475 more.")


def test_a_statement_of_one_engine_alone_is_a_warning(folder):
    found = folder.problems("""
        key = "id"
        columns = {"id": "text"}
        insert_table_queries = [
            {"postgresql": "insert into log select id from staged"},
        ]
    """)
    assert found == [
        (
            'orders.py:4:21: warning: insert_table_queries[0] has no "mysql" statement: '
            "the plugin does not run there. Give one, or None if mysql needs none."
        )
    ]


def test_places_are_found_in_every_way_to_write_a_statement(folder):
    found = folder.problems('''
        key = "id"
        columns = {"id": "text"}
        _BEGIN = """insert into log
            select ida
            """
        NAMED = _BEGIN + "from staged where idb > ''"
        insert_table_queries = [
            NAMED,
            {"postgresql": NAMED, "mysql": None},
            "insert into log "
            "select idc from staged",
            r"""insert into log
                select idd from staged""",
            "insert into log\\nselect ide from staged",
        ]
    ''')
    places = [problem.split(". ")[0].replace("staged has no column ", "") for problem in found]
    assert places == [
        "orders.py:4:12: ida",
        "orders.py:4:12: ida",
        "orders.py:6:37: idb",
        "orders.py:6:37: idb",
        "orders.py:11:13: idc",
        "orders.py:13:16: idd",
        "orders.py:14:30: ide",
    ]


def test_mysql_has_its_own_quotes_and_escapes(folder):
    text = (
        "insert into log (order_id) select 'it\\'s; `not` a name' from staged "
        "on duplicate key update order_id = `order_id`"
    )
    plugin = f"""
        key = "order_id"
        columns = {{"order_id": "text"}}
        insert_table_queries = [{{"mysql": {text!r}, "postgresql": None}}]
    """
    assert folder.problems(plugin, engine="mysql") == []
    assert folder.problems(plugin.replace("MYSQL", "")) == []


def test_mysql_reads_columns_in_any_case(folder):
    plugin = """
        key = "orderId"
        columns = {"orderId": "text"}
        insert_table_queries = ["insert into log select ORDERID from staged"]
    """
    assert folder.problems(plugin, engine="mysql") == []
    assert "folds unquoted names" in folder.problems(plugin)[0]


@pytest.mark.parametrize("engine", ENGINES)
def test_what_stands_in_double_quotes_is_a_name_on_each_engine(folder, engine):
    plugin = """
        key = "order"
        columns = {"order": "text"}
        insert_table_queries = ['insert into log select "order" from staged']
    """
    assert folder.problems(plugin, engine=engine) == []
    (found,) = folder.problems(plugin.replace('select "order"', 'select "odrer"'), engine=engine)
    assert 'staged has no column odrer. Did you mean "order"?' in found


def test_mysql_opens_a_temporary_table_once_per_statement(folder):
    plugin = """
        key = "id"
        columns = {"id": "text"}
        insert_table_queries = [
            "insert into l select id from staged where id in (select id from staged)"
        ]
    """
    (found,) = folder.problems(plugin, engine="mysql")
    assert "MySQL cannot open staged twice in one statement (error 1137)" in found
    assert "warning" not in found


@pytest.mark.parametrize(
    ("engine", "statement", "expected"),
    [
        ("postgresql", "select $a$ ; $$ $a$, $1", ["select", "'", ",", "$", "1"]),
        ("postgresql", "E'\\';' ';' 'a''b'", ["'", "'", "'"]),
        ("postgresql", "'\\' ; x", ["'", ";", "x"]),
        ("postgresql", '"a ""b"";" -- x;\n/* ; */ y', ['a "b";', "y"]),
        ("postgresql", "größe Ünder_9$", ["größe", "ünder_9$"]),
        ("postgresql", "'open", ["'"]),
        ("mysql", "'\\';' `a``b;`", ["'", "a`b;"]),
    ],
)
def test_words_are_told_from_texts_and_comments(engine, statement, expected):
    assert [token.text for token in tokens(statement, engine)] == expected
