"""Transform: what Firehose asks before it writes an object to the raw bucket.

Called by Firehose with a few records. Calls one stage; `dynaurora.transform` says what happens in
between. Copy this file to add a transformation of your own: answer every recordId exactly once.
"""

from typing import Any

from dynaurora.log import log
from dynaurora.transform import transform


def lambda_handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """https://docs.aws.amazon.com/firehose/latest/dev/data-transformation-status-model.html"""
    records = transform(event["records"])
    failed = sum(record["result"] != "Ok" for record in records)
    log("error" if failed else "info", "transformed", records=len(records), failed=failed)
    return {"records": records}
