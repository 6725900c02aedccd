"""Whether each subnet of the load has a way to S3, and to Secrets Manager where it reads a secret.

A function in a network has no way out of it by itself, not even in a public subnet: it needs
endpoints or NAT. Without them its calls hang until its time is over.
https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc-internet.html
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dynaurora.adapters.aws import aws_errors
from dynaurora.deploy.doctor.findings import Finding, Patient, good, problem

Described = Mapping[str, Any]
"""Something, as EC2 describes it."""


def ways(patient: Patient, ec2: Any, subnets: Sequence[Described]) -> Iterator[Finding]:
    """From subnets of one VPC."""
    found = _ways_of(ec2, subnets)
    needed = ["s3", *(["secretsmanager"] if patient.project.database.secret_arn else [])]
    missing = [each for service in needed for each in _missing(patient, found, service)]
    problems = [*missing, *_names(ec2, found, needed)]
    yield from problems
    if not problems:
        yield good(f"network {found.vpc}", f"the load reaches {' and '.join(needed)}")


@dataclass(frozen=True, slots=True)
class _Ways:
    """tables: the route table of each subnet."""

    vpc: str
    tables: Mapping[str, Described]
    endpoints: Sequence[Described]

    def endpoints_of(self, service: str, kind: str) -> list[Described]:
        return [
            each
            for each in self.endpoints
            if each["ServiceName"].rpartition(".")[2] == service and each["VpcEndpointType"] == kind
        ]

    def without(self, service: str) -> list[str]:
        """The subnets from which no way leads there."""
        if any(map(_has_name, self.endpoints_of(service, "Interface"))):
            return []
        gateways = self.endpoints_of(service, "Gateway")
        associated = {table for each in gateways for table in each.get("RouteTableIds", ())}
        return [
            subnet
            for subnet, table in self.tables.items()
            if not leads_out(table) and table.get("RouteTableId") not in associated
        ]


def _ways_of(ec2: Any, subnets: Sequence[Described]) -> _Ways:
    vpc = subnets[0]["VpcId"]
    in_vpc = [{"Name": "vpc-id", "Values": [vpc]}]
    with aws_errors(f"network {vpc}"):
        tables = ec2.describe_route_tables(Filters=in_vpc)["RouteTables"]
        endpoints = ec2.describe_vpc_endpoints(Filters=in_vpc)["VpcEndpoints"]
    of_subnets = {each["SubnetId"]: _table_of(each["SubnetId"], tables) for each in subnets}
    return _Ways(vpc, of_subnets, [each for each in endpoints if each["VpcId"] == vpc])


def _missing(patient: Patient, found: _Ways, service: str) -> Iterator[Finding]:
    without = found.without(service)
    if not without:
        return
    where = f"network {found.vpc}"
    gateways = found.endpoints_of(service, "Gateway")
    if gateways:
        tables = sorted({str(found.tables[each].get("RouteTableId")) for each in without})
        yield problem(
            where,
            f"the load does not reach {service} from {', '.join(without)}: the route table is not "
            "one of the endpoint's, and leads nowhere out",
            f"Associate the endpoint {gateways[0]['VpcEndpointId']} with {', '.join(tables)}.",
        )
        return
    nameless = found.endpoints_of(service, "Interface")
    if nameless:
        endpoint = nameless[0]["VpcEndpointId"]
        yield problem(
            where,
            f"the load does not reach {service}: its endpoint {endpoint} has no private DNS name",
            f"aws ec2 modify-vpc-endpoint --vpc-endpoint-id {endpoint} --private-dns-enabled",
        )
        return
    kind = "gateway" if service == "s3" else "interface"
    yield problem(
        where,
        f"the load does not reach {service}: no endpoint of it, and no way out of every subnet",
        f"Make a VPC {kind} endpoint com.amazonaws.{patient.region}.{service}"
        + (", with the route tables of the load's subnets." if kind == "gateway" else "."),
    )


def _names(ec2: Any, found: _Ways, needed: Sequence[str]) -> Iterator[Finding]:
    """The resolver of the network for any name; its own names for those of an interface endpoint.

    https://docs.aws.amazon.com/vpc/latest/userguide/AmazonDNS-concepts.html
    https://docs.aws.amazon.com/vpc/latest/privatelink/create-interface-endpoint.html
    """
    if not _is_on(ec2, found.vpc, "enableDnsSupport"):
        yield _off(found.vpc, "enableDnsSupport", "no name is resolved, not even the database's")
    by_name = [each for each in needed if found.endpoints_of(each, "Interface")]
    is_out = all(map(leads_out, found.tables.values()))
    if by_name and not is_out and not _is_on(ec2, found.vpc, "enableDnsHostnames"):
        services = " and ".join(by_name)
        why = f"the name of {services} does not lead to its interface endpoint"
        yield _off(found.vpc, "enableDnsHostnames", why)


def _has_name(endpoint: Described) -> bool:
    """Whether the service's own name leads to it; an emulator does not tell."""
    return bool(endpoint.get("PrivateDnsEnabled", True))


def _is_on(ec2: Any, vpc: str, attribute: str) -> bool:
    with aws_errors(f"network {vpc}"):
        found = ec2.describe_vpc_attribute(VpcId=vpc, Attribute=attribute)
    return bool(found[attribute[:1].upper() + attribute[1:]]["Value"])


def _off(vpc: str, attribute: str, why: str) -> Finding:
    option = {"enableDnsSupport": "dns-support", "enableDnsHostnames": "dns-hostnames"}[attribute]
    return problem(
        f"network {vpc}",
        f"{attribute} is off: {why}",
        f"aws ec2 modify-vpc-attribute --vpc-id {vpc} --enable-{option}",
    )


def _table_of(subnet: str, tables: Sequence[Described]) -> Described:
    """Its own, or the main one of the network."""
    main: Described = {}
    for table in tables:
        for association in table.get("Associations", ()):
            if association.get("SubnetId") == subnet:
                return table
            if association.get("Main"):
                main = table
    return main


def leads_out(table: Described) -> bool:
    """Through NAT or a gateway to elsewhere; an internet gateway leads no function out."""
    ways = ("NatGatewayId", "TransitGatewayId", "NetworkInterfaceId", "InstanceId")
    return any(
        route.get("DestinationCidrBlock") == "0.0.0.0/0" and any(route.get(way) for way in ways)
        for route in table.get("Routes", ())
    )
