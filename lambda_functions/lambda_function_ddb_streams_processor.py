"""Capture: the changes of DynamoDB tables become records of Firehose streams.

Woken by the stream mapping of each table. Wires the parts, calls one stage, reports the outcome;
`dynaurora.capture` says what happens in between. Copy this file to make a capture of your own.
"""

import time
from functools import partial
from typing import Any

from dynaurora.collecting import starting

with starting():
    from dynaurora.adapters.aws import worker_client
    from dynaurora.adapters.firehose import FirehoseStreams
    from dynaurora.adapters.s3 import ONE_TRY, S3Objects
    from dynaurora.capture import capture
    from dynaurora.log import log
    from dynaurora.settings import CaptureSettings

SETTINGS = CaptureSettings.from_environment()
STREAMS = FirehoseStreams(worker_client("firehose"))
BODIES = S3Objects(partial(worker_client, "s3", ONE_TRY))


class Invocation:
    """The time of one invocation."""

    def __init__(self, context: Any) -> None:
        self.remaining_ms = context.get_remaining_time_in_millis
        self.sleep = time.sleep


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Deliver a batch; tell Lambda from which change on it has to come again.

    https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html
    """
    captured = capture(
        event["Records"],
        streams=STREAMS,
        prefix=SETTINGS.delivery_stream_prefix,
        bodies=BODIES,
        backup_bucket=SETTINGS.backup_bucket,
        clock=Invocation(context),
    )
    log(
        "error" if captured.failure else "info",
        "captured",
        table=captured.table,
        measures={
            "captured": captured.changes,
            "records": captured.records,
            "oversize": captured.oversize,
            "retried_records": captured.retried,
            "failed_batches": int(captured.failure is not None),
        },
        failure=str(captured.failure or ""),
    )
    if captured.failure is None:
        return {"batchItemFailures": []}
    if SETTINGS.stream_failures == "raise":
        raise captured.failure
    return {"batchItemFailures": [{"itemIdentifier": captured.failed_sequence_number}]}
