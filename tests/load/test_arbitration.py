"""docs/arbitration.md, section 2, sentence by sentence: 2.1 to 2.5 and 2.9.

What stands elsewhere: the crashes of 2.9 in test_intake, the histories behind the rules in
test_histories, whole random histories in test_simulation.
"""

import json
import threading

import pytest

from dynaurora.errors import (
    DatabaseAway,
    DatabaseUnknown,
    LoadRace,
    RowRefused,
    StatementRefused,
)
from dynaurora.etl import load, stage
from dynaurora.metadata import Metadata
from dynaurora.model.keys import key_of
from dynaurora.plugins.folder import PluginFolder
from dynaurora.plugins.statements import dialect_of
from dynaurora.sql import mysql_errors, postgresql
from support.items import DECLARED, WITH_HISTORY, WITH_ROWS, WITH_SUM, delete, put
from support.load import (
    ARBITRATION,
    LABEL,
    LOCK,
    PATIENCE_S,
    changed,
    line,
    side_by_side,
    stream_arn,
)
from support.sql import codes

pytestmark = pytest.mark.each_engine

LABEL_MS = 1_767_225_600_000
"""of ``LABEL``"""


def ledger(machine):
    """Its rows; at in seconds since 1970."""
    key_bytes = dialect_of(machine.engine).key_bytes
    return [
        (key_bytes(k), version, rev, gone, fix, at.timestamp())
        for k, version, rev, gone, fix, at in machine.rows(
            "select k, version, rev, gone, fix, at from dynaurora.ledger_1"
        )
    ]


def rows(machine):
    return machine.rows("select id, v from items order by id")


def key_of_item(item_id):
    return key_of({"id": {"S": item_id}})


def steps_of(machine, *names):
    """Every step of loading these objects, in order."""
    found = []
    machine.before = found.append
    machine.load(*names)
    machine.before = lambda _: None
    return found


def position(steps, beginning):
    """Where the one step that begins so stands."""
    (found,) = [number for number, step in enumerate(steps) if step.startswith(beginning)]
    return found


@pytest.fixture
def other(machine):
    with machine.twin() as found:
        yield found


# 2.1 Version


def test_a_version_is_epoch_label_and_sequence_number(machine):
    machine.plugin("items", DECLARED)
    machine.load_lines("items", put(123, "a", v="1"))
    ((_, version, *_),) = ledger(machine)
    assert int(version) == int(f"{0:03}{LABEL_MS:014}{123:040}")


def test_versions_compare_as_numbers(machine):
    machine.plugin("items", DECLARED)
    for seq in (9 * 10**20, 10**21, 9 * 10**20 + 1, 10**39, 2 * 10**21):
        machine.load_lines("items", put(seq, "a", v=str(seq)))
    assert rows(machine) == [("a", str(10**39))]


def test_a_newer_label_is_above_every_sequence_number_of_an_older_one(machine):
    machine.plugin("items", DECLARED)
    machine.load_lines("items", put(10**40 - 1, "a", v="old"))
    newer = {"stream": stream_arn("items", "2026-01-01T00:00:00.001")}
    machine.load_lines("items", put(1, "a", v="new", fields=newer))
    assert rows(machine) == [("a", "new")]


@pytest.mark.parametrize(
    "fields",
    [
        {"seq": "1" * 41},
        {"seq": "-1"},
        {"seq": ""},
        {"seq": "1e3"},
        {"seq": "\u0661"},
        {"stream": stream_arn("items", "yesterday")},
        {"stream": stream_arn("items", "2026-13-01T00:00:00.000")},
        {"stream": stream_arn("items", "9999-01-01T00:00:00.000")},
        {"stream": "arn:aws:dynamodb:eu-west-1:111122223333:table/items"},
    ],
)
def test_a_sequence_number_over_40_digits_or_a_label_that_cannot_be_parsed_is_refused(
    machine, fields
):
    machine.plugin("items", DECLARED)
    bad = changed(put(1, "a", v="bad"), **fields)
    loaded = machine.load_lines("items", bad, put(2, "b", v="1"))
    assert (loaded.applied, loaded.unreadable) == (1, 1)
    assert [text for *_, text in machine.quarantine()] == [bad]
    assert machine.state("items") == ("", "")


