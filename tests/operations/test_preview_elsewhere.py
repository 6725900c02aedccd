"""A preview where nothing undoes a CREATE: in a database of its own, which is dropped."""

import threading
from urllib.parse import urlsplit

import pytest

from dynaurora.errors import DatabaseAway, PluginError, ProjectError, SettingsError
from dynaurora.model.events import ObjectName
from dynaurora.model.lines import decode_line
from dynaurora.operations import copies
from support.items import DECLARED, TABLE, WITH_HISTORY, WITH_ROWS, delete, put
from support.load import LoadMachine, side_by_side
from support.previews import difference, everything, previewed

pytestmark = pytest.mark.engines("mysql")

UPPER = """
    from dynaurora import Table

    items = Table(key="id", columns={"id": "text", "v": "text"})

    insert_table_queries = [
        items,
        "update items set v = shouted(v) where id in (select id from staged)",
        "insert into elsewhere_kept (id, region) select s.id, r.name from staged as s "
        "join regions as r on r.id = s.v",
    ]
"""

WITH_VIEW = """
    from dynaurora import Table

    items = Table(key="id", columns={"id": "text", "v": "text"})

    create_table_queries = [
        items,
        "create or replace view total as select count(*) as items from items",
        "create table if not exists counted (one integer primary key, items integer)",
    ]
    insert_table_queries = [
        items,
        '''replace into counted
           select 1, t.items from total as t where exists (select 1 from staged)''',
    ]
    drop_table_queries = [
        items, "drop view if exists total", "drop table if exists counted",
    ]
"""


def left(machine):
    """Databases that a preview has left."""
    names = machine.rows("select schema_name from information_schema.schemata")
    return [name for (name,) in names if "_preview_" in name]


def test_what_a_person_has_put_beside_the_plugin_s_tables_counts_as_in_the_load(machine):
    machine.plugin(TABLE, WITH_ROWS)
    machine.load_lines(TABLE, put(1, "a", v="1"), put(2, "b", v="1"), put(3, "c", v="1"))
    machine.execute("create table audit (what longtext)")
    machine.execute(
        "create table notes (id varchar(255) /*!80017 collate utf8mb4_0900_bin */ "
        "/*M! collate utf8mb4_nopad_bin */, foreign key (id) references items (id)) "
        "character set utf8mb4"
    )
    machine.execute("insert into notes values ('a')")
    machine.execute(
        "create trigger watched before update on items for each row "
        "begin insert into audit values (new.v); if new.v = 'bad' then "
        "signal sqlstate '45000' set mysql_errno = 3819; end if; end"
    )
    changes = [delete(11, "a"), put(12, "b", v="bad"), put(13, "c", v="2")]
    before = everything(machine)
    found = previewed(machine, *changes)
    assert everything(machine) == before
    loaded = machine.load_lines(TABLE, *changes)
    told = {entry.code for entry in found.quarantined}
    assert (found.loaded.applied, found.loaded.quarantined) == (loaded.applied, loaded.quarantined)
    assert told == {code for _, _, _, _, code, _ in machine.quarantine()} == {"1451", "3819"}
    assert difference(found).changed == [(("c", "1"), ("c", "2"))]


def test_functions_views_and_tables_of_others_are_there_and_are_not_written_to(machine):
    machine.execute(
        "create function shouted(a longtext) returns longtext deterministic return upper(a)"
    )
    machine.execute("create table areas (id varchar(20), name varchar(20))")
    machine.execute("insert into areas values ('x', 'Xanten')")
    machine.execute("create view regions as select * from areas")
    machine.execute("create table elsewhere_kept (id varchar(20), region varchar(20))")
    machine.plugin(TABLE, UPPER)
    before = everything(machine)
    found = previewed(machine, put(1, "a", v="x"))
    assert difference(found).added == [("a", "X")]
    assert [told.touched for told in found.statements][-1] == 1
    assert everything(machine) == before


def test_a_view_of_the_plugin_s_own_shows_what_the_preview_has_done(machine):
    machine.plugin(TABLE, WITH_VIEW)
    machine.load_lines(TABLE, put(1, "a", v="1"))
    found = previewed(machine, put(2, "b", v="2"))
    assert difference(found, "counted").changed == [(("1", "1"), ("1", "2"))]
    machine.load_lines(TABLE, put(2, "b", v="2"))
    assert machine.rows("select * from counted") == [(1, 2)]


