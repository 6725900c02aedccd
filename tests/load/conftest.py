"""A server that a test may end."""

import pytest


@pytest.fixture
def own_postgresql(memory, tmp_path):
    """A server that nobody else needs: it may be killed."""
    from dynaurora.local.folders import temporary
    from dynaurora.local.postgresql import LocalPostgresql

    with temporary(memory) as folder, LocalPostgresql(folder / "own") as server:
        yield server
