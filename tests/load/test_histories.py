"""The histories that broke simpler designs, and bugs that other pipelines shipped.

docs/under-the-hood.md has a line for each, with its tests.
"""

import json
import threading
from decimal import Decimal

import pytest

from dynaurora.errors import DatabaseAway, StreamNotAccepted
from dynaurora.metadata import Metadata
from dynaurora.sql.mysql import CHARACTER_SET
from support.items import DECLARED, WITH_HISTORY, WITH_ROWS, WITH_SUM, delete, put
from support.load import (
    ARBITRATION,
    LOCK,
    PATIENCE_S,
    LoadMachine,
    changed,
    line,
    side_by_side,
    stream_arn,
)
from support.sql import raising, refusing_no_more

pytestmark = pytest.mark.each_engine


def rows(machine, columns="id, v", table="items"):
    return machine.rows(f"select {columns} from {table} order by 1, 2")


class Held:
    """A load that is held at a step, and goes on when it is told to."""

    def __init__(self, machine, step):
        self.reached = threading.Event()
        self._go_on = threading.Event()
        self._step = step
        self._machine = machine
        machine.before = self._hold

    def go_on(self):
        self._go_on.set()

    def _hold(self, step):
        if step.startswith(self._step):
            self._machine.before = lambda _: None
            self.reached.set()
            assert self._go_on.wait(PATIENCE_S)


def in_turn(first, second, *, hold_first_at, is_blocked=True):
    """Hold the first load at a step; then the second, until it is done or, if ``is_blocked``, until
    it waits for a lock of the first; then the first goes on.

    first, second: a machine and what it does. Their outcomes.
    """
    (one, load_one), (other, load_other) = first, second
    held = Held(one, hold_first_at)

    def late():
        assert held.reached.wait(PATIENCE_S)
        try:
            return load_other()
        finally:
            if not is_blocked:
                held.go_on()

    def let_go():
        assert held.reached.wait(PATIENCE_S)
        if is_blocked:
            other.wait_until_blocked()
            held.go_on()

    found, other_found, _ = side_by_side(load_one, late, let_go)
    return found, other_found


@pytest.fixture
def other(machine):
    with machine.twin() as found:
        yield found


def test_h12_after_a_drop_the_archive_loaded_again_refills_the_new_tables(machine):
    machine.plugin("items", WITH_HISTORY)
    names = [
        machine.put("items", put(1, "a", v="1"), put(2, "b", v="1")),
        machine.put("items", put(3, "a", v="2"), delete(4, "b")),
    ]
    machine.load(*names)
    machine.drop("items")
    assert machine.state("items")[0] == "dropped"
    machine.unpark("items")
    for name in names:
        machine.store.put(name, machine.store.read(name.processed("backup")).data)
        loaded = machine.load(name).loaded["items"]
        assert loaded.already == 0
    assert rows(machine) == [("a", "2")]
    assert machine.rows("select id, v, deleted from versions order by id, _version") == [
        ("a", "1", False),
        ("a", "2", False),
        ("b", "1", False),
        ("b", None, True),
    ]
    assert machine.rows("select distinct rev from dynaurora.ledger_1") == [(2,)]


def test_h12_at_the_same_generation_the_archive_loaded_again_changes_nothing(machine):
    machine.plugin("items", WITH_SUM)
    lines = [put(n, f"k{n % 3}", g="g", n=n) for n in range(1, 9)]
    machine.load_lines("items", *lines)
    before = rows(machine, "g, n, items", "sums")
    loaded = machine.load_lines("items", *lines)
    assert (loaded.applied, loaded.superseded) == (0, 8)
    assert rows(machine, "g, n, items", "sums") == before


def test_h12_a_dropped_table_s_objects_wait_until_it_is_unparked(machine):
    machine.plugin("items", DECLARED)
    machine.load_lines("items", put(1, "a", v="1"))
    machine.drop("items")
    name = machine.put("items", put(2, "a", v="2"))
    assert machine.load(name).waiting == {name}
    machine.plugin("items", DECLARED + "\n")
    assert machine.load(name).waiting == {name}
    machine.unpark("items")
    machine.load(name)
    assert rows(machine) == [("a", "2")]


def test_h12_a_load_whose_generation_is_gone_fails_and_is_done_again(machine, other):
    machine.plugin("items", DECLARED)
    machine.load_lines("items", put(1, "a", v="1"))
    name = machine.put("items", put(2, "a", v="2"))

    def drop_and_make_anew():
        other.drop("items")
        other.unpark("items")
        other.load_lines("items", put(3, "b", v="3"))

    in_turn(
        (machine, lambda: machine.load(name)),
        (other, drop_and_make_anew),
        # A drop waits for what a load has noted where rows are locked that nobody has committed.
        hold_first_at=machine.of_engine(LOCK, "insert into dynaurora.objects"),
        is_blocked=False,
    )
    machine.load(name)
    assert rows(machine) == [("a", "2"), ("b", "3")]
    assert machine.rows("select distinct rev from dynaurora.ledger_1") == [(2,)]


def test_h12_a_drop_and_a_load_that_wait_for_each_other_both_come_to_an_end(machine, other):
    machine.plugin("items", DECLARED)
    machine.load_lines("items", put(1, "a", v="1"))
    name = machine.put("items", put(2, "a", v="2"))
    found, _ = in_turn(
        (machine, lambda: machine.load(name)),
        (other, lambda: other.drop("items")),
        hold_first_at=LOCK,
        is_blocked=machine.engine == "mysql",
    )
    assert found.failed == {name}
    assert machine.state("items")[0] == "dropped"
    machine.unpark("items")
    machine.load(name)
    assert rows(machine) == [("a", "2")]