def test_a_trailing_z_of_a_label_is_accepted(machine):
    machine.plugin("items", DECLARED)
    with_z = {"stream": stream_arn("items", f"{LABEL}Z")}
    machine.load_lines("items", put(2, "a", v="1", fields=with_z))
    ((_, version, *_),) = ledger(machine)
    assert int(version) == int(f"{LABEL_MS:014}{2:040}")


def test_the_epoch_of_a_stream_is_above_its_label(machine):
    """Epochs are given by an operator, in the registry; the load takes them from there."""
    machine.plugin("items", DECLARED)
    machine.load_lines("items", put(10**30, "a", v="first"))
    older = stream_arn("items", "2025-01-01T00:00:00.000")
    machine.execute(
        "insert into dynaurora.streams (arn, table_number, label_ms, epoch) "
        f"values ('{older}', 1, 1735689600000, 1)"
    )
    machine.load_lines("items", put(1, "a", v="second", fields={"stream": older}))
    machine.load_lines("items", put(10**31, "a", v="third"))
    assert rows(machine) == [("a", "second")]


# 2.2 Key


def test_a_key_is_16_bytes_of_blake2b_in_the_ledger(machine):
    machine.plugin("items", DECLARED)
    machine.load_lines("items", put(1, "a", v="1"))
    assert [k for k, *_ in ledger(machine)] == [key_of_item("a")]


def test_1_and_1_0_and_1e0_are_one_key(machine):
    machine.plugin(
        "items",
        """
        from dynaurora import Table
        items = Table(key="id", columns={"id": "numeric", "v": "text"})
        """,
    )
    for seq, text in enumerate(("1", "1.0", "1E0", "+1", "0.1e1"), 1):
        machine.load_lines("items", line("items", seq, {"id": {"N": text}}, {"v": {"S": text}}))
    assert machine.rows("select id, v from items") == [(1, "0.1e1")]


# 2.3 Ledger row


def test_a_ledger_row_has_the_newest_version_decided_rev_gone_fix_and_at(machine):
    machine.plugin("items", DECLARED)
    machine.load_lines("items", put(5, "a", v="5", fields={"at": 1_700_000_005}))
    machine.load_lines("items", put(4, "a", v="4", fields={"at": 1_700_000_009}))
    prefix = int(f"{LABEL_MS:014}{0:040}")
    key = key_of_item("a")
    assert ledger(machine) == [(key, prefix + 5, 1, False, 0, 1_700_000_005)]
    machine.load_lines("items", put(6, "a", n="1.005", fields={"at": 1_700_000_001}))
    assert ledger(machine) == [(key, prefix + 6, 0, False, 0, 1_700_000_001)]
    machine.load_lines("items", delete(7, "a", at=1_700_000_002))
    assert ledger(machine) == [(key, prefix + 7, 1, True, 0, 1_700_000_002)]


def test_at_is_never_used_for_order(machine):
    machine.plugin("items", DECLARED)
    machine.load_lines("items", put(1, "a", v="1", fields={"at": 1_900_000_000}))
    machine.load_lines("items", put(2, "a", v="2", fields={"at": 1_000_000_000}))
    assert rows(machine) == [("a", "2")]


# 2.4 A load


