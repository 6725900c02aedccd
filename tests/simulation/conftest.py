"""Simulations in this process, on a server of their own, of each engine."""

from contextlib import ExitStack
from functools import cache

import pytest


@pytest.fixture(params=["postgresql", "mysql"])
def engine(request):
    """The name of an engine whose server can be had here."""
    if request.param == "mysql":
        request.getfixturevalue("mysql")  # which tells at the end if it cannot
    return request.param


@pytest.fixture(scope="session")
def simulations():
    """By engine; the server of each is started when it is asked for."""
    from simulation.engines import ENGINES
    from simulation.run import Simulation

    with ExitStack() as servers:

        @cache
        def simulation(engine):
            server = servers.enter_context(ENGINES[engine].server())
            return Simulation(ENGINES[engine], server)

        yield simulation


@pytest.fixture
def simulation(engine, simulations):
    return simulations(engine)
