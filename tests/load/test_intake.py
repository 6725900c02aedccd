"""Which objects are loaded, what becomes of them, and whom a failure stops: its own table alone."""

import json
import os
import signal
import time
from urllib.parse import quote_plus

import pytest

from dynaurora import intake
from dynaurora.errors import DatabaseAway, StatementRefused
from dynaurora.model.events import ObjectName
from dynaurora.parts import RESERVED_MS
from support.items import DECLARED, WITH_HISTORY, delete, put
from support.load import Crash, LoadMachine, line, side_by_side
from support.sql import codes, raising, refusing_no_more

pytestmark = pytest.mark.each_engine

OTHERS = 'from dynaurora import Table\nothers = Table(key="id", columns={"id": "text"})\n'


def other(seq, item_id):
    return line("others", seq, {"id": {"S": item_id}}, {})


def ids(machine, table="items"):
    return [found for (found,) in machine.rows(f"select id from {table} order by id")]


def message(number, *names, receives=1, body=None):
    """An SQS message of S3's notification."""
    entries = [
        {"s3": {"bucket": {"name": n.bucket}, "object": {"key": quote_plus(n.key)}}} for n in names
    ]
    return {
        "messageId": f"message-{number}",
        "body": json.dumps({"Records": entries}) if body is None else body,
        "attributes": {"ApproximateReceiveCount": str(receives)},
    }


def taken_in(machine, *messages):
    """The messages that come again."""
    with machine.database.session() as engine:
        return intake.take_in_messages(machine.parts(engine), messages)


def test_keys_are_decoded_once(machine):
    machine.plugin("items", DECLARED)
    names = [
        machine.put("items", put(number, f"k{number}", v="1"), key=f"items/2026/{text}")
        for number, text in enumerate(("a+b", "c%20d", "e f", "é", "%2B", "a&b=c"), 1)
    ]
    assert taken_in(machine, message(1, *names)) == []
    assert len(ids(machine)) == 6
    assert machine.store.keys("raw") == []
    assert machine.store.keys("backup") == sorted(f"Processed/{name.key}" for name in names)


def test_the_test_event_of_s3_is_acknowledged(machine):
    body = json.dumps({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "raw"})
    assert taken_in(machine, message(1, body=body)) == []


@pytest.mark.parametrize(
    "body",
    [
        "",
        "no json",
        "[1]",
        '"text"',
        "{}",
        '{"Records": null}',
        '{"Records": []}',
        '{"Records": [{"s3": 1}]}',
        '{"Event": "s3:ObjectCreated:Put"}',
        '{"Message": "{}"}',
    ],
)
def test_a_message_that_is_no_notification_comes_again_and_stops_no_other(machine, body, capsys):
    machine.plugin("items", DECLARED)
    name = machine.put("items", put(1, "a", v="1"))
    assert taken_in(machine, message(1, body=body), message(2, name)) == ["message-1"]
    assert ids(machine) == ["a"]
    assert '"alarm":"message"' in capsys.readouterr().out


def test_one_failed_table_returns_its_own_messages(machine):
    machine.plugin("items", DECLARED)
    machine.plugin("others", OTHERS)
    machine.load_lines("items", put(1, "a", v="good"))
    raising(machine, "XX000")
    names = [machine.put("items", put(2, "a", v="bad")), machine.put("others", other(1, "a"))]
    assert taken_in(machine, *map(message, (1, 2), names)) == ["message-1"]
    assert ids(machine, "others") == ["a"]


def test_how_often_one_table_was_tried_does_not_count_for_another(machine):
    machine.plugin("items", DECLARED)
    machine.plugin("others", OTHERS)
    machine.load_lines("items", put(1, "a", v="good"))
    raising(machine, "XX000")
    names = [machine.put("items", put(2, "a", v="bad")), machine.put("others", other(1, "a"))]
    assert taken_in(machine, message(1, names[0]), message(2, names[1], receives=9)) == [
        "message-1"
    ]
    assert machine.state("items") == ("", "")


