"""This machine: a project on it, and what to type to look at its parts."""

import shlex
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.text import Text

from dynaurora.deploy.project import Network, Project, read_project
from dynaurora.model.names import bucket_name

if TYPE_CHECKING:
    from dynaurora.local.machine import LocalMachine

_NAMES: Final = 12


def local_project(
    folder: Path, machine: "LocalMachine", *, sqlqueries: Path | None = None
) -> Project:
    """The project of a folder as it is on this machine: without the network and secrets of AWS.

    sqlqueries: another folder with plugins than the project's.
    """
    environment = machine.environment()
    if sqlqueries is not None:
        environment["DYNAURORA_SQLQUERIES"] = str(sqlqueries.resolve())
    project = read_project(folder, environment=environment)
    database = replace(project.database, secret_arn="")
    return replace(project, database=database, is_private=False, network=Network())


def tell_where(console: Console, machine: "LocalMachine", project: Project) -> None:
    """Print the variables for a shell, and one command for each part."""
    aws = machine.aws
    backup = bucket_name(project.name, "backup", aws.account, aws.region)
    commands = {
        "DynamoDB": "aws dynamodb list-tables",
        "S3": f"aws s3 ls --recursive s3://{backup}/Processed/",
        machine.database_name: machine.database.client,
        "plugins": str(project.sqlqueries),
        "logs": f"{aws.log.parent.parent}/*/*.log",
    }
    variables = (
        Text(f"  export {name}={shlex.quote(value)}", "cyan")
        for name, value in machine.environment().items()
    )
    parts = (
        Text.assemble((f"  {name:<{_NAMES}}", "bold"), command)
        for name, command in commands.items()
    )
    # Nothing is wrapped: these lines are there to be copied.
    head = "For the AWS command line, boto3 and dynaurora in another terminal:"
    for line in ("", head, "", *variables, "", *parts, ""):
        console.print(line, soft_wrap=True)
