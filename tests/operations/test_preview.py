"""A preview tells what a load would do, and leaves nothing behind."""

import threading
from collections import Counter
from dataclasses import replace
from datetime import datetime
from random import Random

import pytest

from dynaurora.errors import LoadRace, PluginError, StreamNotAccepted
from dynaurora.model.events import ObjectName
from dynaurora.model.lines import decode_line
from dynaurora.operations.preview import put_lines
from support.items import DECLARED, TABLE, WITH_HISTORY, WITH_ROWS, WITH_SUM, delete, put
from support.load import line, side_by_side, stream_arn
from support.previews import difference, everything, previewed


@pytest.mark.each_engine
@pytest.mark.parametrize("text", [WITH_ROWS, WITH_HISTORY, WITH_SUM])
def test_a_preview_leaves_nothing_behind(machine, text):
    machine.plugin(TABLE, text)
    machine.load_lines(TABLE, put(1, "a", v="1", n="1", g="x", tags=["x"]), put(2, "b", v="1"))
    before = everything(machine)
    for is_as_new in (False, True):
        found = previewed(
            machine,
            put(3, "a", v="2", n="2", g="y", tags=["x", "y"]),
            put(4, "b", v="2", n="1.005"),
            put(5, "c", v="3", n="1", g="x"),
            delete(6, "a"),
            b"no line",
            is_as_new=is_as_new,
        )
        assert found.loaded.applied > 0
    assert everything(machine) == before


@pytest.mark.each_engine
def test_a_preview_on_an_empty_database_leaves_it_empty(machine):
    machine.plugin(TABLE, WITH_ROWS)
    before = everything(machine)
    found = previewed(machine, put(1, "a", v="1", tags=["x", "y"]))
    assert difference(found).added == [("a", "1")]
    assert difference(found, "items_tags").added == [("a", "0", "x"), ("a", "1", "y")]
    assert [told.kind for told in found.created] == ["create", "create"]
    assert everything(machine) == before


@pytest.mark.each_engine
def test_a_preview_that_fails_leaves_nothing_behind(machine):
    machine.plugin(TABLE, WITH_HISTORY)
    machine.load_lines(TABLE, put(1, "a", v="1"))
    machine.plugin(
        TABLE,
        WITH_HISTORY.replace("on conflict do nothing", "where no_such_column = 1").replace(
            "as n\n                        on duplicate key update id = versions.id",
            "as n where no_such_column = 1",
        ),
    )
    before = everything(machine)
    with pytest.raises(PluginError, match=r"items\.py:\d+:\d+, insert_table_queries\[2\]"):
        previewed(machine, put(2, "a", v="2"))
    assert everything(machine) == before


@pytest.mark.each_engine
def test_rows_that_are_added_changed_and_removed_are_told(machine):
    machine.plugin(TABLE, WITH_ROWS)
    machine.load_lines(
        TABLE,
        put(1, "a", v="1", tags=["x", "y"]),
        put(2, "b", v="1"),
        put(3, "c", v="1", tags=["z"]),
        put(4, "same", v="1"),
    )
    found = previewed(
        machine,
        put(11, "a", v="2", tags=["x"]),
        delete(12, "c"),
        put(13, "d", v="1"),
        put(14, "same", v="1"),
    )
    items, tags = difference(found), difference(found, "items_tags")
    assert items.columns == ("id", "v")
    assert items.added == [("d", "1")]
    assert items.changed == [(("a", "1"), ("a", "2"))]
    assert items.removed == [("c", "1")]
    assert (tags.added, tags.changed, tags.removed) == ([], [], [("a", "1", "y"), ("c", "0", "z")])


@pytest.mark.each_engine
def test_the_ledger_decides_as_in_a_load(machine):
    machine.plugin(TABLE, DECLARED)
    machine.load_lines(TABLE, put(10, "a", v="new"))
    late = previewed(machine, put(9, "a", v="late"), put(11, "b", v="1"))
    assert (late.loaded.applied, late.loaded.superseded) == (1, 1)
    assert (difference(late).changed, difference(late).added) == ([], [("b", "1", None)])
    as_new = previewed(machine, put(9, "a", v="late"), is_as_new=True)
    assert as_new.loaded.applied == 1
    assert difference(as_new).changed == [(("a", "new", None), ("a", "late", None))]


HISTORY = """
    from dynaurora import Table

    items = Table(key="id", columns={"id": "text", "v": "text"}, history=True, deleted="mark")
"""

