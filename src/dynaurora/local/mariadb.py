"""A MariaDB server in a folder: the local stand-in for Aurora MySQL.

The programs are those of the machine, or Debian's packages unpacked into a cache folder
(`dynaurora.local.debian`). Nobody but the owner of the folder reaches the socket, there is no port,
and the superuser has no password.

The guarantees are the product, so every commit is on disk. There is no binary log, as in Aurora
unless it is asked for.
"""

import os
import shlex
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import Final, Self
from urllib.parse import quote

import pymysql

from dynaurora.errors import LocalServerError
from dynaurora.local.debian import unpacked
from dynaurora.local.processes import Server, end, serving, spawn, tail
from dynaurora.local.shortcuts import Shortcut

DATABASE: Final = "aurora"
"""Another than that of the metadata, which is a database of its own here."""
USER: Final = "root"
SOCKET: Final = "mysql.sock"

_PACKAGES: Final = ("mariadb-server-core", "mariadb-client-core")
_START_PATIENCE_S: Final = 120
_STOP_PATIENCE_S: Final = 60

_SETTINGS: Final = (
    "--skip-networking",
    "--skip-log-bin",
    "--skip-name-resolve",
    f"--socket={SOCKET}",
    "--pid-file=mariadbd.pid",
    "--character-set-server=utf8mb4",
    "--collation-server=utf8mb4_nopad_bin",
    "--default-time-zone=+00:00",  # as in Aurora
    "--innodb-buffer-pool-size=256M",
    "--innodb-flush-log-at-trx-commit=1",
    "--innodb-autoinc-lock-mode=2",  # MySQL 8's; with MariaDB's, loads that quarantine deadlock
    "--max-allowed-packet=64M",
    "--local-infile=1",
    "--performance-schema=off",
)
_TABLES: Final = (
    "mysql_system_tables.sql",
    "mysql_performance_tables.sql",
    "mysql_system_tables_data.sql",
)


