"""Drive the load by hand: lines, objects in memory, a real database."""

import textwrap
from collections.abc import Mapping
from itertools import count
from typing import Any

from dynaurora.adapters.database import Database
from dynaurora.adapters.memory import MemoryObjects
from dynaurora.intake import Parts, sweep, take_in
from dynaurora.model.events import ObjectName
from dynaurora.model.lines import encode_line
from dynaurora.plugins.folder import PluginFolder
from dynaurora.settings import DatabaseSettings

ACCOUNT = "111122223333"
REGION = "eu-west-1"
LABEL = "2026-01-01T00:00:00.000"


class Invocation:
    """A clock with time enough that does not wait."""

    def remaining_ms(self):
        return 600_000

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


class LoadMachine:
    """A load with everything around it in memory but the database."""

    def __init__(self, url, folder):
        self.store = MemoryObjects()
        self.folder = folder / "sqlqueries"
        self.folder.mkdir()
        self.database = Database(DatabaseSettings(url=url, secret_arn="", schema="dynaurora"))
        self.url = url
        self._numbers = count(1)
        self._plugins = PluginFolder(self.folder, "postgresql")

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

    def load(self, *names: ObjectName, receives: int = 1):
        with self.database.session() as engine:
            return take_in(self._parts(engine), names, receives=receives)

    def load_lines(self, table: str, *lines: bytes):
        """Put an object and load it; what that load came to."""
        report = self.load(self.put(table, *lines))
        return report.loaded.get(table)

    def sweep(self, **options):
        with self.database.session() as engine:
            return sweep(self._parts(engine), **options)

    def rows(self, statement: str) -> list[tuple]:
        with self.database.session() as engine:
            return engine.connection.fetch(statement)

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

    def _parts(self, engine):
        return Parts(self.store, engine, self._plugins, Invocation(), "raw", "backup")
