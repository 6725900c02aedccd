"""The fixtures of pytest. Nothing but pytest is imported until a test asks for one."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from os import PathLike

    from dynaurora.plugins.contract import Engine
    from dynaurora.testing.bench import Bench, PluginFixture
    from dynaurora.testing.trial import Trial

__tracebackhide__ = True  # see trial


@pytest.fixture(scope="session")
def dynaurora_engine() -> "Engine":
    """The engine that plugins are tried on: ``postgresql``, or ``mysql``, which is MariaDB here.

    A project overrides this fixture in its conftest.py, with ``params`` for both.
    """
    from dynaurora.sql.engines import DEFAULT

    return DEFAULT


@pytest.fixture(scope="session")
def dynaurora_server(dynaurora_engine: "Engine") -> Iterator[str]:
    """The URL of a server in which databases may be made: one of our own, started for this.

    A project that has its own overrides this fixture in its conftest.py.
    """
    from dynaurora.local.scratch import scratch_server

    with scratch_server(dynaurora_engine) as server:
        yield server.url


@pytest.fixture(scope="session")
def dynaurora_bench(dynaurora_server: str) -> Iterator["Bench"]:
    """The database that all trials share, one test after another."""
    from dynaurora.testing.bench import bench

    with bench(dynaurora_server) as found:
        yield found


@pytest.fixture
def plugin(dynaurora_bench: "Bench", pytestconfig: pytest.Config) -> Iterator["PluginFixture"]:
    """``plugin("sqlqueries/orders.py")``: a plugin on trial, on empty SQL tables.

    The path begins at pytest's root folder. Docs: `dynaurora.testing`.
    """

    def on_trial(path: "str | PathLike[str]") -> "Trial":
        from dynaurora.errors import DynauroraError

        try:
            return dynaurora_bench.trial(pytestconfig.rootpath / Path(path))
        except DynauroraError as error:
            raise error.with_traceback(None) from None

    dynaurora_bench.clear()
    yield on_trial
    unseen = {table: trial.unseen() for table, trial in dynaurora_bench.trials()}
    for table, changes in unseen.items():
        if changes:
            listed = "\n".join(f"  {each}" for each in changes)
            pytest.fail(
                f"table {table}: changes are in quarantine, and the test has not looked at "
                f"`quarantined`:\n{listed}",
                pytrace=False,
            )
