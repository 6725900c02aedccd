"""What a cold start pays, beside `import boto3`: to import each handler, and until the load can
begin, with its client of S3 and the driver of its database.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from measures import Measure

HANDLERS = {
    "capture": "lambda_function_ddb_streams_processor",
    "transform": "lambda_function_ddb_streams_processor_kinesis_fh",
    "load": "lambda_function_s3_to_aurora",
}
_FIRST_LOAD = f"import {HANDLERS['load']} as load; load.STORE._client"
_TIMED = "import time; start = time.perf_counter(); {}; print(time.perf_counter() - start)"
_ENVIRONMENT = {
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "none",
    "AWS_SECRET_ACCESS_KEY": "none",
    "DYNAURORA_DATABASE_URL": "postgresql://nobody@127.0.0.1/none",
    "DYNAURORA_RAW_BUCKET": "raw",
    "DYNAURORA_BACKUP_BUCKET": "backup",
}


def measure(root: Path, *, times: int) -> Iterator[Measure]:
    """root: of the project."""
    folder = root / "lambda_functions"
    for name, module in HANDLERS.items():
        yield _measured(f"import of {name}", "python", f"import {module}", folder, times)
    for engine in ("postgresql", "mysql"):
        statement = f"{_FIRST_LOAD}; import dynaurora.adapters.{engine}"
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
