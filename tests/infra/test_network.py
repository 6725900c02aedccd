"""The network: who may talk to whom, by the template's rules; and that it comes up and goes again.

The emulator keeps the resources of a network and routes nothing, so each rule is asserted here.
"""

import pytest

from dynaurora.adapters.cloudformation import StackChange
from support.templates import NETWORK, allowed, deployed, of_type, resource, template, text

RAW = "arn:${AWS::Partition}:s3:::${RawBucket}"
BACKUP = "arn:${AWS::Partition}:s3:::${BackupBucket}"
NOWHERE = {"Description": "Nowhere", "IpProtocol": "-1", "CidrIp": "127.0.0.1/32"}
NOT_ON_THE_EMULATOR = (
    "AWS::EC2::EIP",
    "AWS::EC2::FlowLog",
    "AWS::EC2::NatGateway",
    "AWS::EC2::SecurityGroupEgress",
    "AWS::EC2::SecurityGroupIngress",
)


@pytest.fixture(scope="module")
def network():
    return template("network")


def egress(network, group):
    """The rules of what goes out, by their descriptions; a condition by its own."""
    found = {}
    for rule in resource(network, group)["SecurityGroupEgress"]:
        condition, given = (
            (rule["Fn::If"][0], rule["Fn::If"][1]) if "Fn::If" in rule else ("", rule)
        )
        found[given["Description"]] = condition, given
    return found


def ports(rule):
    return rule["IpProtocol"], rule["FromPort"], rule["ToPort"]


def routes(network, table):
    return {
        name: found
        for name, found in of_type(network, "AWS::EC2::Route").items()
        if found["Properties"]["RouteTableId"] == {"Ref": table}
    }


def subnets(network, kind):
    return [n for n in of_type(network, "AWS::EC2::Subnet") if n.startswith(kind)]


# --- who may talk to whom -----------------------------------------------------------------------


def test_nobody_may_call_in_but_the_load_its_database_and_its_endpoints(network):
    """https://docs.aws.amazon.com/vpc/latest/userguide/vpc-security-groups.html"""
    for group in of_type(network, "AWS::EC2::SecurityGroup").values():
        assert "SecurityGroupIngress" not in group["Properties"]
    rules = of_type(network, "AWS::EC2::SecurityGroupIngress")
    assert {rule["Properties"]["GroupId"]["Fn::GetAtt"][0] for rule in rules.values()} == {
        "DatabaseGroup",
        "EndpointsGroup",
    }
    for rule in rules.values():
        assert rule["Properties"]["SourceSecurityGroupId"] == {
            "Fn::GetAtt": ["LoadGroup", "GroupId"]
        }
        assert not {"CidrIp", "CidrIpv6"} & rule["Properties"].keys()


def test_load_and_database_name_each_other_on_the_databases_port_alone(network):
    port = {"Ref": "DatabasePort"}
    arriving = resource(network, "DatabaseFromLoad")
    assert ports(arriving) == ("tcp", port, port)
    condition, leaving = egress(network, "LoadGroup")["The database"]
    assert not condition
    assert ports(leaving) == ("tcp", port, port)
    assert leaving["DestinationSecurityGroupId"] == {"Fn::GetAtt": ["DatabaseGroup", "GroupId"]}


def test_the_load_calls_its_database_s3_and_endpoints_and_nothing_else(network):
    found = egress(network, "LoadGroup")
    assert {name: condition for name, (condition, _) in found.items()} == {
        "The database": "",
        "S3, through its gateway endpoint": "",
        "Endpoints": "HasSecret",
    }
    _, to_s3 = found["S3, through its gateway endpoint"]
    assert ports(to_s3) == ("tcp", 443, 443)
    assert to_s3["DestinationPrefixListId"] == {"Ref": "S3PrefixList"}
    _, to_endpoints = found["Endpoints"]
    assert ports(to_endpoints) == ("tcp", 443, 443)
    assert to_endpoints["DestinationSecurityGroupId"] == {
        "Fn::GetAtt": ["EndpointsGroup", "GroupId"]
    }


