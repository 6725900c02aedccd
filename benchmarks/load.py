"""The load: from gzip bytes to commit, beside the same rows as prepared COPY bytes.

The floor copies into a temporary table, upserts, commits, and knows nothing of order, duplicates,
deletes, exactness or quarantine.
"""

import gzip
import hashlib
import random
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, cast

from measures import Measure, rates, seconds

from dynaurora.adapters import mysql, postgresql
from dynaurora.adapters.database import Database, engine_of
from dynaurora.adapters.memory import MemoryObjects
from dynaurora.etl import Engine, unpacked
from dynaurora.intake import take_in
from dynaurora.metadata import Metadata
from dynaurora.model.events import ObjectName
from dynaurora.model.lines import Line, decode_line, encode_line, split_lines
from dynaurora.parts import Parts
from dynaurora.plugins.contract import Engine as EngineName
from dynaurora.plugins.contract import Plugin
from dynaurora.plugins.folder import PluginFolder
from dynaurora.plugins.loading import load_plugin
from dynaurora.plugins.statements import dialect_of
from dynaurora.ports import Connection, RelationColumn, StoredObject
from dynaurora.settings import DatabaseSettings
from dynaurora.sql.dialect import Dialect
from dynaurora.staging import Staging

TABLE = "orders"
OBJECT_LINES = 8_000
STREAM = f"arn:aws:dynamodb:eu-west-1:111122223333:table/{TABLE}/stream/2026-01-01T00:00:00.000"
PLUGIN = """
from dynaurora import Table

orders = Table(
    key="order_id",
    columns={
        "order_id": "text",
        "customer": "text",
        "status": "text",
        "total": "numeric(12,2)",
        "quantity": "integer",
        "is_gift": "boolean",
        "placed_at": "timestamptz",
        "address": "json",
        "lines": "json",
        "tags": "text[]",
    },
)
"""


def objects(count: int, generation: int) -> list[StoredObject]:
    """gzip objects of one version of each item, in an order of their own."""
    numbers = list(range(count))
    chance = random.Random(generation)
    chance.shuffle(numbers)
    found = []
    for start in range(0, count, OBJECT_LINES):
        part = numbers[start : start + OBJECT_LINES]
        lines = [_line(n, generation * count + start + i, chance) for i, n in enumerate(part)]
        data = gzip.compress(b"\n".join(lines) + b"\n", compresslevel=1)
        name = ObjectName("raw", f"{TABLE}/{generation}/{start:08d}")
        found.append(StoredObject(name, hashlib.sha256(data).hexdigest(), data))
    return found


def lines(count: int) -> Iterator[Line]:
    """The changes of the first version of the items."""
    for stored in objects(count, 1):
        yield from map(decode_line, split_lines(unpacked(stored.data)))


def measure(url: str, folder: Path, *, count: int, times: int) -> Iterator[Measure]:
    """Both loads, alternating with their floors. url: of an empty database."""
    engine_name = engine_of(url)
    dialect = dialect_of(engine_name)
    plugin = _plugin(folder, engine_name)
    versions = {"new": objects(count, 1), "existing": objects(count, 2)}
    prepared = {name: _prepared(plugin, dialect, found) for name, found in versions.items()}
    ours: dict[str, list[float]] = {name: [] for name in versions}
    floor: dict[str, list[float]] = {name: [] for name in versions}
    for _ in range(times):
        empty(url)
        for name in versions:
            floor[name].append(seconds(partial(_floor, url, plugin, dialect, prepared[name])))
        empty(url)
        database = Database(DatabaseSettings(url=url, secret_arn="", schema="dynaurora"))
        for name, found in versions.items():
            with database.session() as engine:
                Metadata(engine.connection, engine.queries).create()
                parts = parts_of(engine, folder, found)
                names = [stored.name for stored in found]
                ours[name].append(seconds(partial(take_in, parts, names)))
        database.close()
    for name in versions:
        yield rates(f"load, {name} rows", engine_name, count, ours[name], floor[name])


class Invocation:
    """A clock with time enough."""

    def remaining_ms(self) -> int:
        return 900_000

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


