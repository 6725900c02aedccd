import json
from base64 import b64decode

import pytest
from dynamodb_values import images, keys
from hypothesis import given
from hypothesis import strategies as st

from dynaurora.errors import LineUnreadable
from dynaurora.model.lines import (
    decode_line,
    encode_line,
    is_readable,
    raw_line,
    split_lines,
    unreadable_line,
)

ARN = "arn:aws:dynamodb:eu-west-1:111122223333:table/orders/stream/2026-01-01T00:00:00.000"


def change(**fields):
    return {
        "v": 1,
        "table": "orders",
        "stream": ARN,
        "op": "MODIFY",
        "keys": {"id": {"S": "a"}},
        "new": {"id": {"S": "a"}},
        "seq": "1" * 21,
        "at": 1_700_000_000,
        **fields,
    }


@given(keys, images)
def test_a_change_comes_back_as_it_was_written(key, image):
    line = change(keys=key, new=image)
    text = encode_line(line)
    assert b"\n" not in text
    assert is_readable(text)
    assert decode_line(text) == line


def test_a_lone_surrogate_travels_and_is_seen_as_it_is():
    line = change(new={"id": {"S": "\ud83d alone"}})
    text = encode_line(line)
    assert is_readable(text)
    assert decode_line(text)["new"] == {"id": {"S": "\ud83d alone"}}


def test_a_number_is_never_taken_for_a_float():
    digits = "1." + "3" * 37
    text = encode_line(change(new={"n": {"N": digits}}))
    assert decode_line(text)["new"]["n"]["N"] == digits


def test_a_delete_needs_no_image():
    line = change(op="REMOVE", ttl=True)
    del line["new"]
    assert decode_line(encode_line(line)) == line


def test_fields_of_a_later_version_of_the_program_are_let_through():
    assert decode_line(encode_line(change(more=[1])))["more"] == [1]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"v": 2}, "v: an unknown version"),
        ({"v": "1"}, "v: an unknown version"),
        ({"v": None}, "v: an unknown version"),
        ({"table": 1}, "table"),
        ({"stream": None}, "stream"),
        ({"op": "UPSERT"}, "op: it is no operation"),
        ({"op": ["INSERT"]}, "op: it is no operation"),
        ({"keys": []}, "keys"),
        ({"keys": {}}, "keys: it has 0 attributes"),
        ({"keys": {key: {"S": "1"} for key in "abc"}}, "keys: it has 3 attributes"),
        ({"new": None}, "new: MODIFY without an image"),
        ({"new": []}, "new: MODIFY without an image"),
        ({"seq": 1}, "seq"),
        ({"at": "now"}, "at"),
        ({"at": 1.5}, "at"),
    ],
)
def test_a_line_with_a_wrong_field_is_unreadable_and_says_why(fields, said):
    with pytest.raises(LineUnreadable, match=said):
        decode_line(json.dumps(change(**fields)).encode())


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'"text"',
        b"1",
        b"\xff\xfe",
        b"{'v': 1}",
        b'{"v": NaN}',
        b"\x1f\x8b\x08",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"v":1,"at":' + b"9" * 5_000 + b"}",
    ],
)
def test_what_is_no_line_is_unreadable_and_never_another_error(text):
    with pytest.raises(LineUnreadable):
        decode_line(text)
    assert is_readable(text) in (True, False)


@given(st.binary())
def test_any_bytes_are_a_line_or_unreadable(text):
    is_readable(text)
    raw_line(text)
    with pytest.raises(LineUnreadable):
        decode_line(text)


@given(st.binary())
def test_what_the_transform_could_not_read_travels_on_whole(text):
    travelling = unreadable_line(text)
    assert is_readable(travelling)
    assert raw_line(travelling) == text
    assert b64decode(json.loads(travelling)["unreadable"]) == text
    with pytest.raises(LineUnreadable, match="the transform could not read it"):
        decode_line(travelling)


@given(images)
def test_a_line_that_can_be_read_is_its_own_raw_line(image):
    text = encode_line(change(new=image))
    assert raw_line(text) == text


def test_an_unreadable_line_that_was_damaged_is_kept_as_it_is():
    damaged = unreadable_line(b"abc")[:-3]
    assert raw_line(damaged) == damaged
    for text in (b'{"v":1,"unreadable":"***"}', b'{"v":1,"unreadable":"' + b"x" * 9):
        assert raw_line(text) == text


@given(st.lists(st.binary(min_size=1).filter(lambda text: b"\n" not in text)))
def test_lines_are_split_at_newlines_alone(texts):
    assert list(split_lines(b"\n".join(texts))) == texts
    assert list(split_lines(b"".join(text + b"\n\n" for text in texts))) == texts


def test_other_line_separators_stay_inside_a_line():
    line = encode_line(change(new={"s": {"S": "a\u2028b\x85c\x0bd\r"}}))
    assert list(split_lines(line + b"\n")) == [line]
