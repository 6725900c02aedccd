"""The database of one machine: which server stands for Aurora, for each engine.

A new engine is one module beside these and one line here.
"""

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Final, Protocol, cast

from dynaurora.plugins.contract import ENGINES, Engine


class LocalDatabase(Protocol):
    """A server and its data in a folder. It can be stopped, killed and started again."""

    folder: Path
    log: Path

    @property
    def url(self) -> str:
        """Where clients connect. It stays the same for a folder, and holds no password."""
        ...

    @property
    def client(self) -> str:
        """The command of its own client, for a shell."""
        ...

    @property
    def is_running(self) -> bool: ...

    def start(self) -> None:
        """Start it and wait until it answers. Raises ``LocalServerError``."""
        ...

    def stop(self) -> None:
        """Stop it; open transactions are rolled back."""
        ...

    def kill(self) -> None:
        """End it at once."""
        ...


@dataclass(frozen=True, slots=True)
class Product:
    """What stands for Aurora. name: as people know it. folder: the name of its folder, and of the
    module beside this one that has its server."""

    name: str
    folder: str
    server: str


PRODUCTS: Final[dict[Engine, Product]] = {
    "postgresql": Product("PostgreSQL", "postgresql", "LocalPostgresql"),
    "mysql": Product("MariaDB", "mariadb", "LocalMariadb"),
}


def engine_in(folder: Path) -> Engine | None:
    """The engine whose data a folder of servers holds; None where it holds none."""
    return next((each for each in ENGINES if (folder / PRODUCTS[each].folder).exists()), None)


def in_folder(folder: Path, engine: Engine) -> LocalDatabase:
    """The server of an engine, in a folder of servers."""
    product = PRODUCTS[engine]
    module = import_module(f"dynaurora.local.{product.folder}")  # its driver, late
    return cast("LocalDatabase", getattr(module, product.server)(folder / product.folder))
