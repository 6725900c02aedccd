"""One pipeline for the tests of this folder; each test has tables of its own."""

import pytest

from support.road import Road


@pytest.fixture(scope="module")
def road(tmp_path_factory):
    """A machine of its own, because these tests stop its servers."""
    from dynaurora.local.machine import LocalMachine

    with LocalMachine() as machine:
        yield Road(machine, tmp_path_factory.mktemp("sqlqueries"))
