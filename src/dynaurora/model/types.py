"""Column types, and what each makes of a DynamoDB value: exactly, or ``ValueRefused``.

A type is a portable word (``numeric(12,2)``, ``timestamptz``), not an engine's. Its reader turns an
attribute value into one exact text that every dialect can write; a value that the column cannot
hold exactly is refused here: databases round silently (``1.005`` in ``numeric(5,2)`` is 1.01).
A reader refuses NULL: who calls it writes SQL NULL for it, as for a missing attribute.
"""

import re
from base64 import b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from difflib import get_close_matches
from functools import lru_cache, partial
from typing import Any, Final
from uuid import UUID

import orjson

from dynaurora.errors import ValueRefused
from dynaurora.model.numbers import Number, in_numeric_order, json_number, number

ALIASES: Final[Mapping[str, str]] = {
    "int": "integer",
    "jsonb": "json",
    "bytea": "bytes",
    "varbinary": "bytes",
}
WORDS: Final = (
    "text",
    "integer",
    "bigint",
    "numeric",
    "boolean",
    "timestamptz",
    "epoch",
    "epoch_ms",
    "date",
    "uuid",
    "bytes",
    "json",
    "text[]",
    "numeric[]",
    "bytes[]",
    "attribute_type",
)
_NUMERIC: Final = re.compile(r"numeric\(\s*(\d{1,4})\s*(?:,\s*(\d{1,4})\s*)?\)")
LARGEST_PRECISION: Final = 1000
"""https://www.postgresql.org/docs/15/datatype-numeric.html#DATATYPE-NUMERIC-DECIMAL"""

Text = str | list[str | None]
"""What a reader gives: the exact text of a value, or of each element of an array."""
Reader = Callable[[Mapping[str, Any]], Text]


@dataclass(frozen=True, slots=True)
class ColumnType:
    """A column type. ``precision`` and ``scale`` belong to ``numeric(p,s)`` alone."""

    word: str
    precision: int | None = None
    scale: int = 0

    def __str__(self) -> str:
        if self.precision is None:
            return self.word
        return f"{self.word}({self.precision},{self.scale})"


def column_type(text: str) -> ColumnType | None:
    """Read a type; None where it is no type.

    >>> str(column_type("numeric(12, 2)")), str(column_type("jsonb")), column_type("numric")
    ('numeric(12,2)', 'json', None)
    """
    word = text.strip().lower()
    word = ALIASES.get(word, word)
    if word in WORDS:
        return ColumnType(word)
    match = _NUMERIC.fullmatch(word)
    if match is None:
        return None
    precision, scale = int(match[1]), int(match[2] or "0")
    if not 1 <= precision <= LARGEST_PRECISION or scale > precision:
        return None
    return ColumnType("numeric", precision, scale)


def type_advice(text: str) -> str:
    """What to write in the place of a text that is no type.

    >>> type_advice("decimal(10,2)"), type_advice("varchar(36)"), type_advice("numric")
    ('did you mean "numeric(10,2)"?', 'did you mean "text"?', 'did you mean "numeric"?')
    """
    word, bracket, rest = text.strip().lower().partition("(")
    word = word.strip()
    if word == "numeric":
        return f"it has 1 to {LARGEST_PRECISION} digits, and not more of them after the point"
    known = {**dict.fromkeys(WORDS), **dict.fromkeys(ALIASES), **_OTHER_WORDS}
    close = get_close_matches(word, known, n=1, cutoff=0.6)
    if not close:
        return f"types are {', '.join(WORDS)}"
    found = known[close[0]] or close[0]
    whole = f"{found}{bracket}{rest}"
    return f'did you mean "{found if column_type(whole) is None else whole}"?'


_OTHER_WORDS: Final[Mapping[str, str]] = {
    **dict.fromkeys(["varchar", "char", "character varying", "string", "str", "clob"], "text"),
    **dict.fromkeys(["decimal", "number", "float", "double", "double precision"], "numeric"),
    **dict.fromkeys(["real", "money"], "numeric"),
    **dict.fromkeys(["smallint", "tinyint", "serial"], "integer"),
    **dict.fromkeys(["timestamp", "datetime", "timestamp with time zone", "time"], "timestamptz"),
    **dict.fromkeys(["blob", "binary"], "bytes"),
    **dict.fromkeys(["map", "list", "object", "document"], "json"),
    "bool": "boolean",
    "guid": "uuid",
    "long": "bigint",
}
"""What others call our types."""


def reader(kind: ColumnType) -> Reader:
    """The function that reads an attribute value into a column of this type."""
    if kind.word == "numeric" and kind.precision is not None:
        return partial(_numeric_within, kind.precision, kind.scale)
    return _READERS[kind.word]


def plain_json(value: Mapping[str, Any]) -> bytes:
    """A value as plain JSON: numbers verbatim, sets as sorted arrays, binary as base64."""
    try:
        return orjson.dumps(_plain(value))
    except TypeError:
        raise _refused("text with a lone surrogate", "text that UTF-8 can hold") from None


