import json
from base64 import b64decode
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from dynamodb_values import images, numbers, scalars, sets, texts, values
from hypothesis import assume, given
from hypothesis import strategies as st
from type_cells import AN_UUID, ANY, DECLARED, HELD
from type_cells import WORDS as CELL_WORDS

from dynaurora.errors import ValueRefused
from dynaurora.model.numbers import number
from dynaurora.model.types import (
    WORDS,
    column_type,
    plain_json,
    plain_json_of_image,
    reader,
    sorted_set,
)

REFUSALS = [
    (DECLARED.get(word, word), tag) for word in CELL_WORDS for tag in ANY if (word, tag) not in HELD
]


def read(word, value):
    return reader(column_type(word))(value)


@pytest.mark.parametrize(("word", "tag"), REFUSALS)
def test_a_type_refuses_every_other_dynamodb_type(word, tag):
    with pytest.raises(ValueRefused, match=f"an attribute of type {tag} for a column"):
        read(word, {tag: ANY[tag]})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("text", "text"),
        (" TEXT ", "text"),
        ("int", "integer"),
        ("jsonb", "json"),
        ("bytea", "bytes"),
        ("varbinary", "bytes"),
        ("numeric(12,2)", "numeric(12,2)"),
        ("numeric( 12 , 2 )", "numeric(12,2)"),
        ("numeric(12)", "numeric(12,0)"),
        ("numeric(1000,1000)", "numeric(1000,1000)"),
    ],
)
def test_a_type_is_read(text, expected):
    assert str(column_type(text)) == expected


@pytest.mark.parametrize(
    "text",
    [
        *["", "numric", "text(10)", "numeric(0)", "numeric(2,3)", "numeric(1001)", "varchar"],
        *["numeric(-1)", "numeric(1.5)", "timestamp", "float", "double", "text[][]"],
    ],
)
def test_what_is_no_type_is_none(text):
    assert column_type(text) is None


@given(numbers())
def test_numeric_and_text_keep_a_number_exactly(text):
    assert Fraction(read("numeric", {"N": text})) == Fraction(text)
    assert "e" not in read("numeric", {"N": text}).lower()
    assert read("text", {"N": text}) == text


@given(numbers(), st.integers(1, 60), st.integers(0, 60))
def test_numeric_with_a_scale_keeps_a_number_exactly_or_refuses_it(text, precision, scale):
    assume(scale <= precision)
    found = number(text)
    has_room = found.scale <= scale and found.integer_digits <= precision - scale
    try:
        read_text = read(f"numeric({precision},{scale})", {"N": text})
    except ValueRefused:
        assert not has_room
    else:
        assert has_room
        assert Fraction(read_text) == Fraction(text)


@pytest.mark.parametrize("text", ["1.005", "1000", "0.001", "1E+3", "-999.999", "123456"])
def test_numeric_with_a_scale_never_rounds_or_cuts(text):
    with pytest.raises(ValueRefused, match=r"numeric\(5,2\)"):
        read("numeric(5,2)", {"N": text})


@pytest.mark.parametrize(("word", "bits"), [("integer", 32), ("bigint", 64)])
def test_integers_are_held_to_their_limits(word, bits):
    limit = 2 ** (bits - 1)
    for value in (limit - 1, -limit, 0):
        assert read(word, {"N": str(value)}) == str(value)
    for text in (str(limit), str(-limit - 1), "1.5", "1E+30", "1E-1", "9" * 38):
        with pytest.raises(ValueRefused):
            read(word, {"N": text})
    assert read(word, {"N": "1.20E+3"}) == "1200"


@pytest.mark.parametrize("word", ["integer", "bigint", "numeric", "numeric(5,2)", "epoch"])
@pytest.mark.parametrize("text", ["", "a", "1a", "٣", "²", "1_0", " 1", "NaN", "0x1"])
def test_text_that_spells_no_number_is_refused(word, text):
    for tag in ("S", "N"):
        with pytest.raises(ValueRefused):
            read(word, {tag: text})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-05-01T12:00:00Z", "2024-05-01T12:00:00"),
        ("2024-05-01t12:00:00z", "2024-05-01T12:00:00"),
        ("2024-05-01 12:00Z", "2024-05-01T12:00:00"),
        ("2024-05-01T12:00:00.1Z", "2024-05-01T12:00:00.100000"),
        ("2024-05-01T12:00:00.123Z", "2024-05-01T12:00:00.123000"),
        ("2024-05-01T12:00:00.123456Z", "2024-05-01T12:00:00.123456"),
        ("2024-05-01T12:00:00.1234560000Z", "2024-05-01T12:00:00.123456"),
        ("2024-05-01T12:00:00+05:30", "2024-05-01T06:30:00"),
        ("2024-05-01T12:00:00-0800", "2024-05-01T20:00:00"),
        ("2024-05-01T00:30:00+01", "2024-04-30T23:30:00"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00"),
        ("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999"),
    ],
)
def test_a_time_with_a_zone_is_read_to_the_microsecond(text, expected):
    found = datetime.fromisoformat(read("timestamptz", {"S": text}))
    assert found == datetime.fromisoformat(expected).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2024-05-01T12:00:00",
        "2024-05-01",
        "12:00:00Z",
        "2024-05-01T12:00:00.1234567Z",
        "2024-02-30T12:00:00Z",
        "2024-05-01T24:00:01Z",
        "2024-05-01T12:00:60Z",
        "2024-05-01T12:00:00 Europe/Berlin",
        "2024-05-01T12:00:00+99:00",
        "0001-01-01T00:00:00+01:00",
        "٢٠٢٤-05-01T12:00:00Z",
        "20240501T120000Z",
        "1714557600",
        "2024-05-01T12:00:00Z\n",
    ],
)
def test_a_time_that_is_not_exact_is_refused(text):
    with pytest.raises(ValueRefused):
        read("timestamptz", {"S": text})


