"""`dynaurora check --database`: a real server reads the plugins, and nothing of it stays."""

import json

import psycopg
import pytest
from click.testing import CliRunner

from dynaurora.cli.check import check
from support.load import LoadMachine, line

ORDERS = """
from dynaurora import Table, column, rows
orders = Table(
    key="id",
    columns={
        "id": "text",
        "total": "numeric",
        "placed_at": "timestamptz",
        "day": column("date", sql="placed_at::date"),
        "lines": rows("lines[]", {"sku": "text", "price": column("numeric", index=True)}),
    },
)
"""


@pytest.fixture
def problems(folder, database_url):
    """What the server has against a plugin: its problems without the folder."""

    def problems(text, table="orders"):
        folder.write(f"{table}.py", text)
        arguments = ["--sqlqueries", str(folder.path), "--database", database_url, "--json", table]
        result = CliRunner().invoke(check, arguments)
        (one,) = json.loads(result.output)
        assert result.exit_code == (one["state"] != "ok")
        return [
            f"{p['kind']} {p['where']}: {p['message']}".replace(f"{folder.path}/", "")
            for p in one["problems"]
        ]

    return problems


def by_hand(**lists):
    """A plugin by hand; what is given takes the place of a list."""
    found = {
        "create_table_queries": ["create table if not exists log (id text, total numeric)"],
        "insert_table_queries": ["insert into log select id, total from staged"],
        "select_table_queries": {"all": "select * from log"},
        "drop_table_queries": ["drop table if exists log"],
    } | lists
    head = 'key = "id"\ncolumns = {"id": "text", "total": "numeric"}\n'
    return head + "\n".join(f"{name} = {value!r}" for name, value in found.items())


def test_a_declared_plugin_is_planned_whole(problems):
    assert problems(ORDERS) == []


def test_what_the_next_load_alters_is_told(problems, database_url):
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("create table orders (id text primary key, total integer)")
    (told,) = problems(ORDERS.replace('        "lines"', '        # "lines"'))
    assert told == (
        "warning orders.py: its next load alters a table: alter table orders "
        "add column if not exists placed_at timestamptz, add column if not exists day date, "
        "alter column total type numeric"
    )


def test_what_it_cannot_alter_is_an_error(problems, database_url):
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("create table orders (id text primary key, total text)")
    (told,) = problems(ORDERS)
    assert told.startswith('error orders.py, columns["total"]: orders.total is text in SQL')


def test_every_relation_can_be_planned(problems):
    text = ORDERS + (
        "insert_table_queries = [orders, 'insert into orders (id) select r.id from removed r "
        "join replaced_orders p on p.id = r.id join changes c on c._key = r._key "
        "join staged_lines l on l._key = c._key where not _deleted and l.price > 0 "
        "and c._item is not null on conflict do nothing']"
    )
    assert [found for found in problems(text) if "error" in found] == []


def test_an_older_table_of_a_plugin_by_hand_is_a_warning(problems, database_url):
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("create table log (id text)")
    insert = ["insert into log (id, total) select id, total from staged"]
    text = by_hand(insert_table_queries=insert)
    at = place(text, "total) select")
    said = 'the table that is there does not fit: column "total" of relation "log" does not exist'
    assert problems(text) == [f"warning orders.py:{at}: {said}"]
    made = ["create table if not exists log (id text, total numeric)"]
    made.append("alter table log add column if not exists total numeric")
    assert problems(by_hand(insert_table_queries=insert, create_table_queries=made)) == []


def test_nothing_stays_and_nothing_is_changed(problems, database_url):
    with psycopg.connect(database_url) as connection:
        connection.execute("create table log (id text)")
        connection.execute("insert into log values ('7')")
        connection.commit()
        connection.execute("alter table log add total numeric")
        connection.commit()
        assert problems(by_hand()) == []
        assert connection.execute("select id from log").fetchall() == [("7",)]
        schemas = connection.execute("select nspname from pg_namespace").fetchall()
    assert ("dynaurora_planning",) not in schemas


def place(text, part):
    """Where a part of a file begins, as ``line:column``."""
    before = text[: text.index(part)]
    return f"{before.count(chr(10)) + 1}:{len(before) - before.rfind(chr(10))}"


@pytest.mark.parametrize(
    ("statements", "found", "at", "said"),
    [
        (
            "create_table_queries",
            ["create table if not exists log (id txt)"],
            "txt",
            '42704: type "txt" does not exist',
        ),
        (
            "insert_table_queries",
            ["insert into log select id, (total::date) from staged"],
            "::date",
            "42846: cannot cast type numeric to date",
        ),
        (
            "insert_table_queries",
            ["insert into log select id, 1 / 0 from staged"],
            "insert into log",
            "22012: division by zero",
        ),
        (
            "select_table_queries",
            {"a": "select 1", "b": "select nothing(1)"},
            "nothing",
            "42883: function nothing(integer) does not exist",
        ),
        (
            "drop_table_queries",
            ["drop table if exists log restrict now"],
            "now",
            '42601: syntax error at or near "now"',
        ),
    ],
)
def test_what_the_server_refuses_is_told_with_its_place(problems, statements, found, at, said):
    text = by_hand(**{statements: found})
    assert problems(text) == [f"error orders.py:{place(text, at)}: the database answers {said}"]