@pytest.mark.parametrize(
    ("wanted", "kind"),
    [("insert into {}.items", "insert"), ("create table if not exists {}.items", "create")],
)
def test_a_statement_that_names_its_database_is_refused_and_not_run(machine, wanted, kind):
    name = machine.database_name
    text = WITH_HISTORY.replace(wanted.replace("{}.", ""), wanted.format(name))
    machine.plugin(TABLE, text)
    before = everything(machine)
    said = rf"items\.py:\d+:\d+, {kind}_table_queries\[0\]: it names the database \"{name}\""
    with pytest.raises(PluginError, match=said):
        previewed(machine, put(1, "a", v="1"))
    assert everything(machine) == before


def test_a_table_by_hand_that_is_too_large_to_copy_is_told_of(machine, monkeypatch):
    monkeypatch.setattr(copies, "MOST_COPIED", 1)
    machine.plugin(TABLE, WITH_HISTORY)
    machine.load_lines(TABLE, put(1, "a", v="1"), put(2, "b", v="1"))
    before = everything(machine)
    with pytest.raises(ProjectError, match=r"SQL table \w+: it has more than 1 rows.*--scratch"):
        previewed(machine, put(3, "a", v="2"))
    assert everything(machine) == before


def test_of_a_declared_table_only_the_items_concerned_are_copied(machine, monkeypatch):
    monkeypatch.setattr(copies, "MOST_COPIED", 1)
    machine.plugin(TABLE, WITH_ROWS)
    machine.load_lines(TABLE, *(put(n, f"{n}", v="1", tags=["x"]) for n in range(1, 9)))
    found = previewed(machine, put(10, "1", v="2", tags=["y"]))
    assert difference(found).changed == [(("1", "1"), ("1", "2"))]
    assert difference(found, "items_tags").changed == [(("1", "0", "x"), ("1", "0", "y"))]


def test_a_preview_that_is_interrupted_leaves_nothing(machine):
    machine.plugin(TABLE, DECLARED)
    machine.load_lines(TABLE, put(1, "a", v="1"))
    pointer = machine.pointer(put(2, "a", v="2"))
    before = everything(machine)

    def interrupted(_key):
        assert left(machine.twin()) != []
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        previewed(machine, pointer, bodies=interrupted)
    assert everything(machine) == before


def test_a_preview_that_loses_its_session_drops_its_database_by_another(machine):
    machine.plugin(TABLE, DECLARED)
    machine.load_lines(TABLE, put(1, "a", v="1"))
    pointer = machine.pointer(put(2, "a", v="2"))
    before = everything(machine)

    def killed(_key):
        machine.end_session()

    with pytest.raises(DatabaseAway):
        previewed(machine, pointer, bodies=killed)
    assert everything(machine) == before


def test_what_a_killed_preview_has_left_is_removed_by_the_next(machine):
    machine.plugin(TABLE, DECLARED)
    stem = f"{machine.database_name}_preview_0123abcd"
    for name in (stem, f"{stem}_metadata"):
        machine.execute(f"create database {name}")
    previewed(machine, put(1, "a", v="1"))
    assert left(machine) == []


def test_two_previews_at_once_are_each_in_a_database_of_their_own(machine):
    machine.plugin(TABLE, WITH_ROWS)
    machine.load_lines(TABLE, put(1, "a", v="1"))
    with machine.twin() as twin:
        found = side_by_side(
            *(
                lambda m=m: [previewed(m, put(5, "a", v="2")) for _ in range(5)]
                for m in (machine, twin)
            )
        )
    assert {one.loaded.applied for each in found for one in each} == {1}
    assert left(machine) == []


def test_while_a_preview_looks_loads_of_the_same_items_go_on(machine):
    machine.plugin(TABLE, DECLARED)
    machine.load_lines(TABLE, put(1, "a", v="1"))
    pointer = machine.pointer(put(3, "a", v="preview"))
    name = ObjectName("backup", decode_line(pointer)["claim"]["object"])

    def in_the_midst(_key):
        load = threading.Thread(target=lambda: other.load_lines(TABLE, put(6, "a", v="2")))
        load.start()
        load.join(20)
        assert not load.is_alive()
        return machine.store.read(name).data

    with machine.twin() as other:
        found = previewed(machine, pointer, bodies=in_the_midst)
    assert difference(found).changed == [(("a", "1", None), ("a", "preview", None))]
    assert machine.rows("select id, v from items") == [("a", "2")]


