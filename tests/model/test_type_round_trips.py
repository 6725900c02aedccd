"""All legal values of DynamoDB, through a real load into each type of column, and read back.

What a value means is said beside it when it is made, from values of Python and by no code of ours:
so no reader can agree with itself.
"""

from base64 import b64decode
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from itertools import count

import pytest
from dynamodb_values import binaries, names, numbers, scalars, texts, values
from engine_values import can_hold, held
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from type_cells import DECLARED, HELD, NOTHING, WORDS, nested

from support.load import line

REFUSED = "refused"
COLUMNS = {word: f"c{number}" for number, word in enumerate(WORDS)}
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LEAST_ROWS, MOST_ROWS = 10, 40
many_loads = settings(
    max_examples=10,
    phases=[
        Phase.reuse,
        Phase.generate,
    ],  # a row is small as it is, and to shrink a load takes long
    deadline=None,
    suppress_health_check=[*HealthCheck],
)


def whole(bits):
    def held(spelled):
        number = Fraction(spelled)
        is_held = number.denominator == 1 and -(2 ** (bits - 1)) <= number < 2 ** (bits - 1)
        return int(number) if is_held else REFUSED

    return held


def within(precision, scale):
    def held(spelled):
        number = Fraction(spelled)
        is_exact = (number * 10**scale).denominator == 1
        return number if is_exact and abs(number) < 10 ** (precision - scale) else REFUSED

    return held


def plain(value):
    """What JSON means by it: numbers as fractions."""
    ((tag, content),) = value.items()
    if tag == "M":
        return {name: plain(inner) for name, inner in content.items()}
    if tag == "L":
        return [plain(inner) for inner in content]
    if tag in ("SS", "NS", "BS"):
        return elements(tag, content, {"SS": str, "NS": Fraction, "BS": str}[tag])
    return {"N": Fraction, "NULL": lambda _: None}.get(tag, lambda found: found)(content)


def elements(tag, content, meaning):
    order = {"SS": str, "NS": Fraction, "BS": b64decode}[tag]
    return [meaning(found) for found in sorted(content, key=order)]


def as_json(value):
    return value, plain(value)


def tagged(strategy, tag, held):
    return strategy.map(lambda found: ({tag: found}, held(found)))


def either(strategy, held):
    """A number as N, or as S that spells it."""
    return tagged(strategy, "N", held) | tagged(strategy, "S", held)


def array(element, tag, meaning):
    """A set of these, or a list of these and NULLs."""
    inner = {"SS": "S", "NS": "N", "BS": "B"}[tag]
    unique = st.lists(element, min_size=1, max_size=30, unique_by=meaning)
    mixed = st.lists(element | st.none(), max_size=30)

    def of_list(found):
        said = [{"NULL": True} if each is None else {inner: each} for each in found]
        return {"L": said}, [None if each is None else meaning(each) for each in found]

    def of_set(found):
        return {tag: found}, elements(tag, found, meaning)

    return unique.map(of_set) | mixed.map(of_list)


small = st.decimals(-2000, 2000, places=3).map(lambda found: f"{found:f}")
integers = st.integers(-(2**70), 2**70) | st.integers(-(2**33), 2**33)
spelled_integers = integers.map(str) | integers.map(lambda found: f"{found}.00")
offsets = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
naive = st.datetimes(datetime(2, 1, 1), datetime(9998, 12, 31))  # noqa: DTZ001 - given one next
moments = st.builds(lambda at, zone: at.replace(tzinfo=zone), naive, offsets)
microseconds = st.integers(-62_135_596_800_000_000, 253_402_300_799_999_999)
spellings_of_true = st.sampled_from(["true", "t", "yes", "y", "on", "1"])
spellings_of_false = st.sampled_from(["false", "f", "no", "n", "off", "0"])


def of_epoch(places):
    held = microseconds.map(lambda found: (found, EPOCH + timedelta(microseconds=found)))
    return held.flatmap(
        lambda found: either(st.just(f"{Decimal(found[0]).scaleb(-places):f}"), lambda _: found[1])
    )


def lossless(strategy, spell, tag="S"):
    """Values of Python in one of their spellings."""
    return strategy.flatmap(
        lambda found: st.sampled_from([({tag: text}, found) for text in spell(found)])
    )


