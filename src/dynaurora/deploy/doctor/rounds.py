"""All checks at once: each waits for somebody else most of its time."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Final

from dynaurora.adapters.aws import aws_errors, client_factory
from dynaurora.deploy.doctor.account import identity, permissions
from dynaurora.deploy.doctor.database import database
from dynaurora.deploy.doctor.findings import Check, Finding, Patient, problem, unknown
from dynaurora.deploy.doctor.machine import bytecode, files, plugins, tools
from dynaurora.deploy.doctor.names import buckets, firehose_streams
from dynaurora.deploy.doctor.network import network
from dynaurora.deploy.doctor.own import own_cluster, own_network
from dynaurora.deploy.doctor.quotas import concurrency, delivery_streams
from dynaurora.deploy.doctor.stacks import stacks
from dynaurora.deploy.doctor.streams import stream
from dynaurora.deploy.own import Own
from dynaurora.deploy.project import Project
from dynaurora.errors import AwsAway, AwsError, DynauroraError

HERE: Final[tuple[Check, ...]] = (tools, bytecode, files, plugins)
"""What needs no AWS."""

IN_AWS: Final[tuple[Check, ...]] = (
    identity,
    permissions,
    concurrency,
    delivery_streams,
    buckets,
    firehose_streams,
    network,
    own_network,
    own_cluster,
    stacks,
)

_SERVICES: Final = ("cloudformation", "dynamodb", "ec2", "firehose", "iam", "lambda", "s3")
_FOR_OWN: Final = ("rds", "service-quotas")
"""For a network or a cluster of the project's own."""
_AT_ONCE: Final = 16


def examined(
    project: Project, tables: Sequence[str], ask: Callable[..., dict[str, Any]]
) -> list[Finding]:
    """Everything that was found, in the order of the checks.

    ask: asks the database; is called in another thread.
    """
    patient, refusal = _patient(project, tables, ask)
    checks: list[Check] = [*HERE]
    if refusal is None:
        checks += [*IN_AWS, *(partial(_stream, table) for table in tables)]
    if refusal is None or not project.is_private:
        checks.append(database)
    with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
        found = [each for some in pool.map(partial(_done, patient), checks) for each in some]
    return [*([refusal] if refusal else []), *found]


def _stream(table: str, patient: Patient) -> Iterable[Finding]:
    return stream(patient, table)


def _patient(
    project: Project, tables: Sequence[str], ask: Callable[..., dict[str, Any]]
) -> tuple[Patient, Finding | None]:
    """Who is looked at, and why AWS cannot be asked."""
    account, region, arn = "", project.region, ""
    refusal = None
    try:
        client = client_factory(project.region, project.endpoint)
        with aws_errors("AWS"):
            security = client("sts")
            region = security.meta.region_name
            caller = security.get_caller_identity()
            account, arn = caller["Account"], caller["Arn"]
        services = (*_SERVICES, *(_FOR_OWN if project.own != Own() else ()))
        made = {service: client(service) for service in services}
    except AwsError as error:
        refusal, made = problem(error.where, error.found, error.remedy), {}
    patient = Patient(project, made.__getitem__, account, region, arn, tuple(tables), ask)
    return patient, refusal


def _done(patient: Patient, check: Check) -> list[Finding]:
    """What a check is refused is a finding, too: it is not known what it would have found."""
    try:
        return list(check(patient))
    except AwsAway as error:
        return [problem(error.where, error.found, error.remedy)]
    except DynauroraError as error:
        return [unknown(error.where, f"could not check: {error.found}", error.remedy)]
