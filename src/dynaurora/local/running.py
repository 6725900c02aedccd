"""Where the pipeline of a project runs on this machine: a note for commands in other terminals.

The note is a file of the project, and is true while the folder of its servers is held: a run that
was killed leaves a note, and nobody believes it.
"""

import contextlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from dynaurora.errors import LocalServerError
from dynaurora.local.folders import is_held

NOTE: Final = Path(".dynaurora") / "running.json"


@contextlib.contextmanager
def noted(root: Path, folder: Path, environment: Mapping[str, str]) -> Iterator[None]:
    """Leave the note. root: of the project. folder: of the servers, which is held.

    environment: the variables that a program needs to work on these servers. The last of two runs
    is the one that is found.
    """
    path = root / NOTE
    text = json.dumps({"folder": str(folder), "environment": dict(environment)}, indent=2)
    path.parent.mkdir(exist_ok=True)
    path.touch(mode=0o600)
    path.write_text(text, encoding="utf-8")
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            if path.read_text(encoding="utf-8") == text:
                path.unlink()


def running(root: Path) -> dict[str, str]:
    """The variables of the pipeline that runs; raises ``LocalServerError`` where none does."""
    with contextlib.suppress(OSError, ValueError, KeyError):
        note = json.loads((root / NOTE).read_text(encoding="utf-8"))
        if is_held(Path(note["folder"])):
            return {str(name): str(value) for name, value in note["environment"].items()}
    raise LocalServerError(
        str(root), "no pipeline of this project runs here", "", "Start one: dynaurora dev."
    )
