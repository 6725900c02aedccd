"""How rows reach MySQL: by LOAD DATA LOCAL, or by INSERTs of many rows where that is not allowed.

A client that may send local files sends whichever file the server names, whenever it names one. So
no file is sent at all: what is under way is a copy of rows in memory, or nothing.
https://dev.mysql.com/doc/refman/8.0/en/load-data-local-security.html
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import pymysql
from pymysql.connections import MySQLResult

from dynaurora.ports import RelationColumn
from dynaurora.sql.mysql import quoted

NO_LOCAL_FILES: Final = frozenset({1148, 3948, 4166})
"""The server allows none: MySQL 5.7 and MariaDB before 10.5, MySQL 8, MariaDB.

https://dev.mysql.com/doc/mysql-errors/8.0/en/server-error-reference.html,
https://mariadb.com/kb/en/e4166/"""

LOCAL_FILE_REJECTED: Final = 2068
"""https://dev.mysql.com/doc/mysql-errors/8.0/en/client-error-reference.html"""

PACKET_TOO_LARGE: Final = 1153
"""The server's own error; it ends the session with it, or without a word. So it is raised here."""

_PACKET_BYTES: Final = 64 * 1024
_INSERT_BYTES: Final = 2**20
_LEAST_ALLOWED_BYTES: Final = 2**20
"""What MariaDB and MySQL allow if they are told nothing, or less; until the server is asked."""
_BINARY: Final = re.compile(r"binary|varbinary|blob", re.IGNORECASE)


class CopyingConnection(pymysql.Connection):  # type: ignore[misc]
    """A session that sends the rows of a copy where a local file is asked for, and never a file.

    most_bytes: how large a statement may be; the server's ``max_allowed_packet``.
    """

    most_bytes = _LEAST_ALLOWED_BYTES
    _result: Any = None
    _blocks: Iterable[bytes] | None = None

    def query(self, sql: str | bytes, unbuffered: bool = False) -> int:  # noqa: FBT001, FBT002 - the driver's
        """Every statement is sent here. Raises ``DataError`` for one that is too large."""
        text = sql.encode(self.encoding) if isinstance(sql, str) else sql
        if len(text) + 1 >= self.most_bytes:  # with the byte that says what it is; seen on MariaDB
            raise _too_large(len(text), self.most_bytes)
        return int(super().query(text, unbuffered))

    def copy(self, statement: str, blocks: Iterable[bytes]) -> None:
        """Run a LOAD DATA LOCAL whose file these blocks are."""
        self._blocks = blocks
        try:
            self.query(statement)
        finally:
            self._blocks = None

    def _read_query_result(self, unbuffered: bool = False) -> int:  # noqa: FBT001, FBT002 - the driver's
        del unbuffered  # all rows are read, always
        self._result = None
        result = _Result(self, self._blocks)
        result.read()
        self._result = result
        if result.server_status is not None:
            self.server_status = result.server_status
        return int(result.affected_rows)


class _Result(MySQLResult):  # type: ignore[misc]
    """The answer to a statement. blocks: of the copy that it is; None for another statement."""

    def __init__(self, connection: CopyingConnection, blocks: Iterable[bytes] | None) -> None:
        super().__init__(connection)
        self._blocks = blocks

    def _read_load_local_packet(self, _first: Any) -> None:
        blocks, self._blocks = self._blocks, None
        try:
            for packet in _packets(blocks or ()):
                self.connection.write_packet(packet)
        except pymysql.Error:
            raise  # there is no session any more
        except BaseException:
            self._end_of_file()
            raise
        answer = self._end_of_file()
        if blocks is None:
            raise pymysql.OperationalError(LOCAL_FILE_REJECTED, "the server asks for a file")
        self._read_ok_packet(answer)

    def _end_of_file(self) -> Any:
        self.connection.write_packet(b"")
        return self.connection._read_packet()  # noqa: SLF001 - as the driver does


def copy(
    session: CopyingConnection,
    relation: str,
    columns: Sequence[RelationColumn],
    blocks: Iterable[bytes],
) -> None:
    """Copy rows by LOAD DATA LOCAL.

    Its errors are warnings, because the server cannot stop what the client sends; here each is an
    error again. https://dev.mysql.com/doc/refman/8.0/en/load-data.html#load-data-error-handling
    """
    names = [f"@c{n}" if _is_binary(c) else quoted(c.name) for n, c in enumerate(columns)]
    sets = [f"{quoted(c.name)} = unhex(@c{n})" for n, c in enumerate(columns) if _is_binary(c)]
    session.copy(
        f"load data local infile 'rows' into table {quoted(relation)} "
        f"character set utf8mb4 ({', '.join(names)})" + (f" set {', '.join(sets)}" if sets else ""),
        blocks,
    )
    _raise_warning(session)


def insert(
    session: CopyingConnection,
    relation: str,
    columns: Sequence[RelationColumn],
    blocks: Iterable[bytes],
) -> None:
    """Copy rows by statements of many rows, none too large for the server."""
    for statement in _inserts(relation, columns, blocks, session.most_bytes):
        session.query(statement)
        _raise_warning(session)


def _raise_warning(session: CopyingConnection) -> None:
    if session._result.warning_count:  # noqa: SLF001 - what a cursor shows
        ((_, code, message), *_) = session.show_warnings()
        raise pymysql.DataError(code, message)


def _inserts(
    relation: str, columns: Sequence[RelationColumn], blocks: Iterable[bytes], most_bytes: int
) -> Iterator[bytes]:
    """A row that is too large alone has a statement of its own, which is refused."""
    names = ", ".join(quoted(column.name) for column in columns)
    head = f"insert into {quoted(relation)} ({names}) values ".encode()
    are_binary = [_is_binary(column) for column in columns]
    most = min(_INSERT_BYTES, most_bytes) - len(head)
    found: list[bytes] = []
    size = 0
    for block in blocks:
        for line in block.removesuffix(b"\n").split(b"\n"):
            row = _row(line, are_binary)
            size += len(row) + 1
            if found and size >= most:
                yield head + b",".join(found)
                found, size = [], len(row) + 1
            found.append(row)
    if found:
        yield head + b",".join(found)


def _row(line: bytes, are_binary: Sequence[bool]) -> bytes:
    """A line of COPY as values: its escapes are those of a string, but for the quote and NULL.

    https://dev.mysql.com/doc/refman/8.0/en/string-literals.html
    """
    cells = zip(line.split(b"\t"), are_binary, strict=True)
    return b"(" + b",".join(_value(cell, is_binary=is_binary) for cell, is_binary in cells) + b")"


def _value(cell: bytes, *, is_binary: bool) -> bytes:
    if cell == b"\\N":
        return b"null"
    text = b"'" + cell.replace(b"'", b"''") + b"'"
    return b"unhex(" + text + b")" if is_binary else text


def _is_binary(column: RelationColumn) -> bool:
    return _BINARY.search(column.sql_type) is not None


def _packets(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """An empty packet would be the end."""
    for block in blocks:
        for start in range(0, len(block), _PACKET_BYTES):
            yield block[start : start + _PACKET_BYTES]


def _too_large(size: int, most: int) -> pymysql.DataError:
    found = f"a statement with its values has {size} bytes, max_allowed_packet is {most}"
    return pymysql.DataError(PACKET_TOO_LARGE, found)
