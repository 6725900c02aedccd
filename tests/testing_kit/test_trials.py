"""A plugin on trial: changes in, rows and quarantine out."""

from datetime import UTC, datetime
from decimal import Decimal
from textwrap import dedent

import pytest

from dynaurora.errors import PluginError, StatementRefused, TrialError
from dynaurora.testing.bench import bench as new_bench
from support.items import DECLARED, WITH_HISTORY, WITH_ROWS, WITH_SUM
from support.servers import Server

COUNTING = """
    key = "id"
    columns = {"id": "text", "v": "text"}
    create_table_queries = [
        "create table if not exists puts (id varchar(9) primary key, n integer)"
    ]
    insert_table_queries = [{
        "postgresql": '''insert into puts select id, 1 from staged
           on conflict (id) do update set n = puts.n + 1''',
        "mysql": '''insert into puts select id, 1 from staged
           on duplicate key update n = puts.n + 1''',
    }]
    drop_table_queries = ["drop table if exists puts"]
    select_table_queries = {"all puts": "select id, n from puts order by id"}
"""
"""How often an item was put: no function of its state."""


@pytest.fixture
def on_trial(plugin, tmp_path):
    """A plugin of this text on trial."""

    def found(text, table="items"):
        path = tmp_path / f"{table}.py"
        path.write_text(dedent(text).lstrip("\n"))
        return plugin(path)

    return found


def test_the_newest_change_of_each_item_is_its_row(on_trial):
    items = on_trial(DECLARED)
    items.put({"id": "a", "v": "1", "n": Decimal("1.50")}, {"id": "b"}, {"id": "c"})
    items.put({"id": "a", "v": "2"})
    items.delete({"id": "b", "v": "ignored"})
    items.expire({"id": "c"})
    assert items.rows("select id, v, n from items") == [("a", "2", None)]


def test_a_load_tells_what_it_came_to(on_trial):
    items = on_trial(DECLARED)
    loaded = items.put({"id": "a"}, {"id": "a"})
    assert (loaded.lines, loaded.applied, loaded.superseded) == (2, 1, 1)


def test_rows_inside_an_item_are_rows(on_trial):
    items = on_trial(WITH_ROWS)
    items.put({"id": "a", "tags": ["x", "y"]})
    assert items.rows("select position, tag from items_tags order by 1") == [(0, "x"), (1, "y")]


def test_changes_of_one_load_are_all_in_changes(on_trial):
    items = on_trial(WITH_HISTORY)
    with items.one_load():
        items.put({"id": "a", "v": "1"}, {"id": "a", "v": "2"})
        items.expire({"id": "a"})
    query = "select v, deleted, expired from versions order by _version"
    assert items.rows(query) == [
        ("1", False, False),
        ("2", False, False),
        (None, True, True),
    ]


def test_a_session_waits_for_a_person_at_a_breakpoint(on_trial, dynaurora_engine):
    query, patience = {
        "postgresql": ("show idle_session_timeout", "0"),  # for ever
        "mysql": ("select @@session.wait_timeout", 86_400),
    }[dynaurora_engine]
    assert on_trial(DECLARED).rows(query) == [(patience,)]


def test_a_value_comes_as_its_engine_has_it(on_trial, dynaurora_engine):
    items = on_trial("""
        from dynaurora import Table

        columns = {"id": "text", "is_new": "boolean", "tags": "text[]", "doc": "json"}
        items = Table(key="id", columns=columns)
    """)
    items.put({"id": "a", "is_new": True, "tags": {"x"}, "doc": {"n": 1}})
    expected = {"postgresql": (True, ["x"], {"n": 1}), "mysql": (1, '["x"]', '{"n":1}')}
    assert items.rows("select is_new, tags, doc from items") == [expected[dynaurora_engine]]
    items.assert_idempotent()


def test_the_time_of_a_change_can_be_said(on_trial):
    items = on_trial("""
        key = "id"
        columns = {"id": "text"}
        create_table_queries = [{
            "postgresql": "create table if not exists seen (id text primary key, at timestamptz)",
            "mysql": "create table if not exists seen (id varchar(9) primary key, at datetime(6))",
        }]
        insert_table_queries = ["insert into seen select id, _changed_at from staged"]
        drop_table_queries = ["drop table if exists seen"]
        select_table_queries = {}
    """)
    moment = datetime(2020, 2, 29, 12, tzinfo=UTC)
    items.put({"id": "a"}, at=moment)
    assert items.rows("select at from seen") == [(moment,)]


def test_a_query_of_the_plugin_is_run_by_its_name(on_trial):
    items = on_trial(COUNTING)
    items.put({"id": "a"})
    assert items.query("all puts") == [("a", 1)]
    with pytest.raises(TrialError, match='it has no query "all put"; did you mean "all puts"'):
        items.query("all put")


