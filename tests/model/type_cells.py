"""The cells of docs/types.md: what becomes of each DynamoDB type in each column type.

Of each cell that holds something, values and what SQL holds of them, read back by the driver; what
is refused of it; and of each DynamoDB type a value for the cells that refuse all of it. ``ONLY``
has what an engine holds that another one refuses.
"""

from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID

WORDS = (
    "text integer bigint numeric numeric(p,s) boolean timestamptz epoch epoch_ms date uuid bytes "
    "json text[] numeric[] bytes[] attribute_type"
).split()
TAGS = "S N B BOOL NULL L M SS NS BS missing".split()
DECLARED = {"numeric(p,s)": "numeric(5,2)"}
"""A word of the document that stands for many types, and one of them."""

AN_UUID = "6F9619FF-8B86-D011-B42D-00C04FC964FF"
MOMENT = datetime(2024, 5, 1, 10, 0, 0, 123456, tzinfo=UTC)
SMALLEST, LARGEST = "1E-130", "9." + "9" * 37 + "E+125"
DIGITS = "-1234567890123456789012345678901234567.8"
NUL, SURROGATE = "a\0b", "\ud83d"
MANY = [f"{number:05}" for number in range(20_000)]


def nested(depth, innermost):
    """Maps and lists by turns, one in the other. DynamoDB allows 32 levels."""
    for level in range(depth):
        innermost = {"M": {"a": innermost}} if level % 2 else {"L": [innermost]}
    return innermost


def plainly_nested(depth, innermost):
    for level in range(depth):
        innermost = {"a": innermost} if level % 2 else [innermost]
    return innermost


def decimals(*texts):
    return [(text, Decimal(text)) for text in texts]


NUMBERS = decimals("0", "-0", "1.50", DIGITS, "9" * 38, "1E-27", "-1.000000000000000000000000001")
EXTREMES = decimals(*[sign + text for text in (SMALLEST, LARGEST) for sign in ("", "-")], "1E-28")
EXTREMES += decimals("1E+38")
TRUE = [(word, True) for word in ("true", "T", "yes", "Y", "on", "1", " True ")]
FALSE = [(word, False) for word in ("false", "F", "no", "N", "OFF", "0")]
EPOCHS = [("1714557600.123456", MOMENT), ("0", datetime(1970, 1, 1, tzinfo=UTC))]

HELD = {
    ("text", "S"): [("größe", "größe"), ("", ""), ("\\N\t\n", "\\N\t\n"), ("x" * 400_000,) * 2],
    ("text", "N"): [(text, text) for text, _ in NUMBERS + EXTREMES],
    ("text", "BOOL"): [(True, "true"), (False, "false")],
    ("integer", "N"): [("2147483647", 2**31 - 1), ("-2147483648", -(2**31)), ("1.0", 1)],
    ("integer", "S"): [("12", 12), ("1.20E+3", 1200)],
    ("bigint", "N"): [("9223372036854775807", 2**63 - 1), ("-9223372036854775808", -(2**63))],
    ("bigint", "S"): [("12", 12)],
    ("numeric", "N"): NUMBERS,
    ("numeric", "S"): NUMBERS,
    ("numeric(p,s)", "N"): [("123.45", Decimal("123.45")), ("-999.99", Decimal("-999.99"))],
    ("numeric(p,s)", "S"): [("0.50", Decimal("0.5"))],
    ("boolean", "BOOL"): [(True, True), (False, False)],
    ("boolean", "S"): [*TRUE, *FALSE],
    ("boolean", "N"): [("1", True), ("0", False), ("1.0", True)],
    ("timestamptz", "S"): [
        ("2024-05-01T12:00:00.123456+02:00", MOMENT),
        ("2024-05-01 10:00:00.1234560Z", MOMENT),
        ("1000-01-01T00:00:00Z", datetime(1000, 1, 1, tzinfo=UTC)),
        ("9999-12-31T23:59:59.999999Z", datetime(9999, 12, 31, 23, 59, 59, 999999, UTC)),
    ],
    ("epoch", "N"): EPOCHS,
    ("epoch", "S"): EPOCHS,
    ("epoch_ms", "N"): [("1714557600123.456", MOMENT)],
    ("epoch_ms", "S"): [("1714557600123.456", MOMENT)],
    ("date", "S"): [("2024-02-29", date(2024, 2, 29)), ("1000-01-01", date(1000, 1, 1))],
    ("uuid", "S"): [(AN_UUID, UUID(AN_UUID)), (AN_UUID.replace("-", ""), UUID(AN_UUID))],
    ("bytes", "B"): [("AAH/", b"\x00\x01\xff"), ("", b"")],
    ("json", "S"): [('a"b\\', 'a"b\\'), ("", ""), ("\\u0000", "\\u0000")],
    ("json", "N"): NUMBERS + EXTREMES,
    ("json", "BOOL"): [(True, True), (False, False)],
    ("json", "B"): [("AAH/", "AAH/"), ("", "")],
    ("json", "L"): [
        ([], []),
        ([{"N": "1"}, {"NULL": True}, {"S": ""}], [1, None, ""]),
        ([nested(31, {"S": "x"})], [plainly_nested(31, "x")]),
    ],
    ("json", "M"): [
        ({}, {}),
        ({"a": {"NULL": True}, "A": {"N": DIGITS}}, {"a": None, "A": Decimal(DIGITS)}),
    ],
    ("json", "SS"): [(["b", "a"], ["a", "b"]), ([], []), (MANY[::-1], MANY)],
    ("json", "NS"): [(["10", "9.0", "-1"], [-1, 9, 10])],
    ("json", "BS"): [(["AQ==", "AA=="], ["AA==", "AQ=="])],
    ("text[]", "SS"): [
        (["b", "a"], ["a", "b"]),
        ([], []),
        (MANY[::-1], MANY),
        (['"{', ""], ["", '"{']),
    ],
    ("text[]", "L"): [
        ([{"S": "b"}, {"NULL": True}, {"N": "1"}, {"BOOL": True}], ["b", None, "1", "true"]),
        ([], []),
    ],
    ("numeric[]", "NS"): [
        (["10", "9.0", SMALLEST], [Decimal(SMALLEST), Decimal(9), Decimal(10)]),
        ([], []),
        (MANY[::-1], [*map(Decimal, MANY)]),
    ],
    ("numeric[]", "L"): [
        ([{"N": "10"}, {"NULL": True}, {"S": "9"}], [Decimal(10), None, Decimal(9)])
    ],
    ("bytes[]", "BS"): [(["AQ==", "AA=="], [b"\x00", b"\x01"]), ([], [])],
    ("bytes[]", "L"): [([{"B": "AQ=="}, {"NULL": True}, {"B": ""}], [b"\x01", None, b""])],
}
"""By column and DynamoDB type: what comes, and what SQL holds."""

