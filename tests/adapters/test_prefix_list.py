"""What is asked of EC2 for a network, as it answers."""

import pytest

from dynaurora.adapters.ec2 import empty_security_group, s3_prefix_list
from dynaurora.errors import AwsError


class Ec2:
    """As far as prefix lists: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeManagedPrefixLists.html"""

    def __init__(self, **lists):
        self._lists = lists

    def describe_managed_prefix_lists(self, *, Filters):  # noqa: N803 - boto3's
        ((name,),) = [found["Values"] for found in Filters]
        found = self._lists.get(name.replace(".", "_").replace("-", "_"))
        return {"PrefixLists": [{"PrefixListId": found}] if found else []}


def test_the_addresses_of_s3_are_those_of_the_region():
    ec2 = Ec2(com_amazonaws_eu_west_1_s3="pl-6da54004")
    assert s3_prefix_list(ec2, "eu-west-1") == "pl-6da54004"
    with pytest.raises(AwsError, match=r"com\.amazonaws\.eu-north-1\.s3"):
        s3_prefix_list(ec2, "eu-north-1")


def test_a_group_is_emptied_once(aws):
    ec2 = aws.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
    group = ec2.create_security_group(GroupName="g", Description="g", VpcId=vpc)["GroupId"]
    assert empty_security_group(ec2, group)
    assert not empty_security_group(ec2, group)
