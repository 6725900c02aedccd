"""A connection over TLS: to a server that proves who it is, and to no other."""

import secrets
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from urllib.parse import quote

import pytest

from dynaurora.adapters.database import Database
from dynaurora.errors import DatabaseError, LocalServerError, SettingsError
from dynaurora.settings import DatabaseSettings
from support import certificates
from support.forwarding import forwarding

USER = "loader"
TOKEN = f"cluster:5432/?Action=connect&DBUser={USER}&X-Amz-Security-Token={'aZ%2F9' * 200}"
"""As long as those of a Lambda are."""


@dataclass(frozen=True)
class TlsServer:
    """A server that takes nobody without TLS, at an address that its certificate names and at
    another that it does not."""

    engine: str
    address: str
    other_address: str
    authority: str

    def url(self, address="", options=""):
        database = {"postgresql": "dynaurora", "mysql": "aurora"}[self.engine]
        return f"{self.engine}://{USER}@{address or self.address}/{database}{options}"

    @property
    def by_password(self):
        return self.url().replace(USER, f"{USER}:{quote(TOKEN, safe='')}")


def open_database(tls, url="", authority=None, **given):
    trusted = tls.authority if authority is None else authority
    settings = DatabaseSettings(url or tls.by_password, "", "dynaurora", certificates=trusted)
    return Database(settings, patience_s=0, **given)


def with_iam(tls, tokens, url=""):
    settings = DatabaseSettings(
        url or tls.url(), "", "dynaurora", is_iam=True, certificates=tls.authority
    )
    return Database(settings, patience_s=0, tokens=tokens)


def is_encrypted(engine):
    if engine.dialect.engine == "postgresql":
        return engine.connection._connection.pgconn.ssl_in_use
    return engine.connection.fetch("show status like 'Ssl_cipher'")[0][1] != ""


@pytest.fixture(scope="module", params=["postgresql", "mysql"])
def tls(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    # On a loopback of our own, with the usual port: several of these tests may run at once.
    near = f"127.{secrets.randbelow(200) + 20}.{secrets.randbelow(250)}"
    address, other = f"{near}.2", f"{near}.3"
    made = certificates.made(folder, address)
    if request.param == "mysql":
        request.getfixturevalue("mysql")  # or it is skipped
    serving = {"postgresql": postgresql, "mysql": mariadb}[request.param]
    with ExitStack() as running:
        try:
            running.enter_context(serving(folder, made, (address, other)))
        except LocalServerError as error:  # the tests may have been given a server without it
            pytest.skip(str(error))
        yield TlsServer(request.param, address, other, str(made.authority))


@contextmanager
def postgresql(folder, made, addresses):
    """The wheel's server is built without TLS: it has an end of it in front of it."""
    import psycopg

    from dynaurora.local.postgresql import SOCKET, LocalPostgresql

    with LocalPostgresql(folder / "server") as found:
        with psycopg.connect(found.url, autocommit=True) as connection:
            connection.execute(f"create role {USER} login password '{TOKEN}'")
            # As Aurora with IAM: the password arrives in the clear, over TLS alone.
            rules = f"local all {USER} password\nlocal all all trust\n"
            (found.data / "pg_hba.conf").write_text(rules)
            connection.execute("select pg_reload_conf()")
        with ExitStack() as ends:
            for address in addresses:
                ends.enter_context(forwarding((address, 5432), str(found.data / SOCKET), made))
            yield


@contextmanager
def mariadb(folder, made, addresses):
    import pymysql

    from dynaurora.local.mariadb import SOCKET, LocalMariadb

    options = (
        *("--skip-networking=0", f"--bind-address={','.join(addresses)}", "--port=3306"),
        *(f"--ssl-cert={made.certificate}", f"--ssl-key={made.key}"),
        "--require-secure-transport=1",
    )
    with LocalMariadb(folder / "server", settings=options) as found:
        path = str(found.data / SOCKET)
        with (
            pymysql.connect(unix_socket=path, user="root", ssl_disabled=True) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute(f"create user {USER}@'%%' identified by %s require ssl", [TOKEN])
            cursor.execute(f"grant all on aurora.* to {USER}@'%'")
        yield


def test_who_trusts_the_right_authority_connects_over_tls(tls):
    database = open_database(tls)
    with database.session() as engine:
        assert is_encrypted(engine)
    database.close()


def test_the_url_may_name_the_authority_itself(tls):
    option = {"postgresql": "sslrootcert", "mysql": "ssl_ca"}[tls.engine]
    url = f"{tls.by_password}?{option}={quote(tls.authority)}"
    database = open_database(tls, url, authority="/of/somebody/else.pem")
    with database.session() as engine:
        assert is_encrypted(engine)
    database.close()


def test_a_server_of_another_authority_is_refused_and_told_what_to_do(tls, tmp_path):
    another = certificates.made(tmp_path, tls.address).authority
    with pytest.raises(SettingsError, match="DYNAURORA_DATABASE_CA") as refused:
        open_database(tls, authority=str(another)).session().__enter__()
    assert "certificate" in refused.value.found or "issuer" in refused.value.found
    assert "global-bundle.pem" in refused.value.remedy


def test_a_server_of_another_name_is_refused(tls):
    url = tls.by_password.replace(tls.address, tls.other_address)
    with pytest.raises(SettingsError, match="certificate"):
        open_database(tls, url).session().__enter__()


def test_a_file_of_certificates_that_is_not_there_is_told_by_its_name(tls):
    with pytest.raises(SettingsError, match=r"nowhere\.pem"):
        open_database(tls, authority="/nowhere.pem").session().__enter__()


def test_a_token_of_iam_arrives_as_the_password_and_only_over_verified_tls(tls):
    asked = []

    def signed(host, port, user):
        asked.append((host, port, user))
        return TOKEN

    # The URL's word against it does not count: the server gets the token in the clear.
    weak = {"postgresql": "?sslmode=disable", "mysql": "?ssl_mode=disabled"}[tls.engine]
    for options in ("", weak):
        database = with_iam(tls, signed, tls.url(options=options))
        with database.session() as engine:
            assert is_encrypted(engine)
        database.close()
    port = {"postgresql": 5432, "mysql": 3306}[tls.engine]
    assert asked == [(tls.address, port, USER)] * 2
    with pytest.raises(SettingsError, match="certificate"):
        with_iam(tls, signed, tls.url(tls.other_address)).session().__enter__()


def test_each_connection_has_a_token_of_its_own(tls):
    tokens = iter([TOKEN, TOKEN, "one of an hour ago"])
    database = with_iam(tls, lambda *_of: next(tokens))
    for _ in range(2):
        with database.session() as engine:
            assert is_encrypted(engine)
            _end(tls, engine)
    assert next(tokens) != TOKEN
    database.close()


def test_who_has_no_token_that_holds_is_not_let_in_and_does_not_wait(tls):
    begun = time.monotonic()
    settings = DatabaseSettings(tls.url(), "", "dynaurora", is_iam=True, certificates=tls.authority)
    database = Database(settings, patience_s=30, tokens=lambda *_of: "one of an hour ago")
    with pytest.raises(DatabaseError):
        database.session().__enter__()
    assert time.monotonic() - begun < 15


def _end(tls, engine):
    """End the session from the server's side, as Aurora does when it fails over."""
    if tls.engine == "postgresql":
        statement = "select pg_terminate_backend(pg_backend_pid())"
    else:
        statement = "kill connection_id()"
    with pytest.raises(DatabaseError):
        engine.connection.execute(statement)
