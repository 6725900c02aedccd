"""The words of a statement, told from its texts and comments: enough for the rules that every load
checks, without a parser.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from dynaurora.plugins.contract import Engine

Kind = Literal["word", "quoted", "end", "other"]

_BACKSLASHES: Final = r"(?:[^'\\]|\\.|'')*(?:'|\Z)"
_POSTGRESQL_TEXT: Final = (
    rf"[eE]'{_BACKSLASHES} | '(?:[^']|'')*(?:'|\Z)"
    r" | \$(?P<tag>(?:[^\W\d]\w*)?)\$.*?(?:\$(?P=tag)\$|\Z)"
)
_POSTGRESQL_QUOTED: Final = r'"(?:[^"]|"")*(?:"|\Z)'
_MYSQL_TEXT: Final = rf"'{_BACKSLASHES}"
_MYSQL_QUOTED: Final = r'`(?:[^`]|``)*(?:`|\Z) | "(?:[^"\\]|\\.|"")*(?:"|\Z)'


def _pattern(text: str, quoted: str) -> re.Pattern[str]:
    return re.compile(
        rf"""
        (?P<skipped> --[^\n]* | /\*.*?(?:\*/|\Z) | \s+ )
      | (?P<text> {text} )
      | (?P<quoted> {quoted} )
      | (?P<word> [^\W\d][\w$]* )
      | (?P<end> ; )
      | (?P<other> . )
        """,
        re.VERBOSE | re.DOTALL,
    )


_PATTERNS: Final[Mapping[Engine, re.Pattern[str]]] = {
    "postgresql": _pattern(_POSTGRESQL_TEXT, _POSTGRESQL_QUOTED),
    "mysql": _pattern(_MYSQL_TEXT, _MYSQL_QUOTED),
}


@dataclass(frozen=True, slots=True)
class Token:
    """A word (in lower case), a quoted name (without its quotes), ``;`` or something else."""

    kind: Kind
    text: str
    offset: int


def tokens(statement: str, engine: Engine) -> Iterator[Token]:
    """Everything but white space and comments; a text is a token without its content."""
    for match in _PATTERNS[engine].finditer(statement):
        kind, start = match.lastgroup, match.start()
        found = match.group()
        if kind == "word":
            yield Token("word", found.lower(), start)
        elif kind == "quoted":
            yield Token("quoted", found[1:-1].replace(found[0] * 2, found[0]), start)
        elif kind == "end":
            yield Token("end", found, start)
        elif kind != "skipped":
            yield Token("other", found if kind == "other" else "'", start)
