"""MySQL and MariaDB through PyMySQL: `ports.Connection`, and what their errors mean.

Sessions run at READ COMMITTED, in UTC, and strictly: what does not fit is an error, and what stands
in double quotes is a name, as on PostgreSQL. Temporary tables end with their transaction, as
PostgreSQL's do; here we end them.
"""

import json
import re
import socket
import ssl
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final
from urllib.parse import parse_qs, unquote, urlsplit

import pymysql
from pymysql.constants import FIELD_TYPE
from pymysql.converters import conversions, convert_datetime

from dynaurora.adapters import mysql_copying, mysql_demands
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
from dynaurora.errors import DatabaseAway, DatabaseError, LoadRace, RowRefused, SettingsError
from dynaurora.log import log
from dynaurora.ports import RelationColumn
from dynaurora.sql.mysql_errors import error_class
from dynaurora.sql.mysql_places import position_in

READ_TIMEOUT_S: Final = 900
"""No statement outlasts a Lambda."""

_SESSION: Final = (
    "set session transaction isolation level read committed",
    "set session sql_mode = 'TRADITIONAL,ANSI_QUOTES'",
    "set session time_zone = '+00:00'",
    "set session innodb_lock_wait_timeout = 60, session lock_wait_timeout = 60",
    "set session wait_timeout = 60",  # of a worker that is gone without a word
)
_TEMPORARY: Final = re.compile(r"create temporary table (`(?:[^`]|``)+`|\w+)")
_PORT: Final = 3306
_NO_TLS: Final = 2026
"""https://dev.mysql.com/doc/mysql-errors/8.0/en/client-error-reference.html"""
_REMEDIES: Final = {
    **dict.fromkeys((2002, 2003, 2005, 2006, 2013), NOT_REACHED),
    **dict.fromkeys((1044, 1045, 1049, 1698), NOT_LET_IN),
}
"""https://dev.mysql.com/doc/mysql-errors/8.0/en/server-error-reference.html"""


def connect(url: str, access: Access = BY_URL) -> "MysqlConnection":
    """Connect. Raises ``SettingsError`` for a server that does not prove who it is.

    url: ``mysql://user:password@host:3306/database``; ``?unix_socket=…`` for one on this machine,
    ``?ssl_ca=…`` for the certificate of who signed the server's.
    Raises ``SettingsError`` also for a server that cannot hold every change (`mysql_demands`).
    """
    try:
        parts = urlsplit(url)
        port = parts.port or _PORT
    except ValueError as error:
        raise _wrong_url(str(error)) from None
    options = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    unknown = options.keys() - {"unix_socket", "ssl_ca", "ssl_mode"}
    if unknown or not parts.path[1:]:
        raise _wrong_url(f"unknown option {min(unknown)}" if unknown else "it names no database")
    host = parts.hostname or ""
    given: dict[str, Any] = {
        "host": host or "localhost",  # whose name is looked for in the certificate
        "user": unquote(parts.username or ""),
        "password": unquote(parts.password or ""),
        "database": unquote(parts.path[1:]),
        "charset": "utf8mb4",
        "collation": "utf8mb4_bin",
        "autocommit": True,
        "local_infile": True,
        "read_timeout": CONNECT_TIMEOUT_S,
        "conv": {**conversions, FIELD_TYPE.DATETIME: _utc, FIELD_TYPE.TIMESTAMP: _utc},
        "program_name": "dynaurora",
    }
    if access.is_verified or not (is_local(url) or options.get("ssl_mode") == "disabled"):
        given["ssl"] = _trusting(options.get("ssl_ca") or access.certificates)
    open_socket = partial(_socket, host, port, options.get("unix_socket", ""))
    return MysqlConnection(partial(_session, given, open_socket, access.login))


def _trusting(certificates: str) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=certificates or None)
    except OSError as error:
        raise not_trusted(f'the file "{certificates}": {error.strerror or error}') from error


def _wrong_url(found: str) -> SettingsError:
    expected = "mysql://user@host:3306/database"
    return SettingsError("DYNAURORA_DATABASE_URL", found, expected, "Correct it.")


def _utc(text: str) -> Any:
    moment = convert_datetime(text)
    return moment.replace(tzinfo=UTC) if isinstance(moment, datetime) else moment


def _socket(host: str, port: int, path: str) -> socket.socket:
    """Opened here, because the driver leaves one open that cannot connect."""
    if not path:
        found = socket.create_connection((host or "localhost", port), CONNECT_TIMEOUT_S)
        found.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        found.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        return found
    found = socket.socket(socket.AF_UNIX)
    try:
        found.connect(path)
    except OSError:
        found.close()
        raise
    return found


def _session(
    given: dict[str, Any],
    open_socket: Callable[[], socket.socket],
    login: Callable[[], Login | None],
) -> Any:
    who = login()
    if who is not None:
        given = given | {"user": who.user, "password": who.password}
    given = given | {"password": given["password"].encode()}  # of a text it makes Latin-1
    with _translated("connecting to the database"):
        connection = mysql_copying.CopyingConnection(defer_connect=True, **given)
        try:
            opened = open_socket()
        except OSError as error:
            raise pymysql.OperationalError(2003, error.strerror or str(error)) from error
        try:
            _greet(connection, opened)
            with connection.cursor() as cursor:
                for statement in _SESSION:
                    cursor.execute(statement)
                cursor.execute(mysql_demands.VARIABLES)
                variables = dict(cursor.fetchall())
            mysql_demands.check(variables)
            connection.most_bytes = int(variables["max_allowed_packet"])
        except BaseException:
            opened.close()
            raise
    return connection


