"""The folder of plugins as it changes: what is new, broken, mended or gone.

A file is looked at when its time stamp has changed and is at rest: an editor may write a file in
several steps, and half a plugin is not worth a message.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from dynaurora.errors import ProjectError
from dynaurora.plugins.contract import Engine
from dynaurora.plugins.folder import scan_folder
from dynaurora.plugins.inspection import Inspected, inspect_folder

What = Literal["found", "changed", "broken", "gone"]


@dataclass(frozen=True, slots=True)
class PluginNews:
    """Something has happened to a plugin.

    what: ``found`` is a right plugin where there was none or a broken one.
    was_broken: whether it was wrong before, so that changes may have waited for it.
    """

    what: What
    plugin: Inspected
    was_broken: bool = False


_Stamps = dict[Path, tuple[int, int, int]]


@dataclass(slots=True)
class PluginWatch:
    """Looks at the folder of plugins. It keeps what it has seen last."""

    folder: Path
    engine: Engine
    plugins: dict[Path, Inspected] = field(default_factory=dict)
    _seen: _Stamps | None = None
    _inspected: _Stamps | None = None

    @property
    def tables(self) -> list[str]:
        """The tables that have a plugin, right or wrong."""
        return sorted({plugin.table for plugin in self.plugins.values()})

    def plugin(self, table: str) -> Inspected | None:
        """The plugin of a table, if one is right."""
        right = (p for p in self.plugins.values() if p.table == table and p.is_ok)
        return next(right, None)

    def news(self, *, is_patient: bool = True) -> list[PluginNews]:
        """What has changed since the last time.

        is_patient: wait until nothing has changed between two looks.
        """
        stamps = self._stamps()
        is_at_rest = stamps == self._seen or not is_patient
        self._seen = stamps
        if not is_at_rest or stamps == self._inspected:
            return []
        self._inspected = stamps
        before = self.plugins
        self.plugins = {plugin.path: plugin for plugin in self._inspect()}
        return list(_differences(before, self.plugins))

    def _inspect(self) -> list[Inspected]:
        return inspect_folder(self.folder, self.engine) if self.folder.is_dir() else []

    def _stamps(self) -> _Stamps:
        stamps: _Stamps = {}
        try:
            scan = scan_folder(self.folder)
        except (ProjectError, OSError):
            return stamps
        wrong = (Path(problem.where) for problem in scan.problems)
        for path in (*scan.plugins.values(), *wrong):
            try:
                found = path.stat()
            except OSError:
                continue
            stamps[path] = (found.st_mtime_ns, found.st_size, found.st_ino)
        return stamps


def _differences(
    before: dict[Path, Inspected], after: dict[Path, Inspected]
) -> Iterator[PluginNews]:
    for path, plugin in after.items():
        old = before.get(path)
        was_broken = old is not None and not old.is_ok
        if not plugin.is_ok:
            if old is None or old.problems != plugin.problems:
                yield PluginNews("broken", plugin, was_broken)
        elif old is None or was_broken:
            yield PluginNews("found", plugin, was_broken)
        elif old.digest != plugin.digest:
            yield PluginNews("changed", plugin)
    kept = {plugin.table for plugin in after.values()}
    for path, plugin in before.items():
        if path not in after and plugin.table not in kept:
            yield PluginNews("gone", plugin)
