"""Pointers: who wins is decided without the body, and a winner's row is made of it."""

import json
import tracemalloc

import pytest

from dynaurora import etl, portions
from dynaurora.errors import AwsAway, AwsError, LoadRace
from dynaurora.model.claims import packed
from dynaurora.model.events import ObjectName
from dynaurora.model.lines import decode_line
from support.carrying import carried
from support.items import DECLARED, WITH_HISTORY, WITH_ROWS, delete, put
from support.load import Crash, changed
from support.streams import change

pytestmark = pytest.mark.each_engine

WITH_ITEM = """
    key = "id"
    columns = {"id": "text"}
    create_table_queries = [
        {
            "postgresql": "create table if not exists items (id text, item jsonb)",
            "mysql": "create table if not exists items (id text, item longtext)",
        },
    ]
    insert_table_queries = ["insert into items select id, _item from staged"]
"""


@pytest.fixture
def reads(machine):
    """The keys of the bodies that loads have read, in order."""
    found = []
    read = machine.store.read

    def told(name):
        if name.key.startswith("Oversize/"):
            found.append(name.key)
        return read(name)

    machine.store.read = told
    return found


def body_of(pointer):
    return ObjectName("backup", decode_line(pointer)["claim"]["object"])


def found_of(loaded):
    return (loaded.applied, loaded.superseded, loaded.quarantined, loaded.unreadable)


def states(machine):
    return [(state, reason) for _, state, reason, *_ in machine.quarantine()]


def test_a_pointer_becomes_the_row_of_its_body_beside_its_neighbours(machine, reads):
    machine.plugin("items", DECLARED)
    pointer = machine.pointer(put(2, "b", v="large", n="1.25"))
    loaded = machine.load_lines("items", put(1, "a", v="1"), pointer, put(3, "c", v="3"))
    assert found_of(loaded) == (3, 0, 0, 0)
    assert machine.rows("select id, v from items order by 1") == [
        ("a", "1"),
        ("b", "large"),
        ("c", "3"),
    ]
    assert reads == [body_of(pointer).key]


def test_an_object_of_nothing_but_pointers_is_loaded(machine):
    machine.plugin("items", DECLARED)
    pointers = [machine.pointer(put(n, f"k{n}", v=f"{n}")) for n in range(1, 6)]
    assert found_of(machine.load_lines("items", *pointers)) == (5, 0, 0, 0)
    assert machine.rows("select count(*), max(v) from items") == [(5, "5")]


def test_a_loser_reads_no_body(machine, reads):
    machine.plugin("items", DECLARED)
    machine.load_lines("items", put(5, "a", v="5"), delete(5, "gone"))
    older = [machine.pointer(put(4, key, v="4")) for key in ("a", "gone")]
    superseded = machine.pointer(put(6, "a", v="6"))
    loaded = machine.load_lines("items", *older, superseded, put(7, "a", v="7"))
    assert found_of(loaded) == (1, 3, 0, 0)
    assert machine.rows("select id, v from items") == [("a", "7")]
    assert reads == []


def test_a_pointer_that_is_loaded_again_reads_no_body_again(machine, reads):
    machine.plugin("items", DECLARED)
    pointer = machine.pointer(put(1, "a", v="1"))
    machine.load_lines("items", pointer)
    assert found_of(machine.load_lines("items", pointer, pointer)) == (0, 2, 0, 0)
    assert len(reads) == 1


def test_a_loser_whose_body_is_missing_is_superseded_and_not_quarantined(machine):
    machine.plugin("items", DECLARED)
    machine.load_lines("items", put(5, "a", v="5"))
    pointer = machine.pointer(put(4, "a", v="4"))
    machine.store.delete(body_of(pointer))
    assert found_of(machine.load_lines("items", pointer)) == (0, 1, 0, 0)
    assert machine.quarantine() == []


