"""`dynaurora bootstrap`: the load's user and its metadata, made by an administrator."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dynaurora.cli.asking import errors_told
from dynaurora.cli.database import database_of, project_of, project_options

if TYPE_CHECKING:
    from dynaurora.adapters.aws import Client
    from dynaurora.deploy.project import Project

_EXAMPLES = """
Examples:

\b
  dynaurora bootstrap                            with the secret of the project's own cluster
  dynaurora bootstrap --admin-secret arn:aws:…   with one that has username and password
  dynaurora bootstrap --tables-in shop           the tables get the schema "shop" (PostgreSQL)
"""


@click.command(epilog=_EXAMPLES)
@click.option(
    "--admin-secret",
    metavar="ARN",
    default="",
    help="The administrator's secret. Default: that of the project's own cluster.",
)
@click.option(
    "--tables-in",
    "tables_schema",
    metavar="SCHEMA",
    default="public",
    show_default=True,
    help="Where the tables are on PostgreSQL; made if it is not there.",
)
@project_options
@click.option("--json", "is_json", is_flag=True, help="Tell the outcome as JSON.")
def bootstrap(
    *, admin_secret: str, tables_schema: str, folder: Path, chosen: str, is_json: bool
) -> None:
    """Make the load's user, and what it may do: its tables and the metadata, and nothing else.

    An administrator does it, once; doing it again changes nothing. `deploy` does it by itself for a
    cluster of the project's own. A private database is reached through the load Lambda, which gets
    the administrator's password with this one call and has no right to read it.
    """
    project = project_of(folder, chosen)
    with errors_told(is_json=is_json):
        facts = bootstrapped(project, admin_secret, tables_schema)
    if is_json:
        click.echo(json.dumps(facts))
        return
    how = "signs in with IAM" if facts["iam"] else "signs in with its password"
    was = "is new" if facts["is_new"] else "was there"
    click.echo(f"The load's user {facts['user']} {was} and {how}; its metadata are made.")
    if not facts.get("is_owner", True):  # a load of the version before does not say
        click.echo(
            f"The schema {tables_schema} is not its own, because others have something there or "
            "own it: it may make tables in it, and owns these alone. A schema of its own: "
            "--tables-in.",
            err=True,
        )


def bootstrapped(
    project: "Project", admin_secret: str = "", tables_schema: str = "public"
) -> dict[str, Any]:
    """Facts: those of `make_loader`. admin_secret: "" takes that of the project's own cluster."""
    from dynaurora.adapters.aws import client_factory
    from dynaurora.adapters.bootstrap import bootstrap as bootstrap_database
    from dynaurora.adapters.database import login_in
    from dynaurora.deploy.load_function import LoadFunction

    client = client_factory(project.region, project.endpoint)
    arn = admin_secret or _secret_of_cluster(project, client)
    admin = login_in(client("secretsmanager"), arn)
    if project.is_private:
        given = {"username": admin.user, "password": admin.password}
        asked = LoadFunction(project, client).ask
        return asked("bootstrap", admin=given, tables_schema=tables_schema)
    database = database_of(project)
    try:
        return bootstrap_database(database, project.database, admin, tables_schema=tables_schema)
    finally:
        database.close()


def _secret_of_cluster(project: "Project", client: "Client") -> str:
    from dynaurora.adapters.cloudformation import stack_outputs
    from dynaurora.errors import ProjectError
    from dynaurora.model.names import stack_name

    found = None
    if project.own.aurora is not None:
        found = stack_outputs(client("cloudformation"), stack_name(project.name, "aurora"))
    if not found:
        raise ProjectError(
            "the administrator's secret",
            "is not known",
            "--admin-secret ARN, or a deployed cluster of the project's own ([aurora])",
            'It holds {"username": "…", "password": "…"}.',
        )
    return found["SecretArn"]
