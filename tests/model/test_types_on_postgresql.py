"""What a reader gives is what PostgreSQL holds: written with COPY, read back, compared by value."""

import json
from base64 import b64decode
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from uuid import UUID

import psycopg
import pytest
from dynamodb_values import images, numbers, sets, texts
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dynaurora.errors import ValueRefused
from dynaurora.model.types import WORDS, column_type, plain_json_of_image, reader
from dynaurora.sql import postgresql

many_rows = settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


class Columns:
    """Tables of one column; what is written is read back."""

    def __init__(self, connection):
        self.connection = connection
        psycopg.types.json.set_json_loads(
            lambda text: json.loads(text, parse_float=Fraction, parse_int=Fraction), connection
        )

    def round_trip(self, word, values):
        """What the column holds of each value; values that are refused are left out."""
        kind = column_type(word)
        read, encode = reader(kind), postgresql.encoder(kind)
        rows = []
        kept = []
        for value in values:
            try:
                text = read(value)
                rows.append(text if encode is None else encode(text))
            except ValueRefused:
                continue
            kept.append(value)
        sql_type = postgresql.sql_type(kind)
        with self.connection.transaction(force_rollback=True):
            self.connection.execute(f"create temporary table t (n serial, v {sql_type})")
            with self.connection.cursor().copy("copy t (v) from stdin") as copy:
                copy.write("".join(row + "\n" for row in rows))
            found = self.connection.execute("select v from t order by n").fetchall()
        return [(value, row[0]) for value, row in zip(kept, found, strict=True)]


@pytest.fixture
def columns(database_url):
    with psycopg.connect(database_url) as connection:
        connection.execute("set time zone 'UTC'")
        yield Columns(connection)


def test_every_type_is_a_type_of_the_engine(columns):
    for word in (*WORDS, "numeric(12,2)", "numeric(1000,1000)"):
        assert columns.round_trip(word, []) == []


@many_rows
@given(st.lists(numbers(), max_size=50))
def test_numbers_are_held_exactly(columns, found):
    values = [{"N": text} for text in found]
    for word in ("numeric", "numeric(60,20)", "bigint", "integer", "json", "text"):
        for value, held in columns.round_trip(word, values):
            assert Fraction(held) == Fraction(value["N"])


@many_rows
@given(st.lists(texts, max_size=50))
def test_texts_are_held_exactly(columns, found):
    values = [{"S": text} for text in found]
    for word in ("text", "json"):
        kept = columns.round_trip(word, values)
        assert [held for _, held in kept] == [text for text in found if "\0" not in text]


@pytest.mark.parametrize(
    "text",
    [
        *["", "\\N", "\\", "\\.", "\t", "\n", "\r\n", "\x7f", "\x01", "{}", '"', "'", "NULL"],
        *["\\u0000", "\\\\u0000", "a\\", "😀", "\ufeff", "\x85", "\u2028"],
    ],
)
def test_texts_that_copy_could_take_for_something_else_are_held_exactly(columns, text):
    for word in ("text", "json"):
        assert columns.round_trip(word, [{"S": text}]) == [({"S": text}, text)]
    for word, value in (("text[]", {"SS": [text]}), ("json", {"L": [{"S": text}]})):
        assert columns.round_trip(word, [value]) == [(value, [text])]


@pytest.mark.parametrize("value", [{"S": "a\0b"}, {"SS": ["a\0b"]}, {"M": {"\0": {"S": ""}}}])
def test_a_text_that_postgresql_cannot_hold_is_refused_before_it_gets_there(value):
    for word in ("text", "json", "text[]"):
        kind = column_type(word)
        with pytest.raises(ValueRefused):
            postgresql.encoder(kind)(reader(kind)(value))


@many_rows
@given(st.lists(sets, max_size=30))
def test_sets_are_held_as_sorted_arrays(columns, found):
    by_tag = {"text[]": "SS", "numeric[]": "NS", "bytes[]": "BS"}
    meaning = {"text[]": str, "numeric[]": Fraction, "bytes[]": b64decode}
    for word, tag in by_tag.items():
        values = [value for value in found if tag in value]
        for value, held in columns.round_trip(word, values):
            assert [*map(_comparable, held)] == sorted(map(meaning[word], value[tag]))


def _comparable(held):
    return Fraction(held) if isinstance(held, Decimal) else held


def test_an_array_of_a_list_keeps_its_order_and_its_nulls(columns):
    value = {"L": [{"S": "b"}, {"NULL": True}, {"S": "NULL"}, {"S": ""}, {"S": 'a"\\,{}'}]}
    ((_, held),) = columns.round_trip("text[]", [value])
    assert held == ["b", None, "NULL", "", 'a"\\,{}']
    value = {"L": [{"N": "1.50"}, {"NULL": True}]}
    ((_, held),) = columns.round_trip("numeric[]", [value])
    assert held == [Decimal("1.5"), None]
    value = {"L": [{"B": "AAH/"}, {"NULL": True}]}
    ((_, held),) = columns.round_trip("bytes[]", [value])
    assert held == [b"\x00\x01\xff", None]


@many_rows
@given(st.lists(st.binary(), max_size=30))
def test_binary_is_held_exactly(columns, found):
    from base64 import b64encode

    values = [{"B": b64encode(data).decode()} for data in found]
    assert [held for _, held in columns.round_trip("bytes", values)] == found


def test_times_dates_and_the_rest_are_held_exactly(columns):
    def one(word, value):
        ((_, held),) = columns.round_trip(word, [value])
        return held

    moment = datetime.fromisoformat("2024-05-01T10:00:00.123456+00:00")
    assert one("timestamptz", {"S": "2024-05-01T12:00:00.123456+02:00"}) == moment
    assert one("timestamptz", {"S": "2024-05-01T10:00:00.123456Z"}) == moment
    assert one("epoch", {"N": "1714557600.123456"}) == moment
    assert one("epoch_ms", {"N": "1714557600123.456"}) == moment
    assert one("date", {"S": "2024-02-29"}).isoformat() == "2024-02-29"
    assert one("uuid", {"S": "6f9619ff8b86d011b42d00c04fc964ff"}) == UUID(
        "6f9619ff-8b86-d011-b42d-00c04fc964ff"
    )
    assert one("boolean", {"BOOL": True}) is True
    assert one("attribute_type", {"NULL": True}) == "NULL"


@many_rows
@given(st.lists(images, max_size=5))
def test_items_are_held_exactly_as_jsonb(columns, found):
    for image in found:
        text = plain_json_of_image(image).decode()
        try:
            cell = postgresql.encoded_json(text)
        except ValueRefused:
            assert "\\u0000" in text
            continue
        with columns.connection.transaction(force_rollback=True):
            columns.connection.execute("create temporary table t (v jsonb)")
            with columns.connection.cursor().copy("copy t (v) from stdin") as copy:
                copy.write(cell + "\n")
            ((held,),) = columns.connection.execute("select v from t").fetchall()
        assert held == json.loads(text, parse_float=Fraction, parse_int=Fraction)
