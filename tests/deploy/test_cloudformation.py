"""Stacks through change sets, on the emulator."""

import json
from itertools import count

import pytest
from botocore.exceptions import ClientError

from dynaurora.adapters.change_sets import StackRequest
from dynaurora.adapters.cloudformation import StackChange, deploy_stack, plan_stack, stack_outputs
from dynaurora.adapters.stack_events import ResourceProgress
from dynaurora.errors import AwsError, StackFailed, StackNotAgreed

_numbers = count(1)


@pytest.fixture
def client(aws):
    return aws.client("cloudformation")


@pytest.fixture
def name():
    return f"stack-{next(_numbers)}"


@pytest.fixture
def told():
    return []


def request(name, *queues, parameters=None, **more):
    resources = {
        queue: {
            "Type": "AWS::SQS::Queue",
            "Properties": {"QueueName": f"{name}-{queue}", "VisibilityTimeout": {"Ref": "Seconds"}},
        }
        for queue in queues
    } | more
    template = {
        "Parameters": {"Seconds": {"Type": "String", "Default": "30"}},
        "Resources": resources,
        "Outputs": {"Seconds": {"Value": {"Ref": "Seconds"}}},
    }
    return StackRequest(name, as_yaml(template), parameters or {})


def as_yaml(template):
    """A comment makes it YAML: boto3 gives a JSON template back as a dict, ours are YAML."""
    return f"# as written\n{json.dumps(template)}\n"


