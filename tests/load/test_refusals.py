"""What no row can be made of, and what the database refuses: it waits, its neighbours load."""

import gzip
import json
import random
import re
from collections import Counter
from urllib.parse import urlsplit

import pytest

from dynaurora.model.lines import unreadable_line
from support.items import DECLARED, WITH_HISTORY, WITH_ROWS, WITH_SUM, delete, put
from support.load import LoadMachine, changed
from support.sql import raising

pytestmark = pytest.mark.each_engine


def accounted(loaded):
    return loaded.applied + loaded.superseded + loaded.quarantined + loaded.unreadable


@pytest.mark.parametrize(
    "fields",
    [
        {"table": "a\0b"},
        {"table": "a\ud800b"},
        {"seq": "\0"},
        {"stream": "\udfff"},
        {"keys": {"i\0d": {"S": 1}}},
    ],
)
def test_a_reason_that_quotes_what_no_database_holds_is_written_down_all_the_same(machine, fields):
    machine.plugin("items", DECLARED)
    bad = changed(put(1, "a", v="1"), **fields)
    loaded = machine.load_lines("items", bad, put(2, "b", v="2"))
    assert (loaded.applied, loaded.unreadable) == (1, 1)
    ((_, state, reason, _, _, kept),) = machine.quarantine()
    assert (state, reason, kept) == ("open", "unreadable", bad)


@pytest.mark.parametrize("tag", ["\0", "\ud800", "\t\n\\"])
def test_a_value_of_a_type_that_nobody_knows_is_quarantined_alone(machine, tag):
    machine.plugin("items", DECLARED)
    bad = put(1, "a", v={"S": "1"})
    bad = changed(bad, new=json.loads(bad)["new"] | {"v": {tag: "1"}})
    loaded = machine.load_lines("items", bad, put(2, "b", v="2"))
    assert (loaded.applied, loaded.quarantined) == (1, 1)


@pytest.mark.parametrize("depth", [300, 480, 511, 5_000])
def test_an_image_that_is_nested_too_deeply_is_quarantined_alone(machine, depth):
    machine.plugin("items", DECLARED.replace('"v": "text"', '"v": "json"'))
    value = '{"M":{"a":' * depth + '{"S":"x"}' + "}}" * depth
    bad = put(1, "a", v="here").replace(b'{"S":"here"}', value.encode())
    loaded = machine.load_lines("items", bad, put(2, "b", v="2"))
    assert (loaded.applied, loaded.quarantined + loaded.unreadable) == (1, 1)


def test_a_line_that_is_found_unreadable_late_is_counted_once(machine):
    machine.plugin("items", DECLARED)
    late = put(2, "a", v="2", fields={"at": 10**15})
    loaded = machine.load_lines("items", put(1, "a", v="1"), late, delete(3, "b", at=-(10**15)))
    assert (loaded.applied, loaded.superseded, loaded.unreadable) == (1, 0, 2)
    assert accounted(loaded) == loaded.lines


def test_rows_with_a_long_name_are_staged_under_the_name_that_the_statements_use(machine):
    name = "tags" * 15
    machine.plugin("items", WITH_ROWS.replace('"tags":', f'"{name}":'))
    machine.load_lines("items", put(1, "a", tags=["x", "y"]))
    ((table,),) = machine.rows(
        "select table_name from information_schema.tables where table_name like 'items/_%' "
        "escape '/'"
    )
    assert machine.rows(f"select position, tag from {table} order by 1") == [(0, "x"), (1, "y")]


@pytest.mark.parametrize("code", ["XX000", "ZZ001", "P0002", "54011"])
def test_a_code_in_no_row_fails_the_delivery_and_after_five_receives_parks_the_table(machine, code):
    machine.plugin("items", DECLARED)
    machine.load_lines("items", put(1, "a", v="good"))
    raising(machine, code)
    name = machine.put("items", put(2, "a", v="bad"))
    for receives in range(1, 5):
        assert machine.load(name, receives=receives).failed == {name}
        assert machine.state("items") == ("", "")
    assert machine.load(name, receives=5).failed == {name}
    assert machine.state("items")[0] == "error"
    assert machine.load(name, receives=6).waiting == {name}
    assert machine.store.keys("raw") == [name.key]
    assert machine.quarantine() == []
    assert machine.rows("select v from items") == [("good",)]


