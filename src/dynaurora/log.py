"""Logs: of the Lambdas one line of JSON each, which CloudWatch Logs can query and takes metrics of.

Of a program, lines for people on stderr: the message and its facts.

Facts are names, counts and times; never secrets, and never the contents of an item.
"""

import sys
from typing import Any, Literal

import orjson

from dynaurora.metrics import Alarm, Measures, embedded

Level = Literal["info", "warning", "error"]

_to_stderr = False


def log_to_stderr() -> None:
    """From now on: for a program, whose stdout is for answers: in lines for people."""
    global _to_stderr  # noqa: PLW0603 - one process is either a Lambda or a program
    _to_stderr = True


def log(
    level: Level,
    message: str,
    *,
    measures: Measures | None = None,
    alarm: Alarm | None = None,
    **facts: Any,
) -> None:
    """Write one line.

    measures: numbers of the line that are metrics, of the ``table`` that the facts name.
    alarm: what the line is worth waking someone for; it is counted by a metric of its own.
    """
    if _to_stderr:
        line = _for_people(message, {**facts, **_plain(measures or {})})
    else:
        of_alarm = {"alarm": alarm} if alarm else {}
        metrics = embedded(measures or {}, table=facts.get("table", ""), alarm=alarm)
        line = _for_queries(level, message, {**of_alarm, **facts, **(measures or {}), **metrics})
    stream = sys.stderr if _to_stderr else sys.stdout
    stream.write(line + "\n")
    stream.flush()


def _for_queries(level: Level, message: str, facts: dict[str, Any]) -> str:
    return orjson.dumps({"level": level, "message": message, **facts}, default=str).decode()


def _plain(measures: Measures) -> dict[str, Any]:
    """Without those that have many values, which are there to be counted."""
    return {name: value for name, value in measures.items() if isinstance(value, int | float)}


def _for_people(message: str, facts: dict[str, Any]) -> str:
    """Shop.Orders: an SQL table was altered; statements: alter table …"""
    told = f"{facts['table']}: {message}" if "table" in facts else message
    more = [f"{name}: {_in_words(fact)}" for name, fact in facts.items() if name != "table"]
    return "; ".join([told, *more])


def _in_words(fact: Any) -> str:
    words = ", ".join(map(str, fact)) if isinstance(fact, list | tuple) else str(fact)
    return " ".join(words.split())
