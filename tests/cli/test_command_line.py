"""The command line as a person or a script meets it: help, exit codes, messages."""

import json
import os
import pty
import signal
import subprocess
import sys
from contextlib import contextmanager, suppress
from pathlib import Path

import click
import pytest

from dynaurora import __version__, cli
from dynaurora.cli.replay import replay

ROOT = Path(__file__).parents[2]
COMMANDS = cli.group.list_commands(click.Context(cli.group))


HERE = ("demo", "dev")
"""What runs on this machine alone."""

PROGRAM = [sys.executable, "-c", "from dynaurora.cli import main; main()"]


def variables(**environment):
    found = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "DYNAURORA_"))}
    return found | environment


def dynaurora(*arguments, **environment):
    return subprocess.run(
        [*PROGRAM, *arguments],
        capture_output=True,
        check=False,
        cwd=ROOT,
        env=variables(**environment),
        stdin=subprocess.DEVNULL,
        text=True,
        timeout=60,
    )


def test_the_version_is_told():
    assert dynaurora("--version").stdout == f"dynaurora, version {__version__}\n"


def every_command():
    """Each command and each command of a group, by what is typed."""
    context = click.Context(cli.group)
    for name in COMMANDS:
        command = cli.group.get_command(context, name)
        yield name, command
        for below, found in getattr(command, "commands", {}).items():
            yield f"{name} {below}", found


@pytest.mark.parametrize(("name", "command"), list(every_command()))
def test_every_command_has_help_with_examples(name, command):
    text = command.get_help(click.Context(command, info_name=name.rpartition(" ")[2]))
    assert "Examples:" in text
    assert f"dynaurora {name}" in text


@pytest.mark.parametrize(("name", "command"), list(every_command()))
def test_every_command_that_tells_facts_tells_them_as_json(name, command):
    if name == "dev" or isinstance(command, click.Group):
        return
    assert "--json" in {option for each in command.params for option in each.opts}


@pytest.mark.parametrize(("name", "command"), list(every_command()))
def test_every_command_of_a_project_takes_the_region_as_a_flag(name, command):
    options = {option for each in command.params for option in each.opts}
    assert ("--region" in options) == ("--project-dir" in options and name not in HERE)


@pytest.mark.parametrize("age", ["2", "h", "2x", "-1h", "1.5h", "two"])
def test_an_age_that_is_none_is_told_with_those_that_are(age):
    found = dynaurora("quarantine", "list", "--older-than", age)
    assert found.returncode == 2
    assert "2h" in found.stderr


def test_a_discard_of_everything_is_not_meant():
    found = dynaurora("quarantine", "discard", "--yes")
    assert found.returncode == 2
    assert "Say which" in found.stderr


def test_an_error_for_programs_is_json_on_stdout():
    found = dynaurora("gaps", "list", "--json", DYNAURORA_DATABASE_URL="nonsense")
    assert found.returncode == 1
    assert json.loads(found.stdout)["error"]["kind"] == "SettingsError"


@pytest.mark.parametrize("word", ["perhaps", "2"])
def test_a_private_database_is_said_by_1_or_0(word):
    found = dynaurora(
        "gaps",
        "list",
        DYNAURORA_DATABASE_URL="postgresql://a@127.0.0.1/a",
        DYNAURORA_DATABASE_PRIVATE=word,
    )
    assert found.returncode == 1
    assert "DYNAURORA_DATABASE_PRIVATE" in found.stderr


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


def test_a_command_that_is_interrupted_says_so_and_exits_with_130(tmp_path):
    plugin = "import os, signal, time\nos.kill(os.getppid(), signal.SIGINT)\ntime.sleep(4)\n"
    (tmp_path / "interrupts.py").write_text(plugin)
    ended = dynaurora("check", "--sqlqueries", str(tmp_path))
    assert (ended.returncode, ended.stderr.strip()) == (130, "Interrupted.")


def interrupt(process, number):
    """A signal that comes just before what is typed is read is noticed only after that."""
    for _ in range(6):
        process.send_signal(number)
        with suppress(subprocess.TimeoutExpired):
            return process.wait(5)
    process.kill()
    return pytest.fail("it is not interrupted")


QUESTIONS = ("destroy", "destroy --yes --data", "drop flights")


def answered(command, answer):
    """The exit status of a command that asks on a terminal, and what it says then.

    answer: what is typed, or a signal.
    """
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [*PROGRAM, *command.split()],
        cwd=ROOT,
        env=variables(DYNAURORA_DATABASE_URL="postgresql://a@127.0.0.1/a"),
        stdin=theirs,
        stderr=subprocess.PIPE,
    ) as process:
        asked = b""
        while not asked.endswith((b"[y/N]:", b"delete them:")):
            asked += process.stderr.read(1) or pytest.fail(asked.decode())
        if isinstance(answer, str):
            os.write(ours, answer.encode())
        else:
            interrupt(process, answer)
        told = process.stderr.read().decode()
    os.close(ours)
    os.close(theirs)
    return process.returncode, told


@pytest.mark.parametrize("command", QUESTIONS)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_question_that_is_interrupted_exits_with_130(command, number):
    status, told = answered(command, number)
    assert (status, told.split()) == (130, ["Interrupted."])


def test_what_runs_where_ctrl_c_is_ignored_is_ended_by_sigterm_all_the_same():
    """As in the background of a shell."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # which a program inherits
    try:
        status, told = answered("destroy", signal.SIGTERM)
    finally:
        signal.signal(signal.SIGINT, before)
    assert (status, told.split()) == (130, ["Interrupted."])


@pytest.mark.parametrize("answer", ["n\n", "\n", "\x04"])
def test_a_no_and_an_end_of_the_input_exit_with_1(answer):
    status, told = answered("destroy", answer)
    assert (status, told.split()) == (1, ["Aborted!"])


@pytest.mark.parametrize("command", ["query x", "status", "replay x", "gaps list", "drop x"])
def test_local_is_the_running_pipeline_and_where_none_runs_that_is_told(
    command, tmp_path, monkeypatch
):
    (tmp_path / "dynaurora.toml").write_text('name = "shop"\n')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DYNAURORA_DATABASE_URL", "postgresql://nobody@127.0.0.1:9/none")
    found = dynaurora(*command.split(), "--local")
    assert found.returncode == 1
    assert "no pipeline of this project runs here. Start one: dynaurora dev." in found.stderr


def test_a_replay_that_is_interrupted_says_how_it_goes_on_in_the_same_project(monkeypatch, capsys):
    @contextmanager
    def asking(_):
        answers = iter([{"replayed": {"objects": 1}, "after": "Processed/x/1", "is_done": False}])
        yield lambda *_, **__: next(answers)

    monkeypatch.setattr("dynaurora.cli.replay.asking", asking)
    monkeypatch.setattr("dynaurora.cli.replay.project_of", lambda *_: None)
    with pytest.raises(StopIteration):
        replay.main(["x", "--env", "prod", "--region", "r-1", "--local"], standalone_mode=False)
    told = "Go on with: dynaurora replay x --after Processed/x/1 --env prod --region r-1 --local\n"
    assert capsys.readouterr().err.endswith(told)
