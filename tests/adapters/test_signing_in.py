"""A database that wakes is waited for, one that is away is not; and what a token is."""

import socket
import ssl
import threading
import time
from contextlib import contextmanager
from urllib.parse import parse_qs, parse_qsl, urlsplit

import boto3
import pytest

from dynaurora.adapters.aws import database_token
from dynaurora.adapters.database import WAKING_S, Database
from dynaurora.errors import AwsError, DatabaseAway, DatabaseError, SettingsError
from dynaurora.settings import DatabaseSettings
from support import certificates
from support.forwarding import forwarding, free_port

HOST = "127.0.0.1"


def opened(url, **given):
    return Database(DatabaseSettings(url, "", "dynaurora"), **given)


@pytest.fixture
def elsewhere(server):
    """The server's URL by a port at which nobody answers yet, and who answers there."""
    port = free_port(HOST)
    parts = urlsplit(server.url)
    options = parse_qs(parts.query)
    if server.engine == "postgresql":
        path = f"{options['host'][0]}/.s.PGSQL.{options['port'][0]}"
    elif "unix_socket" in options:
        path = options["unix_socket"][0]
    else:
        pytest.skip("This server has no socket.")
    user = parts.netloc.partition("@")[0]
    url = f"{server.engine}://{user}@{HOST}:{port}{parts.path}"
    return url, lambda: forwarding((HOST, port), path)


@pytest.mark.each_engine
def test_a_database_that_wakes_is_waited_for(elsewhere):
    url, answering = elsewhere
    is_done = threading.Event()

    def wake():
        time.sleep(0.6)
        with answering():
            is_done.wait(30)

    waking = threading.Thread(target=wake)
    waking.start()
    database = opened(url, patience_s=20)
    with database.session() as engine:
        assert engine.connection.fetch("select 1") == [(1,)]
    database.close()
    is_done.set()
    waking.join()


@pytest.mark.each_engine
def test_a_database_on_this_machine_is_not_waited_for(elsewhere):
    begun = time.monotonic()
    with pytest.raises(DatabaseAway), opened(elsewhere[0]).session():
        pass
    assert time.monotonic() - begun < 5


@pytest.mark.each_engine
def test_who_takes_a_call_and_says_nothing_is_left_after_a_while(server, monkeypatch):
    """A paused cluster does so. A statement has other times than a greeting."""
    monkeypatch.setattr(f"dynaurora.adapters.{server.engine}.CONNECT_TIMEOUT_S", 2)
    with socket.create_server((HOST, 0)) as silent:
        url = f"{server.engine}://nobody@{HOST}:{silent.getsockname()[1]}/none"
        begun = time.monotonic()
        with pytest.raises(DatabaseAway), opened(url).session():
            pass
        assert time.monotonic() - begun < 10


def test_the_client_of_the_secret_is_made_once_however_often_it_is_read(server):
    """A worker that waits for its database would keep a client for each attempt."""
    made = []

    class Secrets:
        def __init__(self):
            made.append(self)

        def get_secret_value(self, **_given):
            return {"SecretString": '{"username": "nobody", "password": "none"}'}

    settings = DatabaseSettings(server.url, "arn:aws:secretsmanager:it", "dynaurora")
    database = Database(settings, secrets=Secrets)
    for _ in range(3):
        with pytest.raises(DatabaseError):
            database.session().__enter__()
    assert len(made) == 1


@pytest.mark.each_engine
def test_a_user_who_is_not_there_is_told_with_what_makes_it(server):
    parts = urlsplit(server.url)
    netloc = f"nobody:none@{parts.netloc.rpartition('@')[2]}"
    with pytest.raises(DatabaseError, match="`dynaurora bootstrap` makes"):
        opened(parts._replace(netloc=netloc).geturl()).session().__enter__()


@pytest.mark.parametrize("engine", ["postgresql", "mysql"])
def test_a_name_that_leads_nowhere_is_not_waited_for(engine):
    begun = time.monotonic()
    url = f"{engine}://user@nowhere.invalid/database"
    with (
        pytest.raises(DatabaseAway, match="Check DYNAURORA_DATABASE_URL"),
        opened(url, patience_s=60).session(),
    ):
        pass
    assert time.monotonic() - begun < 20


def test_waiting_ends_within_the_shortest_time_of_a_load():
    from dynaurora.adapters.access import CONNECT_TIMEOUT_S
    from support.templates import template

    timeouts = template("pipeline")["Parameters"]["LoadTimeoutSeconds"]["AllowedValues"]
    assert min(map(int, timeouts)) > WAKING_S + CONNECT_TIMEOUT_S


