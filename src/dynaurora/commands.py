"""Commands: every operation by name, taken from the command line or by the load Lambda.

    {"dynaurora": {"command": "quarantine list", "table": "orders"}}

A database in a private network is reached by its load Lambda alone, so what is to be done there is
asked of it; elsewhere the same functions run on a connection of the command line's own. Arguments
and facts are JSON, so both ways give the same.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from dynaurora.errors import DynauroraError, SettingsError
from dynaurora.intake import sweep
from dynaurora.log import log
from dynaurora.operations.desk import Desk, Facts
from dynaurora.operations.gaps import close_gap, list_gaps, replay_gaps
from dynaurora.operations.quarantine import (
    discard_quarantine,
    list_quarantine,
    retry_quarantine,
    show_quarantine,
)
from dynaurora.operations.queries import run_queries
from dynaurora.operations.replay import begin_anew, count_older, replay_archive
from dynaurora.operations.server import describe_server
from dynaurora.operations.status import status
from dynaurora.operations.streams import accept_stream, list_streams, look_at_stream
from dynaurora.operations.tables import (
    clear_waiting,
    create_metadata,
    drop_table,
    register_stream,
    unpark_table,
)
from dynaurora.operations.unmapped import list_unmapped
from dynaurora.parts import Parts

ANSWER_BYTES: Final = 6 * 1000 * 1000 - 100_000
"""A synchronous answer of a Lambda, 6 MB, less what is written around it.
https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"""


def _sweep(parts: Parts, *, table: str = "") -> Facts:
    return sweep(parts, table=table, age_s=0).summary()


ON_A_DATABASE: Final[Mapping[str, Callable[..., Facts]]] = {
    "clear waiting": clear_waiting,
    "create metadata": create_metadata,
    "drop": drop_table,
    "gaps close": close_gap,
    "gaps list": list_gaps,
    "quarantine discard": discard_quarantine,
    "quarantine list": list_quarantine,
    "quarantine show": show_quarantine,
    "query": run_queries,
    "register stream": register_stream,
    "replay begin": begin_anew,
    "replay older": count_older,
    "server": describe_server,
    "stream accept": accept_stream,
    "stream list": list_streams,
    "stream look": look_at_stream,
    "unmapped": list_unmapped,
    "unpark": unpark_table,
}
"""Commands that need a database and the plugins."""

ON_A_PIPELINE: Final[Mapping[str, Callable[..., Facts]]] = {
    "gaps replay": replay_gaps,
    "quarantine retry": retry_quarantine,
    "replay": replay_archive,
    "status": status,
    "sweep": _sweep,
}
"""Commands that read or move objects, too."""


def run_on_database(desk: Desk, command: str, arguments: Mapping[str, Any]) -> Facts:
    """Run a command that needs no objects."""
    return ON_A_DATABASE[command](desk, **arguments)


def run_command(parts: Parts, request: Mapping[str, Any]) -> Facts:
    """Run any command and return its facts. Raises ``SettingsError`` for one that is none."""
    arguments = dict(request)
    command = arguments.pop("command", None)
    run = ON_A_PIPELINE.get(str(command)) or ON_A_DATABASE.get(str(command))
    if run is None:
        known = ", ".join(sorted([*ON_A_PIPELINE, *ON_A_DATABASE]))
        raise SettingsError("command", f"{command!r} is none", known, "Correct the request.")
    return run(parts, **arguments)


def answered(run: Callable[[], Facts]) -> Facts:
    """What the load Lambda answers to a command: its facts, or ``{"error": …}`` with the error's.

    An exception would reach who asked as one text, without its facts.
    """
    try:
        facts = run()
        size = len(json.dumps(facts))
        if size > ANSWER_BYTES:
            raise SettingsError(
                "the answer",
                f"it has {size:,} bytes",
                f"at most {ANSWER_BYTES:,}, which is what a Lambda can answer",
                "Ask for less: --limit, --table, a query that sums up.",
            )
    except DynauroraError as error:
        # What it found may quote a row: that is for who asked, never for a log.
        log("error", "a command failed", kind=type(error).__name__, where=error.where)
        return {"error": error.facts}
    return facts