def bucket(name, **properties):
    return {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": name, **properties}}


def failing_bucket(name):
    """S3 refuses a notification to a queue that does not exist."""
    queue = "arn:aws:sqs:us-east-1:000000000000:nobody"
    notification = {"QueueConfigurations": [{"Event": "s3:ObjectCreated:*", "Queue": queue}]}
    return bucket(name, NotificationConfiguration=notification)


def status(client, name):
    return client.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"]


def change_sets(client, name):
    return client.list_change_sets(StackName=name)["Summaries"]


def test_a_stack_is_created_updated_and_left_alone(client, name, told):
    created = deploy_stack(client, request(name, "One"), told.append)
    assert (created.change, created.outputs) == (StackChange.CREATED, {"Seconds": "30"})
    assert deploy_stack(client, request(name, "One"), told.append).change == StackChange.UNCHANGED
    updated = deploy_stack(client, request(name, "One", "Two"), told.append)
    assert updated.change == StackChange.UPDATED
    changed = request(name, "One", "Two", parameters={"Seconds": "60"})
    assert deploy_stack(client, changed, told.append).outputs == {"Seconds": "60"}
    assert stack_outputs(client, name) == {"Seconds": "60"}


def test_progress_is_told_once_and_in_order(client, name, told):
    deploy_stack(client, request(name, "One"), told.append)
    assert all(isinstance(progress, ResourceProgress) for progress in told)
    assert [(p.resource, p.status) for p in told] == [
        (name, "CREATE_IN_PROGRESS"),
        ("One", "CREATE_IN_PROGRESS"),
        ("One", "CREATE_COMPLETE"),
        (name, "CREATE_COMPLETE"),
    ]
    told.clear()
    deploy_stack(client, request(name, "One", "Two"), told.append)
    assert (told[0].resource, told[0].status) == (name, "UPDATE_IN_PROGRESS")
    assert (told[-1].resource, told[-1].status) == (name, "UPDATE_COMPLETE")
    assert "Two" in {progress.resource for progress in told}


def test_a_stack_that_is_as_wanted_costs_two_reads(client, name, told, monkeypatch):
    deploy_stack(client, request(name, "One"), told.append)
    monkeypatch.setattr(client, "create_change_set", None)
    assert deploy_stack(client, request(name, "One"), told.append).change == StackChange.UNCHANGED


def test_another_text_of_the_same_template_changes_nothing_and_leaves_no_change_set(
    client, name, told
):
    wanted = request(name, "One")
    deploy_stack(client, wanted, told.append)
    told.clear()
    rewritten = StackRequest(name, f"# rewritten\n{wanted.template}")
    assert deploy_stack(client, rewritten, told.append).change == StackChange.UNCHANGED
    assert told == []
    assert not [c for c in change_sets(client, name) if c["Status"] == "FAILED"]


def test_a_failure_tells_the_reasons_of_the_resources(client, name, told):
    broken = request(name, "One", Broken=failing_bucket(f"{name}-broken"))
    with pytest.raises(StackFailed, match=r"Broken \(AWS::S3::Bucket\): .*destination") as raised:
        deploy_stack(client, broken, told.append)
    assert raised.value.where == f"stack {name}"
    assert "ROLLBACK_COMPLETE" in raised.value.found
    assert any(progress.is_failure for progress in told)


def test_what_the_validation_refuses_is_told(client, aws, name, told):
    aws.client("s3").create_bucket(Bucket=f"{name}-taken")
    taken = request(name, "One", Taken=bucket(f"{name}-taken"))
    with pytest.raises(StackFailed, match=rf"{name}-taken.*already exists"):
        deploy_stack(client, taken, told.append)


def test_a_template_that_is_none_is_told(client, name, told):
    with pytest.raises(StackFailed, match="Template format error"):
        deploy_stack(client, StackRequest(name, "Resources: [", {}), told.append)
    with pytest.raises(StackFailed, match="AWS::Foo::Bar"):
        deploy_stack(client, request(name, It={"Type": "AWS::Foo::Bar"}), told.append)
    with pytest.raises(ClientError, match="does not exist"):
        status(client, name)


def test_a_stack_that_never_came_up_is_made_anew(client, aws, name, told):
    broken = request(name, "One", Broken=failing_bucket(f"{name}-broken"))
    with pytest.raises(StackFailed):
        deploy_stack(client, broken, told.append)
    assert status(client, name) == "ROLLBACK_COMPLETE"
    told.clear()
    assert deploy_stack(client, request(name, "One"), told.append).change == StackChange.CREATED
    assert status(client, name) == "CREATE_COMPLETE"


def test_an_update_that_fails_is_rolled_back_and_can_be_repeated(client, name, told):
    deploy_stack(client, request(name, "One"), told.append)
    broken = request(name, "One", Broken=failing_bucket(f"{name}-broken"))
    with pytest.raises(StackFailed, match="UPDATE_ROLLBACK_COMPLETE"):
        deploy_stack(client, broken, told.append)
    assert deploy_stack(client, request(name, "One"), told.append).change == StackChange.UNCHANGED
    assert deploy_stack(client, request(name, "Two"), told.append).change == StackChange.UPDATED


def test_an_empty_stack_of_a_forgotten_change_set_is_filled(client, name, told):
    wanted = request(name, "One")
    client.create_change_set(
        StackName=name,
        ChangeSetName="forgotten",
        ChangeSetType="CREATE",
        TemplateBody=wanted.template,
    )
    assert status(client, name) == "REVIEW_IN_PROGRESS"
    assert deploy_stack(client, wanted, told.append).change == StackChange.CREATED


def test_what_somebody_has_planned_by_hand_a_plan_and_a_no_leave_as_it_is(client, name, told):
    wanted = request(name, "One")
    client.create_change_set(
        StackName=name,
        ChangeSetName="by-hand",
        ChangeSetType="CREATE",
        TemplateBody=wanted.template,
    )
    (before,) = change_sets(client, name)
    planned = plan_stack(client, wanted)
    assert (planned.is_new, len(planned.changes)) == (True, 1)
    with pytest.raises(StackNotAgreed):
        deploy_stack(client, wanted, told.append, lambda _plan: False)
    assert change_sets(client, name) == [before]
    assert status(client, name) == "REVIEW_IN_PROGRESS"


def test_of_a_plan_of_a_new_stack_nothing_stays(client, name):
    assert plan_stack(client, request(name, "One")).is_new
    with pytest.raises(ClientError, match="does not exist"):
        status(client, name)


def their_delete(client, name):
    client.delete_stack(StackName=name)


def their_discard(client, name):
    for each in change_sets(client, name):
        client.delete_change_set(ChangeSetName=each["ChangeSetId"], StackName=name)


@pytest.mark.parametrize("meanwhile", [their_delete, their_discard])
@pytest.mark.parametrize("is_there", [False, True])
def test_who_is_overtaken_by_somebody_else_is_told_what_to_do(
    client, name, told, meanwhile, is_there
):
    if is_there:
        deploy_stack(client, request(name, "One"), told.append)
    wanted = request(name, "One", "Two")

    def overtaken(_plan):
        meanwhile(client, name)
        return True

    with pytest.raises(AwsError, match=r"Someone else has .*again\.$"):
        deploy_stack(client, wanted, told.append, overtaken)
    outcome = deploy_stack(client, wanted, told.append)
    assert outcome.change == (
        StackChange.UPDATED if is_there and meanwhile is their_discard else StackChange.CREATED
    )


class Refusing:
    """A CloudFormation that refuses each change set with these words."""

    def __init__(self, message):
        self.message = message

    def create_change_set(self, **_asked):
        error = {"Error": {"Code": "ValidationError", "Message": self.message}}
        raise ClientError(error, "CreateChangeSet")

    def describe_stacks(self, **_which):
        return {"Stacks": [{"StackId": "s", "StackStatus": "UPDATE_COMPLETE"}]}

    def get_template(self, **_which):
        return {"TemplateBody": ""}


@pytest.mark.parametrize(
    ("message", "remedy"),
    [
        ("Stack [s] does not exist", "Someone else has taken it away meanwhile"),
        (
            "Stack [s] already exists and cannot be created again with the changeSet [c].",
            "Someone else is making it: wait until that is over and deploy again.",
        ),
        ("Parameters: [X] do not exist in the template", "Correct what is named first"),
    ],
)
def test_who_is_overtaken_before_the_change_set_is_told_what_to_do(told, message, remedy):
    with pytest.raises(AwsError) as raised:
        deploy_stack(Refusing(message), StackRequest("s", "Resources: {}"), told.append)
    assert raised.value.remedy.startswith(remedy)


class Stage:
    """A CloudFormation whose answers are given, for what the emulator never answers."""

    def __init__(self, *statuses):
        self.statuses = list(statuses)
        self.events = []

    def describe_stacks(self, **which):
        now = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        self.events.insert(
            0,
            {"EventId": f"{len(self.events)}", "LogicalResourceId": "X", "ResourceStatus": now},
        )
        return {"Stacks": [{"StackId": which["StackName"], "StackStatus": now}]}

    def describe_stack_events(self, **_which):
        return {"StackEvents": self.events}

    def get_paginator(self, _operation):
        return self

    def paginate(self, **_which):
        yield {"StackEvents": list(self.events)}

    def get_template(self, **_which):
        return {"TemplateBody": "Resources: {}"}


def test_another_deployment_is_waited_for(told):
    moving = Stage("UPDATE_IN_PROGRESS", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "UPDATE_COMPLETE")
    outcome = deploy_stack(moving, StackRequest("s", "Resources: {}"), told.append)
    assert outcome.change == StackChange.UNCHANGED
    assert [progress.status for progress in told][-1] == "UPDATE_COMPLETE"


@pytest.mark.parametrize(
    ("stuck", "remedy"),
    [
        ("UPDATE_ROLLBACK_FAILED", "continue-update-rollback --stack-name s"),
        ("DELETE_FAILED", "Delete what keeps it"),
    ],
)
def test_a_stack_that_only_a_person_can_help_says_how(stuck, remedy, told):
    with pytest.raises(StackFailed, match=remedy):
        deploy_stack(Stage(stuck), StackRequest("s", "Resources: {}"), told.append)


def test_a_denied_call_says_which_permission(aws, name, told):
    iam = aws.client("iam")
    iam.create_user(UserName=name)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    client = aws.session().client(
        "cloudformation",
        endpoint_url=aws.endpoint_url,
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
    )
    with pytest.raises(AwsError, match="expected a permission for DescribeStacks"):
        deploy_stack(client, request(name, "One"), told.append)