def test_what_firehose_could_not_deliver_is_a_gap_that_alarms_once_and_is_acknowledged(
    machine, capsys
):
    machine.plugin("items", DECLARED)
    gap = ObjectName("raw", "(errors)/items/2026/processing-failed/1")
    machine.store.put(gap, b"{}")
    name = machine.put("items", put(1, "a", v="1"))
    assert taken_in(machine, message(1, gap), message(2, name)) == []
    assert machine.rows("select kind, table_name, object from dynaurora.gaps") == [
        ("undelivered", "items", gap.key)
    ]
    assert capsys.readouterr().out.count('"alarm":"gap"') == 1
    machine.load(gap)
    assert '"alarm":"gap"' not in capsys.readouterr().out
    assert machine.store.keys("raw") == [gap.key]
    assert ids(machine) == ["a"]


def test_objects_outside_any_table_s_folder_are_left_alone(machine):
    names = [ObjectName("raw", "loose"), ObjectName("raw", "a b/c"), ObjectName("raw", "/x")]
    for name in names:
        machine.store.put(name, b"{}")
    assert machine.load(*names).waiting == set(names)
    assert len(machine.store.keys("raw")) == 3


def test_several_objects_of_a_table_load_together(machine):
    machine.plugin("items", DECLARED)
    commits = []
    machine.after = lambda step: commits.append(step) if step == "commit" else None
    report = machine.load(*[machine.put("items", put(n, f"k{n}", v="1")) for n in range(1, 10)])
    assert report.loaded["items"].objects == 9
    assert len(commits) == 1


def test_an_object_leaves_the_raw_bucket_after_the_commit_and_after_its_copy(machine):
    machine.plugin("items", DECLARED)
    steps = []
    machine.after = steps.append
    machine.load(machine.put("items", put(1, "a", v="1")))
    assert steps == ["read", "commit", "archive", "delete"]


@pytest.mark.parametrize(
    ("when", "step"),
    [
        ("before", "commit"),
        ("after", "commit"),
        ("before", "archive"),
        ("after", "archive"),
        ("before", "delete"),
        ("after", "delete"),
    ],
)
def test_a_crash_at_any_step_leaves_something_that_the_next_delivery_finishes(machine, when, step):
    machine.plugin("items", WITH_HISTORY)
    machine.load_lines("items", put(1, "z", v="z"))
    name = machine.put("items", put(1, "a", v="1"), put(2, "a", v="2"), delete(3, "z"))

    def crash(found):
        if found == step:
            raise Crash

    worker = machine.twin()
    setattr(worker, when, crash)
    with pytest.raises(Crash):
        worker.load(name)
    worker.database.close()
    assert machine.load(name).failed == set()
    assert machine.rows("select id, v from items") == [("a", "2")]
    assert machine.rows("select count(*) from versions") == [(4,)]
    assert machine.store.keys("raw") == []
    assert f"Processed/{name.key}" in machine.store.keys("backup")
    assert machine.rows("select count(*) from dynaurora.gaps") == [(0,)]


def test_an_object_that_is_gone_and_known_is_acknowledged(machine, capsys):
    machine.plugin("items", DECLARED)
    name = machine.put("items", put(1, "a", v="1"))
    machine.load(name)
    machine.store.delete(name.processed("backup"))
    assert machine.load(name).failed == set()
    assert "vanished" not in capsys.readouterr().out


def test_an_object_that_is_gone_and_archived_is_acknowledged(machine, capsys):
    machine.plugin("items", DECLARED)
    name = ObjectName("raw", "items/2026/1")
    machine.store.put(name.processed("backup"), b"")
    assert machine.load(name).failed == set()
    assert "vanished" not in capsys.readouterr().out


