"""Capture: every change is delivered in order, or told to come again; never a success after an
error."""

import json
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dynaurora.capture import (
    LONGEST_PAUSE_S,
    PUT_BYTES,
    PUT_RECORDS,
    RECORD_BYTES,
    RESERVED_MS,
    Pack,
    _puts,
)
from dynaurora.errors import AwsAway, AwsError, DeliveryFailed, SettingsError
from dynaurora.model.lines import redeemed
from support.embedded import sums
from support.handlers import CAPTURE, Context, environment_of, imported
from support.load import stream_arn
from support.streams import Clock, Streams, captured, change, put, put_of, sequence_numbers

_numbers = count(1)


def test_a_change_is_one_line_of_json_as_it_came():
    streams = Streams()
    keys = {"id": {"S": "a"}, "n": {"N": "-12345678901234567890.123456789012345678"}}
    new = {"b": {"B": "AAE="}, "e": {"N": "1E+125"}, "s": {"NS": ["1", "1.50"]}}
    captured([change(7, keys, new, operation="INSERT")], streams)
    assert streams.lines() == [
        {
            "v": 1,
            "table": "orders",
            "stream": stream_arn("orders"),
            "op": "INSERT",
            "keys": keys,
            "new": {**keys, **new},
            "seq": "7",
            "at": 1_700_000_000,
        }
    ]
    assert streams.taken[0][1].endswith(b"}\n")


def test_an_old_image_is_left_behind_and_a_remove_has_no_image():
    streams = Streams()
    removed = change(8, {"id": {"S": "a"}})
    removed["dynamodb"]["OldImage"] = {"id": {"S": "a"}, "secret": {"S": "old"}}
    captured([removed], streams)
    (line,) = streams.lines()
    assert (line["op"], "new" in line, "ttl" in line) == ("REMOVE", False, False)
    assert b"old" not in streams.taken[0][1]


SERVICE = {"type": "Service", "principalId": "dynamodb.amazonaws.com"}


@pytest.mark.parametrize(
    ("identity", "expired"),
    [
        (SERVICE, True),
        (SERVICE | {"principalId": "other.amazonaws.com"}, None),
        (SERVICE | {"type": "User"}, None),
        (None, None),
        ({}, None),
    ],
)
def test_a_delete_by_time_to_live_says_so_and_no_other(identity, expired):
    streams = Streams()
    captured([change(8, {"id": {"S": "a"}}, userIdentity=identity)], streams)
    assert streams.lines()[0].get("ttl") is expired


@pytest.mark.parametrize(
    "added",
    [
        {"aws:rep:updatetime": {"N": "1"}},
        {"aws:rep:updateregion": {"S": "eu-west-1"}},
        {"aws:rep:deleting": {"BOOL": True}},
        {"aws:rep:updatetime": {"N": "1"}, "aws:rep:updateregion": {"S": "eu-west-1"}},
    ],
)
def test_attributes_of_replication_stay_behind_whichever_are_there(added):
    streams = Streams()
    captured([change(8, {"id": {"S": "a"}}, {"v": {"S": "1"}, **added})], streams)
    assert streams.lines()[0]["new"] == {"id": {"S": "a"}, "v": {"S": "1"}}


def test_an_attribute_of_the_user_s_own_is_none_of_replication():
    streams = Streams()
    captured([change(8, {"id": {"S": "a"}}, {"aws:rep:mine": {"S": "1"}})], streams)
    assert streams.lines()[0]["new"] == {"id": {"S": "a"}, "aws:rep:mine": {"S": "1"}}


def test_a_lone_surrogate_travels_escaped():
    streams = Streams()
    captured([put(1, "a\ud800b")], streams)
    assert b"a\\ud800b" in streams.taken[0][1]


def test_changes_share_a_record_up_to_exactly_1024000_bytes():
    half = RECORD_BYTES // 2
    streams = Streams()
    outcome = captured([put_of(1, half), put_of(2, half)], streams)
    assert [len(data) for _, data in streams.taken] == [1_024_000]
    assert (outcome.changes, outcome.records, outcome.failure) == (2, 1, None)
    streams = Streams()
    captured([put_of(1, half), put_of(2, half + 1)], streams)
    assert [len(data) for _, data in streams.taken] == [half, half + 1]


def test_a_change_of_exactly_1024000_bytes_flows():
    streams = Streams()
    assert captured([put_of(1, RECORD_BYTES)], streams).failure is None
    assert [len(data) for _, data in streams.taken] == [1_024_000]


