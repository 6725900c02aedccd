"""What is deployed and not asked for any more: tables without a plugin, shared stacks turned off.

Deleting a file or a line takes nothing away by itself: a slip, or another branch, would cut a table
off. It is told by every deployment until it is taken away.
"""

from collections.abc import Iterable, Iterator

from dynaurora.adapters.cloudformation import stack_names, stack_parameters
from dynaurora.deploy.account import Account
from dynaurora.deploy.outcomes import Gone, GoneTable
from dynaurora.deploy.project import Project
from dynaurora.deploy.stacks import SHARED, table_name
from dynaurora.model.names import stack_name


def gone(project: Project, account: Account, tables: Iterable[str]) -> Gone:
    """tables: those that have a plugin."""
    names = set(stack_names(account.client("cloudformation"), stack_name(project.name, "")))
    wanted = {table_name(project, table) for table in tables}
    off = (stack.name(project) for stack in SHARED if not stack.is_wanted(project))
    return Gone(
        tables=tuple(_of_tables(project, account, names - wanted)),
        stacks=tuple(name for name in off if name in names),
    )


def connected_tables(project: Project, account: Account) -> tuple[GoneTable, ...]:
    """Every table that has a stack, with or without a plugin."""
    names = stack_names(account.client("cloudformation"), stack_name(project.name, "table-"))
    return tuple(_of_tables(project, account, names))


def _of_tables(project: Project, account: Account, names: Iterable[str]) -> Iterator[GoneTable]:
    client = account.client("cloudformation")
    for stack in sorted(names):
        if stack.startswith(stack_name(project.name, "table-")):
            table = stack_parameters(client, stack).get("Table", "")
            # A stack of the project "<ours>-table" has a name that begins so, too.
            if table_name(project, table) == stack:
                yield GoneTable(table, stack)
