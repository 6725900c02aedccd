"""The tables of a deployment: looked at first, then connected, each by a stack of its own.

What is wrong with one table is kept as its outcome and does not stop the others.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from dynaurora.adapters.cloudformation import StackChange, StackOutcome, stack_parameters
from dynaurora.adapters.dynamodb import (
    ACCEPTED_VIEWS,
    VIEW,
    TableDescription,
    describe_table,
    enable_stream,
    is_stream_kept,
)
from dynaurora.deploy.account import Account, output_of
from dynaurora.deploy.mappings import enabled, mappings_of
from dynaurora.deploy.outcomes import Confirm, Register, StreamEnabled, TableOutcome
from dynaurora.deploy.stacks import Given, table_name, table_parameters, table_template
from dynaurora.errors import AwsError, DynauroraError, StackFailed
from dynaurora.model.versions import stream_of

_STACKS_AT_ONCE: Final = 8


@dataclass(frozen=True, slots=True)
class Prepared:
    """A table that can be connected, or an outcome that says why not."""

    description: TableDescription | None
    outcome: TableOutcome


def looked_at(account: Account, table: str, confirm: Confirm) -> Prepared:
    """Whether a table can be connected; asks, and changes nothing."""
    account.begin("table", table)
    try:
        description = describe_table(account.client("dynamodb"), table)
        if description.has_stream:
            check_view(description)
        elif not confirm(description):
            raise AwsError(
                f"table {table}",
                "its stream is off",
                f"a stream with {VIEW}",
                "Deploy again and say yes, or turn it on yourself.",
            )
    except DynauroraError as error:
        return Prepared(None, TableOutcome(table, error=error))
    return Prepared(description, TableOutcome(table, table_id=description.table_id))


def check_view(table: TableDescription) -> None:
    """A stream without new images does not tell what the items are.

    The view of a stream cannot be changed, only a new stream made: what the old one still holds
    is somebody's to read first, so this is not done here.
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html
    """
    if table.stream_view not in ACCEPTED_VIEWS:
        raise AwsError(
            f"table {table.name}",
            f"its stream holds {table.stream_view}, so the changed items are not in it",
            " or ".join(sorted(ACCEPTED_VIEWS)),
            "When nobody reads it any more, turn the stream off and deploy again.",
        )


def registered(account: Account, prepared: Prepared, register: Register) -> Prepared:
    """Turn the stream on where that was confirmed, and have the table registered."""
    description = prepared.description
    if description is None:
        return prepared
    outcome = prepared.outcome
    try:
        if not description.has_stream:
            items = description.items
            description = enable_stream(account.client("dynamodb"), description.name)
            account.tell(StreamEnabled(description.name, description.stream_arn, items))
            outcome = replace(outcome, is_stream_enabled=True)
        outcome = replace(outcome, stream_arn=description.stream_arn)
        register(description.name, description.stream_arn, description.table_id)
    except DynauroraError as error:
        return Prepared(None, replace(outcome, error=error))
    return Prepared(description, outcome)


def connected(account: Account, given: Given, tables: Sequence[Prepared]) -> list[TableOutcome]:
    """The stacks of the tables, some at once: most of the time is spent waiting."""

    def one(prepared: Prepared) -> TableOutcome:
        outcome = prepared.outcome
        if prepared.description is not None:
            try:
                outcome = _stack(account, given, prepared.description, outcome)
            except DynauroraError as error:
                outcome = replace(outcome, error=error)
        return outcome

    with ThreadPoolExecutor(max_workers=_STACKS_AT_ONCE) as pool:
        try:
            return list(pool.map(one, tables))
        except BaseException:
            # Interrupted: nothing more is begun. What is under way goes on in AWS in any case.
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _stack(
    account: Account, given: Given, table: TableDescription, outcome: TableOutcome
) -> TableOutcome:
    name, template = table_name(given.project, table.name), table_template(given.project)
    before = stack_parameters(account.client("cloudformation"), name)
    former = former_stream(account, before, table)
    parameters = table_parameters(given, table, former)
    change = StackChange.UNCHANGED
    if former and former == before["StreamArn"]:
        # Its mapping has to go before another one of the same function can be made.
        change = account.stack(name, template, {**parameters, "ReadsFormer": "false"}).change
    stack = _with_former(account, name, template, parameters)
    if stack.change is StackChange.UNCHANGED:
        stack = replace(stack, change=change)
    is_first = stack.change is StackChange.CREATED or outcome.is_stream_enabled
    return replace(outcome, stack=stack, items_before=table.items if is_first else 0)


def _with_former(
    account: Account, name: str, template: Path, parameters: Mapping[str, str]
) -> StackOutcome:
    """A former stream that Lambda does not read keeps the table from nothing else.

    What of it was not read yet is a gap then, which was noted with the new stream.
    """
    try:
        return account.stack(name, template, parameters)
    except StackFailed as error:
        if parameters["ReadsFormer"] == "false":
            raise
        account.done(name, f"the stream before this one cannot be read to its end: {error.found}")
        return account.stack(name, template, {**parameters, "ReadsFormer": "false"})


def former_stream(account: Account, before: Mapping[str, str], table: TableDescription) -> str:
    """The stream of this table that was read before, while DynamoDB still has it; else "".

    That of a table that was deleted and made anew is none of its streams: it is older than it.

    before: the parameters of the table's stack.
    """
    last = before.get("StreamArn", "")
    former = before.get("FormerStreamArn", "") if last == table.stream_arn else last
    if not former or stream_of(former).label_ms < table.created_ms:
        return ""
    return former if is_stream_kept(account.client("dynamodbstreams"), former) else ""


def read(account: Account, outcome: TableOutcome) -> TableOutcome:
    """Wait until the table's stream is read."""
    if outcome.stack is not None:
        try:
            output_of(outcome.stack, "MappingId")
            for mapping in mappings_of(outcome.stack.outputs):
                enabled(account, outcome.table, mapping)
        except DynauroraError as error:
            outcome = replace(outcome, error=error)
    account.tell(outcome)
    return outcome