def test_a_code_in_no_row_while_creating_fails_the_delivery_and_parks_nothing(machine):
    broken = machine.of_engine(
        "do $$ begin raise exception 'no' using errcode = 'ZZ001'; end $$",
        "signal sqlstate '45000' set mysql_errno = 1105",
    )
    machine.plugin("items", f'{DECLARED}\n    create_table_queries = [items, "{broken}"]')
    name = machine.put("items", put(2, "a", v="1"))
    assert machine.load(name).failed == {name}
    assert machine.state("items") == ("", "")


def versions(machine):
    return machine.rows("select id, v from versions order by id, _version")


def test_an_older_change_of_a_refused_key_still_reaches_the_history(machine):
    machine.plugin("items", WITH_HISTORY)
    machine.load_lines("items", put(1, "z", v="z"))
    machine.execute("alter table items add check (v <> 'bad')")
    loaded = machine.load_lines(
        "items", put(1, "a", v="1"), put(2, "a", v="2"), put(3, "a", v="bad"), put(4, "b", v="b")
    )
    assert (loaded.applied, loaded.superseded, loaded.quarantined) == (1, 2, 1)
    assert versions(machine) == [("a", "1"), ("a", "2"), ("b", "b"), ("z", "z")]
    assert machine.rows("select id, v from items order by 1") == [("b", "b"), ("z", "z")]


def test_an_older_change_that_no_column_can_hold_is_told_of_where_every_change_is_kept(machine):
    machine.plugin("items", WITH_HISTORY)
    bad = put(2, "a", v="2", n="1.005")
    loaded = machine.load_lines("items", put(1, "a", v="1"), bad, put(3, "a", v="3"))
    assert (loaded.applied, loaded.superseded, loaded.quarantined) == (1, 2, 0)
    assert accounted(loaded) == loaded.lines
    assert versions(machine) == [("a", "1"), ("a", "3")]
    ((_, state, reason, message, _, kept),) = machine.quarantine()
    assert (state, reason, kept) == ("superseded", "value", bad)
    assert message.startswith("n:")


def test_a_loser_that_no_column_can_hold_is_told_of_where_every_change_is_kept(machine):
    machine.plugin("items", WITH_HISTORY)
    machine.load_lines("items", put(5, "a", v="5"))
    bad = put(2, "a", v="2", n="1.005")
    for _ in range(2):
        loaded = machine.load_lines("items", bad, put(5, "a", v="5"), put(6, "b", v="6"))
        assert accounted(loaded) == loaded.lines
        assert loaded.quarantined == 0
    assert [(state, text) for _, state, *_, text in machine.quarantine()] == [("superseded", bad)]
    assert machine.rows("select count(*) from dynaurora.ledger_1 where rev = 0") == [(0,)]


def test_losers_that_no_column_can_hold_are_no_reason_to_park_the_table(machine):
    machine.plugin("items", WITH_HISTORY)
    machine.load_lines("items", put(500, "a", v="5"))
    bad = [put(n, "a", n="1.005") for n in range(1, 152)]
    loaded = machine.load_lines("items", *bad)
    assert (loaded.superseded, loaded.quarantined) == (151, 0)
    assert machine.state("items") == ("", "")


def test_an_older_change_that_is_refused_keeps_no_newer_one_of_its_key_out(machine):
    machine.plugin("items", WITH_HISTORY)
    machine.load_lines("items", put(1, "z", v="z"))
    machine.execute("alter table versions add check (v <> 'bad')")
    loaded = machine.load_lines(
        "items", put(1, "a", v="1"), put(2, "a", v="bad"), put(3, "a", v="3"), put(4, "b", v="b")
    )
    assert (loaded.applied, loaded.superseded, loaded.quarantined) == (2, 2, 0)
    assert versions(machine) == [("a", "1"), ("a", "3"), ("b", "b"), ("z", "z")]
    assert machine.rows("select id, v from items where id < 'z' order by 1") == [
        ("a", "3"),
        ("b", "b"),
    ]
    assert machine.quarantine() == []