def test_an_object_that_has_vanished_is_a_gap_that_alarms_and_its_neighbours_load(machine, capsys):
    machine.plugin("items", DECLARED)
    name = machine.put("items", put(1, "a", v="1"))
    gone = ObjectName("raw", "items/2026/1")
    assert machine.load(gone, name).failed == set()
    assert ids(machine) == ["a"]
    assert machine.rows("select kind, table_name, object from dynaurora.gaps") == [
        ("vanished", "items", gone.key)
    ]
    assert '"alarm":"vanished"' in capsys.readouterr().out


def test_an_object_that_is_replaced_between_its_reading_and_its_copy_stays_and_is_loaded(machine):
    machine.plugin("items", DECLARED)
    name = machine.put("items", put(1, "a", v="1"))

    def replace_it(step):
        if step == "archive":
            machine.before = lambda _: None
            machine.put("items", put(1, "b", v="1"), key=name.key)

    machine.before = replace_it
    machine.load(name)
    assert machine.store.keys("raw") == [name.key]
    assert ids(machine) == ["a"]
    machine.sweep(age_s=0)
    assert machine.store.keys("raw") == []
    assert ids(machine) == ["a", "b"]


def test_an_object_is_loaded_once_however_often_it_is_told_of(machine):
    machine.plugin("items", WITH_HISTORY)
    name = machine.put("items", put(1, "a", v="1"))
    assert taken_in(machine, message(1, name, name), message(2, name)) == []
    copy = machine.store.read(name.processed("backup"))
    machine.store.put(name, copy.data)
    loaded = machine.load(name).loaded["items"]
    assert (loaded.objects, loaded.already, loaded.lines) == (0, 1, 0)
    assert machine.store.keys("raw") == []


def test_of_objects_that_are_known_in_part_only_the_others_are_loaded(machine):
    machine.plugin("items", DECLARED)
    first = machine.put("items", put(1, "a", v="1"))
    data = machine.store.read(first).data
    machine.load(first)
    machine.store.put(first, data)
    second = machine.put("items", put(2, "b", v="1"))
    loaded = machine.load(first, second).loaded["items"]
    assert (loaded.objects, loaded.already, loaded.lines, loaded.applied) == (1, 1, 1, 1)
    assert machine.store.keys("raw") == []


def test_two_loaders_with_the_same_objects_load_them_once(machine):
    machine.plugin("items", WITH_HISTORY)
    machine.load_lines("items", put(1, "z", v="z"))
    names = [machine.put("items", put(n, f"k{n}", v="1")) for n in range(1, 21)]
    with machine.twin() as other_machine:
        reports = side_by_side(
            lambda: machine.load(*names), lambda: other_machine.load(*reversed(names))
        )
    found = [report.loaded["items"] for report in reports if "items" in report.loaded]
    assert sum(loaded.applied for loaded in found) == 20
    assert sum(loaded.objects for loaded in found) == 20
    assert machine.store.keys("raw") == []


def test_without_a_database_the_objects_wait_and_the_delivery_raises(tmp_path, machine):
    machine.plugin("items", DECLARED)
    name = machine.put("items", put(1, "a", v="1"))
    nowhere = machine.of_engine(
        f"postgresql://postgres@/nowhere?host={tmp_path}",
        f"mysql://root@/nowhere?unix_socket={tmp_path}/nowhere",
    )
    worker = type(machine)(nowhere, tmp_path, store=machine.store)
    with pytest.raises(DatabaseAway):
        worker.load(name)
    assert machine.store.keys("raw") == [name.key]
    machine.load(name)
    assert ids(machine) == ["a"]


def test_a_session_that_ends_in_the_middle_raises_and_the_next_load_connects_again(machine):
    machine.plugin("items", DECLARED)
    machine.load_lines("items", put(1, "a", v="1"))
    name = machine.put("items", put(2, "a", v="2"))

    def end(step):
        if step == "commit":
            machine.before = lambda _: None
            machine.end_session()

    machine.before = end
    with pytest.raises(DatabaseAway):
        machine.load(name)
    assert machine.store.keys("raw") == [name.key]
    machine.load(name)
    assert machine.rows("select v from items") == [("2",)]


