"""The names that a deployment gives: whether one is somebody else's, or what had it is gone."""

from collections.abc import Iterator

from dynaurora.adapters.buckets import is_ours
from dynaurora.adapters.cloudformation import stack_outputs, stack_parameters
from dynaurora.deploy.doctor.findings import Finding, Patient, good, problem
from dynaurora.deploy.doctor.quotas import delivery_stream_names
from dynaurora.deploy.stacks import ARTIFACTS, table_name, wanted
from dynaurora.errors import AwsError
from dynaurora.model.names import bucket_name, delivery_stream_name


def buckets(patient: Patient) -> Iterator[Finding]:
    """The names of buckets are one space for all accounts; what is kept is taken over again."""
    found: list[Finding] = []
    for stack in (ARTIFACTS, *wanted(patient.project)):
        is_up = _is_up(patient, stack.name(patient.project))
        for purpose in stack.buckets.values():
            name = bucket_name(patient.project.name, purpose, patient.account, patient.region)
            found += _bucket(patient, name, stack.name(patient.project) if is_up else "")
    yield from found or [good("buckets", "their names are free, or ours")]


def _bucket(patient: Patient, name: str, stack: str) -> Iterator[Finding]:
    """stack: that has made it, "" where there is none."""
    try:
        is_there = is_ours(patient.client("s3"), name, patient.account)
    except AwsError as error:
        yield problem(error.where, error.found, error.remedy)
        return
    if stack and not is_there:
        yield problem(f"bucket {name}", "is gone: somebody deleted it", _anew(stack))


def firehose_streams(patient: Patient) -> Iterator[Finding]:
    """Those of the tables, by name. One whose stack is there, in whatever state, is ours."""
    project = patient.project
    found: list[Finding] = []
    there = set(delivery_stream_names(patient))
    for table in patient.tables:
        name = delivery_stream_name(project.delivery_stream_prefix, table)
        stack = table_name(project, table)
        if _is_up(patient, stack) and name not in there:
            found.append(
                problem(f"Firehose stream {name}", "is gone: somebody deleted it", _anew(stack))
            )
        if name in there and not stack_parameters(patient.client("cloudformation"), stack):
            found.append(
                problem(
                    f"Firehose stream {name}",
                    f"is there, and not of this project: {table} cannot be connected",
                    "Set delivery_stream_prefix in dynaurora.toml; delete it only if it is "
                    "nobody's.",
                )
            )
    yield from found or [good("names of Firehose streams", "are free, or ours")]


def _is_up(patient: Patient, stack: str) -> bool:
    return stack_outputs(patient.client("cloudformation"), stack) is not None


def _anew(stack: str) -> str:
    """CloudFormation does not look at what it has made."""
    return f"aws cloudformation delete-stack --stack-name {stack}, then dynaurora deploy"