class LocalMariadb:
    """One server and its data. It can be stopped, killed and started again.

    folder: belongs to the server; it is made, and closed for everybody else.
    settings: over ours, for who needs another server than a stand-in for Aurora.
    """

    def __init__(self, folder: Path, *, settings: Sequence[str] = ()) -> None:
        self.folder = folder.resolve()
        self._settings = (*_SETTINGS, *settings)
        self.data = self.folder / "data"
        self.log = self.folder / "mariadb.log"
        self._shortcut = Shortcut(self.folder)
        self._server: Server | None = None

    @property
    def url(self) -> str:
        """Where clients connect. It stays the same for a folder, and holds no password."""
        path = self._shortcut.to(self.data / SOCKET)
        return f"mysql://{USER}@/{DATABASE}?unix_socket={quote(str(path))}"

    @property
    def client(self) -> str:
        """The command of MariaDB's own client."""
        path = self._shortcut.to(self.data / SOCKET)
        return f"mariadb --user={USER} --socket={shlex.quote(str(path))} {DATABASE}"

    @property
    def is_running(self) -> bool:
        return self._server is not None and self._server.poll() is None

    def start(self) -> None:
        """Start the server and wait until it answers. What a killed run left is stopped before.

        Raises ``LocalServerError`` where there is no server to be had.
        """
        if self.is_running:
            return
        programs = Programs.found()
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.folder.chmod(0o700)
        self.stop()
        try:
            self._start(programs)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop the server; open transactions are rolled back."""
        self._end(signal.SIGTERM, _STOP_PATIENCE_S)

    def kill(self) -> None:
        """End the server at once, as when the machine loses its power."""
        self._end(signal.SIGKILL, 0)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def _start(self, programs: "Programs") -> None:
        if not self.data.exists():
            self._create(programs)
        (self.data / SOCKET).unlink(missing_ok=True)  # nobody works here any more
        begin = self.log.stat().st_size if self.log.exists() else 0
        self._server = spawn(
            programs.server(self.data, *self._settings),
            folder=self.data,
            environment=programs.environment,
            log=self.log,
        )
        self._shortcut.link(self.data / SOCKET)
        self._wait(self._server, begin)

    def _create(self, programs: "Programs") -> None:
        """Make the data. It gets its name when it is whole: this can be interrupted."""
        for rest in self.folder.glob("new-*"):
            shutil.rmtree(rest)
        new = Path(tempfile.mkdtemp(prefix="new-", dir=self.folder))
        # Not synced: a new database is on disk within half a minute, and has nothing in it yet.
        options = ("--bootstrap", "--skip-log-bin", "--innodb-flush-log-at-trx-commit=0")
        with self.log.open("ab") as log:
            done = subprocess.run(
                programs.server(new, *options),
                input=programs.first_statements(),
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=new,
                env=programs.environment,
                check=False,
            )
        if done.returncode:
            raise self._did_not_start(f"making its data ended with status {done.returncode}")
        new.rename(self.data)

    def _wait(self, server: Server, begin: int) -> None:
        """Wait until it answers, and make the database."""
        deadline = time.monotonic() + _START_PATIENCE_S
        while not self._makes_the_database():
            if server.poll() is not None:
                raise self._did_not_start(f"it ended with status {server.returncode}", begin)
            if time.monotonic() > deadline:
                raise self._did_not_start(f"within {_START_PATIENCE_S} s", begin)
            time.sleep(0.01)

    def _makes_the_database(self) -> bool:
        """Whether the server answers: it opens its socket a moment before it does."""
        connection = pymysql.connect(user=USER, defer_connect=True)
        with closing(socket.socket(socket.AF_UNIX)) as opened:
            try:
                opened.connect(str(self._shortcut.to(self.data / SOCKET)))
                connection.connect(opened)
            except (OSError, pymysql.OperationalError):
                return False
            with connection, connection.cursor() as cursor:
                cursor.execute(f"create database if not exists {DATABASE}")
        return True

    def _did_not_start(self, found: str, begin: int = 0) -> LocalServerError:
        return LocalServerError(
            f"MariaDB in {self.folder}",
            f"did not start, {found}",
            "",
            "Another version's data cannot be read. To begin anew, remove the folder. "
            f"The end of the log {self.log}:\n{tail(self.log, begin)}",
        )

    def _end(self, asking: signal.Signals, patience_s: float) -> None:
        end(self._server, serving(self.folder), asking, patience_s)
        self._server = None
        self._shortcut.remove()


class Programs:
    """MariaDB's server and what it reads. root: the folder that holds ``usr``."""

    def __init__(self, root: Path) -> None:
        self._program = root / "usr" / "sbin" / "mariadbd"
        self._share = root / "usr" / "share" / "mysql"
        libraries = ":".join(map(str, sorted((root / "usr" / "lib").glob("*-linux-gnu*"))))
        path = {} if root == Path("/") else {"LD_LIBRARY_PATH": libraries}
        self.environment = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC", **path}

    @classmethod
    def found(cls) -> "Programs":
        """Those of the machine, or fetched ones."""
        of_machine = cls(Path("/"))
        if of_machine._program.exists():
            return of_machine
        try:
            return cls(unpacked("mariadb", _PACKAGES))
        except LocalServerError as error:
            raise LocalServerError(
                error.where,
                error.found,
                error.expected,
                "Install MariaDB's server, or give a server by URL: mysql://user@host/database.",
            ) from error

    def server(self, data: Path, *options: str) -> Sequence[str | Path]:
        """The command of the server, which is run in its data.

        It may run as root: it is reached by root alone then.
        """
        user = ("--user=root",) if os.geteuid() == 0 else ()
        share = (
            f"--lc-messages-dir={self._share}",
            f"--character-sets-dir={self._share / 'charsets'}",
        )
        # A server that starts deletes what others keep in a temporary folder that they share.
        folders = (f"--datadir={data}", "--tmpdir=.")
        return [self._program, "--no-defaults", *folders, *share, *user, *options]

    def first_statements(self) -> bytes:
        """What makes the server's own tables: a statement a line, as ``--bootstrap`` reads them."""
        own = [(self._share / name).read_bytes() for name in _TABLES]
        return b"create database mysql;\nuse mysql;\n" + b"\n".join(own)


def start(folder: Path) -> LocalMariadb:
    """A server in ``folder`` that answers."""
    server = LocalMariadb(folder)
    server.start()
    return server
