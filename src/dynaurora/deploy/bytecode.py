"""What Python makes of a source before it runs it, for the zips.

A worker finds its code in a folder that it cannot write to. Without bytecode each cold start would
compile every module that it imports, and throw it away.

It is of a version of Python, and of no machine. It is taken unchecked, because what a zip was
unpacked to has other times than what was compiled, and nobody changes it; what is of another
Python is not taken, and the source is compiled as before.
https://docs.python.org/3/reference/import.html#cached-bytecode-invalidation
"""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from dynaurora.errors import ProjectError

_ROOT: Final = "/var/task"
"""Where a worker's code is, as tracebacks name it.
https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html"""

_TAG: Final = "import sys; print(sys.implementation.cache_tag)"
_ISOLATED: Final = "-I"  # no variable of whoever deploys changes what is made


@dataclass(frozen=True, slots=True)
class Compiler:
    """A Python of the Lambdas' version. tag: tells its bytecode from others', ``cpython-313``."""

    python: str
    tag: str

    def compiled(self, sources: Mapping[str, bytes]) -> dict[str, bytes]:
        """The bytecode of modules, by the path that it is looked for at; of each that is Python."""
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            for path, data in sources.items():
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                (root / path).write_bytes(data)
            self._compile(root)
            found = sorted(root.rglob(f"__pycache__/*.{self.tag}.pyc"))
            if sources and not found:
                raise ProjectError(
                    self.python,
                    "makes no bytecode",
                    f"a Python whose compileall works, of {self.tag}",
                    "Mend it, or take it from PATH.",
                )
            return {path.relative_to(root).as_posix(): path.read_bytes() for path in found}

    def _compile(self, root: Path) -> None:
        command = [
            *(self.python, _ISOLATED, "-m", "compileall", "-qq"),
            *("--invalidation-mode", "unchecked-hash", "-s", str(root), "-p", _ROOT, str(root)),
        ]
        # Its status tells of a file that is for a newer Python: that one has no bytecode.
        subprocess.run(command, capture_output=True, check=False)


def compiler_for(version: tuple[int, ...]) -> Compiler | None:
    """This Python where it is of the version, or one that is installed beside it."""
    tag = f"cpython-{''.join(map(str, version))}"
    if sys.implementation.cache_tag == tag:
        return Compiler(sys.executable, tag)
    python = shutil.which(f"python{'.'.join(map(str, version))}")
    return Compiler(python, tag) if python and _tag_of(python) == tag else None


def _tag_of(python: str) -> str:
    try:
        outcome = subprocess.run(
            [python, _ISOLATED, "-c", _TAG], capture_output=True, check=False, text=True
        )
    except OSError:
        return ""
    return outcome.stdout.strip()
