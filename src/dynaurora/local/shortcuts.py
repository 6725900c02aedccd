"""A short way to a folder with a long path.

The address of a socket has at most 103 bytes on macOS and 107 on Linux (``unix(7)``). A server
opens it in its current folder, whatever that is called; clients of a folder with a long path go
through a short link.
"""

import contextlib
import hashlib
import os
import shutil
from pathlib import Path
from typing import Final

from dynaurora.errors import LocalServerError

_PATH_BYTES: Final = 103


class Shortcut:
    """The short way to the sockets of a server. folder: the server's, which tells it apart."""

    def __init__(self, folder: Path) -> None:
        name = hashlib.blake2b(os.fsencode(folder), digest_size=8).hexdigest()
        self.folder = Path("/tmp") / f"dynaurora-{os.geteuid()}-{name}"  # noqa: S108 - see made

    def to(self, socket: Path) -> Path:
        """Where clients find a socket; the folder of a long one is linked by `link`."""
        if _is_short(socket):
            return socket
        return self.folder / "socket" / socket.name

    def link(self, socket: Path) -> None:
        """Make the way, where one is needed."""
        if not _is_short(socket):
            (self.made() / "socket").symlink_to(socket.parent)

    def made(self) -> Path:
        """Make the folder. Everybody may write in /tmp: what is there already has to be our own."""
        self.folder.mkdir(exist_ok=True)
        if self.folder.is_symlink() or self.folder.lstat().st_uid != os.geteuid():
            raise LocalServerError(
                str(self.folder), "belongs to another user", "", "Have it removed."
            )
        self.folder.chmod(0o755)
        return self.folder

    def remove(self) -> None:
        """Remove the folder and all in it."""
        with contextlib.suppress(FileNotFoundError):
            if self.folder.lstat().st_uid == os.geteuid():
                shutil.rmtree(self.folder)


def _is_short(socket: Path) -> bool:
    return len(os.fsencode(socket)) <= _PATH_BYTES