def test_h12_a_drop_waits_for_the_loads_that_are_under_way(machine, other):
    machine.plugin("items", DECLARED)
    machine.load_lines("items", put(1, "a", v="1"))
    name = machine.put("items", put(2, "a", v="2"))
    in_turn(
        (machine, lambda: machine.load(name)),
        (other, lambda: other.drop("items")),
        hold_first_at="commit",
    )
    assert machine.store.keys("raw") == []
    assert machine.state("items")[0] == "dropped"


def test_h12_a_table_that_is_dropped_while_its_plugin_changes_stays_dropped(machine, other):
    machine.plugin("items", DECLARED)
    machine.load_lines("items", put(1, "a", v="1"))
    machine.plugin("items", DECLARED + "\n")
    name = machine.put("items", put(2, "a", v="2"))
    in_turn(
        (machine, lambda: machine.load(name)),
        (other, lambda: other.drop("items")),
        hold_first_at=tuple(f"update dynaurora.tables{c}set parked_for = null" for c in " \n"),
        is_blocked=False,
    )
    assert machine.state("items")[0] == "dropped"
    assert machine.store.keys("raw") == [name.key]


OLDER = "2025-01-01T00:00:00.000"
NEWER = "2026-06-01T00:00:00.000"


def of_stream(seq, item_id, v, **arn):
    return put(seq, item_id, v=v, fields={"stream": stream_arn("items", **arn)})


@pytest.mark.parametrize(
    "arn", [{"account": "999999999999"}, {"region": "us-east-1"}, {"label": OLDER}]
)
def test_h17_another_account_another_region_or_a_lower_label_parks_the_table(machine, arn):
    machine.plugin("items", DECLARED)
    machine.load_lines("items", put(1, "a", v="1"))
    name = machine.put("items", of_stream(2, "a", "2", **arn), put(3, "b", v="3"))
    assert machine.load(name).waiting == {name}
    parked_for, reason = machine.state("items")
    assert parked_for == "stream"
    assert stream_arn("items", **arn) in reason
    assert rows(machine) == [("a", "1")]
    assert machine.rows("select count(*) from dynaurora.streams") == [(1,)]


def test_h17_a_newer_label_is_accepted_and_is_above_every_older_one(machine):
    machine.plugin("items", DECLARED)
    machine.load_lines("items", put(10**21, "a", v="old"))
    machine.load_lines("items", of_stream(1, "a", "new", label=NEWER))
    machine.load_lines("items", put(10**21 + 1, "a", v="late"))
    assert rows(machine) == [("a", "new")]
    assert machine.rows("select label_ms > 0, epoch from dynaurora.streams") == [(True, 0)] * 2


def test_h17_of_two_loads_that_meet_new_streams_at_once_the_older_stream_parks(machine, other):
    machine.plugin("items", DECLARED)
    machine.load()
    machine.load(machine.put("items"))
    newer = machine.put("items", of_stream(1, "a", "new", label=NEWER))
    older = machine.put("items", put(2, "a", v="old"))
    found, late = in_turn(
        (machine, lambda: machine.load(newer)),
        (other, lambda: other.load(older)),
        hold_first_at=ARBITRATION,
    )
    assert (found.failed, late.waiting) == (set(), {older})
    assert machine.state("items")[0] == "stream"
    assert rows(machine) == [("a", "new")]


def register(machine, arn, table_id):
    with machine.database.session() as engine:
        Metadata(engine.connection, engine.queries).register_stream("items", arn, table_id)


def test_h17_deploy_registers_arn_and_table_id_and_stops_on_another_table_id(machine):
    machine.plugin("items", DECLARED)
    machine.load_lines("items", put(1, "a", v="1"))
    register(machine, stream_arn("items"), "id-1")
    assert machine.rows("select arn, table_id from dynaurora.streams") == [
        (stream_arn("items"), "id-1")
    ]
    register(machine, stream_arn("items", NEWER), "id-1")
    with pytest.raises(StreamNotAccepted, match="id-2"):
        register(machine, stream_arn("items", "2026-07-01T00:00:00.000"), "id-2")
    assert machine.rows("select count(*) from dynaurora.streams") == [(2,)]
    machine.drop("items")
    register(machine, stream_arn("items", "2026-07-01T00:00:00.000"), "id-2")
    assert machine.rows("select table_id from dynaurora.streams order by label_ms") == [
        (None,),
        (None,),
        ("id-2",),
    ]


WITH_CHILDREN_BY_HAND = """
    from dynaurora import rows

    key = "id"
    columns = {"id": "text", "tags": rows("tags[]", {"tag": ("text", "$")})}
    create_table_queries = [
        "create table if not exists tags (id varchar(99), position int, tag text)",
    ]
    insert_table_queries = [
        {
            "postgresql": "delete from tags as t using staged as s where t.id = s.id",
            "mysql": "delete t from tags as t join staged as s on t.id = s.id",
        },
        "insert into tags select id, position, tag from staged_tags",
        {
            "postgresql": "delete from tags as t using removed as r where t.id = r.id",
            "mysql": "delete t from tags as t join removed as r on t.id = r.id",
        },
    ]
"""


def test_h1_a_load_that_waited_for_another_sees_what_that_one_has_committed(machine, other):
    machine.plugin("items", WITH_ROWS)
    machine.load_lines("items", put(1, "a", v="1", tags=["x"]))
    second = machine.put("items", put(2, "a", v="2", tags=["x2", "y2", "z2"]))
    third = machine.put("items", put(3, "a", v="3", tags=["x3"]))
    in_turn(
        (machine, lambda: machine.load(second)),
        (other, lambda: other.load(third)),
        hold_first_at="commit",
    )
    assert rows(machine) == [("a", "3")]
    assert rows(machine, "position, tag", "items_tags") == [(0, "x3")]


