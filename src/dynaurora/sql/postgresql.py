"""PostgreSQL 15 and newer, and Aurora PostgreSQL."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from dynaurora.errors import (
    DatabaseAway,
    DatabaseError,
    DatabaseUnknown,
    LoadRace,
    RowRefused,
    StatementRefused,
    ValueRefused,
)
from dynaurora.model.names import shortened_sql_name
from dynaurora.model.types import ColumnType, Text
from dynaurora.ports import RelationColumn
from dynaurora.sql.dialect import Encoder
from dynaurora.sql.queries import Queries
from dynaurora.sql.reserved import POSTGRESQL_RESERVED

engine = "postgresql"
product = "PostgreSQL"
port = 5432
key_type = "uuid"
version_type = "numeric(57)"
time_type = "timestamptz"
boolean_type = "boolean"
bytes_type = "bytea"
booleans = ("false", "true")
position_type = "integer"
name_type = "text"
item_type = "jsonb"

OLD_TABLE_CODES = frozenset({"42703", "42804"})
UNPLANNED_CODES = frozenset({"25001"})
USER_BYTES = 63
"""https://www.postgresql.org/docs/current/sql-syntax-lexical.html#SQL-SYNTAX-IDENTIFIERS"""
undoes_definitions = True
EXPLAIN = "explain "

largest_numeric = (1000, 1000)
"""https://www.postgresql.org/docs/15/datatype-numeric.html#DATATYPE-NUMERIC-DECIMAL"""
most_columns = 1600
"""https://www.postgresql.org/docs/15/limits.html"""
most_index_bytes = 0
index_room = 2_600
"""Of values that cannot be compressed: a third of a page (docs/types.md, Sizes).
https://www.postgresql.org/docs/15/btree-implementation.html"""
row_columns = 300
"""A page (8 KB) has room for so many values that are too short, at 24 bytes, to be stored outside.
https://www.postgresql.org/docs/15/storage-toast.html"""

parser = "postgres"
text_pattern = (
    r"[eE]'(?:[^'\\]|\\.|'')*(?:'|\Z) | '(?:[^']|'')*(?:'|\Z)"
    r" | \$(?P<tag>(?:[^\W\d]\w*)?)\$.*?(?:\$(?P=tag)\$|\Z)"
)
"""https://www.postgresql.org/docs/15/sql-syntax-lexical.html#SQL-SYNTAX-CONSTANTS"""
name_pattern = r'"(?:[^"]|"")*(?:"|\Z)'
opens_temporary_tables_once = False
has_index_names_per_table = False
has_add_column_if_not_exists = True

_PLAIN_NAME: Final = re.compile(r"[a-z_][a-z0-9_]*", re.ASCII)
_ESCAPES: Final = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
_NUL_IN_JSON: Final = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")
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


def can_name(name: str) -> bool:
    """Anything but U+0000, in quotes."""
    return "\0" not in name


def folded(name: str) -> str:
    """Quoted names differ where their bytes do."""
    return name


def index_bytes(sql_type: str) -> int:
    """An index holds what its values are; one that is too long is refused as a row."""
    del sql_type
    return 0


def sql_type(kind: ColumnType) -> str:
    """The engine's word for a type."""
    return _TYPES.get(kind.word, str(kind))


def key_sql_type(kind: ColumnType) -> str:
    """As of any other column."""
    return sql_type(kind)


def key_size(kind: ColumnType) -> None:
    """A key is as long as its index has room for."""
    del kind


def encoder(kind: ColumnType) -> Encoder | None:
    """https://www.postgresql.org/docs/15/sql-copy.html (text format)"""
    return _ENCODERS.get(kind.word)


def decoder(kind: ColumnType) -> None:
    """The driver gives values of Python."""
    del kind