def test_a_pointer_that_loses_while_its_body_is_fetched_changes_nothing(machine):
    machine.plugin("items", DECLARED)
    machine.load_lines("items", put(1, "z", v="z"))
    pointer = machine.pointer(put(2, "a", v="2"))
    with machine.twin() as other:
        newer = other.put("items", put(3, "a", v="3"), key="items/newer")
        machine.before = lambda step: step == "read" and other.load(newer)
        name = machine.put("items", pointer)
        loaded = machine.load(name).loaded["items"]
    assert found_of(loaded) == (0, 1, 0, 0)
    assert machine.rows("select id, v from items order by 1") == [("a", "3"), ("z", "z")]


def test_another_load_of_the_same_key_need_not_wait_for_a_body(machine):
    machine.plugin("items", DECLARED)
    machine.load_lines("items", put(1, "a", v="1"))
    pointer = machine.pointer(put(2, "a", v="2"))
    held = []

    def look(step):
        if step == "read":
            locks = machine.of_engine(
                "select mode from pg_locks where locktype = 'advisory'",
                "select 1 from dynaurora.tables where name <> 'items' for update",
            )
            held.append(
                (other.rows(locks), other.rows("select k from dynaurora.ledger_1 for update"))
            )

    with machine.twin() as other:
        setting = machine.of_engine("lock_timeout = '1s'", "innodb_lock_wait_timeout = 1")
        other.execute(f"set {setting}")
        machine.before = look
        machine.load_lines("items", pointer)
    (_, of_the_object), (locks, of_the_body) = held[0], held[-1]
    assert (len(held), locks, of_the_body) == (2, [], of_the_object)


@pytest.mark.parametrize(
    ("damage", "found"),
    [
        (None, "not in the backup bucket"),
        (packed(put(2, "a", v="other")), "SHA-256"),
        (packed(put(2, "a", v="longer")), "more bytes"),
        (b"no gzip", "no gzip"),
    ],
)
def test_a_winner_whose_body_is_missing_or_wrong_is_quarantined_alone(machine, damage, found):
    machine.plugin("items", DECLARED)
    machine.load_lines("items", put(1, "a", v="old"))
    pointer = machine.pointer(put(2, "a", v="right"))
    machine.store.delete(body_of(pointer))
    if damage is not None:
        machine.store.put(body_of(pointer), damage)
    loaded = machine.load_lines("items", pointer, put(3, "b", v="3"))
    assert found_of(loaded) == (1, 0, 1, 0)
    ((_, state, reason, message, _, kept),) = machine.quarantine()
    assert (state, reason, kept) == ("open", "body", pointer)
    assert found in message
    assert machine.rows("select rev from dynaurora.ledger_1 order by rev") == [(0,), (1,)]
    assert machine.rows("select v from items order by id") == [("old",), ("3",)]


def test_an_older_change_cannot_slip_in_behind_a_body_that_is_missing(machine):
    machine.plugin("items", DECLARED)
    pointer = machine.pointer(put(5, "a", v="5"))
    machine.store.delete(body_of(pointer))
    machine.load_lines("items", pointer)
    assert found_of(machine.load_lines("items", put(4, "a", v="4"))) == (0, 1, 0, 0)
    assert found_of(machine.load_lines("items", put(6, "a", v="6"))) == (1, 0, 0, 0)
    assert states(machine) == [("superseded", "body")]


def test_a_body_that_is_there_again_is_applied_when_its_pointer_is_loaded_again(machine):
    machine.plugin("items", DECLARED)
    pointer = machine.pointer(put(1, "a", v="1"))
    data = machine.store.read(body_of(pointer)).data
    machine.store.delete(body_of(pointer))
    machine.load_lines("items", pointer)
    machine.store.put(body_of(pointer), data)
    assert found_of(machine.load_lines("items", pointer)) == (1, 0, 0, 0)
    assert states(machine) == [("retried", "body")]
    assert machine.rows("select v from items") == [("1",)]