def test_what_is_refused_is_in_quarantine_with_its_reason(on_trial):
    items = on_trial(DECLARED)
    loaded = items.put({"id": "a", "n": Decimal("1.005")}, {"id": "b", "n": 1})
    assert (loaded.applied, loaded.quarantined) == (1, 1)
    (found,) = items.quarantined
    assert (found.item, found.reason) == ({"id": "a", "n": Decimal("1.005")}, "value")
    assert found.message.startswith("n: ")


def test_what_is_no_dynamodb_json_is_in_quarantine_as_it_was_given(on_trial):
    items = on_trial(DECLARED)
    items.put({"id": {"S": "a"}, "n": {"N": "one"}})
    (found,) = items.quarantined
    assert (found.item, found.reason) == ({"id": {"S": "a"}, "n": {"N": "one"}}, "value")


def test_an_error_of_a_statement_names_its_file_and_line(on_trial, tmp_path, dynaurora_engine):
    items = on_trial("""
        key = "id"
        columns = {"id": "text"}
        create_table_queries = ["create table if not exists things (id varchar(9) primary key)"]
        insert_table_queries = [
            "insert into things select id from staged",
            '''
            update things set id = no_such_function(id)
            where id in (select id from staged)
            ''',
        ]
        drop_table_queries = ["drop table if exists things"]
        select_table_queries = {}
    """)
    with pytest.raises(PluginError) as refused:
        items.put({"id": "a"})
    code = {"postgresql": 42883, "mysql": 1305}[dynaurora_engine]
    place = f"{tmp_path / 'items.py'}:7:28, insert_table_queries[1]: the database answers {code}"
    assert str(refused.value).startswith(place)


def test_an_error_of_a_create_statement_names_its_file_and_line(
    on_trial, tmp_path, dynaurora_engine
):
    with pytest.raises(PluginError) as refused:
        on_trial("""
            from dynaurora import Table

            items = Table(key="id", columns={"id": "text"})
            create_table_queries = [
                items,
                "create table if not exists things (id no_such_type)",
            ]
        """)
    code = {"postgresql": 42704, "mysql": 4161}[dynaurora_engine]
    place = f"{tmp_path / 'items.py'}:6:44, create_table_queries[1]: the database answers {code}"
    assert str(refused.value).startswith(place)


def test_a_query_that_is_wrong_says_so(on_trial):
    with pytest.raises(StatementRefused, match="no_such_column"):
        on_trial(DECLARED).rows("select no_such_column from items")


@pytest.mark.parametrize("text", [DECLARED, WITH_ROWS, WITH_HISTORY, WITH_SUM])
def test_a_plugin_that_is_idempotent_is_found_so(on_trial, text):
    items = on_trial(text)
    items.put({"id": "a", "v": "1", "n": 1, "g": "x", "tags": ["x", "y"]})
    items.put({"id": "b", "n": 2, "g": "x"}, {"id": "c", "n": 3, "g": "x"})
    items.put({"id": "a", "v": "2", "n": 4, "g": "y", "tags": ["y"]})
    items.delete({"id": "b"})
    items.put({"id": "b", "n": 5, "g": "y"})
    items.assert_idempotent()


@pytest.mark.parametrize(
    "options",
    [
        'columns={"id": "text", "v": "text"}, history=True',
        'columns={"id": "text", "v": "text"}, when={"v": "1*"}',
        'columns={"id": "text", "v": "text"}, deleted="mark"',
    ],
)
def test_what_a_declaration_makes_is_idempotent(on_trial, options):
    items = on_trial(f"""
        from dynaurora import Table

        items = Table(key="id", {options})
    """)
    items.put({"id": "a", "v": "1"}, {"id": "b", "v": "2"})
    items.put({"id": "a", "v": "10"})
    items.put({"id": "b", "v": "11"}, {"id": "a", "v": "3"})
    items.assert_idempotent()


def test_rows_that_outlive_their_items_depend_on_chance_and_are_found_so(on_trial):
    items = on_trial("""
        from dynaurora import Table

        items = Table(key="id", columns={"id": "text"}, deleted="keep")
    """)
    items.put({"id": "a"})
    items.delete({"id": "a"})
    with pytest.raises(AssertionError, match="with all changes in one load"):
        items.assert_idempotent()


def test_a_group_that_is_left_empty_in_one_order_alone_is_found_out(on_trial):
    items = on_trial(WITH_SUM)
    items.put({"id": "a", "g": "x", "n": 1})
    items.put({"id": "a", "g": "y", "n": 1})
    with pytest.raises(AssertionError, match=r"- g = x, n = 0(\.00)?, items = 0"):
        items.assert_idempotent()


def test_a_row_that_is_refused_in_another_order_alone_is_told(on_trial):
    items = on_trial(WITH_SUM)
    items.put({"id": "a", "g": "x", "n": 1}, {"id": "b", "g": "x"})
    told = """refused: (null value in column "n" of relation "sums"|Column 'n' cannot be null)"""
    with pytest.raises(AssertionError, match=told):
        items.assert_idempotent()


