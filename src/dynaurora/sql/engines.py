"""The engines, a word each: that of their URLs, of ``--engine`` and of the files that make them.

A module of its own, because a command line that has to know them has no time to import more.
"""

from collections.abc import Mapping
from typing import Final, Literal

Engine = Literal["postgresql", "mysql"]
ENGINES: Final[tuple[Engine, ...]] = ("postgresql", "mysql")
DEFAULT: Final[Engine] = "postgresql"
"""Where neither a person nor a database says which."""

ALIASES: Final[Mapping[str, Engine]] = {"postgres": "postgresql"}
"""Other words that URLs begin with."""