def test_h1_the_rows_of_one_load_alone_are_left_where_all_are_written_anew(machine, other):
    machine.plugin("items", WITH_CHILDREN_BY_HAND)
    machine.load_lines("items", put(1, "a", tags=["x"]))
    second = machine.put("items", put(2, "a", tags=["x2", "y2", "z2"]))
    third = machine.put("items", put(3, "a", tags=["x3"]))
    in_turn(
        (machine, lambda: machine.load(second)),
        (other, lambda: other.load(third)),
        hold_first_at="commit",
    )
    assert rows(machine, "position, tag", "tags") == [(0, "x3")]


def test_h1_an_older_change_that_waited_for_a_newer_one_loses(machine, other):
    machine.plugin("items", WITH_ROWS)
    machine.load_lines("items", put(1, "a", v="1", tags=["x"]))
    third = machine.put("items", delete(3, "a"))
    second = machine.put("items", put(2, "a", v="2", tags=["x2"]))
    _, late = in_turn(
        (machine, lambda: machine.load(third)),
        (other, lambda: other.load(second)),
        hold_first_at="commit",
    )
    assert (late.loaded["items"].applied, late.loaded["items"].superseded) == (0, 1)
    assert rows(machine) == []
    assert rows(machine, "position, tag", "items_tags") == []


WITH_TOTALS = """
    key = "id"
    columns = {"id": "text", "g": "text"}
    create_table_queries = [
        "create table if not exists items (id varchar(99) primary key, g varchar(99))",
        "create table if not exists totals (g varchar(99) primary key, n int)",
    ]
    insert_table_queries = [
        {
            "postgresql": '''insert into items select id, g from staged
                             on conflict (id) do update set g = excluded.g''',
            "mysql": '''insert into items select * from (select id, g from staged) as n
                        on duplicate key update g = n.g''',
        },
        {
            "postgresql": '''insert into totals select g, count(*) from items
                             where g in (select g from staged) group by g order by g
                             on conflict (g) do update set n = excluded.n''',
            "mysql": '''insert into totals select * from (
                          select g, count(*) as n from items
                          where g in (select g from staged) group by g) as found order by g
                        on duplicate key update n = found.n''',
        },
    ]
"""


def test_h2_loads_of_a_plugin_that_looks_across_keys_are_serialised(machine, other):
    machine.plugin("items", WITH_TOTALS)
    machine.load_lines("items", put(1, "z", g="z"))
    names = [machine.put("items", put(2, "a", g="g")), machine.put("items", put(2, "b", g="g"))]
    in_turn(
        (machine, lambda: machine.load(names[0])),
        (other, lambda: other.load(names[1])),
        hold_first_at="commit",
    )
    assert rows(machine, "g, n", "totals") == [("g", 2), ("z", 1)]


def test_h2b_the_group_that_an_item_has_left_is_known_from_what_was_replaced(machine, other):
    machine.plugin("items", WITH_SUM)
    machine.load_lines("items", put(1, "a", g="old", n=5), put(1, "b", g="old", n=7))
    names = [
        machine.put("items", put(2, "a", g="new", n=6), delete(2, "b")),
        machine.put("items", put(2, "c", g="old", n=1)),
    ]
    in_turn(
        (machine, lambda: machine.load(names[0])),
        (other, lambda: other.load(names[1])),
        hold_first_at="commit",
    )
    assert rows(machine, "g, n, items", "sums") == [("new", 6, 1), ("old", 1, 1)]


def wider(machine):
    """Let the column hold every number of these tests, as its plugin says by then."""
    return machine.of_engine("alter column n type numeric", "modify n decimal(65,27)")


def test_h5_a_refused_change_that_is_retried_after_its_delete_stays_away(machine):
    machine.plugin("items", DECLARED)
    bad = put(2, "a", n="1.005")
    machine.load_lines("items", put(1, "a", v="1"))
    machine.load_lines("items", bad)
    machine.load_lines("items", delete(3, "a"))
    machine.plugin("items", DECLARED.replace("numeric(5,2)", "numeric"))
    machine.execute(f"alter table items {wider(machine)}")
    machine.load_lines("items", bad)
    assert rows(machine) == []
    assert [state for _, state, *_ in machine.quarantine()] == ["superseded"]


def test_h5_a_good_change_behind_a_refused_one_of_a_new_key_is_accounted_for(machine):
    machine.plugin("items", DECLARED)
    loaded = machine.load_lines("items", put(1, "a", v="1"), put(2, "a", n="1.005"))
    assert (loaded.applied, loaded.superseded, loaded.quarantined) == (0, 1, 1)
    assert machine.rows("select rev, gone from dynaurora.ledger_1") == [(0, False)]
    late = machine.load_lines("items", put(1, "a", v="1"))
    assert (late.applied, late.superseded) == (0, 1)
    assert rows(machine) == []


@pytest.mark.parametrize("refused_by", ["value", "database"])
def test_h5_a_refused_change_wins_when_it_is_loaded_again_and_can_be_held(machine, refused_by):
    machine.plugin("items", DECLARED)
    machine.load_lines("items", put(1, "a", v="1"))
    bad = put(2, "a", v="2", n="1.005" if refused_by == "value" else "999")
    machine.execute("alter table items add constraint few check (n < 900)")
    for attempts in (1, 2):
        loaded = machine.load_lines("items", bad)
        assert (loaded.applied, loaded.quarantined) == (0, 1)
        assert machine.rows(
            "select reason, state, attempts, rev from dynaurora.quarantine "
            "join dynaurora.ledger_1 using (k, version)"
        ) == [(refused_by, "open", attempts, 0)]
        assert rows(machine) == [("a", "1")]
    machine.execute(f"alter table items drop constraint few, {wider(machine)}")
    machine.plugin("items", DECLARED.replace("numeric(5,2)", "numeric"))
    assert machine.load_lines("items", bad).applied == 1
    assert rows(machine) == [("a", "2")]
    assert [state for _, state, *_ in machine.quarantine()] == ["retried"]
    assert machine.load_lines("items", bad).superseded == 1


