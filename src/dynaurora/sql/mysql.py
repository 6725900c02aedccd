"""MySQL 8.0 (Aurora MySQL 3) and MariaDB 10.6 and newer: one SQL for both."""

import json
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import orjson

from dynaurora.errors import ValueRefused
from dynaurora.model.names import shortened_sql_name
from dynaurora.model.numbers import json_number
from dynaurora.model.types import ColumnType, Text
from dynaurora.ports import RelationColumn
from dynaurora.sql.dialect import Decoder, Encoder
from dynaurora.sql.queries import Queries
from dynaurora.sql.reserved import MYSQL_RESERVED

engine = "mysql"
product = "MySQL"
port = 3306
key_type = "binary(16)"
version_type = "decimal(57)"
time_type = "datetime(6)"
boolean_type = "boolean"
bytes_type = "longblob"
booleans = ("0", "1")
position_type = "integer"
name_type = "varchar(255)"
item_type = "longtext"

OLD_TABLE_CODES = frozenset({"1054"})
UNPLANNED_CODES: frozenset[str] = frozenset()
USER_BYTES = 32
"""https://dev.mysql.com/doc/refman/8.0/en/user-names.html"""
undoes_definitions = False
"""https://dev.mysql.com/doc/refman/8.0/en/implicit-commit.html"""
EXPLAIN = "explain "

CHARACTER_SET: Final = (
    "default character set utf8mb4 "
    "/*!80017 collate utf8mb4_0900_bin */ /*M! collate utf8mb4_nopad_bin */"
)
"""Bytes are compared, and trailing blanks count: ``a``, ``A`` and ``a `` are three keys. The
collation has another name on each server, and each reads its own comment only.

https://dev.mysql.com/doc/refman/8.0/en/comments.html,
https://mariadb.com/kb/en/comment-syntax/"""

largest_numeric = (65, 30)
"""https://dev.mysql.com/doc/refman/8.0/en/precision-math-decimal-characteristics.html"""
most_columns = 1017
most_index_bytes = 3072
"""https://dev.mysql.com/doc/refman/8.0/en/innodb-limits.html"""
index_room = most_index_bytes
row_columns = 115
"""Half a page (8,126 bytes) has room for the longest key and so many values that are too short, at
40 bytes, to be stored elsewhere. https://dev.mysql.com/doc/refman/8.0/en/innodb-row-format.html"""
INDEX_PREFIX: Final = 255
"""Characters of a long text, or bytes, that an index has: as many as a key has.
https://dev.mysql.com/doc/refman/8.0/en/column-indexes.html#column-indexes-prefix"""

parser = "ansimysql"
text_pattern = r"'(?:[^'\\]|\\.|'')*(?:'|\Z)"
"""https://dev.mysql.com/doc/refman/8.0/en/string-literals.html"""
name_pattern = r'`(?:[^`]|``)*(?:`|\Z) | "(?:[^"]|"")*(?:"|\Z)'
opens_temporary_tables_once = True
"""https://dev.mysql.com/doc/refman/8.0/en/temporary-table-problems.html"""
has_index_names_per_table = True
"""https://dev.mysql.com/doc/refman/8.0/en/create-index.html"""
has_add_column_if_not_exists = False
"""MariaDB alone has it. https://dev.mysql.com/doc/refman/8.0/en/alter-table.html"""

_CHARACTER_BYTES: Final = 4
_DECIMAL: Final = re.compile(r"decimal\((\d+)(?:,(\d+))?\)")
_SIZED: Final = re.compile(r"(char|varchar|varbinary|binary)\((\d+)\)")
_INDEX_BYTES: Final[Mapping[str, int]] = {
    "longtext": INDEX_PREFIX * _CHARACTER_BYTES,
    "longblob": INDEX_PREFIX,
    "integer": 4,
    "bigint": 8,
    "boolean": 1,
    "date": 3,
    "datetime(6)": 8,
}
"""https://dev.mysql.com/doc/refman/8.0/en/storage-requirements.html"""

_DIGITS_BEFORE: Final = 38
_DIGITS_AFTER: Final = 27
"""``decimal(65,27)``: DynamoDB's longest whole numbers, and what is left after the point."""

