"""What to do about an exception that a plugin's file has raised.

Imported only when there is something to say.
"""

import re
from collections.abc import Callable, Mapping
from inspect import signature
from typing import Any, Final

import dynaurora
from dynaurora.plugins.declarations import Table, column, rows, suggestion

_CALLS: Final[Mapping[str, Callable[..., Any]]] = {
    "Table.__init__()": Table,
    "column()": column,
    "rows()": rows,
}
_UNKNOWN_PARAMETER: Final = re.compile(r"(\S+\(\)) got an unexpected keyword argument '(\w+)'")
_UNKNOWN_NAME: Final = re.compile(r"cannot import name '(\w+)' from 'dynaurora'")
_DECLARES: Final = "A plugin only declares."


def remedy_for(error: BaseException) -> str:
    """A sentence or two."""
    parameter = _UNKNOWN_PARAMETER.search(str(error))
    if isinstance(error, TypeError) and parameter and parameter[1] in _CALLS:
        known = list(signature(_CALLS[parameter[1]]).parameters)
        return _take("It takes", parameter[2], [name for name in known if name != "_"])
    name = _UNKNOWN_NAME.search(str(error))
    if isinstance(error, ImportError) and name:
        return _take("There are", name[1], [n for n in dynaurora.__all__ if n != "__version__"])
    if isinstance(error, ImportError):
        beside = "It runs in the load Lambda, beside dynaurora and Python's own library alone."
        return f"{_DECLARES} {beside}"
    return _DECLARES


def _take(head: str, name: str, known: list[str]) -> str:
    return f"{head} {', '.join(known)}{suggestion(name, known)}".rstrip("?") + (
        "?" if suggestion(name, known) else "."
    )
