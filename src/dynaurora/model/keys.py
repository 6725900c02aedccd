"""The key of an item as 16 bytes, the same for every spelling of the same key.

BLAKE2b over the key attributes in the order of their names, each as three length-prefixed parts:
name, type tag, canonical value. Numbers are canonical (``1``, ``1.0`` and ``1E0`` are one key to
DynamoDB), binary is decoded; the length prefix keeps ("ab", "c") and ("a", "bc") apart.
"""

from base64 import b64decode
from collections.abc import Mapping
from functools import lru_cache
from hashlib import blake2b
from typing import Any, Final

from dynaurora.errors import LineUnreadable, ValueRefused
from dynaurora.model.numbers import number

KEY_BYTES: Final = 16


def key_of(keys: Mapping[str, Any]) -> bytes:
    """The 16 bytes of a key.

    keys: ``Keys`` of a change: one or two attributes, each ``{"S" | "N" | "B": text}``.
    """
    if len(keys) == 1:
        (name,) = keys
        parts = _parts(name, keys[name])
    else:
        parts = b"".join([_parts(name, keys[name]) for name in sorted(keys)])
    return blake2b(parts, digest_size=KEY_BYTES).digest()


def _parts(name: str, value: object) -> bytes:
    if not isinstance(value, dict) or len(value) != 1:
        raise _unreadable(name)
    ((tag, text),) = value.items()
    if not isinstance(text, str):
        raise _unreadable(name)
    if tag == "S":
        content = _utf8(name, text)
    elif tag == "N":
        content = _canonical(name, text)
    elif tag == "B":
        content = _binary(name, text)
    else:
        raise _unreadable(name)
    return b"%b%d:%b" % (_head(name, tag), len(content), content)


@lru_cache(maxsize=256)  # a table has one or two key attributes
def _head(name: str, tag: str) -> bytes:
    encoded = _utf8(name, name)
    return b"%d:%b%b" % (len(encoded), encoded, tag.encode())


def _utf8(name: str, text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise _unreadable(name) from None


def _canonical(name: str, text: str) -> bytes:
    try:
        return number(text).canonical().encode()
    except ValueRefused:
        raise _unreadable(name) from None


def _binary(name: str, text: str) -> bytes:
    try:
        return b64decode(text, validate=True)
    except ValueError:
        raise _unreadable(name) from None


def _unreadable(name: str) -> LineUnreadable:
    return LineUnreadable(f'keys["{name}"]', "it is no key attribute", '{"S" | "N" | "B": text}')