def plain_json_of_image(image: Mapping[str, Mapping[str, Any]]) -> bytes:
    """A whole image as one plain JSON object."""
    return plain_json({"M": image})


def sorted_set(value: Mapping[str, Any]) -> list[str]:
    """The elements of a set, in one order: DynamoDB keeps none."""
    ((tag, elements),) = value.items()
    if tag == "NS":
        return in_numeric_order(elements)
    if tag == "BS":
        return sorted(elements, key=_bytes)
    return sorted(elements)


def _plain(value: Mapping[str, Any]) -> Any:
    ((tag, content),) = value.items()
    if tag == "M":
        # Most of what is inside is text, which stands for itself, or a number.
        return {
            name: inner["S"]
            if "S" in inner
            else (_plain_number(inner["N"]) if "N" in inner else _plain(inner))
            for name, inner in content.items()
        }
    if tag == "L":
        return [inner["S"] if "S" in inner else _plain(inner) for inner in content]
    if tag == "N":
        return _plain_number(content)
    if tag in ("S", "BOOL", "B"):
        return content
    if tag == "NULL":
        return None
    return _plain_set(tag, content)


def _plain_set(tag: str, content: Any) -> list[Any]:
    if tag == "NS":
        return [_plain_number(text) for text in in_numeric_order(content)]
    if tag in ("SS", "BS"):
        return list(sorted_set({tag: content}))
    raise _refused(f"an attribute of the unknown type {tag[:10]}", "a type of DynamoDB")


@lru_cache(maxsize=4096)  # prices and counts come again and again
def _plain_number(text: str) -> Any:
    # A fragment is written as it stands; a short run of digits is an int, which is faster.
    if (
        len(text) < _INT64_DIGITS
        and text.isascii()
        and text.isdigit()
        and (text[0] != "0" or text == "0")
    ):
        return int(text)
    return orjson.Fragment(json_number(text))


_INT64_DIGITS: Final = 18


def _text(value: Mapping[str, Any]) -> str:
    ((tag, content),) = value.items()
    if tag in ("S", "N"):
        return str(content)
    if tag == "BOOL":
        return "true" if content else "false"
    raise _wrong_type(tag, "text", "S, N or BOOL")


def _number(value: Mapping[str, Any], kind: str) -> Number:
    ((tag, content),) = value.items()
    if tag not in ("N", "S"):
        raise _wrong_type(tag, kind, "N, or S that spells a number")
    try:
        return number(content)
    except ValueRefused:
        raise _refused("text that spells no number", kind) from None


def _numeric(value: Mapping[str, Any]) -> str:
    text = value.get("N")
    if text is not None and len(text) <= _PLAIN_DIGITS and text.isascii() and text.isdigit():
        return str(text)
    return _number(value, "numeric").plain()


_PLAIN_DIGITS: Final = 38


def _numeric_within(precision: int, scale: int, value: Mapping[str, Any]) -> str:
    text = value.get("N")
    if text is not None and text.isascii():
        whole, point, fraction = text.partition(".")
        has_room = len(whole) <= precision - scale and len(fraction) <= scale
        if has_room and whole.isdigit() and (fraction.isdigit() or not point):
            return str(text)
    found = _number(value, f"numeric({precision},{scale})")
    if found.scale > scale or found.integer_digits > precision - scale:
        raise _refused(
            f"a number with {found.integer_digits} digits before the point and {found.scale} after",
            f"numeric({precision},{scale})",
        )
    return found.plain()


def _integer(word: str, bits: int, value: Mapping[str, Any]) -> str:
    text = value.get("N")
    if text is not None and len(text) < _INT32_DIGITS and text.isascii() and text.isdigit():
        return str(text)
    found = _number(value, word)
    limit = 1 << (bits - 1)
    if found.scale or found.integer_digits > _INT64_DIGITS + 1:
        raise _refused("a number with a fraction or too many digits", word)
    if not -limit <= int(found.plain()) < limit:
        raise _refused("a number out of range", word)
    return found.plain()


_INT32_DIGITS: Final = 10

_TRUE: Final = frozenset({"true", "t", "yes", "y", "on", "1"})
_FALSE: Final = frozenset({"false", "f", "no", "n", "off", "0"})


def _boolean(value: Mapping[str, Any]) -> str:
    ((tag, content),) = value.items()
    if tag == "BOOL":
        return "true" if content else "false"
    if tag == "S":
        word = content.strip().lower()
    elif tag == "N":
        word = number(content).plain()
    else:
        raise _wrong_type(tag, "boolean", "BOOL, or S or N that spells one")
    if word in _TRUE:
        return "true"
    if word in _FALSE:
        return "false"
    raise _refused("text or a number that spells no boolean", "true, false, yes, no, 1, 0, …")


_ISO: Final = re.compile(
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.(?P<fraction>\d{1,6})0*)?)?"
    r"(?:Z|[+-]\d\d(?::?\d\d)?)",
    re.ASCII | re.IGNORECASE,
)
_ISO_UTC: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{3}|\.\d{6})?Z", re.ASCII)
_ISO_EXPECTED: Final = "ISO 8601 with a zone and at most 6 decimals, 2024-05-01T12:00:00Z"
_FRACTION: Final = re.compile(r"\.\d+")
_EPOCH_START: Final = datetime(1970, 1, 1, tzinfo=UTC)