SETTINGS = {
    "postgresql": (
        [
            "alter database {} set default_transaction_isolation = serializable",
            "alter database {} set synchronous_commit = off",
            "alter database {} set timezone = 'Asia/Tokyo'",
            "alter database {} set default_transaction_deferrable = on",
        ],
        (
            "select current_setting('transaction_isolation'), "
            "current_setting('synchronous_commit'), current_setting('timezone')"
        ),
        ("read committed", "on", "UTC"),
    ),
    "mysql": (
        [
            "set global transaction isolation level serializable",
            "set global time_zone = '+09:00'",
            "set global sql_mode = ''",
        ],
        (
            "select trx_isolation_level, @@time_zone, @@sql_mode like '%STRICT_ALL_TABLES%' "
            "from information_schema.innodb_trx where trx_mysql_thread_id = connection_id()"
        ),
        ("READ COMMITTED", "+00:00", 1),
    ),
}
"""What somebody has set otherwise, what to look at, and what it has to be."""


def test_a_load_is_one_read_committed_transaction_with_synchronous_commit(machine):
    otherwise, look_at, expected = SETTINGS[machine.engine]
    machine.plugin("items", DECLARED)
    seen = []

    def look(step):
        if step == "commit":
            seen.extend(machine.database._connection.fetch(look_at))

    machine.before = look
    before = machine.rows("select @@global.sql_mode") if machine.engine == "mysql" else []
    try:
        for statement in otherwise:
            machine.execute(statement.format(machine.database_name))
        machine.database.close()
        machine.load_lines("items", put(1, "a", v="1"))
    finally:
        for ((mode,),) in filter(None, [before]):
            machine.execute("set global transaction isolation level repeatable read")
            machine.execute("set global time_zone = '+00:00'")
            machine.execute(f"set global sql_mode = '{mode}'")
    assert seen == [expected]


def test_tables_are_loaded_in_name_order(machine):
    for table in ("zzz", "items", "aaa"):
        machine.plugin(table, DECLARED.replace("items", table))
    names = [machine.put(t, line(t, 1, {"id": {"S": "a"}}, {})) for t in ("zzz", "items", "aaa")]
    assert list(machine.load(*names).loaded) == ["aaa", "items", "zzz"]


def test_objects_are_noted_in_name_order_before_anything_else(machine):
    machine.plugin("items", DECLARED)
    machine.load_lines("items", put(1, "z", v="1"))
    names = [machine.put("items", put(2, f"k{n}", v="1"), key=f"items/{n}") for n in (2, 3, 1)]
    with machine.database.session() as engine:
        metadata = Metadata(engine.connection, engine.queries)
        registration = metadata.registration("items")
        plugin = PluginFolder(machine.folder, machine.engine).plugin("items")
        acceptance = metadata.streams(registration).acceptance()
        objects = [machine.store.read(name) for name in names]
        load(
            engine, registration, stage(plugin, engine.dialect, acceptance, objects), lambda _: None
        )
    written = machine.of_engine("ctid", "loaded_at")
    noted = f"select object from dynaurora.objects where object like 'items/_' order by {written}"
    assert machine.rows(noted) == [("items/1",), ("items/2",), ("items/3",)]


def test_a_load_stages_before_it_takes_the_table_s_lock_and_arbitrates_under_it(machine):
    machine.plugin("items", DECLARED)
    machine.load_lines("items", put(1, "z", v="1"))
    steps = steps_of(machine, machine.put("items", put(2, "a", v="1")))
    order = [
        position(steps, "insert into dynaurora.objects"),
        position(steps, "copy staged"),
        position(steps, LOCK),
        position(steps, "select generation"),
        position(steps, ARBITRATION),
        position(steps, "insert into items"),
        position(steps, machine.of_engine("set constraints all immediate", "release savepoint")),
        position(steps, "commit"),
        steps.index("archive"),
        steps.index("delete"),
    ]
    assert order == sorted(order)


