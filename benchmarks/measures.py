"""What a bench gives: our figure beside a floor that was measured in the same run.

The floor is the least work that could do the job, so a ratio holds on any machine; a time does not.
"""

import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Measure:
    """One line of the results. A ``ratio`` of rates is better when higher, of times when lower."""

    bench: str
    engine: str
    ours: float
    floor: float
    unit: str

    @property
    def ratio(self) -> float:
        """Ours in units of the floor."""
        return self.ours / self.floor

    def as_json(self) -> dict[str, Any]:
        """``{bench, engine, ours, floor, ratio, unit}``"""
        return asdict(self) | {"ratio": round(self.ratio, 3)}

    def __str__(self) -> str:
        figures = f"{self.ours:>12,.3f} {self.floor:>12,.3f} {self.unit:<9}"
        return f"{self.bench:<28} {self.engine:<11} {figures} {self.ratio:6.2f} x the floor"


def seconds(work: Callable[[], Any]) -> float:
    """How long it takes, once."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def rates(bench: str, engine: str, count: int, ours: list[float], floor: list[float]) -> Measure:
    """The medians of times, as things done per second."""
    return Measure(
        bench, engine, count / statistics.median(ours), count / statistics.median(floor), "rows/s"
    )
