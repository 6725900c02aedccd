"""The names that things get: SQL tables, Firehose streams, stacks, buckets. One function each.

Capture and deploy use the same functions, so a stream is found by the name it was made with.
"""

import re
from hashlib import blake2b, sha256
from typing import Final

_TABLE_NAME: Final = re.compile(r"[A-Za-z0-9_.-]{3,255}")
_BEFORE_CAPITAL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")

SQL_NAME_BYTES: Final = 63
"""https://www.postgresql.org/docs/15/sql-syntax-lexical.html#SQL-SYNTAX-IDENTIFIERS"""

DELIVERY_STREAM_CHARACTERS: Final = 64
"""https://docs.aws.amazon.com/firehose/latest/APIReference/API_CreateDeliveryStream.html"""


def is_table_name(name: str) -> bool:
    """Whether DynamoDB accepts the name: 3 to 255 of a-z, A-Z, 0-9, ``_``, ``-`` and ``.``.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
    """
    return _TABLE_NAME.fullmatch(name) is not None


def sql_name(table: str) -> str:
    """The SQL table of a DynamoDB table: lower snake case, at most 63 bytes.

    >>> sql_name("OrderLines"), sql_name("prod.Orders-v2"), sql_name("2024_sales")
    ('order_lines', 'prod_orders_v2', 't_2024_sales')
    """
    snake = _BEFORE_CAPITAL.sub("_", table).lower()
    name = re.sub(r"[^a-z0-9_]", "_", snake)
    if name[:1].isdigit():
        name = f"t_{name}"
    return shortened_sql_name(name, unique=table)


def shortened_sql_name(name: str, *, unique: str | None = None) -> str:
    """The name within 63 bytes: a longer one is cut and ends in ``_`` and 8 hex digits.

    unique: what the digits are made from, where the name itself has already lost something.
    """
    encoded = name.encode()
    if len(encoded) <= SQL_NAME_BYTES:
        return name
    digits = blake2b((unique or name).encode(), digest_size=4).hexdigest()
    kept = encoded[: SQL_NAME_BYTES - 9].decode(errors="ignore")
    return f"{kept}_{digits}"


def delivery_stream_name(prefix: str, table: str) -> str:
    """The Firehose stream of a table: prefix and table name, shortened above 64 characters."""
    name = prefix + table
    if len(name) <= DELIVERY_STREAM_CHARACTERS:
        return name
    return f"{name[:51]}-{blake2b(name.encode(), digest_size=6).hexdigest()}"


def table_stack_name(project: str, table: str) -> str:
    """The CloudFormation stack of a table: at most 128 characters of letters, digits and ``-``."""
    slug = re.sub(r"[^A-Za-z0-9-]+", "-", table).strip("-")[:48]
    return f"{project}-table-{slug}-{sha256(table.encode()).hexdigest()[:8]}"


def stack_name(project: str, part: str) -> str:
    """The CloudFormation stack of a part that all tables share, as ``pipeline``."""
    return f"{project}-{part}"


def bucket_name(project: str, purpose: str, account: str, region: str) -> str:
    """A bucket of the project; ``purpose`` is ``raw``, ``backup`` or ``artifacts``."""
    return f"{project}-{purpose}-{account}-{region}"
