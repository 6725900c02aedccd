"""`dynaurora preview` as a person or a script meets it."""

import gzip
import json
import os
import signal
import subprocess
import sys
import time
from textwrap import dedent

import pytest

from dynaurora.local.folders import kept
from dynaurora.local.running import noted
from support.items import WITH_ROWS, delete, put
from support.load import LoadMachine


@pytest.fixture
def preview(tmp_path):
    """`dynaurora preview …` in a folder with one plugin and no project."""
    (tmp_path / "sqlqueries").mkdir()
    (tmp_path / "sqlqueries" / "items.py").write_text(dedent(WITH_ROWS))

    def run(*arguments, changes=(), **environment):
        found = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "DYNAURORA_"))}
        return subprocess.run(
            [sys.executable, "-c", "from dynaurora.cli import main; main()", "preview", *arguments],
            input=b"\n".join(changes),
            capture_output=True,
            check=False,
            cwd=tmp_path,
            env={**found, **environment},
            timeout=120,
        )

    return run


def test_changes_on_an_empty_server_of_its_own(preview):
    changes = [put(1, "a", v="1", tags=["x"]), put(2, "b", v="2")]
    told = preview("items", "--changes", "-", "--scratch", changes=changes)
    assert told.returncode == 0, told.stderr
    out = told.stdout.decode()
    assert "items: 2 added\n  + id = a, v = 1\n  + id = b, v = 2\n" in out
    assert "items_tags: 1 added\n  + id = a, position = 0, tag = x\n" in out
    assert "create table if not exists items (" in out
    assert "2 changes; 2 would be applied, 0 superseded, 0 quarantined. Nothing was done." in out
    assert "\x1b[" not in out


def test_changes_on_an_empty_mariadb_of_its_own(preview, mysql):
    changes = [put(1, "a", v="1", tags=["x"])]
    arguments = ("--changes", "-", "--scratch", "--engine", "mysql")
    told = preview("items", *arguments, changes=changes)
    assert told.returncode == 0, told.stderr
    out = told.stdout.decode()
    assert "items: 1 added\n  + id = a, v = 1\n" in out
    assert "id varchar(255)" in out


def test_another_engine_than_the_database_s_is_a_wrong_call(preview):
    url = "mysql://root@localhost/nowhere"
    told = preview("items", "--changes", "-", "--database", url, "--engine", "postgresql")
    assert told.returncode == 2
    assert "--engine is postgresql, and the database is mysql" in told.stderr.decode()


@pytest.mark.each_engine
def test_changes_of_a_file_on_a_database(preview, server, tmp_path):
    with LoadMachine(server.url, tmp_path) as machine:
        machine.load_lines("items", put(1, "a", v="1", tags=["x", "y"]), put(2, "b", v="1"))
        file = tmp_path / "changes.gz"
        file.write_bytes(gzip.compress(put(11, "a", v="2", tags=["x"]) + b"\n" + delete(12, "b")))
        told = preview("items", "--changes", str(file), "--database", server.url)
        assert machine.rows("select id, v from items order by 1") == [("a", "1"), ("b", "1")]
    out = told.stdout.decode()
    assert "items: 1 changed, 1 removed\n  ~ id = a: v = 1 → 2\n  - id = b, v = 1\n" in out
    assert "items_tags: 1 removed\n  - id = a, position = 1, tag = y\n" in out


@pytest.mark.each_engine
def test_what_would_be_quarantined_is_told_and_is_the_exit_status(preview, server):
    changes = [put(1, "a", v={"L": []}), put(2, "b", v="1")]
    told = preview("items", "--changes", "-", "--database", server.url, changes=changes)
    assert told.returncode == 1
    out = told.stdout.decode()
    assert "quarantine: 1 change\n  ! value: v: " in out
    assert '    {"id": {"S": "a"}, "v": {"L": []}}\n' in out


@pytest.mark.each_engine
def test_json_has_every_row_and_nothing_else_is_on_stdout(preview, server):
    changes = [put(number, f"item {number:02}", v="1") for number in range(30)]
    arguments = ("--changes", "-", "--database", server.url, "--limit", "1")
    told = preview("items", *arguments, "--json", changes=changes)
    facts = json.loads(told.stdout)
    (items, _) = facts["tables"]
    assert (items["table"], len(items["added"])) == ("items", 30)
    assert items["added"][0] == {"id": "item 00", "v": "1"}
    assert {each["kind"] for each in facts["statements"]} == {"create", "insert"}
    assert facts["changes"] == {"lines": 30, "applied": 30, "superseded": 0, "quarantined": 0}
    shown = preview("items", *arguments, changes=changes).stdout.decode()
    assert "  + id = item 00, v = 1\n    and 29 more\n" in shown


