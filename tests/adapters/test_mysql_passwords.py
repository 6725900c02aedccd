"""A password of MySQL goes through TLS, or to a server on this machine; else nobody signs in."""

import socket
import threading
from urllib.parse import urlsplit

import pytest

from dynaurora.adapters import mysql
from dynaurora.errors import SettingsError

pytestmark = pytest.mark.engines("mysql")


@pytest.fixture
def without_tls(server):
    """MySQL without TLS, with a user that has a password. MariaDB's asks for no key."""
    if "MariaDB" in server.execute("select version()")[0][0]:
        pytest.skip("MariaDB has no caching_sha2_password")
    ((versions,),) = server.execute("select @@global.tls_version")
    session = mysql.connect(server.url)
    session.execute("set global tls_version = ''")
    session.execute("alter instance reload tls no rollback on error")
    session.execute("create user signs identified by 'secret'")
    session.execute(f"grant all on {urlsplit(server.url).path[1:]}.* to signs")
    try:
        yield urlsplit(server.url)
    finally:
        session.execute("drop user signs")
        session.execute(f"set global tls_version = '{versions}'")
        session.execute("alter instance reload tls no rollback on error")
        session.close()


def test_a_password_reaches_a_server_on_this_machine_without_tls(without_tls):
    url = without_tls._replace(netloc="signs:secret@").geturl()
    session = mysql.connect(url)
    assert session.fetch("show status like 'Ssl_cipher'") == [("Ssl_cipher", "")]
    session.close()


CAPABILITIES = (1 << 9 | 1 << 15 | 1 << 19).to_bytes(4, "little")  # 4.1, a salt, plugins
GREETING = (
    *(b"\x0a8.0.0\0", bytes(4), b"saltsalt\0", CAPABILITIES[:2], b"\x2d", bytes(2)),
    *(CAPABILITIES[2:], b"\x15", bytes(10), b"salt of more\0", b"caching_sha2_password\0"),
)
FULL_AUTHENTICATION, PUBLIC_KEY = b"\x01\x04", b"\x01a key"


def mysql_without_tls(listening):
    """As much of a server as there is before a password.

    https://dev.mysql.com/doc/dev/mysql-server/latest/page_caching_sha2_authentication_exchanges.html
    """
    near, _ = listening.accept()
    with near:
        for number, said in enumerate((b"".join(GREETING), FULL_AUTHENTICATION, PUBLIC_KEY)):
            near.sendall(len(said).to_bytes(3, "little") + bytes([2 * number]) + said)
            near.recv(65536)


def test_a_password_is_sent_to_no_port_without_tls():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        serving = threading.Thread(target=mysql_without_tls, args=(listening,))
        serving.start()
        port = listening.getsockname()[1]
        with pytest.raises(SettingsError, match="a server that has TLS"):
            mysql.connect(f"mysql://signs:secret@127.0.0.1:{port}/shop")
        serving.join()
