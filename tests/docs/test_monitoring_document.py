"""docs/monitoring.md has every metric that is told and every alarm, and none that is not."""

import re
from pathlib import Path
from typing import get_args

import pytest

from dynaurora.metrics import METRICS, Alarm
from support.alarms import alarms_of, metrics_of_alarm

DOCS = Path(__file__).parents[2] / "docs"


def table_below(heading):
    """The rows of the table in a chapter, without its head."""
    chapter = re.split(r"\n#+ ", (DOCS / "monitoring.md").read_text().split(f"# {heading}\n")[1])[0]
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


OPERATORS = {
    "GreaterThanThreshold": ">",
    "GreaterThanOrEqualToThreshold": "≥",
    "LessThanThreshold": "<",
}


def fires_at(alarm):
    """When an alarm fires, as the document has it."""
    told, period = f"`{alarm.get('MetricName')}`", alarm.get("Period")
    for metric in alarm.get("Metrics", ()):
        told = metric.get("Label", told)
        period = metric.get("MetricStat", {}).get("Period", period)
    operator = OPERATORS[alarm["ComparisonOperator"]]
    times = f"{alarm['EvaluationPeriods']} x {period // 60} min"
    return f"{told} {operator} {alarm['Threshold']:,}, {times}"


@pytest.mark.parametrize(
    ("heading", "template"), [("Of all tables", "alarms"), ("Of each table", "table")]
)
def test_every_alarm_is_documented_with_when_it_fires(heading, template):
    assert [(name.strip("`"), when) for name, when, *_ in table_below(heading)] == [
        (name, fires_at(alarm)) for name, alarm in alarms_of(template).items()
    ]


@pytest.mark.parametrize(
    ("template", "said"), [("alarms", "All tables share"), ("table", "Each table has")]
)
def test_alarms_and_the_metrics_that_they_cost_are_counted(template, said):
    text = (DOCS / "monitoring.md").read_text()
    found = re.search(rf"{said} (\d+) alarms on (\d+) metrics, about \$([\d.]+)", text)
    alarms = alarms_of(template)
    metrics = sum(len(metrics_of_alarm(alarm)) for alarm in alarms.values())
    assert found.groups() == (str(len(alarms)), str(metrics), f"{metrics / 10:.2f}")
