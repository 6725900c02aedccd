"""`dynaurora check --database`: a real server reads the plugins, and nothing of it stays."""

import json
import re
from urllib.parse import urlsplit

import pytest
from click.testing import CliRunner

from dynaurora.adapters import mysql
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
        "day": column("date", sql="cast(placed_at as date)"),
        "lines": rows("lines[]", {"sku": "text", "price": column("numeric", index=True)}),
    },
)
"""


@pytest.fixture
def problems(folder, server):
    """What the server has against a plugin: its problems without the folder."""

    def problems(text, table="orders"):
        folder.write(f"{table}.py", text)
        arguments = ["--sqlqueries", str(folder.path), "--database", server.url, "--json", table]
        result = CliRunner().invoke(check, arguments)
        assert result.output, result.exception
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
        "create_table_queries": ["create table if not exists log (id text, total numeric(12,2))"],
        "insert_table_queries": ["insert into log select id, total from staged"],
        "select_table_queries": {"all": "select * from log"},
        "drop_table_queries": ["drop table if exists log"],
    } | lists
    head = 'key = "id"\ncolumns = {"id": "text", "total": "numeric"}\n'
    return head + "\n".join(f"{name} = {value!r}" for name, value in found.items())


@pytest.mark.each_engine
def test_a_declared_plugin_is_planned_whole(problems):
    assert problems(ORDERS) == []


@pytest.mark.each_engine
def test_what_the_next_load_alters_is_told(problems, server):
    key = {"postgresql": "text", "mysql": "varchar(255) collate utf8mb4_bin"}[server.engine]
    server.execute(f"create table orders (id {key} primary key, total integer)")
    (told,) = problems(ORDERS.replace('        "lines"', '        # "lines"'))
    assert (
        told
        == {
            "postgresql": "warning orders.py: its next load alters a table: alter table orders "
            "add column if not exists placed_at timestamptz, add column if not exists day date, "
            "alter column total type numeric",
            "mysql": "warning orders.py: its next load alters a table: alter table orders "
            "add column placed_at datetime(6), add column day date, "
            "modify column total decimal(65,27)",
        }[server.engine]
    )


@pytest.mark.each_engine
def test_what_it_cannot_alter_is_an_error(problems, server):
    key = {"postgresql": "text", "mysql": "varchar(255)"}[server.engine]
    server.execute(f"create table orders (id {key} primary key, total date)")
    (told,) = problems(ORDERS)
    assert told.startswith('error orders.py, columns["total"]: orders.total is date in SQL')


@pytest.mark.each_engine
def test_every_relation_can_be_planned(problems):
    text = ORDERS + (
        "insert_table_queries = [orders, 'insert into orders (id) select r.id from removed r "
        "join replaced_orders p on p.id = r.id join changes c on c._key = r._key "
        "join staged_lines l on l._key = c._key where not _deleted and l.price > 0 "
        "and c._item is not null']"
    )
    assert [found for found in problems(text) if "error" in found] == []


@pytest.mark.each_engine
def test_an_older_table_of_a_plugin_by_hand_is_a_warning(problems, server):
    server.execute("create table log (id text)")
    insert = ["insert into log (id, total) select id, total from staged"]
    text = by_hand(insert_table_queries=insert)
    (found,) = problems(text)
    assert found.startswith("warning orders.py:4:")
    assert "the table that is there does not fit: " in found
    assert "total" in found


def test_a_plugin_that_alters_its_older_table_is_none(problems, server):
    server.execute("create table log (id text)")
    insert = ["insert into log (id, total) select id, total from staged"]
    made = ["create table if not exists log (id text, total numeric)"]
    made.append("alter table log add column if not exists total numeric")
    assert problems(by_hand(insert_table_queries=insert, create_table_queries=made)) == []


@pytest.mark.each_engine
def test_nothing_stays_and_nothing_is_changed(problems, server):
    server.execute("create table log (id text, total numeric(12,2))")
    server.execute("insert into log values ('7', 1)")
    made = ["create table if not exists log (id text, total numeric(12,2))"]
    made.append("insert into log select '8', 2 from log where 1 = 0")
    made.append("delete from log where id = '7'")
    before = schemas(server)
    assert problems(by_hand(create_table_queries=made)) == []
    assert server.execute("select id from log") == [("7",)]
    assert schemas(server) == before


def schemas(server):
    """Those of PostgreSQL, or the databases of MySQL."""
    return server.execute("select schema_name from information_schema.schemata order by 1")


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


@pytest.mark.engines("mysql")
@pytest.mark.parametrize(
    ("statements", "found", "at", "code"),
    [
        ("create_table_queries", ["create table if not exists log (id txt)"], "txt", "(1064|4161)"),
        ("select_table_queries", {"a": "select x.nix from (select 1 as a) as x"}, "nix", "1054"),
        ("insert_table_queries", ["insert into log select id from staged"], "insert", "1136"),
        ("insert_table_queries", ["insert into logs select id, 1 from staged"], "logs", "1146"),
        ("select_table_queries", {"a": "select 1", "b": "select nothing(1)"}, "nothing", "1305"),
        ("drop_table_queries", ["drop table if exists log restrict now"], "now", "1064"),
    ],
)
def test_what_mysql_refuses_is_told_with_its_place(problems, statements, found, at, code):
    text = by_hand(**{statements: found})
    line = place(text, at if at != "insert" else "insert into log select id from")
    (told,) = problems(text)
    assert re.match(f"error orders.py:{line}: the database answers {code}: ", told), told


@pytest.mark.engines("mysql")
@pytest.mark.parametrize(
    ("made", "said"),
    [
        ("create table if not exists {db}.beyond (id int)", 'it names the database "{db}"'),
        ("create view seen as select * from {db}.beyond", 'it names the database "{db}"'),
        ("create database if not exists {db}_more", "it does more than a database holds"),
        ("grant all on *.* to nobody", "it does more than a database holds"),
    ],
)
def test_what_reaches_beyond_its_database_is_not_run_and_undecided(problems, server, made, said):
    name = urlsplit(server.url).path[1:]
    before = schemas(server)
    statements = ["create table if not exists log (id text, total numeric(12,2))"]
    statements.append(made.format(db=name).replace("create view", "create or replace view"))
    told = problems(by_hand(create_table_queries=statements))
    assert f"not tried on the database: {said.format(db=name)}" in told[-1]
    assert told[-1].startswith("undecided orders.py:3:")
    assert (
        server.execute(
            f"select table_name from information_schema.tables where table_schema = '{name}'"
        )
        == []
    )
    assert schemas(server) == before


@pytest.mark.engines("mysql")
def test_a_drop_of_another_database_s_table_is_not_run(problems, server):
    name = urlsplit(server.url).path[1:]
    server.execute("create table kept (id int)")
    told = problems(by_hand(drop_table_queries=[f"drop table if exists {name}.kept"]))[-1]
    assert told.startswith("undecided orders.py:6:")
    assert server.execute("select * from kept") == []


@pytest.mark.engines("mysql")
def test_what_a_killed_check_has_left_is_removed_by_the_next_and_what_is_in_use_stays(
    problems, server
):
    name = urlsplit(server.url).path[1:]
    left, used, other = f"{name}_preview_0123abcd", f"{name}_preview_89abcdef", f"{name}_preview_x"
    for database in (left, f"{left}_metadata", used, other):
        server.execute(f"create database {database}")
    user = mysql.connect(server.url)
    try:
        user.fetch("select get_lock('dynaurora preview 89abcdef', 0)")
        assert problems(by_hand()) == []
        assert {(used,), (other,)} <= set(schemas(server))
        assert not {(left,), (f"{left}_metadata",)} & set(schemas(server))
    finally:
        user.close()
        for database in (used, other):
            server.execute(f"drop database {database}")


@pytest.mark.each_engine
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
    (found,) = problems(ORDERS.replace("cast(placed_at as date)", "left(placed_at, 10)"))
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


@pytest.mark.each_engine
def test_a_broken_plugin_is_not_shown_to_the_server(problems):
    (found,) = problems(by_hand(drop_table_queries=["drop table if exists log; commit"]))
    assert found.endswith("2 statements in one string")


@pytest.mark.each_engine
def test_a_query_that_has_no_plan_is_run(problems, server):
    shown = {"postgresql": "show time zone", "mysql": "show tables"}[server.engine]
    queries = {"shown": shown, "plan": "explain select * from log", "all": "select * from log"}
    assert problems(by_hand(select_table_queries=queries)) == []
    (found,) = problems(by_hand(select_table_queries={"zone": "show nothing_of_the_kind"}))
    assert found.startswith("error orders.py:5:")


def test_more_columns_than_the_server_has_room_for_are_told(problems):
    columns = {"id": "text"} | {f"c{number}": "text" for number in range(1_600)}
    text = f'key = "id"\ncolumns = {columns!r}\n'
    text += 'insert_table_queries = ["insert into log select id from staged"]\n'
    text += 'create_table_queries = ["create table if not exists log (id text)"]\n'
    assert problems(text) == [
        "error orders.py: the database answers 54011: tables can have at most 1600 columns"
    ]


@pytest.mark.each_engine
def test_percent_and_braces_are_planned_as_they_are(problems):
    text = by_hand(select_table_queries={"a": "select '100 %', '{x}', '%s', 5 % 2 from log;"})
    assert problems(text) == []


@pytest.mark.each_engine
def test_tables_views_and_functions_that_are_there_are_found(problems, server):
    server.execute("create table regions (id varchar(20) primary key, name varchar(20))")
    server.execute("create view named as select id, name from regions")
    body = {"postgresql": "return a * 2", "mysql": "deterministic return a * 2"}[server.engine]
    kind = "numeric"
    server.execute(f"create function twice(a {kind}) returns {kind} {body}")
    text = by_hand(
        insert_table_queries=[
            """insert into log select n.name, twice(total) from staged
               join regions as r on r.id = staged.id join named as n on n.id = r.id"""
        ],
    )
    assert problems(text) == []


@pytest.mark.each_engine
def test_a_table_that_somebody_else_made_can_be_written_to(problems, server):
    server.execute("create table log (id varchar(20) primary key, total numeric(12,2))")
    assert problems(by_hand(create_table_queries=[], drop_table_queries=[])) == []


def test_types_that_are_there_are_found(problems, server):
    server.execute("create type mood as enum ('well')")
    made = ["create table if not exists log (id text, total numeric, m mood)"]
    assert problems(by_hand(create_table_queries=made)) == []


def test_who_may_make_no_schema_is_answered_all_the_same(folder, server):
    server.execute("drop role if exists reader")
    server.execute("create role reader login")
    folder.write("orders.py", ORDERS)
    url = server.url.replace("//postgres", "//reader")
    assert url != server.url
    result = CliRunner().invoke(check, ["--sqlqueries", str(folder.path), "--database", url])
    assert result.exit_code == 0, result.output


@pytest.mark.engines("mysql")
def test_who_may_make_no_database_is_told_which_right_is_missing(folder, server):
    name = urlsplit(server.url).path[1:]
    server.execute("drop user if exists reader@localhost")
    server.execute("create user reader@localhost")
    server.execute(f"grant all on {name}.* to reader@localhost")
    folder.write("orders.py", ORDERS)
    url = server.url.replace("//root", "//reader")
    result = CliRunner().invoke(check, ["--sqlqueries", str(folder.path), "--database", url])
    assert result.exit_code == 1
    wanted = rf"`{name}_preview_%`".replace("_", r"\_")
    assert f"grant all on {wanted}.*" in str(result.exception)
    server.execute(f"grant all on {wanted}.* to reader@localhost")
    result = CliRunner().invoke(check, ["--sqlqueries", str(folder.path), "--database", url])
    assert result.exit_code == 0, result.output


@pytest.mark.each_engine
def test_what_no_column_reads_is_a_warning(problems, server, tmp_path):
    key = {"id": {"S": "1"}}
    with LoadMachine(server.url, tmp_path) as machine:
        machine.plugin("orders", ORDERS)
        item = {"note": {"S": "a"}, "size": {"N": "1"}}
        machine.load_lines("orders", line("orders", 10**21, key, item))
        machine.load_lines("orders", line("orders", 10**21 + 1, key, {"note": {"S": "b"}}))
    assert problems(ORDERS) == [
        'warning orders.py: attribute "note": in 2 changes, and in no column',
        'warning orders.py: attribute "size": in 1 change, and in no column',
    ]


@pytest.mark.each_engine
def test_a_database_in_which_nothing_was_loaded_stays_as_it_is(problems, server):
    before = schemas(server)
    assert problems(ORDERS) == []
    assert schemas(server) == before


def test_a_database_of_another_engine_than_the_chosen_one_is_a_wrong_call(folder):
    url = "postgresql://nobody@127.0.0.1/none"
    arguments = ["--sqlqueries", str(folder.path), "--engine", "mysql", "--database", url]
    result = CliRunner().invoke(check, arguments)
    assert result.exit_code == 2
    assert "--engine is mysql, and the database is postgresql" in result.output
