"""Simulations in this process, on a server of their own."""

import pytest


@pytest.fixture(scope="session")
def simulation():
    from simulation.run import Simulation, server

    with server() as found:
        yield Simulation(found)
