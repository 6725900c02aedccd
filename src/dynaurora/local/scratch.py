"""A database for a moment: started for trials, and thrown away with all that was in it.

It is the one of `dynaurora dev`, but nothing in it has to outlast a crash: it writes to memory
where there is enough, and PostgreSQL waits for no disk.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from dynaurora.local import folders
from dynaurora.local.databases import LocalDatabase, in_folder
from dynaurora.local.postgresql import LocalPostgresql
from dynaurora.plugins.contract import Engine

SETTINGS: Final = {
    # https://www.postgresql.org/docs/15/non-durability.html
    "fsync": "off",
    "full_page_writes": "off",
    "shared_buffers": "32MB",
}

_MEMORY: Final = Path("/dev/shm")  # noqa: S108 - a folder of our own is made in it
_ENOUGH_BYTES: Final = 2**30
"""A container often has 64 MB there."""


@contextmanager
def scratch_server(engine: Engine = "postgresql") -> Iterator[LocalDatabase]:
    """A server of our own, in a folder that is removed in the end."""
    with folders.temporary(_memory()) as folder, ExitStack() as stack:
        server = _server(folder, engine)
        stack.callback(server.stop)
        server.start()
        yield server


def _server(folder: Path, engine: Engine) -> LocalDatabase:
    if engine == "postgresql":
        return LocalPostgresql(folder / folders.POSTGRESQL, settings=SETTINGS)
    return in_folder(folder, engine)


def _memory() -> Path | None:
    """A folder in memory, where there is enough of it; None: where temporary files go."""
    if os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free > _ENOUGH_BYTES:
        return _MEMORY
    return None
