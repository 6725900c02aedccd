"""What AWS keeps of changes that it could not hand on, as it writes it."""

import json
from base64 import b64encode

from support.load import stream_arn

MAPPING = "aws/lambda/11111111-2222-3333-4444-555555555555/shardId-00000001"
"""https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html"""


def stream_record(table, seq, keys, new=None, *, stream=None):
    """A record of a DynamoDB stream as Lambda hands it to the capture."""
    change = {
        "ApproximateCreationDateTime": 1_700_000_000,
        "Keys": keys,
        "SequenceNumber": str(seq),
        "SizeBytes": 1,
        "StreamViewType": "NEW_IMAGE",
    }
    if new is not None:
        change["NewImage"] = keys | new
    return {
        "eventID": str(seq),
        "eventName": "REMOVE" if new is None else "MODIFY",
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "eu-west-1",
        "dynamodb": change,
        "eventSourceARN": stream or stream_arn(table),
    }


def given_up(table, *records, condition="RetryAttemptsExhausted"):
    """The object that Lambda writes for a batch that a stream's mapping gives up."""
    told = {
        "requestContext": {
            "requestId": "1",
            "functionArn": "arn:aws:lambda:eu-west-1:111122223333:function:capture",
            "condition": condition,
            "approximateInvokeCount": 11,
        },
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST"},
        "version": "1.0",
        "timestamp": "2026-01-01T00:00:00.000Z",
        "DDBStreamBatchInfo": {
            "shardId": "shardId-00000001",
            "startSequenceNumber": "1",
            "endSequenceNumber": "9",
            "batchSize": len(records),
            "streamArn": stream_arn(table),
        },
        "payload": json.dumps({"Records": records}),
    }
    return json.dumps(told).encode()


def undelivered(*records):
    """The object that Firehose writes for records that it could not deliver."""
    told = (
        {
            "attemptsMade": 4,
            "arrivalTimestamp": 1,
            "errorCode": "Lambda.FunctionError",
            "errorMessage": "no",
            "attemptEndingTimestamp": 2,
            "rawData": b64encode(record).decode(),
            "lambdaArn": "arn:aws:lambda:eu-west-1:111122223333:function:transform",
        }
        for record in records
    )
    return b"".join(json.dumps(each).encode() + b"\n" for each in told)
