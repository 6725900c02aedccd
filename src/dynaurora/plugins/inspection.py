"""Inspecting a folder: every file is run and verified, whatever it does, in bounded time.

    parent ── path ──► child: imports the file, checks every rule ──► what it found
       │                 ▲
       └─ kills a child that says nothing for too long, notes its file, starts the next one

A plugin only declares, so one that waits, ends the process or fills the memory is wrong; it must
not take the others with it. Used by the command line and by deploy, never by a load.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from select import select
from typing import IO, Any, Final, Literal, Self

from dynaurora.errors import DynauroraError, PluginError, ProjectError
from dynaurora.plugins.contract import Engine
from dynaurora.plugins.folder import FolderScan, scan_folder

_CHILD: Final = (sys.executable, "-P", "-m", "dynaurora.plugins.inspection_child")
_START_S: Final = 30.0
_READ_BYTES: Final = 65_536
READY: Final = b"ready\n"


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a plugin. ``where`` is ``file:line:column``, as far as it is known.

    is_error: whether it stops the plugin; a warning does not.
    is_undecided: nobody but the server can say whether it is wrong; it stops nothing, and `check`
        does not call the plugin right.
    """

    where: str
    message: str
    remedy: str = ""
    is_error: bool = True
    is_undecided: bool = False

    @property
    def kind(self) -> Literal["error", "undecided", "warning"]:
        """One word for it."""
        if self.is_error:
            return "error"
        return "undecided" if self.is_undecided else "warning"

    @property
    def facts(self) -> dict[str, str]:
        """The problem for programs."""
        return {
            "where": self.where,
            "message": self.message,
            "remedy": self.remedy,
            "kind": self.kind,
        }

    def __str__(self) -> str:
        kind = "" if self.is_error else f"{self.kind}: "
        message = f"{self.where}: {kind}{self.message}"
        return f"{message}. {self.remedy}" if self.remedy else message


@dataclass(frozen=True, slots=True)
class Inspected:
    """One file of the folder.

    table: the DynamoDB table; what the file is called, if that is no table's name.
    digest: of the file's bytes; "" if it could not be run.
    sql_tables, indexes: the SQL tables and indexes that it makes.
    is_row_wise: whether its loads may run side by side.
    relations: those that its insert statements read.
    """

    table: str
    path: Path
    digest: str = ""
    problems: tuple[Problem, ...] = ()
    sql_tables: tuple[str, ...] = ()
    indexes: tuple[str, ...] = ()
    is_row_wise: bool = False
    relations: tuple[str, ...] = ()

    @property
    def is_ok(self) -> bool:
        """Whether the plugin runs: it may have warnings."""
        return not any(problem.is_error for problem in self.problems)

    @property
    def is_undecided(self) -> bool:
        """Whether the server has to say if it is right."""
        return any(problem.is_undecided for problem in self.problems)

    @property
    def error(self) -> PluginError | None:
        """Its first error, to be raised."""
        for problem in self.problems:
            if problem.is_error:
                return PluginError(problem.where, problem.message, "", problem.remedy)
        return None


def inspect_folder(folder: Path, engine: Engine, timeout_s: float = 5) -> list[Inspected]:
    """Every file of a folder, right or wrong, by table.

    timeout_s: how long one file may take.
    """
    scan = scan_folder(folder)
    inspected = [*_wrong_files(scan), *_inspect(scan, engine, timeout_s)]
    return sorted(_with_collisions(inspected), key=lambda one: (one.table, str(one.path)))


def problem_of(error: DynauroraError) -> Problem:
    """An error as a line of the list."""
    expected = f"; expected {error.expected}" if error.expected else ""
    return Problem(error.where, error.found + expected, error.remedy)


def encoded(inspected: Inspected) -> bytes:
    """One line, from the child to the parent."""
    return json.dumps({**asdict(inspected), "path": str(inspected.path)}).encode() + b"\n"


