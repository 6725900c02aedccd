"""A change as one line of JSON: the form in which it travels, is archived and is loaded.

    {"v":1,"table":"orders","stream":"arn:…","op":"MODIFY","keys":{…},"new":{…},"seq":"…","at":17000}

``keys`` and ``new`` are DynamoDB JSON as it came (numbers stay strings: exact, and restorable into
DynamoDB); ``new`` is missing for a REMOVE; ``at`` is whole seconds; ``"ttl":true`` marks a delete
by Time to Live. Loaders read every version of the line that was ever archived.

A line too large for a Firehose record travels as a pointer, with ``"claim":{…}`` in the place of
``new`` (`dynaurora.model.claims`).
"""

import json
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal, NotRequired, TypedDict

import orjson

from dynaurora.errors import BodyRefused, LineUnreadable
from dynaurora.model.claims import Claim, check_claim, unpacked

LINE_VERSION: Final = 1
Operation = Literal["INSERT", "MODIFY", "REMOVE"]
AttributeValue = Mapping[str, Any]
"""One value in DynamoDB JSON: ``{"S": "text"}``, ``{"N": "1.5"}``, ``{"L": […]}``, …"""


class Line(TypedDict):
    """The fields of a line."""

    v: int
    table: str
    stream: str
    op: Operation
    keys: Mapping[str, AttributeValue]
    new: NotRequired[Mapping[str, AttributeValue]]
    claim: NotRequired[Claim]
    seq: str
    at: int
    ttl: NotRequired[bool]


_UNREADABLE_PREFIX: Final = b'{"v":1,"unreadable":"'


def encode_line(line: Line) -> bytes:
    """One line of JSON without its newline.

    A lone surrogate, which UTF-8 cannot hold, is escaped: it reaches the load and is refused there.
    """
    try:
        return orjson.dumps(line)
    except TypeError:
        return json.dumps(line, separators=(",", ":")).encode("ascii")


def is_readable(text: bytes) -> bool:
    """Whether a line is JSON at all; what it says is the load's concern."""
    try:
        return isinstance(_parsed(text), dict)
    except ValueError:
        return False


def unreadable_line(text: bytes) -> bytes:
    """The line under which a line that is no JSON travels on, whole."""
    return _UNREADABLE_PREFIX + b64encode(text) + b'"}'


def split_lines(data: bytes) -> Iterator[bytes]:
    """The lines of an object or a record; empty ones are left out."""
    return (text for text in data.split(b"\n") if text)


def decode_line(text: bytes) -> Line:
    """Read a line; raise ``LineUnreadable`` with what is wrong with it."""
    try:
        line = _parsed(text)
    except ValueError:
        raise LineUnreadable("line", "it is no JSON", "one JSON object per line") from None
    if not isinstance(line, dict):
        raise LineUnreadable("line", "it is no JSON object", "one JSON object per line")
    if line.get("v") != LINE_VERSION:
        raise LineUnreadable("v", "an unknown version of the line", f"{LINE_VERSION}")
    if "unreadable" in line:
        raise LineUnreadable("line", "the transform could not read it", "one JSON object per line")
    _check(line)
    return line  # type: ignore[return-value]  # _check has looked at every field


def pointer_to(line: Line, claim: Claim) -> Line:
    """The line that travels in the place of one that is too large."""
    pointer = {name: value for name, value in line.items() if name != "new"}
    return pointer | {"claim": claim}  # type: ignore[return-value]  # the fields of a line


def redeemed(pointer: Line, data: bytes | None) -> Line:
    """The line that a pointer stands for.

    data: the object that the claim names, or None where there is none. Raises ``BodyRefused``.
    """
    claim = pointer["claim"]
    try:
        line = decode_line(unpacked(claim, data))
    except LineUnreadable as error:
        raise BodyRefused(claim["object"], f"its {error.where}: {error.found}", "a line") from None
    if "new" not in line or pointer_to(line, claim) != pointer:
        raise BodyRefused(claim["object"], "it is another change", "the one that the pointer names")
    return line


def raw_line(text: bytes) -> bytes:
    """The line as it first came: the content of an ``unreadable`` line, else the line itself."""
    if not text.startswith(_UNREADABLE_PREFIX):
        return text
    try:
        return b64decode(_parsed(text)["unreadable"], validate=True)
    except (ValueError, TypeError, KeyError):
        return text


def _parsed(text: bytes) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        # orjson refuses escaped lone surrogates, which the line may hold (see encode_line).
        try:
            return json.loads(text, parse_float=str, parse_constant=_no_constant)
        except RecursionError:
            raise ValueError("nested too deeply") from None


def _no_constant(name: str) -> None:
    raise ValueError(name)


def _check(line: Mapping[str, Any]) -> None:
    get = line.get
    is_typed = (
        isinstance(get("table"), str)
        and isinstance(get("stream"), str)
        and isinstance(get("keys"), dict)
        and isinstance(get("seq"), str)
        and isinstance(get("at"), int)
    )
    if not is_typed:
        raise LineUnreadable(
            "line", "a field is missing or of another type", "table, stream, keys, seq and at"
        )
    operation = get("op")
    if operation not in ("INSERT", "MODIFY", "REMOVE"):
        raise LineUnreadable("op", "it is no operation", "INSERT, MODIFY or REMOVE")
    if not 1 <= len(line["keys"]) <= 2:  # partition key and sort key
        raise LineUnreadable("keys", f"it has {len(line['keys'])} attributes", "1 or 2")
    if "claim" in line:
        _check_pointer(line)
    elif operation != "REMOVE" and not isinstance(get("new"), dict):
        raise LineUnreadable("new", f"{operation} without an image", "the new image")


def _check_pointer(line: Mapping[str, Any]) -> None:
    if line["op"] == "REMOVE" or "new" in line:
        raise LineUnreadable(
            "claim", "it stands beside an image or a REMOVE", "it in the place of an image"
        )
    check_claim(line["table"], line["claim"])
