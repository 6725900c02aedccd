"""Whether the load, in its subnets, reaches S3, and Secrets Manager where it reads a secret.

A function in a network has no way out of it by itself, not even in a public subnet: it needs
endpoints or NAT. Without them its calls hang until its time is over.
https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc-internet.html
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from botocore.exceptions import ClientError

from dynaurora.adapters.aws import aws_errors, error_code
from dynaurora.deploy.doctor.findings import Finding, Patient, good, problem


def network(patient: Patient) -> Iterator[Finding]:
    """The subnets that dynaurora.toml names."""
    subnets = patient.project.network.subnets
    if not subnets:
        return
    ec2 = patient.client("ec2")
    with aws_errors("the network"):
        try:
            found = ec2.describe_subnets(SubnetIds=list(subnets))["Subnets"]
        except ClientError as error:
            if not error_code(error).startswith("InvalidSubnetID"):
                raise
            found = []
    missing = sorted(set(subnets) - {each["SubnetId"] for each in found})
    for subnet in missing:
        remedy = "Correct subnets below [database] in dynaurora.toml, or the Region."
        yield problem(f"subnet {subnet}", f"is not in {patient.region}", remedy)
    yield from _groups(patient, ec2)
    if found and not missing:
        yield from _ways(patient, ec2, found)


def _groups(patient: Patient, ec2: Any) -> Iterator[Finding]:
    groups = patient.project.network.security_groups
    if not groups:
        yield problem(
            "security groups",
            "none is named, and a function in subnets needs one",
            "security_groups below [database] in dynaurora.toml",
        )
        return
    with aws_errors("the network"):
        try:
            ec2.describe_security_groups(GroupIds=list(groups))
        except ClientError as error:
            if not error_code(error).startswith("InvalidGroup"):
                raise
            yield problem(
                f"security groups {', '.join(groups)}",
                f"not all of them are in {patient.region}",
                "Correct security_groups below [database] in dynaurora.toml.",
            )


def _ways(patient: Patient, ec2: Any, subnets: Sequence[Mapping[str, Any]]) -> Iterator[Finding]:
    vpc = subnets[0]["VpcId"]
    in_vpc = [{"Name": "vpc-id", "Values": [vpc]}]
    with aws_errors(f"network {vpc}"):
        tables = ec2.describe_route_tables(Filters=in_vpc)["RouteTables"]
        endpoints = ec2.describe_vpc_endpoints(Filters=in_vpc)["VpcEndpoints"]
    services = {
        each["ServiceName"].rpartition(".")[2] for each in endpoints if each["VpcId"] == vpc
    }
    open_to_all = all(_leads_out(_table_of(each["SubnetId"], tables)) for each in subnets)
    needed = ["s3"]
    if patient.project.database.secret_arn:
        needed.append("secretsmanager")
    missing = [] if open_to_all else [each for each in needed if each not in services]
    for service in missing:
        kind = "gateway" if service == "s3" else "interface"
        yield problem(
            f"network {vpc}",
            f"the load does not reach {service}: no endpoint of it, and no way out of every subnet",
            f"Make a VPC {kind} endpoint com.amazonaws.{patient.region}.{service}.",
        )
    if not missing:
        yield good(f"network {vpc}", f"the load reaches {' and '.join(needed)}")


def _table_of(subnet: str, tables: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """Its own, or the main one of the network."""
    main: Mapping[str, Any] = {}
    for table in tables:
        for association in table.get("Associations", ()):
            if association.get("SubnetId") == subnet:
                return table
            if association.get("Main"):
                main = table
    return main


def _leads_out(table: Mapping[str, Any]) -> bool:
    """Through NAT or a gateway to elsewhere; an internet gateway leads no function out."""
    ways = ("NatGatewayId", "TransitGatewayId", "NetworkInterfaceId", "InstanceId")
    return any(
        route.get("DestinationCidrBlock") == "0.0.0.0/0" and any(route.get(way) for way in ways)
        for route in table.get("Routes", ())
    )
