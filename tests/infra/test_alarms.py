"""The alarms: each can fire, says what it means and what to do, and is told to somebody.

The emulator has no metrics of AWS's services: that AWS tells what is looked at is asserted against
its pages (documented_metrics.txt), and what is ours against what the code tells.
"""

import re
from pathlib import Path
from typing import get_args

import click
import pytest

from dynaurora import cli
from dynaurora.metrics import METRICS, Alarm
from dynaurora.model.names import stack_name, table_stack_name
from support.alarms import alarms_of, dashboard, metrics_of_alarm, metrics_of_dashboard
from support.templates import of_type, resource, template, text

DOCUMENTED = {
    tuple(line.split())
    for line in (Path(__file__).parent / "documented_metrics.txt").read_text().splitlines()
    if line and line[0] != "#"
}
OURS = {("Project",), ("Project", "Table")}
ALARMS = {**alarms_of("alarms"), **alarms_of("table")}

each_alarm = pytest.mark.parametrize("alarm", ALARMS.values(), ids=ALARMS.keys())


def is_told(namespace, metric, dimensions):
    """Whether AWS, or our code, tells such a metric with dimensions of these names."""
    if namespace != "Dynaurora":
        return (namespace, metric, *dimensions) in DOCUMENTED
    known = {("Alarm", "Project")} if metric == "alarms" else OURS
    return metric in METRICS and tuple(sorted(dimensions)) in known


@each_alarm
def test_an_alarm_looks_at_metrics_that_are_told(alarm):
    for namespace, metric, dimensions in metrics_of_alarm(alarm):
        assert is_told(namespace, metric, [name for name, _ in dimensions])


def test_the_dashboard_shows_metrics_that_are_told():
    shown = list(metrics_of_dashboard())
    assert len(shown) > 30
    assert [each for each in shown if not is_told(*each[:2], each[2])] == []


def test_every_metric_of_ours_is_shown():
    shown = {metric for namespace, metric, _ in metrics_of_dashboard() if namespace == "Dynaurora"}
    assert shown == set(METRICS)


def test_every_kind_of_alarm_that_a_line_can_have_has_one():
    kinds = {
        dict(dimensions).get("Alarm")
        for alarm in ALARMS.values()
        for _, metric, dimensions in metrics_of_alarm(alarm)
        if metric == "alarms"
    }
    assert kinds == set(get_args(Alarm))


@each_alarm
def test_an_alarm_says_what_it_means_and_what_to_do_and_how_missing_data_count(alarm):
    said = text(alarm["AlarmDescription"])
    assert 60 < len(said) <= 1024
    assert said.endswith(".")
    assert said.count(". ") + said.count("; ") + said.count(": ") >= 1
    assert alarm["TreatMissingData"] in ("notBreaching", "breaching")


def test_every_command_that_an_alarm_names_is_there():
    context = click.Context(cli.group)
    names = set(cli.group.list_commands(context))
    said = " ".join(text(alarm["AlarmDescription"]) for alarm in ALARMS.values())
    named = re.findall(r"dynaurora ([a-z]+)(?: (list|replay|retry))?", said)
    assert named
    for command, below in named:
        assert command in names
        group = cli.group.get_command(context, command)
        assert not below or below in getattr(group, "commands", {})


def test_only_what_has_to_be_told_breaches_when_it_is_missing():
    breaching = {n for n, alarm in ALARMS.items() if alarm["TreatMissingData"] == "breaching"}
    assert breaching == {"no-sweep"}


