"""A real MySQL for the tests that run on each engine: `make test-mysql`.

MariaDB takes what MySQL refuses (a temporary table twice in a statement) and has what MySQL has not
(`md5`), so it hides such faults. The server is Debian's, from the release that has it; it brings
its own C library and its own loader, so it runs beside the machine's, and no root is needed.
"""

import os
import signal
import subprocess
import sys
import time

from dynaurora.adapters import mysql
from dynaurora.errors import DatabaseAway
from dynaurora.local.debian import unpacked
from dynaurora.local.folders import MARIADB, temporary
from dynaurora.local.processes import end, spawn, tail

PACKAGE, RELEASE = "mysql-server-core", "unstable"
PATIENCE_S = 120
OPTIONS = (
    "--skip-networking",
    "--mysqlx=OFF",
    "--socket=mysql.sock",
    "--pid-file=mysqld.pid",
    "--secure-file-priv=",
    "--local-infile=1",
    "--skip-log-bin",
    "--default-time-zone=+00:00",
    "--innodb-buffer-pool-size=256M",
)


def command(root, data):
    """The server, by way of the loader that it was built with."""
    libraries = root / "usr" / "lib" / f"{os.uname().machine}-linux-gnu"
    (loader,) = libraries.glob("ld-linux-*.so.2")
    share = root / "usr" / "share" / "mysql"
    user = ("--user=root",) if os.geteuid() == 0 else ()
    return [
        *(loader, "--library-path", libraries, root / "usr" / "sbin" / "mysqld"),
        *("--no-defaults", f"--datadir={data}", f"--basedir={root / 'usr'}"),
        *(f"--lc-messages-dir={share}", f"--character-sets-dir={share / 'charsets'}", *user),
    ]


def started(root, folder):
    """A running server with new data; its process and its URL."""
    data, log = folder / "data", folder / "mysql.log"
    data.mkdir(parents=True)
    made = command(root, data)
    with log.open("ab") as output:
        subprocess.run([*made, "--initialize-insecure"], stderr=output, check=True)
    server = spawn([*made, *OPTIONS], folder=data, environment={"LC_ALL": "C"}, log=log)
    url = f"mysql://root@/mysql?unix_socket={data / 'mysql.sock'}"
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            mysql.connect(url).close()
        except DatabaseAway:
            if server.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(tail(log)) from None
            time.sleep(0.1)
        else:
            return server, url


def main(arguments):
    root = unpacked("mysql", [PACKAGE], release=RELEASE)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    with temporary() as folder:
        server, url = started(root, folder / MARIADB)  # where the next run ends what is left
        try:
            environment = {**os.environ, "DYNAURORA_TEST_MYSQL_URL": url}
            command = [sys.executable, "-m", "pytest", "-k", "mysql", *arguments]
            return subprocess.run(command, env=environment, check=False).returncode
        finally:
            end(server, [], signal.SIGTERM, PATIENCE_S)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