def test_missing_bodies_are_no_fault_of_the_plugin_and_park_nothing(machine):
    machine.plugin("items", DECLARED)
    pointers = [machine.pointer(put(1, f"k{n}", v="1")) for n in range(etl.LEAST_BUDGET + 1)]
    for pointer in pointers:
        machine.store.delete(body_of(pointer))
    loaded = machine.load_lines("items", *pointers, put(2, "a", v="2"))
    assert found_of(loaded) == (1, 0, len(pointers), 0)
    assert machine.state("items") == ("", "")


def test_refused_values_in_bodies_count_toward_the_budget_of_the_plugin(machine):
    machine.plugin("items", DECLARED)
    pointers = [machine.pointer(put(1, f"k{n}", n="1.005")) for n in range(etl.LEAST_BUDGET + 1)]
    assert machine.load(machine.put("items", *pointers)).waiting
    assert machine.state("items")[0] == "plugin"


@pytest.mark.parametrize("error", [AwsAway("S3", "SlowDown"), AwsError("S3", "AccessDenied")])
def test_an_s3_that_is_away_fails_the_delivery_and_quarantines_nothing(machine, error):
    machine.plugin("items", DECLARED)
    machine.load_lines("items", put(1, "z", v="z"))
    pointer = machine.pointer(put(2, "a", v="2"))
    name = machine.put("items", pointer, put(3, "b", v="3"))
    read = machine.store.read

    def away(name):
        if name.key.startswith("Oversize/"):
            raise error
        return read(name)

    machine.store.read = away
    assert machine.load(name).failed == {name}
    assert machine.state("items") == ("", "")
    assert machine.quarantine() == []
    assert machine.rows("select id from items") == [("z",)]
    machine.store.read = read
    assert found_of(machine.load(name).loaded["items"]) == (2, 0, 0, 0)


def test_a_crash_while_a_body_is_fetched_leaves_nothing_and_the_next_delivery_finishes(machine):
    machine.plugin("items", DECLARED)
    machine.load_lines("items", put(1, "z", v="z"))
    name = machine.put("items", machine.pointer(put(2, "a", v="2")))
    reads = iter([None, Crash()])  # of the object, of the body

    def crash(step):
        if step == "read" and (error := next(reads)):
            raise error

    machine.before = crash
    with pytest.raises(Crash):
        machine.load(name)
    machine.before = lambda _: None
    assert found_of(machine.load(name).loaded["items"]) == (1, 0, 0, 0)


def test_a_load_that_is_done_again_after_a_race_has_each_row_once(machine):
    machine.plugin("items", WITH_HISTORY)
    machine.load_lines("items", put(1, "z", v="z"))
    lines = [machine.pointer(put(n, "a", v=f"{n}")) for n in (2, 3)]
    gone = machine.pointer(put(4, "b", v="4"))
    machine.store.delete(body_of(gone))
    races = [LoadRace("a test", "40001"), LoadRace("a test", "40001")]

    def race(step):
        if step == "commit" and races:
            raise races.pop()

    machine.before = race
    assert found_of(machine.load_lines("items", *lines, gone)) == (1, 1, 1, 0)
    assert machine.rows("select v from versions order by v") == [("2",), ("3",), ("z",)]
    assert states(machine) == [("open", "body")]


def test_a_body_that_is_there_when_a_load_is_done_again_is_applied(machine):
    machine.plugin("items", DECLARED)
    machine.load_lines("items", put(1, "z", v="z"))
    pointer = machine.pointer(put(2, "a", v="2"), has_body=False)
    races = [LoadRace("a test", "40001")]

    def race(step):
        if step == "commit" and races:
            machine.pointer(put(2, "a", v="2"))
            raise races.pop()

    machine.before = race
    assert found_of(machine.load_lines("items", pointer)) == (1, 0, 0, 0)
    assert machine.quarantine() == []


