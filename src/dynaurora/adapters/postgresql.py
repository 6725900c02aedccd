"""PostgreSQL through psycopg: `ports.Connection`, and what its errors mean.

Sessions run at READ COMMITTED, in UTC, with synchronous commit: the raw object is deleted after the
commit, so a commit that a crash could undo would lose it.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from functools import partial
from itertools import accumulate
from json import loads
from typing import Any, Final, cast
from urllib.parse import parse_qs, urlsplit

import psycopg
from psycopg import sql
from psycopg.errors import error_from_result
from psycopg.generators import execute
from psycopg.pq import ExecStatus
from psycopg.types.json import set_json_loads

from dynaurora.adapters.access import (
    BY_URL,
    CONNECT_TIMEOUT_S,
    NOT_LET_IN,
    NOT_REACHED,
    Access,
    Login,
    is_local,
    not_trusted,
)
from dynaurora.errors import DatabaseAway, DatabaseError, RowRefused, SettingsError
from dynaurora.ports import RelationColumn
from dynaurora.sql.postgresql import error_class

LOCK_TIMEOUT: Final = "60s"
IDLE_TIMEOUT: Final = "60s"
"""A worker that is gone without a word, as one whose time is over, must not hold its locks: the
server ends a transaction whose worker says nothing for so long, or does not answer."""

_SESSION: Final = (
    "set synchronous_commit = on",
    "set time zone 'UTC'",
    f"set lock_timeout = '{LOCK_TIMEOUT}'",
    f"set idle_in_transaction_session_timeout = '{IDLE_TIMEOUT}'",
    "set tcp_keepalives_idle = 30",
    "set tcp_keepalives_interval = 10",
    "set tcp_keepalives_count = 3",
    "set client_min_messages = warning",
)
_ELSEWHERE: Final = "set idle_session_timeout = '5min'"
"""A cluster pauses when nobody is connected, and the workers that Lambda has frozen are."""

_BETWEEN: Final = "\n;\n"
"""A statement may end in a comment."""

_REJECTED: Final = "08004"
"""The driver tells of no SQLSTATE when a connection fails, of the server's words only.
https://www.postgresql.org/docs/current/errcodes-appendix.html"""

_NOT_TRUSTED: Final = re.compile("certificate|does not support SSL")
"""https://www.postgresql.org/docs/current/libpq-ssl.html"""


def connect(url: str, access: Access = BY_URL) -> "PostgresqlConnection":
    """Connect. Raises ``SettingsError`` for a server that does not prove who it is."""
    options = parse_qs(urlsplit(url).query)
    given: dict[str, Any] = {
        "connect_timeout": CONNECT_TIMEOUT_S,
        "application_name": "dynaurora",
        # Rows are sent as UTF-8; a database of another encoding would take them for its own.
        "client_encoding": "utf8",
    }
    if access.is_verified or not (is_local(url) or "sslmode" in options):
        given["sslmode"] = "verify-full"
    if access.certificates and "sslrootcert" not in options:
        given["sslrootcert"] = access.certificates
    return PostgresqlConnection(partial(_session, url, given, access.login))


def _session(
    url: str, given: dict[str, Any], login: Callable[[], Login | None]
) -> psycopg.Connection[Any]:
    who = login()
    if who is not None:
        given = given | {"user": who.user, "password": who.password}
    with _translated("connecting to the database"):
        try:
            connection = psycopg.connect(url, autocommit=True, prepare_threshold=None, **given)
        except psycopg.ProgrammingError as error:
            raise SettingsError(
                "DYNAURORA_DATABASE_URL",
                str(error).strip(),
                "postgresql://user@host:5432/database",
                "Correct it.",
            ) from None
        connection.isolation_level = psycopg.IsolationLevel.READ_COMMITTED
        set_json_loads(partial(loads, parse_float=Decimal), connection)
        statements = _SESSION if is_local(url) else (*_SESSION, _ELSEWHERE)
        connection.execute(cast("Any", "; ".join(statements)))
    return connection


