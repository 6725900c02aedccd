"""Load: new objects of the raw bucket become rows of Aurora.

Woken by SQS with the events of S3, by a rule every 15 minutes for the sweep, and by
`{"dynaurora": {"command": …}}` from who may invoke it. Wires the parts, calls one stage, reports
the outcome; `dynaurora.intake` and `dynaurora.etl` say what happens in between.
"""

import time
from functools import partial
from typing import Any

import boto3

from dynaurora.adapters.database import Database
from dynaurora.adapters.s3 import PATIENCE, S3Objects
from dynaurora.commands import run_command
from dynaurora.intake import Parts, sweep, take_in_messages
from dynaurora.plugins.folder import PluginFolder
from dynaurora.settings import LoadSettings

SETTINGS = LoadSettings.from_environment()
STORE = S3Objects(boto3.client("s3", config=PATIENCE))
DATABASE = Database(SETTINGS.database, secrets=partial(boto3.client, "secretsmanager"))
PLUGINS = PluginFolder(SETTINGS.sqlqueries, DATABASE.engine)


class Invocation:
    """The time of one invocation."""

    def __init__(self, context: Any) -> None:
        self.remaining_ms = context.get_remaining_time_in_millis
        self.sleep = time.sleep


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Load what the event tells of; a database that is away raises, so that polling backs off.

    https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
    """
    with DATABASE.session() as engine:
        parts = Parts(
            store=STORE,
            engine=engine,
            plugins=PLUGINS,
            clock=Invocation(context),
            raw_bucket=SETTINGS.raw_bucket,
            backup_bucket=SETTINGS.backup_bucket,
        )
        if "Records" in event:
            failed = take_in_messages(parts, event["Records"])
            return {"batchItemFailures": [{"itemIdentifier": message} for message in failed]}
        if "dynaurora" in event:
            return run_command(parts, event["dynaurora"])
        return sweep(parts).summary()