@pytest.mark.parametrize("at_end", [False, True])
def test_a_value_of_a_body_that_a_column_cannot_hold_is_quarantined_as_of_any_line(machine, at_end):
    machine.plugin("items", DECLARED)
    pointer = machine.pointer(put(2, "a", v="2", n="1.005"))
    others = [put(n, f"k{n}", v="v") for n in range(3, 9)]
    loaded = machine.load_lines("items", *([*others, pointer] if at_end else [pointer, *others]))
    assert found_of(loaded) == (6, 0, 1, 0)
    ((_, state, reason, message, _, kept),) = machine.quarantine()
    assert (state, reason, kept) == ("open", "value", pointer)
    assert message.startswith("n:")


def test_a_row_of_a_body_that_the_database_refuses_is_found_by_halving(machine):
    machine.plugin("items", WITH_ROWS)
    machine.load_lines("items", put(1, "z", v="z"))
    machine.execute("alter table items_tags add check (tag <> 'bad')")
    bad = machine.pointer(put(2, "a", v="1", tags=["x", "bad"]))
    good = [machine.pointer(put(3, f"k{n}", v="1", tags=["x", "y"])) for n in range(5)]
    loaded = machine.load_lines("items", bad, *good, put(4, "b", v="4"))
    assert found_of(loaded) == (6, 0, 1, 0)
    assert [(reason, kept) for _, _, reason, _, _, kept in machine.quarantine()] == [
        ("database", bad)
    ]
    assert machine.rows("select count(*) from items_tags") == [(10,)]


def test_a_body_that_cannot_even_be_staged_is_quarantined_alone(machine):
    machine.plugin("items", DECLARED.replace('"n":', '"other": "json", "n":'))
    machine.load_lines("items", put(1, "z", v="z"))
    bad = machine.pointer(put(2, "a", v="1", other={"N": "1e400000"}))
    good = machine.pointer(put(3, "b", v="1", other={"N": "1"}))
    refused = machine.of_engine([bad], [])  # JSON of MySQL is text here, which holds any number
    loaded = machine.load_lines("items", bad, good, put(4, "c", v="4"))
    assert found_of(loaded) == (3 - len(refused), 0, len(refused), 0)
    assert [kept for *_, kept in machine.quarantine()] == refused


def test_rows_are_made_of_a_body(machine):
    machine.plugin("items", WITH_ROWS)
    machine.load_lines("items", machine.pointer(put(1, "a", v="1", tags=["x", "y"])))
    machine.load_lines("items", machine.pointer(put(2, "a", v="2", tags=["z"])))
    assert machine.rows("select tag from items_tags") == [("z",)]


def test_the_whole_item_is_made_of_a_body(machine):
    machine.plugin("items", WITH_ITEM)
    machine.load_lines("items", machine.pointer(put(1, "a", v="1")))
    ((item,),) = machine.rows("select item from items")
    assert machine.of_engine(lambda: item, lambda: json.loads(item))() == {"id": "a", "v": "1"}


def test_a_plugin_that_keeps_every_change_has_those_of_losers_too(machine, reads):
    """They leave a row in `changes`, so they need their bodies."""
    machine.plugin("items", WITH_HISTORY)
    machine.load_lines("items", put(5, "a", v="5"))
    pointers = [machine.pointer(put(n, "a", v=f"{n}")) for n in (3, 4, 7)]
    loaded = machine.load_lines("items", *pointers, put(6, "a", v="6"), delete(8, "a"))
    assert found_of(loaded) == (1, 4, 0, 0)
    versions = machine.rows("select v from versions where not deleted order by _version")
    assert [v for (v,) in versions] == ["3", "4", "5", "6", "7"]
    assert machine.rows("select id from items") == []
    assert len(reads) == 3


def test_an_older_change_without_its_body_is_told_of_where_every_change_is_kept(machine):
    machine.plugin("items", WITH_HISTORY)
    gone = machine.pointer(put(2, "a", v="2"))
    machine.store.delete(body_of(gone))
    loaded = machine.load_lines("items", gone, put(3, "a", v="3"))
    assert found_of(loaded) == (1, 1, 0, 0)
    assert states(machine) == [("superseded", "body")]


