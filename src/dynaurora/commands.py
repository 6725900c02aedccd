"""Commands that the load Lambda takes, from who may invoke it.

    {"dynaurora": {"command": "sweep", "table": "orders"}}

A database in a private network is reached by its load Lambda alone, so what has to be done there is
asked of it.
"""

from collections.abc import Mapping
from typing import Any

from dynaurora.errors import SettingsError
from dynaurora.intake import Parts, sweep


def run_command(parts: Parts, request: Mapping[str, Any]) -> dict[str, Any]:
    """Run a command and return its outcome. Raises ``SettingsError`` for one that is none."""
    command = request.get("command")
    if command == "sweep":
        return sweep(parts, table=str(request.get("table", "")), age_s=0).summary()
    raise SettingsError("command", f"{command!r} is none", '"sweep"', "Correct the request.")
