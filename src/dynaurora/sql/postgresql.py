"""PostgreSQL 15 and newer, and Aurora PostgreSQL."""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from dynaurora.errors import ValueRefused
from dynaurora.model.types import ColumnType, Text
from dynaurora.sql.dialect import Encoder, RelationColumn
from dynaurora.sql.queries import Queries
from dynaurora.sql.reserved import POSTGRESQL_RESERVED

engine = "postgresql"
key_type = "uuid"
version_type = "numeric(57)"
time_type = "timestamptz"
boolean_type = "boolean"
position_type = "integer"
name_type = "text"
item_type = "jsonb"

_PLAIN_NAME: Final = re.compile(r"[a-z_][a-z0-9_]*", re.ASCII)
_ESCAPES: Final = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
_TYPES: Final[Mapping[str, str]] = {
    "bytes": "bytea",
    "json": "jsonb",
    "epoch": "timestamptz",
    "epoch_ms": "timestamptz",
    "bytes[]": "bytea[]",
    "attribute_type": "text",
}


def queries(schema: str) -> Queries:
    """The statements of postgresql.sql."""
    return Queries("postgresql.sql", quoted(schema))


def quoted(name: str) -> str:
    """https://www.postgresql.org/docs/15/sql-syntax-lexical.html#SQL-SYNTAX-IDENTIFIERS"""
    if _PLAIN_NAME.fullmatch(name) and name not in POSTGRESQL_RESERVED:
        return name
    return '"' + name.replace('"', '""') + '"'


def sql_type(kind: ColumnType) -> str:
    """The engine's word for a type."""
    return _TYPES.get(kind.word, str(kind))


def encoder(kind: ColumnType) -> Encoder | None:
    """https://www.postgresql.org/docs/15/sql-copy.html (text format)"""
    return _ENCODERS.get(kind.word)


def encoded_text(text: str) -> str:
    """Text with its escapes; U+0000 and lone surrogates cannot be held.

    https://www.postgresql.org/docs/15/datatype-character.html
    """
    if text.isprintable() and "\\" not in text:
        return text
    if "\0" in text:
        raise ValueRefused("value", "text with U+0000", "text that PostgreSQL can hold")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise ValueRefused(
                "value", "text with a lone surrogate", "text that UTF-8 can hold"
            ) from None
    return text.translate(_ESCAPES)


def encoded_key(key: bytes) -> str:
    """16 bytes as a UUID, which PostgreSQL reads without hyphens."""
    return key.hex()


def encoded_bytes(data: bytes) -> str:
    """https://www.postgresql.org/docs/15/datatype-binary.html (hex format)"""
    return f"\\\\x{data.hex()}"


def create_relation(name: str, columns: Sequence[RelationColumn]) -> str:
    """A temporary table; it needs no index, for the plan of a load reads all of it."""
    listed = ", ".join(f"{quoted(column.name)} {column.sql_type}" for column in columns)
    return f"create temporary table {quoted(name)} ({listed}) on commit drop"


def _hex_bytes(text: Text) -> str:
    return f"\\\\x{text}"


_NUL_IN_JSON: Final = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")


def _json(text: Text) -> str:
    """https://www.postgresql.org/docs/15/datatype-json.html: jsonb refuses U+0000"""
    assert isinstance(text, str)  # noqa: S101 - json is no array
    if "\\" not in text:
        return text
    if "\\u0000" in text and _NUL_IN_JSON.search(text):
        raise ValueRefused("value", "text with U+0000", "text that PostgreSQL can hold")
    return text.replace("\\", "\\\\")


def _text(text: Text) -> str:
    assert isinstance(text, str)  # noqa: S101 - text is no array
    return encoded_text(text)


def _text_array(elements: Text) -> str:
    """https://www.postgresql.org/docs/15/arrays.html#ARRAYS-INPUT"""
    written = [
        "NULL" if text is None else '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
        for text in elements
    ]
    return encoded_text("{" + ",".join(written) + "}")


def _numeric_array(elements: Text) -> str:
    return "{" + ",".join("NULL" if text is None else text for text in elements) + "}"


def _bytes_array(elements: Text) -> str:
    written = ["NULL" if text is None else f'"\\\\\\\\x{text}"' for text in elements]
    return "{" + ",".join(written) + "}"


_ENCODERS: Final[Mapping[str, Encoder]] = {
    "text": _text,
    "json": _json,
    "bytes": _hex_bytes,
    "text[]": _text_array,
    "numeric[]": _numeric_array,
    "bytes[]": _bytes_array,
}
