"""Logs of the Lambdas: one line of JSON each, which CloudWatch Logs can query.

Facts are names, counts and times; never secrets, and never the contents of an item.
"""

import sys
from typing import Any, Literal

import orjson

Level = Literal["info", "warning", "error"]

_to_stderr = False


def log_to_stderr() -> None:
    """From now on: for a program whose stdout is for its answers."""
    global _to_stderr  # noqa: PLW0603 - one process is either a Lambda or a program
    _to_stderr = True


def log(level: Level, message: str, **facts: Any) -> None:
    """Write one line. An ``alarm`` among the facts is what a metric filter looks for."""
    line = orjson.dumps({"level": level, "message": message, **facts}, default=str)
    stream = sys.stderr if _to_stderr else sys.stdout
    stream.write(line.decode() + "\n")
    stream.flush()