def test_a_session_that_ended_between_two_invocations_is_made_anew(machine):
    machine.plugin("items", DECLARED)
    machine.load_lines("items", put(1, "a", v="1"))
    machine.end_session()
    machine.load_lines("items", put(2, "a", v="2"))
    assert machine.rows("select v from items") == [("2",)]


def test_a_worker_has_one_connection(machine):
    machine.plugin("items", DECLARED)
    machine.plugin("others", OTHERS)
    # On PostgreSQL those that ask here have another name, and so has what looks after the tables.
    sessions = machine.of_engine(
        "select count(*) from pg_stat_activity where datname = current_database() "
        "and application_name = 'dynaurora'",
        "select count(*) - 1 from information_schema.processlist where db = database()",
    )
    seen = []

    def count(step):
        if step == "commit":
            ((found,),) = machine.server.execute(sessions)
            seen.append(found)

    machine.before = count
    names = [machine.put("others", other(1, "a"))]
    for number in range(1, 4):
        machine.load(machine.put("items", put(number, "a", v="1")), *names)
    assert set(seen) == {1}


def test_nothing_is_left_in_the_session_after_a_load(machine):
    machine.plugin("items", DECLARED)
    machine.load_lines("items", put(1, "a", v="1"))
    machine.execute("alter table items add check (v <> 'bad')")
    machine.load_lines("items", put(2, "a", v="bad"), put(3, "b", v="1"))
    if machine.engine == "mysql":  # which has no list of temporary tables
        for name in ("staged", "removed", "_won", "_refused", "_numbered", "_all_staged"):
            with pytest.raises(StatementRefused, match="doesn't exist"):
                machine.rows(f"select * from {name}")
        left = locks = "select 1 from information_schema.innodb_trx"
    else:
        left = "select relname from pg_class where relpersistence = 't' and relkind in ('r', 'v')"
        locks = "select 1 from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()"
    assert (machine.rows(left), machine.rows(locks)) == ([], [])


def test_an_outage_that_is_one_table_s_own_stops_no_other_table(machine):
    machine.plugin("items", DECLARED)
    machine.plugin("others", OTHERS)
    machine.load_lines("items", put(1, "a", v="good"))
    raising(machine, "57014")
    names = [machine.put("items", put(2, "a", v="bad")), machine.put("others", other(1, "a"))]
    with pytest.raises(DatabaseAway):
        machine.load(*names)
    assert ids(machine, "others") == ["a"]
    assert machine.state("items") == ("", "")


def test_an_outage_that_the_database_is_healthy_in_parks_the_table_after_five_receives(machine):
    machine.plugin("items", DECLARED)
    machine.load_lines("items", put(1, "a", v="good"))
    raising(machine, "53200")
    name = machine.put("items", put(2, "a", v="bad"))
    for receives in range(1, 5):
        with pytest.raises(DatabaseAway):
            machine.load(name, receives=receives)
    assert machine.load(name, receives=5).failed == {name}
    assert machine.state("items")[0] == "error"
    assert machine.load(name, receives=6).waiting == {name}


def test_a_session_that_ends_by_chance_parks_no_table_however_often_its_objects_have_come(machine):
    machine.plugin("items", DECLARED)
    name = machine.put("items", put(1, "a", v="1"))

    def end_session(step):
        if step == "copy staged":
            machine.before = lambda _: None
            machine.end_session()

    machine.before = end_session
    assert machine.load(name, receives=5).loaded["items"].applied == 1
    assert machine.state("items") == ("", "")


def ending(machine):
    """From now on a bad row ends the session that it comes in."""
    if machine.engine == "postgresql":
        raising(machine, "P0001")
        machine.execute(ENDING)
        return

    def end(step):  # no routine of MySQL may end a session
        if step.startswith("insert into items"):
            machine.end_session()

    machine.before = end


