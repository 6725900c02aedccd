"""Firehose: takes records, asks the transform, writes objects. It promises little.

A put may fail in part, be throttled, or leave its outcome open. What is taken is delivered at least
once, in any order and at any time. A record that the transform cannot process goes, as it was, to
the error prefix.
https://docs.aws.amazon.com/firehose/latest/APIReference/API_PutRecordBatch.html
https://docs.aws.amazon.com/firehose/latest/dev/data-transformation.html
"""

import gzip
import json
from base64 import b64decode, b64encode
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from math import inf
from typing import Any, Final

from botocore.exceptions import ClientError, ReadTimeoutError

from simulation.faults import Faults
from simulation.turns import Crash

RECORD_BYTES: Final = 1_024_000
PUT_BYTES: Final = 4 * 1024 * 1024
PUT_RECORDS: Final = 500
ANSWER_BYTES: Final = 6_000_000
TRIES: Final = 4
"""The call of the transform and its three retries."""

JUNK: Final = b'{"v":1,"no line\n'

Deliver = Callable[[str, bytes, float], None]
"""Write an object to the raw bucket, by its key, after some seconds."""


class Firehose:
    """The delivery streams of a Region, and the client that puts into them.

    transform: the function, called with its event. flush_in: asks for `flush` after some seconds.
    """

    def __init__(
        self,
        transform: Callable[[Mapping[str, Any]], Any],
        deliver: Deliver,
        flush_in: Callable[[float, str], None],
        faults: Faults,
    ) -> None:
        self._transform = transform
        self._deliver = deliver
        self._flush_in = flush_in
        self._faults = faults
        self._waiting: dict[str, list[bytes]] = {}
        self._objects: Counter[str] = Counter()
        self._puts_until_away: float = inf

    @property
    def is_empty(self) -> bool:
        return not any(self._waiting.values())

    def begin(self) -> None:
        """A client begins to put; from some put on, none of its may get through."""
        is_away = self._faults.happens("Firehose away")
        self._puts_until_away = (
            self._faults.draw("Firehose away").choice((0, 1, 3)) if is_away else inf
        )

    def put_record_batch(
        self,
        *,
        DeliveryStreamName: str,  # noqa: N803 - boto3's names
        Records: Sequence[Mapping[str, bytes]],  # noqa: N803
    ) -> dict[str, Any]:
        """What boto3's client does."""
        data = [record["Data"] for record in Records]
        if len(data) > PUT_RECORDS or sum(map(len, data)) > PUT_BYTES:
            raise _refused("InvalidArgumentException", 400)
        if any(len(one) > RECORD_BYTES for one in data):
            raise _refused("InvalidArgumentException", 400)
        if self._is_away() or self._faults.happens("put throttled"):
            raise _refused("ServiceUnavailableException", 503)
        is_taken = self._faults.draw("put of unknown outcome").random() < 0.5
        if self._faults.happens("put of unknown outcome"):
            if is_taken:
                self._take(DeliveryStreamName, data)
            raise ReadTimeoutError(endpoint_url="https://firehose")
        outcomes = [self._outcome() for _ in data]
        taken = [one for one, outcome in zip(data, outcomes, strict=True) if "RecordId" in outcome]
        self._take(DeliveryStreamName, taken)
        if self._faults.happens("capture crashed"):
            raise Crash
        return {"FailedPutCount": len(data) - len(taken), "RequestResponses": outcomes}

    def flush(self, stream: str) -> None:
        """Write what waits in a stream."""
        records = self._waiting.pop(stream, [])
        if not records:
            return
        if self._faults.happens("records reordered"):
            self._faults.draw("records reordered").shuffle(records)
        if self._faults.happens("unreadable line"):
            records.append(JUNK)
        good, bad = self._transformed(records)
        if good:
            self._write(stream, f"{stream}/2026/01/01/00/", b"".join(good))
        if bad:
            errors = b"".join(_error(record) + b"\n" for record in bad)
            self._write(stream, f"(errors)/{stream}/processing-failed/2026/01/01/00/", errors)

    def _is_away(self) -> bool:
        self._puts_until_away -= 1
        return self._puts_until_away < 0

    def _take(self, stream: str, data: Sequence[bytes]) -> None:
        if data and not self._waiting.get(stream):
            self._flush_in(self._faults.draw("object late").choice((2, 6)), stream)
        self._waiting.setdefault(stream, []).extend(data)

    def _outcome(self) -> dict[str, str]:
        if self._faults.happens("put failed in part"):
            return {"ErrorCode": "ServiceUnavailableException", "ErrorMessage": "Slow down."}
        return {"RecordId": "1"}

    def _transformed(self, records: Sequence[bytes]) -> tuple[list[bytes], list[bytes]]:
        """What the transform makes of the records, and the records that it could not process."""
        event = {
            "invocationId": "1",
            "deliveryStreamArn": "arn:aws:firehose:eu-west-1:111122223333:deliverystream/any",
            "region": "eu-west-1",
            "records": [
                {
                    "recordId": f"{number:056d}",
                    "approximateArrivalTimestamp": 1,
                    "data": b64encode(record).decode(),
                }
                for number, record in enumerate(records)
            ],
        }
        for _ in range(TRIES):
            if self._faults.happens("transform failed"):
                continue
            answer = self._transform(event)
            break
        else:
            return [], list(records)
        assert len(json.dumps(answer)) <= ANSWER_BYTES
        found = {record["recordId"]: record for record in answer["records"]}
        assert len(found) == len(answer["records"]) == len(records), "every recordId once"
        good, bad = [], []
        for asked, record in zip(event["records"], records, strict=True):
            result = found[asked["recordId"]]
            is_lost = self._faults.happens("record could not be processed")
            if result["result"] == "Ok" and not is_lost:
                good.append(b64decode(result["data"], validate=True))
            else:
                bad.append(record)
        return good, bad

    def _write(self, stream: str, prefix: str, data: bytes) -> None:
        """At least once, whenever it likes, under a name of its own each time."""
        copies = 2 if self._faults.happens("object delivered twice") else 1
        for _ in range(copies):
            late = self._faults.happens("object late")
            seconds = self._faults.draw("object late").choice((60, 1000)) if late else 0
            self._objects[prefix] += 1
            number = self._objects[prefix]
            is_packed = number % 2 == 0
            self._deliver(
                # Told apart by its prefix alone: another stream has an object of the same name.
                f"{prefix}1-2026-01-01-00-00-00-{number:08d}",
                gzip.compress(data, 1) if is_packed else data,
                seconds,
            )


def _refused(code: str, status: int) -> ClientError:
    return ClientError(
        {"Error": {"Code": code, "Message": "no"}, "ResponseMetadata": {"HTTPStatusCode": status}},
        "PutRecordBatch",
    )


def _error(record: bytes) -> bytes:
    """A line of an object below the error prefix."""
    return json.dumps(
        {
            "attemptsMade": TRIES,
            "arrivalTimestamp": 1,
            "errorCode": "Lambda.FunctionError",
            "errorMessage": "The Lambda function failed.",
            "attemptEndingTimestamp": 2,
            "rawData": b64encode(record).decode(),
            "lambdaArn": "arn:aws:lambda:eu-west-1:111122223333:function:transform",
        }
    ).encode()
