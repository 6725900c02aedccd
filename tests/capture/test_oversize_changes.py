"""The claim check: a change too large for a record is written to S3, and a pointer flows."""

import json

import pytest

from dynaurora.adapters.memory import MemoryObjects
from dynaurora.capture import RECORD_BYTES, RESERVED_MS
from dynaurora.errors import AwsAway, AwsError, DeliveryFailed
from dynaurora.model.events import ObjectName
from dynaurora.model.lines import decode_line, encode_line, redeemed
from support.load import stream_arn
from support.streams import Clock, Streams, captured, change, put, put_of, sequence_numbers

LARGE = {"v": {"L": [{"BOOL": True}] * 100_000}}
KEYS = {"id": {"S": "the-key-itself"}}


class Bodies(MemoryObjects):
    """A bucket. answers: what each write raises, or None; after the last, and with "always" before,
    as the last says."""

    def __init__(self, *answers):
        super().__init__()
        self.writes = 0
        self._answers = list(answers)

    def put(self, name, data):
        self.writes += 1
        answer = self._answers.pop(0) if self._answers else None
        if answer == "always":
            self._answers = ["always", AwsAway("S3", "SlowDown")]
            raise AwsAway("S3", "SlowDown")
        if answer is not None:
            raise answer
        super().put(name, data)

    def bodies(self):
        """What is stored, by key."""
        return {k: self.read(ObjectName("backup", k)).data for k in self.keys("backup")}


def pointers(streams, stream="orders"):
    return [line for line in streams.lines(stream) if "claim" in line]


def test_a_change_one_byte_too_large_leaves_its_body_and_a_pointer_flows_in_its_place():
    streams, bodies = Streams(), Bodies()
    large = put_of(2, RECORD_BYTES + 1)
    outcome = captured([put(1), large, put(3)], streams, bodies=bodies)
    assert (outcome.failure, outcome.oversize, outcome.records) == (None, 1, 1)
    assert sequence_numbers(streams.lines()) == [1, 2, 3]
    (pointer,) = pointers(streams)
    ((key, data),) = bodies.bodies().items()
    assert pointer["claim"]["object"] == key
    assert pointer["claim"]["bytes"] == RECORD_BYTES
    line = redeemed(decode_line(json.dumps(pointer).encode()), data)
    assert line["new"] == large["dynamodb"]["NewImage"]


def test_a_change_of_exactly_1024000_bytes_leaves_no_body():
    streams, bodies = Streams(), Bodies()
    captured([put_of(2, RECORD_BYTES)], streams, bodies=bodies)
    assert (bodies.bodies(), pointers(streams)) == ({}, [])


def test_a_pointer_is_the_line_with_the_claim_in_the_place_of_the_image():
    streams, bodies = Streams(), Bodies()
    captured([change(7, KEYS, LARGE, operation="INSERT")], streams, bodies=bodies)
    (pointer,) = streams.lines()
    claim = pointer.pop("claim")
    assert pointer == {
        "v": 1,
        "table": "orders",
        "stream": stream_arn("orders"),
        "op": "INSERT",
        "keys": KEYS,
        "seq": "7",
        "at": 1_700_000_000,
    }
    assert claim.keys() == {"object", "bytes", "sha256"}
    folder = "Oversize/orders/2023/11/14/"
    assert claim["object"] == f"{folder}7-{claim['sha256']}.json.gz"


def test_the_name_of_a_body_holds_nothing_of_the_item():
    bodies = Bodies()
    captured([change(7, KEYS, LARGE)], Streams(), bodies=bodies)
    assert all("the-key-itself" not in key for key in bodies.bodies())


def test_a_body_is_written_before_its_pointer_is_put():
    bodies = Bodies()

    class Watched(Streams):
        def put(self, stream, records):
            assert len(bodies.bodies()) == 1
            return super().put(stream, records)

    streams = Watched()
    captured([put(1), change(2, KEYS, LARGE)], streams, bodies=bodies)
    assert len(streams.puts) == 1


def test_a_change_that_is_delivered_again_writes_the_same_object():
    streams, bodies = Streams(), Bodies()
    for _ in range(2):
        captured([change(2, KEYS, LARGE)], streams, bodies=bodies)
    assert (bodies.writes, len(bodies.bodies())) == (2, 1)
    first, again = pointers(streams)
    assert first == again