def test_h5_a_delete_that_is_refused_leaves_the_row_and_wins_when_it_is_loaded_again(machine):
    machine.plugin("items", DECLARED)
    machine.load_lines("items", put(1, "a", v="1"), put(1, "b", v="1"))
    key_type, options = machine.of_engine(("text", ""), ("varchar(255)", CHARACTER_SET))
    machine.execute(
        f"create table holders (id {key_type}, foreign key (id) references items (id)) {options}"
    )
    machine.execute("insert into holders values ('a')")
    loaded = machine.load_lines("items", delete(2, "a"), delete(2, "b"))
    assert (loaded.applied, loaded.quarantined) == (1, 1)
    assert rows(machine) == [("a", "1")]
    assert machine.rows("select gone, rev from dynaurora.ledger_1 order by rev") == [
        (True, 0),
        (True, 1),
    ]
    machine.execute("delete from holders")
    assert machine.load_lines("items", delete(2, "a")).applied == 1
    assert rows(machine) == []


def test_h6_halving_arbitrates_once_and_two_loads_that_halve_do_not_deadlock(
    machine, other, capsys
):
    machine.plugin("items", DECLARED)
    machine.load_lines("items", *[put(1, f"k{n:02}", v="0") for n in range(40)])
    raising(machine, "23514")
    arbitrated = []
    for one in (machine, other):
        one.before = lambda step: arbitrated.append(1) if step.startswith(ARBITRATION) else None
    for seq in (2, 4):
        lines = [
            [put(seq + n % 2, f"k{n:02}", v="bad" if n % 9 == 0 else str(seq)) for n in range(40)],
            [
                put(seq + (n + 1) % 2, f"k{n:02}", v="bad" if n % 7 == 0 else str(seq))
                for n in reversed(range(40))
            ],
        ]
        names = [machine.put("items", *found) for found in lines]
        side_by_side(lambda: machine.load(names[0]), lambda: other.load(names[1]))  # noqa: B023
    assert len(arbitrated) == 4
    assert "a race" not in capsys.readouterr().out
    assert machine.store.keys("raw") == []


def incompressible(size):
    return "".join(chr(0x4E00 + number * 7919 % 20_000) for number in range(size))


BAD_ROWS = """
    key = "id"
    columns = {"id": "text", "v": "text"}
    create_table_queries = [
        "create table if not exists items (id text primary key, v text not null unique)",
        '''create or replace function deep(n int) returns int language plpgsql as
           $$ begin return deep(n + 1); end $$''',
        '''create or replace function raised() returns text language plpgsql as
           $$ begin raise exception 'no'; end $$''',
        '''create or replace view viewed as select * from items where v <> 'viewed'
           with check option''',
    ]
    insert_table_queries = [
        '''insert into viewed
           select id, case v when 'deep' then deep(0)::text when 'raised' then raised()
             when 'divided' then (1 / (length(v) - 7))::text when 'nulled' then null
             else v end
           from staged on conflict (id) do update set v = excluded.v''',
    ]
"""

BAD_ROWS_OF_MYSQL = """
    key = "id"
    columns = {"id": "text", "v": "text", "n": "numeric"}
    create_table_queries = [
        "create table if not exists others (v varchar(20) primary key)",
        "insert into others values ('good'), ('taken') on duplicate key update v = others.v",
        '''create table if not exists items (
             id varchar(99) primary key, v varchar(20) not null unique,
             d date, j json, small tinyint, c int check (c <> 7),
             f varchar(20), foreign key (f) references others (v))''',
    ]
    insert_table_queries = [
        '''insert into items select * from (
             select id, case v when 'nulled' then null else v end as v,
               case v when 'dated' then '2026-02-30' end as d,
               case v when 'listed' then '{' end as j,
               case v when 'large' then 1000 when 'divided' then 1 / (length(v) - 7)
                 when 'spelt' then v when 'negative' then cast(1 as unsigned) - 2 end as small,
               case v when 'checked' then 7 end as c,
               case v when 'orphan' then v end as f
             from staged) as n''',
    ]
"""
"""A plain insert: where a row may take another's place, 1062 is what no key but the first says."""


@pytest.mark.engines("postgresql")
@pytest.mark.parametrize(
    ("code", "line_of_it"),
    [
        ("54000", put(2, incompressible(2_000), v="x")),
        ("54001", put(2, "b", v="deep")),
        ("P0001", put(2, "b", v="raised")),
        ("44000", put(2, "b", v="viewed")),
        ("22012", put(2, "b", v="divided")),
        ("23505", put(2, "b", v="taken")),
        ("23502", put(2, "b", v="nulled")),
    ],
)
def test_h7_what_a_bad_row_looks_like(machine, code, line_of_it):
    assert refused_alone(machine, BAD_ROWS, line_of_it) == code


@pytest.mark.engines("mysql")
@pytest.mark.parametrize(
    ("codes", "word"),
    [
        ("1048", "nulled"),
        ("1062", "taken"),
        ("1264", "large"),
        ("1292", "dated"),
        ("1365", "divided"),
        ("1366", "spelt"),
        ("1406", "longer than its column is"),
        ("1452", "orphan"),
        ("1690", "negative"),
        ("4025 3819", "checked"),
        ("4025 4037 3140", "listed"),
    ],
)
def test_h7_what_a_bad_row_looks_like_on_mysql(machine, codes, word):
    assert refused_alone(machine, BAD_ROWS_OF_MYSQL, put(2, "b", v=word)) in codes.split()