def test_who_may_make_no_database_is_told_which_right_is_missing(machine):
    machine.plugin(TABLE, DECLARED)
    machine.execute("drop user if exists reader@localhost")
    machine.execute("create user reader@localhost")
    machine.execute(f"grant all on {machine.database_name}.* to reader@localhost")
    url = urlsplit(machine.url)._replace(netloc="reader@").geturl()
    with (
        LoadMachine(url, machine.folder.parent) as reader,
        pytest.raises(SettingsError, match=r"grant all on `.*_preview.*--scratch"),
    ):
        previewed(reader, put(1, "a", v="1"))
    assert left(machine) == []


ODD = """
    key = "id"
    columns = {"id": "text", "v": "text"}
    create_table_queries = [
        '''create table if not exists items (
            id varchar(255) primary key, v varchar(20), number bigint not null auto_increment,
            twice varchar(40) generated always as (concat(v, v)) stored,
            later varchar(40) generated always as (concat(v, '!')) virtual,
            bits bit(4), raw varbinary(4), doc json, day date, at datetime(6),
            `order` decimal(65,30),
            unique key (number), check (v <> 'bad')
        ) /*! default character set utf8mb4 */''',
    ]
    insert_table_queries = [
        '''insert into items (id, v) select * from (select id, v from staged) as n
           on duplicate key update v = n.v''',
    ]
    drop_table_queries = ["drop table if exists items"]
    select_table_queries = {}
"""


def test_rows_of_every_kind_are_copied_as_they_are_and_constraints_hold(machine):
    machine.plugin(TABLE, ODD)
    machine.load_lines(TABLE, put(1, "a", v="1"), put(2, "b", v="1"))
    machine.execute(
        "update items set bits = b'101', raw = x'ff00', doc = '[1, 2]', "
        "at = '2026-01-02 03:04:05.000006', `order` = 1.000000000000000000000000000001"
    )
    machine.execute("set sql_mode = 'ANSI_QUOTES'")
    machine.execute("update items set day = '0000-00-00', number = 0 where id = 'b'")
    machine.execute("set sql_mode = 'TRADITIONAL,ANSI_QUOTES'")
    changes = [put(3, "a", v="2"), put(4, "c", v="3"), put(5, "d", v="bad")]
    before = everything(machine)
    found = previewed(machine, *changes)
    assert everything(machine) == before
    ((was, now),) = difference(found).changed
    rest = ("5", "FF00", "[1, 2]", None, "2026-01-02 03:04:05.000006", f"1.{'0' * 29}1")
    assert was == ("a", "1", "1", "11", "1!", *rest)
    assert now == ("a", "2", "1", "22", "2!", *rest)
    (added,) = difference(found).added
    assert added[:2] == ("c", "3")
    assert found.loaded.quarantined == machine.load_lines(TABLE, *changes).quarantined == 1


def test_a_trigger_that_the_user_may_not_make_again_is_told_of(machine):
    machine.plugin(TABLE, DECLARED)
    machine.load_lines(TABLE, put(1, "a", v="1"))
    machine.execute("create trigger watched before update on items for each row set new.v = 'x'")
    name = machine.database_name
    machine.execute("drop user if exists reader@localhost")
    machine.execute("create user reader@localhost")
    for database in (name, "dynaurora"):
        machine.execute(f"grant all on {database}.* to reader@localhost")
    beside = rf"`{name}_preview_%`".replace("_", r"\_")
    machine.execute(f"grant all on {beside}.* to reader@localhost")
    machine.execute(f"revoke trigger on {beside}.* from reader@localhost")
    url = urlsplit(machine.url)._replace(netloc="reader@").geturl()
    said = "the trigger watched: it cannot be made again .*TRIGGER command denied"
    with (
        LoadMachine(url, machine.folder.parent) as reader,
        pytest.raises(SettingsError, match=said),
    ):
        previewed(reader, put(2, "a", v="2"))
    assert left(machine) == []
