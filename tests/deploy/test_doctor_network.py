"""`doctor` on the network that the load runs in: each thing is taken away, and found missing."""

import dataclasses

import pytest

from dynaurora.deploy.doctor import network
from dynaurora.deploy.doctor.findings import Patient
from dynaurora.deploy.doctor.ways import leads_out
from dynaurora.deploy.own import Own
from dynaurora.deploy.project import Network
from dynaurora.settings import DatabaseSettings
from support.answering import Answering
from support.templates import NETWORK, deployed

SECRET = "arn:aws:secretsmanager:us-east-1:000000000000:secret:it"


class Vpc:
    """A network with two subnets, in two zones, and all that a load needs but what is left out."""

    def __init__(self, aws):
        self.ec2 = aws.client("ec2")
        self.region = aws.region
        self.id = self.ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
        self.subnets = [self.subnet(1, "a"), self.subnet(2, "b")]
        self.group = self.ec2.create_security_group(
            GroupName=f"g-{self.id}", Description="x", VpcId=self.id
        )["GroupId"]
        self.resolves("EnableDnsSupport", "EnableDnsHostnames")

    def subnet(self, number, zone):
        return self.ec2.create_subnet(
            VpcId=self.id, CidrBlock=f"10.9.{number}.0/24", AvailabilityZone=f"{self.region}{zone}"
        )["Subnet"]["SubnetId"]

    def resolves(self, *attributes, value=True):
        for attribute in attributes:
            self.ec2.modify_vpc_attribute(VpcId=self.id, **{attribute: {"Value": value}})

    def main_table(self):
        given = [{"Name": "vpc-id", "Values": [self.id]}]
        (table,) = self.ec2.describe_route_tables(Filters=given)["RouteTables"]
        return table["RouteTableId"]

    def table_of(self, subnet):
        table = self.ec2.create_route_table(VpcId=self.id)["RouteTable"]["RouteTableId"]
        self.ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)
        return table

    def endpoint(self, service, *tables):
        return self.ec2.create_vpc_endpoint(
            VpcId=self.id,
            ServiceName=f"com.amazonaws.{self.region}.{service}",
            VpcEndpointType="Gateway" if tables else "Interface",
            **({"RouteTableIds": list(tables)} if tables else {}),
        )["VpcEndpoint"]["VpcEndpointId"]

    def lets_out(self, *rules):
        """These, and nothing else."""
        (found,) = self.ec2.describe_security_groups(GroupIds=[self.group])["SecurityGroups"]
        self.ec2.revoke_security_group_egress(
            GroupId=self.group, IpPermissions=found["IpPermissionsEgress"]
        )
        if rules:
            self.ec2.authorize_security_group_egress(GroupId=self.group, IpPermissions=list(rules))


@pytest.fixture
def vpc(aws):
    return Vpc(aws)


@pytest.fixture
def well(vpc):
    """The network is as it should be."""
    vpc.endpoint("s3", vpc.main_table())
    vpc.endpoint("secretsmanager")
    return vpc


@pytest.fixture
def look(project, aws):
    """What is found of a load in these subnets and groups."""

    def found(subnets=(), groups=(), *, secret="", own=None, ec2=None, url="postgresql://host/db"):
        placed = dataclasses.replace(
            project,
            network=Network(tuple(subnets), tuple(groups)),
            database=DatabaseSettings(url, secret, "dynaurora"),
            own=Own(network=own),
        )
        patient = Patient(
            project=placed,
            client=lambda service: ec2 if ec2 and service == "ec2" else aws.client(service),
            account=aws.account,
            region=aws.region,
            arn="",
            tables=(),
            ask=lambda _command: {},
        )
        return list(network.network(patient))

    return found


def problems(found):
    assert all(each.remedy for each in found if each.level != "good")
    return [each for each in found if each.level == "problem"]


def the_problem(found):
    (one,) = problems(found)
    return one


def test_without_a_network_there_is_nothing_to_find(look):
    assert look() == []


@pytest.mark.parametrize("secret", ["", SECRET])
def test_a_network_with_all_that_a_load_needs_is_well(look, well, secret):
    (found,) = look(well.subnets, [well.group], secret=secret)
    assert found.level == "good"
    assert found.found == "the load reaches s3" + (" and secretsmanager" if secret else "")


# --- subnets and groups that are named ------------------------------------------------------------


