"""The folders that servers live in: one that is kept, or one that is thrown away.

A folder serves one run at a time, which holds its lock. The kernel lets go of the lock when its
holder ends, however that comes about; so whose lock can be taken was abandoned. A temporary folder
that was abandoned is removed by the next run that makes one, its servers stopped before.
"""

import contextlib
import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from dynaurora.errors import LocalServerError
from dynaurora.local.databases import PRODUCTS, in_folder
from dynaurora.local.ministack import LocalAws

MINISTACK = "ministack"
POSTGRESQL = PRODUCTS["postgresql"].folder
MARIADB = PRODUCTS["mysql"].folder
LOCK = "lock"

TEMPORARY = "dynaurora-run-"

SETTLED_S = 60
"""A temporary folder that is younger may not have been locked yet by the run that made it."""


@contextlib.contextmanager
def kept(folder: Path) -> Iterator[Path]:
    """``folder``, held. It is made when it is missing."""
    with contextlib.ExitStack() as stack:
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            stack.enter_context(_locked(folder))
        except OSError as error:
            raise LocalServerError(
                str(folder),
                f"cannot be used ({error.strerror})",
                "a folder that may be written",
                "Choose another folder.",
            ) from error
        yield folder.resolve()


@contextlib.contextmanager
def temporary(parent: Path | None = None) -> Iterator[Path]:
    """A new folder in ``parent``, held, and removed in the end."""
    parent = parent or Path(tempfile.gettempdir())
    _remove_abandoned(parent)
    folder = Path(tempfile.mkdtemp(prefix=TEMPORARY, dir=parent)).resolve()
    try:
        with _locked(folder):
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def is_held(folder: Path) -> bool:
    """Whether a run holds the folder now."""
    try:
        with (folder / LOCK).open() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    with (folder / LOCK).open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            holder = lock.read().strip() or "another process"
            raise LocalServerError(
                str(folder),
                f"is in use by {holder}",
                "a folder for one run at a time",
                "Stop that run, or choose another folder.",
            ) from None
        lock.truncate(0)
        lock.write(f"process {os.getpid()}\n")
        lock.flush()
        yield


def _remove_abandoned(parent: Path) -> None:
    for lock in parent.glob(f"{TEMPORARY}*/{LOCK}"):
        with contextlib.suppress(OSError, LocalServerError):  # it is another user's, or in use
            if time.time() - lock.stat().st_mtime > SETTLED_S:
                _remove(lock.parent)


def _remove(folder: Path) -> None:
    with _locked(folder):
        LocalAws(folder / MINISTACK).kill()
        for engine in PRODUCTS:
            in_folder(folder, engine).kill()
        shutil.rmtree(folder)
