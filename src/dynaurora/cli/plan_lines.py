"""What would become of a stack, for people: a line for it, and one for each resource."""

from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

from rich.text import Text

from dynaurora.adapters.change_sets import Action, ResourceChange, StackPlan
from dynaurora.cli.output import counted

_WORDS: Final = {
    Action.ADD: ("+", "added", "green"),
    Action.MODIFY: ("~", "modified", "yellow"),
    Action.REPLACE: ("!", "REPLACED", "bold red"),
    Action.REMOVE: ("-", "REMOVED", "bold red"),
}
_MAY_BE: Final = ("~", "may be replaced", "yellow")


def plan_lines(plan: StackPlan) -> Iterator[Text]:
    """The resources of a new stack are counted, those of one that is there are named."""
    if plan.adopts:
        told = f": takes over what is there: {', '.join(plan.adopts)}"
        yield Text.assemble(f"{plan.name} ", ("is new", "green"), told)
        return
    if plan.is_new:
        yield Text.assemble(f"{plan.name} ", ("is new", "green"), f": {_resources(plan)}")
        return
    if not plan.changes:
        yield Text.assemble(f"{plan.name} ", ("unchanged", "dim"))
        return
    yield Text(f"{plan.name} {_sum(plan)}")
    for change in plan.changes:
        sign, _, style = _word(change)
        yield Text(f"  {sign} {_told(change)}", style=style)


def plan_facts(plan: StackPlan) -> dict[str, Any]:
    """The same for programs."""
    return {
        "is_new": plan.is_new,
        "adopts": list(plan.adopts),
        "changes": [
            {
                "action": change.action.value,
                "resource": change.resource,
                "type": change.kind,
                "properties": list(change.properties),
                "certain": change.is_certain,
                "endangers_data": change.endangers_data,
                "kept": change.is_kept,
            }
            for change in plan.changes
        ],
    }


def _resources(plan: StackPlan) -> str:
    # Nothing is known of a stack that would first be deleted, because it never came up.
    return counted(len(plan.changes), "resource") if plan.changes else "it never came up before"


def _word(change: ResourceChange) -> tuple[str, str, str]:
    """A sign, what becomes of it, and how loudly that is told.

    A resource that names a changed one may be replaced, as CloudFormation has it; that is hardly
    ever so, and matters only for what holds data.
    """
    is_quiet = not change.is_certain and not change.endangers_data
    return _MAY_BE if is_quiet else _WORDS[change.action]


def _sum(plan: StackPlan) -> str:
    counts = Counter(_word(change)[1] for change in plan.changes)
    return ", ".join(f"{count} {word}" for word, count in counts.items())


def _told(change: ResourceChange) -> str:
    told = f"{change.resource} ({change.kind})"
    if change.properties:
        told += f": {', '.join(change.properties)}"
    if change.action in (Action.REPLACE, Action.REMOVE):
        told += f", {_word(change)[1]}"
    if change.endangers_data:
        told += "" if change.is_certain else ", perhaps"
        told += ", the old one is kept" if change.is_kept else ", WITH WHAT IT HOLDS"
    return told