@given(st.datetimes(timezones=st.timezones() | st.just(UTC)))
def test_every_time_in_iso_form_keeps_its_moment(moment):
    offset = moment.utcoffset() or timedelta()
    assume(offset.total_seconds() % 60 == 0)
    try:
        expected = moment.astimezone(UTC)
    except OverflowError:
        return
    assert datetime.fromisoformat(read("timestamptz", {"S": moment.isoformat()})) == expected


@given(st.datetimes(timezones=st.just(UTC)))
def test_seconds_and_milliseconds_since_1970_keep_their_moment(moment):
    count = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    for word, places in (("epoch", 6), ("epoch_ms", 3)):
        text = str(Decimal(count).scaleb(-places))
        assert datetime.fromisoformat(read(word, {"N": text})) == moment


@pytest.mark.parametrize(
    "text", ["1714557600.1234567", "1E-7", "1E+15", "-62135596801", "253402300800", "9" * 38]
)
def test_a_time_finer_than_a_microsecond_or_outside_the_calendar_is_refused(text):
    with pytest.raises(ValueRefused):
        read("epoch", {"N": text})


@pytest.mark.parametrize("text", ["2024-2-29", "2023-02-29", "20240229", "2024-02-29T00:00", ""])
def test_a_date_that_is_not_exact_is_refused(text):
    with pytest.raises(ValueRefused):
        read("date", {"S": text})


@pytest.mark.parametrize("text", ["", "x", AN_UUID[:-1], AN_UUID + "0", "{" + AN_UUID + "}"])
def test_text_that_is_no_uuid_is_refused(text):
    with pytest.raises(ValueRefused):
        read("uuid", {"S": text})


def test_an_uuid_without_hyphens_is_read():
    assert read("uuid", {"S": AN_UUID.replace("-", "")}) == AN_UUID.lower()


@pytest.mark.parametrize("content", ["", "maybe", "2", "10", "nein"])
def test_text_that_spells_no_boolean_is_refused(content):
    with pytest.raises(ValueRefused):
        read("boolean", {"S": content})


@pytest.mark.parametrize("text", ["2", "-1", "0.5", "abc"])
def test_a_number_that_is_no_boolean_is_refused(text):
    with pytest.raises(ValueRefused):
        read("boolean", {"N": text})


def test_binary_that_is_no_base64_is_refused():
    for word in ("bytes", "bytes[]"):
        content = "no base64!" if word == "bytes" else ["no base64!"]
        tag = "B" if word == "bytes" else "BS"
        with pytest.raises(ValueRefused):
            read(word, {tag: content})


@pytest.mark.parametrize("word", ["text[]", "numeric[]", "bytes[]"])
@pytest.mark.parametrize("inner", [{"L": []}, {"M": {}}, {"SS": ["a"]}, {"BOOL": 1, "S": 2}])
def test_an_array_holds_scalars_alone(word, inner):
    with pytest.raises((ValueRefused, ValueError)):
        read(word, {"L": [inner]})


@given(scalars | sets | values)
def test_a_type_reads_any_value_or_refuses_it(value):
    for word in (*WORDS, "numeric(5,2)"):
        try:
            found = read(word, value)
        except ValueRefused:
            continue
        assert isinstance(found, str | list)


@given(sets)
def test_a_set_has_one_order_however_it_came(value):
    ((tag, elements),) = value.items()
    backwards = {tag: list(reversed(elements))}
    ordered, other = sorted_set(value), sorted_set(backwards)
    assert sorted(ordered) == sorted(elements)
    if tag != "NS":  # equal numbers in two spellings keep the order in which they came
        assert ordered == other


MEANING = {
    "N": Fraction,
    "NULL": lambda _: None,
    "M": lambda content: {name: plain(inner) for name, inner in content.items()},
    "L": lambda content: [plain(inner) for inner in content],
    "NS": lambda content: sorted(map(Fraction, content)),
    "BS": lambda content: sorted(content, key=b64decode),
    "SS": sorted,
}


def plain(value):
    """What JSON should say, by another road: fractions for numbers."""
    ((tag, content),) = value.items()
    return MEANING.get(tag, lambda found: found)(content)


def loaded(text):
    return json.loads(text, parse_float=Fraction, parse_int=Fraction)


@given(values)
def test_json_has_every_value_exactly(value):
    assert loaded(plain_json(value)) == plain(value)


@given(images)
def test_the_json_of_an_item_has_every_attribute(image):
    assert loaded(plain_json_of_image(image)) == {name: plain(v) for name, v in image.items()}


def test_json_keeps_38_digits_as_they_were_spelt():
    text = "-1234567890123456789012345678901234567.8"
    assert plain_json({"L": [{"N": text}]}) == f"[{text}]".encode()


def test_a_lone_surrogate_is_refused_by_json():
    with pytest.raises(ValueRefused, match="surrogate"):
        plain_json({"S": "\ud83d"})
    with pytest.raises(ValueRefused, match="surrogate"):
        plain_json_of_image({"\ud83d": {"S": "a"}})


def test_an_unknown_type_of_a_later_dynamodb_is_refused():
    for word in ("json", "text", "numeric"):
        with pytest.raises(ValueRefused):
            read(word, {"X": "new"})


@given(texts.map(lambda text: f"a secret: {text}"))
def test_what_is_refused_is_told_without_its_value(text):
    with pytest.raises(ValueRefused) as caught:
        read("uuid", {"S": text})
    assert text not in str(caught.value)