@pytest.mark.parametrize(("plugin", "kind"), [(DECLARED, "shared"), (WITH_HISTORY, "exclusive")])
def test_the_lock_is_shared_if_the_plugin_is_row_wise_else_exclusive(machine, other, plugin, kind):
    machine.plugin("items", plugin)
    machine.load_lines("items", put(1, "a", v="1"))
    names = [machine.put("items", put(2, "b", v="1")), machine.put("items", put(2, "c", v="1"))]
    held, done = threading.Event(), threading.Event()

    def hold(step):
        if step == "commit":
            held.set()
            assert done.wait(PATIENCE_S)

    def late():
        assert held.wait(PATIENCE_S)
        other.load(names[1])
        done.set()

    def look():
        if kind == "exclusive":
            assert held.wait(PATIENCE_S)
            other.wait_until_blocked()
            done.set()

    machine.before = hold
    side_by_side(lambda: machine.load(names[0]), late, look)
    assert len(rows(machine)) == 3


def test_copying_is_done_beside_other_loads_also_of_a_plugin_that_is_not_row_wise(machine, other):
    machine.plugin("items", WITH_HISTORY)
    machine.load_lines("items", put(1, "z", v="1"))
    copied, go_on = threading.Event(), threading.Event()
    names = [machine.put("items", put(2, "a", v="1")), machine.put("items", put(2, "b", v="1"))]

    def hold(step):
        if step == "commit":
            assert copied.wait(PATIENCE_S)

    def tell(step):
        if step.startswith(LOCK):
            copied.set()

    machine.before, other.before = hold, tell
    side_by_side(lambda: machine.load(names[0]), lambda: other.load(names[1]))
    go_on.set()
    assert len(rows(machine)) == 3


def test_a_wrong_generation_fails_the_load(machine):
    machine.plugin("items", DECLARED)
    machine.load_lines("items", put(1, "a", v="1"))
    raised = []

    def rise(step):
        if step.startswith(LOCK):
            raised.append(step)
            with machine.twin() as found:
                found.execute("update dynaurora.tables set generation = generation + 1")

    machine.before = rise
    name = machine.put("items", put(2, "a", v="2"))
    assert machine.load(name).failed == {name}
    assert len(raised) == 5
    assert rows(machine) == [("a", "1")]
    machine.before = lambda _: None
    machine.load(name)
    assert rows(machine) == [("a", "2")]


def test_per_key_the_line_with_the_largest_version_is_kept_and_the_others_are_superseded(machine):
    machine.plugin("items", WITH_SUM)
    loaded = machine.load_lines(
        "items",
        *[put(seq, "a", g=str(seq), n=seq) for seq in (3, 1, 5, 5, 2)],
        delete(4, "a"),
    )
    assert (loaded.lines, loaded.applied, loaded.superseded) == (6, 1, 5)
    assert machine.rows("select g, n, items from sums") == [("5", 5, 1)]


def test_arbitration_is_a_statement_of_its_own_in_key_order(machine):
    machine.plugin("items", DECLARED)
    machine.load_lines("items", put(1, "z", v="1"))
    steps = steps_of(machine, machine.put("items", put(2, "a", v="1")))
    statement = steps[position(steps, ARBITRATION)]
    assert machine.of_engine("order by _key", "order by n._key") in statement
    assert "items" not in statement


@pytest.mark.parametrize("is_winner", [True, False])
def test_a_line_takes_the_row_lock_of_the_ledger_whether_it_wins_or_not(machine, other, is_winner):
    machine.plugin("items", DECLARED)
    machine.load_lines("items", put(5, "a", v="5"))
    held, waited = threading.Event(), threading.Event()
    first = machine.put("items", put(6 if is_winner else 4, "a", v="first"))
    second = machine.put("items", put(9, "a", v="9"))

    def hold(step):
        if step == "commit":
            held.set()
            assert waited.wait(PATIENCE_S)

    def late():
        assert held.wait(PATIENCE_S)
        return other.load(second)

    def look():
        assert held.wait(PATIENCE_S)
        other.wait_until_blocked()
        waited.set()

    machine.before = hold
    side_by_side(lambda: machine.load(first), late, look)
    assert rows(machine) == [("a", "9")]