def test_the_three_ages_of_the_stream_come_before_it_forgets():
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html: 24 hours."""
    names = ("capture-late", "capture-very-late", "capture-loses-soon")
    minutes = [ALARMS[name]["Threshold"] / 60_000 for name in names]
    assert minutes == [5, 60, 12 * 60]


# --- one template with another ------------------------------------------------------------------


def test_timeouts_have_the_defaults_of_the_pipeline():
    for name, found in template("alarms")["Parameters"].items():
        if name.endswith("TimeoutSeconds"):
            assert found["Default"] == template("pipeline")["Parameters"][name]["Default"]


def test_functions_and_queues_are_those_of_the_pipeline():
    pipeline = template("pipeline")
    kinds = {
        "FunctionName": ("AWS::Lambda::Function", "FunctionName"),
        "QueueName": ("AWS::SQS::Queue", "QueueName"),
    }
    for dimension, (kind, name) in kinds.items():
        there = {text(each["Properties"][name]) for each in of_type(pipeline, kind).values()}
        named = {
            value.replace("shop", "${Project}")
            for alarm in alarms_of("alarms").values()
            for _, _, dimensions in metrics_of_alarm(alarm)
            for found, value in dimensions
            if found == dimension
        }
        assert named == there


def test_a_tables_alarms_look_at_its_own_mapping_and_delivery_stream_and_count_what_they_need():
    found = {
        dimension
        for alarm in alarms_of("table").values()
        for _, _, dimensions in metrics_of_alarm(alarm)
        for dimension in dimensions
    }
    assert found == {
        ("EventSourceMappingUUID", "${Mapping}"),
        ("DeliveryStreamName", "${DeliveryStream}"),
        ("TableName", "${Table}"),
    }
    condition, counted, _ = resource(template("table"), "Mapping")["MetricsConfig"]["Fn::If"]
    assert (condition, counted) == ("HasAlarms", {"Metrics": ["EventCount"]})


# --- whom they are told -------------------------------------------------------------------------


def test_every_alarm_is_told_to_the_topic():
    own_or_given = [{"Fn::If": ["HasTopic", {"Ref": "TopicArn"}, {"Ref": "Topic"}]}]
    for alarm in alarms_of("alarms").values():
        assert alarm["AlarmActions"] == own_or_given
    for found in of_type(template("table"), "AWS::CloudWatch::Alarm").values():
        assert found["Properties"]["AlarmActions"] == [{"Ref": "AlarmTopicArn"}]
        is_expression = "Metrics" in found["Properties"]
        assert found["Condition"] == ("HasAlarmsOnAws" if is_expression else "HasAlarms")


def test_only_this_accounts_alarms_of_the_project_may_publish_and_use_the_key():
    """https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html#compatibility-with-aws-services"""
    source = template("alarms")
    assert resource(source, "Topic")["KmsMasterKeyId"] == {"Fn::GetAtt": ["TopicKey", "Arn"]}
    assert resource(source, "TopicKey")["EnableKeyRotation"] is True
    publish, _only_tls = resource(source, "TopicPolicy")["PolicyDocument"]["Statement"]
    account, use = resource(source, "TopicKey")["KeyPolicy"]["Statement"]
    assert text(account["Principal"]["AWS"]).endswith("::${AWS::AccountId}:root")
    assert publish["Action"] == "sns:Publish"
    assert use["Action"] == ["kms:Decrypt", "kms:GenerateDataKey*"]
    for statement in (publish, use):
        assert statement["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
        equals, like = statement["Condition"]["StringEquals"], statement["Condition"]["ArnLike"]
        assert equals == {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
        assert text(like["aws:SourceArn"]).endswith(":alarm:${Project}-*")


def test_names_of_alarms_begin_with_the_project_as_the_topic_demands():
    assert stack_name("shop", "alarms").startswith("shop-")
    assert table_stack_name("shop", "Orders").startswith("shop-")
    for name in ("alarms", "table"):
        for found in of_type(template(name), "AWS::CloudWatch::Alarm").values():
            assert text(found["Properties"]["AlarmName"]).startswith("${AWS::StackName}-")


# --- the dashboard ------------------------------------------------------------------------------


@pytest.mark.parametrize("has_cluster", [True, False])
def test_the_dashboard_is_json_whose_widgets_lie_side_by_side(has_cluster):
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html"""
    taken = set()
    for widget in dashboard(has_cluster=has_cluster)["widgets"]:
        assert widget["type"] in ("metric", "text")
        cells = {
            (x, y)
            for x in range(widget["x"], widget["x"] + widget["width"])
            for y in range(widget["y"], widget["y"] + widget["height"])
        }
        assert max(x for x, _ in cells) < 24
        assert not taken & cells
        taken |= cells


def test_the_first_row_is_the_road_from_left_to_right():
    row = sorted((w for w in dashboard()["widgets"] if w["y"] == 0), key=lambda w: w["x"])
    titles = [widget["properties"]["title"] for widget in row]
    assert [title.split(":")[0] for title in titles] == [
        "1 Stream",
        "2 Capture",
        "3 Firehose",
        "4 Raw bucket",
        "5 Load",
        "6 Aurora",
    ]
