"""Items on the wire: DynamoDB JSON, out and in as it is.

botocore walks through every attribute of every item, in Python, to check it, to write it and to
read it. An item here is DynamoDB JSON already, the form in which it travels, so orjson writes and
reads it at once. botocore still signs, sends, tries again and tells errors; what is left out is
done with its own events.
https://boto3.amazonaws.com/v1/documentation/api/latest/guide/events.html

Items that come back are what a line of the pipeline holds: binary stays base64.
"""

from collections.abc import Mapping
from typing import Any, Final

import orjson
from botocore.config import Config

from dynaurora.local.ministack import LocalAws

_BODY: Final = "dynaurora_body"
_PAGE: Final = b'"Items"'


def wire_client(aws: LocalAws) -> Any:
    """A client of DynamoDB for many items."""
    config = Config(
        parameter_validation=False,  # items are right by construction
        max_pool_connections=16,
        connect_timeout=2,
        read_timeout=60,
        retries={"mode": "standard", "total_max_attempts": 3},
        proxies={},
    )
    client = aws.session().client("dynamodb", endpoint_url=aws.endpoint_url, config=config)
    events = client.meta.events
    events.register("provide-client-params.dynamodb.BatchWriteItem", _written)
    events.register("before-call.dynamodb.BatchWriteItem", _sent)
    events.register("before-parse.dynamodb.Scan", _read)
    return client


def _written(params: Mapping[str, Any], context: dict[str, Any], **_: Any) -> Mapping[str, Any]:
    """Write the body, and leave botocore the names of the tables, which it looks at."""
    context[_BODY] = orjson.dumps(params)
    return {"RequestItems": dict.fromkeys(params["RequestItems"], ())}


def _sent(params: dict[str, Any], context: Mapping[str, Any], **_: Any) -> None:
    params["body"] = context[_BODY]


def _read(
    response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: Any
) -> None:
    """Take the items out of the answer before botocore reads the rest of it."""
    if _PAGE in response_dict["body"]:
        answer = orjson.loads(response_dict["body"])
        customized_response_dict["Items"] = answer.pop("Items")
        response_dict["body"] = orjson.dumps(answer)