def test_a_loser_that_is_refused_is_superseded_and_no_winner_is_counted_for_it(machine):
    machine.plugin("items", WITH_HISTORY)
    machine.load_lines("items", put(5, "a", v="5"))
    machine.execute("alter table versions add check (v <> 'bad')")
    loaded = machine.load_lines("items", put(2, "a", v="bad"), put(3, "b", v="3"))
    assert (loaded.applied, loaded.superseded, loaded.quarantined) == (1, 1, 0)
    assert versions(machine) == [("a", "5"), ("b", "3")]
    assert machine.quarantine() == []
    assert machine.rows("select count(*) from dynaurora.ledger_1 where rev = 0") == [(0,)]


def test_a_change_whose_value_is_refused_is_counted_once_when_an_older_one_is_refused_too(machine):
    machine.plugin("items", WITH_HISTORY)
    machine.load_lines("items", put(1, "z", v="z"))
    machine.execute("alter table versions add check (v <> 'bad')")
    bad = put(2, "a", v="x", n="1.005")
    loaded = machine.load_lines("items", put(1, "a", v="bad"), bad)
    assert (loaded.applied, loaded.superseded, loaded.quarantined) == (0, 1, 1)
    assert [(reason, text) for _, _, reason, _, _, text in machine.quarantine()] == [("value", bad)]


@pytest.mark.engines("postgresql")  # MySQL defers none
def test_constraints_are_as_deferred_in_each_half_as_in_the_whole(machine):
    machine.plugin(
        "items",
        """
        key = "id"
        columns = {"id": "text", "v": "text"}
        create_table_queries = [
            "create table if not exists parents (id text primary key, check (id <> 'bad'))",
            '''create table if not exists children (
              id text primary key references parents deferrable initially deferred)''',
        ]
        insert_table_queries = [
            "insert into children select id from staged on conflict do nothing",
            "insert into parents select id from staged on conflict do nothing",
        ]
        """,
    )
    ids = ["bad" if number == 3 else f"k{number}" for number in range(20)]
    loaded = machine.load_lines("items", *[put(n, item, v="v") for n, item in enumerate(ids, 1)])
    assert (loaded.applied, loaded.quarantined) == (19, 1)


@pytest.mark.engines("postgresql")  # MySQL defers none
def test_a_deferred_constraint_is_checked_before_the_savepoint_is_released(machine):
    machine.plugin(
        "items",
        """
        key = "id"
        columns = {"id": "text", "v": "text"}
        create_table_queries = [
            "create table if not exists groups (v text primary key)",
            "insert into groups values ('good') on conflict do nothing",
            '''create table if not exists members (
              id text primary key, v text references groups deferrable initially deferred)''',
        ]
        insert_table_queries = [
            '''insert into members select id, v from staged
               on conflict (id) do update set v = excluded.v''',
        ]
        """,
    )
    loaded = machine.load_lines("items", put(1, "a", v="bad"), put(2, "b", v="good"))
    assert (loaded.applied, loaded.quarantined) == (1, 1)
    assert [code for *_, code, _ in machine.quarantine()] == ["23503"]
    assert machine.rows("select id from members") == [("b",)]


def test_rows_whose_long_names_begin_alike_are_halved(machine):
    long = "tags" * 13
    machine.plugin(
        "items",
        WITH_ROWS.replace(
            '"tags": rows("tags[]", {"tag": ("text", "$")}),',
            f'"{long}aaaa": rows("tags[]", {{"tag": ("text", "$")}}),'
            f'"{long}aaab": rows("tags[]", {{"tag": ("text", "$")}}),',
        ),
    )
    machine.load_lines("items", put(1, "a", tags=["x"]))
    machine.execute("alter table items add check (v <> 'bad')")
    loaded = machine.load_lines("items", put(2, "a", v="bad"), put(3, "b", tags=["y"]))
    assert (loaded.applied, loaded.quarantined) == (1, 1)


