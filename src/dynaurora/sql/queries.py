"""Hand-written statements by name, read from a ``.sql`` file beside the dialect.

A statement begins at ``-- name`` on a line of its own; the comment lines below say why it is as it
is. ``{schema}`` and ``{ledger}`` stand for quoted names, filled in by `Queries`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

_HEAD: Final = re.compile(r"^-- (\w+)$", re.MULTILINE)
_COMMENT: Final = re.compile(r"^\s*--.*\n?", re.MULTILINE)


@cache
def statements(file: str) -> Mapping[str, str]:
    """The statements of a file of this package, without their comments."""
    parts = _HEAD.split((Path(__file__).parent / file).read_text("utf-8"))
    return {
        name: _COMMENT.sub("", text).strip()
        for name, text in zip(parts[1::2], parts[2::2], strict=True)
    }


@dataclass(frozen=True, slots=True)
class Queries:
    """The statements of one engine for one metadata schema.

    schema: quoted. prefix: what the names of the metadata begin with in it.
    """

    file: str
    schema: str
    prefix: str = ""

    def __getitem__(self, name: str) -> str:
        text = statements(self.file)[name].replace("{schema}.", f"{self.schema}.{self.prefix}")
        return text.replace("{schema}", self.schema)

    def of_table(self, name: str, number: int) -> str:
        """A statement on the ledger of the table with this number in ``tables``."""
        return self[name].replace("{ledger}", self.ledger(number))

    def ledger(self, number: int) -> str:
        """The ledger of that table."""
        return f"{self.schema}.{self.prefix}ledger_{number}"

    def every_of_table(self, prefix: str, number: int) -> list[str]:
        """All statements whose name begins so, on the ledger of this table."""
        return [self.of_table(n, number) for n in statements(self.file) if n.startswith(prefix)]

    def starting_with(self, prefix: str) -> list[str]:
        """All statements whose name begins so, in the order of the file."""
        return [self[name] for name in statements(self.file) if name.startswith(prefix)]
