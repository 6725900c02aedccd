"""The servers that tests share. Each is started when the first test asks for it."""

import os
import shutil
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit

import pytest

# An installed package brings them by its entry point; these tests need none to be installed.
from dynaurora.testing.fixtures import dynaurora_bench, dynaurora_server, plugin  # noqa: F401

_numbers = count(1)


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


@pytest.fixture
def database_url(postgresql):
    """The URL of a fresh, empty database, which is dropped after the test."""
    import psycopg

    postgresql.start()  # a test before may have stopped it
    name = f"test_{next(_numbers)}"
    with psycopg.connect(postgresql.url, autocommit=True) as connection:
        connection.execute(f"create database {name}")
    yield urlsplit(postgresql.url)._replace(path=f"/{name}").geturl()
    with psycopg.connect(postgresql.url, autocommit=True) as connection:
        connection.execute(f"drop database {name} with (force)")


@pytest.fixture(scope="session")
def aws(_servers_folder):
    """A running MiniStack (LocalAws). Its tables, buckets and queues are shared: name your own."""
    from dynaurora.local import folders
    from dynaurora.local.ministack import LocalAws

    with LocalAws(_servers_folder / folders.MINISTACK) as server:
        yield server
