"""What an operation works with: a database and the plugins, or all that a load has."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol

from dynaurora.errors import ProjectError
from dynaurora.etl import Engine
from dynaurora.metadata import Metadata
from dynaurora.plugins.contract import Plugin
from dynaurora.plugins.folder import PluginFolder

Facts = dict[str, Any]
"""What an operation tells: JSON, for a program or for the command that lays it out."""

LIMIT: Final = 50
"""Entries of a list, unless more are asked for."""


class Desk(Protocol):
    """A database and the plugins; `intake.Parts` is one, too."""

    @property
    def engine(self) -> Engine: ...

    @property
    def plugins(self) -> PluginFolder: ...


@dataclass(frozen=True, slots=True)
class DatabaseDesk:
    """A desk with nothing more."""

    engine: Engine
    plugins: PluginFolder


def metadata_of(desk: Desk) -> Metadata:
    """What is known in this database."""
    return Metadata(desk.engine.connection, desk.engine.queries)


def plugin_of(desk: Desk, table: str) -> Plugin:
    """The plugin of a table; raises ``ProjectError`` where there is none."""
    found = desk.plugins.plugin(table)
    if found is None:
        raise ProjectError(
            f"table {table}",
            "it has no plugin",
            f"{table}.py in sqlqueries/",
            "Add it and deploy; `dynaurora check` lists those that are there.",
        )
    return found


def moment(at: datetime | None) -> str | None:
    """A time in JSON: ISO 8601, UTC, whole seconds."""
    return None if at is None else at.isoformat(timespec="seconds")


def added(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    """Two counts of the same things, together."""
    return {name: one.get(name, 0) + other.get(name, 0) for name in {**one, **other}}
