"""A pipeline's load on a real database, with objects in memory."""

import pytest

from support.load import LoadMachine


@pytest.fixture
def machine(server, tmp_path):
    """A load that is driven by hand: put objects, write plugins, look at rows."""
    with LoadMachine(server.url, tmp_path) as found:
        yield found
