"""Drive the load by hand: lines, objects in memory, a real database.

What is to go wrong is said with ``before`` and ``after``: at a step of a load (a statement, a
commit, a copy to the archive) something is done, or raised, as if the world did it.
"""

import json
import textwrap
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from itertools import count
from typing import Any
from urllib.parse import urlsplit

from dynaurora.adapters.database import Database, engine_of
from dynaurora.adapters.memory import MemoryObjects
from dynaurora.intake import sweep, take_in
from dynaurora.metadata import Metadata
from dynaurora.model.claims import claim_to, packed
from dynaurora.model.events import ObjectName
from dynaurora.model.lines import decode_line, encode_line, pointer_to
from dynaurora.parts import Parts
from dynaurora.plugins.folder import PluginFolder
from dynaurora.plugins.statements import dialect_of
from dynaurora.settings import DatabaseSettings
from support.servers import BETWEEN_LOOKS_S, Server

ACCOUNT = "111122223333"
REGION = "eu-west-1"
LABEL = "2026-01-01T00:00:00.000"
PATIENCE_S = 20

LOCK = ("select pg_advisory_xact_lock", "select number from dynaurora.tables where")
"""How the step that takes the table's lock begins, on one engine or the other."""

ARBITRATION = ("with winners", "insert into dynaurora.ledger_")
"""How the step that moves the ledger begins."""


class Invocation:
    """A clock that does not wait. left_ms: what is left of the invocation; it stays so."""

    def __init__(self, left_ms: int = 600_000):
        self.left_ms = left_ms

    def remaining_ms(self):
        return self.left_ms

    def sleep(self, seconds):
        pass


def stream_arn(table: str, label: str = LABEL, account: str = ACCOUNT, region: str = REGION) -> str:
    return f"arn:aws:dynamodb:{region}:{account}:table/{table}/stream/{label}"


def line(
    table: str,
    seq: int,
    keys: Mapping[str, Any],
    new: Mapping[str, Any] | None = None,
    **fields: Any,
) -> bytes:
    """One line; without a new image a REMOVE. The keys are part of the image."""
    found = {
        "v": 1,
        "table": table,
        "stream": stream_arn(table),
        "op": "REMOVE" if new is None else "MODIFY",
        "keys": dict(keys),
        "seq": str(seq),
        "at": 1_700_000_000,
    }
    if new is not None:
        found["new"] = {**keys, **new}
    return encode_line(found | fields)


def changed(text: bytes, **fields: Any) -> bytes:
    """A line with other fields, also such as no encoder of ours would write."""
    return json.dumps(json.loads(text) | fields).encode()


class Crash(BaseException):
    """The worker's process is gone. No handler of an error may see it."""


Step = Callable[[str], None]


class WatchedConnection:
    """A connection that tells of each step before it is taken, and of each commit after it."""

    def __init__(self, connection, before: Step, after: Step):
        self._connection = connection
        self._before = before
        self._after = after

    def execute(self, statement, parameters=()):
        self._before(statement)
        return self._connection.execute(statement, parameters)

    def execute_all(self, statements):
        for statement in statements:
            self._before(statement)
        return self._connection.execute_all(statements)

    def fetch(self, statement, parameters=()):
        self._before(statement)
        return self._connection.fetch(statement, parameters)

    def fetch_named(self, statement):
        return self._connection.fetch_named(statement)

    def copy_in(self, relation, columns, blocks):
        self._before(f"copy {relation}")
        self._connection.copy_in(relation, columns, blocks)

    @contextmanager
    def transaction(self):
        with self._connection.transaction():
            yield
            self._before("commit")
        self._after("commit")

    def savepoint(self):
        return self._connection.savepoint()

    def is_healthy(self):
        return self._connection.is_healthy()

    def close(self):
        self._connection.close()


class WatchedObjects:
    """An object store that tells of each step before and after it."""

    def __init__(self, store, before: Step, after: Step):
        self._store = store
        self._before = before
        self._after = after

    def read(self, name):
        return self._told("read", self._store.read, name)

    def exists(self, name):
        return self._told("exists", self._store.exists, name)

    def copy(self, source, etag, target):
        return self._told("archive", self._store.copy, source, etag, target)

    def delete(self, name):
        return self._told("delete", self._store.delete, name)

    def folders(self, bucket):
        return self._store.folders(bucket)

    def list_older(self, bucket, folder, age_s, after=""):
        return self._store.list_older(bucket, folder, age_s, after)

    def _told(self, step, work, *arguments):
        self._before(step)
        found = work(*arguments)
        self._after(step)
        return found


def side_by_side(*works: Callable[[], Any]) -> list[Any]:
    """Do these at the same time, each in a thread; their outcomes, or the first failure."""
    with ThreadPoolExecutor(len(works)) as pool:
        return [future.result() for future in [pool.submit(work) for work in works]]