def test_an_image_that_comes_again_in_another_order_keeps_the_body_of_its_first_pointer():
    streams, bodies = Streams(), Bodies()
    for new in ({**LARGE, "w": {"S": "1"}}, {"w": {"S": "1"}, **LARGE}):
        captured([change(2, KEYS, new)], streams, bodies=bodies)
    stored = bodies.bodies()
    lines = [redeemed(p, stored[p["claim"]["object"]]) for p in pointers(streams)]
    assert lines[0] == lines[1]
    assert len(stored) == 2


def test_bodies_of_two_streams_of_a_table_never_meet():
    bodies = Bodies()
    for label in ("2026-01-01T00:00:00.000", "2026-01-01T00:00:00.001"):
        record = change(2, KEYS, LARGE, eventSourceARN=stream_arn("orders", label))
        captured([record], Streams(), bodies=bodies)
    assert len(bodies.bodies()) == 2


def test_a_lone_surrogate_survives_in_a_body():
    streams, bodies = Streams(), Bodies()
    new = {**LARGE, "s": {"S": "a\ud800b"}}
    captured([change(2, KEYS, new)], streams, bodies=bodies)
    (pointer,) = pointers(streams)
    line = redeemed(pointer, bodies.bodies()[pointer["claim"]["object"]])
    assert line["new"]["s"] == {"S": "a\ud800b"}


def test_a_write_whose_outcome_is_unknown_is_done_again_after_a_pause():
    streams, clock = Streams(), Clock()
    bodies = Bodies(AwsAway("S3", "timed out"), AwsAway("S3", "timed out"))
    outcome = captured([change(2, KEYS, LARGE)], streams, clock, bodies)
    assert outcome.failure is None
    assert (bodies.writes, len(clock.slept), len(pointers(streams))) == (3, 2, 1)


def test_a_body_that_is_not_written_fails_its_change_and_what_is_before_it_is_delivered():
    streams, clock = Streams(), Clock(60_000)
    records = [put(1), change(2, KEYS, LARGE), put(3)]
    outcome = captured(records, streams, clock, Bodies("always"))
    assert isinstance(outcome.failure, DeliveryFailed)
    assert outcome.failed_sequence_number == "2"
    assert sequence_numbers(streams.lines()) == [1]
    assert clock.remaining_ms() >= 30_000  # half of it was kept for what is before


def test_the_changes_before_a_body_that_is_not_written_are_put_again_in_the_time_kept():
    streams = Streams({0}, {0}, {0})
    outcome = captured([put(1), change(2, KEYS, LARGE)], streams, Clock(), Bodies("always"))
    assert outcome.failed_sequence_number == "2"
    assert sequence_numbers(streams.lines()) == [1]


def test_a_refusal_to_write_is_not_tried_again_and_says_nothing_of_the_item():
    bodies = Bodies(AwsError("S3", "AccessDenied"))
    outcome = captured([put(1), change(2, KEYS, LARGE)], Streams(), bodies=bodies)
    assert (outcome.failed_sequence_number, bodies.writes) == ("2", 1)
    assert "AccessDenied" in str(outcome.failure)
    assert "the-key-itself" not in str(outcome.failure)


def test_a_failed_delivery_before_a_body_that_is_not_written_is_told_first():
    records = [put(1), change(2, KEYS, LARGE)]
    bodies = Bodies(AwsError("S3", "AccessDenied"))
    outcome = captured(records, Streams({0}), Clock(RESERVED_MS), bodies)
    assert outcome.failed_sequence_number == "1"


@pytest.mark.parametrize(
    "image",
    [
        {"v": {"L": [{"BOOL": True}] * 199_000}},
        {"v": {"S": "\x01" * 399_000}},
        {f"\x01{n:x}": {"NULL": True} for n in range(60_000)},
        {"v": {"L": [{"S": ""}] * 390_000}},
    ],
)
def test_the_widest_images_of_an_item_of_400_kb_pass_with_both_images_in_the_event(image):
    streams, bodies = Streams(), Bodies()
    record = change(2, KEYS, image)
    record["dynamodb"]["OldImage"] = image
    assert captured([record], streams, bodies=bodies).failure is None
    (pointer,) = pointers(streams)
    ((_, data),) = bodies.bodies().items()
    assert len(encode_line(pointer)) < 1_000
    assert len(data) * 5 < pointer["claim"]["bytes"]
    assert redeemed(pointer, data)["new"] == {**KEYS, **image}
