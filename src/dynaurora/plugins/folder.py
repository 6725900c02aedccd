"""The folder of plugins: which file means which table, and the plugin of a table.

A file is named after its DynamoDB table, exactly: ``orders.py`` and ``sql_queries_orders.py`` both
mean ``orders``. Files and folders that begin with ``_`` or ``.`` are no plugins.
"""

import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from dynaurora.errors import PluginError, ProjectError
from dynaurora.model.names import is_table_name
from dynaurora.plugins.contract import Engine, Plugin
from dynaurora.plugins.loading import digest_of, load_plugin

__all__ = ["FolderScan", "PluginFolder", "find_plugins", "load_plugin", "scan_folder", "table_of"]

_PREFIX: Final = "sql_queries_"
_SUFFIX: Final = ".py"
_SETTLED_NS: Final = 2_000_000_000
"""A time stamp this much older than its reading tells every later change apart, also on file
systems that count in seconds."""


@dataclass(frozen=True, slots=True)
class FolderScan:
    """What a folder holds.

    plugins: the file of each table, sorted by table.
    problems: the files that mean no table, each with its reason.
    folders: every folder that was looked into; its time stamp changes with its files' names.
    """

    plugins: Mapping[str, Path]
    problems: tuple[PluginError, ...]
    folders: tuple[Path, ...]

    def problem_of(self, table: str) -> PluginError | None:
        """Why a file that would mean this table does not."""
        names = (f"{table}{_SUFFIX}", f"{_PREFIX}{table}{_SUFFIX}")
        return next((p for p in self.problems if Path(p.where).name in names), None)


def find_plugins(folder: Path) -> Mapping[str, Path]:
    """The file of each table, by table, sorted. Files that mean no table are in `scan_folder`."""
    return scan_folder(folder).plugins


def table_of(path: Path) -> str:
    """The DynamoDB table that a file is named after."""
    return path.name.removesuffix(_SUFFIX).removeprefix(_PREFIX)


def scan_folder(folder: Path) -> FolderScan:
    """Look for plugins in a folder and all folders in it."""
    if not folder.is_dir():
        raise ProjectError(
            str(folder),
            "it is no folder",
            "a folder with one file per table",
            "Make it, go to the folder of the project, or say --sqlqueries.",
        )
    folders: list[Path] = []
    files: dict[str, list[Path]] = {}
    problems: list[PluginError] = []
    for path in _files(folder, folders):
        table = table_of(path)
        if is_table_name(table):
            files.setdefault(table, []).append(path)
        else:
            problems.append(_no_table_name(path, table))
    problems += [_ambiguous(table, paths) for table, paths in files.items() if len(paths) > 1]
    plugins = {table: files[table][0] for table in sorted(files) if len(files[table]) == 1}
    return FolderScan(plugins, tuple(problems), tuple(folders))


@dataclass(frozen=True, slots=True)
class _Stamp:
    """What tells a changed file or folder without reading it."""

    modified_ns: int
    size_bytes: int
    inode: int
    is_settled: bool

    def still_holds(self, now: "_Stamp") -> bool:
        """Whether nothing can have changed between the two."""
        return self.is_settled and (self.modified_ns, self.size_bytes, self.inode) == (
            now.modified_ns,
            now.size_bytes,
            now.inode,
        )


@dataclass(frozen=True, slots=True)
class _Loaded:
    stamp: _Stamp
    digest: str
    outcome: Plugin | PluginError


class PluginFolder:
    """The plugins of a folder for a process that lives long: a changed file is loaded again.

    It keeps what it has loaded and nothing else; an unchanged file costs one ``stat``.
    """

    def __init__(self, folder: Path, engine: Engine) -> None:
        self._folder = folder
        self._engine = engine
        self._scan: FolderScan | None = None
        self._stamps: dict[Path, _Stamp] = {}
        self._loaded: dict[Path, _Loaded] = {}

    def plugin(self, table: str) -> Plugin | None:
        """The plugin of a table; None if it has none.

        Raises ``PluginError`` if its file is wrong, each time until the file has changed.
        """
        scan = self._scanned()
        path = scan.plugins.get(table)
        if path is None:
            problem = scan.problem_of(table)
            if problem is not None:
                raise _again(problem)
            return None
        outcome = self._outcome(path, table)
        if isinstance(outcome, PluginError):
            raise _again(outcome)
        return outcome

    def tables(self) -> tuple[str, ...]:
        """The tables that have a plugin, right or wrong."""
        return tuple(self._scanned().plugins)

    def _scanned(self) -> FolderScan:
        if self._scan is None or not all(map(self._is_as_it_was, self._scan.folders)):
            self._stamps = {}
            self._scan = scan_folder(self._folder)
            self._stamps = {folder: _stamp(folder) for folder in self._scan.folders}
        return self._scan

    def _is_as_it_was(self, folder: Path) -> bool:
        try:
            return self._stamps[folder].still_holds(_stamp(folder))
        except OSError:
            return False

    def _outcome(self, path: Path, table: str) -> Plugin | PluginError:
        known = self._loaded.get(path)
        try:
            stamp = _stamp(path)
            if known is not None and known.stamp.still_holds(stamp):
                return known.outcome
            digest = digest_of(path.read_bytes())
        except OSError as error:
            return PluginError(str(path), f"it cannot be read ({error.strerror})")
        if known is None or known.digest != digest:
            outcome = _loaded_or_wrong(path, table, self._engine)
        else:
            outcome = known.outcome
        if isinstance(outcome, Plugin):
            digest = outcome.digest  # of the bytes that were run, should the file change meanwhile
        self._loaded[path] = _Loaded(stamp, digest, outcome)
        return outcome


def _loaded_or_wrong(path: Path, table: str, engine: Engine) -> Plugin | PluginError:
    try:
        return load_plugin(path, table, engine)
    except PluginError as error:
        return error


def _again(error: PluginError) -> PluginError:
    """The same error, new: one that is raised again and again grows a traceback."""
    return type(error)(error.where, error.found, error.expected, error.remedy)


def _stamp(path: Path) -> _Stamp:
    found = path.stat()
    age_ns = time.time_ns() - found.st_mtime_ns
    return _Stamp(found.st_mtime_ns, found.st_size, found.st_ino, age_ns > _SETTLED_NS)


def _files(folder: Path, folders: list[Path]) -> Iterator[Path]:
    """The Python files below a folder in the order of their names; the folders are noted."""
    folders.append(folder)
    with os.scandir(folder) as entries:
        found = sorted(entries, key=lambda entry: entry.name)
    for entry in found:
        if entry.name.startswith(("_", ".")):
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _files(Path(entry.path), folders)
        elif entry.name.endswith(_SUFFIX):
            yield Path(entry.path)


def _no_table_name(path: Path, table: str) -> PluginError:
    return PluginError(
        str(path),
        f'"{table}" is no name of a DynamoDB table',
        "3 to 255 letters, digits, dots, hyphens and underscores",
        "Name the file after its table, or begin its name with _ if it is no plugin.",
    )


def _ambiguous(table: str, paths: list[Path]) -> PluginError:
    first, *others = (str(path) for path in paths)
    return PluginError(
        first,
        f'table "{table}" has another plugin: {", ".join(others)}',
        "one file per table",
        "Delete one of them, or begin its name with _.",
    )
