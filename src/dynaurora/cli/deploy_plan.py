"""`dynaurora deploy --dry-run`: what a deployment would do, told and not done."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from dynaurora.cli.output import counted

if TYPE_CHECKING:
    from rich.text import Text

    from dynaurora.deploy.dry_run import ProjectPlan, TablePlan
    from dynaurora.deploy.outcomes import Gone


def plan_as_text(plan: "ProjectPlan") -> "Iterator[str | Text]":
    """Stack by stack; what changes nothing is one line."""
    from dynaurora.cli.plan_lines import plan_lines

    for stack in plan.shared:
        yield from plan_lines(stack)
    for code in plan.code:
        yield f"{code.key} {'would be uploaded' if code.is_new else 'unchanged'}"
    for table in plan.tables:
        if table.stack is not None:
            yield from plan_lines(table.stack)
        yield from _about(table)
    yield from gone_lines(plan.gone)
    what = "this would change; nothing was done" if plan.has_changes else "nothing to change"
    yield f"{plan.account} in {plan.region}: {what}"


def _about(table: "TablePlan") -> Iterator[str]:
    if table.error is not None:
        yield f"{table.table}  {table.error}"
    if table.turns_stream_on:
        yield f"{table.table}  its stream is off: you would be asked to turn it on"
    if table.items:
        yield f"{table.table}  {counted(table.items, 'item')} in it now would not be copied"


def gone_lines(gone: "Gone") -> Iterator[str]:
    """What is not asked for any more, with what takes it away."""
    for each in gone.tables:
        yield (
            f"{each.table}  it is connected and has no plugin any more: its changes wait in the "
            f"raw bucket. `dynaurora destroy {each.table}` ends that, its file back goes on"
        )
    for stack in gone.stacks:
        yield (
            f"{stack}  it is there and not asked for any more. When nobody needs it: "
            f"aws cloudformation delete-stack --stack-name {stack}"
        )


def gone_facts(gone: "Gone") -> dict[str, Any]:
    """Tables with their stacks, and the other stacks."""
    return {
        "without_plugin": {each.table: each.stack for each in gone.tables},
        "not_asked_for": list(gone.stacks),
    }


def plan_as_json(plan: "ProjectPlan") -> dict[str, Any]:
    from dynaurora.cli.plan_lines import plan_facts

    return {
        "account": plan.account,
        "region": plan.region,
        "would_change": plan.has_changes,
        "stacks": {stack.name: plan_facts(stack) for stack in plan.stacks},
        "code": [{"key": code.key, "would_upload": code.is_new} for code in plan.code],
        "tables": {
            table.table: {
                "stack": table.stack.name if table.stack else None,
                "would_enable_stream": table.turns_stream_on,
                "items_before": table.items,
                "error": table.error.facts if table.error else None,
            }
            for table in plan.tables
        },
        **gone_facts(plan.gone),
    }