def parts_of(engine: Engine, folder: Path, found: list[StoredObject]) -> Parts:
    store = MemoryObjects()
    for stored in found:
        store.put(stored.name, stored.data)
    plugins = PluginFolder(folder, cast("EngineName", engine.dialect.engine))
    return Parts(store, engine, plugins, Invocation(), "raw", "backup")


def _plugin(folder: Path, engine: EngineName) -> Plugin:
    path = folder / f"{TABLE}.py"
    path.write_text(PLUGIN)
    return load_plugin(path, TABLE, engine)


def _line(number: int, seq: int, chance: random.Random) -> bytes:
    key: dict[str, Any] = {"order_id": {"S": f"order-{number:09d}"}}
    image = {
        **key,
        "customer": {"S": f"customer {chance.randrange(50_000)}"},
        "status": {"S": chance.choice(["new", "paid", "sent", "returned"])},
        "total": {"N": f"{chance.randrange(1, 99_999)}.{chance.randrange(100):02d}"},
        "quantity": {"N": str(chance.randrange(1, 100))},
        "is_gift": {"BOOL": chance.random() < 0.1},
        "placed_at": {"S": f"2026-01-{chance.randrange(1, 29):02d}T12:{number % 60:02d}:00Z"},
        "address": {
            "M": {
                "street": {"S": f"{number % 200} Main Street"},
                "city": {"S": "Springfield"},
                "zip": {"N": str(10_000 + number % 80_000)},
            }
        },
        "lines": {
            "L": [
                {"M": {"sku": {"S": f"sku-{chance.randrange(9999)}"}, "price": {"N": "12.50"}}}
                for _ in range(2)
            ]
        },
        "tags": {"SS": ["web", "summer", f"t{number % 100}"]},
    }
    return encode_line(
        {
            "v": 1,
            "table": TABLE,
            "stream": STREAM,
            "op": "MODIFY",
            "keys": key,
            "new": image,
            "seq": str(800_000_000_000_000_000_000 + seq),
            "at": 1_780_000_000,
        }
    )


def _prepared(plugin: Plugin, dialect: Dialect, found: list[StoredObject]) -> list[bytes]:
    """The rows of the plugin's columns alone, as COPY reads them."""
    staging = Staging(plugin, dialect, lambda _: 0)
    for stored in found:
        staging.add(stored.name, unpacked(stored.data))
    staged = staging.relations()[0]
    skipped = len(staged.columns) - len(plugin.columns)
    rows = [row.split("\t", skipped)[-1] for row in staged.rows]
    return [("\n".join(rows[n : n + 2000]) + "\n").encode() for n in range(0, len(rows), 2000)]


def _floor(url: str, plugin: Plugin, dialect: Dialect, blocks: list[bytes]) -> None:
    names = [dialect.quoted(name) for name in plugin.columns]
    listed = ", ".join(names)
    source = "excluded" if engine_of(url) == "postgresql" else "n"
    updates = ", ".join(f"{name} = {source}.{name}" for name in names[1:])
    columns = [RelationColumn(n, dialect.sql_type(c.type)) for n, c in plugin.columns.items()]
    types = [f"{dialect.quoted(column.name)} {column.sql_type}" for column in columns]
    connection = _connected(url)
    for statement in plugin.create:
        connection.execute(statement)
    with connection.transaction():
        connection.execute(f"create temporary table st ({', '.join(types)})")
        connection.copy_in("st", columns, blocks)
        if source == "excluded":
            upsert = f"select {listed} from st on conflict (order_id) do update set {updates}"
        else:
            upsert = (
                f"select * from (select {listed} from st) as n on duplicate key update {updates}"
            )
        connection.execute(f"insert into orders ({listed}) {upsert}")
    connection.close()


def empty(url: str) -> None:
    connection = _connected(url)
    cascade, settle = {
        "postgresql": ("cascade", "checkpoint"),
        "mysql": ("", "flush tables"),
    }[engine_of(url)]
    connection.execute(f"drop table if exists orders {cascade}")
    connection.execute(f"drop schema if exists dynaurora {cascade}")
    connection.execute(settle)
    connection.close()


def _connected(url: str) -> Connection:
    return mysql.connect(url) if engine_of(url) == "mysql" else postgresql.connect(url)
