import io
import json
import shutil
import socket
import sys
import time
import zipfile
from urllib.request import ProxyHandler, build_opener

import psutil
import pytest

from dynaurora.errors import LocalServerError
from dynaurora.local.ministack import HOST, PORT, LocalAws, start
from dynaurora.local.processes import serving

LEAVE = """
import sys, time
from pathlib import Path
from dynaurora.local.ministack import start
server = start(Path(sys.argv[1]), keep=True)
server.client("s3").create_bucket(Bucket="left")
print(server._server.pid, flush=True)
time.sleep(60)
"""

LAMBDA = """
import os, sys, time
def lambda_handler(event, context):
    time.sleep(event["seconds"])
    return {"environment": dict(os.environ), "python": sys.executable}
"""


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "ministack"


@pytest.fixture
def taken_port():
    """A port where somebody else listens: 4566 if nobody does yet."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, PORT))
        except OSError:
            listener.bind((HOST, 0))
        listener.listen()
        yield listener.getsockname()[1]


@pytest.fixture
def free_port():
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]


def processes(server):
    return serving(server.folder, server._temporary)


def function(server, name):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as code:
        code.writestr("code.py", LAMBDA)
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}}
    role = server.client("iam").create_role(
        RoleName=name,
        AssumeRolePolicyDocument=json.dumps(
            {"Version": "2012-10-17", "Statement": [trust | {"Action": "sts:AssumeRole"}]}
        ),
    )
    server.client("lambda").create_function(
        FunctionName=name,
        Runtime="python3.13",
        Handler="code.lambda_handler",
        Role=role["Role"]["Arn"],
        Timeout=60,
        Code={"ZipFile": packed.getvalue()},
    )


def test_it_answers_where_it_says(aws):
    opener = build_opener(ProxyHandler({}))
    with opener.open(f"{aws.endpoint_url}/_ministack/health") as response:
        assert response.status == 200
    assert aws.client("sts").get_caller_identity()["Account"] == aws.account
    assert aws.session().region_name == aws.region == "us-east-1"


def test_it_listens_on_this_machine_only(aws):
    aws.client("dynamodb").list_tables()
    listening = {
        connection.laddr
        for process in processes(aws)
        for connection in process.net_connections(kind="inet")
        if connection.status == psutil.CONN_LISTEN
    }
    assert listening == {(HOST, aws.port)}


def test_permissions_are_checked(aws):
    iam = aws.client("iam")
    iam.create_user(UserName="nobody")
    key = iam.create_access_key(UserName="nobody")["AccessKey"]
    client = aws.session().client(
        "dynamodb",
        endpoint_url=aws.endpoint_url,
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
    )
    with pytest.raises(client.exceptions.ClientError, match="AccessDenied"):
        client.list_tables()


def test_a_client_reads_nothing_of_the_machines_configuration(aws, monkeypatch, tmp_path):
    monkeypatch.setenv("AWS_PROFILE", "missing")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "mine")
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    fresh = LocalAws(tmp_path)
    fresh._port = aws.port
    assert fresh.client("sts").get_caller_identity()["Account"] == aws.account
    assert fresh.session().get_credentials().access_key == fresh.access_key


def test_a_lambda_inherits_nothing_of_ours(folder, monkeypatch):
    ours = {"AWS_PROFILE": "mine", "PGPASSWORD": "secret", "DYNAURORA_SCHEMA": "s", "SOME": "thing"}
    for name, value in ours.items():
        monkeypatch.setenv(name, value)
    with start(folder) as server:
        function(server, "tell")
        reply = server.client("lambda").invoke(FunctionName="tell", Payload=b'{"seconds": 0}')
        told = json.loads(reply["Payload"].read())
        assert not ours.items() & told["environment"].items()
        assert not {name for name in told["environment"] if name.startswith(("PG", "DYNAURORA_"))}
        assert told["environment"]["AWS_ENDPOINT_URL"] == server.endpoint_url
        assert told["environment"]["TZ"] == "UTC"
        assert told["python"] == sys.executable


def test_killing_it_ends_a_lambda_that_works(folder):
    with start(folder) as server:
        function(server, "work")
        server.client("lambda").invoke(
            FunctionName="work", InvocationType="Event", Payload=b'{"seconds": 60}'
        )
        deadline = time.monotonic() + 10
        while len(processes(server)) < 2:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        server.kill()
        assert processes(server) == []


def test_stopping_it_leaves_its_log_and_its_port_only(folder):
    with start(folder) as server:
        server.client("s3").create_bucket(Bucket="gone")
        assert folder.stat().st_mode & 0o077 == 0
    assert {path.name for path in folder.iterdir()} == {"ministack.log", "port"}
    assert processes(server) == []


def test_a_kept_state_is_there_after_a_restart_on_the_same_port(folder, taken_port):
    with start(folder, keep=True, region="eu-central-1") as server:
        port = server.port
        assert port != taken_port
        s3 = server.client("s3")
        s3.create_bucket(
            Bucket="kept", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
        )
        s3.put_object(Bucket="kept", Key="a/b c", Body=b"1")
        queue = server.client("sqs").create_queue(QueueName="kept")["QueueUrl"]
    with start(folder, keep=True, region="eu-central-1") as server:
        assert server.port == port
        assert server.client("s3").get_object(Bucket="kept", Key="a/b c")["Body"].read() == b"1"
        assert server.client("sqs").get_queue_url(QueueName="kept")["QueueUrl"] == queue
        assert queue.startswith(server.endpoint_url)


def test_a_server_left_by_a_killed_run_is_stopped_and_keeps_its_state(folder, run):
    with run(LEAVE, folder) as (process, left):
        process.kill()
        process.wait()
        server = LocalAws(folder, keep=True)
        assert [process.pid for process in processes(server)] == [int(left)]
        with server:
            assert [process.pid for process in processes(server)] == [server._server.pid]
            buckets = server.client("s3").list_buckets()["Buckets"]
            assert [bucket["Name"] for bucket in buckets] == ["left"]


def test_where_the_usual_port_is_taken_it_takes_another(folder, taken_port):
    with start(folder) as server:
        assert server.port != taken_port
        assert server.client("s3").list_buckets()["Buckets"] == []


def test_two_that_choose_the_same_port_at_the_same_time_both_start(tmp_path, free_port):
    first, second = LocalAws(tmp_path / "first"), LocalAws(tmp_path / "second")
    try:
        for server in (first, second):
            server.folder.mkdir()
            (server.folder / "port").write_text(str(free_port))
        first.begin()
        second.begin()
        assert first.port == second.port == free_port
        first.start()
        second.start()
        assert first.port != second.port
        assert first.is_running
    finally:
        first.stop()
        second.stop()


def test_a_port_that_was_asked_for_and_is_taken_is_said(folder, taken_port):
    with pytest.raises(LocalServerError, match=f"port {taken_port} of 127.0.0.1: is in use"):
        start(folder, port=taken_port)


def test_a_program_that_ends_early_is_said_with_its_last_words(folder, monkeypatch):
    monkeypatch.setattr(sys, "executable", shutil.which("ls"))
    with pytest.raises(LocalServerError, match="did not start, it ended early") as caught:
        start(folder)
    assert "ls: " in str(caught.value)
    assert str(folder / "ministack.log") in str(caught.value)
