"""What an engine's driver gives, as one value of Python for all of them; and what it cannot hold.

MySQL has no arrays, no UUIDs and no booleans of its own, and documents are texts there: exact ones.
"""

import json
from decimal import Decimal
from fractions import Fraction
from uuid import UUID

ENGINES = ("postgresql", "mysql")


def of_json(text):
    """A document without any rounding."""
    return json.loads(text, parse_int=Decimal, parse_float=Decimal)


def of_hex(text):
    return [None if found is None else bytes.fromhex(found) for found in json.loads(text)]


READ = {
    "postgresql": {},
    "mysql": {
        "boolean": {0: False, 1: True}.__getitem__,
        "uuid": UUID,
        "json": of_json,
        "text[]": of_json,
        "numeric[]": of_json,
        "bytes[]": of_hex,
    },
}


def held(engine, word, value):
    """What a column of this type holds."""
    read = READ[engine].get(word)
    return value if read is None or value is None else read(value)


def can_hold(engine, word, value):
    """Whether an engine has room for a value that the type allows."""
    if engine == "postgresql":
        return not has_nul(value)
    if word == "numeric":
        number = abs(Fraction(value))
        return number < 10**38 and (number * 10**27).denominator == 1
    is_time = word in ("timestamptz", "epoch", "epoch_ms", "date")
    return not is_time or value.year >= 1000


def has_nul(value):
    if isinstance(value, dict):
        return any("\0" in name or has_nul(inner) for name, inner in value.items())
    if isinstance(value, list):
        return any(map(has_nul, value))
    return isinstance(value, str) and "\0" in value
