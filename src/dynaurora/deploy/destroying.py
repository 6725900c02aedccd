"""The stage that takes a project away again, in the reverse order of its making.

    mappings off ─► what Firehose has gathered is delivered ─► streams off where asked for
        ─► table stacks ─► the queue is loaded ─► the shared stacks, last first ─► buckets

What holds data stays unless it is asked for: buckets with something in them, the cluster, and the
network that it is in. Streams stay on unless it is asked for. Every step looks at what is there, so
doing it again goes on where it ended.
"""

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final

from dynaurora.adapters.aws import Client, aws_errors
from dynaurora.adapters.buckets import delete_bucket, emptied, is_empty, is_ours
from dynaurora.adapters.cloudformation import (
    StackChange,
    StackOutcome,
    delete_stack,
    stack_names,
    stack_outputs,
    stack_parameters,
    stack_resources,
)
from dynaurora.adapters.dynamodb import disable_stream, stream_of
from dynaurora.deploy.account import Account
from dynaurora.deploy.gone import connected_tables
from dynaurora.deploy.mappings import disable, mappings_of, readers
from dynaurora.deploy.outcomes import GoneTable, Tell
from dynaurora.deploy.project import Project
from dynaurora.deploy.stacks import ARTIFACTS, SHARED, Stack
from dynaurora.errors import DynauroraError, ProjectError
from dynaurora.model.names import bucket_name, stack_name
from dynaurora.plugins.declarations import suggestion

_STACKS_AT_ONCE: Final = 8
_DRAINING_S: Final = 120.0
_PAUSE_S: Final = 1.0
_DELIVERY_S: Final = 30
"""Beyond its buffers' time, for Firehose to transform and to write what it has."""


@dataclass(frozen=True, slots=True)
class Destruction:
    """What went and what stayed, by name.

    waiting: messages that were not loaded; their objects are in the raw bucket.
    kept_stacks, kept_buckets: because they hold data.
    streams_on: the tables whose streams nobody of ours reads any more.
    readers: of those that are left on because others read them, the functions that do, by table.
    """

    account: str
    region: str
    stacks: tuple[str, ...] = ()
    buckets: tuple[str, ...] = ()
    kept_stacks: tuple[str, ...] = ()
    kept_buckets: tuple[str, ...] = ()
    streams_on: tuple[str, ...] = ()
    readers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    waiting: int = 0


def destroy_project(
    project: Project,
    *,
    deletes_data: bool = False,
    disables_streams: bool = False,
    tell: Tell = lambda _progress: None,
    client: Client | None = None,
) -> Destruction:
    """Take away what `deploy_project` made. Raises ``StackFailed`` for what does not go."""
    account = Account.of(project, client, tell)
    tables = connected_tables(project, account)
    _no_longer_read(project, account, tables)
    read_by = _streams_off(project, account, tables) if disables_streams else {}
    gone = _tables_gone(account, tables)
    waiting = _drained(project, account)
    kept = () if deletes_data else _kept(project, account)
    there = set(stack_names(account.client("cloudformation"), stack_name(project.name, "")))
    for stack in reversed((ARTIFACTS, *SHARED)):
        # One that is not asked for any more may still be there.
        is_there = stack.name(project) in there
        if stack.part not in kept and (is_there or stack.is_wanted(project)):
            gone.append(_shared_gone(project, account, stack, is_there=is_there))
    buckets, kept_buckets = _buckets_gone(project, account, deletes_data=deletes_data)
    return Destruction(
        account=account.number,
        region=account.region,
        stacks=_those_that_went(gone),
        buckets=buckets,
        kept_stacks=tuple(stack_name(project.name, part) for part in kept),
        kept_buckets=kept_buckets,
        streams_on=tuple(read_by if disables_streams else (each.table for each in tables)),
        readers=read_by,
        waiting=waiting,
    )


def destroy_table(
    project: Project,
    table: str,
    *,
    disables_streams: bool = False,
    tell: Tell = lambda _progress: None,
    client: Client | None = None,
) -> Destruction:
    """Disconnect one table. Its SQL tables, its objects and its archive stay."""
    account = Account.of(project, client, tell)
    tables = connected_tables(project, account)
    found = [each for each in tables if each.table == table]
    if not found:
        raise ProjectError(
            f"table {table}",
            f"is not connected{suggestion(table, [each.table for each in tables])}",
            f"a stack of the project {project.name}",
            "There is nothing to take away.",
        )
    _no_longer_read(project, account, found)
    read_by = _streams_off(project, account, found) if disables_streams else {}
    gone = _tables_gone(account, found)
    return Destruction(
        account.number,
        account.region,
        stacks=_those_that_went(gone),
        streams_on=tuple(read_by if disables_streams else (table,)),
        readers=read_by,
    )


def _those_that_went(gone: Sequence[StackOutcome]) -> tuple[str, ...]:
    return tuple(stack.name for stack in gone if stack.change is StackChange.DELETED)


# --- tables -----------------------------------------------------------------------------------


def _no_longer_read(project: Project, account: Account, tables: Sequence[GoneTable]) -> None:
    """Firehose may lose what it has gathered when it is deleted, so the mappings go first.

    https://docs.aws.amazon.com/firehose/latest/APIReference/API_DeleteDeliveryStream.html
    """
    cloudformation = account.client("cloudformation")
    outputs = {each: stack_outputs(cloudformation, each.stack) or {} for each in tables}
    mappings = [(each.table, one) for each, of in outputs.items() for one in mappings_of(of)]
    for table, mapping in mappings:
        disable(account, table, mapping)
    if mappings:
        _wait_for_delivery(project, account, tables)


