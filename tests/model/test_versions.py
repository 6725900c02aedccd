from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dynaurora.errors import LineUnreadable
from dynaurora.model.versions import sequence_digits, stream_of

ARN = "arn:aws:dynamodb:eu-west-1:111122223333:table/{}/stream/{}"
sequences = st.integers(0, 10**40 - 1)
epochs = st.integers(0, 999)
moments = st.datetimes(datetime(1970, 1, 1), datetime(5138, 1, 1))  # noqa: DTZ001 - a label has no zone


def arn(table="orders", label="2026-01-01T00:00:00.000"):
    return ARN.format(table, label)


def version(moment, epoch, sequence):
    label = moment.isoformat(timespec="milliseconds")
    return stream_of(arn(label=label)).version_prefix(epoch) + sequence_digits(str(sequence))


versions = st.tuples(moments, epochs, sequences)


@given(versions, versions)
def test_versions_as_texts_are_in_the_order_of_epoch_label_and_sequence(one, other):
    in_order = [
        (epoch, moment.replace(microsecond=moment.microsecond // 1000 * 1000), sequence)
        for moment, epoch, sequence in (one, other)
    ]
    as_text = [version(*one), version(*other)]
    assert (as_text[0] < as_text[1]) == (in_order[0] < in_order[1])
    assert (int(as_text[0]) < int(as_text[1])) == (in_order[0] < in_order[1])
    assert {len(text) for text in as_text} == {57}


def test_sequence_numbers_are_compared_as_numbers_not_as_text():
    assert sequence_digits("9" * 21) < sequence_digits("1" + "0" * 39)


@pytest.mark.parametrize("text", ["", "12a", "-1", "1.0", " 1", "٣", "²", "1" * 41, "0x1", "1_0"])
def test_what_is_no_sequence_number_makes_the_line_unreadable(text):
    with pytest.raises(LineUnreadable, match="SequenceNumber"):
        sequence_digits(text)


def test_a_stream_is_read_from_its_arn():
    found = stream_of(arn("prod.Orders-v2_x", "2026-05-01T10:20:30.405"))
    moment = datetime(2026, 5, 1, 10, 20, 30, tzinfo=UTC)
    assert found.table == "prod.Orders-v2_x"
    assert (found.account, found.region) == ("111122223333", "eu-west-1")
    assert found.label_ms == int(moment.timestamp()) * 1000 + 405


@pytest.mark.parametrize("partition", ["aws", "aws-cn", "aws-us-gov"])
def test_streams_of_every_partition_are_read(partition):
    assert stream_of(arn().replace("arn:aws:", f"arn:{partition}:")).table == "orders"


@pytest.mark.parametrize(
    ("label", "label_ms"),
    [
        ("1970-01-01T00:00:01", 1000),
        ("1970-01-01T00:00:01Z", 1000),
        ("1970-01-01T00:00:01.5", 1500),
        ("1970-01-01T00:00:01.05", 1050),
        ("1970-01-01T00:00:01.005Z", 1005),
    ],
)
def test_a_label_is_read_to_the_millisecond(label, label_ms):
    assert stream_of(arn(label=label)).label_ms == label_ms


@pytest.mark.parametrize(
    "text",
    [
        "",
        "orders",
        arn().replace("dynamodb", "kinesis"),
        arn().replace("111122223333", "1"),
        arn("a b"),
        arn("ab"),
        arn(label=""),
        arn(label="latest"),
        arn(label="2026-02-30T00:00:00.000"),
        arn(label="1969-12-31T23:59:59.999"),
        arn(label="5138-11-16T09:46:40.000"),
        arn(label="2026-01-01T00:00:00.0000"),
        arn(label="٢٠٢٦-01-01T00:00:00"),
    ],
)
def test_what_is_no_stream_makes_the_line_unreadable(text):
    with pytest.raises(LineUnreadable, match="stream"):
        stream_of(text)