def test_a_child_row_that_is_refused_takes_its_item_with_it_and_no_other(machine):
    machine.plugin("items", WITH_ROWS)
    machine.load_lines("items", put(1, "a", v="1", tags=["x"]), put(2, "b", v="1", tags=["x"]))
    machine.execute("alter table items_tags add check (tag <> 'bad')")
    loaded = machine.load_lines(
        "items", put(3, "a", v="2", tags=["y", "bad"]), put(4, "b", v="2", tags=["y", "z"])
    )
    assert (loaded.applied, loaded.quarantined) == (1, 1)
    assert machine.rows("select id, v from items order by 1") == [("a", "1"), ("b", "2")]
    assert machine.rows("select id, tag from items_tags order by id, position") == [
        ("a", "x"),
        ("b", "y"),
        ("b", "z"),
    ]


def test_what_was_replaced_is_told_of_each_half_alone(machine):
    machine.plugin("items", WITH_SUM)
    ids = [f"k{number}" for number in range(30)]
    machine.load_lines("items", *[put(n, item, g="g", n=n) for n, item in enumerate(ids, 1)])
    machine.execute("alter table items add check (n <> 1000)")
    lines = [put(100 + n, item, g="h", n=1000 if n == 7 else n) for n, item in enumerate(ids, 1)]
    loaded = machine.load_lines("items", *lines)
    assert (loaded.applied, loaded.quarantined) == (29, 1)
    assert machine.rows("select g, n, items from sums order by 1") == [
        ("g", 7, 1),
        ("h", sum(range(31)) - 7, 29),
    ]


@pytest.mark.parametrize("name", ["Table", "column", "rows"])
def test_what_a_plugin_imports_is_there_also_when_the_load_is_imported_before(name):
    import dynaurora.intake  # a module of the package under such a name would take its place
    from dynaurora.plugins import declarations

    assert getattr(dynaurora, name) is getattr(declarations, name)


def test_a_value_that_is_refused_and_loses_is_superseded_and_not_quarantined(machine):
    machine.plugin("items", DECLARED)
    machine.load_lines("items", put(5, "a", v="5"))
    loaded = machine.load_lines("items", put(4, "a", n="1.005"), put(4, "b", v="4"))
    assert (loaded.applied, loaded.superseded, loaded.quarantined) == (1, 1, 0)
    assert machine.quarantine() == []


@pytest.mark.parametrize("plugin", [DECLARED, WITH_HISTORY])
def test_what_was_applied_stays_applied_when_a_changed_plugin_would_refuse_it(machine, plugin):
    machine.plugin("items", plugin.replace("numeric(5,2)", "numeric"))
    line_of_it = put(5, "a", v="5", n="1.005")
    machine.load_lines("items", line_of_it)
    machine.plugin("items", plugin)
    loaded = machine.load_lines("items", line_of_it)
    assert (loaded.superseded, loaded.quarantined) == (1, 0)
    assert machine.quarantine() == []
    assert machine.rows("select rev from dynaurora.ledger_1") == [(1,)]


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("attribute_type", {"a\tb": "1"}),
        ("attribute_type", {"\ud800": "1"}),
        ("attribute_type", {"\0": "1"}),
        ("json", {"N": "1e400000"}),
    ],
)
@pytest.mark.parametrize("plugin", [DECLARED, WITH_HISTORY])
def test_what_cannot_even_be_staged_is_quarantined_alone(machine, column, value, plugin):
    if machine.engine == "mysql" and value in ({"\0": "1"}, {"N": "1e400000"}):
        pytest.skip("text of MySQL holds it")
    machine.plugin("items", plugin.replace('"n":', f'"other": "{column}", "n":'))
    good = [put(3, f"k{n}", v="v", other={"N": "1"}) for n in range(9)]
    bad = put(2, "a", v="v")
    bad = changed(bad, new=json.loads(bad)["new"] | {"other": value})
    loaded = machine.load_lines("items", put(1, "a", v="v"), *good, bad, put(9, "b", n="1.005"))
    assert (loaded.applied, loaded.superseded, loaded.quarantined) == (9, 1, 2)
    found = {text: state for _, state, *_, text in machine.quarantine() if b'"a"' in text}
    assert found.pop(bad) == "open"
    # Its older change is in no history either: there it is told of, though superseded.
    assert list(found.values()) == (["superseded"] if plugin == WITH_HISTORY else [])
    assert machine.load_lines("items", put(5, "a", v="later")).applied == 1
    assert machine.rows("select v from items where id = 'a'") == [("later",)]


