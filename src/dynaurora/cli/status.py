"""`dynaurora status`: is all well, and what mends what is not?"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dynaurora.cli.ages import ago
from dynaurora.cli.asking import asking, errors_told
from dynaurora.cli.database import project_of, project_options
from dynaurora.cli.output import counted

if TYPE_CHECKING:
    from dynaurora.deploy.project import Project

Row = tuple[str, str, str | None, str]
"""Table, what there is, since when, what mends it ("" for what mends itself)."""

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
    """On one screen; what there is nothing to say about takes no room. No line is wrapped by us,
    so that commands can be copied."""
    from rich.text import Text

    from dynaurora.cli.output import result_console

    console = result_console()
    if found["needs_a_person"]:
        console.print(Text("Something needs a person.", "bold red"))
    else:
        console.print(Text("All is well.", "bold green"))
    for title, rows in _sections(found):
        if rows:
            console.print(Text(f"\n{title}", "bold"))
        for table, what, since, mended in rows:
            width = max(len(row[0]) for row in rows)
            console.print(Text(f"  {table:<{width}}  {ago(since):>4}  {what}"), soft_wrap=True)
            if mended:
                console.print(Text(f"  {'':<{width}}        {mended}", "cyan"), soft_wrap=True)
    if found["dead_letters"]:
        console.print(f"\n{_letters(found['dead_letters'])} the sweep finds what they tell of.")


def _letters(count: int) -> str:
    if count == 1:
        return "1 dead letter. It loses nothing:"
    return f"{count:,} dead letters. They lose nothing:"


def _sections(found: dict[str, Any]) -> Iterator[tuple[str, list[Row]]]:
    yield "Parked tables: their objects wait", [_parked(each) for each in found["parked"]]
    yield "Gaps: changes that are known to be missing", [_gap(each) for each in found["gaps"]]
    quarantine = [_quarantine(each) for each in found["quarantine"]]
    yield "Quarantine: changes that could not be read or stored", quarantine
    waiting = [_waiting(each) for each in found["waiting"]]
    yield "Raw bucket: objects that are to be loaded", waiting
    unmapped = [_unmapped(each) for each in found["unmapped"]]
    yield "Unmapped: in items, and in no column", unmapped


def _parked(each: dict[str, Any]) -> Row:
    # What was expected, and the remedy, are in the JSON.
    reason = each["reason"].partition("; expected")[0]
    return each["table"], f"{each['parked_for']}: {reason}", each["since"], each["mended_by"]


def _gap(each: dict[str, Any]) -> Row:
    changes = f" with {each['changes']:,} changes" if each["changes"] else ""
    what = f"{each['gaps']:,} {each['kind']}{changes}"
    return each["table"] or "?", what, each["oldest"], each["mended_by"]


def _quarantine(each: dict[str, Any]) -> Row:
    what = f"{each['entries']:,} {each['reason']}"
    return each["table"], what, each["oldest"], each["mended_by"]


def _waiting(each: dict[str, Any]) -> Row:
    what = f"{each['objects']:,}{' or more' * each['are_more']} objects"
    what += f" ({each['late']:,} of them late)" if each["late"] else ""
    return each["table"], what, each["oldest"], each["mended_by"]


def _unmapped(each: dict[str, Any]) -> Row:
    what = each["attribute"] or "items that no table takes"
    return each["table"], f"{what}, in {counted(each['changes'], 'change')}", each["last"], ""