ENDING = """create or replace function refuse() returns trigger language plpgsql as $$
    begin
      if new.v = 'bad' then perform pg_terminate_backend(pg_backend_pid()); end if;
      return new;
    end $$"""


def test_a_row_that_ends_its_session_stops_no_other_table_and_is_parked_after_five_receives(
    machine,
):
    machine.plugin("items", DECLARED)
    machine.plugin("others", OTHERS)
    machine.load_lines("items", put(1, "a", v="good"))
    ending(machine)
    names = [machine.put("items", put(2, "a", v="bad")), machine.put("others", other(1, "a"))]
    for receives in range(1, 5):
        with pytest.raises(DatabaseAway):
            machine.load(*names, receives=receives)
        assert ids(machine, "others") == ["a"]
        assert machine.state("items") == ("", "")
    assert machine.load(*names, receives=5).failed == {names[0]}
    parked_for, reason = machine.state("items")
    assert parked_for == "error"
    assert machine.of_engine("terminating connection", "gone away") in reason
    assert machine.load(*names, receives=6).waiting == {names[0]}
    assert machine.store.keys("raw") == [names[0].key]
    machine.before = lambda _: None
    if machine.engine == "postgresql":
        refusing_no_more(machine)
    machine.unpark("items")
    assert machine.load(names[0]).loaded["items"].applied == 1


def crashing(machine, own_server):
    """Let the server crash at each insert into items, as for want of memory."""

    def crash(step):
        if not step.startswith("insert into items"):
            return
        if machine.engine == "postgresql":  # which begins anew of itself
            os.kill(machine.database._connection._connection.info.backend_pid, signal.SIGKILL)
        else:
            own_server.kill()
            own_server.start()

    machine.before = crash


def test_a_row_that_brings_the_server_down_is_parked_after_five_receives(tmp_path, own_server):
    with LoadMachine(own_server.url, tmp_path) as machine:
        machine.clock.sleep = time.sleep
        machine.plugin("items", DECLARED)
        machine.load_lines("items", put(1, "a", v="good"))
        name = machine.put("items", put(2, "a", v="bad"))
        crashing(machine, own_server)
        assert machine.load(name, receives=5).failed == {name}
        machine.before = lambda _: None
        assert machine.state("items")[0] == "error"
        assert machine.load(name, receives=6).waiting == {name}


def test_a_database_that_is_away_parks_nothing_however_often_it_is_asked(tmp_path, own_server):
    with LoadMachine(own_server.url, tmp_path) as machine:
        machine.plugin("items", DECLARED)
        machine.load_lines("items", put(1, "a", v="good"))
        name = machine.put("items", put(2, "a", v="better"))

        def away(step):
            if step.startswith("insert into items"):
                own_server.kill()

        machine.before = away
        with pytest.raises(DatabaseAway):
            machine.load(name, receives=9)
        with pytest.raises(DatabaseAway):
            machine.load(name, receives=10)
        machine.before = lambda _: None
        own_server.start()
        assert machine.state("items") == ("", "")
        assert machine.load(name, receives=11).loaded["items"].applied == 1


def test_what_nobody_foresaw_in_one_table_stops_no_other_and_is_raised(machine):
    machine.plugin("items", DECLARED)
    machine.plugin("others", OTHERS)
    names = [machine.put("items", put(1, "a", v="1")), machine.put("others", other(1, "a"))]

    def fail(step):
        if step.startswith("copy staged"):
            machine.before = lambda _: None
            raise ZeroDivisionError

    machine.before = fail
    with pytest.raises(ZeroDivisionError):
        machine.load(*names)
    assert ids(machine, "others") == ["a"]
    machine.load(*names)
    assert ids(machine) == ["a"]