def test_exactly_the_winners_are_in_staged_and_removed(machine):
    machine.plugin(
        "items",
        """
        key = "id"
        columns = {"id": "text", "v": "text"}
        create_table_queries = [
            {
                engine: f'''create table if not exists seen (
                  place text, id text, v text, version numeric(57), at {word}, expired boolean)'''
                for engine, word in (("postgresql", "timestamptz"), ("mysql", "datetime"))
            },
        ]
        insert_table_queries = [
            "insert into seen select 'staged', id, v, _version, _changed_at, null from staged",
            '''insert into seen
               select 'removed', id, null, _version, _changed_at, _expired from removed''',
        ]
        """,
    )
    machine.load_lines("items", put(5, "old", v="5"), delete(5, "gone"))
    machine.execute("delete from seen")
    machine.load_lines(
        "items",
        put(4, "old", v="4"),
        put(4, "gone", v="4"),
        put(6, "a", v="6"),
        put(7, "a", v="7"),
        delete(6, "b"),
        delete(8, "c", ttl=True),
        put(9, "d", v="1"),
        delete(10, "d"),
    )
    assert machine.rows("select place, id, v, expired from seen order by 1, 2") == [
        ("removed", "b", None, False),
        ("removed", "c", None, True),
        ("removed", "d", None, False),
        ("staged", "a", "7", None),
    ]
    ((at,),) = machine.rows("select distinct at from seen")
    assert at.timestamp() == 1_700_000_000


def test_the_plugin_s_statements_run_under_one_savepoint_all_or_nothing(machine):
    machine.plugin(
        "items",
        """
        key = "id"
        columns = {"id": "text", "v": "text"}
        create_table_queries = [
            "create table if not exists items (id varchar(99) primary key, v text)",
            '''create table if not exists second (
                 id varchar(99) primary key, v text, check (v <> 'bad'))''',
        ]
        insert_table_queries = [
            {
                "postgresql": f'''insert into {table} select id, v from staged
                                  on conflict (id) do update set v = excluded.v''',
                "mysql": f'''insert into {table} select * from (select id, v from staged) as n
                             on duplicate key update v = n.v''',
            }
            for table in ("items", "second")
        ]
        """,
    )
    machine.load_lines("items", put(1, "a", v="1"), put(1, "b", v="1"))
    loaded = machine.load_lines("items", put(2, "a", v="bad"), put(2, "b", v="2"))
    assert (loaded.applied, loaded.quarantined) == (1, 1)
    assert rows(machine) == [("a", "1"), ("b", "2")]
    assert machine.rows("select id, v from second order by 1") == [("a", "1"), ("b", "2")]


def test_a_row_refused_alone_has_rev_0_and_an_entry_in_the_quarantine(machine):
    machine.plugin("items", DECLARED)
    machine.load_lines("items", put(1, "a", v="1"))
    machine.execute("alter table items add check (v <> 'bad')")
    name = machine.put("items", put(2, "a", v="bad"), put(2, "b", v="2"))
    machine.load(name)
    ((code, *found),) = machine.rows(
        "select q.code, l.rev, q.state, q.reason, q.bucket, q.object, q.attempts "
        "from dynaurora.quarantine as q join dynaurora.ledger_1 as l using (k, version)"
    )
    assert code in codes(machine, "23514")
    assert found == [0, "open", "database", "raw", name.key, 1]
    assert machine.rows("select plugin_digest <> '' from dynaurora.quarantine") == [(True,)]


