"""Where everything is on this machine: what to type to look at it."""

from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from dynaurora.model.names import bucket_name

if TYPE_CHECKING:
    from dynaurora.deploy.project import Project
    from dynaurora.local.machine import LocalMachine


def tell_where(console: Console, machine: "LocalMachine", project: "Project") -> None:
    """Print the variables for a shell, and one command for each part."""
    aws = machine.aws
    buckets = [
        bucket_name(project.name, purpose, aws.account, aws.region) for purpose in ("raw", "backup")
    ]
    commands = {
        "DynamoDB": f"aws --endpoint-url {aws.endpoint_url} dynamodb list-tables",
        "S3": f"aws --endpoint-url {aws.endpoint_url} s3 ls --recursive s3://{buckets[1]}",
        "PostgreSQL": f"psql '{machine.postgresql.url}'",
        "plugins": str(project.sqlqueries),
        "logs": f"{machine.aws.log.parent.parent}/*/*.log",
    }
    console.print("\nIn another terminal, for the AWS command line, boto3 and dynaurora:\n")
    for name, value in machine.environment().items():
        quoted = f"'{value}'" if "&" in value else value
        console.print(Text(f"  export {name}={quoted}", style="cyan"))
    console.print()
    table = Table.grid(padding=(0, 2))
    for name, command in commands.items():
        table.add_row(Text(f"  {name}", style="bold"), Text(command))
    console.print(table)
    console.print()