class LoadMachine:
    """A load with everything around it in memory but the database.

    before, after: called with each step of its loads: a statement, ``copy <relation>``, ``commit``,
    ``read``, ``archive``, ``delete``.
    """

    def __init__(self, url, folder, *, store=None):
        self.store = MemoryObjects() if store is None else store
        self.folder = folder / "sqlqueries"
        self.folder.mkdir(exist_ok=True)
        self.url = url
        self.engine = engine_of(url)
        self.server = Server(url)
        self.database = Database(DatabaseSettings(url=url, secret_arn="", schema="dynaurora"))
        self.clock = Invocation()
        self.before: Step = lambda _: None
        self.after: Step = lambda _: None
        self._numbers = count(1)
        self._plugins = PluginFolder(self.folder, self.engine)

    def use_schema(self, schema: str) -> None:
        """Keep the metadata in another schema, as another pipeline does."""
        self.database.close()
        self.database = Database(DatabaseSettings(url=self.url, secret_arn="", schema=schema))

    def twin(self) -> "LoadMachine":
        """Another worker on the same database, bucket and plugins."""
        return LoadMachine(self.url, self.folder.parent, store=self.store)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.database.close()

    def plugin(self, table: str, text: str) -> None:
        (self.folder / f"{table}.py").write_text(textwrap.dedent(text))

    def put(self, table: str, *lines: bytes, key: str = "") -> ObjectName:
        """A raw object of these lines."""
        key = key or f"{table}/2026/01/01/00/{next(self._numbers):04d}"
        name = ObjectName("raw", key)
        self.store.put(name, b"".join(text + b"\n" for text in lines))
        return name

    def pointer(self, text: bytes, *, has_body: bool = True) -> bytes:
        """The pointer to a line, whose body is in the backup bucket."""
        line = decode_line(text)
        claim = claim_to(line["table"], line["seq"], line["at"], text)
        if has_body:
            self.store.put(ObjectName("backup", claim["object"]), packed(text))
        return encode_line(pointer_to(line, claim))

    def load(self, *names: ObjectName, receives: int = 1):
        with self.database.session() as engine:
            return take_in(
                self.parts(engine),
                names,
                receives=dict.fromkeys({n.table for n in names}, receives),
            )

    def load_lines(self, table: str, *lines: bytes):
        """Put an object and load it; what that load came to."""
        report = self.load(self.put(table, *lines))
        return report.loaded.get(table)

    def sweep(self, **options):
        with self.database.session() as engine:
            return sweep(self.parts(engine), **options)

    def rows(self, statement: str) -> list[tuple]:
        with self.database.session() as engine:
            return engine.connection.fetch(statement)

    def of_engine(self, postgresql, mysql):
        """What the engine of this machine says in its own way."""
        return postgresql if self.engine == "postgresql" else mysql

    @property
    def database_name(self) -> str:
        return urlsplit(self.url).path[1:]

    def quoted(self, name: str) -> str:
        """A name as the engine quotes it."""
        return dialect_of(self.engine).quoted(name)

    def execute(self, statement: str) -> None:
        with self.database.session() as engine:
            engine.connection.execute(statement)

    def state(self, table: str):
        """Why the table is parked, and the reason."""
        (found,) = self.rows(
            f"select coalesce(parked_for, ''), coalesce(reason, '') from dynaurora.tables "
            f"where name = '{table}'"
        )
        return found

    def quarantine(self):
        return self.rows(
            "select t.name, q.state, q.reason, q.message, q.code, q.line "
            "from dynaurora.quarantine q join dynaurora.tables t on t.number = q.table_number "
            "order by q.quarantined_at"
        )

    def drop(self, table: str) -> None:
        with self.database.session() as engine:
            metadata = Metadata(engine.connection, engine.queries)
            plugin = self._plugins.plugin(table)
            metadata.drop_tables(plugin, metadata.registration(table), "dropped")

    def unpark(self, table: str) -> None:
        with self.database.session() as engine:
            metadata = Metadata(engine.connection, engine.queries)
            metadata.unpark(metadata.registration(table))

    def end_session(self) -> None:
        """The server ends the session of this worker."""
        self.server.end_session(self.database._connection)

    def wait_until_blocked(self, count: int = 1) -> None:
        """Wait until so many sessions wait for a lock that another one holds."""
        deadline = time.monotonic() + PATIENCE_S
        while self.server.blocked() < count:
            assert time.monotonic() < deadline, "nobody waits for a lock"
            threading.Event().wait(BETWEEN_LOOKS_S[self.server.engine])

    def parts(self, engine):
        """What a stage is given: everything watched."""
        connection = WatchedConnection(engine.connection, self._before_step, self._after_step)
        store = WatchedObjects(self.store, self._before_step, self._after_step)
        engine = replace(engine, connection=connection)
        return Parts(store, engine, self._plugins, self.clock, "raw", "backup")

    def _before_step(self, step):
        self.before(step)

    def _after_step(self, step):
        self.after(step)