@pytest.mark.engines("postgresql")  # a database of MySQL has columns of any encoding
def test_a_database_of_another_encoding_refuses_what_it_cannot_hold_alone(machine):
    """Without it, one text would keep all others of its load out for ever."""
    machine.execute("create database latin encoding latin1 locale 'C' template template0")
    url = urlsplit(machine.url)._replace(path="/latin").geturl()
    try:
        with LoadMachine(url, machine.folder.parent) as latin:
            latin.plugin("items", DECLARED)
            loaded = latin.load_lines("items", put(1, "a", v="é"), put(2, "b", v="\u20ac"))
            assert (loaded.applied, loaded.quarantined) == (1, 1)
            assert latin.rows("select id, v from items") == [("a", "é")]
            too_many = [put(3, f"k{n}", v="\u20ac") for n in range(101)]
            name = latin.put("items", *too_many)
            assert latin.load(name).waiting == {name}
    finally:
        machine.execute("drop database latin with (force)")


def test_what_was_applied_stays_applied_when_the_database_refuses_it_now(machine):
    machine.plugin("items", WITH_HISTORY)
    machine.load_lines("items", put(5, "a", v="bad"))
    raising(machine, "P0001", table="versions")
    loaded = machine.load_lines("items", put(5, "a", v="bad"), put(6, "b", v="6"))
    assert (loaded.applied, loaded.superseded, loaded.quarantined) == (1, 1, 0)
    assert machine.rows("select distinct rev from dynaurora.ledger_1") == [(1,)]
    assert machine.quarantine() == []


def test_a_line_that_the_transform_could_not_read_is_kept_as_it_first_came(machine):
    machine.plugin("items", DECLARED)
    bad = b'{"cut off \xff\x00'
    loaded = machine.load_lines("items", unreadable_line(bad), put(1, "a", v="1"))
    assert (loaded.applied, loaded.unreadable) == (1, 1)
    assert [(reason, text) for _, _, reason, _, _, text in machine.quarantine()] == [
        ("unreadable", bad)
    ]


@pytest.mark.parametrize("damage", ["cut", "broken"])
def test_an_object_whose_gzip_is_damaged_is_quarantined_whole_and_the_others_load(machine, damage):
    machine.plugin("items", DECLARED)
    data = gzip.compress(put(1, "a", v="1") + b"\n")
    damaged = machine.put("items")
    broken = data[:-9] if damage == "cut" else data[:20] + b"\n" + data[21:]
    machine.store.put(damaged, broken)
    whole = machine.put("items")
    machine.store.put(whole, gzip.compress(put(2, "b", v="1")) + gzip.compress(b"\n" + put(3, "c")))
    loaded = machine.load(damaged, whole).loaded["items"]
    assert (loaded.lines, loaded.applied, loaded.unreadable) == (3, 2, 1)
    assert machine.store.read(damaged.processed("backup")).data == broken


def test_an_empty_object_is_loaded_and_archived(machine):
    machine.plugin("items", DECLARED)
    name = machine.put("items")
    loaded = machine.load(name).loaded["items"]
    assert (loaded.objects, loaded.lines) == (1, 0)
    assert machine.store.keys("backup") == [f"Processed/{name.key}"]


def tries_of(machine):
    """How often the plugin is run from now on, one number for each run."""
    tries = []
    machine.before = lambda step: tries.append(1) if step == "savepoint part" else None
    return tries