def _timestamptz(value: Mapping[str, Any]) -> str:
    text = value.get("S") or _string(value, "timestamptz")
    if _ISO_UTC.fullmatch(text):
        try:
            datetime.fromisoformat(text)
        except ValueError:
            raise _refused("a time that no calendar has", _ISO_EXPECTED) from None
        return str(text)
    match = _ISO.fullmatch(text)
    if match is None:
        raise _refused("text that is no time with a zone", _ISO_EXPECTED)
    if match["fraction"]:
        text = _FRACTION.sub(f".{match['fraction'].ljust(6, '0')}", text)
    try:
        return datetime.fromisoformat(text.upper()).astimezone(UTC).isoformat(" ")
    except (ValueError, OverflowError):
        raise _refused("a time that no calendar has", _ISO_EXPECTED) from None


def _epoch(word: str, microseconds: int, value: Mapping[str, Any]) -> str:
    """Seconds or milliseconds since 1970; the number must be a whole count of microseconds."""
    found = _number(value, word)
    exponent = found.exponent + len(str(microseconds)) - 1
    if exponent < 0 or len(found.digits) + exponent > _INT64_DIGITS:
        raise _refused("a number finer than a microsecond, or out of range", word)
    count = int(found.digits or "0") * 10**exponent * (-1 if found.is_negative else 1)
    try:
        moment = _EPOCH_START + timedelta(microseconds=count)
    except OverflowError:
        raise _refused("a time outside the years 1 to 9999", word) from None
    return moment.isoformat(" ")


_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


def _date(value: Mapping[str, Any]) -> str:
    text = _string(value, "date")
    try:
        if _DATE.fullmatch(text):
            return date.fromisoformat(text).isoformat()
    except ValueError:
        pass
    raise _refused("text that is no date", "yyyy-MM-dd")


_UUID: Final = re.compile(r"[0-9a-fA-F]{8}(?:-?[0-9a-fA-F]{4}){3}-?[0-9a-fA-F]{12}")


def _uuid(value: Mapping[str, Any]) -> str:
    text = _string(value, "uuid")
    if not _UUID.fullmatch(text):
        raise _refused("text that is no UUID", "32 hex digits, with or without hyphens")
    return str(UUID(text))


def _bytes_hex(value: Mapping[str, Any]) -> str:
    ((tag, content),) = value.items()
    if tag != "B":
        raise _wrong_type(tag, "bytes", "B")
    return _bytes(content).hex()


def _json(value: Mapping[str, Any]) -> str:
    if "NULL" in value:
        raise _wrong_type("NULL", "json", "any other")
    return plain_json(value).decode()


def _array(word: str, set_tag: str, element: Reader, value: Mapping[str, Any]) -> list[str | None]:
    ((tag, content),) = value.items()
    if tag == set_tag == "SS":
        return sorted(content)
    if tag == set_tag:
        inner_tag = set_tag[0]
        return [_one(element({inner_tag: text})) for text in sorted_set(value)]
    if tag != "L":
        raise _wrong_type(tag, word, f"{set_tag} or L")
    return [None if "NULL" in inner else _one(element(inner)) for inner in content]


def _one(text: Text) -> str:
    assert isinstance(text, str)  # noqa: S101 - arrays hold scalars
    return text


def _attribute_type(value: Mapping[str, Any]) -> str:
    (tag,) = value
    return str(tag)


def _string(value: Mapping[str, Any], word: str) -> str:
    ((tag, content),) = value.items()
    if tag != "S":
        raise _wrong_type(tag, word, "S")
    return str(content)


def _bytes(text: str) -> bytes:
    try:
        return b64decode(text, validate=True)
    except ValueError:
        raise _refused("binary that is no base64", "base64") from None


def _wrong_type(tag: str, word: str, expected: str) -> ValueRefused:
    return _refused(f"an attribute of type {tag[:10]} for a column of type {word}", expected)


def _refused(found: str, expected: str) -> ValueRefused:
    return ValueRefused("value", found, expected)


_READERS: Final[Mapping[str, Reader]] = {
    "text": _text,
    "integer": partial(_integer, "integer", 32),
    "bigint": partial(_integer, "bigint", 64),
    "numeric": _numeric,
    "boolean": _boolean,
    "timestamptz": _timestamptz,
    "epoch": partial(_epoch, "epoch", 1_000_000),
    "epoch_ms": partial(_epoch, "epoch_ms", 1_000),
    "date": _date,
    "uuid": _uuid,
    "bytes": _bytes_hex,
    "json": _json,
    "text[]": partial(_array, "text[]", "SS", _text),
    "numeric[]": partial(_array, "numeric[]", "NS", _numeric),
    "bytes[]": partial(_array, "bytes[]", "BS", _bytes_hex),
    "attribute_type": _attribute_type,
}