_AT_ROW: Final = re.compile(r" at row ([1-9][0-9]{0,8})\Z", re.ASCII)
_PLAIN_NAME: Final = re.compile(r"[a-z_][a-z0-9_]*", re.ASCII)
_ESCAPES: Final = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\0": "\\0"})
_TYPES: Final[Mapping[str, str]] = {
    "text": "longtext",
    "integer": "integer",
    "bigint": "bigint",
    "numeric": f"decimal(65,{_DIGITS_AFTER})",
    "boolean": "boolean",
    "timestamptz": "datetime(6)",
    "epoch": "datetime(6)",
    "epoch_ms": "datetime(6)",
    "date": "date",
    "uuid": "char(36)",
    "bytes": "longblob",
    "json": "longtext",
    "text[]": "longtext",
    "numeric[]": "longtext",
    "bytes[]": "longtext",
    "attribute_type": "varchar(4)",
}

_KEY_TYPES: Final = {"text": "varchar(255)", "bytes": "varbinary(1024)"}


def queries(schema: str) -> Queries:
    """The statements of mysql.sql."""
    return Queries("mysql.sql", quoted(schema))


def quoted(name: str) -> str:
    """https://dev.mysql.com/doc/refman/8.0/en/identifiers.html"""
    if _PLAIN_NAME.fullmatch(name) and name not in MYSQL_RESERVED:
        return name
    return "`" + name.replace("`", "``") + "`"


def can_name(name: str) -> bool:
    """https://dev.mysql.com/doc/refman/8.0/en/identifiers.html; of a blank any kind ends none."""
    ends_well = not name.endswith((" ", "\t", "\n", "\v", "\f", "\r"))
    return ends_well and all("\0" < character <= "\uffff" for character in name)


def folded(name: str) -> str:
    """https://dev.mysql.com/doc/refman/8.0/en/identifier-case-sensitivity.html

    As both servers do, for each letter that a name may have: İ is an i to them.
    """
    return name.replace("İ", "i").lower()


def index_bytes(sql_type: str) -> int:
    """Of a long text its prefix; of the others what their longest value takes."""
    sized = _SIZED.fullmatch(sql_type)
    if sized is not None:
        return int(sized[2]) * (_CHARACTER_BYTES if sized[1].endswith("char") else 1)
    number = _DECIMAL.fullmatch(sql_type)
    if number is None:
        return _INDEX_BYTES[sql_type]
    scale = int(number[2] or "0")
    return _digits_bytes(int(number[1]) - scale) + _digits_bytes(scale)


def _digits_bytes(digits: int) -> int:
    """Nine digits take four bytes, what is left of them one for each two."""
    whole, left = divmod(digits, 9)
    return whole * 4 + (left + 1) // 2


def sql_type(kind: ColumnType) -> str:
    """The engine's word for a type."""
    if kind.word == "numeric" and kind.precision is not None:
        return f"decimal({kind.precision},{kind.scale})"
    return _TYPES[kind.word]


def key_sql_type(kind: ColumnType) -> str:
    """Three columns of 255 characters fit into the 3,072 bytes of a primary key: the two of an item
    and the name of a row inside it.

    https://dev.mysql.com/doc/refman/8.0/en/innodb-limits.html
    """
    return _KEY_TYPES.get(kind.word) or sql_type(kind)


def key_size(kind: ColumnType) -> int | None:
    """As its type says."""
    sized = _SIZED.fullmatch(_KEY_TYPES.get(kind.word, ""))
    return None if sized is None else int(sized[2])


def encoder(kind: ColumnType) -> Encoder | None:
    """https://dev.mysql.com/doc/refman/8.0/en/load-data.html (fields and lines)"""
    if kind.word == "numeric" and kind.precision is None:
        return _numeric
    return _ENCODERS.get(kind.word)


def decoder(kind: ColumnType) -> Decoder | None:
    """The engine has no type of its own for these."""
    return _DECODERS.get(kind.word)


