"""Transform: what Firehose asks before it writes an object to the raw bucket.

Called by Firehose with a few records. Calls one stage; `dynaurora.transform` says what happens in
between. Copy this file to add a transformation of your own: answer every recordId exactly once.
"""

from typing import Any

from dynaurora.log import log
from dynaurora.transform import transform


def lambda_handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """https://docs.aws.amazon.com/firehose/latest/dev/data-transformation-status-model.html"""
    transformed = transform(event["records"])
    log(
        "error" if transformed.failed else "info",
        "transformed",
        measures={
            "unreadable_lines": transformed.unreadable,
            "failed_records": transformed.failed,
        },
        records=len(transformed.records),
    )
    return {"records": transformed.records}
