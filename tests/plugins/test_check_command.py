import json

import pytest
from click.testing import CliRunner

from dynaurora.cli.check import check

GOOD = """
from dynaurora import Table
good = Table(key="id", columns={"id": "text"})
"""

ONE_ENGINE = """
key = "id"
columns = {"id": "text"}
insert_table_queries = [{"postgresql": "insert into t select id from staged"}]
"""


@pytest.fixture
def run(folder):
    def run(*arguments, env=None):
        return CliRunner().invoke(check, ["--sqlqueries", str(folder.path), *arguments], env=env)

    return run


def test_good_plugins_are_listed_and_the_exit_code_is_0(folder, run):
    folder.write("good.py", GOOD)
    folder.write("Other.py", GOOD.replace("id", "number"))
    result = run()
    assert result.exit_code == 0
    assert result.output.splitlines() == [
        f"TABLE  FILE{' ' * (len(str(folder.path)) + 7)}SQL TABLES  STATE",
        f"Other  {folder.path}/Other.py  other       ok",
        f"good   {folder.path}/good.py   good        ok",
        "2 plugins, 0 broken",
    ]


def test_a_broken_plugin_is_listed_with_its_reason_and_the_exit_code_is_1(folder, run):
    folder.write("good.py", GOOD)
    folder.write("bad.py", "1 / 0")
    result = run()
    assert result.exit_code == 1
    assert f"{folder.path}/bad.py:1:1: ZeroDivisionError" in result.output
    assert "2 plugins, 1 broken" in result.output


def test_some_tables_may_be_chosen(folder, run):
    folder.write("good.py", GOOD)
    folder.write("bad.py", "1 / 0")
    result = run("good")
    assert result.exit_code == 0
    assert "1 plugin, 0 broken" in result.output
    assert "bad.py" not in result.output
    assert run("good", "bad").exit_code == 1


def test_a_chosen_plugin_that_shares_an_sql_table_with_another_is_broken(folder, run):
    folder.write("good.py", GOOD)
    folder.write("Good.py", GOOD)
    assert "is also made by" in run("good").output


def test_a_table_without_a_file_is_told_with_those_that_have_one(folder, run):
    folder.write("orders.py", GOOD)
    result = run("oders")
    assert result.exit_code == 1
    assert 'it has no plugin; did you mean "orders"?' in str(result.exception)


def test_json_has_everything(folder, run):
    folder.write("good.py", GOOD)
    folder.write("bad.py", "1 / 0")
    result = run("--json")
    assert result.exit_code == 1
    bad, good = json.loads(result.output)
    assert bad["state"] == "broken"
    assert bad["problems"] == [
        {
            "where": f"{folder.path}/bad.py:1:1",
            "message": "ZeroDivisionError: division by zero",
            "remedy": "A plugin only declares.",
            "kind": "error",
        }
    ]
    assert good.pop("digest")
    assert good == {
        "table": "good",
        "file": f"{folder.path}/good.py",
        "state": "ok",
        "sql_tables": ["good"],
        "is_row_wise": True,
        "relations": ["staged", "removed"],
        "problems": [],
    }


def test_an_empty_folder_says_what_a_plugin_is(run):
    result = run()
    assert result.exit_code == 0
    assert "A plugin is one Python file, named after its table." in result.output


def test_the_folder_may_come_from_the_environment(folder):
    folder.write("good.py", GOOD)
    result = CliRunner().invoke(check, env={"DYNAURORA_SQLQUERIES": str(folder.path)})
    assert "1 plugin, 0 broken" in result.output


def test_the_project_says_where_plugins_are_and_which_engine_they_are_for(folder):
    project = folder.path.parent
    folder.write("one.py", ONE_ENGINE)
    (project / "dynaurora.toml").write_text('[database]\nurl = "mysql://a@127.0.0.1/a"\n')
    result = CliRunner().invoke(check, ["--project-dir", str(project)])
    assert 'has no "mysql" statement' in result.output
    other = ["--project-dir", str(project), "--engine", "postgresql"]
    assert CliRunner().invoke(check, other).exit_code == 0


def test_files_below_the_folder_one_is_in_are_called_from_there(folder, monkeypatch):
    folder.write("good.py", GOOD)
    monkeypatch.chdir(folder.path.parent)
    assert "  sqlqueries/good.py  " in CliRunner().invoke(check).output


def test_the_engine_may_be_chosen(folder, run):
    folder.write("one.py", ONE_ENGINE)
    assert run().exit_code == 0
    assert "1 warning" in run().output
    assert 'has no "mysql" statement' in run("--engine", "mysql").output


def test_no_color_is_honoured(folder, run):
    folder.write("bad.py", "1 / 0")
    with_color = CliRunner().invoke(check, ["--sqlqueries", str(folder.path)], color=True)
    assert "\x1b[" in with_color.output
    without = CliRunner().invoke(
        check, ["--sqlqueries", str(folder.path)], color=True, env={"NO_COLOR": "1"}
    )
    assert "\x1b[" not in without.output


def test_help_has_examples():
    result = CliRunner().invoke(check, ["--help"])
    assert result.exit_code == 0
    assert "Examples:" in result.output
    assert "DYNAURORA_SQLQUERIES" in result.output
