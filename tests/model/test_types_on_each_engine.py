"""What a reader gives is what the engine holds: copied, read back, compared by value."""

from base64 import b64decode, b64encode
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from uuid import UUID

import pytest
from dynamodb_values import images, numbers, sets, texts
from engine_values import can_hold, held, of_json
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dynaurora.adapters.database import Database
from dynaurora.errors import ValueRefused
from dynaurora.model.types import WORDS, column_type, plain_json_of_image, reader
from dynaurora.ports import RelationColumn
from dynaurora.settings import DatabaseSettings
from dynaurora.sql import postgresql

pytestmark = pytest.mark.each_engine

many_rows = settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


class Columns:
    """Relations of one column; what is copied is read back."""

    def __init__(self, engine):
        self.engine = engine.dialect.engine
        self._connection = engine.connection
        self._dialect = engine.dialect

    def round_trip(self, word, values):
        """What the column holds of each value; values that are refused are left out."""
        kind = column_type(word)
        read, encode = reader(kind), self._dialect.encoder(kind)
        cells = []
        kept = []
        for value in values:
            try:
                text = read(value)
                cells.append(text if encode is None else encode(text))
            except ValueRefused:
                continue
            kept.append(value)
        found = self.copied(self._dialect.sql_type(kind), cells)
        return [(v, held(self.engine, word, f)) for v, f in zip(kept, found, strict=True)]

    def copied(self, sql_type, cells):
        columns = [RelationColumn("_key", "integer"), RelationColumn("v", sql_type)]
        with self._connection.transaction():
            self._connection.execute(self._dialect.create_relation("t", columns))
            block = "".join(f"{number}\t{cell}\n" for number, cell in enumerate(cells)).encode()
            self._connection.copy_in("t", columns, [block])
            return [v for (v,) in self._connection.fetch("select v from t order by _key")]


@pytest.fixture
def columns(server):
    database = Database(DatabaseSettings(url=server.url, secret_arn="", schema="dynaurora"))
    with database.session() as engine:
        yield Columns(engine)
    database.close()


def test_every_type_is_a_type_of_the_engine(columns):
    for word in (*WORDS, "numeric(12,2)"):
        assert columns.round_trip(word, []) == []
    largest = {"postgresql": "numeric(1000,1000)", "mysql": "numeric(65,30)"}
    assert columns.round_trip(largest[columns.engine], []) == []


@many_rows
@given(st.lists(numbers(), max_size=50))
def test_numbers_are_held_exactly(columns, found):
    values = [{"N": text} for text in found]
    for word in ("numeric", "numeric(60,20)", "bigint", "integer", "json", "text"):
        for value, number in columns.round_trip(word, values):
            assert Fraction(number) == Fraction(value["N"])


@many_rows
@given(st.lists(texts, max_size=50))
def test_texts_are_held_exactly(columns, found):
    values = [{"S": text} for text in found]
    for word in ("text", "json"):
        kept = [text for _, text in columns.round_trip(word, values)]
        assert kept == [text for text in found if can_hold(columns.engine, word, text)]


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
        for value, elements in columns.round_trip(word, values):
            assert [*map(_comparable, elements)] == sorted(map(meaning[word], value[tag]))


def _comparable(element):
    return Fraction(element) if isinstance(element, Decimal) else element


def test_an_array_of_a_list_keeps_its_order_and_its_nulls(columns):
    value = {"L": [{"S": "b"}, {"NULL": True}, {"S": "NULL"}, {"S": ""}, {"S": 'a"\\,{}'}]}
    ((_, elements),) = columns.round_trip("text[]", [value])
    assert elements == ["b", None, "NULL", "", 'a"\\,{}']
    value = {"L": [{"N": "1.50"}, {"NULL": True}]}
    ((_, elements),) = columns.round_trip("numeric[]", [value])
    assert elements == [Decimal("1.5"), None]
    value = {"L": [{"B": "AAH/"}, {"NULL": True}]}
    ((_, elements),) = columns.round_trip("bytes[]", [value])
    assert elements == [b"\x00\x01\xff", None]


@many_rows
@given(st.lists(st.binary(), max_size=30))
def test_binary_is_held_exactly(columns, found):
    values = [{"B": b64encode(data).decode()} for data in found]
    assert [data for _, data in columns.round_trip("bytes", values)] == found


def test_times_dates_and_the_rest_are_held_exactly(columns):
    def one(word, value):
        ((_, found),) = columns.round_trip(word, [value])
        return found

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
def test_items_are_held_exactly_as_json(columns, found):
    for image in found:
        text = plain_json_of_image(image).decode()
        meant = of_json(text)
        if can_hold(columns.engine, "json", meant):
            ((_, item),) = columns.round_trip("json", [{"M": image}])
            assert item == meant
        else:
            assert columns.round_trip("json", [{"M": image}]) == []
