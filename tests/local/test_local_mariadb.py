import subprocess
from urllib.parse import parse_qs, urlsplit

import pymysql
import pytest

from dynaurora.errors import LocalServerError
from dynaurora.local import debian
from dynaurora.local.mariadb import LocalMariadb, start
from dynaurora.local.processes import serving

LEAVE = """
import sys, time
from pathlib import Path
from dynaurora.local.mariadb import start
print(start(Path(sys.argv[1]))._server.pid, flush=True)
time.sleep(60)
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with LocalMariadb(tmp_path_factory.mktemp("server") / "mariadb") as server:
        yield server


@pytest.fixture
def running(server):
    server.start()
    yield server
    server.start()


def connect(url):
    parts = urlsplit(url)
    (socket,) = parse_qs(parts.query)["unix_socket"]
    return pymysql.connect(user=parts.username, database=parts.path[1:], unix_socket=socket)


def answer(server, query):
    with connect(server.url) as connection, connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchone()[0]


def write(server, table):
    with connect(server.url) as connection, connection.cursor() as cursor:
        cursor.execute(f"create table {table} as select 1 as number")


def test_a_server_that_starts_removes_no_temporary_table_of_another(running, tmp_path):
    with connect(running.url) as connection, connection.cursor() as cursor:
        cursor.execute("create temporary table kept (number int) engine = aria")
        with LocalMariadb(tmp_path / "another"):
            cursor.execute("insert into kept values (1)")
            cursor.execute("drop temporary table kept")
        assert cursor.warning_count == 0


def test_a_stopped_server_starts_again_with_its_data_and_its_url(running):
    url = running.url
    write(running, "stopped")
    running.stop()
    assert not running.is_running
    assert not running.data.joinpath("mysql.sock").exists()
    running.start()
    assert running.url == url
    assert answer(running, "select number from stopped") == 1


def test_a_killed_server_starts_again_with_what_was_committed(running):
    write(running, "killed")
    running.kill()
    assert serving(running.folder) == []
    running.start()
    assert answer(running, "select number from killed") == 1


def test_it_is_set_as_the_load_needs_it(running):
    assert answer(running, "select @@time_zone") == "+00:00"
    assert answer(running, "select @@character_set_server") == "utf8mb4"
    assert answer(running, "select @@log_bin") == 0
    assert answer(running, "select @@innodb_flush_log_at_trx_commit") == 1
    assert answer(running, "select @@skip_networking") == 1


def test_nobody_else_reaches_it(running):
    assert running.folder.stat().st_mode & 0o777 == 0o700


def test_the_server_that_a_killed_run_left_is_found_and_stopped(run, tmp_path):
    with run(LEAVE, tmp_path / "left") as (process, left):
        process.kill()
    assert [str(found.pid) for found in serving(tmp_path / "left")] == [left]
    with start(tmp_path / "left") as server:
        assert answer(server, "select 1") == 1
        assert str(server._server.pid) != left
    assert serving(tmp_path / "left") == []


def test_a_folder_with_a_long_path_works(tmp_path):
    with start(tmp_path / ("long" * 30) / "mariadb") as server:
        assert answer(server, "select 1") == 1
        link = server._shortcut.folder
        assert link.exists()
    assert not link.exists()


def test_what_is_in_its_way_is_said(tmp_path):
    (tmp_path / "data").mkdir()
    with pytest.raises(LocalServerError, match="did not start, it ended with status 1") as caught:
        start(tmp_path)
    assert "mysql.plugin" in str(caught.value) or "mysql.db" in str(caught.value)


def test_where_it_cannot_be_fetched_the_message_says_how_to_give_another(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", "")
    with pytest.raises(LocalServerError, match="apt-get is not there") as caught:
        start(tmp_path / "mariadb")
    assert "give a server by URL" in caught.value.remedy


def test_packages_are_fetched_once_and_whole(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    folder = debian.unpacked("liburing", ["liburing2"])
    assert list(folder.glob("usr/lib/*/liburing.so.2"))
    assert [path.name for path in folder.parent.iterdir()] == ["liburing"]
    monkeypatch.setattr(subprocess, "run", None)
    assert debian.unpacked("liburing", ["liburing2"]) == folder


def test_packages_of_another_release_bring_their_own_libraries(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    folder = debian.unpacked("zlib", ["zlib1g"], release="unstable")
    assert list(folder.glob("usr/lib/*/ld-linux*"))