def refused_alone(machine, plugin, line_of_it):
    """Load the line beside a good one, which alone is applied; the code that the quarantine has."""
    machine.plugin("items", plugin)
    machine.load_lines("items", put(1, "z", v="taken"))
    loaded = machine.load_lines("items", put(2, "a", v="good"), line_of_it)
    assert (loaded.applied, loaded.quarantined) == (1, 1)
    ((_, state, reason, _, found, kept),) = machine.quarantine()
    assert (state, reason, kept) == ("open", "database", line_of_it)
    assert rows(machine) == [("a", "good"), ("z", "taken")]
    return found


@pytest.mark.engines("postgresql")  # MySQL takes them, in silence: docs/mysql.md
def test_h7_two_items_for_one_row_are_the_plugin_s_fault_and_are_not_halved(machine):
    machine.plugin(
        "items",
        """
        key = "id"
        columns = {"id": "text", "v": "text"}
        create_table_queries = ["create table if not exists items (v text primary key)"]
        insert_table_queries = [
            "insert into items select v from staged on conflict (v) do update set v = excluded.v",
        ]
        """,
    )
    name = machine.put("items", put(1, "a", v="1"), put(2, "b", v="1"), put(3, "c", v="2"))
    assert machine.load(name).waiting == {name}
    parked_for, reason = machine.state("items")
    assert parked_for == "plugin"
    assert "21000" in reason
    assert machine.quarantine() == []
    assert machine.rows("select count(*) from items") == [(0,)]


@pytest.mark.parametrize(
    "statement",
    [
        "insert into nowhere select id from staged",
        "insert into items (id, v) select id from staged",
        "insert into items (id, v) select id, nothing from staged",
    ],
)
def test_h7_a_plugin_s_fault_parks_the_table(machine, statement):
    machine.plugin("items", f'{DECLARED}\n    insert_table_queries = [items, "{statement}"]')
    name = machine.put("items", put(1, "a", v="1"))
    assert machine.load(name).waiting == {name}
    assert machine.state("items")[0] == "plugin"
    assert rows(machine) == []


def test_h8_a_plugin_that_refuses_more_than_the_budget_parks_and_all_is_rolled_back(machine):
    machine.plugin("items", DECLARED)
    machine.load_lines("items", put(1, "z", v="z"))
    raising(machine, "P0001")
    lines = [put(2, f"k{n}", v="bad" if n < 101 else "good") for n in range(300)]
    name = machine.put("items", *lines)
    assert machine.load(name).waiting == {name}
    parked_for, reason = machine.state("items")
    assert parked_for == "plugin"
    assert "at most 100 or 1 %" in reason
    assert rows(machine) == [("z", "z")]
    assert machine.quarantine() == []
    assert machine.rows("select count(*) from dynaurora.ledger_1") == [(1,)]
    assert machine.rows("select count(*) from dynaurora.objects") == [(1,)]
    assert machine.store.keys("raw") == [name.key]


def test_h8_as_many_as_the_budget_are_quarantined(machine):
    machine.plugin("items", DECLARED)
    machine.load_lines("items", put(1, "z", v="z"))
    raising(machine, "P0001")
    lines = [put(2, f"k{n}", v="bad" if n < 50 else "v", n="1.005") for n in range(50)]
    lines += [put(2, f"m{n}", v="bad") for n in range(50)]
    loaded = machine.load_lines("items", *lines, put(2, "a", v="good"))
    assert (loaded.applied, loaded.quarantined) == (1, 100)


@pytest.mark.parametrize(("refused", "parked_for"), [(110, ""), (111, "plugin")])
def test_h8_a_large_load_has_a_budget_of_1_percent_values_count_too(machine, refused, parked_for):
    machine.plugin("items", DECLARED)
    lines = [put(1, f"k{n}", v="v", n="1.005" if n < refused else "1") for n in range(11_000)]
    machine.load(machine.put("items", *lines))
    assert machine.state("items")[0] == parked_for


def test_h9_an_item_that_changes_its_kind_leaves_the_table_of_the_old_one(machine):
    machine.plugin(
        "items",
        """
        from dynaurora import rows

        key = "id"
        columns = {
            "id": "text",
            "orders": rows("$", {"total": "numeric(12,2)"}, when={"kind": "order"}),
            "users": rows("$", {"name": ("text", "total")}, when={"kind": ("user", "admin*")}),
        }
        create_table_queries = [
            "create table if not exists orders (id varchar(99) primary key, total numeric(12,2))",
            "create table if not exists users (id varchar(99) primary key, name text)",
        ]
        insert_table_queries = [
            statement
            for table, column in (("orders", "total"), ("users", "name"))
            for statement in (
                {
                    "postgresql": f'''delete from {table} as t using staged as s
                        where t.id = s.id and not exists (
                          select from staged_{table} as n where n._key = s._key)''',
                    "mysql": f'''delete t from {table} as t join staged as s on t.id = s.id
                        left join staged_{table} as n on n._key = s._key
                        where n._key is null''',
                },
                {
                    "postgresql": f'''insert into {table} select id, {column}
                        from staged_{table}
                        on conflict (id) do update set {column} = excluded.{column}''',
                    "mysql": f'''insert into {table} select * from (
                          select id, {column} from staged_{table}) as n
                        on duplicate key update {column} = n.{column}''',
                },
            )
        ]
        """,
    )
    machine.load_lines(
        "items",
        put(1, "a", kind="order", total="1"),
        put(1, "b", kind="user", total="n/a"),
        put(1, "c", kind="administrator", total="n/a"),
        put(1, "d", kind="other", total="n/a"),
    )
    assert rows(machine, "id, total", "orders") == [("a", 1)]
    assert rows(machine, "id, name", "users") == [("b", "n/a"), ("c", "n/a")]
    machine.load_lines("items", put(2, "a", total="x"), put(2, "b", kind="order", total="2"))
    assert rows(machine, "id, total", "orders") == [("b", 2)]
    assert rows(machine, "id, name", "users") == [("c", "n/a")]
    assert machine.quarantine() == []


