"""What Lambda hands to the capture: batches of a DynamoDB stream."""

from support.load import stream_arn


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