def one_in_a_hundred(count):
    """Lines of which each hundredth is bad, shuffled."""
    lines = [put(9, f"k{n}", v="bad" if n % 100 == 50 else "good") for n in range(count)]
    random.Random(count).shuffle(lines)
    return lines


@pytest.mark.parametrize(
    ("refusing", "tries"),
    [
        ("alter table items add check (v <> 'bad')", 4.5),
        (
            "alter table items add w text generated always as (nullif(v, 'bad')) stored not null",
            4.5,
        ),
        ("create trigger t before insert on items for each row execute function refuse()", 4.5),
        ("create trigger t after insert on items for each row execute function refuse()", 11),
        ("alter table items add foreign key (v) references allowed", 11),
        ("alter table items add foreign key (v) references allowed initially deferred", 11),
    ],
)
@pytest.mark.engines("postgresql")
def test_one_refused_row_in_a_hundred_costs_few_runs_of_the_plugin(machine, refusing, tries):
    machine.plugin("items", DECLARED)
    machine.load_lines("items", put(1, "first", v="good"))
    machine.execute("create table others (v text)")
    raising(machine, "P0001", table="others")  # for its function
    machine.execute("create table allowed (v text primary key)")
    machine.execute("insert into allowed values ('good')")
    machine.execute(refusing)
    lines = one_in_a_hundred(3_000)
    found = tries_of(machine)
    loaded = machine.load_lines("items", *lines)
    assert (loaded.applied, loaded.quarantined) == (2_970, 30)
    assert len(found) <= tries * 30 + 20
    assert machine.rows("select count(*) from items") == [(2_971,)]
    assert {text for *_, text in machine.quarantine()} == {t for t in lines if b"bad" in t}
    assert machine.rows("show enable_seqscan") == [("on",)]


@pytest.mark.engines("mysql")
def test_where_the_server_does_not_say_how_far_it_came_a_refused_row_costs_ten_runs(machine):
    machine.plugin("items", DECLARED)
    machine.load_lines("items", put(1, "first", v="good"))
    machine.execute("alter table items add check (v <> 'bad')")
    lines = one_in_a_hundred(3_000)
    found = tries_of(machine)
    loaded = machine.load_lines("items", *lines)
    assert (loaded.applied, loaded.quarantined) == (2_970, 30)
    assert len(found) <= 10.1 * 30 + 20
    assert {text for *_, text in machine.quarantine()} == {t for t in lines if b"bad" in t}


BACKWARDS = """
    key = "id"
    columns = {"id": "text", "v": "text"}
    create_table_queries = [
        "create table if not exists items (id varchar(255) primary key, v longtext)"
    ]
    insert_table_queries = [
        '''insert into items
           select * from (select id, v from staged) as n order by n.id desc
           on duplicate key update v = n.v''',
    ]
"""


@pytest.mark.engines("mysql")
@pytest.mark.parametrize(("plugin", "tries"), [(DECLARED, 4.5), (BACKWARDS, 11)])
def test_a_row_that_the_message_names_is_looked_at_there_and_a_wrong_one_costs_time_alone(
    machine, plugin, tries
):
    machine.plugin("items", plugin)
    machine.load_lines("items", put(1, "first", v="good"))
    machine.execute("alter table items modify v enum('good')")
    lines = one_in_a_hundred(3_000)
    found = tries_of(machine)
    loaded = machine.load_lines("items", *lines)
    assert (loaded.applied, loaded.quarantined) == (2_970, 30)
    assert len(found) <= tries * 30 + 20
    assert {text for *_, text in machine.quarantine()} == {t for t in lines if b"bad" in t}


@pytest.mark.parametrize("plugin", [DECLARED, WITH_ROWS, WITH_SUM, WITH_HISTORY])
def test_a_plugin_that_refuses_every_row_parks_its_table_within_one_load(machine, plugin):
    machine.plugin("items", plugin)
    machine.load(machine.put("items"))
    machine.execute("alter table items add check (false)")
    found = tries_of(machine)
    name = machine.put("items", *[put(1, f"k{n}", g="g", n="1") for n in range(2_000)])
    assert machine.load(name).waiting == {name}
    assert machine.state("items")[0] == "plugin"
    assert len(found) <= machine.of_engine(125, 150)  # MySQL does not say how far it came


