"""Metrics: the numbers of a line that CloudWatch keeps.

    {"message":"loaded","table":"orders","applied":7,…,"Project":"shop","Table":"orders","_aws":{…}}

A line of a Lambda's log that has ``_aws`` is its metrics, too: nobody is called, nothing is waited
for, and what is told and what is measured cannot differ.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html

A number of a table is told twice, with the dimensions Project and Table and with Project alone,
because an alarm looks at one metric and CloudWatch does not add metrics up over a dimension. Each
metric costs by the hour in which it is told: the rare ones are not told where they are 0.
"""

import os
import time
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, Final, Literal

Alarm = Literal["parked", "quarantine", "body", "gap", "vanished", "message"]
"""What a line can be worth waking someone for; docs/monitoring.md says what each is."""

Unit = Literal["Count", "Count/Second", "Milliseconds", "Seconds"]
Measures = Mapping[str, float | Sequence[float]]
"""Numbers by the names of their metrics."""

NAMESPACE: Final = "Dynaurora"

MOST_VALUES: Final = 100
"""Numbers that one line may have for a metric. The page above, "Target members"."""


@dataclass(frozen=True, slots=True)
class Metric:
    """What a number is called and counted in. is_rare: it is not told where it is 0."""

    name: str
    unit: Unit = "Count"
    is_rare: bool = False


METRICS: Final = {
    metric.name: metric
    for metric in (
        # of a batch of the capture
        Metric("captured"),
        Metric("records"),
        Metric("oversize", is_rare=True),
        Metric("retried_records", is_rare=True),
        Metric("failed_batches", is_rare=True),
        # of a call of the transform
        Metric("unreadable_lines", is_rare=True),
        Metric("failed_records", is_rare=True),
        # of a load
        Metric("applied"),
        Metric("superseded"),
        Metric("quarantined", is_rare=True),
        Metric("unreadable", is_rare=True),
        Metric("already", is_rare=True),
        Metric("lag_s", "Seconds"),
        Metric("duration_ms", "Milliseconds"),
        Metric("changes_per_s", "Count/Second"),
        # of a sweep
        Metric("sweeps"),
        Metric("unsettled"),
        # of any line that has an alarm
        Metric("alarms"),
    )
}


def embedded(measures: Measures, *, table: str = "", alarm: Alarm | None = None) -> dict[str, Any]:
    """What a line needs besides its numbers for them to be metrics; nothing where none is told."""
    told = [METRICS[name] for name, value in measures.items() if _is_told(METRICS[name], value)]
    directives = []
    if told:
        of_table = [["Project", "Table"]] if table else []
        directives.append(_directive([*of_table, ["Project"]], told))
    if alarm:
        directives.append(_directive([["Project", "Alarm"]], [METRICS["alarms"]]))
    if not directives:
        return {}
    return {
        **({"alarms": 1, "Alarm": alarm} if alarm else {}),
        **({"Table": table} if table else {}),
        "Project": os.environ.get("DYNAURORA_PROJECT") or "dynaurora",
        "_aws": {"Timestamp": time.time_ns() // 1_000_000, "CloudWatchMetrics": directives},
    }


def spread(counts: Mapping[int, int]) -> list[int]:
    """At most a hundred of many numbers: the least, the greatest, and evenly by rank between them,
    so that their percentiles are those of all.

    counts: how often each number is there.
    """
    numbers = sorted(counts)
    ranks = list(accumulate(counts[number] for number in numbers))
    if not ranks:
        return []
    every = ranks[-1]
    kept = min(every, MOST_VALUES)
    steps = max(kept - 1, 1)
    return [numbers[bisect_left(ranks, 1 + (every - 1) * n // steps)] for n in range(kept)]


def _is_told(metric: Metric, value: float | Sequence[float]) -> bool:
    return bool(value) or not (metric.is_rare or isinstance(value, Sequence))


def _directive(dimensions: list[list[str]], metrics: list[Metric]) -> dict[str, Any]:
    return {
        "Namespace": NAMESPACE,
        "Dimensions": dimensions,
        "Metrics": [{"Name": metric.name, "Unit": metric.unit} for metric in metrics],
    }
