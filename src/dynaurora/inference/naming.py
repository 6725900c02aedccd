"""The names that inferred columns, rows and tables get: legal, readable, and each once.

A name is that of the attribute in lower snake case (`dynaurora.model.names`). One that is taken
gets eight hex digits of its path behind it, so that it stays the same whatever else there is.
"""

import keyword
from collections.abc import Iterable
from hashlib import blake2b
from typing import Final

from dynaurora.model.names import SQL_NAME_BYTES, sql_name
from dynaurora.model.paths import Attribute, Path, path_text
from dynaurora.plugins.statements_postgresql import refused_columns
from dynaurora.sql.reserved import POSTGRESQL_RESERVED

_VALUE: Final = "value"
_NOT_OURS: Final = ("staged", "replaced_")
_NOT_OUR_NAMES: Final = frozenset({"removed", "changes", "excluded"})
_VARIABLES: Final = frozenset({"key", "columns", "column", "rows", "Table"})
"""What means something else in a plugin's file."""


class Names:
    """The names of one namespace; each is given once."""

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._taken = set(taken)

    def give(self, *wishes: str, unique: str) -> str:
        """The first wish that is free; else the first with digits made of ``unique``."""
        for name in (*wishes, _marked(wishes[0], unique)):
            if name not in self._taken:
                self._taken.add(name)
                return name
        raise AssertionError(f"two paths have the digits of {wishes[0]}")


def column_name(path: Path) -> str:
    """What the column at a path is called, if that is free.

    ``order`` and ``user`` mean something else where they are not quoted: they get a ``_``.

    >>> column_name((Attribute("price"), Attribute("netAmount"))), column_name((Attribute("user"),))
    ('price_net_amount', 'user_')
    """
    name = rows_name(path)
    return f"{name}_" if name in POSTGRESQL_RESERVED or name in refused_columns else name


def rows_name(path: Path) -> str:
    """What the rows at a path are called, if that is free."""
    names = [step.name for step in path if isinstance(step, Attribute)]
    if not names:
        return _VALUE
    # Names that begin with "_" belong to Dynaurora; one of other letters alone has nothing left.
    name = sql_name(sql_name("_".join(names)).lstrip("_"))
    return name or _marked("attribute", path_text(path))


def table_name(table: str) -> str | None:
    """What a Table has to be called; None where the name that it has by itself will do."""
    name = sql_name(table)
    if name.startswith((*_NOT_OURS, "_")) or name in _NOT_OUR_NAMES:
        return f"t_{name}"[:SQL_NAME_BYTES]
    return None


def variable_name(name: str) -> str:
    """A name of SQL as one of Python, which a plugin's file may define."""
    if not name.isidentifier() or keyword.iskeyword(name) or name in _VARIABLES:
        return f"table_{name}"
    return name


def _marked(name: str, unique: str) -> str:
    digits = blake2b(unique.encode(errors="surrogatepass"), digest_size=4).hexdigest()
    return f"{name[: SQL_NAME_BYTES - 9]}_{digits}"