def test_open_entries_become_superseded_by_a_newer_version_and_retried_by_their_own(machine):
    machine.plugin("items", DECLARED)
    machine.load_lines("items", put(1, "z", v="1"))
    machine.execute("alter table items add constraint c check (v <> 'bad')")
    bad = [put(2, "a", v="bad"), put(2, "b", v="bad"), put(2, "c", v="bad")]
    machine.load_lines("items", *bad)
    machine.load_lines("items", delete(3, "a"), put(1, "b", v="1"))
    machine.execute("alter table items drop constraint c")
    machine.load_lines("items", bad[0], bad[1])
    key_bytes = dialect_of(machine.engine).key_bytes
    states = machine.rows("select k, state from dynaurora.quarantine")
    assert {key_bytes(key): state for key, state in states} == {
        key_of_item("a"): "superseded",
        key_of_item("b"): "retried",
        key_of_item("c"): "open",
    }
    assert rows(machine) == [("b", "bad"), ("z", "1")]


def test_applying_a_state_that_is_already_there_changes_nothing(machine):
    machine.plugin("items", WITH_SUM)
    lines = [put(1, "a", g="g", n=3), put(1, "b", g="h", n=4), delete(1, "c")]
    machine.load_lines("items", *lines)
    before = machine.rows("select * from sums order by 1")
    machine.execute("delete from dynaurora.ledger_1")  # as if the ledger let all of it through
    assert machine.load_lines("items", *lines).applied == 3
    assert machine.rows("select * from sums order by 1") == before


# 2.5 Relations


def relations_of(machine):
    """The relations that the load has made, at its commit."""
    found = []

    def look(step):
        if step == "commit":
            connection = machine.database._connection
            if machine.engine == "mysql":  # which has no list of them
                names = list(connection._temporary)
            else:
                rows = connection.fetch(
                    "select relname from pg_class where relpersistence = 't' and relkind = 'r' "
                    "and relnamespace = pg_my_temp_schema()"
                )
                names = [name for (name,) in rows]
            found.extend(sorted(name for name in names if not name.startswith("_")))

    machine.before = look
    machine.load_lines("items", put(1, "a", v="1"))
    return found


@pytest.mark.parametrize(
    ("plugin", "made"),
    [
        (DECLARED, ["removed", "staged"]),
        (WITH_HISTORY, ["changes", "removed", "staged"]),
        (WITH_SUM, ["removed", "replaced_items", "staged"]),
        (WITH_ROWS, ["removed", "staged", "staged_tags"]),
    ],
)
def test_staged_and_removed_always_exist_and_the_others_where_a_statement_names_them(
    machine, plugin, made
):
    machine.plugin("items", plugin)
    assert relations_of(machine) == made


def test_changes_has_every_distinct_key_and_version_of_the_load_winners_or_not(machine):
    machine.plugin(
        "items",
        """
        key = "id"
        columns = {"id": "text", "v": "text"}
        create_table_queries = [
            '''create table if not exists seen (
              id text, v text, version numeric(57), deleted boolean, expired boolean)''',
        ]
        insert_table_queries = [
            "insert into seen select id, v, _version, _deleted, _expired from changes",
        ]
        """,
    )
    machine.load_lines("items", put(5, "a", v="5"))
    machine.execute("delete from seen")
    twice = [put(3, "a", v="3"), put(6, "b", v="6")]
    machine.load_lines("items", *twice, delete(4, "a"), *twice, delete(7, "b", ttl=True))
    found = machine.rows("select id, v, version, deleted, expired from seen order by 1, 3")
    assert [(i, v, int(version) % 10**40, *rest) for i, v, version, *rest in found] == [
        ("a", "3", 3, False, False),
        ("a", None, 4, True, False),
        ("b", "6", 6, False, False),
        ("b", None, 7, True, True),
    ]


