"""A claim names one body; whatever else is found in its place is refused with what is wrong."""

import gzip
import json
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dynaurora.errors import BodyRefused, LineUnreadable
from dynaurora.model.claims import check_claim, claim_to, packed, unpacked
from dynaurora.model.lines import decode_line, encode_line, pointer_to, redeemed

ARN = "arn:aws:dynamodb:eu-west-1:111122223333:table/orders/stream/2026-01-01T00:00:00.000"


def line(**fields):
    return {
        "v": 1,
        "table": "orders",
        "stream": ARN,
        "op": "MODIFY",
        "keys": {"id": {"S": "a"}},
        "new": {"id": {"S": "a"}, "v": {"S": "1"}},
        "seq": "1" * 21,
        "at": 1_700_000_000,
    } | fields


def pointer(body=None, **fields):
    body = encode_line(line()) if body is None else body
    found = pointer_to(line(), claim_to("orders", "1" * 21, 1_700_000_000, body))
    return decode_line(json.dumps(found | fields).encode())


@given(st.binary(max_size=2_000))
def test_a_body_comes_back_as_it_was_packed(body):
    assert unpacked(claim_to("orders", "1", 0, body), packed(body)) == body


def test_a_packed_body_is_gzip_and_always_the_same():
    assert gzip.decompress(packed(b"x" * 9)) == b"x" * 9
    assert packed(b"x" * 9) == packed(b"x" * 9)


def test_a_pointer_gives_back_its_line():
    assert redeemed(pointer(), packed(encode_line(line()))) == line()


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (None, "not in the backup bucket"),
        (b"", "has 0 bytes"),
        (b"no gzip", "no gzip"),
        (packed(b"short"), "has 5 bytes"),
        (packed(encode_line(line()))[:-30], "bytes"),
        (packed(encode_line(line()) + b" "), "more bytes"),
        (packed(encode_line(line(new={"id": {"S": "a"}, "v": {"S": "2"}}))), "SHA-256"),
    ],
)
def test_what_is_not_the_body_is_refused_with_what_it_is(data, found):
    with pytest.raises(BodyRefused, match=found) as refused:
        redeemed(pointer(), data)
    assert refused.value.where.startswith("Oversize/orders/2023/11/14/")


@pytest.mark.parametrize(
    "other",
    [
        {"table": "others"},
        {"stream": ARN + "1"},
        {"op": "INSERT"},
        {"keys": {"id": {"S": "b"}}},
        {"seq": "2" * 21},
        {"at": 1_700_000_001},
        {"ttl": True},
    ],
)
def test_the_body_of_another_change_is_refused(other):
    body = encode_line(line(**other))
    with pytest.raises(BodyRefused, match="another change"):
        redeemed(pointer(body), packed(body))


def test_a_pointer_is_no_body():
    body = encode_line(pointer())
    with pytest.raises(BodyRefused, match="another change"):
        redeemed(pointer(body), packed(body))


def test_a_body_that_is_no_line_is_refused():
    for body in (b"[1]", b"no json", b'{"v":2}'):
        with pytest.raises(BodyRefused):
            redeemed(pointer(body), packed(body))


def test_no_more_is_unpacked_than_the_claim_says():
    bomb = packed(b"\0" * 50_000_000)
    tracemalloc.start()
    with pytest.raises(BodyRefused, match="more bytes"):
        redeemed(pointer(), bomb)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1_000_000


@pytest.mark.parametrize(
    "claim",
    [
        None,
        [],
        {},
        {"object": 1},
        {"object": "Oversize/others/2026/01/01/1"},
        {"object": "Processed/orders/2026/01/01/1"},
        {"object": "Oversize/orders/\0"},
        {"object": "Oversize/orders/" + "x" * 1_024},
        {"bytes": "1"},
        {"bytes": 0},
        {"bytes": -1},
        {"sha256": "A" * 64},
        {"sha256": "a" * 63},
        {"sha256": None},
    ],
)
def test_a_claim_that_names_no_body_of_the_table_is_unreadable(claim):
    good = pointer()["claim"]
    check_claim("orders", good)
    bad = good | claim if isinstance(claim, dict) and claim else claim
    with pytest.raises(LineUnreadable, match="claim"):
        pointer(claim=bad)


@pytest.mark.parametrize("fields", [{"op": "REMOVE"}, {"new": {"id": {"S": "a"}}}])
def test_a_claim_stands_only_in_the_place_of_an_image(fields):
    with pytest.raises(LineUnreadable, match="claim"):
        pointer(**fields)
