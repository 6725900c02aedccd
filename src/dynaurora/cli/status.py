"""`dynaurora status`: is all well, and what mends what is not?"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dynaurora.cli.ages import ago
from dynaurora.cli.asking import asking, errors_told
from dynaurora.cli.database import project_of, project_options

if TYPE_CHECKING:
    from rich.table import Table

    from dynaurora.deploy.project import Project

_EXAMPLES = """
Examples:

\b
  dynaurora status                        exits with 1 if something needs a person
  dynaurora status --env prod --json
"""


@click.command(epilog=_EXAMPLES)
@project_options
@click.option("--json", "is_json", is_flag=True, help="Print JSON.")
def status(*, folder: Path, chosen: str, is_json: bool) -> None:
    """Tell what is parked, quarantined, missing or waiting, each with what mends it.

    Exits with 0 if all is well, with 1 if something needs a person.
    """
    project = project_of(folder, chosen)
    with errors_told(is_json=is_json):
        with asking(project) as ask:
            found = ask("status")
        found["dead_letters"] = _dead_letters(project)
    if is_json:
        click.echo(json.dumps(found))
    else:
        _print(found)
    if found["needs_a_person"]:
        raise click.exceptions.Exit(1)


def _dead_letters(project: "Project") -> int:
    """How many messages have failed too often; about, as SQS says.

    Asked from here: the load may be in a network that does not reach SQS.
    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_GetQueueAttributes.html
    """
    from dynaurora.adapters.aws import aws_errors, client_factory
    from dynaurora.deploy.load_function import pipeline_outputs

    client = client_factory(project.region, project.endpoint)
    url = pipeline_outputs(project, client)["DeadLettersUrl"]
    name = "ApproximateNumberOfMessages"
    with aws_errors(f"queue {url}"):
        answer = client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=[name])
    return int(answer["Attributes"][name])


def _print(found: dict[str, Any]) -> None:
    from rich.text import Text

    from dynaurora.cli.output import result_console

    console = result_console()
    if found["needs_a_person"]:
        console.print(Text("Something needs a person.", "bold red"))
    else:
        console.print(Text("All is well.", "bold green"))
    for table in _tables(found):
        console.print(table)
    if found["dead_letters"]:
        console.print(
            f"{found['dead_letters']:,} dead letters. They lose nothing: "
            "the sweep loads their objects."
        )


def _tables(found: dict[str, Any]) -> Iterator["Table"]:
    """What there is something to say about; nothing else takes room on the screen."""
    if found["parked"]:
        yield _table("Parked tables: their objects wait", _parked_rows(found["parked"]))
    if found["gaps"]:
        yield _table("Gaps: changes that are known to be missing", _gap_rows(found["gaps"]))
    if found["quarantine"]:
        rows = _quarantine_rows(found["quarantine"])
        yield _table("Quarantine: changes that wait for a person", rows)
    if found["waiting"]:
        yield _table("Raw bucket: objects that are to be loaded", _waiting_rows(found["waiting"]))


def _table(title: str, rows: Iterator[tuple[str, ...]]) -> "Table":
    from rich.markup import escape

    from dynaurora.cli.output import plain_table

    table = plain_table("TABLE", "WHAT", "SINCE", "MENDED BY", title=title)
    for row in rows:
        table.add_row(*map(escape, row))
    return table


def _parked_rows(found: list[dict[str, Any]]) -> Iterator[tuple[str, ...]]:
    for each in found:
        what = f"{each['parked_for']}: {each['reason']}"
        yield each["table"], what, ago(each["since"]), each["mended_by"]


def _gap_rows(found: list[dict[str, Any]]) -> Iterator[tuple[str, ...]]:
    for each in found:
        changes = f", {each['changes']:,} changes" if each["changes"] else ""
        what = f"{each['gaps']:,} {each['kind']}{changes}"
        yield each["table"] or "?", what, ago(each["oldest"]), each["mended_by"]


def _quarantine_rows(found: list[dict[str, Any]]) -> Iterator[tuple[str, ...]]:
    for each in found:
        what = f"{each['entries']:,} {each['reason']}"
        yield each["table"], what, ago(each["oldest"]), each["mended_by"]


def _waiting_rows(found: list[dict[str, Any]]) -> Iterator[tuple[str, ...]]:
    for each in found:
        what = f"{each['objects']:,}{' or more' * each['are_more']} objects"
        what += f", {each['late']:,} of them late" if each["late"] else ""
        mended = "see above" if each["parked_for"] else each["mended_by"] or "itself"
        yield each["table"], what, ago(each["oldest"]), mended
