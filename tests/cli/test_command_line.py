"""The command line as a person or a script meets it: help, exit codes, messages."""

import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

from dynaurora import __version__, cli

ROOT = Path(__file__).parents[2]
COMMANDS = cli.group.list_commands(click.Context(cli.group))


def dynaurora(*arguments, **environment):
    found = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "DYNAURORA_"))}
    return subprocess.run(
        [sys.executable, "-c", "from dynaurora.cli import main; main()", *arguments],
        capture_output=True,
        check=False,
        cwd=ROOT,
        env=found | environment,
        stdin=subprocess.DEVNULL,
        text=True,
        timeout=60,
    )


def test_the_version_is_told():
    assert dynaurora("--version").stdout == f"dynaurora, version {__version__}\n"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_examples(command):
    context = click.Context(cli.group)
    found = cli.group.get_command(context, command)
    text = found.get_help(click.Context(found, info_name=command))
    assert "Examples:" in text
    assert f"dynaurora {command}" in text


def test_help_imports_no_driver_and_no_aws():
    code = "import sys; from dynaurora.cli import group; group(['--help'], standalone_mode=False); "
    code += "print([m for m in ('boto3', 'psycopg', 'rich', 'sqlglot') if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert found.stdout.endswith("[]\n")


def test_a_command_that_is_none_exits_with_2():
    found = dynaurora("frobnicate")
    assert (found.returncode, found.stdout) == (2, "")
    assert "No such command" in found.stderr


@pytest.mark.parametrize("url", ["nonsense", "mysql+x://a", "postgresql://a@[", ""])
def test_an_unreadable_database_url_is_one_message(url):
    found = dynaurora("query", "flights", DYNAURORA_DATABASE_URL=url)
    assert found.returncode == 1
    assert found.stderr.startswith("Error: ")
    assert "postgresql://" in found.stderr
    assert "Traceback" not in found.stderr
    assert len(found.stderr.splitlines()) == 1


def test_a_database_that_is_away_is_one_message():
    url = "postgresql://nobody@127.0.0.1:9/none"
    found = dynaurora("query", "airlines", DYNAURORA_DATABASE_URL=url)
    assert found.returncode == 1
    assert "DYNAURORA_DATABASE_URL" in found.stderr
    assert "Traceback" not in found.stderr


def test_debug_shows_the_traceback():
    found = dynaurora("--debug", "query", "airlines", DYNAURORA_DATABASE_URL="nonsense")
    assert found.returncode == 1
    assert "Traceback" in found.stderr


def test_wrong_credentials_are_one_message(aws, postgresql):
    found = dynaurora(
        "deploy",
        "--yes",
        DYNAURORA_DATABASE_URL=postgresql.url,
        AWS_ENDPOINT_URL=aws.endpoint_url,
        AWS_REGION=aws.region,
        AWS_ACCESS_KEY_ID="AKIAWRONG",
        AWS_SECRET_ACCESS_KEY="wrong",
    )
    assert found.returncode == 1
    assert "Sign in" in found.stderr
    assert "Traceback" not in found.stderr


def test_a_table_without_a_plugin_is_told_with_a_suggestion():
    found = dynaurora("query", "flihgts", DYNAURORA_DATABASE_URL="postgresql://a@127.0.0.1/a")
    assert found.returncode == 1
    assert 'did you mean "flights"?' in found.stderr


def test_drop_asks_nobody_where_nobody_is():
    found = dynaurora("drop", "flights", DYNAURORA_DATABASE_URL="postgresql://a@127.0.0.1/a")
    assert found.returncode == 2
    assert "--yes" in found.stderr