def test_a_subnet_that_is_not_there_is_found(look, well):
    found = the_problem(look([*well.subnets, "subnet-0123456789abcdef0"], [well.group]))
    assert found.where == "subnet subnet-0123456789abcdef0"


def test_a_security_group_that_is_missing_is_found(look, well):
    assert "none is named" in the_problem(look(well.subnets)).found
    found = the_problem(look(well.subnets, [well.group, "sg-0123456789abcdef0"]))
    assert found.where == "security group sg-0123456789abcdef0"


def test_a_group_of_another_network_is_found(look, well, aws):
    other = Vpc(aws)
    found = the_problem(look(well.subnets, [well.group, other.group]))
    assert found.where == "subnets and security groups"
    assert other.id in found.found


def test_subnets_in_one_zone_are_no_problem_and_could_be_better(look, well):
    first, _ = found = look(well.subnets[:1], [well.group])
    assert problems(found) == []
    assert f"all are in {well.region}a" in first.found
    assert "another Availability Zone" in first.remedy


# --- ways -----------------------------------------------------------------------------------------


def test_missing_endpoints_are_found_one_by_one(look, vpc):
    def missing():
        found = problems(look(vpc.subnets, [vpc.group], secret=SECRET))
        return [each.found.split(":")[0] for each in found]

    prefix = "the load does not reach"
    assert missing() == [f"{prefix} s3", f"{prefix} secretsmanager"]
    vpc.endpoint("s3", vpc.main_table())
    assert missing() == [f"{prefix} secretsmanager"]
    vpc.endpoint("secretsmanager")
    assert missing() == []


def test_a_subnet_whose_route_table_is_not_the_endpoints_is_found(look, well):
    table = well.table_of(well.subnets[1])
    found = the_problem(look(well.subnets, [well.group]))
    assert f"s3 from {well.subnets[1]}:" in found.found
    assert found.remedy.endswith(f"with {table}.")
    well.ec2.create_route(
        RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", NatGatewayId="nat-1"
    )
    assert problems(look(well.subnets, [well.group])) == [], "NAT is a way, too"


def test_each_route_table_may_have_an_endpoint_of_its_own(look, well):
    well.endpoint("s3", well.table_of(well.subnets[1]))
    assert problems(look(well.subnets, [well.group])) == []


def test_nat_leads_out_and_an_internet_gateway_does_not():
    everywhere = {"DestinationCidrBlock": "0.0.0.0/0"}
    assert leads_out({"Routes": [{**everywhere, "NatGatewayId": "nat-1"}]})
    assert not leads_out({"Routes": [{**everywhere, "GatewayId": "igw-1"}]})


# --- names ----------------------------------------------------------------------------------------


def test_a_network_that_resolves_no_name_is_found(look, well):
    well.resolves("EnableDnsSupport", value=False)
    found = the_problem(look(well.subnets, [well.group]))
    assert found.found.startswith("enableDnsSupport is off")
    assert found.remedy.endswith("--enable-dns-support")


def test_without_names_of_its_own_an_interface_endpoint_is_not_found_by_its_name(look, well):
    well.resolves("EnableDnsHostnames", value=False)
    assert problems(look(well.subnets, [well.group])) == [], "a gateway endpoint is a route"
    found = the_problem(look(well.subnets, [well.group], secret=SECRET))
    assert found.found.startswith("enableDnsHostnames is off: the name of secretsmanager")
    assert found.remedy.endswith("--enable-dns-hostnames")
    well.ec2.create_route(
        RouteTableId=well.main_table(), DestinationCidrBlock="0.0.0.0/0", NatGatewayId="nat-1"
    )
    assert problems(look(well.subnets, [well.group], secret=SECRET)) == [], "it goes through NAT"


def test_an_interface_endpoint_without_the_services_name_is_found(look, well):
    """The emulator does not tell of it."""
    given = {"Filters": [{"Name": "vpc-id", "Values": [well.id]}]}
    endpoints = well.ec2.describe_vpc_endpoints(**given)["VpcEndpoints"]
    for each in endpoints:
        each["PrivateDnsEnabled"] = False  # as that of a gateway always is
    ec2 = Answering("ec2", well.ec2, describe_vpc_endpoints={"VpcEndpoints": endpoints})
    found = the_problem(look(well.subnets, [well.group], secret=SECRET, ec2=ec2))
    assert "has no private DNS name" in found.found
    assert found.remedy.endswith("--private-dns-enabled")


