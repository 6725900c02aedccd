"""A load on a real database, to have something to compare with."""

import pytest

from support.load import LoadMachine


@pytest.fixture
def machine(server, tmp_path):
    with LoadMachine(server.url, tmp_path) as found:
        yield found