TYPED = {
    "text": tagged(texts, "S", str)
    | tagged(numbers(), "N", str)
    | tagged(st.booleans(), "BOOL", lambda found: str(found).lower()),
    "integer": either(spelled_integers | numbers(), whole(32)),
    "bigint": either(spelled_integers | numbers(), whole(64)),
    "numeric": either(numbers() | small, Fraction),
    "numeric(p,s)": either(numbers() | small, within(5, 2)),
    "boolean": tagged(st.booleans(), "BOOL", bool)
    | tagged(spellings_of_true.map(str.title), "S", lambda _: True)
    | tagged(spellings_of_false.map(str.upper), "S", lambda _: False),
    "timestamptz": lossless(
        moments, lambda at: [at.isoformat(), at.isoformat(" "), at.isoformat().replace("T", "t")]
    ),
    "epoch": of_epoch(6),
    "epoch_ms": of_epoch(3),
    "date": lossless(st.dates(), lambda day: [day.isoformat()]),
    "uuid": lossless(st.uuids(), lambda found: [str(found), found.hex, str(found).upper()]),
    "bytes": tagged(binaries, "B", b64decode),
    "json": (values | st.integers(0, 31).map(lambda depth: nested(depth, {"S": "x"})))
    .map(lambda found: {"L": [found]} if "NULL" in found else found)
    .map(as_json),
    "text[]": array(texts, "SS", str),
    "numeric[]": array(numbers(), "NS", Fraction),
    "bytes[]": array(binaries, "BS", b64decode),
    "attribute_type": values.map(lambda found: (found, *found)),
}


BY_TAG = {
    "S": texts,
    "N": numbers(),
    "B": binaries,
    "BOOL": st.booleans(),
    "NULL": st.just(value=True),
    "L": st.lists(scalars, max_size=4),
    "M": st.dictionaries(names, scalars, max_size=4),
    "SS": st.lists(texts, min_size=1, max_size=4, unique=True),
    "NS": st.lists(numbers(), min_size=1, max_size=4, unique_by=Fraction),
    "BS": st.lists(binaries, min_size=1, max_size=4, unique=True),
}


def of_another_type(word):
    """Values that the cells refuse; for NULL, and where there is nothing, SQL NULL."""
    others = [st.just((None, None))]
    for tag, strategy in BY_TAG.items():
        if (word, tag) not in HELD:
            held = None if (word, tag) in NOTHING else REFUSED
            others.append(tagged(strategy, tag, lambda _, held=held: held))
    return st.one_of(others)


def rows(word):
    """Values for a column (None: missing), and what it holds of each."""
    found = st.one_of(TYPED[word], TYPED[word], of_another_type(word))
    return st.lists(found, min_size=LEAST_ROWS, max_size=MOST_ROWS)


def exact(value):
    """Comparable without any rounding, and without taking True for 1."""
    if isinstance(value, bool):
        return ("boolean", value)
    if isinstance(value, int | Decimal | Fraction):
        return Fraction(value)
    if isinstance(value, list):
        return [exact(inner) for inner in value]
    if isinstance(value, dict):
        return {name: exact(inner) for name, inner in value.items()}
    return value


class Types:
    """An SQL table with a column of every type."""

    def __init__(self, machine):
        self._machine = machine
        self._numbers = count(1)
        columns = {"id": "text"} | {c: DECLARED.get(word, word) for word, c in COLUMNS.items()}
        head = "from dynaurora import Table\n"
        machine.plugin("types", f'{head}types = Table(key="id", columns={columns!r})\n')

    @property
    def engine(self):
        return self._machine.server.engine

    def loaded(self, word, found):
        """What a column of this type holds of each value, in a row of its own, after one load of
        all; ``REFUSED`` where there is no row."""
        column = COLUMNS[word]
        values = {str(next(self._numbers)): value for value in found}
        lines = [
            line(
                "types",
                10**21 + int(key),
                {"id": {"S": key}},
                {} if value is None else {column: value},
            )
            for key, value in values.items()
        ]
        self._machine.load_lines("types", *lines)
        ids = ", ".join(f"'{key}'" for key in values)
        rows = dict(self._machine.rows(f"select id, {column} from types where id in ({ids})"))
        return [held(self.engine, word, rows[key]) if key in rows else REFUSED for key in values]

    def expected(self, word, value):
        """What it should hold: the value itself where the engine has room for it."""
        if value is None or value == REFUSED or can_hold(self.engine, word, value):
            return exact(value)
        return REFUSED


@pytest.fixture
def types(machine):
    return Types(machine)


@pytest.mark.each_engine
@pytest.mark.parametrize("word", WORDS)
def test_every_legal_value_is_held_exactly_or_refused(types, word):
    @many_loads
    @given(rows(word))
    def hold(found):
        values = [value for value, _ in found]
        told = list(zip(values, map(exact, types.loaded(word, values)), strict=True))
        assert told == [(value, types.expected(word, meant)) for value, meant in found]

    hold()


def test_every_type_has_values_of_its_own():
    assert list(TYPED) == WORDS
