"""A plugin on trial: changes in, rows and quarantine out.

A change becomes a line as capture writes it. The lines of a load are staged, arbitrated and applied
by the functions that run in the Lambda (`dynaurora.etl`), each load in a transaction of its own.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, Final, cast

from dynaurora.errors import DynauroraError, TrialError
from dynaurora.etl import Engine, Loaded
from dynaurora.metadata import Chosen, Entry, Quarantine
from dynaurora.metadata.quarantine import QuarantineReason
from dynaurora.model.lines import LINE_VERSION, Line, Operation, decode_line, encode_line
from dynaurora.plugins.contract import Plugin
from dynaurora.plugins.declarations import suggestion
from dynaurora.plugins.keys import key_attributes
from dynaurora.testing.contents import contents_of, differences
from dynaurora.testing.images import Image, Item, image_of, item_of
from dynaurora.testing.loading import apply_again, create_tables, elsewhere, empty, load_lines
from dynaurora.testing.orders import Order, other_orders

__tracebackhide__ = True
"""pytest shows the lines of the test alone, and the message.
https://docs.pytest.org/en/stable/example/simple.html#writing-well-integrated-assertion-helpers"""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_BEGIN: Final = datetime(2026, 1, 1, tzinfo=UTC)
"""When the first change happens; each later one is a second after the one before."""