def has_key(
    key: Sequence[str], kinds: Sequence[ColumnType], keys: Iterable[Sequence[Any]]
) -> tuple[str, list[Any]]:
    """A list of rows, each found by the index.

    https://dev.mysql.com/doc/refman/8.0/en/range-optimization.html#row-constructor-range-optimization
    """
    as_text = [kind.word == "uuid" for kind in kinds]
    rows = [
        [str(value) if is_text else value for value, is_text in zip(row, as_text, strict=True)]
        for row in keys
    ]
    row = f"({', '.join(['%s'] * len(key))})"
    condition = f"({', '.join(map(quoted, key))}) in ({', '.join([row] * len(rows))})"
    return condition, [value for each in rows for value in each]


def encoded_text(text: str) -> str:
    """Text with its escapes; lone surrogates cannot be held."""
    if text.isprintable() and "\\" not in text:
        return text
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise ValueRefused(
                "value", "text with a lone surrogate", "text that UTF-8 can hold"
            ) from None
    return text.translate(_ESCAPES)


encoded_json = encoded_text
"""JSON is kept as its exact text: the engine's own type turns large numbers into doubles."""


def encoded_key(key: bytes) -> str:
    """16 bytes in hex, as every binary column is written."""
    return key.hex()


def encoded_time(moment: datetime) -> str:
    """In UTC, as the session is."""
    return moment.replace(tzinfo=None).isoformat(" ")


def encoded_bytes(data: bytes) -> str:
    """In hex."""
    return data.hex()


def key_value(key: bytes) -> bytes:
    """As it is."""
    return key


def key_bytes(key: bytes) -> bytes:
    """As it is fetched."""
    return key


def create_relation(name: str, columns: Sequence[RelationColumn]) -> str:
    """A temporary table with an index on the items' keys: it is joined by them."""
    listed = ", ".join(f"{quoted(column.name)} {column.sql_type}" for column in columns)
    return f"create temporary table {quoted(name)} ({listed}, key (_key)) {CHARACTER_SET}"


def keep_winners(relation: str) -> str:
    """An anti join."""
    return (
        f"delete r from {quoted(relation)} as r "
        "left join _won as w on w.k = r._key where w.k is null"
    )


def number_rows(key: Sequence[str], *, has_changes: bool) -> str:
    """Puts first and in key order, as declared statements write them."""
    listed = ", ".join(map(quoted, key))
    rows = (
        f"select 0 as kind, _key, _version, {listed} from staged "
        f"union all select 1, _key, _version, {listed} from removed"
    )
    if has_changes:  # a winner among them has its row already
        every = f"{rows} union all select 2, _key, _version, {listed} from changes"
        rows = (
            f"select min(kind) as kind, _key, _version, {listed} from ({every}) as e "
            f"group by _key, _version, {listed}"
        )
    return (
        "create temporary table _numbered (_number integer not null primary key, key (_key)) "
        f"select cast(row_number() over (order by kind, {listed}, _version) - 1 as signed) "
        f"as _number, _key, _version, kind < 2 as is_winner from ({rows}) as numbered"
    )


def divide(relation: str, columns: Sequence[str]) -> list[str]:
    """The rows go aside, numbered; those of a part are put into the relation for it."""
    del columns
    same = "n._key = r._key and n._version = r._version"
    numbered = f"select n._number, r.* from {quoted(relation)} as r join _numbered as n on {same}"
    return [f"create temporary table {_aside(relation)} (key (_number)) {numbered}"]


def divide_replaced(table: str, columns: Sequence[str]) -> list[str]:
    """It is emptied and filled for each part."""
    del table, columns
    return []


def take_part(
    first: int, end: int, relations: Mapping[str, Sequence[str]], replaced: Collection[str]
) -> list[str]:
    """Empty the relations, and put the rows of the part into them."""
    statements = [f"delete from {quoted(f'replaced_{table}')}" for table in replaced]
    for relation, columns in relations.items():
        listed = ", ".join(map(quoted, columns))
        part = f"select {listed} from {_aside(relation)}"
        statements.append(f"delete from {quoted(relation)}")
        statements.append(
            f"insert into {quoted(relation)} ({listed}) {part} "
            f"where _number >= {first} and _number < {end}"
        )
    return statements