@pytest.mark.parametrize("foreign", [{"table": "others"}, {"stream": stream_arn("others")}])
def test_h11_a_line_of_another_table_is_quarantined_and_its_neighbours_load(machine, foreign):
    machine.plugin("items", DECLARED)
    machine.plugin("others", DECLARED.replace("items", "others"))
    bad = changed(put(2, "b", v="1"), **foreign)
    loaded = machine.load_lines("items", put(1, "a", v="1"), bad, put(3, "c", v="1"))
    assert (loaded.applied, loaded.unreadable) == (2, 1)
    ((table, _, reason, message, _, kept),) = machine.quarantine()
    assert (table, reason, kept) == ("items", "unreadable", bad)
    assert '"others"' in message


def test_h14_the_history_has_what_lost_too(machine):
    machine.plugin("items", WITH_HISTORY)
    machine.load_lines("items", put(1, "a", v="1"), put(2, "a", v="2"))
    machine.load_lines("items", put(4, "a", v="4"))
    late = machine.load_lines("items", put(3, "a", v="3"))
    assert (late.applied, late.superseded) == (0, 1)
    found = machine.rows("select v from versions order by _version")
    assert found == [("1",), ("2",), ("3",), ("4",)]
    assert rows(machine) == [("a", "4")]


def test_h14_the_history_is_made_once_however_often_its_changes_come(machine):
    machine.plugin("items", WITH_HISTORY)
    lines = [put(1, "a", v="1"), put(1, "a", v="1"), delete(2, "a"), put(3, "a", v="3")]
    for _ in range(2):
        machine.load_lines("items", *lines, *reversed(lines))
    assert machine.rows("select v, deleted, expired from versions order by _version") == [
        ("1", False, False),
        (None, True, False),
        ("3", False, False),
    ]


@pytest.mark.parametrize("number", ["1.005", "1E-130", "1000", "-0.001", "1E+125"])
def test_h15_a_value_that_would_be_rounded_never_reaches_the_database(machine, number):
    machine.plugin("items", DECLARED)
    loaded = machine.load_lines("items", put(1, "a", v="1", n=number), put(1, "b", n="999.99"))
    assert (loaded.applied, loaded.quarantined) == (1, 1)
    assert rows(machine, "id, n") == [("b", Decimal("999.99"))]


def test_h18_loads_of_the_same_keys_in_other_orders_do_not_deadlock(machine, other, capsys):
    machine.plugin("items", WITH_ROWS)
    machine.load_lines("items", *[put(1, f"k{n:02}", tags=["x"]) for n in range(60)])
    for seq in range(2, 8):
        lines = [put(seq, f"k{n:02}", v=str(seq), tags=["x", str(seq)]) for n in range(60)]
        names = [machine.put("items", *lines), machine.put("items", *reversed(lines))]
        side_by_side(lambda: machine.load(names[0]), lambda: other.load(names[1]))  # noqa: B023
    assert "a race" not in capsys.readouterr().out
    assert machine.rows("select count(*), min(v), max(v) from items") == [(60, "7", "7")]
    assert machine.rows("select count(*) from items_tags") == [(120,)]


@pytest.mark.parametrize("code", ["40001", "40P01", "55P03"])
def test_a_race_is_tried_up_to_five_times_and_then_fails_the_delivery(machine, other, code, capsys):
    machine.plugin("items", DECLARED)
    machine.load_lines("items", put(1, "a", v="1"))
    raising(machine, code, word="2")
    tries = []

    def count(step):
        if step.startswith("insert into items"):
            tries.append(step)
            if len(tries) == 10:
                refusing_no_more(other)

    machine.before = count
    name = machine.put("items", put(2, "a", v="2"))
    assert machine.load(name).failed == {name}
    assert len(tries) == 5
    machine.load(name)
    assert len(tries) == 10
    assert rows(machine) == [("a", "2")]
    assert capsys.readouterr().out.count('"message":"a race') == 8
    assert machine.state("items") == ("", "")


BRIEFLY = "set innodb_lock_wait_timeout = 1"
"""No wait of MySQL is shorter."""


def test_a_lock_that_is_held_too_long_is_a_race(machine, other):
    machine.plugin("items", DECLARED)
    machine.load_lines("items", put(1, "a", v="1"))
    name = machine.put("items", put(2, "a", v="2"))
    machine.execute(machine.of_engine("set lock_timeout = '5ms'", BRIEFLY))
    with other.database.session() as engine, engine.connection.transaction():
        engine.connection.execute("select 1 from items for update")
        assert machine.load(name).failed == {name}
    assert machine.load(name).failed == set()
    assert rows(machine) == [("a", "2")]


def test_a_database_that_is_killed_in_the_middle_keeps_what_was_committed(tmp_path, own_server):
    machine = LoadMachine(own_server.url, tmp_path)
    machine.plugin("items", WITH_SUM)
    machine.load_lines("items", put(1, "a", g="g", n=1))
    for seq, step in enumerate(("copy staged", "insert into sums", "commit"), start=2):
        name = machine.put("items", put(seq, "a", g="g", n=seq), put(seq, f"k{seq}", g="g", n=1))

        def kill(found, step=step):
            if found.startswith(step):
                machine.before = lambda _: None
                own_server.kill()

        machine.before = kill
        with pytest.raises(DatabaseAway):
            machine.load(name)
        with pytest.raises(DatabaseAway):
            machine.load(name)
        assert machine.store.keys("raw") == [name.key]
        own_server.start()
        assert machine.load(name).loaded["items"].applied == 2
        assert rows(machine, "g, n, items", "sums") == [("g", seq + seq - 1, seq)]
    machine.after = lambda step: own_server.kill() if step == "commit" else None
    name = machine.put("items", put(9, "a", g="g", n=9))
    machine.load(name)
    machine.after = lambda _: None
    own_server.start()
    assert rows(machine, "g, n, items", "sums") == [("g", 12, 4)]
    machine.database.close()