_STREAM: Final = "arn:aws:dynamodb:eu-west-1:111122223333:table/{}/stream/2025-12-31T00:00:00.000"
_FIRST_SEQUENCE_NUMBER: Final = 10**20
_MOST_QUARANTINED: Final = 10_000


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A change that could not be stored.

    item: what was to be put, or the key of what was to be deleted, as Python values.
    reason: ``value``, where a column cannot hold a value exactly; ``database``, where the database
        refused the row; ``unreadable``, where it is no change of this table.
    message: what was wrong, with the column's name. code: the database's own (SQLSTATE).
    """

    item: Mapping[str, Any]
    reason: QuarantineReason
    message: str
    code: str = ""


class Trial:
    """One plugin and its SQL tables, empty at first.

    orders = plugin("sqlqueries/orders.py")
    orders.put({"order_id": "a", "total": Decimal("1.5")})
    assert orders.rows("select order_id, total from orders") == [("a", Decimal("1.5"))]
    """

    def __init__(self, plugin: Plugin, engine: Engine) -> None:
        self._plugin = plugin
        self._engine = engine
        self._key = tuple(key_attributes(plugin))
        self._numbers = count()
        self._loads: list[list[bytes]] = []
        self._open: list[bytes] | None = None
        self._has_unseen = False

    def put(self, *items: Item, at: datetime | None = None) -> Loaded:
        """Put items, in one load; what it came to.

        items: attribute names and Python values (str, int, Decimal, bytes, bool, None, list, dict,
            set), or DynamoDB JSON. Each is the whole item, as PutItem takes it.
        at: when, to the second; it is ``_changed_at`` in SQL.
        """
        images = [image_of(item, self._key) for item in items]
        return self._change([self._line("MODIFY", image, at, new=image) for image in images])

    def delete(self, *keys: Item, at: datetime | None = None) -> Loaded:
        """Delete items, in one load. keys: their key attributes; others are left out."""
        return self._change([self._line("REMOVE", self._key_image(key), at) for key in keys])

    def expire(self, *keys: Item, at: datetime | None = None) -> Loaded:
        """Delete items as Time to Live does: ``removed._expired`` is true."""
        return self._change(
            [self._line("REMOVE", self._key_image(key), at, ttl=True) for key in keys]
        )

    @contextmanager
    def one_load(self) -> Iterator[None]:
        """What is changed inside arrives in one load, at the end.

        with orders.one_load():
            orders.put({"order_id": "a"})
            orders.delete({"order_id": "a"})
        """
        if self._open is not None:
            raise TrialError("one_load", "it is inside another", "one at a time")
        self._open = []
        try:
            yield
            lines = self._open
        finally:
            self._open = None
        self._change(lines)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """The rows of any query. Numbers come as int or Decimal, JSON as list or dict."""
        try:
            return self._engine.connection.fetch(query)
        except DynauroraError as error:
            raise _brief(error) from None

    def query(self, name: str) -> list[tuple[Any, ...]]:
        """The rows of one of the plugin's ``select_table_queries``."""
        if name not in self._plugin.select:
            known = ", ".join(f'"{each}"' for each in self._plugin.select)
            hint = suggestion(name, self._plugin.select)
            raise TrialError(str(self._plugin.path), f'it has no query "{name}"{hint}', known)
        return self.rows(self._plugin.select[name])

    @property
    def quarantined(self) -> list[Quarantined]:
        """The changes in quarantine, in the order in which they got there.

        A test that leaves changes there and does not look fails: rows that are missing would tell
        nobody why.
        """
        self._has_unseen = False
        return self._quarantined()

    def unseen(self) -> list[Quarantined]:
        """The changes in quarantine, if the test has not looked since the last of them."""
        return self._quarantined() if self._has_unseen else []

    def assert_idempotent(self, *, ignoring: Collection[str] = ()) -> None:
        """The same changes leave the same rows, however they arrive: in one load or in many, late,
        twice, in another order, and with the state of every item applied twice.

        The other orders are tried on SQL tables of their own; those of the test stay as they are.
        ignoring: columns that may differ, such as one with the time of the load.
        Raises ``AssertionError`` with the rows that differ.
        """
        if refused := self._quarantined():
            raise TrialError(
                f"{self._plugin.path}, assert_idempotent",
                f"{len(refused)} changes are in quarantine, the first for {refused[0].message!r}",
                "none: which row stays then depends on the order, whatever the plugin does",
                "Check without them.",
            )
        expected = contents_of(self._engine, self._plugin, ignoring)
        with elsewhere(self._engine, self._plugin) as engine:
            create_tables(engine, self._plugin)
            for order in other_orders(self._loads):
                self._arrive(engine, order)
                lines = [
                    *(f"refused: {each.message}" for each in quarantined(engine, self._plugin)),
                    *differences(expected, contents_of(engine, self._plugin, ignoring)),
                ]
                if lines:
                    raise AssertionError(_told(self._plugin, order, lines))

    def _arrive(self, engine: Engine, order: Order) -> None:
        empty(engine)
        for number, lines in enumerate(order.loads):
            load_lines(engine, self._plugin, lines, number)
        if order.is_applied_again:
            apply_again(engine, self._plugin)
            every = [line for lines in order.loads for line in lines]
            load_lines(engine, self._plugin, every, len(order.loads))

    def _key_image(self, key: Item) -> Image:
        return image_of({n: value for n, value in key.items() if n in self._key}, self._key)

    def _line(self, operation: Operation, image: Image, at: datetime | None, **more: Any) -> bytes:
        number = next(self._numbers)
        moment = at or _BEGIN + timedelta(seconds=number)
        line = {
            "v": LINE_VERSION,
            "table": self._plugin.table,
            "stream": _STREAM.format(self._plugin.table),
            "op": operation,
            "keys": {name: image[name] for name in self._key},
            "seq": str(_FIRST_SEQUENCE_NUMBER + number),
            "at": (moment - _EPOCH) // timedelta(seconds=1),
        }
        return encode_line(cast("Line", line | more))

    def _change(self, lines: list[bytes]) -> Loaded:
        if self._open is not None:
            self._open += lines
            return Loaded()
        self._loads.append(lines)
        try:
            loaded = load_lines(self._engine, self._plugin, lines, len(self._loads))
        except DynauroraError as error:
            raise _brief(error) from None
        self._has_unseen |= loaded.quarantined + loaded.unreadable > 0
        return loaded

    def _quarantined(self) -> list[Quarantined]:
        return quarantined(self._engine, self._plugin)


def _brief(error: DynauroraError) -> DynauroraError:
    """The error without the way through our own code."""
    return error.with_traceback(None)


def quarantined(engine: Engine, plugin: Plugin) -> list[Quarantined]:
    """The changes of a table that are in quarantine, the oldest first."""
    entries = Quarantine(engine.connection, engine.queries).entries(
        Chosen(plugin.table), limit=_MOST_QUARANTINED, with_lines=True
    )
    return [_quarantined(entry) for entry in entries]


def _quarantined(entry: Entry) -> Quarantined:
    line = decode_line(entry.line)
    image = line.get("new", line["keys"])
    try:
        item = item_of(image)
    except (ArithmeticError, AttributeError, TypeError, ValueError):
        item = dict(image)  # it was given as DynamoDB JSON, and is none
    return Quarantined(item, entry.reason, entry.message, entry.code)


def _told(plugin: Plugin, order: Order, lines: Sequence[str]) -> str:
    head = f"{plugin.path} is not idempotent: with {order.name}, other rows are left."
    tail = """- as the test loaded them, + in the other order.
A statement has to make the same rows of the same state of an item, however often and in whichever
company it comes (docs/testing.md)."""
    return "\n".join([head, *lines, tail])
