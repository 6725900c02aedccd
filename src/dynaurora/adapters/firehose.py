"""Firehose: where capture puts its records."""

from collections.abc import Sequence
from typing import Any

from dynaurora.adapters.aws import aws_errors
from dynaurora.ports import PutOutcome


class FirehoseStreams:
    """`ports.DeliveryStreams` on a boto3 client."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def put(self, stream: str, records: Sequence[bytes]) -> list[PutOutcome]:
        """One outcome per record. An answer of 200 may hold failures: they are in the outcomes.

        https://docs.aws.amazon.com/firehose/latest/APIReference/API_PutRecordBatch.html
        """
        with aws_errors(f"Firehose stream {stream}"):
            answer = self._client.put_record_batch(
                DeliveryStreamName=stream, Records=[{"Data": data} for data in records]
            )
        return [
            PutOutcome(outcome.get("ErrorCode", ""), outcome.get("ErrorMessage", ""))
            for outcome in answer["RequestResponses"]
        ]