def test_a_group_of_its_own_leads_to_the_internet_and_only_where_that_is_asked_for(network):
    group = network["Resources"]["PublicGroup"]
    assert group["Condition"] == "HasNat"
    ((name, (_, rule)),) = egress(network, "PublicGroup").items()
    assert (name, ports(rule)) == ("The Internet", ("tcp", 443, 443))
    open_to_all = {
        name
        for name in of_type(network, "AWS::EC2::SecurityGroup")
        for _, rule in egress(network, name).values()
        if rule.get("CidrIp") == "0.0.0.0/0"
    }
    assert open_to_all == {"PublicGroup"}


@pytest.mark.parametrize("group", ["DatabaseGroup", "EndpointsGroup"])
def test_database_and_endpoints_call_nobody(network, group):
    """A group without a rule for what goes out would get one that allows everything.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ec2-securitygroup.html
    """
    assert resource(network, group)["SecurityGroupEgress"] == [NOWHERE]


def test_the_default_group_is_told_so_that_deploy_can_empty_it(network):
    assert network["Outputs"]["DefaultSecurityGroup"]["Value"] == {
        "Fn::GetAtt": ["Vpc", "DefaultSecurityGroup"]
    }


# --- ways ---------------------------------------------------------------------------------------


def test_no_subnet_hands_out_public_addresses(network):
    for subnet in of_type(network, "AWS::EC2::Subnet").values():
        assert subnet["Properties"]["MapPublicIpOnLaunch"] is False


def test_the_database_has_no_way_out_and_the_load_has_one_only_with_nat(network):
    assert routes(network, "IsolatedRoutes") == {}
    (way_out,) = routes(network, "PrivateRoutes").values()
    assert way_out["Condition"] == "NatOnAws"
    assert way_out["Properties"]["NatGatewayId"] == {"Ref": "NatGateway"}
    for name, table in (("Isolated", "IsolatedRoutes"), ("Private", "PrivateRoutes")):
        for subnet in subnets(network, name):
            association = resource(network, f"{table}{subnet[-1]}")
            assert association == {"SubnetId": {"Ref": subnet}, "RouteTableId": {"Ref": table}}


def test_there_is_no_way_from_the_internet_unless_nat_is_asked_for(network):
    assert network["Parameters"]["Nat"]["Default"] == "false"
    assert network["Conditions"]["HasNat"] == {"Fn::Equals": [{"Ref": "Nat"}, "true"]}
    public = {
        "AWS::EC2::EIP",
        "AWS::EC2::InternetGateway",
        "AWS::EC2::NatGateway",
        "AWS::EC2::VPCGatewayAttachment",
    }
    found = [r for r in network["Resources"].values() if r["Type"] in public]
    assert len(found) == len(public)
    found += [r for name, r in network["Resources"].items() if name.startswith("Public")]
    assert {r["Condition"] for r in found} == {"HasNat", "NatOnAws", "PublicThirdZone"}


# --- endpoints ----------------------------------------------------------------------------------


def test_the_endpoint_of_s3_leads_to_the_pipelines_buckets_alone(network):
    """https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-s3.html"""
    found = resource(network, "S3")
    assert found["VpcEndpointType"] == "Gateway"
    assert found["RouteTableIds"] == [{"Ref": "PrivateRoutes"}]
    allowed_there = {
        (action, text(where))
        for statement in found["PolicyDocument"]["Statement"]
        for action in statement["Action"]
        for where in statement["Resource"]
    }
    of_raw = ("s3:GetObject", "s3:DeleteObject", "s3:ListBucket")
    of_backup = ("s3:GetObject", "s3:PutObject", "s3:ListBucket")
    ends = ("", "/*")
    assert allowed_there == {
        *((action, RAW + end) for action in of_raw for end in ends),
        *((action, BACKUP + end) for action in of_backup for end in ends),
    }


def test_what_the_loads_role_may_do_in_s3_its_endpoint_lets_through(network):
    through = {
        (action, text(where))
        for statement in resource(network, "S3")["PolicyDocument"]["Statement"]
        for action in statement["Action"]
        for where in statement["Resource"]
    }
    for action, where in allowed(template("pipeline"), "LoadRole"):
        if action.startswith("s3:"):
            bucket, _, key = where.partition("}/")
            assert (action, f"{bucket}}}/*" if key else where) in through


