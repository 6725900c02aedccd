"""What `[network]` and `[aurora]` need before they are made: room in the account's quotas, zones,
and a version of the engine that is offered in the Region."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from dynaurora.adapters.aws import aws_errors
from dynaurora.adapters.cloudformation import stack_outputs
from dynaurora.adapters.service_quotas import quota
from dynaurora.deploy.doctor.findings import Finding, Patient, good, problem, unknown
from dynaurora.deploy.stacks import SHARED
from dynaurora.model.names import stack_name

_CLASS: Final = "db.serverless"
_ZONES: Final = 2
"""The default of Zones in infra/network.yaml."""


@dataclass(frozen=True, slots=True)
class _Quota:
    """Of a Region. name: as Service Quotas has it. usual: what an account has by default."""

    name: str
    service: str
    code: str
    usual: int


_VPCS: Final = _Quota("VPCs per Region", "vpc", "L-F678F1CE", 5)
_ADDRESSES: Final = _Quota("EC2-VPC Elastic IPs", "ec2", "L-0263D0A3", 5)
"""https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html"""
_CLUSTERS: Final = _Quota("DB clusters", "rds", "L-952B80B8", 40)
"""https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/CHAP_Limits.html"""


def own_network(patient: Patient) -> Iterator[Finding]:
    """Nothing is looked at where none is asked for, or where it is there."""
    given = patient.project.own.network
    if given is None or _is_there(patient, "network"):
        return
    ec2 = patient.client("ec2")
    with aws_errors("EC2"):
        pages = ec2.get_paginator("describe_vpcs").paginate()
        vpcs = sum(len(page["Vpcs"]) for page in pages)
    yield _room(patient, _VPCS, vpcs)
    if given.get("Nat") == "true":
        with aws_errors("EC2"):
            addresses = ec2.describe_addresses()["Addresses"]
        yield _room(patient, _ADDRESSES, len(addresses))
    if given.get("ZoneNames"):
        return  # EC2 says at once where one of them is none
    zones = given.get("Zones", "")
    yield _zones(ec2, int(zones) if zones.isdecimal() else _ZONES)


def own_cluster(patient: Patient) -> Iterator[Finding]:
    """Nothing is looked at where none is asked for, or where it is there."""
    if patient.project.own.aurora is None or _is_there(patient, "aurora"):
        return
    rds = patient.client("rds")
    with aws_errors("RDS"):
        pages = rds.get_paginator("describe_db_clusters").paginate()
        engines = [each["Engine"] for page in pages for each in page["DBClusters"]]
    # Neptune and DocumentDB tell theirs by the same call.
    yield _room(patient, _CLUSTERS, sum(engine.startswith("aurora") for engine in engines))
    yield _version(patient, rds)


def _is_there(patient: Patient, part: str) -> bool:
    name = stack_name(patient.project.name, part)
    return stack_outputs(patient.client("cloudformation"), name) is not None


def _room(patient: Patient, of: _Quota, there: int) -> Finding:
    """For one more; whether a quota was raised is known to Service Quotas alone."""
    most = quota(patient.client("service-quotas"), of.service, of.code)
    where = f"quota {of.name}"
    told = f"{there:,} of {most or of.usual:,}"
    if most is None:
        told += " by default"
    told += " are there, 1 would be added"
    if there < (of.usual if most is None else most):
        return good(where, told)
    if most is None:
        remedy = "Look in Service Quotas, or grant servicequotas:GetServiceQuota and ask again."
        return unknown(where, f"{told}; whether it was raised is not known", remedy)
    return problem(
        where, told, f"Raise it in Service Quotas ({of.service}, {of.code}), or free one."
    )


def _zones(ec2: Any, wanted: int) -> Finding:
    """Those that the template takes: with a default subnet, unless there is none anywhere.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-getavailabilityzones.html
    """
    with aws_errors("EC2"):
        zones = ec2.describe_availability_zones(Filters=_filters("zone-type", "availability-zone"))
        subnets = ec2.describe_subnets(Filters=_filters("default-for-az", "true"))["Subnets"]
    names = {each["ZoneName"] for each in zones["AvailabilityZones"]}
    by_default = {each["AvailabilityZone"] for each in subnets} & names
    found = sorted(by_default or names)
    told = f"{len(found)} for a network ({', '.join(found)}), {wanted} needed"
    if len(found) >= wanted:
        return good("Availability Zones", told)
    if len(names) >= wanted:
        remedy = "aws ec2 create-default-subnet --availability-zone, for one that has none"
        return problem("Availability Zones", f"{told}: CloudFormation sees no others", remedy)
    remedy = f"Zones below [network] in dynaurora.toml: {_ZONES}; or another Region"
    return problem("Availability Zones", told, remedy)


def _filters(name: str, value: str) -> Sequence[Any]:
    return [{"Name": name, "Values": [value]}]


def _version(patient: Patient, rds: Any) -> Finding:
    engine, version = _wanted(patient)
    where = f"{engine} {version}"
    if not version:
        return unknown("Aurora", "its template does not say which version it makes")
    with aws_errors("RDS"):
        found = rds.describe_db_engine_versions(Engine=engine, EngineVersion=version)
        is_there = bool(found["DBEngineVersions"])
        is_serverless = is_there and _is_serverless(rds, engine, version)
    if is_serverless:
        return good(where, f"is offered as {_CLASS} in {patient.region}")
    return problem(
        where,
        f"is not offered {f'as {_CLASS} ' if is_there else ''}in {patient.region}",
        "Another EngineVersion below [aurora] in dynaurora.toml: aws rds "
        f"describe-orderable-db-instance-options --engine {engine} --db-instance-class {_CLASS}",
    )


def _is_serverless(rds: Any, engine: str, version: str) -> bool:
    """https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DescribeOrderableDBInstanceOptions.html"""
    found = rds.describe_orderable_db_instance_options(
        Engine=engine, EngineVersion=version, DBInstanceClass=_CLASS
    )
    return bool(found["OrderableDBInstanceOptions"])


def _wanted(patient: Patient) -> tuple[str, str]:
    """Engine and version; the template knows both, and lets [aurora] say another version."""
    cluster = patient.project.own.cluster
    (stack,) = (each for each in SHARED if each.part == "aurora")
    try:
        text = stack.template(patient.project).read_text("utf-8")
    except OSError:  # which another check tells
        text = ""
    mapped = re.search(
        rf'^ +{re.escape(cluster["Engine"])}:\n +Engine: (\S+)\n +Version: "?([^\s"]+)',
        text,
        re.MULTILINE,
    )
    engine, version = (mapped[1], mapped[2]) if mapped else (f"aurora-{cluster['Engine']}", "")
    return engine, cluster.get("EngineVersion") or version