def test_a_plugin_that_cannot_be_imported_stops_no_other_and_its_objects_wait(machine):
    machine.plugin("items", "import nothing_of_this_name\n")
    machine.plugin("others", OTHERS)
    names = [machine.put("items", put(1, "a", v="1")), machine.put("others", other(1, "a"))]
    report = machine.load(*names)
    assert (report.waiting, report.failed) == ({names[0]}, set())
    assert ids(machine, "others") == ["a"]
    parked_for, reason = machine.state("items")
    assert parked_for == "plugin"
    assert "nothing_of_this_name" in reason


def test_a_changed_plugin_clears_the_reason_and_all_that_waited_is_loaded(machine):
    machine.plugin("items", "key = 'nothing'\n")
    waiting = [machine.put("items", put(n, f"k{n}", v="1")) for n in range(3)]
    for name in waiting:
        assert machine.load(name).waiting == {name}
    machine.plugin("items", DECLARED)
    machine.load_lines("items", put(9, "k9", v="1"))
    assert ids(machine) == ["k0", "k1", "k2", "k9"]
    assert machine.state("items") == ("", "")
    assert machine.store.keys("raw") == []


@pytest.mark.parametrize("table", ["items", "dynaurora.ledger_1"])
def test_a_table_that_somebody_has_dropped_parks_it_with_its_reason(machine, table):
    machine.plugin(
        "items",
        DECLARED
        + """
    insert_table_queries = [
        items,
        {
            "postgresql": "delete from items using replaced_items as r where false",
            "mysql": "delete i from items as i join replaced_items as r where false",
        },
    ]
    """,
    )
    machine.load_lines("items", put(1, "a", v="1"))
    machine.execute(f"drop table {table}")
    name = machine.put("items", put(2, "a", v="2"))
    assert machine.load(name).waiting == {name}
    parked_for, reason = machine.state("items")
    assert parked_for == "plugin"
    assert machine.of_engine("does not exist", "doesn't exist") in reason


def test_no_value_of_an_item_reaches_a_log(machine, capsys):
    machine.plugin("items", WITH_HISTORY)
    machine.load_lines("items", put(1, "a", v="good"))
    raising(machine, "P0001")
    machine.load_lines("items", put(2, "a", v="bad"), put(3, "b", n="1.2345"), b'{"bad')
    for code in ("XX000", "21000", "40001"):
        raising(machine, code)
        name = machine.put("items", put(4, "a", v="bad"))
        machine.load(name, receives=5)
        machine.load(name, receives=6)
        machine.unpark("items")
    said = capsys.readouterr().out
    assert '"level":"error"' in said
    assert "objects wait" in said
    assert "bad" not in said
    assert "1.2345" not in said


def test_the_sweep_loads_what_no_event_told_of_when_it_is_old_enough(machine):
    machine.plugin("items", DECLARED)
    machine.put("items", put(1, "old", v="1"))
    machine.store.now += intake.SWEEP_AGE_S
    machine.put("items", put(2, "new", v="1"))
    machine.sweep()
    assert ids(machine) == ["old"]
    machine.sweep(table="items", age_s=0)
    assert ids(machine) == ["new", "old"]


def test_the_sweep_goes_on_behind_a_table_that_cannot_be_loaded(machine):
    machine.plugin("aaa", "import nothing_of_this_name\n")
    machine.plugin("items", DECLARED)
    machine.plugin("others", OTHERS)
    machine.load_lines("items", put(1, "a", v="good"))
    raising(machine, "57014")
    machine.put("aaa", line("aaa", 1, {"id": {"S": "a"}}, {}))
    machine.put("bbb", line("bbb", 1, {"id": {"S": "a"}}, {}))
    machine.put("items", put(2, "a", v="bad"))
    machine.put("others", other(1, "a"))
    with pytest.raises(DatabaseAway):
        machine.sweep(age_s=0)
    assert ids(machine, "others") == ["a"]
    assert len(machine.store.keys("raw")) == 3


