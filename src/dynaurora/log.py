"""Logs: of the Lambdas one line of JSON each, which CloudWatch Logs can query.

Of a program, lines for people on stderr: the message and its facts.

Facts are names, counts and times; never secrets, and never the contents of an item.
"""

import sys
from typing import Any, Literal

import orjson

Level = Literal["info", "warning", "error"]

_to_stderr = False


def log_to_stderr() -> None:
    """From now on: for a program, whose stdout is for answers: in lines for people."""
    global _to_stderr  # noqa: PLW0603 - one process is either a Lambda or a program
    _to_stderr = True


def log(level: Level, message: str, **facts: Any) -> None:
    """Write one line. An ``alarm`` among the facts is what a metric filter looks for."""
    line = _for_people(message, facts) if _to_stderr else _for_queries(level, message, facts)
    stream = sys.stderr if _to_stderr else sys.stdout
    stream.write(line + "\n")
    stream.flush()


def _for_queries(level: Level, message: str, facts: dict[str, Any]) -> str:
    return orjson.dumps({"level": level, "message": message, **facts}, default=str).decode()


def _for_people(message: str, facts: dict[str, Any]) -> str:
    """Shop.Orders: an SQL table was altered; statements: alter table …"""
    told = f"{facts['table']}: {message}" if "table" in facts else message
    more = [f"{name}: {_in_words(fact)}" for name, fact in facts.items() if name != "table"]
    return "; ".join([told, *more])


def _in_words(fact: Any) -> str:
    words = ", ".join(map(str, fact)) if isinstance(fact, list | tuple) else str(fact)
    return " ".join(words.split())
