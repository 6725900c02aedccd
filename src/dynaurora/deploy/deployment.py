"""The stage: a project and its tables become stacks, code in S3, streams and mappings.

    look at the tables, ask for the streams that are off
        ─► artifacts stack ─► zips that are not there yet ─► the other shared stacks (`stacks`)
        ─► per table: stream on ─► registered ─► table stack
        ─► every mapping enabled

Doing it again changes nothing. What is wrong with one table is kept as its outcome and does not
stop the others. Nothing is printed: who calls is told each step as a value.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from dynaurora.adapters.aws import Client
from dynaurora.adapters.cloudformation import StackOutcome
from dynaurora.deploy.account import Account, output_of
from dynaurora.deploy.code import brought, packages_of
from dynaurora.deploy.gone import gone
from dynaurora.deploy.mappings import enabled
from dynaurora.deploy.network import addresses_of_s3, close_default_group
from dynaurora.deploy.outcomes import Agree, Confirm, Deployment, Register, Tell
from dynaurora.deploy.project import Project, check
from dynaurora.deploy.stacks import ARTIFACTS, Given, Stack, wanted
from dynaurora.deploy.tables import connected, looked_at, read, registered


def deploy_project(
    project: Project,
    tables: Sequence[str],
    *,
    confirm: Confirm,
    agree: Agree = lambda _plan: True,
    tell: Tell = lambda _progress: None,
    ready: Callable[[], None] = lambda: None,
    register: Register = lambda _table, _stream_arn, _table_id: None,
    client: Client | None = None,
) -> Deployment:
    """Bring the account to what the project says.

    tables: the DynamoDB tables that have a plugin.
    confirm: asked for each table whose stream is off, before anything is changed.
    agree: asked before a stack replaces or removes what holds data; a no stops the deployment.
    tell: is told each step; never by two threads at once.
    ready: is called when what all tables share is there, and before the first is registered.
    register: is called in this thread for each table, before its changes are read.
    client: gives the client of a service; made from the project where it is left out.
    """
    check(project)
    account = Account.of(project, client, tell, agree)
    prepared = [looked_at(account, table, confirm) for table in tables]
    streams, load = packages_of(project)
    made = _Made(project, account)
    given = Given(
        project,
        account.number,
        account.region,
        streams_key=streams.key,
        load_key=load.key,
        output=made.output,
        s3_prefix_list=addresses_of_s3(project, account),
    )
    bucket = output_of(made.stack(ARTIFACTS, given), "ArtifactsBucket")
    code = tuple(brought(account, bucket, package) for package in (streams, load))
    for stack in wanted(project):
        made.stack(stack, given)
    close_default_group(project, account, made.output)
    ready()
    outcomes = connected(account, given, [registered(account, each, register) for each in prepared])
    enabled(account, "the load", made.output("pipeline", "LoadMappingId"))
    return Deployment(
        account=account.number,
        region=account.region,
        shared=tuple(made.outcomes.values()),
        pipeline=made.outcomes["pipeline"],
        code=code,
        tables=tuple(read(account, outcome) for outcome in outcomes),
        gone=gone(project, account, tables),
    )


@dataclass(frozen=True, slots=True)
class _Made:
    """The shared stacks that are up, by their part."""

    project: Project
    account: Account
    outcomes: dict[str, StackOutcome] = field(default_factory=dict)

    def stack(self, stack: Stack, given: Given) -> StackOutcome:
        name = stack.name(self.project)
        self.account.begin("stack", name)
        outcome = self.account.stack(
            name,
            stack.template(self.project),
            stack.parameters(given),
            stack.bucket_names(given),
        )
        self.outcomes[stack.part] = outcome
        return outcome

    def output(self, part: str, name: str) -> str:
        return output_of(self.outcomes[part], name)