def _decoded(line: bytes) -> Inspected:
    fields: dict[str, Any] = json.loads(line)
    problems = tuple(Problem(**problem) for problem in fields.pop("problems"))
    return Inspected(
        table=fields["table"],
        path=Path(fields["path"]),
        digest=fields["digest"],
        problems=problems,
        sql_tables=tuple(fields["sql_tables"]),
        indexes=tuple(fields["indexes"]),
        is_row_wise=fields["is_row_wise"],
        relations=tuple(fields["relations"]),
    )


def _wrong_files(scan: FolderScan) -> Iterator[Inspected]:
    for error in scan.problems:
        path = Path(error.where)
        yield Inspected(path.stem.removeprefix("sql_queries_"), path, problems=(problem_of(error),))


def _inspect(scan: FolderScan, engine: Engine, timeout_s: float) -> Iterator[Inspected]:
    """Walk the files with one child, or with the next one after a file that took it along."""
    waiting = list(scan.plugins.items())
    while waiting:
        with _Child(engine) as child:
            while waiting:
                table, path = waiting.pop(0)
                found = child.inspect(table, path, timeout_s)
                if isinstance(found, Inspected):
                    yield found
                    continue
                yield Inspected(table, path, problems=(Problem(str(path), *found),))
                break


class _Child:
    """The process that runs the plugins. Its standard streams are ours alone, see the child."""

    def __init__(self, engine: Engine) -> None:
        paths = os.pathsep.join(path for path in sys.path if path)
        self._process = subprocess.Popen(
            [*_CHILD, engine],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": paths},
            bufsize=0,
        )
        if self._line(_START_S) != READY:  # so that its own imports do not count as a plugin's
            self.__exit__()
            raise ProjectError(
                "inspection", f"the process that runs plugins did not start: {_CHILD}"
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def inspect(self, table: str, path: Path, timeout_s: float) -> Inspected | tuple[str, str]:
        """What the child finds; a message and a remedy if it never says."""
        request = json.dumps([table, str(path)]).encode() + b"\n"
        try:
            _stream(self._process.stdin).write(request)
            line = self._line(timeout_s)
        except BrokenPipeError:
            line = b""
        if line is None:
            return f"still importing after {timeout_s:g} s", "A plugin only declares."
        if not line:
            code = self._process.wait()
            return f"it ended the process ({_told(code)})", "A plugin only declares."
        return _decoded(line)

    def _line(self, timeout_s: float) -> bytes | None:
        """The next line; None if none comes in time, empty if the child has ended."""
        stream, found = _stream(self._process.stdout), b""
        end = time.monotonic() + timeout_s
        while not found.endswith(b"\n"):
            if not select([stream], [], [], max(0.0, end - time.monotonic()))[0]:
                return None
            data = os.read(stream.fileno(), _READ_BYTES)
            if not data:
                return b""
            found += data
        return found


def _stream(stream: IO[bytes] | None) -> IO[bytes]:
    assert stream is not None  # noqa: S101 - both are pipes
    return stream


def _told(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"


def _with_collisions(inspected: Sequence[Inspected]) -> Iterator[Inspected]:
    """Two plugins that make one SQL table stop each other: neither is the right one.

    Of two indexes with one name the second would be left out, and nobody would be told.
    """
    tables = _makers(inspected, lambda one: one.sql_tables)
    indexes = _makers(inspected, lambda one: one.indexes)
    for one in inspected:
        found = (
            *_shared("SQL table", one, one.sql_tables, tables),
            *_shared("index", one, one.indexes, indexes),
        )
        yield replace(one, problems=(*one.problems, *found))


_Makers = Mapping[str, Sequence[Inspected]]


def _makers(inspected: Sequence[Inspected], names: Callable[[Inspected], Sequence[str]]) -> _Makers:
    found: dict[str, list[Inspected]] = {}
    for one in inspected:
        for name in names(one):
            found.setdefault(name.lower(), []).append(one)
    return found


def _shared(kind: str, one: Inspected, names: Sequence[str], makers: _Makers) -> Iterator[Problem]:
    for name in names:
        for other in makers[name.lower()]:
            if other is not one:
                found = f'{kind} "{name}" is also made by {other.path}'
                yield Problem(str(one.path), found, "Give one of them another name.")
