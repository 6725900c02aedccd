"""A server that a test may end."""

import pytest


@pytest.fixture(params=["postgresql", "mysql"])
def own_server(request, memory):
    """A server that nobody else needs: it may be killed."""
    from dynaurora.local.folders import temporary
    from dynaurora.local.mariadb import LocalMariadb
    from dynaurora.local.postgresql import LocalPostgresql

    request.getfixturevalue(request.param)  # skips where there is none
    kind = {"postgresql": LocalPostgresql, "mysql": LocalMariadb}[request.param]
    with temporary(memory) as folder, kind(folder / "own") as server:
        yield server
