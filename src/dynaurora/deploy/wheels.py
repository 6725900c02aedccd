"""Wheels of the Lambdas' platform, fetched with pip and kept."""

import contextlib
import hashlib
import importlib.metadata
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from dynaurora.errors import ProjectError

_NO_WHEEL: Final = re.compile(r"No matching distribution found for (\S+)")
_NO_NETWORK: Final = ("NewConnectionError", "NameResolutionError", "ConnectTimeout", "ProxyError")
"""What urllib3, inside pip, calls an index that does not answer."""


@dataclass(frozen=True, slots=True)
class Platform:
    """What a Lambda runs on. python: as "3.13"; machine: ``arm64`` or ``x86_64``."""

    python: str
    machine: str

    @property
    def version(self) -> tuple[int, ...]:
        return tuple(int(part) for part in self.python.split("."))

    @property
    def wheel_tags(self) -> tuple[str, ...]:
        """From Python 3.12 on the runtime is Amazon Linux 2023 with glibc 2.34, before it was
        Amazon Linux 2 with 2.26 (https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html).
        """
        machine = "aarch64" if self.machine == "arm64" else "x86_64"
        newest = ("manylinux_2_28",) if self.version >= (3, 12) else ()
        return tuple(f"{tag}_{machine}" for tag in (*newest, "manylinux_2_17", "manylinux2014"))


def fetched(wanted: Iterable[str], platform: Platform, cache: Path) -> Path:
    """The folder with the wheels of a platform, fetched once for the same versions.

    Raises ``ProjectError`` where a package has none for it: its source is never built, because
    that would be for this machine.
    """
    requirements = [_requirement(name) for name in wanted]
    asked = "\n".join([*requirements, platform.python, *platform.wheel_tags])
    folder = cache / hashlib.sha256(asked.encode()).hexdigest()[:16]
    if not folder.is_dir():
        # Filled aside and moved: what is there under its name is whole.
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as aside:
            filled = Path(aside, "filled")
            _pip(requirements, platform, filled)
            with contextlib.suppress(OSError):  # another deployment was faster
                filled.rename(folder)
    return folder


def _requirement(name: str) -> str:
    """The version that is installed here, because it is the one that was tested."""
    try:
        return f"{name}=={importlib.metadata.version(name)}"
    except importlib.metadata.PackageNotFoundError:
        return name


def _pip(requirements: Iterable[str], platform: Platform, target: Path) -> None:
    tags = [part for tag in platform.wheel_tags for part in ("--platform", tag)]
    command = [
        *(sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
        *("--no-deps", "--no-compile", "--only-binary=:all:", "--implementation", "cp"),
        *("--python-version", platform.python, *tags),
        *("--target", str(target), *requirements),
    ]
    outcome = subprocess.run(command, capture_output=True, text=True, check=False)
    if outcome.returncode != 0:
        raise _no_wheels(requirements, platform, outcome.stderr)


def _no_wheels(requirements: Iterable[str], platform: Platform, said: str) -> ProjectError:
    """Why pip has brought none."""
    where = f"wheels for Python {platform.python} on {platform.machine}"
    expected = f"pip to fetch {', '.join(requirements)}"
    missing = _NO_WHEEL.search(said)
    if any(sign in said for sign in _NO_NETWORK):
        return ProjectError(
            where,
            "the package index cannot be reached",
            expected,
            "Look at the network and pip's index-url, and deploy again; what was fetched is kept.",
        )
    if missing is not None:
        return ProjectError(
            where,
            f"there is none of {missing[1]}",
            expected,
            f"Set another architecture or runtime in dynaurora.toml, or install a version of "
            f"{missing[1].partition('==')[0]} that has one.",
        )
    last = (said.strip().splitlines() or ["pip said nothing"])[-1]
    remedy = "Correct what pip says and deploy again; make setup brings pip."
    return ProjectError(where, last, expected, remedy)