def _tables_gone(account: Account, tables: Sequence[GoneTable]) -> list[StackOutcome]:
    with ThreadPoolExecutor(max_workers=_STACKS_AT_ONCE) as pool:
        ended = list(pool.map(lambda each: _ended(account, each.stack), tables))
    if errors := [each for each in ended if isinstance(each, DynauroraError)]:
        raise errors[0]
    return [each for each in ended if isinstance(each, StackOutcome)]


def _ended(account: Account, stack: str) -> StackOutcome | DynauroraError:
    """One stack that stays keeps no other."""
    try:
        return _deleted(account, stack)
    except DynauroraError as error:
        return error


def _deleted(account: Account, stack: str) -> StackOutcome:
    outcome = delete_stack(account.client("cloudformation"), stack, account.tell)
    if outcome.change is StackChange.DELETED:  # else there was none
        account.tell(outcome)
    return outcome


def _wait_for_delivery(project: Project, account: Account, tables: Sequence[GoneTable]) -> None:
    """The emulator gathers nothing."""
    if project.is_local:
        return
    cloudformation = account.client("cloudformation")
    given = [stack_parameters(cloudformation, each.stack) for each in tables]
    buffered = max(_buffered_s(parameters) for parameters in given)
    account.begin(f"delivers what it has gathered, {buffered + _DELIVERY_S} s", "Firehose")
    time.sleep(buffered + _DELIVERY_S)
    account.done("Firehose", "has delivered what it had gathered")


def _buffered_s(parameters: Mapping[str, str]) -> int:
    return sum(int(parameters.get(name, 0)) for name in ("BufferSeconds", "TransformBufferSeconds"))


def _streams_off(
    project: Project, account: Account, tables: Sequence[GoneTable]
) -> dict[str, tuple[str, ...]]:
    """Those that others read stay on: who reads them, by table."""
    others = {each.table: _others(project, account, each.table) for each in tables}
    for table, names in others.items():
        if not names and disable_stream(account.client("dynamodb"), table):
            account.done(table, "its stream is off")
    return {table: names for table, names in others.items() if names}


def _others(project: Project, account: Account, table: str) -> tuple[str, ...]:
    """The functions of others that read a table's stream."""
    stream = stream_of(account.client("dynamodb"), table)
    found = readers(account.client("lambda"), stream) if stream else []
    return tuple(name for name in found if name != stack_name(project.name, "capture"))


# --- the queue --------------------------------------------------------------------------------


def _drained(project: Project, account: Account) -> int:
    """Wait until every object of the queue is loaded; how many messages are left after that.

    They lose nothing: a message only says that there is an object.
    """
    name = stack_name(project.name, "pipeline")
    outputs = stack_outputs(account.client("cloudformation"), name) or {}
    url = outputs.get("ObjectsUrl")
    if not url:
        return 0
    account.begin("its objects are being loaded", "queue")
    until = time.monotonic() + _DRAINING_S
    while (left := _messages(account, url)) and time.monotonic() < until:
        time.sleep(_PAUSE_S)
    account.done("queue", f"{left:,} messages left" if left else "empty")
    return left


def _messages(account: Account, url: str) -> int:
    """https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_GetQueueAttributes.html"""
    about = "ApproximateNumberOfMessages"
    names = [about, f"{about}NotVisible", f"{about}Delayed"]
    with aws_errors(f"queue {url}"):
        answer = account.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=names)
    return sum(int(count) for count in answer["Attributes"].values())


# --- what all tables share --------------------------------------------------------------------


def _kept(project: Project, account: Account) -> tuple[str, ...]:
    """The parts that stay: those that hold data, and those that they need."""
    client = account.client("cloudformation")
    holding = [
        stack
        for stack in SHARED
        if stack.holds_data and stack_outputs(client, stack.name(project)) is not None
    ]
    needed = [part for stack in holding for part in (*stack.needs, stack.part)]
    return tuple(dict.fromkeys(needed))


def _shared_gone(
    project: Project, account: Account, stack: Stack, *, is_there: bool
) -> StackOutcome:
    name = stack.name(project)
    if stack.holds_data and is_there:
        _unprotect(account, name)
    return _deleted(account, name)


def _unprotect(account: Account, stack: str) -> None:
    """A protected cluster refuses to be deleted; its last snapshot stays (DeletionPolicy).

    https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/USER_DeleteCluster.html
    """
    clusters = stack_resources(account.client("cloudformation"), stack, "AWS::RDS::DBCluster")
    for cluster in clusters:
        with aws_errors(f"cluster {cluster}"):
            account.client("rds").modify_db_cluster(
                DBClusterIdentifier=cluster, DeletionProtection=False, ApplyImmediately=True
            )


def _buckets_gone(
    project: Project, account: Account, *, deletes_data: bool
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The buckets that went and those that stayed. Their stacks have let them go."""
    s3 = account.client("s3")
    gone, kept = [], []
    for stack in reversed((ARTIFACTS, *SHARED)):
        for purpose in stack.buckets.values():
            bucket = bucket_name(project.name, purpose, account.number, account.region)
            if not is_ours(s3, bucket, account.number):
                continue
            if not (deletes_data or is_empty(s3, bucket)):
                kept.append(bucket)
                continue
            account.begin("is being emptied", bucket)
            count = emptied(s3, bucket)
            delete_bucket(s3, bucket)
            account.done(bucket, f"deleted with {count:,} versions of objects")
            gone.append(bucket)
    return tuple(gone), tuple(kept)
