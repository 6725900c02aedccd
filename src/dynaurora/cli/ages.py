"""Ages as people write and read them: 30s, 15m, 2h, 7d."""

from datetime import UTC, datetime
from typing import Any, Final

import click

_UNITS_S: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


class Age(click.ParamType[int]):
    """An age on the command line, in seconds for the code."""

    name = "AGE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        count, unit = value[:-1], value[-1:]
        if unit not in _UNITS_S or not (count.isascii() and count.isdigit()):
            self.fail(f'"{value}" is no age; write 30s, 15m, 2h or 7d.', param, ctx)
        return int(count) * _UNITS_S[unit]


def ago(moment: str | None) -> str:
    """How long ago a moment of the facts was."""
    if moment is None:
        return "-"
    seconds = max(0, int((datetime.now(UTC) - datetime.fromisoformat(moment)).total_seconds()))
    for unit in ("d", "h", "m"):
        if seconds >= _UNITS_S[unit]:
            return f"{seconds // _UNITS_S[unit]} {unit}"
    return f"{seconds} s"
