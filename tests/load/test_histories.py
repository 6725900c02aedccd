"""The histories that broke simpler designs (docs/arbitration.md, section 1), and those of others.

Bugs that other pipelines shipped, as far as they are this part's; the test of each:

| what they did | the test |
|---|---|
| a number decoded to a float, keys too | test_keys_that_differ_in_the_38th_digit_are_two_keys |
| a negative number of 38 digits cut, zero made NaN | test_numbers_arrive_exactly |
| the legal 1E+125 raised | test_numbers_arrive_exactly |
| a failed put logged, the batch checkpointed | tests/capture: test_the_first_change_that_was_not_… |
| only the failed part sent again, after its neighbours | test_what_is_put_again_behind_its_… |
| a change over 1,000 KiB blocked or dropped | tests/capture: test_a_change_too_large_is_never_… |
| an answer over 6 MB lost records | tests/transform: test_every_record_id_is_answered_once_… |
| deletes before upserts within a batch | test_a_put_and_its_delete_in_one_load_leave_nothing |
| a bad record dropped with a warning | test_refusals, all of it |
| binary made NULL, sets made text | test_binary_and_sets_arrive_exactly |
| only the hash key taken as the key | test_the_sort_key_tells_items_apart |
| numeric keys broke the join of keys | test_a_key_of_numbers_and_binary_is_a_key |
| a decimal column rounded | test_a_value_that_would_be_rounded_never_reaches_the_database |
| an insert ignored an existing row | test_an_insert_of_an_existing_key_is_the_newest_state |
| an attribute that is gone kept its value | test_an_attribute_that_is_gone_becomes_null |
| reserved words and odd names broke the SQL | test_reserved_and_odd_names_are_quoted |
| U+0000 and control characters | test_control_characters_arrive_and_u_0000_is_quarantined |
| a poison change blocked its neighbours | test_refusals, test_intake |
| a connection per record | test_intake: test_a_worker_has_one_connection |
| keys with plus, percent and space; s3:TestEvent | test_intake: test_keys_are_decoded_once, … |
| a list that grew over warm invocations | test_a_warm_worker_repeats_nothing |
| json.dumps of Decimal raised | test_numbers_arrive_exactly |
| an exception turned into a returned text | test_intake: test_without_a_database_…_raises |
| the database made anew at each file | test_a_load_leaves_alone_what_it_does_not_name |
"""

import threading
from decimal import Decimal

import pytest

from dynaurora.errors import StreamNotAccepted
from dynaurora.metadata import Metadata
from support.items import DECLARED, WITH_HISTORY, WITH_ROWS, WITH_SUM, delete, put
from support.load import LABEL, line, side_by_side, stream_arn
from support.sql import raising


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
            assert self._go_on.wait(30)


def in_turn(first, second, *, hold_first_at, is_blocked=True):
    """Hold the first load at a step; then the second, until it is done or, if ``is_blocked``, until
    it waits for a lock of the first; then the first goes on.

    first, second: a machine and what it does. Their outcomes.
    """
    (one, load_one), (other, load_other) = first, second
    held = Held(one, hold_first_at)

    def late():
        assert held.reached.wait(30)
        try:
            return load_other()
        finally:
            if not is_blocked:
                held.go_on()

    def let_go():
        assert held.reached.wait(30)
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
    assert rows(machine, "id, v, deleted", "versions") == [
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
        hold_first_at="select pg_advisory_xact_lock_shared",
        is_blocked=False,
    )
    machine.load(name)
    assert rows(machine) == [("a", "2"), ("b", "3")]
    assert machine.rows("select distinct rev from dynaurora.ledger_1") == [(2,)]


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
        hold_first_at="update dynaurora.tables set parked_for = null",
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
        hold_first_at="with winners",
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
    register(machine, stream_arn("items", OLDER), "id-2")
    assert machine.rows("select arn, table_id from dynaurora.streams") == [
        (stream_arn("items", OLDER), "id-2")
    ]
