import subprocess
import sys
import time

import pytest

from dynaurora.errors import PluginError, ProjectError
from dynaurora.plugins.inspection import inspect_folder

GOOD = """
from dynaurora import Table, rows
good = Table(key="id", columns={"id": "text", "lines": rows("l[]", {"sku": "text"})})
"""
BY_HAND = """
key = "id"
columns = {"id": "text"}
create_table_queries = ["create table if not exists by_hand (id text)"]
insert_table_queries = ["insert into by_hand select id from staged"]
"""


def inspect(folder, **more):
    return {one.table: one for one in inspect_folder(folder.path, "postgresql", **more)}


def told(folder, inspected):
    return [str(problem).replace(f"{folder.path}/", "") for problem in inspected.problems]


def test_what_a_good_plugin_makes_and_reads_is_told(folder):
    folder.write("good.py", GOOD)
    folder.write("byhand.py", BY_HAND)
    found = inspect(folder)
    assert list(found) == ["byhand", "good"]
    good, by_hand = found["good"], found["byhand"]
    assert good.is_ok
    assert good.error is None
    assert good.problems == ()
    assert good.sql_tables == ("good", "good_lines")
    assert good.relations == ("staged", "removed", "staged_lines")
    assert good.is_row_wise
    assert good.path == folder.path / "good.py"
    assert len(good.digest) == 32
    assert by_hand.sql_tables == ("by_hand",)
    assert by_hand.relations == ("staged",)
    assert not by_hand.is_row_wise


def test_an_empty_folder_has_nothing(folder):
    assert inspect(folder) == {}


def test_a_folder_that_is_not_there_is_an_error(folder):
    with pytest.raises(ProjectError):
        inspect_folder(folder.path / "missing", "postgresql")


def test_a_broken_plugin_is_told_and_the_others_are_good(folder):
    folder.write("good.py", GOOD)
    folder.write("bad.py", "x = 1\n1 / 0")
    folder.write("no name.py")
    found = inspect(folder)
    assert [one.is_ok for one in found.values()] == [False, True, False]
    assert told(folder, found["bad"]) == [
        "bad.py:2:1: ZeroDivisionError: division by zero. A plugin only declares."
    ]
    assert '"no name" is no name of a DynamoDB table' in told(folder, found["no name"])[0]
    assert isinstance(found["bad"].error, PluginError)
    assert str(found["bad"].error) == str(found["bad"].problems[0])


def test_warnings_do_not_stop_a_plugin_and_all_problems_are_told_in_file_order(folder):
    folder.write(
        "warned.py", BY_HAND.replace("select id", "select now()::text").replace("by_hand", "log")
    )
    folder.write(
        "bad.py",
        BY_HAND.replace("id from staged", "idd from staged").replace("if not exists ", ""),
    )
    found = inspect(folder)
    assert found["warned"].is_ok
    assert [problem.is_error for problem in found["warned"].problems] == [False]
    assert [problem.where.split(":")[1] for problem in found["bad"].problems] == ["3", "4"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("while True: pass", "still importing after 1 s. A plugin only declares."),
        ("import time\ntime.sleep(60)", "still importing after 1 s. A plugin only declares."),
        ("import os\nos._exit(7)", "it ended the process (exit code 7). A plugin only declares."),
        ("import os\nos.kill(os.getpid(), 9)", "it ended the process (signal 9)."),
        ("import sys\nsys.exit()", ":2:1: SystemExit. A plugin only declares."),
        ("def f(): return f()\nf()", ":1:17: RecursionError: maximum recursion depth exceeded"),
        ("input()", ":1:1: EOFError: EOF when reading a line. A plugin only declares."),
        ("x = bytearray(3 << 30)", ":1:5: MemoryError. A plugin only declares."),
        ("raise KeyboardInterrupt", "it ended the process (signal 2)"),
        ("import os\nos.close(1); os.close(2); x = ", ":2:31: SyntaxError: invalid syntax"),
        ("import signal\nsignal.alarm(1)\nwhile True: pass", "it ended the process (signal 14)"),
    ],
)
def test_whatever_a_file_does_the_others_are_inspected(folder, text, expected):
    folder.write("another.py", GOOD)
    folder.write("breaks.py", text)
    folder.write("other.py", BY_HAND)
    timeout_s = 1 if "1 s" in expected else 5
    found = inspect(folder, timeout_s=timeout_s)
    assert found["another"].is_ok
    assert found["other"].is_ok
    (problem,) = told(folder, found["breaks"])
    assert expected in problem