@pytest.fixture
def portions(machine, monkeypatch):
    """Objects for so many portions, of two objects each."""
    monkeypatch.setattr("dynaurora.portions.LOAD_OBJECTS", 2)

    def put_them(count):
        return [machine.put("items", put(10 + n, f"k{n}", v=str(n))) for n in range(2 * count)]

    return put_them


def test_portions_commit_one_by_one_and_each_is_archived(machine, portions):
    machine.plugin("items", DECLARED)
    names = portions(4)
    steps = []
    machine.after = steps.append
    report = machine.load(*names)
    assert report.loaded["items"].applied == 8
    assert steps.count("commit") == 4
    assert machine.store.keys("raw") == []


def test_when_the_database_goes_away_between_portions_what_is_committed_stays_archived(
    machine, portions
):
    machine.plugin("items", DECLARED)
    names = portions(4)
    commits = []

    def end(step):
        if step == "commit":
            commits.append(step)
            if len(commits) == 3:
                machine.before = lambda _: None
                machine.end_session()

    machine.before = end
    with pytest.raises(DatabaseAway):
        machine.load(*names)
    assert len(machine.store.keys("backup")) == 4
    assert machine.load(*names).failed == set()
    assert len(ids(machine)) == 8
    assert machine.rows("select count(*) from dynaurora.gaps") == [(0,)]


def test_when_a_portion_cannot_be_read_the_one_before_it_is_whole(machine, portions):
    machine.plugin("items", DECLARED)
    names = portions(3)
    reads = []

    def fail(step):
        if step == "read":
            reads.append(step)
            if len(reads) == 4:
                raise ZeroDivisionError

    machine.before = fail
    with pytest.raises(ZeroDivisionError):
        machine.load(*names)
    machine.before = lambda _: None
    machine.load(*names)
    assert len(ids(machine)) == 6
    assert machine.store.keys("raw") == []


def test_when_a_portion_names_a_stream_that_may_not_feed_the_one_before_it_is_whole(
    machine, portions
):
    machine.plugin("items", DECLARED)
    names = portions(2)
    foreign = "arn:aws:dynamodb:eu-west-1:999999999999:table/items/stream/2026-01-01T00:00:00.000"
    bad = machine.put("items", put(99, "z", v="z", fields={"stream": foreign}))
    report = machine.load(*names, bad)
    assert bad in report.waiting
    assert machine.state("items")[0] == "stream"
    assert len(ids(machine)) in (2, 4)
    machine.store.delete(bad)
    machine.unpark("items")
    machine.sweep(age_s=0)
    assert len(ids(machine)) == 4
    assert machine.store.keys("raw") == []


def test_a_plugin_that_changes_between_two_portions_counts_from_the_next_load_on(machine, portions):
    machine.plugin("items", DECLARED)
    names = portions(2)

    def change(step):
        if step == "commit":
            machine.plugin("items", DECLARED.replace('"v": "text"', '"v": "text", "w": "text"'))

    machine.after = change
    assert machine.load(*names).loaded["items"].applied == 4
    machine.after = lambda _: None
    name = machine.put("items", put(50, "k9", v="1", w="2"))
    machine.load(name)  # which adds the column
    assert machine.rows("select w from items where id = 'k9'") == [("2",)]


def test_two_tables_of_one_delivery_commit_apart(machine):
    machine.plugin("items", DECLARED)
    machine.plugin("others", OTHERS)
    names = [machine.put("items", put(1, "a", v="1")), machine.put("others", other(1, "a"))]

    def crash(step):
        if step == "archive":
            raise Crash

    worker = machine.twin()
    worker.before = crash
    with pytest.raises(Crash):
        worker.load(*names)
    worker.database.close()
    machine.load(*names)
    assert (ids(machine), ids(machine, "others")) == (["a"], ["a"])
    assert machine.store.keys("raw") == []