KINDS = """
    from dynaurora import Table, rows

    tags = {"tag": ("text", "$")}
    ones = Table("ones", key="id", when={"v": "1"}, columns={"id": "text", "n": "numeric"})
    others = Table(
        "others",
        key="id",
        when={"v": ("2", "3")},
        columns={"id": "text", "v": "text", "tags": rows("tags[]", tags)},
    )
"""


def rows_of(machine, table):
    """As the values would be told, in the order of the columns."""
    if machine.engine == "mysql":
        cells = ((None if v is None else told(v) for v in r) for r in rows_in(machine, table))
        return Counter(map(tuple, cells))
    names = machine.rows(
        f"select attname from pg_attribute where attrelid = '{table}'::regclass "
        "and attnum > 0 and not attisdropped order by attnum"
    )
    cells = ", ".join(f"cast({name} as text)" for (name,) in names)
    return Counter(machine.rows(f"select {cells} from {table}"))


def rows_in(machine, table):
    return machine.rows(f"select * from {table}")


def told(value):
    """A value of MySQL as text."""
    if isinstance(value, datetime):
        return value.replace(tzinfo=None).isoformat(" ", "microseconds")
    return str(value)


def random_changes(random, seq):
    """Some of them late, some of them refused."""
    for number in range(random.randint(1, 12)):
        version, item = seq + number - random.choice([0, 0, 0, 9]), f"{random.randint(1, 5)}"
        if random.random() < 0.3:
            yield delete(max(1, version), item)
        else:
            n = random.choice(["1", "2.5", "2.555"])
            tags = random.sample(["x", "y", "z"], random.randint(0, 3))
            v, g = random.choice("123"), random.choice("xy")
            yield put(max(1, version), item, v=v, n=n, g=g, tags=tags)


@pytest.mark.each_engine
@pytest.mark.parametrize("text", [DECLARED, WITH_ROWS, WITH_HISTORY, WITH_SUM, HISTORY, KINDS])
def test_a_preview_tells_exactly_what_the_load_then_does(machine, text):
    random = Random(len(text))
    machine.plugin(TABLE, text)
    for seq in range(10, 130, 12):
        changes = list(random_changes(random, seq))
        found = previewed(machine, *changes)
        plugin = machine._plugins.plugin(TABLE)
        tables = [each.table for each in found.differences] or plugin.tables
        before = {name: rows_of(machine, name) if seq > 10 else Counter() for name in tables}
        loaded = machine.load_lines(TABLE, *changes)
        assert replace(loaded, objects=0) == replace(found.loaded, objects=0)
        for each in found.differences:
            expected = before[each.table] + Counter(each.added) - Counter(each.removed)
            expected += Counter(now for _, now in each.changed)
            expected -= Counter(was for was, _ in each.changed)
            assert expected == rows_of(machine, each.table)


@pytest.mark.each_engine
def test_what_would_be_quarantined_is_told_with_its_reason(machine):
    machine.plugin(TABLE, DECLARED)
    found = previewed(machine, put(1, "a", n="1.005"), put(2, "b", n="1"), b"no line")
    reasons = {entry.reason: entry.message for entry in found.quarantined}
    assert set(reasons) == {"value", "unreadable"}
    assert reasons["value"].startswith("n: ")
    assert (found.loaded.applied, found.loaded.quarantined, found.loaded.unreadable) == (1, 1, 1)


@pytest.mark.each_engine
def test_rows_that_the_database_refuses_are_told_and_the_others_are_applied(machine):
    machine.plugin(
        TABLE,
        """
        from dynaurora import Table, column

        items = Table(key="id", columns={"id": "text", "v": column("text", required=True)})
        """,
    )
    found = previewed(machine, put(1, "a", v="1"), put(2, "b"), put(3, "c", v="3"))
    assert difference(found).added == [("a", "1"), ("c", "3")]
    code = machine.of_engine("23502", "1048")
    assert [(e.reason, e.code) for e in found.quarantined] == [("database", code)]
    assert found.statements[0].runs > 1
    assert found.statements[0].touched == 2


@pytest.mark.each_engine
def test_each_statement_is_told_with_its_rows_and_its_time(machine):
    machine.plugin(TABLE, WITH_HISTORY)
    machine.load_lines(TABLE, put(1, "a", v="1"))
    found = previewed(machine, put(2, "a", v="2"), put(3, "b", v="2"), put(4, "b", v="3"))
    plugin = machine._plugins.plugin(TABLE)
    assert [told.statement for told in found.statements] == list(plugin.insert)
    # MySQL counts a row twice that an upsert has found.
    assert [told.touched for told in found.statements] == machine.of_engine([2, 0, 3], [3, 0, 3])
    assert all(told.seconds > 0 for told in found.statements)
    assert found.created == []