def test_a_plugin_that_refuses_every_loser_parks_its_table_too(machine):
    machine.plugin("items", WITH_HISTORY)
    machine.load_lines("items", put(500, "a", v="newest"))
    raising(machine, "P0001", table="versions")
    name = machine.put("items", *[put(n, "a", v="bad") for n in range(1, 102)])
    assert machine.load(name).waiting == {name}


def test_lines_that_cannot_be_read_do_not_count_toward_the_budget(machine):
    machine.plugin("items", DECLARED)
    machine.load(machine.put("items"))
    machine.execute("alter table items add check (v <> 'bad')")
    junk = [b"junk %d" % n for n in range(150)]
    bad = [put(1, f"b{n}", v="bad") for n in range(60)]
    worse = [put(1, f"w{n}", n="0.001") for n in range(40)]
    loaded = machine.load_lines("items", *junk, *bad, *worse, put(1, "a", v="good"))
    assert (loaded.applied, loaded.quarantined, loaded.unreadable) == (1, 100, 150)


@pytest.mark.engines("postgresql")  # which writes a row as text, whatever its columns are
def test_relations_look_in_each_part_as_they_do_in_the_whole(machine):
    machine.plugin(
        "items",
        """
        from dynaurora import Table, rows

        items = Table(
            key="id",
            columns={"id": "text", "v": "text", "tags": rows("tags[]", {"tag": ("text", "$")})},
        )
        create_table_queries = [
            items,
            "create table if not exists seen (relation text, row text)",
        ]
        insert_table_queries = [
            "insert into seen select 'staged', to_jsonb(s)::text from staged as s",
            "insert into seen select 'removed', to_jsonb(r)::text from removed as r",
            "insert into seen select 'tags', to_jsonb(t)::text from staged_tags as t",
            "insert into seen select 'changes', to_jsonb(c)::text from changes as c",
            "insert into seen select 'replaced', to_jsonb(i)::text from replaced_items as i",
            items,
        ]
        drop_table_queries = [items, "drop table if exists seen"]
        """,
    )
    lines = [
        *(put(2, f"k{n}", v="good", tags=["x", "y"]) for n in range(20)),
        *(put(1, f"k{n}", v="older") for n in range(5)),
        *(delete(3, f"gone{n}") for n in range(4)),
    ]
    before = [put(1, f"k{n}", v="before", tags=["z"], fields={"at": 5}) for n in range(9)]
    machine.load_lines("items", *before)
    machine.execute("delete from seen")
    machine.load_lines("items", *lines)
    whole = machine.rows("select * from seen order by 1, 2")
    assert {relation for relation, _ in whole} == {
        "staged", "removed", "tags", "changes", "replaced"
    }  # fmt: skip
    machine.execute("delete from seen; delete from items; delete from dynaurora.ledger_1")
    machine.load_lines("items", *before)
    machine.execute("delete from seen; alter table items add check (v <> 'bad')")
    bad = put(2, "bad", v="bad", tags=["x"])
    loaded = machine.load_lines("items", *lines[:11], bad, *lines[11:])
    assert (loaded.applied, loaded.quarantined) == (24, 1)
    assert machine.rows("select * from seen order by 1, 2") == whole


TABLES = {
    "declared": (DECLARED, "v", ["items"]),
    "rows": (WITH_ROWS, "v", ["items", "items_tags"]),
    "sum": (WITH_SUM, "g", ["items", "sums"]),
    "history": (WITH_HISTORY, "v", ["items", "versions"]),
}
KEEPING = {
    "postgresql": [
        """create function keep() returns trigger language plpgsql as $$
             begin raise exception 'it is kept'; end $$""",
        """create trigger keep before delete on items for each row
             when (old.id like '%7') execute function keep()""",
    ],
    "mysql": [
        """create trigger keep before delete on items for each row begin
             if old.id like '%7' then signal sqlstate '45000'
               set mysql_errno = 3819, message_text = 'it is kept'; end if; end""",
    ],
}


