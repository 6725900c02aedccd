"""The stacks that a project asks for, told without an account: templates and what they are given.

What only AWS knows stands in angle brackets: `<account>`, `<RawBucket of shop-pipeline>`.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from dynaurora.adapters.dynamodb import TableDescription
from dynaurora.deploy.account import template_text
from dynaurora.deploy.project import Project
from dynaurora.deploy.stacks import (
    ARTIFACTS,
    Given,
    table_name,
    table_parameters,
    table_template,
    wanted,
)
from dynaurora.model.names import stack_name
from dynaurora.settings import DatabaseSettings


@dataclass(frozen=True, slots=True)
class ShownStack:
    """A stack as it would be asked for. subject: the part or the table that it is of."""

    name: str
    subject: str
    path: Path
    template: str
    parameters: Mapping[str, str]


def project_stacks(project: Project, tables: Iterable[str]) -> Iterator[ShownStack]:
    """In the order in which they are made. tables: those that have a plugin."""
    given = Given(
        replace(project, database=_without_password(project.database)),
        account="<account>",
        region=project.region or "<region>",
        streams_key="streams-<hash>.zip",
        load_key="load-<hash>.zip",
        output=lambda part, name: f"<{name} of {stack_name(project.name, part)}>",
        s3_prefix_list="<prefix list of S3>",
    )
    for stack in (ARTIFACTS, *wanted(project)):
        path = stack.template(project)
        parameters = stack.parameters(given)
        yield ShownStack(
            stack.name(project), stack.part, path, template_text(path), dict(parameters)
        )
    path = table_template(project)
    for table in tables:
        parameters = table_parameters(given, _unknown(table))
        name = table_name(project, table)
        yield ShownStack(name, table, path, template_text(path), dict(parameters))


def _without_password(database: DatabaseSettings) -> DatabaseSettings:
    """Only on this machine may a URL hold one, and what is printed is copied elsewhere."""
    parts = urlsplit(database.url)
    if parts.password is None:
        return database
    user, _, place = parts.netloc.rpartition("@")
    netloc = f"{user.partition(':')[0]}:<password>@{place}"
    return replace(database, url=parts._replace(netloc=netloc).geturl())


def _unknown(table: str) -> TableDescription:
    return TableDescription(
        name=table,
        table_id="",
        created_ms=0,
        status="",
        items=0,
        size_bytes=0,
        read_units=0,
        key={},
        stream_arn=f"<stream of {table}>",
        stream_view="",
    )
