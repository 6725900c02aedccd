"""`dynaurora template`: the templates that `deploy` deploys, with what they are given."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dynaurora.cli.asking import errors_told
from dynaurora.cli.database import project_of, project_options

if TYPE_CHECKING:
    from dynaurora.deploy.templates import ShownStack

_EXAMPLES = """
Examples:

\b
  dynaurora template                      every stack of the project
  dynaurora template pipeline             what all tables share
  dynaurora template orders --env prod    the stack of a table
  dynaurora template --json | jq '.stacks[].parameters'
"""


@click.command(epilog=_EXAMPLES)
@click.argument("name", required=False, default="")
@project_options
@click.option("--json", "is_json", is_flag=True, help="Print JSON.")
def template(*, name: str, folder: Path, chosen: str, is_json: bool) -> None:
    """Print the CloudFormation templates of the project, or those of NAME, with their parameters.

    NAME is a part (artifacts, network, aurora, pipeline), a table, or a whole stack's name. AWS is
    not asked: what only it knows stands in angle brackets. `deploy --dry-run` asks it what would
    change.
    """
    from dynaurora.deploy.templates import project_stacks
    from dynaurora.plugins.folder import find_plugins

    with errors_told(is_json=is_json):
        project = project_of(folder, chosen)
        stacks = list(project_stacks(project, sorted(find_plugins(project.sqlqueries))))
        shown = [stack for stack in stacks if name in ("", stack.subject, stack.name)]
        if not shown:
            raise _unknown(name, stacks)
    if is_json:
        click.echo(json.dumps({"stacks": [_facts(stack) for stack in shown]}))
        return
    for stack in shown:
        click.echo("\n".join(_lines(stack)))


def _unknown(name: str, stacks: "list[ShownStack]") -> Exception:
    from dynaurora.errors import ProjectError
    from dynaurora.plugins.declarations import suggestion

    known = [stack.subject for stack in stacks]
    return ProjectError(
        name,
        f"is no stack of the project{suggestion(name, known)}",
        "one of " + ", ".join(known),
        "A table has one as soon as it has a file in sqlqueries/.",
    )


def _lines(stack: "ShownStack") -> Iterator[str]:
    """YAML: a document for each stack."""
    yield "---"
    yield f"# Stack {stack.name}, from {stack.path}"
    for parameter, value in stack.parameters.items():
        yield f"#   {parameter}: {json.dumps(value, ensure_ascii=False)}"
    yield stack.template.rstrip("\n")


def _facts(stack: "ShownStack") -> dict[str, object]:
    return {
        "name": stack.name,
        "of": stack.subject,
        "path": str(stack.path),
        "parameters": dict(stack.parameters),
        "template": stack.template,
    }
