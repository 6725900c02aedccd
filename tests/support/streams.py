"""What Lambda hands to the capture, batches of a DynamoDB stream, and what capture hands on."""

import json

from dynaurora.adapters.memory import MemoryObjects
from dynaurora.capture import capture
from dynaurora.ports import PutOutcome
from support.load import stream_arn

TAKEN = PutOutcome("", "")
THROTTLED = PutOutcome("ServiceUnavailableException", "Slow down.")


def change(seq, keys, new=None, *, table="orders", operation=None, **fields):
    """One record of a batch; without a new image a REMOVE."""
    found = {
        "ApproximateCreationDateTime": 1_700_000_000.0,
        "Keys": keys,
        "SequenceNumber": str(seq),
        "SizeBytes": 59,
        "StreamViewType": "NEW_IMAGE",
    }
    if new is not None:
        found["NewImage"] = {**keys, **new}
    return {
        "eventID": f"event-{seq}",
        "eventName": operation or ("REMOVE" if new is None else "MODIFY"),
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "eu-west-1",
        "dynamodb": found,
        "eventSourceARN": stream_arn(table),
        **fields,
    }


class Streams:
    """Firehose streams. answers: for each put the numbers of the records that are not taken, or
    what it raises; after the last all is taken."""

    def __init__(self, *answers):
        self.puts = []
        self.taken = []
        self._answers = list(answers)

    def put(self, stream, records):
        self.puts.append((stream, list(records)))
        answer = self._answers.pop(0) if self._answers else ()
        if isinstance(answer, Exception):
            raise answer
        self.taken += [(stream, data) for n, data in enumerate(records) if n not in answer]
        return [THROTTLED if n in answer else TAKEN for n in range(len(records))]

    def lines(self, stream="orders"):
        """What a stream has taken, in the order in which it was taken."""
        data = b"".join(data for name, data in self.taken if name == stream)
        return [json.loads(text) for text in data.splitlines()]


class Clock:
    """Time that passes only while one sleeps."""

    def __init__(self, remaining_ms=60_000):
        self._remaining_ms = remaining_ms
        self.slept = []

    def remaining_ms(self):
        return self._remaining_ms

    def sleep(self, seconds):
        self.slept.append(seconds)
        self._remaining_ms -= int(seconds * 1000) + 1


def captured(records, streams, clock=None, bodies=None):
    return capture(
        records,
        streams=streams,
        prefix="",
        bodies=bodies or MemoryObjects(),
        backup_bucket="backup",
        clock=clock or Clock(),
    )


def put(seq, text="x", **fields):
    return change(seq, {"id": {"S": f"k{seq}"}}, {"v": {"S": text}}, **fields)


def put_of(seq, size):
    """A change whose line, with its newline, has so many bytes."""
    streams = Streams()
    captured([put(seq, "")], streams)
    return put(seq, "x" * (size - len(streams.taken[0][1])))


def sequence_numbers(lines):
    return [int(line["seq"]) for line in lines]