REFUSED = {
    ("text", "S"): [SURROGATE],
    ("integer", "N"): ["2147483648", "-2147483649", "1.5", "1E-130"],
    ("integer", "S"): ["", "a", " 1", "NaN", "2147483648"],
    ("bigint", "N"): ["9223372036854775808", "1.5", LARGEST],
    ("bigint", "S"): ["0x1", "1_0"],
    ("numeric", "S"): ["", "NaN", "Infinity", "1 000", "٣"],
    ("numeric(p,s)", "N"): ["1.005", "1000", "0.001"],
    ("numeric(p,s)", "S"): ["1.005", "ten"],
    ("boolean", "S"): ["", "maybe", "2"],
    ("boolean", "N"): ["2", "-1", "0.5"],
    ("timestamptz", "S"): ["2024-05-01T12:00:00", "2024-05-01", "1714557600", "2024-02-30T00:00Z"],
    ("epoch", "N"): ["1714557600.1234567", "-62135596801", "253402300800", LARGEST],
    ("epoch", "S"): ["2024-05-01T12:00:00Z"],
    ("epoch_ms", "N"): ["0.0001", "253402300800000"],
    ("epoch_ms", "S"): [""],
    ("date", "S"): ["2023-02-29", "2024-2-9", "2024-02-29T00:00:00Z"],
    ("uuid", "S"): ["", AN_UUID[:-1], "{" + AN_UUID + "}"],
    ("json", "S"): [SURROGATE],
    ("json", "M"): [{SURROGATE: {"S": ""}}],
    ("text[]", "SS"): [[SURROGATE]],
    ("text[]", "L"): [[{"B": "AA=="}], [{"L": []}]],
    ("numeric[]", "L"): [[{"S": "a"}], [{"BOOL": True}]],
    ("bytes[]", "L"): [[{"S": "AA=="}]],
}
"""What a cell that holds something refuses."""

YEAR_1 = datetime(1, 1, 1, tzinfo=UTC)
ONLY = {
    "postgresql": {
        ("numeric", "N"): EXTREMES,
        ("numeric", "S"): EXTREMES,
        ("timestamptz", "S"): [("0001-01-01T00:00:00Z", YEAR_1)],
        ("epoch", "N"): [("-62135596800", YEAR_1)],
        ("epoch", "S"): [("-62135596800", YEAR_1)],
        ("epoch_ms", "N"): [("-62135596800000", YEAR_1)],
        ("epoch_ms", "S"): [("-62135596800000", YEAR_1)],
        ("date", "S"): [("0001-01-01", date(1, 1, 1)), ("0999-12-31", date(999, 12, 31))],
    },
    "mysql": {
        ("text", "S"): [(NUL, NUL), ("\0", "\0")],
        ("json", "S"): [(NUL, NUL)],
        ("json", "L"): [([{"S": NUL}], [NUL])],
        ("json", "M"): [({NUL: {"S": ""}}, {NUL: ""})],
        ("json", "SS"): [([NUL], [NUL])],
        ("text[]", "SS"): [([NUL], [NUL])],
        ("text[]", "L"): [([{"S": NUL}], [NUL])],
    },
}
"""What one engine holds and every other refuses."""


def held_on(engine, cell):
    """What comes, and what SQL then holds."""
    return HELD.get(cell, []) + ONLY[engine].get(cell, [])


def refused_on(engine, cell):
    others = [found.get(cell, []) for other, found in ONLY.items() if other != engine]
    return REFUSED.get(cell, []) + [content for found in others for content, _ in found]


ANY = {
    "S": "a",
    "N": "1",
    "B": "AA==",
    "BOOL": True,
    "NULL": True,
    "L": [],
    "M": {},
    "SS": ["a"],
    "NS": ["1"],
    "BS": ["AA=="],
}
HELD |= {("attribute_type", tag): [(content, tag)] for tag, content in ANY.items()}
NOTHING = {(word, tag) for word in WORDS for tag in ("NULL", "missing")} - {
    ("attribute_type", "NULL")
}
"""The cells that hold SQL NULL."""
