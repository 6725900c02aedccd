"""`dynaurora deploy` as it is called."""

import json
from functools import partial

import pytest
from click.testing import CliRunner

from dynaurora.cli import group


@pytest.fixture
def run(dynaurora):
    return partial(dynaurora, "deploy")


def test_the_plugins_of_the_folder_are_connected(run, plugin, make_table, project):
    make_table(plugin)
    first = run("--yes")
    assert first.exit_code == 0, first.output
    assert f"{plugin}  created, its stream is on now" in first.stdout
    assert f"{project.name}-pipeline created" in first.stdout
    assert f"{project.name}-pipeline created" in first.stderr
    second = run("--yes")
    assert second.exit_code == 0, second.output
    assert "nothing to change" in second.stdout
    assert "\x1b[" not in first.output, "colour is for terminals"


def test_json_is_alone_on_stdout(run, plugin, make_table, project):
    make_table(plugin)
    told = json.loads(run("--yes", "--json").stdout)
    assert (told["changed"], told["stacks"][f"{project.name}-artifacts"]) == (True, "created")
    assert told["tables"][plugin]["stream_enabled"] is True
    assert json.loads(run("--yes", "--json").stdout)["changed"] is False


def test_a_broken_plugin_is_told_and_its_table_is_connected_all_the_same(
    run, plugin, make_table, project
):
    make_table(plugin)
    (project.sqlqueries / f"{plugin}.py").write_text("import nothing_of_this_name\n")
    outcome = run("--yes")
    assert outcome.exit_code == 1
    assert "Broken plugin, whose objects will wait:" in outcome.stderr
    assert "nothing_of_this_name" in outcome.stderr
    assert f"{plugin}  created" in outcome.stdout


def test_a_broken_plugin_is_told_as_json_too(run, plugin, project):
    path = project.sqlqueries / f"{plugin}.py"
    path.write_text("import nothing_of_this_name\n")
    for arguments, status in ((["--yes"], 1), (["--dry-run"], 0)):
        outcome = run(*arguments, "--json")
        assert outcome.exit_code == status, outcome.output
        (broken,) = json.loads(outcome.stdout)["broken"]
        assert (broken["table"], broken["file"]) == (plugin, str(path))
        (problem,) = broken["problems"]
        assert problem["where"].startswith(f"{path}:1")
        assert "nothing_of_this_name" in problem["message"]
        assert problem["kind"] == "error"
    path.unlink()
    assert json.loads(run("--dry-run", "--json").stdout)["broken"] == []


def test_where_nobody_can_be_asked_the_stream_stays_off(run, plugin, make_table):
    make_table(plugin)
    outcome = run()
    assert outcome.exit_code == 1
    assert "its stream is off" in outcome.stdout


def test_an_error_is_one_message(run, project):
    outcome = run("--env", "nowhere")
    assert (outcome.exit_code, outcome.stdout) == (1, "")
    assert outcome.stderr.startswith("Error: ")
    assert "has no [env.nowhere]" in outcome.stderr
    told = json.loads(run("--env", "nowhere", "--json").stdout)
    assert told["error"]["kind"] == "ProjectError"
    assert "has no [env.nowhere]" in told["error"]["found"]


def test_help_has_examples():
    assert (
        "dynaurora deploy --env staging" in CliRunner().invoke(group, ["deploy", "--help"]).output
    )


def test_a_flag_beats_the_environment(run, plugin, make_table, aws, project, monkeypatch):
    monkeypatch.setenv("DYNAURORA_SIZES_LOADMEMORYMEGABYTES", "300")
    make_table(plugin)
    for flags, memory in (([], 300), (["--set", "sizes.LoadMemoryMegabytes=400"], 400)):
        assert run("--yes", *flags).exit_code == 0
        name = f"{project.name}-load"
        found = aws.client("lambda").get_function_configuration(FunctionName=name)
        assert found["MemorySize"] == memory


@pytest.mark.parametrize(
    ("flag", "said"),
    [
        ("sizes.LoadMemryMegabytes=400", 'did you mean "sizes.LoadMemoryMegabytes"?'),
        ("projct=shop", '"projct" is no key of dynaurora.toml; did you mean "project"?'),
        ("sizes.Foo=1", '"sizes.Foo" is no key of dynaurora.toml; expected one of sizes.Arch'),
        ("foo=bar", '"foo" is no key of dynaurora.toml; expected one of architecture, '),
        ("foo=bar", " network.…, aurora.…"),
        ("foo.bar=1", '"foo.bar" is no key of dynaurora.toml; expected one of architecture, '),
        ("project", '"project" is no KEY=VALUE, as sizes.BufferSeconds=9.'),
        ("project=", '"project=" has no value. Write one, or leave it out.'),
        ("project= ", '"project= " has no value.'),
    ],
)
def test_a_flag_that_says_nothing_is_told_with_what_it_may_mean(run, flag, said):
    told = run("--set", flag)
    assert told.exit_code == 2
    assert said in " ".join(told.stderr.split())
