"""Whether the same call may succeed later decides whether capture puts again."""

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from dynaurora.adapters.aws import aws_errors
from dynaurora.errors import AwsAway, AwsError


def refused(code, status):
    answer = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, "PutRecordBatch")


@pytest.mark.parametrize(
    "error",
    [
        refused("ServiceUnavailableException", 400),
        refused("ThrottlingException", 400),
        refused("InternalFailure", 500),
        EndpointConnectionError(endpoint_url="http://127.0.0.1:9"),
    ],
)
def test_what_may_pass_can_be_tried_again(error):
    with pytest.raises(AwsAway) as told, aws_errors("somewhere"):
        raise error
    assert told.value.can_retry


@pytest.mark.parametrize("code", ["ResourceNotFoundException", "AccessDeniedException"])
def test_a_refusal_cannot(code):
    with pytest.raises(AwsError) as told, aws_errors("somewhere"):
        raise refused(code, 400)
    assert not told.value.can_retry


def test_a_lambda_s_tries_at_s3_end_before_an_idle_transaction_does():
    from dynaurora.adapters.postgresql import IDLE_TIMEOUT
    from dynaurora.adapters.s3 import PATIENCE

    tries = PATIENCE["retries"]["total_max_attempts"]
    pauses_s = sum(2**number for number in range(tries - 1))
    longest_s = tries * (PATIENCE["connect_timeout"] + PATIENCE["read_timeout"]) + pauses_s
    assert longest_s <= 45 < int(IDLE_TIMEOUT.removesuffix("s"))
