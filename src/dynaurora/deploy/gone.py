"""Tables that are connected and have no plugin any more.

Deleting a file takes nothing away by itself: a slip, or another branch, would cut a table off.
"""

from collections.abc import Iterable, Iterator

from dynaurora.adapters.cloudformation import stack_names, stack_parameters
from dynaurora.deploy.account import Account
from dynaurora.deploy.outcomes import GoneTable
from dynaurora.deploy.project import Project
from dynaurora.deploy.stacks import table_name
from dynaurora.model.names import stack_name


def gone_tables(project: Project, account: Account, tables: Iterable[str]) -> tuple[GoneTable, ...]:
    """tables: those that have a plugin."""
    return tuple(_connected(project, account, {table_name(project, table) for table in tables}))


def connected_tables(project: Project, account: Account) -> tuple[GoneTable, ...]:
    """Every table that has a stack, with or without a plugin."""
    return tuple(_connected(project, account, set()))


def _connected(project: Project, account: Account, but: set[str]) -> Iterator[GoneTable]:
    client = account.client("cloudformation")
    for stack in sorted(set(stack_names(client, stack_name(project.name, "table-"))) - but):
        table = stack_parameters(client, stack).get("Table", "")
        # A stack of the project "<ours>-table" has a name that begins so, too.
        if table_name(project, table) == stack:
            yield GoneTable(table, stack)
