"""`dynaurora quarantine`: what could not be read or stored."""

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar, get_args

import click

from dynaurora.cli.ages import Age, ago
from dynaurora.cli.asking import Ask, asking, errors_told
from dynaurora.cli.database import project_of, project_options
from dynaurora.cli.questions import agree
from dynaurora.metadata.quarantine import QuarantineReason, QuarantineState

Command = TypeVar("Command", bound=Callable[..., object])

_REASONS: Final = get_args(QuarantineReason)
_STATES: Final = (*get_args(QuarantineState), "all")
_MESSAGE: Final = 60
_PAGE: Final = 1000

_EXAMPLES = """
Examples:

\b
  dynaurora quarantine list                         what is open
  dynaurora quarantine show 42                      one entry, with its line
  dynaurora quarantine retry --table orders         after its plugin was corrected
  dynaurora quarantine discard 42 --why "a test"
"""


def choosing(command: Command) -> Command:
    """Which entries are meant."""
    options = (
        click.option("--table", default="", metavar="TABLE", help="Of this table alone."),
        click.option("--reason", type=click.Choice(_REASONS), help="Of this reason."),
        click.option("--older-than", "older_s", type=Age(), help="Made so long ago, as 2h or 7d."),
        click.option("--newer-than", "newer_s", type=Age(), help="Made since so long ago."),
    )
    for option in reversed(options):
        command = option(command)
    return command


@click.group(epilog=_EXAMPLES)
def quarantine() -> None:
    """Changes that could not be read or stored: list, show, retry, discard."""


@quarantine.command(
    "list",
    epilog="""
Examples:

\b
  dynaurora quarantine list
  dynaurora quarantine list --table orders --reason value --older-than 2h
  dynaurora quarantine list --state all --limit 1000 --json
""",
)
@choosing
@click.option("--state", type=click.Choice(_STATES), default="open", show_default=True)
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True)
@project_options
@click.option("--json", "is_json", is_flag=True, help="Print JSON.")
def list_command(
    *, state: str, limit: int, folder: Path, chosen: str, is_json: bool, **choice: Any
) -> None:
    """List entries by number, without the values that their lines hold."""
    wanted = {**choice, "reason": choice["reason"] or "", "state": "" if state == "all" else state}
    with errors_told(is_json=is_json), asking(project_of(folder, chosen)) as ask:
        found = ask("quarantine list", limit=limit, **wanted)
    if is_json:
        click.echo(json.dumps(found))
        return
    _print(found)


@quarantine.command(
    "show",
    epilog="""
Examples:

\b
  dynaurora quarantine show 42
  dynaurora quarantine show 42 --json | jq .line.new
""",
)
@click.argument("number", type=int)
@project_options
@click.option("--json", "is_json", is_flag=True, help="Print JSON.")
def show_command(*, number: int, folder: Path, chosen: str, is_json: bool) -> None:
    """Print entry NUMBER whole. Its line holds the contents of an item."""
    with errors_told(is_json=is_json), asking(project_of(folder, chosen)) as ask:
        found = ask("quarantine show", number=number)
    if is_json:
        click.echo(_as_json(found))
        return
    line = found.pop("line", None)
    width = max(map(len, found))
    for name, value in found.items():
        if value not in ("", None):
            click.echo(f"{name:<{width}}  {value}")
    if line is not None:
        click.echo(_indented(line))


@quarantine.command(
    "retry",
    epilog="""
Examples:

\b
  dynaurora quarantine retry                     every open entry
  dynaurora quarantine retry --table orders      after its plugin was corrected
  dynaurora quarantine retry 42 43
""",
)
@click.argument("numbers", type=int, nargs=-1)
@choosing
@project_options
@click.option("--json", "is_json", is_flag=True, help="Print JSON.")
def retry_command(
    *, numbers: Sequence[int], folder: Path, chosen: str, is_json: bool, **choice: Any
) -> None:
    """Load open entries again, all of them or those that are chosen.

    It is an ordinary load: what is right now is applied, what a newer change has followed is
    superseded, what is refused again stays. Exits with 1 if something is still open.
    """
    wanted = {**choice, "reason": choice["reason"] or "", "numbers": list(numbers) or None}
    with errors_told(is_json=is_json), asking(project_of(folder, chosen)) as ask:
        outcome = _retried(ask, wanted)
    click.echo(json.dumps(outcome) if is_json else "\n".join(_outcome_lines(outcome)))
    if outcome["errors"] or any(counts["refused"] for counts in outcome["tables"].values()):
        raise click.exceptions.Exit(1)


