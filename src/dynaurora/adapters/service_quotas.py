"""What AWS lets an account have of something."""

from typing import Any

from botocore.exceptions import ClientError

from dynaurora.adapters.aws import aws_errors


def quota(client: Any, service: str, code: str) -> int | None:
    """None where Service Quotas does not tell: it may not be asked, has none, or is an emulator's.

    client: of ``service-quotas``, whose answer is {"Quota": {"Value": 5.0, …}}.
    https://docs.aws.amazon.com/servicequotas/2019-06-24/apireference/API_GetServiceQuota.html
    """
    with aws_errors("Service Quotas"):
        try:
            found = client.get_service_quota(ServiceCode=service, QuotaCode=code)["Quota"]
        except ClientError:
            return None
    return None if found.get("Value") is None else int(found["Value"])
