"""Transform: every recordId is answered once, and no line takes its neighbours with it."""

import json
from base64 import b64decode, b64encode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dynaurora.model.lines import decode_line, raw_line
from dynaurora.transform import ANSWER_BYTES, transform
from support.handlers import TRANSFORM, imported
from support.load import line

GOOD = line("orders", 1, {"id": {"S": "a"}}, {"v": {"S": "1"}})


def record(data, number=1):
    return {"recordId": f"id-{number}", "data": b64encode(data).decode()}


def transformed(data):
    """What becomes of the data of one record."""
    (answer,) = transform([record(data)]).records
    assert answer["result"] == "Ok"
    return b64decode(answer["data"], validate=True)


def test_a_record_ends_in_a_newline():
    assert transformed(GOOD) == GOOD + b"\n"
    assert transformed(GOOD + b"\n") == GOOD + b"\n"


def test_empty_lines_are_left_out():
    assert transformed(b"\n\n" + GOOD + b"\n\n" + GOOD) == (GOOD + b"\n") * 2


@pytest.mark.parametrize(
    "bad",
    [
        b"no json",
        b'{"v":1',
        b"[1]",
        b"\xff\xfe\x00",
        b"NaN",
        b'{"a":Infinity}',
        b"[" * 100_000,
        b'{"v":1,"unreadable":"' + b"x" * 100,
    ],
)
def test_a_line_that_is_no_json_travels_on_whole_and_its_neighbours_as_they_are(bad):
    first, second, third = transformed(GOOD + b"\n" + bad + b"\n" + GOOD).splitlines()
    assert (first, third) == (GOOD, GOOD)
    assert json.loads(second).keys() == {"v", "unreadable"}
    assert raw_line(second) == bad


def test_a_lone_surrogate_is_readable_and_passes_as_it_is():
    text = GOOD.replace(b'"1"}}', b'"a\\ud800b"}}')
    assert transformed(text) == text + b"\n"
    assert decode_line(text)["new"]["v"] == {"S": "a\ud800b"}


def test_a_number_of_any_size_passes_as_it_is():
    text = GOOD.replace(b'"1"}}', b'"1","n":' + b"9" * 60 + b"}}")
    assert transformed(text) == text + b"\n"


@given(st.binary(max_size=200))
def test_nothing_that_a_record_holds_is_lost(data):
    lines = [text for text in data.split(b"\n") if text]
    assert [raw_line(text) for text in transformed(data).split(b"\n")[:-1]] == lines


def test_an_empty_record_is_answered():
    (answer,) = transform([record(b"")]).records
    assert answer == {"recordId": "id-1", "result": "Ok", "data": ""}


@pytest.mark.parametrize("data", ["%%%", "YQ", "é", None, 7])
def test_a_record_that_cannot_be_decoded_fails_alone(data):
    bad = {"recordId": "bad", "data": data}
    found = transform([record(GOOD, 1), bad, record(GOOD, 2)]).records
    assert [(answer["recordId"], answer["result"]) for answer in found] == [
        ("id-1", "Ok"),
        ("bad", "ProcessingFailed"),
        ("id-2", "Ok"),
    ]
    assert "data" not in found[1]


def test_every_record_id_is_answered_once_within_6_mb():
    megabyte = line("orders", 1, {"id": {"S": "a"}}, {"v": {"S": "x" * 1_000_000}}) + b"\n"
    records = [record(megabyte, number) for number in range(8)] + [record(GOOD, 8)]
    found = transform(records).records
    assert [answer["recordId"] for answer in found] == [one["recordId"] for one in records]
    assert len(json.dumps({"records": found})) < ANSWER_BYTES <= 6_000_000
    results = [answer["result"] for answer in found]
    assert results == ["Ok"] * 4 + ["ProcessingFailed"] * 4 + ["Ok"]


def test_many_small_records_stay_within_6_mb_and_none_fails_that_has_room():
    records = [record(b"{}", number) for number in range(20_000)]
    found = transform(records).records
    assert {answer["result"] for answer in found} == {"Ok"}
    assert len(json.dumps({"records": found})) < ANSWER_BYTES


def test_small_records_behind_large_ones_are_answered_within_6_mb():
    records = [record(b"x" * 1_000_000, number) for number in range(4)]
    records += [record(GOOD * 3, number) for number in range(4, 15_000)]
    found = transform(records).records
    assert [answer["recordId"] for answer in found] == [one["recordId"] for one in records]
    assert len(json.dumps({"records": found})) <= ANSWER_BYTES


def test_a_long_record_id_is_counted():
    records = [{**record(GOOD), "recordId": "1" * 3_000} for _ in range(1_900)]
    found = transform(records).records
    assert len(json.dumps({"records": found})) <= ANSWER_BYTES


@given(
    st.lists(st.tuples(st.integers(0, 60_000), st.integers(1, 400)), min_size=1, max_size=200),
    st.sampled_from([b"x", b"x\n", GOOD + b"\n"]),
)
@settings(max_examples=20, deadline=None)
def test_whatever_grows_the_answer_stays_within_6_mb(sizes, piece):
    records = [
        {**record(piece * (size // len(piece))), "recordId": "9" * length} for size, length in sizes
    ]
    found = transform(records).records
    assert [answer["recordId"] for answer in found] == [one["recordId"] for one in records]
    assert len(json.dumps({"records": found})) <= ANSWER_BYTES


def test_bad_lines_that_grow_when_they_are_wrapped_stay_within_6_mb():
    found = transform([record(b"x" * 1_000_000, number) for number in range(4)]).records
    assert len(json.dumps({"records": found})) < ANSWER_BYTES
    assert [answer["result"] for answer in found].count("Ok") == 3


def test_the_handler_answers_and_tells_how_many_failed(monkeypatch, capsys):
    event = {"records": [record(GOOD), {"recordId": "bad", "data": "%"}]}
    answer = imported(TRANSFORM, monkeypatch).lambda_handler(event, None)
    assert [one["result"] for one in answer["records"]] == ["Ok", "ProcessingFailed"]
    said = json.loads(capsys.readouterr().out)
    assert (said["level"], said["records"], said["failed_records"]) == ("error", 2, 1)
