"""What a cold start pays, beside `import boto3`: to import each handler, and until the load can
begin, with its client of S3 and the driver of its database.

Each runs from its zip, as it is deployed; boto3 lies outside, and has its bytecode from pip.
"""

import io
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

from measures import Measure

from dynaurora.deploy.packaging import (
    CAPTURE,
    LOAD,
    TRANSFORM,
    Package,
    Sources,
    load_package,
    streams_package,
)

_PACKAGES: tuple[tuple[Callable[[Sources], Package], dict[str, str]], ...] = (
    (streams_package, {"capture": CAPTURE, "transform": TRANSFORM}),
    (load_package, {"load": LOAD}),
)
_FIRST_LOAD = (
    f"import {Path(LOAD).stem} as load; load.STORE._client; "
    "from dynaurora.adapters.database import adapter_of"
)
_TIMED = "import time; start = time.perf_counter(); {}; print(time.perf_counter() - start)"
_ENVIRONMENT = {
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "none",
    "AWS_SECRET_ACCESS_KEY": "none",
    "DYNAURORA_DATABASE_URL": "postgresql://nobody@127.0.0.1/none",
    "DYNAURORA_RAW_BUCKET": "raw",
    "DYNAURORA_BACKUP_BUCKET": "backup",
    "PYTHONDONTWRITEBYTECODE": "1",  # a worker cannot write beside its code
}


def measure(root: Path, *, times: int) -> Iterator[Measure]:
    """root: of the project."""
    with tempfile.TemporaryDirectory(prefix="dynaurora-bench-") as aside:
        sources = Sources(root / "lambda_functions", Path(aside, "cache"))
        for make, handlers in _PACKAGES:
            folder = Path(aside, make.__name__)
            with zipfile.ZipFile(io.BytesIO(make(sources).zipped())) as archive:
                archive.extractall(folder)
            for name, handler in handlers.items():
                statement = f"import {Path(handler).stem}"
                yield _measured(f"import of {name}", "python", statement, folder, times)
        for engine in ("postgresql", "mysql"):
            statement = f"{_FIRST_LOAD}; adapter_of({engine!r})"
            yield _measured("start of load", engine, statement, folder, times)


def _measured(bench: str, engine: str, statement: str, folder: Path, times: int) -> Measure:
    ours, floor = [], []
    for _ in range(times):
        ours.append(_seconds(statement, folder))
        floor.append(_seconds("import boto3", folder))
    return Measure(bench, engine, median(ours), median(floor), "s")


def _seconds(statement: str, folder: Path) -> float:
    found = subprocess.run(
        [sys.executable, "-c", _TIMED.format(statement)],
        env=os.environ | _ENVIRONMENT | {"PYTHONPATH": str(folder)},
        capture_output=True,
        check=True,
        text=True,
    )
    return float(found.stdout)