@pytest.mark.each_engine
def test_a_change_that_lost_shows_where_changes_are_read(machine):
    machine.plugin(TABLE, WITH_HISTORY)
    machine.load_lines(TABLE, put(9, "a", v="9"))
    found = previewed(machine, put(5, "a", v="5"))
    assert found.loaded.superseded == 1
    assert [row[2] for row in difference(found, "versions").added] == ["5"]


@pytest.mark.each_engine
def test_a_changed_plugin_shows_what_is_made_and_altered_first(machine):
    machine.plugin(TABLE, DECLARED)
    machine.load_lines(TABLE, put(1, "a", v="1"))
    machine.plugin(TABLE, DECLARED.replace('"v": "text"', '"v": "text", "w": "text"'))
    before = everything(machine)
    found = previewed(machine, put(2, "a", v="1", w="2"))
    assert any(told.statement.startswith("alter table items add") for told in found.created)
    ((was, now),) = difference(found).changed
    assert (was, now) == (("a", "1", None, None), ("a", "1", None, "2"))
    assert everything(machine) == before


@pytest.mark.each_engine
def test_rows_of_other_items_that_are_in_the_way_of_a_changed_plugin_are_met(machine):
    machine.plugin(TABLE, DECLARED)
    machine.load_lines(TABLE, put(1, "a"), put(2, "b", v="1"))
    required = DECLARED.replace("import Table", "import Table, column")
    machine.plugin(TABLE, required.replace('"v": "text"', '"v": column("text", required=True)'))
    before = everything(machine)
    with pytest.raises(PluginError, match="rows that are there have no value of it"):
        previewed(machine, put(3, "b", v="2"))
    assert everything(machine) == before


@pytest.mark.each_engine
def test_a_plugin_may_call_its_table_as_one_of_the_metadata(machine):
    machine.plugin(
        "objects",
        """
        from dynaurora import Table

        objects = Table(key="id", columns={"id": "text"})
        """,
    )
    found = previewed(machine, line("objects", 1, {"id": {"S": "a"}}, {}), table="objects")
    assert difference(found, "objects").added == [("a",)]


@pytest.mark.each_engine
def test_a_table_that_is_parked_is_previewed_and_told(machine):
    machine.plugin(TABLE, DECLARED)
    machine.load_lines(TABLE, put(1, "a", v="1"))
    machine.drop(TABLE)
    before = everything(machine)
    found = previewed(machine, put(2, "b", v="1"))
    assert found.parked_for == "dropped"
    assert difference(found).added == [("b", "1", None)]
    assert everything(machine) == before


@pytest.mark.each_engine
def test_attributes_that_no_column_reads_are_told(machine):
    machine.plugin(TABLE, DECLARED)
    found = previewed(machine, put(1, "a", v="1", more="x"), put(2, "b", more="y", other="z"))
    assert found.unmapped == {"more": 2, "other": 1}


@pytest.mark.each_engine
def test_a_stream_that_may_not_feed_the_table_is_refused_as_in_a_load(machine):
    machine.plugin(TABLE, DECLARED)
    machine.load_lines(TABLE, put(1, "a"))
    other = stream_arn(TABLE, account="999999999999")
    with pytest.raises(StreamNotAccepted):
        previewed(machine, put(2, "a", fields={"stream": other}))


@pytest.mark.each_engine
def test_a_table_that_is_too_large_is_said_not_to_be_compared(machine, monkeypatch):
    from dynaurora.operations import differences

    monkeypatch.setattr(differences, "MOST_OF_ALL", 1)
    machine.plugin(TABLE, WITH_SUM)
    machine.load_lines(TABLE, put(1, "a", n="1", g="x"), put(2, "b", n="1", g="y"))
    found = previewed(machine, put(3, "a", n="2", g="x"))
    assert difference(found).is_compared
    assert not difference(found, "sums").is_compared


