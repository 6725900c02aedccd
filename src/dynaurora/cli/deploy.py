"""`dynaurora deploy`: asks, shows each step on stderr, and tells on stdout what has changed."""

import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dynaurora.cli.asking import Ask, asking, errors_told
from dynaurora.cli.database import region, region_option, settings_option
from dynaurora.cli.deploy_plan import gone_facts, gone_lines
from dynaurora.cli.questions import confirmed

if TYPE_CHECKING:
    from dynaurora.adapters.change_sets import StackPlan
    from dynaurora.adapters.dynamodb import TableDescription
    from dynaurora.cli.deploy_progress import ProgressView
    from dynaurora.deploy.outcomes import Deployment, TableOutcome
    from dynaurora.deploy.project import Project
    from dynaurora.plugins.inspection import Inspected

_EXAMPLES = """
Examples:

\b
  dynaurora deploy                       the project of this folder
  dynaurora deploy --env staging         with [env.staging] of dynaurora.toml
  dynaurora deploy --dry-run             what it would do, and nothing is done
  dynaurora deploy --set sizes.BufferSeconds=60
  dynaurora deploy --yes --json          in a pipeline: nobody is asked
"""


@click.command(epilog=_EXAMPLES)
@click.option(
    "--yes",
    "is_agreed",
    is_flag=True,
    help="Ask nothing: turn streams on, replace and remove what holds data.",
)
@click.option(
    "--dry-run", "is_dry", is_flag=True, help="Tell what would change, and change nothing."
)
@click.option("--json", "is_json", is_flag=True, help="Tell what has changed as JSON.")
@click.option("--env", "chosen", metavar="NAME", default="", help="[env.NAME] of dynaurora.toml.")
@settings_option
@region_option
@click.option(
    "--project-dir",
    "folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=Path(),
    help="The folder of the project. Default: this one or one above it.",
)
def deploy(*, is_agreed: bool, is_dry: bool, is_json: bool, chosen: str, folder: Path) -> None:
    """Bring AWS to what the project says.

    Each plugin file in sqlqueries/ connects the DynamoDB table of its name. A second run changes
    nothing. Items that are in a table before its stream is on are not copied.
    Asks before a stream is turned on and before something that holds data is replaced or removed.
    Exits with 1 if a table could not be connected or a plugin is broken.
    """
    from dynaurora.deploy.connections import connections_told
    from dynaurora.deploy.project import read_project

    with errors_told(is_json=is_json):
        project = read_project(folder, chosen=chosen, region=region())
        broken = _broken(project)
        if is_dry:
            _tell_plan(project, broken, is_json=is_json)
            return
        try:
            deployment = _deployed(project, is_agreed=is_agreed)
        except KeyboardInterrupt:
            click.echo(
                "What CloudFormation has begun goes on there. "
                "`dynaurora deploy` waits for it, and goes on from there.",
                err=True,
            )
            raise
        if project.own.aurora is not None:
            loads = project.sizes.get("LoadConcurrency", "")
            click.echo(connections_told(project.own, loads), err=True)
    if is_json:
        click.echo(json.dumps({**_as_json(deployment), **_broken_facts(broken)}))
    else:
        click.echo("\n".join(_as_text(deployment)))
    if deployment.failures or broken:
        raise click.exceptions.Exit(1)


def _tell_plan(project: "Project", broken: "Sequence[Inspected]", *, is_json: bool) -> None:
    """What would change is no error, and neither is a table that could not be connected."""
    from dynaurora.cli.deploy_plan import plan_as_json, plan_as_text
    from dynaurora.cli.deploy_progress import progress_view
    from dynaurora.cli.output import result_console
    from dynaurora.deploy.dry_run import plan_project
    from dynaurora.plugins.folder import find_plugins

    with progress_view() as view:
        plan = plan_project(project, sorted(find_plugins(project.sqlqueries)), tell=view.tell_step)
    if is_json:
        click.echo(json.dumps({**plan_as_json(plan), **_broken_facts(broken)}))
        return
    console = result_console()
    for line in plan_as_text(plan):
        console.print(line, soft_wrap=True, markup=False)


def _deployed(project: "Project", *, is_agreed: bool) -> "Deployment":
    from dynaurora.adapters.aws import client_factory
    from dynaurora.cli.deploy_progress import progress_view
    from dynaurora.deploy.deployment import deploy_project
    from dynaurora.deploy.sweeping import sweep_now
    from dynaurora.plugins.folder import find_plugins

    with asking(project) as ask, progress_view() as view:
        if not project.is_private:  # else who is asked may not be deployed yet
            ask("create metadata")
        deployment = deploy_project(
            project,
            sorted(find_plugins(project.sqlqueries)),
            confirm=lambda table: is_agreed or _confirmed(view, table),
            agree=lambda plan: is_agreed or _agreed(view, plan),
            tell=view.tell,
            ready=lambda: _make_ready(project, ask),
            register=lambda table, arn, table_id: _register(ask, table, arn, table_id),
        )
        tables = [table.table for table in deployment.tables]
        waited = ask("clear waiting", tables=tables)["tables"]
    if waited:
        sweep_now(project, client_factory(project.region, project.endpoint), waited)
    return deployment


