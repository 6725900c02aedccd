"""The network that the load runs in: its subnets, its groups, and what these let it reach."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from dynaurora.adapters.aws import aws_errors
from dynaurora.adapters.cloudformation import stack_outputs
from dynaurora.deploy.doctor.egress import egress
from dynaurora.deploy.doctor.findings import Finding, Patient, advice, problem
from dynaurora.deploy.doctor.ways import ways
from dynaurora.deploy.project import Network
from dynaurora.model.names import stack_name

Found = Sequence[Mapping[str, Any]]


def network(patient: Patient) -> Iterator[Finding]:
    """The subnets that dynaurora.toml names, or those of a `[network]` that was deployed."""
    place = _place(patient)
    if not place.subnets:
        return
    ec2 = patient.client("ec2")
    subnets = _named(ec2.describe_subnets, "Subnet", place.subnets)
    groups = _named(ec2.describe_security_groups, "Group", place.security_groups)
    found = {each["SubnetId"] for each in subnets} | {each["GroupId"] for each in groups}
    missing = [
        *_missing(patient, "subnet", set(place.subnets) - found),
        *_missing(patient, "security group", set(place.security_groups) - found),
    ]
    yield from missing or _of_those(patient, ec2, subnets, groups)


def _of_those(patient: Patient, ec2: Any, subnets: Found, groups: Found) -> Iterator[Finding]:
    """All of them are there."""
    yield from _apart(subnets, groups)
    yield from _zones(subnets)
    if groups:
        yield from egress(patient, ec2, groups)
    else:
        yield problem(
            "security groups",
            "none is named, and a function in subnets needs one",
            "security_groups below [database] in dynaurora.toml",
        )
    yield from ways(patient, ec2, subnets)


def _place(patient: Patient) -> Network:
    project = patient.project
    if project.own.network is None:
        return project.network
    client = patient.client("cloudformation")
    outputs = stack_outputs(client, stack_name(project.name, "network")) or {}
    subnets, groups = (
        tuple(filter(None, outputs.get(name, "").split(",")))
        for name in ("SubnetIds", "SecurityGroupIds")
    )
    return Network(subnets, groups)


def _named(describe: Callable[..., Any], kind: str, names: Sequence[str]) -> Found:
    """Those that are there, by a filter, which AWS answers also where one of them is not; an
    emulator may not know the filter."""
    if not names:
        return []
    with aws_errors("the network"):
        answer = describe(Filters=[{"Name": f"{kind.lower()}-id", "Values": list(names)}])
    found: Found = answer["Subnets" if kind == "Subnet" else "SecurityGroups"]
    return [each for each in found if each[f"{kind}Id"] in names]


def _missing(patient: Patient, kind: str, names: set[str]) -> Iterator[Finding]:
    setting = kind.replace(" ", "_") + "s"
    remedy = f"Correct {setting} below [database] in dynaurora.toml, or the Region."
    if patient.project.own.network is not None:
        stack = stack_name(patient.project.name, "network")
        remedy = f"Somebody deleted it: the stack {stack} is to be made anew."
    for name in sorted(names):
        yield problem(f"{kind} {name}", f"is not in {patient.region}", remedy)


def _apart(subnets: Found, groups: Found) -> Iterator[Finding]:
    """https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html"""
    vpcs = sorted({each["VpcId"] for each in (*subnets, *groups)})
    if len(vpcs) > 1:
        yield problem(
            "subnets and security groups",
            f"are of {len(vpcs)} networks ({', '.join(vpcs)}), and a function is in one",
            "Name those of one VPC, that of the database, below [database] in dynaurora.toml.",
        )


def _zones(subnets: Found) -> Iterator[Finding]:
    zones = {each["AvailabilityZone"] for each in subnets}
    if len(zones) == 1:
        yield advice(
            "subnets",
            f"all are in {min(zones)}: while that zone is away nothing is loaded, and all waits",
            "Name a subnet in another Availability Zone, too.",
        )