def test_a_put_has_at_most_4_mib():
    streams = Streams()
    captured([put_of(seq, RECORD_BYTES) for seq in range(10, 19)], streams)
    sizes = [sum(map(len, records)) for _, records in streams.puts]
    assert [len(records) for _, records in streams.puts] == [4, 4, 1]
    assert max(sizes) <= PUT_BYTES == 4_194_304
    assert sequence_numbers(streams.lines()) == list(range(10, 19))


def test_a_put_has_at_most_500_records():
    packs = [Pack("orders", str(number), b"x") for number in range(1_001)]
    assert [len(found) for found in _puts(packs)] == [500, 500, 1]
    assert PUT_RECORDS == 500


@given(
    st.lists(
        st.tuples(st.sampled_from(["orders", "items", "users"]), st.integers(300, 400_000)),
        max_size=30,
    )
)
@settings(max_examples=40, deadline=None)
def test_whatever_is_packed_each_table_gets_its_changes_in_order(changes):
    records = [
        put(seq, "x" * size, table=table) for seq, (table, size) in enumerate(changes, start=100)
    ]
    streams = Streams()
    outcome = captured(records, streams)
    assert (outcome.changes, outcome.failure) == (len(records), None)
    assert all(len(data) <= RECORD_BYTES for _, data in streams.taken)
    assert all(sum(map(len, data)) <= PUT_BYTES for _, data in streams.puts)
    for table in ("orders", "items", "users"):
        expected = [seq for seq, (name, _) in enumerate(changes, start=100) if name == table]
        assert sequence_numbers(streams.lines(table)) == expected


def test_only_what_was_not_taken_is_put_again_in_order_after_a_pause():
    streams = Streams({1, 2}, {0})
    clock = Clock()
    outcome = captured([put_of(seq, RECORD_BYTES) for seq in (10, 11, 12)], streams, clock)
    assert [len(records) for _, records in streams.puts] == [3, 2, 1]
    assert (outcome.failure, outcome.retried) == (None, 3)
    assert sorted(sequence_numbers(streams.lines())) == [10, 11, 12]
    assert len(clock.slept) == 2


def test_pauses_grow_to_a_bound_and_end_with_the_time_left():
    clock = Clock(60_000)
    streams = Streams(*[{0}] * 10_000)
    outcome = captured([put(1)], streams, clock)
    assert isinstance(outcome.failure, DeliveryFailed)
    assert max(clock.slept) <= LONGEST_PAUSE_S
    assert min(clock.slept[:3]) <= 0.8
    assert clock.remaining_ms() >= RESERVED_MS
    assert len(streams.puts) == len(clock.slept) + 1


def test_the_first_change_that_was_not_delivered_is_told_and_nothing_behind_it_is_put():
    clock = Clock(RESERVED_MS)
    streams = Streams({1, 3})
    records = [put_of(seq, RECORD_BYTES) for seq in range(10, 20)]
    outcome = captured(records, streams, clock)
    assert isinstance(outcome.failure, DeliveryFailed)
    assert outcome.failed_sequence_number == "11"
    assert [len(found) for _, found in streams.puts] == [4]
    assert "ServiceUnavailableException" in str(outcome.failure)


def test_a_failed_record_is_told_by_its_first_change():
    streams = Streams({1})
    half = RECORD_BYTES // 2
    records = [put_of(seq, half) for seq in (10, 11, 12, 13)]
    outcome = captured(records, streams, Clock(RESERVED_MS))
    assert outcome.failed_sequence_number == "12"


def test_a_put_whose_outcome_is_unknown_is_put_again():
    streams = Streams(AwsAway("Firehose", "timed out"))
    outcome = captured([put(1), put(2)], streams)
    assert (outcome.failure, outcome.retried) == (None, 1)
    assert sequence_numbers(streams.lines()) == [1, 2]


def test_a_refusal_is_not_tried_again():
    streams = Streams(AwsError("Firehose", "AccessDenied"))
    clock = Clock()
    outcome = captured([put(1), put(2)], streams, clock)
    assert isinstance(outcome.failure, DeliveryFailed)
    assert outcome.failed_sequence_number == "1"
    assert (len(streams.puts), clock.slept) == (1, [])


def test_a_record_that_is_no_change_raises_so_that_lambda_sees_it():
    record = put(1)
    del record["dynamodb"]["Keys"]
    with pytest.raises(KeyError):
        captured([record], Streams())


def test_an_empty_batch_is_no_failure():
    streams = Streams()
    assert captured([], streams).failure is None
    assert streams.puts == []


def test_nothing_is_kept_between_batches():
    first, second = Streams(), Streams()
    captured([put(1), put(2)], first)
    captured([put(3)], second)
    assert sequence_numbers(second.lines()) == [3]