def test_a_place_inside_a_statement_of_several_lines_is_found(problems):
    text = (
        by_hand()
        + """
insert_table_queries = [
    \"\"\"
    insert into log
    select id, nothing(total) from staged
    \"\"\",
]
""".replace("\\", "")
    )
    (found,) = problems(text)
    assert found.startswith(f"error orders.py:{place(text, 'nothing')}: ")


def test_an_expression_of_a_declaration_is_planned_and_told_with_its_place(problems):
    (found,) = problems(ORDERS.replace("placed_at::date", "left(placed_at, 10)"))
    assert found == (
        "error orders.py:8:36: the database answers 42883: "
        "function left(timestamp with time zone, integer) does not exist"
    )


def test_what_the_offline_parser_cannot_read_is_settled_by_the_server(folder, problems):
    statement = (
        "insert into log select id, total from staged order by 2 using operator(pg_catalog.<)"
    )
    text = by_hand(insert_table_queries=[statement])
    assert "undecided: not understood" in folder.problems(text)[0]
    assert problems(text) == []
    assert "error orders.py:4:" in problems(text.replace("pg_catalog.<", "pg_catalog.<<<<"))[0]


def test_what_no_transaction_may_hold_is_a_warning(problems):
    statement = "create index concurrently if not exists log_total on log (total)"
    made = ["create table if not exists log (id text, total numeric)", statement]
    text = by_hand(create_table_queries=made)
    (found,) = problems(text)
    assert found.startswith(
        f"warning orders.py:{place(text, 'create index')}: the database answers 25001: "
    )


def test_a_broken_plugin_is_not_shown_to_the_server(problems):
    (found,) = problems(by_hand(drop_table_queries=["drop table if exists log; commit"]))
    assert found.endswith("2 statements in one string")


def test_a_query_that_has_no_plan_is_run(problems):
    queries = {"zone": "show time zone", "plan": "explain select * from log", "all": "table log"}
    assert problems(by_hand(select_table_queries=queries)) == []
    (found,) = problems(by_hand(select_table_queries={"zone": "show nothing_of_the_kind"}))
    assert "unrecognized configuration parameter" in found


def test_more_columns_than_the_server_has_room_for_are_told(problems):
    columns = {"id": "text"} | {f"c{number}": "text" for number in range(1_600)}
    text = f'key = "id"\ncolumns = {columns!r}\n'
    text += 'insert_table_queries = ["insert into log select id from staged"]\n'
    text += 'create_table_queries = ["create table if not exists log (id text)"]\n'
    assert problems(text) == [
        "error orders.py: the database answers 54011: tables can have at most 1600 columns"
    ]


def test_percent_and_braces_are_planned_as_they_are(problems):
    text = by_hand(select_table_queries={"a": "select '100 %', '{x}', '%s', 5 % 2 from log;"})
    assert problems(text) == []


def test_tables_functions_and_types_that_are_there_are_found(problems, database_url):
    with psycopg.connect(database_url) as connection:
        connection.execute("create table regions (id text, name text)")
        connection.execute("create type mood as enum ('well')")
        connection.execute("create function twice(a numeric) returns numeric return a * 2")
    text = by_hand(
        insert_table_queries=[
            "insert into log select name, twice(total) from staged join regions using (id)"
        ],
        create_table_queries=["create table if not exists log (id text, total numeric, m mood)"],
    )
    assert problems(text) == []


def test_who_may_make_no_schema_is_answered_all_the_same(folder, database_url):
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("drop role if exists reader")
        connection.execute("create role reader login")
    folder.write("orders.py", ORDERS)
    url = database_url.replace("//postgres", "//reader") if "//postgres" in database_url else ""
    assert url
    result = CliRunner().invoke(check, ["--sqlqueries", str(folder.path), "--database", url])
    assert result.exit_code == 0, result.output


def test_what_no_column_reads_is_a_warning(problems, database_url, tmp_path):
    key = {"id": {"S": "1"}}
    with LoadMachine(database_url, tmp_path) as machine:
        machine.plugin("orders", ORDERS)
        item = {"note": {"S": "a"}, "size": {"N": "1"}}
        machine.load_lines("orders", line("orders", 10**21, key, item))
        machine.load_lines("orders", line("orders", 10**21 + 1, key, {"note": {"S": "b"}}))
    assert problems(ORDERS) == [
        'warning orders.py: attribute "note": in 2 changes, and in no column',
        'warning orders.py: attribute "size": in 1 change, and in no column',
    ]


def test_a_database_in_which_nothing_was_loaded_stays_as_it_is(problems, database_url):
    assert problems(ORDERS) == []
    with psycopg.connect(database_url) as connection:
        found = connection.execute("select 1 from pg_namespace where nspname = 'dynaurora'")
        assert found.fetchall() == []


def test_mysql_which_undoes_nothing_is_not_asked(folder):
    url = "mysql://nobody@127.0.0.1/none"
    result = CliRunner().invoke(check, ["--sqlqueries", str(folder.path), "--database", url])
    assert result.exit_code == 2
    assert "--engine mysql checks without one" in result.output.replace("\n", " ")


def test_a_database_of_another_engine_than_the_chosen_one_is_a_wrong_call(folder):
    url = "postgresql://nobody@127.0.0.1/none"
    arguments = ["--sqlqueries", str(folder.path), "--engine", "mysql", "--database", url]
    result = CliRunner().invoke(check, arguments)
    assert result.exit_code == 2
    assert "--engine is mysql, and --database is postgresql" in result.output
