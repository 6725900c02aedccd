"""Whether a statement reaches beyond its database, told by its words.

Where an engine undoes no CREATE, statements are tried in a database of its own; what names another
one, or makes what is in none (a user, a database), would not stay in there.
"""

import re
from collections.abc import Collection, Sequence
from typing import Final

from dynaurora.plugins.contract import Engine
from dynaurora.plugins.tokens import Token, tokens

_ROWS: Final = frozenset("insert update delete replace with select table values (".split())
_DEFINING: Final = frozenset({"create", "alter", "drop", "rename"})
_INSIDE: Final = frozenset("table view index function procedure trigger".split())
"""What is in a database. An event is, too, but would run by itself."""
_OUTSIDE: Final = frozenset("database schema user role server event tablespace".split())
_TABLE_COMES: Final = frozenset(
    "from join into update table exists references like view function procedure trigger".split()
)
_HEAD_WORDS: Final = 12
_EXECUTED: Final = re.compile(r"(/\*M?!\d*)(.*?)\*/", re.DOTALL)
"""https://dev.mysql.com/doc/refman/8.0/en/comments.html"""


def beyond(statement: str, engine: Engine, databases: Collection[str]) -> tuple[str, int] | None:
    """Why a statement reaches beyond its database, and at which of its characters; or None.

    databases: of the server, in lower case.
    """
    found = list(tokens(_EXECUTED.sub(_bare, statement), engine))
    first = found[0].text if found else ""
    if first not in _ROWS and not (first in _DEFINING and _is_inside(found)):
        return "it does more than a database holds", found[0].offset if found else 0
    others = _others(found)
    for number in range(len(found) - 2):
        name, point, after = found[number : number + 3]
        is_named = _is_name(name) and point.text == "." and _is_name(after)
        if not is_named or name.text.lower() not in databases:
            continue
        if _is_table_place(found, number) or name.text.lower() not in others:
            return f'it names the database "{name.text}"', name.offset
    return None


def _bare(comment: re.Match[str]) -> str:
    """What a server executes of its own comment, at the same place."""
    begin, text = comment.groups()
    return " " * len(begin) + text + "  "


def _is_name(token: Token) -> bool:
    return token.kind in ("word", "quoted")


def _is_inside(found: Sequence[Token]) -> bool:
    """Whether the first thing that is named is one of a database."""
    words = (token.text for token in found[1:_HEAD_WORDS])
    kind = next((text for text in words if text in _INSIDE or text in _OUTSIDE), "")
    return kind in _INSIDE


def _others(found: Sequence[Token]) -> frozenset[str]:
    """What tables are called in the statement: a column of one is written as a table of a database
    is."""
    names = set[str]()
    for number, token in enumerate(found[1:], 1):
        after = found[number + 1].text if number + 1 < len(found) else ""
        is_called = found[number - 1].text == "as" or _is_table_place(found, number)
        if _is_name(token) and after != "." and is_called:
            names.add(token.text.lower())
    return frozenset(names)


def _is_table_place(found: Sequence[Token], number: int) -> bool:
    """Whether a table's name is what stands here, and no column's."""
    words = ["", "", *(token.text for token in found[max(0, number - 2) : number])][-2:]
    if words == ["key", "update"]:  # on duplicate key update
        return False
    return words[1] in _TABLE_COMES or (words[1] == "on" and found[0].text in _DEFINING)