def _make_ready(project: "Project", ask: Ask) -> None:
    """The metadata. In a new cluster of our own there is no user yet that could make them."""
    from dynaurora.cli.bootstrap import bootstrapped
    from dynaurora.errors import DatabaseError

    if not project.is_private:
        return  # done before anything was deployed
    try:
        ask("create metadata")
    except DatabaseError:
        if project.own.aurora is None:
            raise
        facts = bootstrapped(project)
        click.echo(f"The load's user {facts['user']} is made.", err=True)


def _register(ask: Ask, table: str, arn: str, table_id: str) -> None:
    if ask("register stream", table=table, arn=arn, table_id=table_id)["is_another"]:
        click.echo(
            f"{table} has another stream than before. What changed while none was on is missing, "
            "and noted as a gap: dynaurora gaps list",
            err=True,
        )


def _broken(project: "Project") -> list["Inspected"]:
    """The plugins that are wrong, told on stderr.

    Their tables are connected all the same: their objects wait, and nothing of them is lost.
    """
    from dynaurora.adapters.database import engine_of
    from dynaurora.plugins.inspection import inspect_folder

    engine = engine_of(project.database.url)
    found = [one for one in inspect_folder(project.sqlqueries, engine) if not one.is_ok]
    for problem in (problem for one in found for problem in one.problems if problem.is_error):
        told = f"{problem.where}: {problem.message}. {problem.remedy}".rstrip(". ")
        click.echo(f"Broken plugin, whose objects will wait: {told}", err=True)
    return found


def _broken_facts(broken: "Sequence[Inspected]") -> dict[str, Any]:
    """As `check --json` tells them."""
    return {
        "broken": [
            {
                "table": one.table,
                "file": str(one.path),
                "problems": [problem.facts for problem in one.problems if problem.is_error],
            }
            for one in broken
        ]
    }


def _confirmed(view: "ProgressView", table: "TableDescription") -> bool:
    """Ask a person; where none is there, the answer is no."""
    if not sys.stdin.isatty():
        return False
    with view.paused():
        return confirmed(
            f"The stream of {table.name} is off. Turn it on? "
            f"The {table.items:,} items in it now are not copied."
        )


def _agreed(view: "ProgressView", plan: "StackPlan") -> bool:
    """Ask a person; where none is there, the answer is no."""
    if not sys.stdin.isatty():
        return False
    names = ", ".join(change.resource for change in plan.dangers)
    with view.paused():
        return confirmed(
            f"{plan.name}: {names} would go or be replaced, with what is in it. Go on?"
        )


def _as_text(deployment: "Deployment") -> Iterable[str]:
    names = [table.table for table in deployment.tables]
    width = max(map(len, names), default=0)
    for table in deployment.tables:
        yield f"{table.table:<{width}}  {_table_line(table)}"
    yield from gone_lines(deployment.gone)
    changed = [stack for stack in deployment.stacks if stack.change != "unchanged"]
    if changed:
        told = ", ".join(f"{stack.name} {stack.change}" for stack in changed)
        yield f"{deployment.account} in {deployment.region}: {told}"
    else:
        yield f"{deployment.account} in {deployment.region}: nothing to change"


def _table_line(table: "TableOutcome") -> str:
    if table.error is not None:
        return str(table.error)
    told = table.stack.change.value if table.stack is not None else ""
    if table.is_stream_enabled:
        told += ", its stream is on now"
    if table.items_before:
        told += f", {table.items_before:,} items were there before and are not copied"
        if not table.is_stream_enabled:
            told += ", but for those that the stream still has (24 hours)"
    return told


def _as_json(deployment: "Deployment") -> dict[str, Any]:
    return {
        "account": deployment.account,
        "region": deployment.region,
        "changed": deployment.has_changed,
        "stacks": {stack.name: stack.change.value for stack in deployment.stacks},
        "code": [
            {"key": code.key, "bytes": code.size_bytes, "uploaded": code.is_new}
            for code in deployment.code
        ],
        "tables": {
            table.table: {
                "stack": table.stack.change.value if table.stack else None,
                "stream_arn": table.stream_arn,
                "table_id": table.table_id,
                "stream_enabled": table.is_stream_enabled,
                "items_before": table.items_before,
                "error": table.error.facts if table.error else None,
            }
            for table in deployment.tables
        },
        **gone_facts(deployment.gone),
    }