@pytest.fixture
def delivery(aws):
    """A Firehose stream of the emulator; what it has delivered."""
    name = f"capture-handler-{next(_numbers)}"
    s3, firehose = aws.client("s3"), aws.client("firehose")
    s3.create_bucket(Bucket=name)
    firehose.create_delivery_stream(
        DeliveryStreamName=f"{name}-orders",
        ExtendedS3DestinationConfiguration={
            "RoleARN": f"arn:aws:iam::{aws.account}:role/any",
            "BucketARN": f"arn:aws:s3:::{name}",
            "Prefix": "orders/",
        },
    )

    def delivered():
        found = s3.list_objects_v2(Bucket=name).get("Contents", [])
        bodies = [s3.get_object(Bucket=name, Key=one["Key"])["Body"].read() for one in found]
        return [json.loads(text) for body in bodies for text in body.splitlines()]

    yield f"{name}-", delivered
    firehose.delete_delivery_stream(DeliveryStreamName=f"{name}-orders")


def handler(monkeypatch, aws, prefix, **environment):
    return imported(
        CAPTURE,
        monkeypatch,
        **{
            "DYNAURORA_DELIVERY_STREAM_PREFIX": prefix,
            "DYNAURORA_BACKUP_BUCKET": "no-such-bucket",
        }
        | environment_of(aws)
        | environment,
    ).lambda_handler


def test_the_handler_delivers_a_batch_and_reports_no_failure(monkeypatch, aws, delivery, capsys):
    prefix, delivered = delivery
    answer = handler(monkeypatch, aws, prefix)({"Records": [put(1), put(2)]}, Context())
    assert answer == {"batchItemFailures": []}
    assert sequence_numbers(delivered()) == [1, 2]
    said = capsys.readouterr().out
    assert (json.loads(said)["captured"], json.loads(said)["failure"]) == (2, "")
    told = {"captured": 2, "records": 1}
    assert sums(said, Project="dynaurora", Table="orders") == told
    assert sums(said, Project="dynaurora") == told


def test_the_handler_reports_the_first_failure_or_raises_it(monkeypatch, aws, delivery, capsys):
    """Here: the body of a change too large for a record, and no bucket for it."""
    prefix, delivered = delivery
    event = {"Records": [put(1), put_of(2, RECORD_BYTES + 1), put(3)]}
    answer = handler(monkeypatch, aws, prefix)(event, Context())
    assert answer == {"batchItemFailures": [{"itemIdentifier": "2"}]}
    with pytest.raises(DeliveryFailed):
        handler(monkeypatch, aws, prefix, DYNAURORA_STREAM_FAILURES="raise")(event, Context())
    assert set(sequence_numbers(delivered())) == {1}
    said = capsys.readouterr().out
    assert "xxxx" not in said
    assert '"level":"error"' in said
    assert sums(said, Project="dynaurora")["failed_batches"] == 2


def test_the_handler_makes_a_client_of_s3_only_when_it_has_a_body_to_write(
    monkeypatch, aws, delivery
):
    prefix, delivered = delivery
    bucket = f"{prefix}backup"
    aws.client("s3").create_bucket(Bucket=bucket)
    handle = handler(monkeypatch, aws, prefix, DYNAURORA_BACKUP_BUCKET=bucket)
    bodies = handle.__globals__["BODIES"]
    handle({"Records": [put(1)]}, Context())
    assert "_client" not in vars(bodies)
    handle({"Records": [put_of(2, RECORD_BYTES + 1)]}, Context())
    assert "_client" in vars(bodies)
    (pointer,) = [line for line in delivered() if "claim" in line]
    stored = aws.client("s3").get_object(Bucket=bucket, Key=pointer["claim"]["object"])
    assert redeemed(pointer, stored["Body"].read())["seq"] == "2"


def test_a_backup_bucket_that_is_not_set_is_named_when_the_worker_starts(monkeypatch, aws):
    with pytest.raises(SettingsError, match="DYNAURORA_BACKUP_BUCKET"):
        handler(monkeypatch, aws, "any-", DYNAURORA_BACKUP_BUCKET="")


def test_the_handler_never_answers_with_success_where_no_stream_is(monkeypatch, aws):
    answer = handler(monkeypatch, aws, "nowhere-")({"Records": [put(5)]}, Context())
    assert answer == {"batchItemFailures": [{"itemIdentifier": "5"}]}
    with pytest.raises(DeliveryFailed):
        handler(monkeypatch, aws, "nowhere-", DYNAURORA_STREAM_FAILURES="raise")(
            {"Records": [put(5)]}, Context()
        )
