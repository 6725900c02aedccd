"""Simulations in this process, on a server of their own, of each engine."""

import pytest


@pytest.fixture(scope="session", params=["postgresql", "mysql"])
def engine(request):
    """The name of an engine whose server can be had here."""
    if request.param == "mysql":
        request.getfixturevalue("mysql")  # which tells at the end if it cannot
    return request.param


@pytest.fixture(scope="session")
def simulation(engine):
    from simulation.engines import ENGINES
    from simulation.run import Simulation

    with ENGINES[engine].server() as found:
        yield Simulation(ENGINES[engine], found)