def test_a_plugin_that_counts_changes_is_found_out(on_trial):
    items = on_trial(COUNTING)
    items.put({"id": "a"})
    items.put({"id": "a"})
    with pytest.raises(AssertionError) as found:
        items.assert_idempotent()
    assert "with all changes in one load, other rows are left" in str(found.value)
    assert "puts:\n  - id = a, n = 2\n  + id = a, n = 1" in str(found.value)
    assert items.rows("select n from puts") == [(2,)]


def test_what_is_added_without_what_was_before_is_found_out(on_trial):
    items = on_trial("""
        from dynaurora import Table

        items = Table(key="id", columns={"id": "text", "n": "numeric"})
        create_table_queries = [
            items, "create table if not exists total (one integer primary key, n numeric)"
        ]
        insert_table_queries = [
            items,
            {
                "postgresql": '''insert into total
                   select 1, sum(n) from staged having count(*) > 0
                   on conflict (one) do update set n = total.n + excluded.n''',
                "mysql": '''insert into total
                   select * from (select 1, sum(n) as n from staged having count(*) > 0) as s
                   on duplicate key update n = total.n + s.n''',
            },
        ]
        drop_table_queries = [items, "drop table if exists total"]
    """)
    items.put({"id": "a", "n": 1}, {"id": "b", "n": 1})
    with pytest.raises(AssertionError, match="the state of every item applied twice"):
        items.assert_idempotent()


def test_a_column_that_may_differ_can_be_ignored(on_trial):
    items = on_trial(COUNTING)
    items.put({"id": "a"})
    items.put({"id": "a"})
    items.assert_idempotent(ignoring=["n"])


def test_with_changes_in_quarantine_there_is_nothing_to_assert(on_trial):
    items = on_trial(DECLARED)
    items.put({"id": "a", "n": Decimal("1.005")})
    with pytest.raises(TrialError, match="changes are in quarantine"):
        items.assert_idempotent()
    assert len(items.quarantined) == 1


def test_plugins_of_one_test_can_be_joined(on_trial):
    items = on_trial(DECLARED)
    others = on_trial(DECLARED.replace("items", "others"), table="others")
    items.put({"id": "a", "v": "1"})
    others.put({"id": "a", "v": "2"})
    query = "select i.v, o.v from items as i join others as o using (id)"
    assert items.rows(query) == [("1", "2")]


def test_a_file_that_is_not_there_is_told(plugin, tmp_path):
    with pytest.raises(TrialError, match="there is no such file"):
        plugin(tmp_path / "orders.py")


@pytest.fixture
def bench(dynaurora_server):
    with new_bench(dynaurora_server) as found:
        yield found


def test_nothing_is_left_for_the_next_test(bench, tmp_path):
    path = tmp_path / "items.py"
    path.write_text(dedent(WITH_SUM))
    bench.trial(path).put({"id": "a", "g": "x", "n": 1}, {"id": "b", "n": Decimal("1.005")})
    bench.clear()
    items = bench.trial(path)
    assert items.rows("select * from items") == items.rows("select * from sums") == []
    assert items.quarantined == []
    assert items.put({"id": "a", "g": "x", "n": 1}).applied == 1
    assert items.rows("select g, n, items from sums") == [("x", 1, 1)]


def test_a_changed_plugin_gets_new_tables(bench, tmp_path):
    path = tmp_path / "items.py"
    path.write_text(dedent(DECLARED))
    bench.trial(path).put({"id": "a"})
    bench.clear()
    path.write_text(dedent(DECLARED.replace('"v": "text"', '"w": "integer"')))
    items = bench.trial(path)
    items.put({"id": "a", "w": 5})
    assert items.rows("select id, w from items") == [("a", 5)]


def test_sql_tables_of_tests_before_are_in_nobodys_way(bench, tmp_path):
    for table in ("items", "others"):
        path = tmp_path / f"{table}.py"
        path.write_text(dedent(WITH_ROWS.replace("Table(", 'Table("same", ')))
        bench.clear()
        trial = bench.trial(path)
        trial.put({"id": table})
        assert trial.rows("select id from same") == [(table,)]


def test_two_plugins_of_one_test_still_make_no_table_together(bench, tmp_path):
    for table in ("items", "others"):
        path = tmp_path / f"{table}.py"
        path.write_text(dedent(DECLARED.replace("Table(", 'Table("same", ')))
    bench.trial(tmp_path / "items.py")
    with pytest.raises(PluginError, match='SQL table "same" is made by the plugin of table items'):
        bench.trial(tmp_path / "others.py")


def test_on_a_server_of_somebody_else_what_is_made_is_dropped(dynaurora_server, dynaurora_engine):
    statement, made = {
        "postgresql": ("select datname from pg_database order by 1", 1),
        "mysql": ("show databases", 2),  # the metadata have one of their own
    }[dynaurora_engine]
    server = Server(dynaurora_server)
    before = server.execute(statement)
    with new_bench(dynaurora_server):
        assert len(server.execute(statement)) == len(before) + made
    assert server.execute(statement) == before