def changes_of_their_own(share):
    """A change of each of 50 items; share: how many of the puts are bad."""
    chance = random.Random(share)
    for number in range(50):
        item = f"k{number:02}"
        if chance.random() < 0.3:
            yield delete(2, item)
        else:
            text = "bad" if chance.random() < share else chance.choice("abc")
            tags = chance.choices("xyz", k=chance.randrange(3))
            yield put(2, item, v=text, g=text, n=chance.randrange(99), tags=tags)


@pytest.mark.parametrize("kind", TABLES)
@pytest.mark.parametrize("share", [0.03, 0.2, 0.6])
def test_a_load_with_refused_rows_leaves_what_loads_of_each_change_leave(machine, kind, share):
    plugin, column, tables = TABLES[kind]
    machine.plugin("items", plugin)
    machine.load(machine.put("items"))
    machine.execute(f"alter table items add check ({column} <> 'bad')")
    for statement in KEEPING[machine.engine]:
        machine.execute(statement)
    lines = list(changes_of_their_own(share))
    before = [put(1, f"k{n:02}", v="v", g="g", n=n, tags=["t"]) for n in range(0, 60, 3)]

    def left_by(loads):
        metadata = [f"dynaurora.{name}" for name in ("ledger_1", "quarantine", "objects")]
        if machine.engine == "postgresql":
            machine.execute(f"truncate {', '.join([*tables, *metadata])}")
        else:  # from the last to the first: rows in items go before their items
            machine.execute("set foreign_key_checks = 0")
            for table in [*tables, *metadata]:
                machine.execute(f"truncate table {table}")
            machine.execute("set foreign_key_checks = 1")
        machine.load_lines("items", *before)
        for part in loads:
            machine.load_lines("items", *part)
        found = {
            table: sorted(map(str, machine.rows(f"select * from {table}"))) for table in tables
        }
        found["sums"] = (
            machine.rows("select * from sums where items <> 0 order by g") if kind == "sum" else []
        )
        ledger = machine.rows("select k, version, rev, gone from dynaurora.ledger_1 order by k")
        return found, ledger, sorted(text for *_, text in machine.quarantine())

    assert left_by([lines]) == left_by([line] for line in lines)


RELATION = re.compile(r"\b(?:from|join|into|update)\s+`?(_?[a-z_]*)")


@pytest.mark.engines("mysql")
@pytest.mark.parametrize("plugin", [DECLARED, WITH_ROWS, WITH_SUM, WITH_HISTORY])
def test_no_statement_of_a_load_commits_or_names_a_temporary_table_twice(machine, plugin):
    """MySQL opens a temporary table once per statement (1137), which MariaDB does not show."""
    machine.plugin("items", plugin)
    machine.load(machine.put("items"))
    machine.execute("alter table items add check (id <> 'bad')")
    machine.load_lines("items", put(5, "a", v="5"))
    steps = []
    machine.before = steps.append
    lines = [put(4, "a", v="4"), put(6, "bad", v="6"), put(7, "c", n="1.005"), delete(8, "d")]
    machine.load_lines("items", *lines, machine.pointer(put(9, "e", v="e", tags=["x"])), b"junk")
    assert machine.rows("select count(*) from dynaurora.quarantine where state = 'open'") >= [(2,)]
    commits = re.compile(
        r"^\s*(?!create temporary )(create|alter|truncate|drop|rename|grant)", re.IGNORECASE
    )
    assert [step for step in steps if commits.match(step)] == []
    temporary = set(re.findall(r"^create temporary table `?(\w+)", "\n".join(steps), re.MULTILINE))
    assert {"staged", "_won", "_numbered"} <= temporary
    for step in steps:
        named = Counter(name for name in RELATION.findall(step) if name in temporary)
        assert not named or max(named.values()) == 1, step