# --- what the groups let out ----------------------------------------------------------------------


def tcp(port, **to):
    return {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, **to}


ANYWHERE = {"IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
NOWHERE = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "127.0.0.1/32"}]}


def places(found):
    """The places that no rule leads to."""
    return [each.found.partition("let nothing out ")[2].split(",")[0] for each in problems(found)]


def test_a_group_that_lets_nothing_out_is_found(look, well):
    well.lets_out(NOWHERE)
    found = look(well.subnets, [well.group], secret=SECRET)
    assert places(found) == ["on port 5432", "to S3", "to Secrets Manager"]
    well.lets_out()
    assert places(look(well.subnets, [well.group])) == ["on port 5432", "to S3"]


@pytest.mark.parametrize(
    ("url", "port"),
    [
        ("postgresql://host/db", 5432),
        ("mysql://host/db", 3306),
        ("postgresql://host:6543/db", 6543),
        ("postgresql://host:none/db", 5432),
    ],
)
def test_the_port_is_that_of_the_database(look, well, url, port):
    well.lets_out(tcp(port, **ANYWHERE), tcp(443, **ANYWHERE))
    assert places(look(well.subnets, [well.group], url=url)) == []
    well.lets_out(tcp(port + 1, **ANYWHERE), tcp(443, **ANYWHERE))
    assert places(look(well.subnets, [well.group], url=url)) == [f"on port {port}"]


def test_a_rule_to_the_group_of_an_endpoint_does_not_lead_to_s3(look, well):
    group = {"UserIdGroupPairs": [{"GroupId": well.group}]}
    well.lets_out(tcp(5432, **group), tcp(443, **group))
    assert places(look(well.subnets, [well.group], secret=SECRET)) == ["to S3"]


def test_the_rules_of_several_groups_are_added_up(look, well):
    other = well.ec2.create_security_group(
        GroupName=f"h-{well.id}", Description="x", VpcId=well.id
    )["GroupId"]
    well.lets_out(tcp(443, **ANYWHERE))
    assert places(look(well.subnets, [well.group])) == ["on port 5432"]
    assert places(look(well.subnets, [well.group, other])) == []


@pytest.mark.parametrize(
    ("rules", "missing"),
    [
        (["s3"], ["to Secrets Manager"]),
        (["other"], []),
        (["s3", "other"], []),
    ],
)
def test_the_addresses_of_s3_do_not_lead_to_secrets_manager(look, well, rules, missing):
    """The emulator loses what a rule says of lists of addresses."""
    lists = well.ec2.describe_managed_prefix_lists(
        Filters=[{"Name": "prefix-list-name", "Values": [f"com.amazonaws.{well.region}.s3"]}]
    )["PrefixLists"]
    ids = {"s3": lists[0]["PrefixListId"], "other": "pl-0123456789abcdef0"}
    (group,) = well.ec2.describe_security_groups(GroupIds=[well.group])["SecurityGroups"]
    group["IpPermissionsEgress"] = [
        tcp(5432, **ANYWHERE),
        *(tcp(443, PrefixListIds=[{"PrefixListId": ids[each]}]) for each in rules),
    ]
    ec2 = Answering("ec2", well.ec2, describe_security_groups={"SecurityGroups": [group]})
    assert places(look(well.subnets, [well.group], secret=SECRET, ec2=ec2)) == missing


# --- a network of the project's own ---------------------------------------------------------------


def test_before_it_is_made_a_network_of_ones_own_has_nothing_to_find(look):
    assert look(own={}) == []


def test_a_network_of_ones_own_is_looked_at_where_it_is(look, aws, project):
    given = {**NETWORK, "Project": project.name, "DatabaseSecretArn": SECRET}
    with deployed(aws, "network", f"{project.name}-network", given) as deploy:
        outputs = deploy().outputs
        assert [each.level for each in look(own={}, secret=SECRET)] == ["good"]
        aws.client("ec2").modify_vpc_attribute(
            VpcId=outputs["VpcId"], EnableDnsSupport={"Value": False}
        )
        assert "enableDnsSupport is off" in the_problem(look(own={}, secret=SECRET)).found
        aws.client("ec2").delete_subnet(SubnetId=outputs["SubnetIds"].split(",")[0])
        assert f"the stack {project.name}-network" in the_problem(look(own={})).remedy
