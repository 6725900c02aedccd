"""The engines that histories run on: each with a server that may be killed."""

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Final, Protocol

import orjson

from dynaurora.errors import DatabaseAway, DatabaseUnknown, StatementRefused
from dynaurora.local.folders import temporary
from dynaurora.local.mariadb import LocalMariadb
from dynaurora.local.postgresql import LocalPostgresql
from dynaurora.plugins.contract import Engine as EngineName
from dynaurora.plugins.statements import dialect_of

_POSTGRESQL: Final = {
    # Killed, the server loses nothing: the machine goes on. So nothing has to reach a disk.
    "fsync": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "jit": "off",
    "shared_buffers": "64MB",
    "max_connections": "20",
    "deadlock_timeout": "50ms",
}


class LocalServer(Protocol):
    """A server of this machine, which can be killed and started again."""

    @property
    def url(self) -> str: ...

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def kill(self) -> None: ...


@dataclass(frozen=True)
class Engine:
    """What differs. serve: a server in a folder. deadlock: the code of that error.

    process: a session's number on the server, of one of our connections. is_waiting: whether that
    session waits for a lock, by what a query says. end: a statement that ends it.
    held: a value as a query gives it.
    """

    name: EngineName
    serve: Callable[[Path], LocalServer]
    deadlock: str
    process: Callable[[Any], int]
    is_waiting: Callable[["Control", int], bool]
    end: str
    held: Callable[[Any], Any]

    @contextmanager
    def server(self) -> Iterator[LocalServer]:
        """A server, in memory where there is enough."""
        memory = Path("/dev/shm")
        is_enough = os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > 2**30
        with temporary(memory if is_enough else None) as folder:
            found = self.serve(folder / self.name)
            found.start()
            try:
                yield found
            finally:
                found.stop()

    def key_bytes(self, key: Any) -> bytes:
        """An item's key, as the ledger holds it."""
        return dialect_of(self.name).key_bytes(key)


class Control:
    """Looks at the sessions of a server, and ends them."""

    def __init__(self, engine: Engine, url: str) -> None:
        self.engine = engine
        self._connect = import_module(f"dynaurora.adapters.{engine.name}").connect
        self.url = url
        self._connection: Any = None

    def is_waiting(self, process: int) -> bool:
        """Whether a session waits for a lock."""
        return self.engine.is_waiting(self, process)

    def end_session(self, process: int) -> None:
        """It may have ended by itself."""
        try:
            self.rows(self.engine.end.format(process))
        except DatabaseUnknown as error:
            if error.code != _NO_SUCH_SESSION:
                raise

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Rows; none where a table is not there yet. The session before may have ended with a
        server that was killed."""
        try:
            try:
                return self._fetch(query)
            except DatabaseAway:
                self.close()
                return self._fetch(query)
        except StatementRefused as error:
            if error.code not in _NO_SUCH_TABLE:
                raise
        return []

    def _fetch(self, query: str) -> list[tuple[Any, ...]]:
        if self._connection is None:
            self._connection = self._connect(self.url)
        return list(self._connection.fetch(query))

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


_NO_SUCH_TABLE: Final = ("42P01", "1146")
_NO_SUCH_SESSION: Final = "1094"


def _postgresql_waits(control: Control, process: int) -> bool:
    query = f"select 1 from pg_stat_activity where pid = {process} and wait_event_type = 'Lock'"
    return bool(control.rows(query))


def _mysql_waits(control: Control, process: int) -> bool:
    """For a table or a name the list of sessions says so. For a row only InnoDB's own report says
    it at once: innodb_trx is as old as 0.1 s, and stays so while it is looked at."""
    named = control.rows(
        f"select 1 from information_schema.processlist where id = {process} "
        "and (state like '%metadata lock%' or state = 'User lock')"
    )
    if named:
        return True
    report = "".join(text for _, _, text in control.rows("show engine innodb status"))
    mine = (part for part in report.split("---TRANSACTION ") if f"thread id {process}," in part)
    return any("\nLOCK WAIT " in part for part in mine)


def _mysql_held(value: Any) -> Any:
    """An array is kept as its JSON."""
    return orjson.dumps(value).decode() if isinstance(value, list) else value


ENGINES: Final[Mapping[EngineName, Engine]] = {
    "postgresql": Engine(
        "postgresql",
        serve=lambda folder: LocalPostgresql(folder, settings=_POSTGRESQL),
        deadlock="40P01",
        process=lambda connection: connection.info.backend_pid,
        is_waiting=_postgresql_waits,
        end="select pg_terminate_backend({})",
        held=lambda value: value,
    ),
    "mysql": Engine(
        "mysql",
        serve=LocalMariadb,
        deadlock="1213",
        process=lambda connection: connection.thread_id(),
        is_waiting=_mysql_waits,
        end="kill {}",
        held=_mysql_held,
    ),
}
