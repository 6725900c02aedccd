"""Where in a statement MySQL or MariaDB points at, told by its message: it has no number for it."""

import re
from typing import Final

_NEAR: Final = re.compile(r"near '(.*)' at line (\d+)$", re.DOTALL)
_NEAR_CHARACTERS: Final = 80
"""Of the rest of the statement, as many are quoted.
https://dev.mysql.com/doc/mysql-errors/8.0/en/server-error-reference.html#error_er_parse_error"""

_NAMED: Final = re.compile(r"(?:\b(?:FUNCTION|PROCEDURE) |')((?:[^'\s.]+\.)*)([^'\s.]+)(?:'| )")
"""A table, a column or a function that the message names, with what it is in."""


def position_in(statement: str, message: str) -> int | None:
    """The character that the message points at, from 1; None if it points at none.

    >>> position_in("select a form b", "… syntax to use near 'b' at line 1")
    15
    >>> position_in("select a, c from b", "Unknown column 'c' in 'field list'")
    11
    """
    near = _NEAR.search(message)
    if near is not None:
        return _near(statement, near[1], int(near[2]))
    named = _NAMED.search(message)
    if named is None:
        return None
    places = list(re.finditer(rf"(?<![\w.]){re.escape(named[2])}(?!\w)", statement))
    places = places or list(re.finditer(rf"(?<!\w){re.escape(named[2])}(?!\w)", statement))
    return places[0].start() + 1 if len(places) == 1 else None


def _near(statement: str, rest: str, line: int) -> int | None:
    if len(rest) < _NEAR_CHARACTERS and statement.endswith(rest):
        return len(statement) - len(rest) + 1
    start = 0
    for _ in range(line - 1):
        start = statement.find("\n", start) + 1
    at = statement.find(rest, start)
    return at + 1 if at >= 0 else None
