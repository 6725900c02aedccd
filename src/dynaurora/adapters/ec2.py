"""What a network needs of EC2 that no template can say: an address list, and a group emptied."""

from typing import Any

from dynaurora.adapters.aws import aws_errors
from dynaurora.errors import AwsError


def s3_prefix_list(client: Any, region: str) -> str:
    """The list of the addresses of S3 in a Region, as ``pl-…``.

    https://docs.aws.amazon.com/vpc/latest/userguide/working-with-aws-managed-prefix-lists.html
    """
    name = f"com.amazonaws.{region}.s3"
    with aws_errors(f"prefix list {name}"):
        found = client.describe_managed_prefix_lists(
            Filters=[{"Name": "prefix-list-name", "Values": [name]}]
        )["PrefixLists"]
    if not found:
        raise AwsError(f"prefix list {name}", "it is not there", "the addresses of S3")
    return str(found[0]["PrefixListId"])


def empty_security_group(client: Any, group: str) -> bool:
    """Take every rule from a group; whether there was one.

    https://docs.aws.amazon.com/securityhub/latest/userguide/ec2-controls.html#ec2-2
    """
    with aws_errors(f"security group {group}"):
        (found,) = client.describe_security_groups(GroupIds=[group])["SecurityGroups"]
        if arriving := found["IpPermissions"]:
            client.revoke_security_group_ingress(GroupId=group, IpPermissions=arriving)
        if leaving := found["IpPermissionsEgress"]:
            client.revoke_security_group_egress(GroupId=group, IpPermissions=leaving)
    return bool(arriving or leaving)