class PostgresqlConnection:
    """`ports.Connection` on one session at a time. begin: connects, for the next one."""

    engine = "postgresql"

    def __init__(self, begin: Callable[[], psycopg.Connection[Any]]) -> None:
        self._begin = begin
        self._connection = begin()

    def execute(self, statement: str, parameters: Sequence[Any] = ()) -> int:
        with _translated(_first_words(statement)):
            return self._cursor(statement, parameters).rowcount

    def execute_all(self, statements: Sequence[str]) -> list[int]:
        with _translated("several statements"), self._connection.lock:
            self._connection.pgconn.send_query(_BETWEEN.join(statements).encode())
            results = self._connection.wait(execute(self._connection.pgconn))
        done = [r.command_tuples or 0 for r in results if r.status != ExecStatus.FATAL_ERROR]
        if results[-1].status == ExecStatus.FATAL_ERROR:
            error = error_from_result(results[-1])
            done = done or [0] * _statement_at(error.diag.statement_position, statements)
            number = min(len(done), len(statements) - 1)
            raise _error(_first_words(statements[number]), error, done, _start(number, statements))
        return done

    def fetch(self, statement: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        with _translated(_first_words(statement)):
            return list(self._cursor(statement, parameters).fetchall())

    def fetch_named(self, statement: str) -> tuple[list[str], list[tuple[Any, ...]]]:
        with _translated(_first_words(statement)):
            cursor = self._cursor(statement, ())
            return [column.name for column in cursor.description or ()], list(cursor.fetchall())

    def copy_in(
        self, relation: str, columns: Sequence[RelationColumn], blocks: Iterable[bytes]
    ) -> None:
        names = (sql.Identifier(column.name) for column in columns)
        statement = sql.SQL("copy {} ({}) from stdin").format(
            sql.Identifier(relation), sql.SQL(", ").join(names)
        )
        with (
            _translated(f"copy {relation}"),
            self._connection.cursor() as cursor,
            cursor.copy(statement) as copy,
        ):
            for block in blocks:
                copy.write(block)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        with _translated("the transaction"), self._connection.transaction():
            yield

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        with _translated("the savepoint"), self._connection.transaction():
            yield

    def is_healthy(self) -> bool:
        try:
            self._connection.execute("select 1")
        except psycopg.Error:
            self._connection.close()
        else:
            return True
        try:
            self._connection = self._begin()
        except DatabaseError:
            return False
        return True

    def close(self) -> None:
        self._connection.close()

    def _cursor(self, statement: str, parameters: Sequence[Any]) -> psycopg.Cursor[Any]:
        # Without parameters a statement runs as written: % and {} mean themselves.
        return self._connection.execute(cast("Any", statement), parameters or None)


def _start(number: int, statements: Sequence[str]) -> int:
    """How many characters are sent before a statement."""
    return sum(len(statement) + len(_BETWEEN) for statement in statements[:number])


def _statement_at(position: str | None, statements: Sequence[str]) -> int:
    """All are parsed before the first is run, so one that cannot be keeps the others from it."""
    ends = accumulate(len(statement) + len(_BETWEEN) for statement in statements)
    return sum(end < int(position or 0) for end in ends)


@contextmanager
def _translated(where: str) -> Iterator[None]:
    """Say the driver's errors as one of ours, by code (docs/arbitration.md, errors)."""
    try:
        yield
    except DatabaseError:
        raise
    except UnicodeEncodeError as error:
        raise RowRefused(where, "text that UTF-8 cannot hold") from error
    except psycopg.Error as error:
        raise _error(where, error) from error


def _error(
    where: str, error: psycopg.Error, done: Sequence[int] = (), start: int = 0
) -> DatabaseError | SettingsError:
    """start: where the statement begins in what was sent."""
    code = error.sqlstate or ""
    found = error.diag.message_primary or " ".join(str(error).split()).rstrip("?")
    if not code and isinstance(error, psycopg.OperationalError):
        if _NOT_TRUSTED.search(found):
            return not_trusted(found)
        is_rejected = "FATAL:" in found and "the database system is" not in found
        return DatabaseAway(
            where,
            found,
            "an answer of the server",
            NOT_LET_IN if is_rejected else NOT_REACHED,
            code=_REJECTED if is_rejected else "",
        )
    if not code and isinstance(error, psycopg.DataError):
        return RowRefused(where, found)
    at = error.diag.statement_position
    position = int(at) - start if at else None
    return error_class(code)(where, found, code=code, done=done, position=position)


def _first_words(statement: str) -> str:
    """Enough of a statement to find it; never values, which are bound."""
    return " ".join(statement.split()[:4])