def test_the_statements_alone_are_a_script(preview, server):
    changes = [put(1, "a", v="1")]
    told = preview("items", "--changes", "-", "--database", server.url, "--sql", changes=changes)
    out = told.stdout.decode()
    assert "insert into items (id, v)\n" in out
    assert "id = a" not in out
    assert all(line.startswith("-- ") for line in out.splitlines() if " ms" in line)


def test_the_diff_is_coloured_for_a_terminal_unless_no_color_says_otherwise(preview, server):
    arguments = ("items", "--changes", "-", "--database", server.url)
    changes = [put(1, "a", v="1")]
    coloured = preview(*arguments, changes=changes, FORCE_COLOR="1").stdout.decode()
    assert "\x1b[32m  + id = a, v = 1" in coloured
    plain = preview(*arguments, changes=changes, FORCE_COLOR="1", NO_COLOR="1").stdout.decode()
    assert "\x1b[3" not in plain


@pytest.mark.each_engine
def test_a_statement_that_is_refused_is_told_with_file_and_line(preview, server, tmp_path):
    (tmp_path / "sqlqueries" / "items.py").write_text(
        dedent(WITH_ROWS)
        + dedent("""
            insert_table_queries = [
                items,
                "update items set v = no_such_function() where id in (select id from staged)",
            ]
            """)
    )
    changes = [put(1, "a", v="1")]
    told = preview("items", "--changes", "-", "--database", server.url, changes=changes)
    assert told.returncode == 1
    code = {"postgresql": "42883", "mysql": "1305"}[server.engine]
    assert f"items.py:15:27, insert_table_queries[1]: the database answers {code}" in (
        told.stderr.decode()
    )


SLOW = """
    insert_table_queries = [
        items,
        "update items set v = sleep(25) where id in (select id from staged)",
    ]
"""


@pytest.mark.engines("mysql")
def test_who_is_interrupted_in_the_midst_of_a_statement_leaves_nothing(server, tmp_path):
    (tmp_path / "sqlqueries").mkdir()
    (tmp_path / "sqlqueries" / "items.py").write_text(dedent(WITH_ROWS) + dedent(SLOW))
    (tmp_path / "changes").write_bytes(put(1, "a", v="1"))
    schemas = "select schema_name from information_schema.schemata order by 1"
    before = server.execute(schemas)
    code = "from dynaurora.cli import main; main()"
    arguments = ("preview", "items", "--changes", "changes", "--database", server.url)
    with subprocess.Popen(
        [sys.executable, "-c", code, *arguments], cwd=tmp_path, stderr=subprocess.PIPE
    ) as process:
        deadline = time.monotonic() + 60
        sleeping = (
            "select count(*) from information_schema.processlist where info like '%v = sleep%'"
        )
        while server.execute(sleeping)[0][0] < 2:  # this one, too
            assert process.poll() is None, process.stderr.read()
            assert time.monotonic() < deadline
        process.send_signal(signal.SIGINT)
        began = time.monotonic()
        _, told = process.communicate(timeout=60)
    assert (process.returncode, told.decode()) == (130, "Interrupted; nothing was done.\n")
    assert time.monotonic() - began < 15
    assert server.execute(schemas) == before


def test_without_a_project_the_changes_have_to_be_said(preview):
    told = preview("items", "--scratch")
    assert told.returncode == 2
    assert "Outside a project, say --changes FILE or --items N." in told.stderr.decode()


def test_a_table_without_a_plugin_is_told_with_a_suggestion(preview):
    told = preview("item", "--scratch", "--changes", "-")
    assert told.returncode == 1
    assert 'table item: it has no plugin; did you mean "items"?' in told.stderr.decode()


@pytest.mark.each_engine
def test_the_running_pipeline_of_this_machine_is_previewed_on(preview, server, tmp_path):
    (tmp_path / "dynaurora.toml").write_text('project = "shop"\nregion = "eu-west-1"\n')
    changes = [put(1, "a")]
    with kept(tmp_path / "servers") as folder:
        environment = {"DYNAURORA_DATABASE_URL": server.url}
        with noted(tmp_path, folder, environment), LoadMachine(server.url, tmp_path) as machine:
            machine.load_lines("items", put(1, "a"))
            told = preview("items", "--local", "--changes", "-", changes=changes)
    assert "0 would be applied, 1 superseded" in told.stdout.decode()
    gone = preview("items", "--local", "--changes", "-", changes=changes)
    assert "no pipeline of this project runs here" in gone.stderr.decode()


def test_a_private_database_is_not_previewed_on(preview, tmp_path):
    (tmp_path / "dynaurora.toml").write_text(
        dedent("""
            project = "shop"
            region = "eu-west-1"
            [database]
            url = "postgresql://somebody@private.example/shop"
            private = true
            subnets = ["subnet-1", "subnet-2"]
            security_groups = ["sg-1"]
        """)
    )
    told = preview("items", "--changes", "-", changes=[put(1, "a")])
    assert told.returncode == 1
    assert "the database is reached by the load Lambda alone" in told.stderr.decode()
    assert "--scratch" in told.stderr.decode()
