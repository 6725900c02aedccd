"""The tables: whether each is there, has a stream of the right view, and is read by its mapping."""

from collections.abc import Iterator
from typing import Final

from dynaurora.adapters.aws import aws_errors
from dynaurora.adapters.cloudformation import stack_outputs, stack_parameters
from dynaurora.adapters.dynamodb import ACCEPTED_VIEWS, TableDescription, describe_table
from dynaurora.deploy.doctor.findings import Finding, Patient, good, problem
from dynaurora.deploy.mappings import mappings_of, readers
from dynaurora.errors import DynauroraError
from dynaurora.model.names import stack_name, table_stack_name

_READERS: Final = 2
"""Of a shard at once; a global table's replication is one of them.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html"""


def stream(patient: Patient, table: str) -> Iterator[Finding]:
    """One table."""
    try:
        found = describe_table(patient.client("dynamodb"), table)
    except DynauroraError as error:
        yield problem(error.where, error.found, error.remedy)
        return
    if found.has_stream:
        problems = [*_view(found), *_connection(patient, found), *_readers(patient, found)]
    else:
        problems = list(_off(patient, found))
    yield from problems
    if not problems:
        yield good(f"table {table}", _in_order(found))


def _in_order(table: TableDescription) -> str:
    if table.has_stream:
        return f"its stream holds {table.stream_view}"
    return "its stream is off; the first deploy asks to turn it on"


def _off(patient: Patient, table: TableDescription) -> Iterator[Finding]:
    """Before the first deployment that is nothing unusual."""
    if _is_deployed(patient):
        yield problem(
            f"table {table.name}", "its stream is off", "dynaurora deploy, which asks to turn it on"
        )


def _is_deployed(patient: Patient) -> bool:
    pipeline = stack_name(patient.project.name, "pipeline")
    return stack_outputs(patient.client("cloudformation"), pipeline) is not None


def _view(table: TableDescription) -> Iterator[Finding]:
    if table.stream_view not in ACCEPTED_VIEWS:
        yield problem(
            f"table {table.name}",
            f"its stream holds {table.stream_view}, so the changed items are not in it",
            "When nobody reads it any more, turn the stream off; dynaurora deploy",
        )


def _connection(patient: Patient, table: TableDescription) -> Iterator[Finding]:
    """Whether its stack reads the stream that the table has now."""
    stack = table_stack_name(patient.project.name, table.name)
    client = patient.client("cloudformation")
    where = f"table {table.name}"
    outputs = stack_outputs(client, stack)
    if outputs is None:
        if _is_deployed(patient):
            yield problem(where, "is not connected: its stack is not up", "dynaurora deploy")
        return
    if stack_parameters(client, stack).get("StreamArn", "") != table.stream_arn:
        yield problem(
            where,
            "has another stream than the one that is read: it was turned off and on, or made anew",
            "dynaurora deploy, within 24 hours: a stream forgets after that",
        )
    for mapping in mappings_of(outputs):
        yield from _mapping(patient, table.name, mapping)


def _mapping(patient: Patient, table: str, mapping: str) -> Iterator[Finding]:
    with aws_errors(f"mapping {mapping}"):
        found = patient.client("lambda").get_event_source_mapping(UUID=mapping)
    if found["State"] not in ("Enabled", "Enabling", "Creating", "Updating"):
        yield problem(
            f"mapping of {table}",
            f"is {found['State']}: its stream is not read, and forgets after 24 hours",
            f"aws lambda update-event-source-mapping --uuid {mapping} --enabled",
        )


def _readers(patient: Patient, table: TableDescription) -> Iterator[Finding]:
    """Only Lambda's are known."""
    names = readers(patient.client("lambda"), table.stream_arn)
    if len(names) > _READERS:
        yield problem(
            f"table {table.name}",
            f"its stream has {len(names)} readers, which are throttled: {', '.join(names)}",
            f"Leave it at most {_READERS}; have one function give to the others.",
        )
