"""Latency: how long a single change takes from its PutItem until it is a row.

One change after another on an idle pipeline, so nothing is gained by doing much at once.
"""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from dynaurora.adapters.aws import aws_errors
from dynaurora.demo.arrival import PATIENCE_S, NothingArrives
from dynaurora.ports import Connection

CHANGES: Final = 50
_PAUSE_S: Final = 0.003

Tell = Callable[[float], None]
"""``tell(seconds)``: a change has arrived after so long."""


@dataclass(frozen=True, slots=True)
class Latency:
    """How long each change took, in the order in which they were made."""

    seconds: tuple[float, ...]

    def percentile(self, percent: float) -> float:
        """The nearest rank: one of the values that were measured, never one between two."""
        ranked = sorted(self.seconds)
        return ranked[max(0, math.ceil(percent / 100 * len(ranked)) - 1)]

    @property
    def p50(self) -> float:
        return self.percentile(50)

    @property
    def p99(self) -> float:
        return self.percentile(99)


def measure(client: Any, connection: Connection, changes: int, tell: Tell) -> Latency:
    """Make some flights a minute later, each when the one before has arrived."""
    flights = connection.fetch(
        "select departure, flight, dep_delay from flights where dep_delay is not null"
        " order by departure, flight limit %s",
        [changes],
    )
    return Latency(
        tuple(
            _one(client, connection, _Flight(departure, number, delay), tell)
            for departure, number, delay in flights
        )
    )


@dataclass(frozen=True, slots=True)
class _Flight:
    departure: str
    number: int
    delay: int


def _one(client: Any, connection: Connection, flight: _Flight, tell: Tell) -> float:
    later = flight.delay + 1
    begin = time.monotonic()
    with aws_errors("table flights"):
        client.update_item(
            TableName="flights",
            Key={"departure": {"S": flight.departure}, "flight": {"N": str(flight.number)}},
            UpdateExpression="SET dep_delay = :later",
            ExpressionAttributeValues={":later": {"N": str(later)}},
        )
    while not _is_there(connection, [flight.departure, flight.number, later]):
        if time.monotonic() - begin > PATIENCE_S:
            raise NothingArrives("a single change", f"it is no row after {PATIENCE_S:.0f} s")
        time.sleep(_PAUSE_S)
    seconds = time.monotonic() - begin
    tell(seconds)
    return seconds


def _is_there(connection: Connection, parameters: Sequence[Any]) -> bool:
    return bool(
        connection.fetch(
            "select 1 from flights where departure = %s and flight = %s and dep_delay = %s",
            parameters,
        )
    )