@quarantine.command(
    "discard",
    epilog="""
Examples:

\b
  dynaurora quarantine discard 42 --why "Ada: a test item"
  dynaurora quarantine discard --table orders --older-than 30d --yes
""",
)
@click.argument("numbers", type=int, nargs=-1)
@choosing
@click.option("--why", default="", metavar="TEXT", help="Who, and why; it is kept.")
@click.option("--yes", "is_agreed", is_flag=True, help="Do not ask.")
@project_options
@click.option("--json", "is_json", is_flag=True, help="Print JSON.")
def discard_command(
    *,
    numbers: Sequence[int],
    why: str,
    is_agreed: bool,
    folder: Path,
    chosen: str,
    is_json: bool,
    **choice: Any,
) -> None:
    """Close open entries without loading them: by NUMBERS, or as they are chosen.

    Nothing else is touched: of a discarded change's item the older row stays in SQL until a newer
    change of it arrives.
    """
    if not numbers and not any(choice.values()):
        raise click.UsageError("Say which: numbers, or --table, --reason, --older-than.")
    wanted = {**choice, "reason": choice["reason"] or "", "numbers": list(numbers) or None}
    with errors_told(is_json=is_json), asking(project_of(folder, chosen)) as ask:
        found = _numbers(ask, wanted)
        if found and not is_agreed:
            _agree(len(found))
        count = 0
        for start in range(0, len(found), _PAGE):
            page = found[start : start + _PAGE]
            count += ask("quarantine discard", numbers=page, why=why)["discarded"]
    click.echo(json.dumps({"discarded": count}) if is_json else f"{count:,} discarded.")


def _numbers(ask: Ask, wanted: dict[str, Any]) -> list[int]:
    """The entries that are chosen now: what comes while somebody is asked is not among them."""
    found: list[int] = []
    while True:
        after = found[-1] if found else 0
        page = ask("quarantine list", limit=_PAGE, after=after, **wanted)["entries"]
        found += [each["number"] for each in page]
        if len(page) < _PAGE:
            return found


def _agree(count: int) -> None:
    if not sys.stdin.isatty():
        raise click.UsageError(f"Nobody can be asked whether to discard {count:,}; say --yes.")
    agree(f"Discard {count:,} changes? Their items' older rows stay until newer changes.")


def _retried(ask: Ask, wanted: dict[str, Any]) -> dict[str, Any]:
    """Ask until it is done, and tell on a terminal how far it is."""
    from dynaurora.cli.output import progress_console
    from dynaurora.operations.desk import added

    total = ask("quarantine list", limit=1, **wanted)["total"]
    outcome: dict[str, Any] = {"entries": 0, "tables": {}, "errors": {}}
    with progress_console().status("") as shown:
        more: dict[str, Any] = {}
        while True:
            shown.update(f"{outcome['entries']:,} of {total:,} entries tried")
            found = ask("quarantine retry", **wanted, **more)
            outcome["entries"] += found["entries"]
            outcome["errors"] |= found["errors"]
            for table, counts in found["tables"].items():
                outcome["tables"][table] = added(outcome["tables"].get(table, {}), counts)
            if found["after"] is None:
                return outcome
            more = {"after": found["after"], "until": found["until"]}


def _outcome_lines(outcome: dict[str, Any]) -> list[str]:
    from dynaurora.errors import error_from

    lines = [
        f"{table}: {counts['retried']:,} applied now, {counts['superseded']:,} superseded, "
        f"{counts['refused']:,} refused again"
        for table, counts in outcome["tables"].items()
    ]
    lines += [str(error_from(error)) for error in outcome["errors"].values()]
    return lines or ["Nothing is open."]


def _print(found: dict[str, Any]) -> None:
    from dynaurora.cli.output import plain_table, result_console

    entries = found["entries"]
    if not entries:
        click.echo("Nothing is in quarantine as chosen.")
        return
    heads = ("NUMBER", "TABLE", "REASON", "SINCE", "TRIES", "STATE", "WHAT")
    result_console().print(plain_table(heads, map(_row, entries)))
    if len(entries) < found["total"]:
        click.echo(f"{len(entries):,} of {found['total']:,}; --limit shows more.", err=True)


def _row(each: dict[str, Any]) -> tuple[str, ...]:
    what = each["message"] or f"code {each['code']}"
    cut = what if len(what) <= _MESSAGE else f"{what[:_MESSAGE]}…"
    head = (str(each["number"]), each["table"], each["reason"], ago(each["quarantined_at"]))
    return (*head, str(each["attempts"]), each["state"], cut)


def _as_json(found: dict[str, Any]) -> str:
    """The line is JSON in JSON where it is some, with its digits as they are."""
    import orjson

    line = found.get("line")
    if line is not None and _parsed(line) is not None:
        found = {**found, "line": orjson.Fragment(line)}
    return orjson.dumps(found).decode()


def _indented(line: str) -> str:
    parsed = _parsed(line)
    return line if parsed is None else json.dumps(parsed, indent=2, ensure_ascii=False)


def _parsed(line: str) -> Any:
    try:
        return json.loads(line)
    except ValueError:
        return None
