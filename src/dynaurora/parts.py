"""The parts of the load: what its functions work with, put together once per environment."""

from dataclasses import dataclass
from typing import Final

from dynaurora.etl import Engine
from dynaurora.plugins.folder import PluginFolder
from dynaurora.ports import Clock, ObjectStore

RESERVED_MS: Final = 30_000
"""No further portion is begun when no more time than this is left; what remains comes again."""


@dataclass(frozen=True, slots=True)
class Parts:
    """The store, the database and the plugins; and how long there is."""

    store: ObjectStore
    engine: Engine
    plugins: PluginFolder
    clock: Clock
    raw_bucket: str
    backup_bucket: str

    def has_time(self) -> bool:
        """Whether there is time to begin another portion."""
        return self.clock.remaining_ms() >= RESERVED_MS
