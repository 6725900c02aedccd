"""The metrics that CloudWatch takes from a log, by the rules of the embedded metric format.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

import json
from collections import Counter

UNITS = {"Count", "Count/Second", "Milliseconds", "Seconds"}
MOST_METRICS, MOST_DIMENSIONS, MOST_VALUES = 100, 30, 100
EVENT_BYTES = 256 * 1024
"""Less than what PutLogEvents takes, 1 MB:
https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html"""


def metrics_of(output):
    """What a Lambda has printed as metrics: (name, dimensions) ─► its values.

    dimensions: pairs of a name and a value. Every line is checked.
    """
    found = {}
    for text in output.splitlines():
        assert len(text.encode()) <= EVENT_BYTES
        line = json.loads(text)
        for metric, dimensions in told(line):
            values = line[metric] if isinstance(line[metric], list) else [line[metric]]
            found.setdefault((metric, dimensions), []).extend(values)
    return found


def sums(output, **dimensions):
    """The sums of the metrics that have exactly these dimensions, by their names."""
    wanted = tuple(sorted(dimensions.items()))
    return Counter(
        {name: sum(v) for (name, found), v in metrics_of(output).items() if found == wanted}
    )


def told(line):
    """The metrics of one line, each with its dimensions; what CloudWatch would drop fails here."""
    if "_aws" not in line:
        return
    about = line["_aws"]
    assert isinstance(about["Timestamp"], int)
    assert about["Timestamp"] > 1_500_000_000_000  # milliseconds
    assert about["CloudWatchMetrics"]
    for directive in about["CloudWatchMetrics"]:
        assert set(directive) == {"Namespace", "Dimensions", "Metrics"}
        assert directive["Namespace"] == "Dynaurora"
        assert 1 <= len(directive["Metrics"]) <= MOST_METRICS
        for metric in directive["Metrics"]:
            check_metric(line, metric)
            for names in directive["Dimensions"]:
                yield metric["Name"], dimensions_of(line, names)


def check_metric(line, metric):
    assert set(metric) == {"Name", "Unit"}
    assert metric["Unit"] in UNITS
    value = line[metric["Name"]]
    values = value if isinstance(value, list) else [value]
    assert 1 <= len(values) <= MOST_VALUES
    assert all(isinstance(v, int | float) and not isinstance(v, bool) for v in values)


def dimensions_of(line, names):
    assert 1 <= len(names) <= MOST_DIMENSIONS
    assert len(set(names)) == len(names)
    values = [line[name] for name in names]
    assert all(isinstance(v, str) and 1 <= len(v) <= 1024 and v.isascii() for v in values)
    return tuple(sorted(zip(names, values, strict=True)))