def test_several_files_that_hang_cost_their_time_and_no_more(folder):
    for name in ("abc", "bcd"):
        folder.write(f"{name}.py", "while True: pass")
    folder.write("good.py", GOOD)
    started = time.monotonic()
    found = inspect(folder, timeout_s=0.5)
    assert [one.is_ok for one in found.values()] == [False, False, True]
    assert time.monotonic() - started < 20


def test_what_a_plugin_prints_and_reads_is_no_part_of_the_answer(folder):
    folder.write(
        "noisy.py",
        'import os, sys\nprint("[1]\\n" * 9)\nos.write(1, b"ready\\n")\n'
        "sys.stdin.read()\nsys.stderr.write('x' * 100_000)\n" + GOOD,
    )
    folder.write("good2.py", GOOD.replace("Table(key", 'Table("other", key'))
    assert [one.is_ok for one in inspect(folder).values()] == [True, True]


def test_a_plugin_sees_no_other_plugin(folder):
    folder.write("first.py", "import sys\nsys.leak = 1\nleaked = 1\n" + GOOD)
    folder.write("second.py", GOOD.replace("good = ", "leaked\nx = "))
    assert "NameError: name 'leaked' is not defined" in told(folder, inspect(folder)["second"])[0]


def test_a_file_of_the_working_folder_is_not_taken_for_a_module(folder, monkeypatch):
    folder.write("good.py", GOOD)
    folder.write("json.py", "raise SystemExit")
    monkeypatch.chdir(folder.path)
    assert inspect(folder)["good"].is_ok


def test_two_plugins_with_one_sql_table_are_errors_that_name_both(folder):
    folder.write("orders.py", GOOD)
    folder.write("Orders.py", GOOD)
    folder.write("others.py", BY_HAND.replace("by_hand", "orders_lines"))
    folder.write("apart.py", BY_HAND)
    found = inspect(folder)
    assert [one.is_ok for one in found.values()] == [False, True, False, False]
    assert told(folder, found["orders"])[0] == (
        'orders.py: SQL table "orders" is also made by Orders.py. Give one of them another name.'
    )
    assert [problem.message.split("/")[-1] for problem in found["others"].problems] == [
        "Orders.py",
        "orders.py",
    ]


def test_sql_names_that_differ_in_case_alone_are_one(folder):
    folder.write("one.py", BY_HAND.replace("by_hand", '\\"Log\\"'))
    folder.write("two.py", BY_HAND.replace("by_hand", "log"))
    assert not any(one.is_ok for one in inspect(folder).values())


def test_an_inspection_leaves_nothing_behind(folder):
    folder.write("good.py", GOOD)
    folder.write("hangs.py", "while True: pass")
    inspect(folder, timeout_s=0.5)
    assert sorted(path.name for path in folder.path.iterdir()) == ["good.py", "hangs.py"]


def test_one_process_runs_all_files(folder, tmp_path):
    notes = tmp_path / "pids"
    for number in range(5):
        text = f"import os\nopen({str(notes)!r}, 'a').write(f'{{os.getpid()}}\\n')\n"
        folder.write(
            f"good{number}.py", text + GOOD.replace("Table(key", f'Table("t{number}", key')
        )
    assert all(one.is_ok for one in inspect(folder).values())
    assert len(set(notes.read_text().splitlines())) == 1


def test_what_is_declared_is_checked_without_the_parser(folder):
    """It takes longer to import than a hundred declared plugins to check."""
    path = folder.write("good.py", GOOD)
    code = f"""
import sys
from pathlib import Path
from dynaurora.plugins.inspection_child import inspect_file
assert inspect_file("good", Path({str(path)!r}), "postgresql").is_ok
heavy = {{"sqlglot", "psycopg", "boto3", "dynaurora.plugins.places"}}
sys.exit(", ".join(heavy & set(sys.modules)) or 0)
"""
    subprocess.run([sys.executable, "-c", code], check=True)
