"""docs/monitoring.md has every metric that is told, and none that is not."""

import re
from pathlib import Path
from typing import get_args

from dynaurora.metrics import METRICS, Alarm

DOCS = Path(__file__).parents[2] / "docs"


def table_below(heading):
    """The rows of the table in a chapter, without its head."""
    chapter = (DOCS / "monitoring.md").read_text().split(f"## {heading}\n")[1].split("\n## ")[0]
    rows = [line.strip("| ").split(" | ") for line in chapter.splitlines() if line[:1] == "|"]
    return rows[2:]


def test_every_metric_is_documented_with_its_unit_in_the_order_of_the_code():
    assert [(name.strip("`"), unit) for name, unit, *_ in table_below("Metrics")] == [
        (metric.name, metric.unit) for metric in METRICS.values()
    ]


def test_the_metrics_that_a_busy_table_pays_for_are_counted():
    text = (DOCS / "monitoring.md").read_text()
    (number, names) = re.search(r"in every hour has (\d+) \(([^)]*)\)", text).groups()
    of_tables = {"a batch of the capture", "a load"}
    billed = [
        name.strip("`")
        for name, _, of, _ in table_below("Metrics")
        if of in of_tables and not METRICS[name.strip("`")].is_rare
    ]
    assert re.findall(r"`(\w+)`", names) == billed
    assert int(number) == len(billed)


def test_every_alarm_of_a_line_is_in_operations():
    logs = (DOCS / "operations.md").read_text().split("## Logs")[1]
    assert [alarm for alarm in get_args(Alarm) if f"`{alarm}`" not in logs] == []
