"""Load: new objects of the raw bucket become rows of Aurora.

Woken by SQS with the events of S3, by a rule every 15 minutes for the sweep, and by
`{"dynaurora": {"command": …}}` from who may invoke it. Wires the parts, calls one stage, reports
the outcome; `dynaurora.intake` and `dynaurora.etl` say what happens in between.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from dynaurora.collecting import starting

with starting():
    from dynaurora.adapters.aws import worker_client
    from dynaurora.adapters.database import Database
    from dynaurora.adapters.s3 import PATIENCE, S3Objects
    from dynaurora.intake import sweep, take_in_messages
    from dynaurora.log import log
    from dynaurora.metadata.unsettled import unsettled
    from dynaurora.parts import Parts
    from dynaurora.plugins.folder import PluginFolder
    from dynaurora.settings import LoadSettings

SETTINGS = LoadSettings.from_environment()
STORE = S3Objects(partial(worker_client, "s3", PATIENCE))
DATABASE = Database(SETTINGS.database, secrets=partial(worker_client, "secretsmanager", PATIENCE))
PLUGINS = PluginFolder(SETTINGS.sqlqueries, DATABASE.engine)


class Invocation:
    """The time of one invocation."""

    def __init__(self, context: Any) -> None:
        self.remaining_ms = context.get_remaining_time_in_millis
        self.sleep = time.sleep


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Load what the event tells of; a database that is away raises, so that polling backs off.

    Who asks by a command is answered what went wrong.
    https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
    """
    if "dynaurora" in event:
        # Imported late: most workers are never asked for a command, and start without.
        from dynaurora.commands import answered  # noqa: PLC0415

        return answered(partial(_command, event["dynaurora"], context))
    with _parts(context) as parts:
        if "Records" in event:
            failed = take_in_messages(parts, event["Records"])
            return {"batchItemFailures": [{"itemIdentifier": message} for message in failed]}
        summary = sweep(parts).summary()
        left = {name: summary[name] for name in ("failed", "waiting")}
        waits = unsettled(parts.engine.connection, parts.engine.queries)
        log("info", "swept", measures={"sweeps": 1, "unsettled": waits}, **left)
        return summary


def _command(request: dict[str, Any], context: Any) -> dict[str, Any]:
    if request.get("command") == "bootstrap":  # before there is a user to connect as
        from dynaurora.adapters.bootstrap import bootstrap_asked  # noqa: PLC0415

        return bootstrap_asked(DATABASE, SETTINGS.database, request)
    from dynaurora.commands import run_command  # noqa: PLC0415

    with _parts(context) as parts:
        return run_command(parts, request)


@contextmanager
def _parts(context: Any) -> Iterator[Parts]:
    with DATABASE.session() as engine:
        yield Parts(
            store=STORE,
            engine=engine,
            plugins=PLUGINS,
            clock=Invocation(context),
            raw_bucket=SETTINGS.raw_bucket,
            backup_bucket=SETTINGS.backup_bucket,
        )
