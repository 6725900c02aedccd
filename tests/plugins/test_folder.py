import os
import time

import pytest

from dynaurora.errors import PluginError, ProjectError
from dynaurora.plugins.folder import PluginFolder, find_plugins, scan_folder

ORDERS = """
from dynaurora import Table
orders = Table(key="id", columns={"id": "text"})
"""
LONG_AGO_NS = 1_000_000_000_000_000_000


@pytest.fixture
def plugins(folder):
    return PluginFolder(folder.path, "postgresql")


def settle(*paths):
    """Give files and folders a time stamp that is old enough to be trusted."""
    for path in paths:
        os.utime(path, ns=(LONG_AGO_NS, LONG_AGO_NS))


def reason(plugins, table):
    with pytest.raises(PluginError) as caught:
        plugins.plugin(table)
    return str(caught.value)


def test_a_file_is_named_after_its_table_in_any_folder(folder):
    for name in (
        "orders.py",
        "sql_queries_users.py",
        "shop/prod.Order-Lines_2.py",
        "a/b/c/Deep.py",
    ):
        folder.write(name)
    found = find_plugins(folder.path)
    assert {table: str(path.relative_to(folder.path)) for table, path in found.items()} == {
        "Deep": "a/b/c/Deep.py",
        "orders": "orders.py",
        "prod.Order-Lines_2": "shop/prod.Order-Lines_2.py",
        "users": "sql_queries_users.py",
    }
    assert list(found) == sorted(found)


def test_what_begins_with_an_underscore_or_a_dot_is_no_plugin(folder):
    for name in ("__init__.py", "_shared.py", ".hidden.py", "_old/orders.py", ".git/users.py"):
        folder.write(name)
    for name in ("orders.pyc", "orders.txt", "README.md", "__pycache__/orders.py"):
        folder.write(name)
    assert find_plugins(folder.path) == {}
    assert scan_folder(folder.path).problems == ()


def test_two_files_for_one_table_are_an_error_that_names_both(folder, plugins):
    folder.write("orders.py", ORDERS)
    folder.write("sql_queries_orders.py", ORDERS)
    folder.write("users.py", ORDERS)
    message = reason(plugins, "orders")
    assert "sqlqueries/orders.py" in message
    assert "sqlqueries/sql_queries_orders.py" in message
    assert plugins.plugin("users").table == "users"
    assert plugins.tables() == ("users",)


def test_two_files_of_one_name_in_two_folders_are_an_error_too(folder, plugins):
    folder.write("a/orders.py", ORDERS)
    folder.write("b/orders.py", ORDERS)
    assert "b/orders.py" in reason(plugins, "orders")


@pytest.mark.parametrize("name", ["a b.py", "ab.py", "größe.py", "x" * 250 + "y+.py", "o@.py"])
def test_a_file_that_is_named_after_no_legal_table_is_told_with_its_reason(folder, name):
    folder.write(name)
    folder.write("orders.py", ORDERS)
    scan = scan_folder(folder.path)
    assert list(scan.plugins) == ["orders"]
    (problem,) = scan.problems
    assert problem.where.endswith(name)
    assert "is no name of a DynamoDB table" in str(problem)


def test_a_folder_that_is_not_there_is_told(folder):
    with pytest.raises(ProjectError, match="it is no folder"):
        find_plugins(folder.path / "missing")


def test_a_table_without_a_plugin_has_none(folder, plugins):
    folder.write("orders.py", ORDERS)
    assert plugins.plugin("users") is None


def test_an_unchanged_file_is_run_once(folder, plugins):
    folder.write("orders.py", f"import os\nos.environ['RUNS'] = 'x' + os.environ['RUNS']\n{ORDERS}")
    os.environ["RUNS"] = ""
    for _ in range(3):
        assert plugins.plugin("orders").table == "orders"
    assert os.environ.pop("RUNS") == "x"


def test_an_unchanged_file_is_not_even_read_once_it_has_settled(folder, plugins):
    path = folder.write("orders.py", ORDERS)
    settle(path, folder.path)
    first = plugins.plugin("orders")
    path.write_text(path.read_text().replace("id", "di"))
    settle(path)
    assert plugins.plugin("orders") is first  # same time, same size, same file: by design


def test_a_changed_file_is_loaded_again(folder, plugins):
    folder.write("orders.py", ORDERS)
    first = plugins.plugin("orders")
    folder.write("orders.py", ORDERS.replace('"id"', '"number"'))
    second = plugins.plugin("orders")
    assert (first.key, second.key) == (("id",), ("number",))
    assert first.digest != second.digest


def test_a_change_of_the_same_size_in_the_same_instant_is_seen(folder, plugins):
    path = folder.write("orders.py", ORDERS)
    before = path.stat().st_mtime_ns
    plugins.plugin("orders")
    path.write_text(path.read_text().replace("id", "di"))
    os.utime(path, ns=(before, before))
    assert plugins.plugin("orders").key == ("di",)


def test_a_touched_file_is_the_same_plugin(folder, plugins):
    path = folder.write("orders.py", ORDERS)
    first = plugins.plugin("orders")
    settle(path)
    assert plugins.plugin("orders") is first


def test_files_that_come_and_go_are_seen(folder, plugins):
    settle(folder.path)
    assert plugins.plugin("orders") is None
    path = folder.write("orders.py", ORDERS)
    assert plugins.plugin("orders").table == "orders"
    settle(folder.path)
    assert plugins.tables() == ("orders",)
    path.unlink()
    assert plugins.plugin("orders") is None
    folder.write("new/deep/orders.py", ORDERS)
    assert plugins.plugin("orders").path.parent.name == "deep"


def test_a_second_file_for_a_table_is_seen_as_soon_as_it_comes(folder, plugins):
    folder.write("orders.py", ORDERS)
    assert plugins.plugin("orders").table == "orders"
    folder.write("sql_queries_orders.py", ORDERS)
    assert "has another plugin" in reason(plugins, "orders")


def test_a_broken_file_stays_broken_until_it_is_mended_and_spares_the_others(folder, plugins):
    folder.write("orders.py", "1 / 0")
    folder.write("users.py", ORDERS)
    for _ in range(2):
        assert "orders.py:1:1: ZeroDivisionError" in reason(plugins, "orders")
        assert plugins.plugin("users").table == "users"
    folder.write("orders.py", ORDERS)
    assert plugins.plugin("orders").key == ("id",)
    folder.write("orders.py", "syntax error")
    assert "SyntaxError" in reason(plugins, "orders")


def test_a_file_that_cannot_be_read_is_told(folder, plugins):
    (folder.path / "orders.py").symlink_to(folder.path / "nowhere")
    assert "it cannot be read" in reason(plugins, "orders")


def test_a_warm_folder_answers_in_a_fraction_of_a_millisecond(folder, plugins):
    """A bound that only a scan or an import would break."""
    paths = [folder.write(f"table_{number}.py", ORDERS) for number in range(200)]
    settle(*paths, folder.path)
    plugins.plugin("table_7")
    started = time.perf_counter()
    for _ in range(100):
        plugins.plugin("table_7")
    assert (time.perf_counter() - started) / 100 < 0.001