def has_key(
    key: Sequence[str], kinds: Sequence[ColumnType], keys: Iterable[Sequence[Any]]
) -> tuple[str, list[Any]]:
    """An array for each column; so the statement is as short for many keys as for one."""
    arrays = ", ".join(f"%s::{sql_type(kind)}[]" for kind in kinds)
    condition = f"({', '.join(map(quoted, key))}) in (select * from unnest({arrays}))"
    return condition, [list(values) for values in zip(*keys, strict=True)]


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


def encoded_json(text: str) -> str:
    """JSON with its backslashes doubled; jsonb refuses U+0000.

    https://www.postgresql.org/docs/15/datatype-json.html
    """
    if "\\" not in text:
        return text
    if "\\u0000" in text and _NUL_IN_JSON.search(text):
        raise ValueRefused("value", "text with U+0000", "text that PostgreSQL can hold")
    return text.replace("\\", "\\\\")


def encoded_key(key: bytes) -> str:
    """16 bytes as a UUID, which PostgreSQL reads without hyphens."""
    return key.hex()


def encoded_time(moment: datetime) -> str:
    """With its zone."""
    return moment.isoformat(" ")


def encoded_bytes(data: bytes) -> str:
    """https://www.postgresql.org/docs/15/datatype-binary.html (hex format)"""
    return f"\\\\x{data.hex()}"


def create_relation(name: str, columns: Sequence[RelationColumn]) -> str:
    """A temporary table; it needs no index, for the plan of a load reads all of it."""
    listed = ", ".join(f"{quoted(column.name)} {column.sql_type}" for column in columns)
    return f"create temporary table {quoted(name)} ({listed}) on commit drop"


def key_value(key: bytes) -> str:
    """As PostgreSQL reads a UUID."""
    return key.hex()


def key_bytes(key: UUID) -> bytes:
    """psycopg gives a UUID."""
    return key.bytes


def keep_winners(relation: str) -> str:
    """An anti join: the plan hashes the winners once."""
    return (
        f"delete from {quoted(relation)} as r "
        "where not exists (select from _won as w where w.k = r._key)"
    )


def number_rows(key: Sequence[str], *, has_changes: bool) -> str:
    """Puts first and in key order, as declared statements write them (``rows_written``)."""
    listed = ", ".join(map(quoted, key))
    winners = (
        f"select 0 as kind, _key, _version, {listed} from staged "
        f"union all select 1, _key, _version, {listed} from removed"
    )
    losers = f"""
        union all select 2, _key, _version, {listed} from changes as c
        where not exists (select from staged where (_key, _version) = (c._key, c._version))
          and not exists (select from removed where (_key, _version) = (c._key, c._version))"""
    return (
        "create temporary table _numbered on commit drop as "
        f"select (row_number() over (order by kind, {listed}, _version) - 1)::integer as _number, "
        "_key, _version, kind < 2 as is_winner "
        f"from ({winners}{losers if has_changes else ''}) as numbered"
    )


def divide(relation: str, columns: Sequence[str]) -> list[str]:
    """The rows go aside, numbered, and a view of the part that is taken stands in their place:
    nothing is filled and nothing emptied for a part, so the smallest costs no more than its rows.
    """
    aside = _aside(relation)
    numbered = (
        f"select n._number, r.* from {quoted(relation)} as r "
        "join _numbered as n using (_key, _version) order by 1"
    )
    return [
        f"create temporary table {aside} on commit drop as {numbered}",
        f"drop table {quoted(relation)}",
        *_part(relation, columns),
    ]


def divide_replaced(table: str, columns: Sequence[str]) -> list[str]:
    """What is filled in for a part bears its number, and is not seen by the next."""
    relation = f"replaced_{table}"
    aside = _aside(relation)
    return [
        f"alter table {quoted(relation)} rename to {aside}",
        f"alter table {aside} add _number integer",
        f"alter table {aside} alter _number set default {_FIRST}",
        *_part(relation, columns),
    ]


def _part(relation: str, columns: Sequence[str]) -> list[str]:
    aside = _aside(relation)
    listed = ", ".join(map(quoted, columns))
    part = f"select {listed} from {aside} where _number >= {_FIRST} and _number < {_END}"
    return [
        f"create index on {aside} (_number)",
        f"analyze {aside} (_number)",
        f"create temporary view {quoted(relation)} as {part}",
    ]


