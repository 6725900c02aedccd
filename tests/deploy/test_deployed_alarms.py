"""Alarms and dashboard on the emulator: they come with `deploy`, change, and go."""

import dataclasses
import time

import pytest

from dynaurora.adapters.cloudformation import StackChange
from dynaurora.deploy.deployment import deploy_project
from dynaurora.deploy.project import Alarms
from dynaurora.log import log
from dynaurora.model.names import stack_name, table_stack_name
from support.alarms import alarms_of
from support.embedded import metrics_of


@pytest.fixture
def watched(project):
    alarms = Alarms(are_on=True, email="team@example.com", cluster="app", max_connections=100)
    return dataclasses.replace(project, alarms=alarms)


def names_of(aws, project):
    pages = aws.client("cloudwatch").get_paginator("describe_alarms").paginate()
    found = (alarm["AlarmName"] for page in pages for alarm in page["MetricAlarms"])
    return {name for name in found if name.startswith(f"{project.name}-")}


def expected(stack, name, *, without=()):
    """The emulator knows no alarm on an expression."""
    found = {n for n, alarm in alarms_of(name).items() if "Metrics" not in alarm}
    return {f"{stack}-{each}" for each in found.difference(without)}


def test_alarms_come_with_their_stacks_change_and_go(aws, watched, make_table, table_name):
    make_table(table_name, "NEW_IMAGE")
    cloudformation = aws.client("cloudformation")

    def deployed(project):
        return deploy_project(project, [table_name], confirm=lambda _: True, client=aws.client)

    first = deployed(watched)
    assert not first.failures
    assert [stack.change for stack in first.stacks] == [StackChange.CREATED] * 4
    of_table = table_stack_name(watched.name, table_name)
    shared = stack_name(watched.name, "alarms")
    of_all = expected(shared, "alarms")
    assert names_of(aws, watched) == of_all | expected(of_table, "table")
    assert not deployed(watched).has_changed
    topics = [topic["TopicArn"] for topic in aws.client("sns").list_topics()["Topics"]]
    assert [arn for arn in topics if arn.endswith(f":{watched.name}-alarms")]
    off = dataclasses.replace(watched, alarms=Alarms())
    assert deployed(off).has_changed
    assert names_of(aws, watched) == of_all
    cloudformation.delete_stack(StackName=shared)
    assert names_of(aws, watched) == set()


def test_without_a_cluster_and_with_a_topic_there_is_less(aws, watched):
    topic = aws.client("sns").create_topic(Name=f"team-of-{watched.name}")["TopicArn"]
    less = dataclasses.replace(watched, alarms=Alarms(are_on=True, topic=topic))
    deployment = deploy_project(less, [], confirm=lambda _: True, client=aws.client)
    assert deployment.shared[-1].outputs["TopicArn"] == topic
    shared = stack_name(watched.name, "alarms")
    aurora = {"connections", "processor", "capacity", "storage"}
    assert names_of(aws, watched) == expected(shared, "alarms", without=aurora)
    topics = [each["TopicArn"] for each in aws.client("sns").list_topics()["Topics"]]
    assert not [arn for arn in topics if arn.endswith(f":{watched.name}-alarms")]


def test_a_line_of_the_log_raises_its_alarm(aws, watched, capsys, monkeypatch):
    """CloudWatch takes metrics from the log; the emulator does not, so it is handed them. It looks
    at their names alone, so that all alarms on `alarms` are raised."""
    monkeypatch.setenv("DYNAURORA_PROJECT", watched.name)
    deploy_project(watched, [], confirm=lambda _: True, client=aws.client)
    cloudwatch = aws.client("cloudwatch")
    log("error", "changes were quarantined", alarm="quarantine", table="orders")
    for (name, dimensions), values in metrics_of(capsys.readouterr().out).items():
        named = [{"Name": n, "Value": value} for n, value in dimensions]
        data = [{"MetricName": name, "Dimensions": named, "Values": values}]
        cloudwatch.put_metric_data(Namespace="Dynaurora", MetricData=data)
    until = time.monotonic() + 30
    shared = stack_name(watched.name, "alarms")
    while f"{shared}-quarantine" not in (raised := raised_of(cloudwatch, shared)):
        assert time.monotonic() < until, raised
        time.sleep(0.2)
    ours = {n for n, alarm in alarms_of("alarms").items() if alarm.get("MetricName") == "alarms"}
    assert raised - {f"{shared}-no-sweep"} <= {f"{shared}-{name}" for name in ours}


def raised_of(cloudwatch, stack):
    found = cloudwatch.describe_alarms(AlarmNamePrefix=f"{stack}-", StateValue="ALARM")
    return {alarm["AlarmName"] for alarm in found["MetricAlarms"]}
