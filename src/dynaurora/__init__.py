"""Every change of a DynamoDB table lands in Amazon Aurora. A table is one Python file.

``Table``, ``column`` and ``rows`` are for plugins; they are imported when they are asked for, so
that the Lambdas which need none of them start without them.
"""

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = ["Table", "__version__", "column", "rows"]

if TYPE_CHECKING:
    from dynaurora.plugins.declarations import Table, column, rows


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from dynaurora.plugins import declarations  # noqa: PLC0415 - see the docstring

    return getattr(declarations, name)