def test_a_version_of_a_body_that_the_history_refuses_keeps_no_newer_one_out(machine):
    machine.plugin("items", WITH_HISTORY)
    machine.load_lines("items", put(1, "z", v="z"))
    machine.execute("alter table versions add check (v <> 'bad')")
    lines = [machine.pointer(put(n, "a", v=v)) for n, v in ((2, "2"), (3, "bad"), (4, "4"))]
    assert found_of(machine.load_lines("items", *lines)) == (1, 2, 0, 0)
    assert machine.rows("select v from versions where id = 'a' order by v") == [("2",), ("4",)]
    assert machine.rows("select v from items where id = 'a'") == [("4",)]


def test_a_pointer_that_is_malformed_is_unreadable(machine):
    machine.plugin("items", DECLARED)
    pointer = machine.pointer(put(1, "a", v="1"))
    other = changed(pointer, claim={"object": "Processed/items/1", "bytes": 1, "sha256": "a" * 64})
    loaded = machine.load_lines("items", changed(pointer, claim={}), other, put(2, "b", v="2"))
    assert found_of(loaded) == (1, 0, 0, 2)


def test_bodies_are_held_one_at_a_time(machine):
    machine.plugin("items", DECLARED)
    machine.load_lines("items", put(1, "z", v="z"))

    def peak(count):
        text = "y" * 1_000_000
        lines = [put(2, f"{count} {n}", v="x", filler=text) for n in range(count)]
        name = machine.put("items", *[machine.pointer(line) for line in lines])
        tracemalloc.start()
        machine.load(name)
        _, found = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return found

    assert peak(20) < peak(2) * 1.5


def test_objects_with_many_bodies_are_loaded_in_several_transactions(machine, monkeypatch):
    machine.plugin("items", DECLARED)
    pointers = [machine.pointer(put(2, f"k{n}", v="x" * 100)) for n in range(8)]
    size = decode_line(pointers[0])["claim"]["bytes"]
    monkeypatch.setattr(portions, "BODY_BYTES", 2 * size)
    names = [machine.put("items", pointer) for pointer in pointers]
    commits = []
    machine.before = lambda step: step == "commit" and commits.append(step)
    loaded = machine.load(*names).loaded["items"]
    assert (loaded.objects, loaded.applied, len(commits)) == (8, 8, 4)
    assert machine.store.keys("raw") == []


BOOLEANS = {"L": [{"BOOL": True}] * 199_000}
CONTROLS = {"S": "\x01" * 399_000}


@pytest.mark.parametrize(
    ("word", "value", "query", "expected"),
    [
        ("json", BOOLEANS, ("jsonb_array_length(v)", "json_length(v)"), 199_000),
        ("attribute_type", BOOLEANS, ("v", "v"), "L"),
        ("text", CONTROLS, ("v", "v"), CONTROLS["S"]),
        ("json", CONTROLS, ("v #>> '{}'", "json_unquote(v)"), CONTROLS["S"]),
    ],
)
def test_an_item_of_400_kb_that_is_megabytes_of_json_passes_from_end_to_end(
    machine, word, value, query, expected
):
    """Through capture, transform and load, with both images in the event of the stream."""
    machine.plugin("items", DECLARED.replace('"v": "text"', f'"v": "{word}"'))
    records = []
    for seq, key in enumerate("ab", 1):
        record = change(seq, {"id": {"S": key}}, {"v": value}, table="items")
        record["dynamodb"]["OldImage"] = record["dynamodb"]["NewImage"]
        records.append(record)
    outcome, loaded = carried(machine, *records)
    assert (outcome.failure, outcome.oversize) == (None, 2)
    assert found_of(loaded) == (2, 0, 0, 0)
    found = machine.of_engine(*query)
    assert machine.rows(f"select distinct {found} from items") == [(expected,)]