def test_there_is_one_interface_endpoint_and_only_for_a_secret(network):
    """https://docs.aws.amazon.com/secretsmanager/latest/userguide/vpc-endpoint-overview.html"""
    endpoints = of_type(network, "AWS::EC2::VPCEndpoint")
    assert set(endpoints) == {"S3", "SecretsManager"}
    assert endpoints["SecretsManager"]["Condition"] == "HasSecret"
    found = resource(network, "SecretsManager")
    assert found["PrivateDnsEnabled"] is True
    assert found["SecurityGroupIds"] == [{"Fn::GetAtt": ["EndpointsGroup", "GroupId"]}]
    (only,) = found["PolicyDocument"]["Statement"]
    assert only["Action"] == "secretsmanager:GetSecretValue"
    assert only["Resource"] == {"Ref": "DatabaseSecretArn"}


def test_who_is_of_another_account_comes_through_no_endpoint(network):
    for endpoint in of_type(network, "AWS::EC2::VPCEndpoint").values():
        for statement in endpoint["Properties"]["PolicyDocument"]["Statement"]:
            assert statement["Condition"] == {
                "StringEquals": {"aws:PrincipalAccount": {"Ref": "AWS::AccountId"}}
            }


# --- flow logs ----------------------------------------------------------------------------------


def test_a_flow_log_is_written_by_its_service_for_this_account_and_forgets(network):
    """https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-iam-role.html"""
    (trust,) = resource(network, "FlowLogRole")["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "vpc-flow-logs.amazonaws.com"}
    assert trust["Condition"]["StringEquals"] == {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
    groups = "arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:log-group:*"
    assert allowed(network, "FlowLogRole") == {
        ("logs:CreateLogStream", "${FlowLog.Arn}"),
        ("logs:DescribeLogStreams", "${FlowLog.Arn}"),
        ("logs:PutLogEvents", "${FlowLog.Arn}"),
        ("logs:DescribeLogGroups", groups),
    }
    assert resource(network, "FlowLog")["RetentionInDays"] == {"Ref": "LogRetentionDays"}
    assert resource(network, "Flow")["TrafficType"] == "ALL"


# --- on the emulator ----------------------------------------------------------------------------


def test_what_the_emulator_does_not_know_is_behind_a_condition(network):
    for kind in NOT_ON_THE_EMULATOR:
        for found in of_type(network, kind).values():
            assert found["Condition"].endswith("OnAws")


def test_the_network_comes_up_changes_and_goes(aws):
    ec2 = aws.client("ec2")
    with deployed(aws, "network", "of-networks", NETWORK) as deploy:
        first = deploy()
        assert len(first.outputs["SubnetIds"].split(",")) == 2
        assert len(first.outputs["SecurityGroupIds"].split(",")) == 1
        assert len(first.outputs["DatabaseSubnetIds"].split(",")) == 2
        assert deploy().change is StackChange.UNCHANGED
        arn = "arn:aws:secretsmanager:us-east-1:000000000000:secret:one"
        more = deploy(Zones="3", Nat="true", DatabaseSecretArn=arn, FlowLogs="true")
        assert more.change is StackChange.UPDATED
        assert len(more.outputs["SubnetIds"].split(",")) == 3
        load, public = more.outputs["SecurityGroupIds"].split(",")
        groups = ec2.describe_security_groups(GroupIds=[load, public])["SecurityGroups"]
        assert {group["VpcId"] for group in groups} == {more.outputs["VpcId"]}
        network = {"Name": "vpc-id", "Values": [more.outputs["VpcId"]]}
        zones = {s["AvailabilityZone"] for s in ec2.describe_subnets(Filters=[network])["Subnets"]}
        assert len(zones) == 3
        blocks = [s["CidrBlock"] for s in ec2.describe_subnets(Filters=[network])["Subnets"]]
        assert len(set(blocks)) == 9
    assert ec2.describe_vpcs(Filters=[network])["Vpcs"] == []


def test_the_zones_of_the_network_can_be_named(aws):
    named = {"ZoneNames": "us-east-1c,us-east-1b"}
    with deployed(aws, "network", "of-named-zones", {**NETWORK, **named}) as deploy:
        network = {"Name": "vpc-id", "Values": [deploy().outputs["VpcId"]]}
        subnets = aws.client("ec2").describe_subnets(Filters=[network])["Subnets"]
    assert {subnet["AvailabilityZone"] for subnet in subnets} == {"us-east-1b", "us-east-1c"}
