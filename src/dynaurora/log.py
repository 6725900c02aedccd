"""Logs of the Lambdas: one line of JSON each, which CloudWatch Logs can query.

Facts are names, counts and times; never secrets, and never the contents of an item.
"""

import sys
from typing import Any, Literal

import orjson

Level = Literal["info", "warning", "error"]


def log(level: Level, message: str, **facts: Any) -> None:
    """Write one line. An ``alarm`` among the facts is what a metric filter looks for."""
    line = orjson.dumps({"level": level, "message": message, **facts}, default=str)
    sys.stdout.write(line.decode() + "\n")
    sys.stdout.flush()