# --- tokens -------------------------------------------------------------------------------------


@pytest.fixture
def role(monkeypatch):
    """What Lambda puts into the environment of its code."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "ASIAEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of nobody")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "of/no+session==")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.delenv("AWS_PROFILE", raising=False)


def parsed(token):
    parts = urlsplit(f"https://{token}")
    return parts.netloc, parts.path, dict(parse_qsl(parts.query))


@pytest.mark.usefixtures("role")
def test_a_token_is_the_one_that_boto3_signs():
    client = boto3.client("rds")
    for _ in range(5):  # until both are of the same second
        ours = parsed(database_token("cluster.example", 5432, "load"))
        theirs = parsed(client.generate_db_auth_token("cluster.example", 5432, "load"))
        if ours[2]["X-Amz-Date"] == theirs[2]["X-Amz-Date"]:
            break
    assert ours == theirs
    assert ours[2]["X-Amz-Expires"] == "900"


@pytest.mark.usefixtures("role")
def test_without_a_region_there_is_no_token(monkeypatch, tmp_path):
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    with pytest.raises(AwsError, match="Region"):
        database_token("cluster.example", 5432, "load")
    assert "%2Feu-north-1%2F" in database_token("h", 5432, "load", region="eu-north-1")


def test_a_token_needs_a_user_in_the_url():
    settings = DatabaseSettings("postgresql://cluster.example/app", "", "dynaurora", is_iam=True)
    with pytest.raises(SettingsError, match=r"names no user.*Write it: .*://USER@HOST/database"):
        Database(settings, patience_s=0, tokens=lambda *_of: "token").session().__enter__()


def test_a_secret_and_a_token_exclude_each_other():
    with pytest.raises(SettingsError, match="one of them"):
        DatabaseSettings("postgresql://u@h/d", "arn:secret", "dynaurora", is_iam=True)


# --- Aurora MySQL asks for the token in the clear -----------------------------------------------


def packet(number, body):
    return len(body).to_bytes(3, "little") + bytes([number]) + body


def read_packet(file):
    head = file.read(4)
    return head[3], file.read(int.from_bytes(head[:3], "little"))


def greeting():
    """https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_connection_phase_packets_protocol_handshake_v10.html"""
    able = 0x81BFF7DF | 0x800  # with TLS
    return (
        b"\x0a8.0.39\0" + bytes(4) + b"12345678\0" + (able & 0xFFFF).to_bytes(2, "little")
        + b"\x2d\x02\0" + (able >> 16).to_bytes(2, "little") + b"\x15" + bytes(10)
        + b"123456789012\0" + b"mysql_native_password\0"
    )  # fmt: skip


@contextmanager
def aurora_mysql(folder):
    """As far as a password: it asks for that in the clear, and then refuses it."""
    made = certificates.made(folder, HOST)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(made.certificate, made.key)
    heard = []

    def serve(listening):
        client, _ = listening.accept()
        with client:
            client.sendall(packet(0, greeting()))
            client.recv(4 + 32, socket.MSG_WAITALL)  # the request for TLS
            with context.wrap_socket(client, server_side=True) as encrypted:
                file = encrypted.makefile("rb")
                number, _login = read_packet(file)
                encrypted.sendall(packet(number + 1, b"\xfemysql_clear_password\0"))
                number, password = read_packet(file)
                heard.append(password)
                encrypted.sendall(packet(number + 1, b"\xff\x15\x04#28000Access denied"))

    with socket.create_server((HOST, 0)) as listening:
        serving = threading.Thread(target=serve, args=(listening,))
        serving.start()
        yield listening.getsockname()[1], str(made.authority), heard
        serving.join()


def test_aurora_mysql_gets_the_token_that_it_asks_for_over_tls(tmp_path):
    """https://dev.mysql.com/doc/refman/8.0/en/cleartext-pluggable-authentication.html"""
    with aurora_mysql(tmp_path) as (port, authority, heard):
        url = f"mysql://load@{HOST}:{port}/app"
        settings = DatabaseSettings(url, "", "dynaurora", is_iam=True, certificates=authority)
        database = Database(settings, tokens=lambda host, port, user: f"{host}:{port}/{user}")
        with pytest.raises(DatabaseError) as refused, database.session():
            pass
    assert refused.value.code == "1045"
    assert heard == [f"{HOST}:{port}/load\0".encode()]
