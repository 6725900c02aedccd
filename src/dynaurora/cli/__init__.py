"""The command line: one module per command, imported when it is called.

What a person gets of an error is one message that says where, what and what to do; `--debug` adds
the traceback. Exit codes: 0 done; 1 it did not work, or a comparison found a difference; 2 the call
itself is wrong; 130 interrupted.
"""

import os
import signal
import sys
from importlib import import_module
from typing import Any, Final

import click

from dynaurora import __version__
from dynaurora.cli.output import INTERRUPTED
from dynaurora.errors import DynauroraError
from dynaurora.log import log_to_stderr

_COMMANDS: Final = {
    "bootstrap": "make the load's user and its metadata, as an administrator",
    "check": "list the plugins and what is wrong with them",
    "demo": "carry real data through the whole pipeline on this machine",
    "deploy": "bring AWS to what the project says",
    "destroy": "take away what deploy made; data only when told twice",
    "dev": "run the pipeline on this machine and watch sqlqueries/",
    "doctor": "what would keep a project from being deployed, or changes from arriving",
    "drop": "drop the SQL tables of a plugin",
    "gaps": "changes that are known to be missing: list, replay, close",
    "new": "write the plugin of a table, as its items ask for it",
    "preview": "what changes would do to the SQL tables, with nothing done",
    "quarantine": "changes that could not be read or stored: list, show, retry, discard",
    "query": "run a plugin's SELECT queries",
    "replay": "load the archive of a table again",
    "show": "show the SQL that a plugin's declarations stand for",
    "status": "is all well, and what mends what is not",
    "stream": "the streams that feed a table: list, accept",
    "template": "the templates that deploy deploys, and what they are given",
    "unpark": "let a parked table's objects be loaded again",
}

_EXAMPLES = """
Examples:

\b
  dynaurora demo                   real data through every part, on this machine
  dynaurora dev                    a pipeline to work on; drop a file into sqlqueries/
  dynaurora check                  what is there, and why something is not
  dynaurora deploy --env prod      the same pipeline in your account
  dynaurora status                 is all well, and what mends what is not
"""


class _Commands(click.Group):
    """Lists every command without importing one."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = getattr(import_module(f"dynaurora.cli.{cmd_name}"), cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except DynauroraError as error:
            if ctx.params.get("is_debug"):
                raise
            raise click.ClickException(str(error)) from error
        except KeyboardInterrupt:
            # Where a command has more to say, it has said it. click would end with 1, a failure's.
            click.echo("Interrupted.", err=True)
            raise click.exceptions.Exit(INTERRUPTED) from None


@click.group(cls=_Commands, epilog=_EXAMPLES)
@click.option("--debug", "is_debug", is_flag=True, help="Show the traceback of an error.")
@click.version_option(__version__, prog_name="dynaurora")
def group(*, is_debug: bool) -> None:
    """Every change of a DynamoDB table lands in Amazon Aurora. A table is one Python file."""
    del is_debug  # read from the context


def main() -> None:
    """The program. SIGTERM ends it as Ctrl-C does, so that what was started is stopped; in the
    background of a shell, too, which has SIGINT ignored there.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    log_to_stderr()
    is_debug = "--debug" in sys.argv[1:]
    try:
        group(prog_name="dynaurora")
    except BrokenPipeError:
        # Whoever read our output has gone. https://docs.python.org/3/library/signal.html#note-on-sigpipe
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except Exception as error:
        if is_debug:
            raise
        click.echo(
            f"Error: {type(error).__name__}: {error}\n"
            "This is a fault of Dynaurora. Run again with `dynaurora --debug …` and report it.",
            err=True,
        )
        sys.exit(1)
