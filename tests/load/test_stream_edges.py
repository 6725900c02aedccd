"""What a stream may tell of, from its batch to the rows."""

from decimal import Decimal

import pytest

from support.carrying import carried
from support.items import DECLARED, WITH_HISTORY
from support.streams import change

pytestmark = pytest.mark.each_engine

KEYED = """
    from dynaurora import Table

    items = Table(key=["id", "sort"], columns={"id": "numeric", "sort": "bytes", "v": "text"})
"""
SERVICE = {"type": "Service", "principalId": "dynamodb.amazonaws.com"}


def put(seq, item_id, text, **fields):
    keys = {"id": {"S": item_id}}
    return change(seq, keys, {"v": {"S": text}}, table="items", **fields)


def remove(seq, item_id, **fields):
    return change(seq, {"id": {"S": item_id}}, table="items", **fields)


@pytest.mark.parametrize("operation", ["INSERT", "MODIFY"])
@pytest.mark.parametrize("view", ["KEYS_ONLY", "OLD_IMAGE"])
def test_a_change_without_its_new_image_is_quarantined_and_never_passed_over(
    machine, operation, view
):
    """`deploy` refuses such a stream; somebody may still have made a mapping of one."""
    machine.plugin("items", DECLARED)
    record = change(2, {"id": {"S": "a"}}, table="items", operation=operation)
    record["dynamodb"]["StreamViewType"] = view
    if view == "OLD_IMAGE":
        record["dynamodb"]["OldImage"] = {"id": {"S": "a"}, "v": {"S": "old"}}
    outcome, loaded = carried(machine, put(1, "b", "1"), record)
    assert outcome.failure is None
    assert (loaded.applied, loaded.unreadable) == (1, 1)
    ((_, state, reason, message, _, kept),) = machine.quarantine()
    assert (state, reason) == ("open", "unreadable")
    assert "without an image" in message
    assert b"old" not in kept


def test_a_change_twice_in_a_batch_is_applied_once(machine):
    machine.plugin("items", WITH_HISTORY)
    _, loaded = carried(machine, put(1, "a", "1"), put(1, "a", "1"), put(2, "a", "2"))
    assert (loaded.applied, loaded.superseded) == (1, 2)
    assert machine.rows("select v from versions order by 1") == [("1",), ("2",)]


def test_a_batch_out_of_order_ends_with_the_newest(machine):
    machine.plugin("items", DECLARED)
    carried(machine, put(10, "a", "10"), put(9, "a", "9"), remove(8, "a"))
    assert machine.rows("select v from items") == [("10",)]


def test_a_number_is_one_key_however_the_stream_spells_it_and_bytes_are_bytes(machine):
    machine.plugin("items", KEYED)
    keys = [
        {"id": {"N": number}, "sort": {"B": "AAE="}}
        for number in ("1", "1.0", "1E0", "-12345678901234567890.123456789012345678")
    ]
    for seq, key in enumerate(keys, 1):
        carried(machine, change(seq, key, {"v": {"S": str(seq)}}, table="items"))
    assert machine.rows("select v from items order by v") == [("3",), ("4",)]
    carried(machine, change(9, keys[1], table="items"))
    assert machine.rows("select id, sort from items") == [
        (Decimal("-12345678901234567890.123456789012345678"), b"\x00\x01")
    ]


def test_a_delete_by_time_to_live_is_marked_and_another_is_not(machine):
    machine.plugin("items", WITH_HISTORY)
    carried(machine, put(1, "a", "1"), put(2, "b", "1"))
    carried(machine, remove(3, "a", userIdentity=SERVICE), remove(4, "b"))
    assert machine.rows("select id, expired from versions where deleted order by 1") == [
        ("a", True),
        ("b", False),
    ]
    assert machine.rows("select id from items") == []


def test_a_replicated_delete_of_an_old_global_table_deletes_and_leaves_no_mark(machine):
    """Its first record only sets an attribute of replication, the second removes the item.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/V2globaltables_versions.html
    """
    machine.plugin(
        "items", DECLARED.replace('"v": "text"', '"v": "text", "aws:rep:deleting": "json"')
    )
    deleting = put(2, "a", "1")
    deleting["dynamodb"]["NewImage"]["aws:rep:deleting"] = {"BOOL": True}
    carried(machine, put(1, "a", "1"), deleting)
    assert machine.rows(f"select v, {machine.quoted('aws:rep:deleting')} from items") == [
        ("1", None)
    ]
    carried(machine, remove(3, "a"))
    assert machine.rows("select id from items") == []


def test_an_empty_batch_makes_no_object(machine):
    outcome, loaded = carried(machine)
    assert (outcome.failure, loaded) == (None, None)
