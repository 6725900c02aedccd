"""`dynaurora doctor`: what would keep a project from being deployed, or changes from arriving."""

import json
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dynaurora.cli.asking import asking, errors_told
from dynaurora.cli.database import project_of, project_options

if TYPE_CHECKING:
    from dynaurora.deploy.doctor.findings import Finding
    from dynaurora.deploy.project import Project

_EXAMPLES = """
Examples:

\b
  dynaurora doctor                   before a first deploy, and when something is odd
  dynaurora doctor --env prod --json
"""


@click.command(epilog=_EXAMPLES)
@project_options
@click.option("--json", "is_json", is_flag=True, help="Print JSON.")
def doctor(*, folder: Path, chosen: str, is_json: bool) -> None:
    """Look at the account, permissions, quotas, streams, network, database and plugins.

    Changes nothing. Each problem comes with what mends it; what could not be checked is told.
    Exits with 0 if there is no problem, with 1 if there is one. `status` tells how the data is.
    """
    from dynaurora.deploy.doctor.rounds import examined
    from dynaurora.plugins.folder import find_plugins

    with errors_told(is_json=is_json):
        project = project_of(folder, chosen)
        found = examined(project, sorted(find_plugins(project.sqlqueries)), _asked(project))
    problems = [each for each in found if each.level == "problem"]
    if is_json:
        facts = [_facts(each) for each in found]
        click.echo(json.dumps({"is_well": not problems, "findings": facts}))
    else:
        _print(found, len(problems))
    if problems:
        raise click.exceptions.Exit(1)


def _asked(project: "Project") -> Callable[..., dict[str, Any]]:
    """The database is asked once, in the thread of its check."""
    lock = threading.Lock()

    def ask(command: str) -> dict[str, Any]:
        with lock, asking(project) as answered:
            return answered(command)

    return ask


def _facts(finding: "Finding") -> dict[str, str]:
    return {
        "level": finding.level,
        "where": finding.where,
        "found": finding.found,
        "remedy": finding.remedy,
    }


def _print(found: "Sequence[Finding]", problems: int) -> None:
    from rich.text import Text

    from dynaurora.cli.output import counted, result_console

    console = result_console()
    signs = {"good": ("ok      ", "green"), "unknown": ("unknown ", "yellow")}
    for each in found:
        sign = signs.get(each.level, ("PROBLEM ", "bold red"))
        console.print(Text.assemble(sign, f"{each.where}: {each.found}"), soft_wrap=True)
        if each.remedy:
            console.print(Text(f"        {each.remedy}", "cyan"), soft_wrap=True)
    told = counted(problems, "problem") if problems else "Nothing stands in the way"
    console.print(Text(f"{told}.", "bold red" if problems else "bold green"))