def rows_written(tables: Sequence[str]) -> None:
    """The engine does not count the rows of one table."""
    del tables


def create_replaced(table: str, columns: Sequence[str]) -> str:
    """Without the table's constraints: it holds what was."""
    return (
        f"create temporary table {quoted(f'replaced_{table}')} {CHARACTER_SET} "
        f"select {', '.join(map(quoted, columns))} from {quoted(table)} limit 0"
    )


def fill_replaced(table: str, columns: Sequence[str], key: Sequence[str]) -> str:
    """By the key of the items, which is the key of the table."""
    names = ", ".join(f"t.{quoted(name)}" for name in columns)
    keys = ", ".join(map(quoted, key))
    same = " and ".join(f"t.{quoted(name)} = i.{quoted(name)}" for name in key)
    return (
        f"insert into {quoted(f'replaced_{table}')} ({', '.join(map(quoted, columns))}) "
        f"select {names} from {quoted(table)} as t "
        f"join (select {keys} from staged union all select {keys} from removed) as i on {same}"
    )


def row_of(found: str) -> int | None:
    """``Data too long for column 'v' at row 7``: so end the messages about values that a column
    cannot hold, and those alone. Rows are counted in the order in which they are written.

    https://dev.mysql.com/doc/mysql-errors/8.0/en/server-error-reference.html
    """
    row = _AT_ROW.search(found)
    return int(row[1]) - 1 if row else None


def literal(text: str) -> str:
    """A text in a statement that is run as written."""
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


def _aside(relation: str) -> str:
    return quoted(shortened_sql_name(f"_all_{relation}"))


def _one(text: Text) -> str:
    assert isinstance(text, str)  # noqa: S101 - only an array is none
    return text


def _text(text: Text) -> str:
    return encoded_text(_one(text))


def _numeric(text: Text) -> str:
    found = _one(text)
    whole, _, fraction = found.removeprefix("-").partition(".")
    if len(whole) > _DIGITS_BEFORE or len(fraction) > _DIGITS_AFTER:
        raise ValueRefused(
            "value",
            f"a number with {len(whole)} digits before the point and {len(fraction)} after",
            f"at most {_DIGITS_BEFORE} and {_DIGITS_AFTER}, which is what MySQL's decimal holds",
        )
    return found


def _boolean(text: Text) -> str:
    return booleans[text == "true"]


def _time(text: Text) -> str:
    """Readers give UTC, as ISO 8601 with a zone."""
    found = _one(text)
    if found < "1000":
        raise ValueRefused("value", "a time before the year 1000", "one that MySQL can hold")
    return found.removesuffix("Z").removesuffix("+00:00").replace("T", " ")


def _date(text: Text) -> str:
    found = _one(text)
    if found < "1000":
        raise ValueRefused("value", "a date before the year 1000", "one that MySQL can hold")
    return found


def _text_array(elements: Text) -> str:
    return encoded_text(orjson.dumps(list(elements)).decode())


def _numeric_array(elements: Text) -> str:
    found = ("null" if text is None else json_number(text) for text in elements)
    return "[" + ", ".join(found) + "]"


_ENCODERS: Final[Mapping[str, Encoder]] = {
    "text": _text,
    "json": _text,
    "boolean": _boolean,
    "timestamptz": _time,
    "epoch": _time,
    "epoch_ms": _time,
    "date": _date,
    "text[]": _text_array,
    "numeric[]": _numeric_array,
    "bytes[]": _text_array,
}


def _array(element: Callable[[Any], Any]) -> Decoder:
    def decoded(text: str) -> list[Any]:
        return [None if found is None else element(found) for found in _exact_json(text)]

    return decoded


def _exact_json(text: str) -> Any:
    return json.loads(text, parse_float=Decimal)


_DECODERS: Final[Mapping[str, Decoder]] = {
    "boolean": bool,
    "uuid": UUID,
    "json": _exact_json,
    "text[]": _array(str),
    "numeric[]": _array(Decimal),
    "bytes[]": _array(bytes.fromhex),
}