def test_what_is_put_again_behind_its_neighbours_does_not_flip_the_order_of_a_key(machine):
    machine.plugin("items", DECLARED)
    machine.load_lines("items", put(2, "a", v="2"), put(3, "b", v="3"))
    machine.load_lines("items", put(1, "a", v="1"), put(1, "b", v="1"))
    assert rows(machine) == [("a", "2"), ("b", "3")]


def test_a_put_and_its_delete_in_one_load_leave_nothing(machine):
    machine.plugin("items", DECLARED)
    machine.load_lines("items", put(1, "a", v="1"), delete(2, "a"), delete(1, "b"), put(2, "b"))
    assert machine.rows("select id from items") == [("b",)]


def test_an_insert_of_an_existing_key_is_the_newest_state(machine):
    machine.plugin("items", DECLARED)
    machine.load_lines("items", put(1, "a", v="1"))
    machine.load_lines("items", put(3, "a", v="3", fields={"op": "INSERT"}))
    assert rows(machine) == [("a", "3")]


def test_an_attribute_that_is_gone_becomes_null(machine):
    machine.plugin("items", WITH_ROWS)
    machine.load_lines("items", put(1, "a", v="1", tags=["x", "y"]))
    machine.load_lines("items", put(2, "a"))
    assert rows(machine) == [("a", None)]
    assert machine.rows("select count(*) from items_tags") == [(0,)]


def test_keys_that_differ_in_the_38th_digit_are_two_keys(machine):
    machine.plugin(
        "items",
        """
        from dynaurora import Table
        items = Table(key="n", columns={"n": "numeric", "v": "text"})
        """,
    )
    numbers = ["1" * 37 + "1", "1" * 37 + "2", "-" + "1" * 38]
    numbers += machine.of_engine(["1E-130", "2E-130"], ["1E-27", "2E-27"])  # as small as it can be
    lines = [line("items", 1, {"n": {"N": n}}, {"v": {"S": n}}) for n in numbers]
    machine.load_lines("items", *lines)
    assert sorted(v for _, v in machine.rows("select n, v from items")) == sorted(numbers)
    assert all(Decimal(v) == n for n, v in machine.rows("select n, v from items"))
    machine.load_lines("items", line("items", 2, {"n": {"N": numbers[0]}}))
    assert machine.rows("select count(*) from items") == [(4,)]


def values(machine, found):
    """The values of an array, which is JSON in MySQL."""
    return found if machine.engine == "postgresql" else json.loads(found, parse_float=Decimal)


@pytest.mark.parametrize(
    "number",
    ["-" + "9" * 38, "0", "-0", "1E+125", "9.9999999999999999999999999999999999999E+125", "1E-130"],
)
def test_numbers_arrive_exactly(machine, number):
    machine.plugin(
        "items",
        """
        from dynaurora import Table
        items = Table(key="id", columns={"id": "text", "n": "numeric", "doc": ("json", "n"),
                                         "all": ("numeric[]", "s")})
        """,
    )
    line_of_it = put(1, "a", n={"N": number}, s={"NS": [number, "7"]})
    loaded = machine.load_lines("items", line_of_it)
    if machine.engine == "mysql" and "E" in number:  # no decimal of MySQL holds it
        assert (loaded.applied, [text for *_, text in machine.quarantine()]) == (0, [line_of_it])
        return
    ((found, doc, several),) = machine.rows(f"select n, doc, {machine.quoted('all')} from items")
    assert found == Decimal(number)
    assert Decimal(doc) == Decimal(number)
    assert sorted(values(machine, several)) == sorted([Decimal(number), Decimal(7)])


def test_binary_and_sets_arrive_exactly(machine):
    machine.plugin(
        "items",
        """
        from dynaurora import Table
        items = Table(key="id", columns={"id": "text", "b": "bytes", "bs": "bytes[]",
                                         "ss": "text[]", "ns": "numeric[]"})
        """,
    )
    words = ['"', "\\", "{}", ",", "NULL", "", " ", "\n", "\t\\N", "é", "\x7f"]
    machine.load_lines(
        "items",
        put(
            1,
            "a",
            b={"B": "AP8K"},
            bs={"BS": ["/w==", "AAE="]},
            ss={"SS": words},
            ns={"NS": ["2", "10"]},
        ),
    )
    ((b, *sets),) = machine.rows("select b, bs, ss, ns from items")
    assert b == b"\x00\xff\n"
    blobs = machine.of_engine([b"\x00\x01", b"\xff"], ["0001", "ff"])
    assert [values(machine, each) for each in sets] == [blobs, sorted(words), [2, 10]]


def test_the_sort_key_tells_items_apart(machine):
    machine.plugin(
        "items",
        """
        from dynaurora import Table
        items = Table(key=("p", "s"), columns={"p": "text", "s": "text", "v": "text"})
        """,
    )
    keys = [("ab", "c"), ("a", "bc"), ("a", "b"), ("b", "a")]
    machine.load_lines(
        "items",
        *[line("items", 1, {"s": {"S": s}, "p": {"S": p}}, {"v": {"S": p + s}}) for p, s in keys],
    )
    assert rows(machine, "p, s, v") == sorted((p, s, p + s) for p, s in keys)
    machine.load_lines("items", line("items", 2, {"p": {"S": "a"}, "s": {"S": "b"}}))
    assert machine.rows("select count(*) from items") == [(3,)]