def test_workers_that_meet_an_empty_database_at_once_make_its_metadata_once(machine):
    tables = [f"table{number}" for number in range(4)]
    names = []
    for table in tables:
        machine.plugin(table, DECLARED.replace("items", table))
        names += [machine.put(table, line(table, n, {"id": {"S": f"k{n}"}}, {})) for n in range(4)]
    workers = [machine.twin() for _ in range(4)]
    reports = side_by_side(
        *[lambda w=worker, n=number: w.load(*names[n::4]) for number, worker in enumerate(workers)]
    )
    for worker in workers:
        worker.database.close()
    assert all(not report.failed and not report.waiting for report in reports)
    for table in tables:
        assert ids(machine, table) == ["k0", "k1", "k2", "k3"]


def test_of_two_tables_that_make_one_sql_table_at_once_one_is_parked(machine):
    machine.load(machine.put("other-table"))
    for number in range(5):
        tables = [f"one{number}", f"two{number}"]
        for table in tables:
            machine.plugin(table, DECLARED.replace("Table(", f'Table("shared{number}", '))
        names = [machine.put(table, line(table, 1, {"id": {"S": table}}, {})) for table in tables]
        with machine.twin() as other_machine:
            reports = side_by_side(
                lambda: machine.load(names[0]),  # noqa: B023 - done before the next turn
                lambda: other_machine.load(names[1]),  # noqa: B023
            )
        assert sorted(len(report.waiting) for report in reports) == [0, 1]
        assert len(ids(machine, f"shared{number}")) == 1


def test_no_portion_is_begun_when_the_time_is_nearly_over_and_the_rest_comes_again(
    machine, portions
):
    machine.plugin("items", DECLARED)
    names = portions(3)
    machine.clock.left_ms = RESERVED_MS - 1
    assert machine.load(*names).failed == set(names[2:])
    assert len(ids(machine)) == 2
    assert machine.load(*names).failed == set(names[4:])
    machine.clock.left_ms = RESERVED_MS
    assert machine.load(*names).failed == set()
    assert len(ids(machine)) == 6
    assert machine.store.keys("raw") == []


def test_a_sweep_stops_when_the_time_is_nearly_over(machine):
    machine.plugin("items", DECLARED)
    machine.put("items", put(1, "a", v="1"))
    machine.clock.left_ms = RESERVED_MS - 1
    assert machine.sweep(age_s=0).loaded == {}
    machine.clock.left_ms = RESERVED_MS
    assert machine.sweep(age_s=0).loaded["items"].applied == 1


def test_a_sweep_of_more_objects_than_are_listed_at_once_takes_them_all(machine, monkeypatch):
    monkeypatch.setattr(intake, "SWEEP_OBJECTS", 2)
    machine.plugin("items", DECLARED)
    for number in range(7):
        machine.put("items", put(1, f"k{number}", v="1"))
        machine.put("waiting", put(1, "a"))
        machine.store.put(ObjectName("raw", f"(errors)/items/{number}"), b"")
    machine.sweep(age_s=0)
    assert len(ids(machine)) == 7
    assert len(machine.store.keys("raw")) == 14


def test_a_statement_that_is_refused_parks_the_table_with_its_file_line_and_column(machine):
    machine.plugin(
        "items",
        """
        key = "id"
        columns = {"id": "text"}
        create_table_queries = ["create table if not exists items (id varchar(99))"]
        insert_table_queries = [
            "insert into items select id from staged",
            "delete from items where id in (select id from removed) and nowhere = id",
        ]
        drop_table_queries = ["drop table if exists items"]
        select_table_queries = {}
        """,
    )
    machine.load_lines("items", line("items", 1, {"id": {"S": "a"}}, {}))
    why, reason = machine.state("items")
    assert why == "plugin"
    (code,) = codes(machine, "42703")
    assert reason.startswith(
        f"{machine.folder / 'items.py'}:7:65, insert_table_queries[1]: the database answers {code}"
    )
