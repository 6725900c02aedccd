"""The words of a statement, told from its texts and comments: enough for the rules that every load
checks, without a parser.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Literal

from dynaurora.plugins.contract import Engine
from dynaurora.plugins.statements import dialect_of

Kind = Literal["word", "quoted", "end", "other"]


@cache
def _pattern(engine: Engine) -> re.Pattern[str]:
    dialect = dialect_of(engine)
    return re.compile(
        rf"""
        (?P<skipped> --[^\n]* | /\*.*?(?:\*/|\Z) | \s+ )
      | (?P<text> {dialect.text_pattern} )
      | (?P<quoted> {dialect.name_pattern} )
      | (?P<word> [^\W\d][\w$]* )
      | (?P<end> ; )
      | (?P<other> . )
        """,
        re.VERBOSE | re.DOTALL,
    )


@dataclass(frozen=True, slots=True)
class Token:
    """A word (in lower case), a quoted name (without its quotes), ``;`` or something else."""

    kind: Kind
    text: str
    offset: int


def tokens(statement: str, engine: Engine) -> Iterator[Token]:
    """Everything but white space and comments; a text is a token without its content."""
    for match in _pattern(engine).finditer(statement):
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
