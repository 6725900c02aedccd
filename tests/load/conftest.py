"""A pipeline's load on a real database, with objects in memory."""

import pytest

from support.load import LoadMachine


@pytest.fixture
def machine(server, tmp_path):
    """A load that is driven by hand: put objects, write plugins, look at rows."""
    with LoadMachine(server.url, tmp_path) as found:
        yield found


@pytest.fixture
def own_postgresql(memory, tmp_path):
    """A server that nobody else needs: it may be killed."""
    from dynaurora.local.folders import temporary
    from dynaurora.local.postgresql import LocalPostgresql

    with temporary(memory) as folder, LocalPostgresql(folder / "own") as server:
        yield server
