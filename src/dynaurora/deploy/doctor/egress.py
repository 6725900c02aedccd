"""Whether the load's security groups let it out: to its database, S3 and Secrets Manager.

Their rules are added up: what one of them lets out goes out. The resolver is always reached.
https://docs.aws.amazon.com/vpc/latest/userguide/security-group-rules.html
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

from dynaurora.adapters.database import engine_of
from dynaurora.adapters.ec2 import s3_prefix_list
from dynaurora.deploy.doctor.findings import Finding, Patient, problem
from dynaurora.deploy.project import Project
from dynaurora.plugins.statements import dialect_of

Rule = Mapping[str, Any]
"""https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_IpPermission.html"""

_HTTPS: Final = 443
_ADDRESSES: Final = (("IpRanges", "CidrIp"), ("Ipv6Ranges", "CidrIpv6"))
_NOWHERE: Final = ("127.", "::1/")


def egress(patient: Patient, ec2: Any, groups: Sequence[Mapping[str, Any]]) -> Iterator[Finding]:
    """One finding for each place that no rule leads to. A rule to addresses is not compared with
    those of the place."""
    rules = [rule for group in groups for rule in group["IpPermissionsEgress"]]
    where = f"security groups {', '.join(group['GroupId'] for group in groups)}"
    port = _port(patient.project)
    if not any(_leads(rule, port) for rule in rules):
        yield problem(
            where,
            f"let nothing out on port {port}, the database's",
            f"Add a rule for what goes out: tcp {port} to the group of the database.",
        )
    if not any(_leads(rule, _HTTPS) and not _is_to_groups(rule) for rule in rules):
        yield problem(
            where,
            f"let nothing out to S3, on port {_HTTPS}",
            f"Add a rule for what goes out: tcp {_HTTPS} to the prefix list "
            f"com.amazonaws.{patient.region}.s3.",
        )
    if not patient.project.database.secret_arn:
        return
    https = [rule for rule in rules if _leads(rule, _HTTPS)]
    of_s3 = s3_prefix_list(ec2, patient.region) if any(map(_lists, https)) else ""
    if not any(_has_others(rule, of_s3) for rule in https):
        yield problem(
            where,
            f"let nothing out to Secrets Manager, on port {_HTTPS}",
            f"Add a rule for what goes out: tcp {_HTTPS} to the group of its endpoint.",
        )


def _port(project: Project) -> int:
    """The engine's own where the URL cannot be read, which the check of the database tells."""
    url = project.database.url
    try:
        port = urlsplit(url).port
    except ValueError:
        port = None
    return port or dialect_of(engine_of(url)).port


def _leads(rule: Rule, port: int) -> bool:
    """Somewhere, on this port of TCP."""
    if rule["IpProtocol"] == "-1":
        return not _is_nowhere(rule)
    is_tcp = rule["IpProtocol"] in ("tcp", "6")
    return is_tcp and rule["FromPort"] <= port <= rule["ToPort"] and not _is_nowhere(rule)


def _is_nowhere(rule: Rule) -> bool:
    """To this machine alone: how a rule is written that lets nothing out."""
    found = _addresses(rule)
    is_here = bool(found) and all(each.startswith(_NOWHERE) for each in found)
    return is_here and not (_groups(rule) or _lists(rule))


def _is_to_groups(rule: Rule) -> bool:
    """And to nothing else: S3 is in no group."""
    return bool(_groups(rule)) and not (_addresses(rule) or _lists(rule))


def _has_others(rule: Rule, of_s3: str) -> bool:
    """More than the addresses of S3, among which no interface endpoint is."""
    return _lists(rule) != [of_s3] or bool(_addresses(rule) or _groups(rule))


def _addresses(rule: Rule) -> list[str]:
    return [each[name] for kind, name in _ADDRESSES for each in rule.get(kind, ())]


def _groups(rule: Rule) -> list[str]:
    return [each["GroupId"] for each in rule.get("UserIdGroupPairs", ())]


def _lists(rule: Rule) -> list[str]:
    return [each["PrefixListId"] for each in rule.get("PrefixListIds", ())]