def test_replaced_has_what_the_table_held_before_for_each_item_that_is_staged_or_removed(machine):
    machine.plugin(
        "items",
        """
        from dynaurora import Table
        items = Table(key="id", columns={"id": "text", "v": "text"})
        create_table_queries = [items, "create table if not exists seen (id text, v text)"]
        insert_table_queries = [
            "insert into seen select id, v from replaced_items",
            items,
            "insert into seen select id, v from replaced_items",
        ]
        """,
    )
    machine.load_lines("items", *[put(5, i, v=f"old {i}") for i in "abcd"])
    machine.execute("delete from seen")
    machine.load_lines(
        "items", put(6, "a", v="new"), delete(6, "b"), put(4, "c", v="late"), put(6, "e", v="e")
    )
    assert machine.rows("select id, v, count(*) from seen group by 1, 2 order by 1") == [
        ("a", "old a", 2),
        ("b", "old b", 2),
    ]


def test_staged_rows_have_the_key_a_number_per_level_and_their_columns(machine):
    machine.plugin(
        "items",
        """
        from dynaurora import rows
        key = "id"
        columns = {
            "id": "text",
            "lines": rows("lines[]", {"sku": "text"}),
            "words": rows("words{}{}", {"word": ("text", "$")}, at=("language", "form")),
            "tags": rows("tags[]", {"tag": ("numeric(5,0)", "$")}),
        }
        create_table_queries = [
            "create table if not exists seen (place text, id text, one text, two text, value text)",
        ]
        insert_table_queries = [
            "insert into seen select 'lines', id, position, null, sku from staged_lines",
            "insert into seen select 'words', id, language, form, word from staged_words",
            "insert into seen select 'tags', id, position, null, tag from staged_tags",
        ]
        """,
    )
    words = {"en": {"M": {"one": {"S": "word"}}}, "de\t\\": {"M": {"viele": {"S": "Wörter"}}}}
    machine.load_lines(
        "items",
        put(
            1,
            "a",
            lines={"L": [{"M": {"sku": {"S": "x"}}}, {"M": {}}, {"M": {"sku": {"NULL": True}}}]},
            words={"M": words},
            tags={"NS": ["10", "9"]},
        ),
        put(1, "b", lines={"NULL": True}, tags={"S": "no list"}),
    )
    assert machine.rows("select * from seen order by place, one, two") == [
        ("lines", "a", "0", None, "x"),
        ("lines", "a", "1", None, None),
        ("lines", "a", "2", None, None),
        ("tags", "a", "0", None, "9"),
        ("tags", "a", "1", None, "10"),
        ("words", "a", "de\t\\", "viele", "Wörter"),
        ("words", "a", "en", "one", "word"),
    ]
    assert [message for *_, message, _, _ in machine.quarantine()] == [
        "tags: an attribute of type S; expected L or a set"
    ]


def test_the_item_is_staged_whole_where_a_statement_names_it(machine):
    machine.plugin(
        "items",
        """
        key = "id"
        columns = {"id": "text"}
        create_table_queries = [
            {
                "postgresql": "create table if not exists items (id text, doc jsonb)",
                "mysql": "create table if not exists items (id text, doc longtext)",
            },
        ]
        insert_table_queries = ["insert into items select id, _item from staged"]
        """,
    )
    machine.load_lines(
        "items", put(1, "a", v="1", n={"N": "1E+2"}, new={"M": {"x": {"NULL": True}}})
    )
    ((doc,),) = machine.rows(f"select {machine.of_engine('doc::text', 'doc')} from items")
    assert json.loads(doc) == {"n": 100, "v": "1", "id": "a", "new": {"x": None}}


def test_a_statement_runs_as_written(machine):
    machine.plugin(
        "items",
        r"""
        key = "id"
        columns = {"id": "text"}
        create_table_queries = [
            "create table if not exists items (id text, v varchar(99) default '{} %')",
        ]
        insert_table_queries = [
            '''insert into items
               select id, '%s %% {} {ledger} {schema} \\n' from staged where id like '%' ''',
        ]
        """,
    )
    machine.load_lines("items", put(1, "a"))
    newline = machine.of_engine("\\n", "\n")  # in a string, as the engine reads it
    assert machine.rows("select v from items") == [(f"%s %% {{}} {{ledger}} {{schema}} {newline}",)]