_FIRST: Final = "current_setting('dynaurora.first')::integer"
_END: Final = "current_setting('dynaurora.end')::integer"


def _aside(relation: str) -> str:
    return quoted(shortened_sql_name(f"_all_{relation}"))


def take_part(
    first: int, end: int, relations: Mapping[str, Sequence[str]], replaced: Collection[str]
) -> list[str]:
    """The views read these settings."""
    del relations, replaced
    first_row = f"set_config('dynaurora.first', '{first}', true)"
    return [f"select {first_row}, set_config('dynaurora.end', '{end}', true)"]


def rows_written(tables: Sequence[str]) -> str | None:
    """The session counts what it has tried, also what it has rolled back: a statement that fails at
    a row has written those before it. (A constraint that is checked after the statement, or a
    sort of the plugin's own, tells nothing.)

    https://www.postgresql.org/docs/15/monitoring-stats.html#MONITORING-STATS-FUNCTIONS
    """
    counts = [
        f"coalesce(pg_stat_get_xact_tuples_{what}(to_regclass({literal(quoted(table))})), 0)"
        for table in tables
        for what in ("inserted", "updated", "deleted")
    ]
    return f"select {' + '.join(['0', *counts])}"


def row_of(found: str) -> None:
    """A message names none; the session counts them (``rows_written``)."""
    del found


def literal(text: str) -> str:
    """A text in a statement that is run as written."""
    return "'" + text.replace("'", "''") + "'"


def create_replaced(table: str, columns: Sequence[str]) -> str:
    """Without the table's constraints: it holds what was."""
    return (
        f"create temporary table {quoted(f'replaced_{table}')} on commit drop "
        f"as select {', '.join(map(quoted, columns))} from {quoted(table)} limit 0"
    )


def fill_replaced(table: str, columns: Sequence[str], key: Sequence[str]) -> str:
    """By the key of the items, which is the key of the table."""
    listed = ", ".join(map(quoted, key))
    names = ", ".join(map(quoted, columns))
    return (
        f"insert into {quoted(f'replaced_{table}')} ({names}) "
        f"select {names} from {quoted(table)} "
        f"where ({listed}) in (select {listed} from staged union all select {listed} from removed)"
    )


def _hex_bytes(text: Text) -> str:
    return f"\\\\x{text}"


def _json(text: Text) -> str:
    assert isinstance(text, str)  # noqa: S101 - json is no array
    return encoded_json(text)


def _text(text: Text) -> str:
    assert isinstance(text, str)  # noqa: S101 - text is no array
    return encoded_text(text)


def _text_array(elements: Text) -> str:
    """https://www.postgresql.org/docs/15/arrays.html#ARRAYS-INPUT"""
    if None not in elements:
        joined = '","'.join(elements)  # type: ignore[arg-type]  # no None among them
        has_no_escapes = "\\" not in joined and joined.count('"') == 2 * (len(elements) - 1)
        if elements and has_no_escapes:
            return encoded_text(f'{{"{joined}"}}')
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


_ERRORS: Final[tuple[tuple[tuple[str, ...], type[DatabaseError]], ...]] = (
    # The first row with a prefix of the code decides.
    (("40001", "40P01", "55P03"), LoadRace),
    (("25006", "25P03", "3D000", "08", "53", "57", "58", "28"), DatabaseAway),
    (("22", "23", "44", "54000", "54001", "P0001"), RowRefused),
    (("42", "0A", "25", "21000"), StatementRefused),
)


def error_class(code: str) -> type[DatabaseError]:
    """What a SQLSTATE means for a load; a code in no row is never taken for a row error.

    https://www.postgresql.org/docs/15/errcodes-appendix.html
    """
    for prefixes, found in _ERRORS:
        if code.startswith(prefixes):
            return found
    return DatabaseUnknown