def test_a_key_of_numbers_and_binary_is_a_key(machine):
    machine.plugin(
        "items",
        """
        from dynaurora import Table
        items = Table(key=("n", "b"), columns={"n": "numeric", "b": "bytes"})
        """,
    )
    key = {"n": {"N": "-1.50"}, "b": {"B": "AP8="}}
    machine.load_lines("items", line("items", 1, key, {}))
    assert machine.rows("select n, b from items") == [(Decimal("-1.5"), b"\x00\xff")]
    machine.load_lines("items", line("items", 2, key | {"n": {"N": "-1.5"}}))
    assert machine.rows("select count(*) from items") == [(0,)]


def test_reserved_and_odd_names_are_quoted(machine):
    long = "n" * 63
    names = ["select", "a-b", "Id", "id2", 'quo"te', "é", "with space", "staged", long]
    columns = ", ".join(f"{name!r}: 'text'" for name in names)
    machine.plugin(
        "Items.of-user",
        f"from dynaurora import Table\nt = Table('user', key='Id', columns={{{columns}}})\n",
    )
    values = {name: {"S": name} for name in names}
    key = {"Id": values.pop("Id")}
    loaded = machine.load_lines("Items.of-user", line("Items.of-user", 1, key, values))
    assert loaded.applied == 1
    (found,) = machine.rows(f"select * from {machine.quoted('user')}")
    assert sorted(found) == sorted(names)


def test_control_characters_arrive_and_u_0000_is_quarantined(machine):
    machine.plugin("items", DECLARED.replace('"n": "numeric(5,2)"', '"doc": ("json", "v")'))
    text = "".join(map(chr, range(1, 0x20))) + "\x7f\x85\u2028\\N\\.\\x00\ufeff\U0001f600"
    lines = [put(1, "d", v="x\ud800"), put(1, "b", v="x\0"), put(1, "c\0")]
    refused = machine.of_engine(lines, lines[:1])  # MySQL holds U+0000
    loaded = machine.load_lines("items", put(1, "a", v=text), *lines)
    assert (loaded.applied, loaded.quarantined) == (4 - len(refused), len(refused))
    assert sorted(line for *_, line in machine.quarantine()) == sorted(refused)
    doc = machine.of_engine(text, json.dumps(text, ensure_ascii=False))
    assert machine.rows("select v, doc from items where id = 'a'") == [(text, doc)]


def test_a_warm_worker_repeats_nothing(machine):
    machine.plugin("items", WITH_SUM)
    for n in range(1, 6):
        loaded = machine.load_lines("items", put(n, f"k{n}", g="g", n=1))
        assert (loaded.lines, loaded.applied) == (1, 1)
    assert rows(machine, "g, n, items", "sums") == [("g", 5, 5)]


def test_a_load_leaves_alone_what_it_does_not_name(machine):
    machine.plugin("items", DECLARED)
    machine.load_lines("items", put(1, "a", v="1"), put(1, "b", v="1"))
    machine.execute("create table mine (v text)")
    machine.execute("insert into mine values ('kept')")
    machine.load_lines("items", put(2, "b", v="2"))
    assert rows(machine) == [("a", "1"), ("b", "2")]
    assert machine.rows("select v from mine") == [("kept",)]


def test_a_table_of_somebody_else_s_under_a_relation_s_name_is_left_alone(machine):
    for name in ("staged", "removed", "changes", "_won", "_part", "_refused", "_all_staged"):
        machine.execute(f"create table {name} (v text)")
    machine.plugin("items", WITH_HISTORY)
    machine.load_lines("items", put(1, "a", v="1"))
    machine.execute("alter table items add check (v <> 'bad')")
    loaded = machine.load_lines(
        "items", put(2, "b", v="bad"), put(3, "c", n="1.005"), delete(9, "a")
    )
    assert (loaded.applied, loaded.quarantined) == (1, 2)
    for name in ("staged", "removed", "changes", "_won", "_part", "_refused", "_all_staged"):
        assert machine.rows(f"select count(*) from {name}") == [(0,)]


def test_a_worker_that_says_nothing_more_does_not_hold_its_locks_for_ever(machine, other):
    machine.plugin("items", WITH_SUM)
    machine.load_lines("items", put(1, "a", g="g", n=1))
    look, is_as_long, briefly = machine.of_engine(
        ("show idle_in_transaction_session_timeout", "1min", "20ms"),
        ("select @@wait_timeout", 60, 1),
    )
    assert machine.rows(look) == [(is_as_long,)]
    setting = machine.of_engine("idle_in_transaction_session_timeout", "wait_timeout")
    machine.execute(f"set {setting} = {briefly!r}")
    frozen = machine.put("items", put(2, "a", g="g", n=2))
    name = machine.put("items", put(3, "a", g="g", n=3))

    def load_frozen():
        with pytest.raises(DatabaseAway):
            machine.load(frozen)

    _, found = in_turn(
        (machine, load_frozen),
        (other, lambda: other.load(name)),
        hold_first_at="commit",
        is_blocked=False,
    )
    assert found.failed == set()
    assert machine.load(frozen).loaded["items"].superseded == 1
    assert rows(machine, "g, n, items", "sums") == [("g", 3, 1)]


def test_lines_that_cannot_be_read_do_not_deadlock_in_any_order(machine, other, capsys):
    machine.plugin("items", DECLARED)
    machine.load_lines("items", put(1, "a", v="1"))
    for turn in range(6):
        junk = [b"junk %d of turn %d" % (number, turn) for number in range(60)]
        names = [machine.put("items", *junk), machine.put("items", *reversed(junk))]
        side_by_side(lambda: machine.load(names[0]), lambda: other.load(names[1]))  # noqa: B023
    assert "a race" not in capsys.readouterr().out
    assert machine.rows(
        "select count(*), min(attempts), max(attempts) from dynaurora.quarantine"
    ) == [(360, 2, 2)]
