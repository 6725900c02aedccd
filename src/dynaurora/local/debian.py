"""Programs from Debian's packages, unpacked into a folder of our own: no root is needed.

apt reads the machine's own sources and keeps everything else (lists, files, locks) in the folder
that it is told. What the machine has already is not fetched again.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from dynaurora.errors import LocalServerError

_NEEDED: Final = ("apt-get", "dpkg-deb")
_PATIENCE_S: Final = 600
_KEYRING: Final = "/usr/share/keyrings/debian-archive-keyring.gpg"
_MIRROR: Final = "http://deb.debian.org/debian"
"""Debian's own; apt verifies what it gives by the keyring."""


def cache_folder() -> Path:
    """Where programs are kept that were fetched; it can be removed at any time.

    https://specifications.freedesktop.org/basedir-spec/latest/#variables
    """
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "dynaurora"


def unpacked(name: str, packages: Sequence[str], *, release: str = "") -> Path:
    """The folder of these packages and of all that they need; fetched where it is not there yet.

    release: of Debian, another than the machine's; then they bring the C library that they need.
    Raises ``LocalServerError`` where apt is not there, or cannot fetch them.
    """
    folder = cache_folder() / name
    if folder.exists():
        return folder
    missing = [program for program in _NEEDED if shutil.which(program) is None]
    if missing:
        raise LocalServerError(name, f"{missing[0]} is not there to fetch it", "Debian or Ubuntu")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f"{name}-", dir=folder.parent) as new:
        _fetch(Path(new), name, packages, release)
        root = Path(new) / "root"
        for package in sorted(Path(new).glob("archives/*.deb")):
            _run(name, "dpkg-deb", "--extract", str(package), str(root))
        try:
            root.rename(folder)
        except OSError:
            if not folder.exists():  # another process was faster
                raise
    return folder


def _fetch(folder: Path, name: str, packages: Sequence[str], release: str) -> None:
    for part in ("lists/partial", "archives/partial"):
        (folder / part).mkdir(parents=True)
    options = (
        *_of_release(folder, release),
        *("-o", f"Dir::State::lists={folder}/lists", "-o", f"Dir::Cache={folder}"),
        *("-o", f"Dir::Cache::archives={folder}/archives", "-o", "Debug::NoLocking=1"),
        *("-o", "APT::Sandbox::User="),  # root's apt would fetch as a user who may not write here
        *("-o", "Acquire::Languages=none", "--quiet", "--quiet"),
    )
    _run(name, "apt-get", *options, "update")
    install = ("install", "--download-only", "--no-install-recommends", "--reinstall", "--yes")
    _run(name, "apt-get", *options, *install, *packages)


def _of_release(folder: Path, release: str) -> Sequence[str]:
    """apt's options for the packages of another release, on a machine that has none of them."""
    if not release:
        return ()
    sources, status = folder / "sources.list", folder / "status"
    sources.write_text(f"deb [signed-by={_KEYRING}] {_MIRROR} {release} main\n")
    status.touch()
    return (
        *("-o", f"Dir::Etc::sourcelist={sources}", "-o", "Dir::Etc::sourceparts=/dev/null"),
        *("-o", f"Dir::State::status={status}"),
    )


def _run(name: str, *command: str) -> None:
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        timeout=_PATIENCE_S,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"},
    )
    if done.returncode:
        lines = (done.stderr or done.stdout).strip().splitlines()
        raise LocalServerError(
            name, f"{command[0]} cannot fetch it: {lines[-1] if lines else done.returncode}"
        )
