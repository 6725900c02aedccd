"""The kit in a project of a user: a plugin, a test, and pytest."""

import subprocess
import sys
import tomllib
from pathlib import Path
from textwrap import dedent

import pytest

from dynaurora.testing import fixtures

PLUGIN = """
    from dynaurora import Table

    orders = Table(key="order_id", columns={"order_id": "text", "total": "numeric(12,2)"})
"""

HEAVY = ("psycopg", "boto3", "botocore", "sqlglot", "orjson", "rich", "click")


TESTS = """
    from decimal import Decimal

    def test_totals(plugin):
        orders = plugin("sqlqueries/orders.py")
        orders.put({"order_id": "a", "total": Decimal("1.5")})
        assert orders.rows("select * from orders") == [("a", Decimal("1.50"))]

    def test_rounding(plugin):
        plugin("sqlqueries/orders.py").put({"order_id": "a", "total": Decimal("1.005")})

    def test_floats(plugin):
        plugin("sqlqueries/orders.py").put({"order_id": "a", "total": 1.5})

    def test_misspelt(plugin):
        plugin("sqlqueries/order.py")
"""


@pytest.fixture(scope="module")
def outcome(tmp_path_factory):
    """What pytest says in a project with one plugin and two tests."""
    project = tmp_path_factory.mktemp("project")
    (project / "sqlqueries").mkdir()
    (project / "sqlqueries" / "orders.py").write_text(dedent(PLUGIN))
    (project / "test_orders.py").write_text(dedent(TESTS))
    return subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-p", "dynaurora.testing.fixtures", "-W", "error"),
            *("-p", "no:cacheprovider", "-c", "/dev/null", f"--rootdir={project}", str(project)),
        ],
        capture_output=True,
        text=True,
        check=False,
        cwd=project,
    ).stdout


def test_a_test_needs_the_fixture_and_nothing_else(outcome):
    assert "2 passed" in outcome


def test_a_quarantine_that_nobody_looks_at_fails_the_test(outcome):
    assert "1 error" in outcome
    assert "table orders: changes are in quarantine" in outcome
    assert "message='total: " in outcome


def test_what_is_wrong_is_shown_at_the_line_of_the_test_and_not_in_ours(outcome):
    assert "2 failed" in outcome
    assert '>       plugin("sqlqueries/orders.py").put({"order_id": "a", "total": 1.5})' in outcome
    assert 'item["total"]: it is a float, 1.5; expected Decimal("1.5")' in outcome
    assert "sqlqueries/order.py: there is no such file" in outcome
    assert "dynaurora/testing/" not in outcome


def test_a_project_without_trials_pays_nothing():
    """pytest imports the fixtures in every project of an environment."""
    code = f"""
        import sys
        import pytest
        before = set(sys.modules)
        import dynaurora.testing.fixtures
        ours = {{m for m in set(sys.modules) - before if m.startswith("dynaurora")}}
        assert ours == {{"dynaurora", "dynaurora.testing", "dynaurora.testing.fixtures"}}, ours
        assert not set({HEAVY!r}) & set(sys.modules)
    """
    subprocess.run([sys.executable, "-c", dedent(code)], check=True)


def test_the_package_tells_pytest_of_its_fixtures():
    """Under the module's name, so that a conftest.py that names it as well is no clash."""
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())
    name = "dynaurora.testing.fixtures"
    assert project["project"]["entry-points"]["pytest11"] == {name: name}
    assert all(hasattr(fixtures, each) for each in ("plugin", "dynaurora_server"))


def test_the_names_of_the_kit_are_there():
    import dynaurora.testing

    assert all(getattr(dynaurora.testing, name) for name in dynaurora.testing.__all__)


def test_a_users_type_checker_is_told_of_our_types():
    import dynaurora

    assert (Path(dynaurora.__file__).parent / "py.typed").exists()
