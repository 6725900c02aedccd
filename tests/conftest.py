"""The servers that tests share. Each is started when the first test asks for it."""

import os
import shutil
import signal
from itertools import count
from pathlib import Path

import pytest

from dynaurora.sql.engines import ENGINES

# An installed package brings them by its entry point; these tests need none to be installed.
from dynaurora.testing.fixtures import (  # noqa: F401
    dynaurora_bench,
    dynaurora_server,
    plugin,
)

TEST_MYSQL_URL = "DYNAURORA_TEST_MYSQL_URL"

MOST_PROCESSES = 4
"""Their servers and simulations take about a gigabyte each."""

_numbers = count(1)
_untested: set[str] = set()


@pytest.fixture(scope="session")
def process():
    """Which of the processes that share the tests this is; "main" where one runs them all."""
    return os.environ.get("PYTEST_XDIST_WORKER", "main")


@pytest.fixture(scope="session")
def memory():
    """A folder in memory, where there is enough (a container often has 64 MB); else None."""
    folder = Path("/dev/shm")
    if os.access(folder, os.W_OK) and shutil.disk_usage(folder).free > 2**30:
        return folder
    return None


@pytest.fixture(scope="session")
def _servers_folder(memory):
    from dynaurora.local import folders

    with folders.temporary(memory) as folder:
        yield folder


@pytest.fixture(scope="session")
def postgresql(_servers_folder):
    """A running PostgreSQL (LocalPostgresql)."""
    from dynaurora.local import folders
    from dynaurora.local.postgresql import LocalPostgresql

    with LocalPostgresql(_servers_folder / folders.POSTGRESQL) as server:
        yield server


@pytest.fixture(scope="session")
def mysql(_servers_folder):
    """The URL of a running MySQL or MariaDB: ours, or the one that the environment names."""
    given = os.environ.get(TEST_MYSQL_URL)
    if given:
        yield given
        return
    from dynaurora.errors import LocalServerError
    from dynaurora.local.mariadb import LocalMariadb

    server = LocalMariadb(_servers_folder / "mariadb")
    try:
        server.start()
    except LocalServerError as error:
        _untested.add(str(error))
        pytest.skip(str(error))
    with server:
        yield server.url


@pytest.fixture(scope="session", params=ENGINES)
def local_engine(request):
    """Each engine whose server can be started on this machine."""
    if request.param == "mysql":
        request.getfixturevalue("mysql")  # or it is skipped
    return request.param


@pytest.fixture(scope="session")
def dynaurora_engine(local_engine):
    """Plugins are tried on each of them."""
    return local_engine


@pytest.fixture
def server(request, process):
    """A fresh, empty database of an engine (Server); see `pytest_generate_tests`."""
    with _server_of(request, request.param).fresh(f"test_{process}_{next(_numbers)}") as fresh:
        yield fresh


@pytest.fixture
def machine(server, tmp_path):
    """A load on the server that is driven by hand: put objects, write plugins, look at rows."""
    from support.load import LoadMachine

    with LoadMachine(server.url, tmp_path) as found:
        yield found


@pytest.fixture
def database_url(request, process):
    """The URL of a fresh, empty database of PostgreSQL."""
    with _server_of(request, "postgresql").fresh(f"test_{process}_{next(_numbers)}") as fresh:
        yield fresh.url


def _server_of(request, engine):
    from support.servers import Server

    running = request.getfixturevalue(engine)
    if engine == "postgresql":
        running.start()  # a test before may have stopped it
        return Server(running.url)
    return Server(running)


def pytest_configure():
    """In the background of a shell SIGINT is ignored, and so by all that the tests start."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_generate_tests(metafunc):
    """A test with a ``server`` runs on PostgreSQL; one of ``each_engine`` on all of them, or on
    those that ``engines`` names beside it."""
    if "server" not in metafunc.fixturenames:
        return
    named = metafunc.definition.get_closest_marker("engines")
    if named is not None:
        engines = named.args
    elif metafunc.definition.get_closest_marker("each_engine") is not None:
        engines = ENGINES
    else:
        engines = ("postgresql",)
    metafunc.parametrize("server", engines, indirect=True)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers():
    """Each process has servers of its own; of a MySQL that is given there is one."""
    return 1 if TEST_MYSQL_URL in os.environ else min(os.cpu_count() or 1, MOST_PROCESSES)


def pytest_sessionfinish(session):
    """What a process could not test, the one that reports has to know."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["untested"] = sorted(_untested)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node, error):
    _untested.update(getattr(node, "workeroutput", {}).get("untested", ()))


def pytest_terminal_summary(terminalreporter):
    """CI takes this line for a failure."""
    for reason in sorted(_untested):
        terminalreporter.write_line(f"MySQL was not tested: {reason}")


@pytest.fixture(scope="session")
def aws(_servers_folder):
    """A running MiniStack (LocalAws). Its tables, buckets and queues are shared: name your own."""
    from dynaurora.local import folders
    from dynaurora.local.ministack import LocalAws

    with LocalAws(_servers_folder / folders.MINISTACK) as server:
        yield server