@pytest.mark.each_engine
def test_items_are_previewed_as_if_each_had_just_been_put(machine):
    machine.plugin(TABLE, DECLARED)
    machine.load_lines(TABLE, put(10**30, "a", v="1"))
    images = [{"id": {"S": "a"}, "v": {"S": "2"}}, {"id": {"S": "b"}}]
    with machine.database.session() as engine:
        plugin = machine._plugins.plugin(TABLE)
        lines = list(put_lines(engine, plugin, images, now_s=1_800_000_000))
    found = previewed(machine, *lines)
    assert found.loaded.applied == 2
    assert difference(found).changed == [(("a", "1", None), ("a", "2", None))]


@pytest.mark.each_engine
def test_a_preview_waits_for_a_load_of_the_same_items_and_sees_what_it_did(machine):
    machine.plugin(TABLE, DECLARED)
    machine.load_lines(TABLE, put(1, "a", v="1"))
    outcomes = []
    threads = []

    def begin_preview(step):
        if step == "commit" and not threads:
            worker = threading.Thread(
                target=lambda: outcomes.append(previewed(twin, put(5, "a", v="5")))
            )
            worker.start()
            threads.append(worker)
            machine.wait_until_blocked()

    with machine.twin() as twin:
        machine.before = begin_preview
        machine.load_lines(TABLE, put(9, "a", v="9"))
        threads[0].join(20)
    assert outcomes[0].loaded.superseded == 1


@pytest.mark.each_engine
def test_a_preview_that_may_not_wait_longer_says_so(machine):
    machine.plugin(TABLE, DECLARED)
    machine.load_lines(TABLE, put(1, "a", v="1"))
    with machine.twin() as twin:

        def hold(step):
            if step == "commit":
                with pytest.raises(LoadRace, match="for more than 5 seconds"):
                    previewed(twin, put(5, "a", v="5"))

        machine.before = hold
        machine.load_lines(TABLE, put(9, "a", v="9"))


@pytest.mark.each_engine
def test_a_preview_follows_a_pointer_to_its_body(machine):
    machine.plugin(TABLE, DECLARED)
    pointer = machine.pointer(put(1, "a", v="a large one"))
    name = ObjectName("backup", decode_line(pointer)["claim"]["object"])
    found = previewed(machine, pointer, bodies=lambda _: machine.store.read(name).data)
    assert difference(found).added == [("a", "a large one", None)]
    missing = previewed(machine, pointer)
    assert [entry.reason for entry in missing.quarantined] == ["body"]


def test_loads_of_other_items_go_on_and_of_the_same_wait_until_it_is_rolled_back(machine):
    machine.plugin(TABLE, DECLARED)
    machine.load_lines(TABLE, put(1, "a", v="1"), put(2, "b", v="1"))
    pointer = machine.pointer(put(3, "a", v="preview"))
    waiting = []

    def in_the_midst(_key):
        assert others.load_lines(TABLE, put(4, "b", v="2"), put(5, "c", v="2")).applied == 2
        load = threading.Thread(target=lambda: same.load_lines(TABLE, put(6, "a", v="2")))
        load.start()
        waiting.append(load)
        machine.wait_until_blocked()

    with machine.twin() as others, machine.twin() as same:
        previewed(machine, pointer, bodies=in_the_midst)
        waiting[0].join(20)
    assert machine.rows("select id, v from items order by 1") == [
        ("a", "2"),
        ("b", "2"),
        ("c", "2"),
    ]


@pytest.mark.each_engine
def test_previews_and_loads_of_the_same_items_never_deadlock(machine, capsys):
    """Puts are written before deletes: without the locks of the ledger, of two that put and delete
    each other's items each waits for the other."""
    items = 200
    machine.plugin(TABLE, WITH_ROWS)
    machine.load_lines(TABLE, *(put(n + 1, f"{n}", v="0", tags=["x"]) for n in range(items)))

    def changes(version):
        """Half of the items are put and the others deleted, in turn."""
        for n in range(items):
            is_put = (n + version) % 2 == 0
            yield put(version, f"{n}", v="1", tags=["y"]) if is_put else delete(version, f"{n}")

    def load(worker):
        for version in range(1000, 1015):
            puts = (put(version, f"{n}", v=f"{version}", tags=["z"]) for n in range(items))
            worker.load_lines(TABLE, *puts)

    def look(worker, first):
        for version in range(first, first + 15):
            assert previewed(worker, *changes(version)).loaded.applied == items

    with machine.twin() as two, machine.twin() as three:
        side_by_side(lambda: load(machine), lambda: look(two, 2000), lambda: look(three, 2001))
    assert machine.rows("select v, count(*) from items group by v") == [("1014", items)]
    assert "a race" not in capsys.readouterr().out