def _greet(connection: Any, opened: socket.socket) -> None:
    """Have the server prove who it is, and sign in; then a statement may take its time.

    A password goes through TLS, or to a server on this machine. Else MySQL would have it encrypted
    by a key of its own, which needs a package (cryptography) that is not worth its size here.
    https://dev.mysql.com/doc/refman/8.0/en/caching-sha2-pluggable-authentication.html
    """
    connection._secure = opened.family == socket.AF_UNIX  # noqa: SLF001 - as where it opens it
    try:
        connection.connect(opened)
    except RuntimeError as error:
        raise SettingsError(
            "signing in to the database",
            str(error),
            "a server that has TLS, through which a password may go as it is",
            "Turn TLS on there, or give the user another plugin of authentication.",
        ) from error
    except pymysql.OperationalError as error:
        cause = getattr(error, "original_exception", None)
        if isinstance(cause, ssl.SSLCertVerificationError):
            raise not_trusted(cause.verify_message) from error
        if error.args[0] == _NO_TLS:
            raise not_trusted(str(error.args[1])) from error
        raise
    connection._read_timeout = READ_TIMEOUT_S  # noqa: SLF001 - it knows one for both


class MysqlConnection:
    """`ports.Connection` on one session at a time. begin: connects, for the next one."""

    engine = "mysql"

    def __init__(self, begin: Callable[[], Any]) -> None:
        self._begin = begin
        self._connection = begin()
        self._savepoints = 0
        self._temporary: list[str] = []
        self._may_copy = True

    def execute(self, statement: str, parameters: Sequence[Any] = ()) -> int:
        with _translated(_first_words(statement), statement), self._connection.cursor() as cursor:
            self._temporary += _TEMPORARY.findall(statement)
            return int(cursor.execute(statement, _plain(parameters)))

    def execute_all(self, statements: Sequence[str]) -> list[int]:
        done: list[int] = []
        for statement in statements:
            try:
                done.append(self.execute(statement))
            except DatabaseError as error:
                error.done = done
                raise
        return done

    def fetch(self, statement: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        with _translated(_first_words(statement), statement), self._connection.cursor() as cursor:
            cursor.execute(statement, _plain(parameters))
            return list(cursor.fetchall())

    def fetch_named(self, statement: str) -> tuple[list[str], list[tuple[Any, ...]]]:
        with _translated(_first_words(statement), statement), self._connection.cursor() as cursor:
            cursor.execute(statement)
            return [column[0] for column in cursor.description or ()], list(cursor.fetchall())

    def copy_in(
        self, relation: str, columns: Sequence[RelationColumn], blocks: Iterable[bytes]
    ) -> None:
        with _translated(f"copy {relation}"):
            if self._may_copy:
                try:
                    mysql_copying.copy(self._connection, relation, columns, blocks)
                except pymysql.Error as error:
                    if error.args[0] not in mysql_copying.NO_LOCAL_FILES:
                        raise
                    self._may_copy = False  # it has not asked for a row yet
                    log("warning", "the server allows no LOAD DATA LOCAL: loads are slower")
                else:
                    return
            mysql_copying.insert(self._connection, relation, columns, blocks)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        with _translated("the transaction"):
            self._connection.begin()
        try:
            yield
            with _translated("the commit"):
                self._connection.commit()
        except BaseException:
            self._roll_back()
            raise
        self._end_temporary()

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        self._savepoints += 1
        name = f"s{self._savepoints}"
        self.execute(f"savepoint {name}")
        try:
            yield
        except (LoadRace, DatabaseAway):
            raise  # the whole transaction is gone, or will be
        except Exception:
            self.execute(f"rollback to savepoint {name}")
            raise
        except BaseException:  # whoever is interrupted in a statement has no session any more
            with suppress(DatabaseAway):
                self.execute(f"rollback to savepoint {name}")
            raise
        finally:
            self._savepoints -= 1
        self.execute(f"release savepoint {name}")

    def is_healthy(self) -> bool:
        try:
            self._connection.ping(reconnect=False)
        except (pymysql.Error, OSError):
            self.close()
        else:
            return True
        try:
            self._connection = self._begin()
        except DatabaseError:
            return False
        return True

    def close(self) -> None:
        if self._connection.open:
            self._connection._force_close()  # noqa: SLF001 - close() talks to a server that may be gone

    def _roll_back(self) -> None:
        try:
            self._connection.rollback()
            self._end_temporary()
        except (pymysql.Error, DatabaseError):
            self.close()  # the server rolls back what has no session any more

    def _end_temporary(self) -> None:
        names, self._temporary = dict.fromkeys(self._temporary), []
        if names:
            self.execute(f"drop temporary table if exists {', '.join(names)}")


def _plain(parameters: Sequence[Any]) -> Sequence[Any] | None:
    """Without parameters a statement runs as written: % means itself. A list goes as JSON."""
    found = [json.dumps(value) if isinstance(value, list) else value for value in parameters]
    return found or None


@contextmanager
def _translated(where: str, statement: str = "") -> Iterator[None]:
    """Say the driver's errors as one of ours, by number (docs/arbitration.md, errors)."""
    try:
        yield
    except DatabaseError:
        raise
    except UnicodeEncodeError as error:
        raise RowRefused(where, "text that UTF-8 cannot hold") from error
    except pymysql.Error as error:
        number, found = error.args if len(error.args) == 2 else (0, str(error))
        if isinstance(error, pymysql.InterfaceError):  # the session is closed
            number = 2006
        position = position_in(statement, str(found))
        kind = error_class(int(number))
        remedy = _REMEDIES.get(int(number), "")
        raise kind(where, str(found), "", remedy, code=str(number), position=position) from error


def _first_words(statement: str) -> str:
    """Enough of a statement to find it; never values, which are bound."""
    return " ".join(statement.split()[:4])
