"""The alarms and the dashboard of infra/, with the metrics that they look at."""

import json
import re

from support.templates import of_type, template, text

GIVEN = {"Project": "shop", "Cluster": "app", "AWS::Region": "eu-west-1"}


def alarms_of(name):
    """The alarms of a template: their properties, by what follows the stack's name in theirs."""
    found = of_type(template(name), "AWS::CloudWatch::Alarm").values()
    return {
        text(each["Properties"]["AlarmName"]).removeprefix("${AWS::StackName}-"): each["Properties"]
        for each in found
    }


def metrics_of_alarm(alarm):
    """What an alarm looks at: (namespace, metric, dimensions), these as pairs."""
    stats = [one["MetricStat"] for one in alarm.get("Metrics", ()) if "MetricStat" in one]
    metrics = [stat["Metric"] for stat in stats] or [alarm]
    return [
        (
            metric["Namespace"],
            metric["MetricName"],
            tuple(sorted((d["Name"], filled(text(d["Value"]))) for d in metric["Dimensions"])),
        )
        for metric in metrics
    ]


def dashboard(*, has_cluster=True):
    """The body of the dashboard, as CloudWatch gets it."""
    (found,) = of_type(template("alarms"), "AWS::CloudWatch::Dashboard").values()
    body, given = found["Properties"]["DashboardBody"]["Fn::Sub"]
    condition, database, nothing = given["Database"]["Fn::If"]
    assert condition == "HasCluster"
    widget = database["Fn::Sub"] if has_cluster else nothing
    return json.loads(filled(body, Database=filled(widget)))


def metrics_of_dashboard():
    """What the dashboard shows: (namespace, metric, names of the dimensions)."""
    for widget in dashboard()["widgets"]:
        for metric in widget["properties"].get("metrics", ()):
            if isinstance(metric[0], dict):
                schema, name = re.fullmatch(
                    r"SEARCH\('\{([^}]*)\}.* ?MetricName=\"([^\"]*)\"', '[^']*', \d+\)",
                    metric[0]["expression"],
                ).groups()
                namespace, *dimensions = schema.split(",")
            else:
                namespace, name, *rest = [part for part in metric if isinstance(part, str)]
                dimensions = rest[::2]
            yield namespace, name, tuple(sorted(dimensions))


def filled(source, **more):
    """A Fn::Sub with what is given put in."""
    given = GIVEN | more
    return re.sub(r"\$\{([^}]+)\}", lambda found: given.get(found[1], found[0]), source)
