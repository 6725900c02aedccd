"""The engines that tests run on: a fresh database of each, and what a test does to its server."""

from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

from dynaurora.adapters.database import engine_of


@dataclass(frozen=True)
class Server:
    """A database on a running server."""

    url: str

    @property
    def engine(self):
        return engine_of(self.url)

    def execute(self, statement):
        """Run a statement on a connection of its own; its rows, if any."""
        if self.engine == "postgresql":
            import psycopg

            with psycopg.connect(self.url, autocommit=True) as connection:
                cursor = connection.execute(statement)
                return cursor.fetchall() if cursor.description else []
        from dynaurora.adapters import mysql

        connection = mysql.connect(self.url)
        try:
            return connection.fetch(statement)
        finally:
            connection.close()

    def end_session(self, connection):
        """End the session of one of our connections."""
        if self.engine == "postgresql":
            process = connection._connection.info.backend_pid
            self.execute(f"select pg_terminate_backend({process}, 5000)")
        else:
            self.execute(f"kill {connection._connection.thread_id()}")

    def blocked(self):
        """How many sessions wait for a lock that another one holds."""
        counts = [
            self.execute(f"select count(*) from {what}")[0][0] for what in _BLOCKED[self.engine]
        ]
        return sum(counts)

    @contextmanager
    def fresh(self, name):
        """A new, empty database beside this one, which is dropped in the end; and so are the
        metadata, which have a database of their own on MySQL."""
        found = Server(urlsplit(self.url)._replace(path=f"/{name}").geturl())
        self._drop(name)
        self.execute(f"create database {name}")
        try:
            yield found
        finally:
            self._drop(name)

    def empty(self):
        """Drop all that is in it, the metadata, too. Who is connected connects again."""
        if self.engine == "postgresql":
            self.execute("drop schema if exists dynaurora cascade")
            self.execute("drop schema public cascade")
            self.execute("create schema public")
            return
        found = "information_schema.tables where table_schema = database()"
        self.execute("drop database if exists dynaurora")
        # The tables are of one plugin: no view is among them, and a child begins with its parent.
        tables = [table for (table,) in self.execute(f"select table_name from {found}")]
        for table in sorted(tables, key=len, reverse=True):
            self.execute(f"drop table `{table}`")

    def _drop(self, name):
        if self.engine == "postgresql":
            self.execute(f"drop database if exists {name} with (force)")
        else:
            self.execute(f"drop database if exists {name}")
            self.execute("drop database if exists dynaurora")


BETWEEN_LOOKS_S = {"postgresql": 0.002, "mysql": 0.15}
"""InnoDB tells of transactions what it has told before, until nobody has asked for 0.1 s.
https://dev.mysql.com/doc/refman/8.0/en/innodb-information-schema-internal-data.html"""

_BLOCKED = {
    "postgresql": ("pg_locks where not granted and pid <> pg_backend_pid()",),
    "mysql": (
        "information_schema.innodb_trx where trx_state = 'LOCK WAIT'",
        "information_schema.processlist where state like '%metadata lock%' or state = 'User lock'",
    ),
}
