"""What a deployment would do, with nothing done: the change set of each stack, taken away again.

What a stack would only say of itself once it is made is not known yet; the stacks behind it are
given a placeholder then. So a stack that is new can be planned, and one that takes what would
change in a stack before it is planned with how that is now.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from dynaurora.adapters.aws import Client
from dynaurora.adapters.change_sets import StackPlan, StackRequest
from dynaurora.adapters.cloudformation import plan_stack, stack_outputs, stack_parameters
from dynaurora.adapters.dynamodb import TableDescription, describe_table
from dynaurora.deploy.account import Account, template_text
from dynaurora.deploy.code import packages_of, zip_size
from dynaurora.deploy.gone import gone
from dynaurora.deploy.network import addresses_of_s3
from dynaurora.deploy.outcomes import Gone, Tell
from dynaurora.deploy.packaging import Package
from dynaurora.deploy.project import Project, check
from dynaurora.deploy.stacks import (
    ARTIFACTS,
    Given,
    Stack,
    table_name,
    table_parameters,
    table_template,
    wanted,
)
from dynaurora.deploy.tables import check_view, former_stream
from dynaurora.errors import DynauroraError
from dynaurora.model.names import stack_name


@dataclass(frozen=True, slots=True)
class CodePlan:
    """A zip; ``is_new`` when it would have to be uploaded."""

    key: str
    is_new: bool


@dataclass(frozen=True, slots=True)
class TablePlan:
    """What would become of one table.

    turns_stream_on: a person is asked first. items: those that are there, and are not copied.
    """

    table: str
    stack: StackPlan | None = None
    turns_stream_on: bool = False
    items: int = 0
    error: DynauroraError | None = None


@dataclass(frozen=True, slots=True)
class ProjectPlan:
    """What a deployment would do."""

    account: str
    region: str
    shared: tuple[StackPlan, ...]
    code: tuple[CodePlan, ...]
    tables: tuple[TablePlan, ...]
    gone: Gone

    @property
    def stacks(self) -> tuple[StackPlan, ...]:
        of_tables = tuple(table.stack for table in self.tables if table.stack is not None)
        return (*self.shared, *of_tables)

    @property
    def has_changes(self) -> bool:
        return (
            any(stack.is_new or stack.changes for stack in self.stacks)
            or any(code.is_new for code in self.code)
            or any(table.turns_stream_on for table in self.tables)
        )

    @property
    def failures(self) -> tuple[TablePlan, ...]:
        return tuple(table for table in self.tables if table.error is not None)


def plan_project(
    project: Project,
    tables: Sequence[str],
    *,
    tell: Tell = lambda _progress: None,
    client: Client | None = None,
) -> ProjectPlan:
    """What `deploy_project` would do. tables: the DynamoDB tables that have a plugin."""
    check(project)
    account = Account.of(project, client, tell)
    streams, load = packages_of(project)
    outputs = _Outputs(project, account)
    given = Given(
        project,
        account.number,
        account.region,
        streams_key=streams.key,
        load_key=load.key,
        output=outputs.output,
        s3_prefix_list=addresses_of_s3(project, account),
    )
    shared = tuple(_planned(account, given, stack) for stack in (ARTIFACTS, *wanted(project)))
    return ProjectPlan(
        account=account.number,
        region=account.region,
        shared=shared,
        code=tuple(_code(account, given, package) for package in (streams, load)),
        tables=tuple(_table(account, given, table) for table in tables),
        gone=gone(project, account, tables),
    )


class _Outputs:
    """What the stacks say of themselves now."""

    def __init__(self, project: Project, account: Account) -> None:
        self._project = project
        self._account = account
        self._found: dict[str, Any] = {}

    def output(self, part: str, name: str) -> str:
        if part not in self._found:
            client = self._account.client("cloudformation")
            self._found[part] = stack_outputs(client, stack_name(self._project.name, part)) or {}
        return str(self._found[part].get(name) or self._placeholder(name))

    def _placeholder(self, name: str) -> str:
        """Of a form that CloudFormation takes."""
        if name.endswith("Arn"):
            return f"arn:aws:lambda:{self._account.region}:{self._account.number}:function:not-made"
        return "not-made"


def _planned(account: Account, given: Given, stack: Stack) -> StackPlan:
    name = stack.name(given.project)
    account.begin("stack", name)
    request = StackRequest(
        name, template_text(stack.template(given.project)), stack.parameters(given)
    )
    kept = account.kept(stack.bucket_names(given))
    plan = plan_stack(account.client("cloudformation"), request, kept)
    account.tell(plan)
    return plan


def _code(account: Account, given: Given, package: Package) -> CodePlan:
    bucket = given.bucket("artifacts")
    return CodePlan(package.key, is_new=zip_size(account, bucket, package.key) is None)


def _table(account: Account, given: Given, table: str) -> TablePlan:
    account.begin("stack", table_name(given.project, table))
    try:
        description = describe_table(account.client("dynamodb"), table)
        if description.has_stream:
            check_view(description)
        plan = _table_stack(account, given, description)
    except DynauroraError as error:
        return TablePlan(table, error=error)
    is_first = plan.is_new or not description.has_stream
    return TablePlan(
        table,
        plan,
        turns_stream_on=not description.has_stream,
        items=description.items if is_first else 0,
    )


def _table_stack(account: Account, given: Given, table: TableDescription) -> StackPlan:
    if not table.has_stream:
        where = f"{account.region}:{account.number}:table/{table.name}"
        table = replace(table, stream_arn=f"arn:aws:dynamodb:{where}/stream/not-made")
    client, name = account.client("cloudformation"), table_name(given.project, table.name)
    former = former_stream(account, stack_parameters(client, name), table)
    request = StackRequest(
        name, template_text(table_template(given.project)), table_parameters(given, table, former)
    )
    plan = plan_stack(client, request)
    account.tell(plan)
    return plan