# 2.9 After commit


def test_an_object_is_archived_if_it_is_still_what_was_read_and_then_deleted(machine):
    machine.plugin("items", DECLARED)
    name = machine.put("items", put(1, "a", v="1"))
    data = machine.store.read(name).data
    machine.load(name)
    assert machine.store.keys("raw") == []
    assert machine.store.read(name.processed("backup")).data == data


def test_when_the_outcome_of_a_commit_is_unknown_the_ledger_of_objects_decides_next_time(machine):
    machine.plugin("items", WITH_SUM)
    machine.load_lines("items", put(1, "a", g="g", n=1))
    name = machine.put("items", put(2, "a", g="g", n=5), put(2, "b", g="g", n=6))

    def lose_the_answer(step):
        if step == "commit":
            raise DatabaseAway("the transaction", "the connection is lost")

    machine.after = lose_the_answer
    with pytest.raises(DatabaseAway):
        machine.load(name)
    machine.after = lambda _: None
    assert machine.store.keys("raw") == [name.key]
    loaded = machine.load(name).loaded["items"]
    assert (loaded.already, loaded.applied) == (1, 0)
    assert machine.rows("select n, items from sums") == [(11, 2)]
    assert machine.store.keys("raw") == []


def test_the_same_key_with_another_content_is_another_object(machine):
    machine.plugin("items", DECLARED)
    name = machine.put("items", put(1, "a", v="1"))
    machine.load(name)
    machine.put("items", put(2, "a", v="2"), key=name.key)
    assert machine.load(name).loaded["items"].applied == 1
    assert rows(machine) == [("a", "2")]


@pytest.mark.parametrize("schema", ["dynaurora", "Other pipe-line"])
def test_two_pipelines_keep_their_metadata_apart(machine, other, schema):
    machine.plugin("items", DECLARED)
    other.use_schema(schema)
    machine.load_lines("items", put(2, "a", v="2"))
    loaded = other.load_lines("items", put(1, "a", v="1"))
    assert loaded.applied == (0 if schema == "dynaurora" else 1)
    with other.database.session() as engine:
        found = Metadata(engine.connection, engine.queries).registrations()
    assert [one.table for one in found] == ["items"]


# 2.13 Errors


@pytest.mark.parametrize(
    ("found", "kind"),
    [
        ("22003 22P02 22021 23505 23503 23514 44000 54000 54001 P0001", RowRefused),
        ("42P01 42601 42501 21000 0A000 25001 25P02", StatementRefused),
        ("40001 40P01 55P03", LoadRace),
        ("08006 53100 53300 57014 57P01 58030 28P01 28000 25006 25P03 3D000", DatabaseAway),
        ("XX000 54011 55000 40002 P0002 ZZ001 F0000 3F000 2BP01 0B000", DatabaseUnknown),
    ],
)
def test_every_code_has_its_class_and_a_code_in_no_row_has_its_own(found, kind):
    assert {postgresql.error_class(code) for code in found.split()} == {kind}


@pytest.mark.parametrize(
    ("found", "kind"),
    [
        ("1264 1265 1292 1366 1406 1365 1690 1048 1364 1062 1451 1452 1216 1217", RowRefused),
        ("3819 4025 3140 4037 1153 1301", RowRefused),
        ("1054 1064 1146 1136 1109 1093 1137 1142 1644", StatementRefused),
        ("1213 1205", LoadRace),
        ("2002 2003 2006 2013 1040 1044 1045 1053 1290 1836 3024", DatabaseAway),
        ("0 1105 1148 1261 1262 3948 4166 2068 9999", DatabaseUnknown),
    ],
)
def test_every_number_of_mysql_has_its_class_and_one_in_no_row_has_its_own(found, kind):
    assert {mysql_errors.error_class(int(number)) for number in found.split()} == {kind}
