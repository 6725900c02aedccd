"""`deploy --dry-run`: what would change is told, and nothing is changed."""

import dataclasses
import json
import re
from pathlib import Path

import cfnlint
import pytest

from dynaurora.adapters.change_sets import REPLACED_BY, Action, StackPlan
from dynaurora.adapters.cloudformation import StackChange
from dynaurora.deploy.deployment import deploy_project
from dynaurora.deploy.dry_run import plan_project
from dynaurora.errors import StackNotAgreed
from dynaurora.model.names import bucket_name, table_stack_name


@pytest.fixture
def deploy(project, aws):
    def deployed(*tables, of=project, **given):
        return deploy_project(of, tables, confirm=lambda _t: True, client=aws.client, **given)

    return deployed


@pytest.fixture
def plan(project, aws):
    def planned(*tables, of=project):
        return plan_project(of, tables, client=aws.client)

    return planned


def stacks(aws, project):
    pages = aws.client("cloudformation").get_paginator("list_stacks").paginate()
    found = (each for page in pages for each in page["StackSummaries"])
    return {
        each["StackName"]: each["StackStatus"]
        for each in found
        if each["StackName"].startswith(f"{project.name}-")
        and each["StackStatus"] != "DELETE_COMPLETE"
    }


def waiting_change_sets(aws, name):
    found = aws.client("cloudformation").list_change_sets(StackName=name)["Summaries"]
    return [each for each in found if each["ExecutionStatus"] == "AVAILABLE"]


def test_of_a_first_deployment_nothing_stays(plan, aws, project, make_table, table_name):
    make_table(table_name)
    found = plan(table_name)
    assert [stack.is_new for stack in found.stacks] == [True, True, True]
    assert all(stack.changes for stack in found.stacks)
    assert [code.is_new for code in found.code] == [True, True]
    assert found.tables[0].turns_stream_on
    assert stacks(aws, project) == {}
    table = aws.client("dynamodb").describe_table(TableName=table_name)["Table"]
    assert not table.get("StreamSpecification", {}).get("StreamEnabled")


def test_of_a_deployed_project_nothing_would_change(plan, deploy, make_table, table_name):
    make_table(table_name, "NEW_IMAGE")
    deploy(table_name)
    assert not plan(table_name).has_changes


def test_what_would_change_is_what_then_changes(plan, deploy, aws, project):
    deploy()
    changed = dataclasses.replace(project, sizes={"LoadMemoryMegabytes": "1024"})
    planned = plan(of=changed).stacks[1].changes
    modified, *dependent = planned
    assert (modified.action, modified.resource) == (Action.MODIFY, "Load")
    assert "MemorySize" in modified.properties
    assert not any(change.is_certain for change in dependent), "they name the function"
    assert waiting_change_sets(aws, f"{project.name}-pipeline") == []
    told = []
    deployment = deploy(of=changed, tell=told.append)
    assert deployment.pipeline.change is StackChange.UPDATED
    assert plan(of=changed).stacks[1].changes == ()
    assert [step.changes for step in told if isinstance(step, StackPlan)] == [planned]


def test_a_replaced_and_a_removed_bucket_endanger_data(plan, deploy, project):
    deploy()
    template = project.infra / "pipeline.yaml"
    text = template.read_text()
    template.write_text(text.replace("BucketName: !Ref BackupBucket", "BucketName: other", 1))
    (danger,) = plan().stacks[1].dangers
    assert (danger.action, danger.resource) == (Action.REPLACE, "Backup")


def test_what_changes_a_bucket_or_a_firehose_stream_and_replaces_neither_endangers_nothing(
    plan, deploy, project, make_table, table_name
):
    make_table(table_name, "NEW_IMAGE")
    deploy(table_name)
    sizes = {"BufferSeconds": "9", "ArchiveExpiresAfterDays": "90"}
    planned = plan(table_name, of=dataclasses.replace(project, sizes=sizes))
    changed = {change.resource: change for stack in planned.stacks for change in stack.changes}
    assert {"Backup", "Delivery"} <= changed.keys()
    assert all(changed[name].action is Action.MODIFY for name in ("Backup", "Delivery"))
    assert [stack.dangers for stack in planned.stacks if stack.dangers] == []


@pytest.mark.parametrize("kind", REPLACED_BY)
def test_what_replaces_is_what_cloudformation_says(kind):
    """https://docs.aws.amazon.com/cloudformation-cli/latest/userguide/resource-type-schema.html"""
    folder = Path(cfnlint.__file__).parent / "data/schemas/resources"
    schemas = map(json.loads, (path.read_text() for path in folder.glob("*.json")))
    (schema,) = (each for each in schemas if each["typeName"] == kind)
    names = [name.removeprefix("/properties/") for name in schema["createOnlyProperties"]]
    elsewhere = re.compile("(Database|Kinesis|MSK).*Source.*|.*Destination.*/.*")
    assert REPLACED_BY[kind] == {name for name in names if not elsewhere.fullmatch(name)}


def test_what_endangers_data_is_not_done_without_a_yes(deploy, aws, project):
    deploy()
    template = project.infra / "pipeline.yaml"
    text = template.read_text()
    template.write_text(
        text.replace("BucketName: !Ref BackupBucket", f"BucketName: {project.name}-other", 1)
    )
    asked = []

    def no(plan):
        asked.extend(change.resource for change in plan.dangers)
        return False

    with pytest.raises(StackNotAgreed, match="Nothing of it was done"):
        deploy(agree=no)
    assert asked == ["Backup"]
    backup = bucket_name(project.name, "backup", aws.account, aws.region)
    aws.client("s3").head_bucket(Bucket=backup)
    assert waiting_change_sets(aws, f"{project.name}-pipeline") == []
    template.write_text(text)
    assert not deploy(agree=no).has_changed


def test_a_table_that_cannot_be_connected_is_told(plan, make_table, table_name):
    make_table(table_name, "KEYS_ONLY")
    refused, missing = plan(table_name, f"{table_name}-missing").tables
    assert "its stream holds KEYS_ONLY" in str(refused.error)
    assert "is not in DynamoDB" in str(missing.error)


# --- the command --------------------------------------------------------------------------------


def test_the_command_tells_it_and_exits_with_0(dynaurora, aws, plugin, project, make_table):
    make_table(plugin)
    told = dynaurora("deploy", "--dry-run")
    assert told.exit_code == 0, told.output
    assert f"{project.name}-pipeline is new: " in told.stdout
    assert "its stream is off: you would be asked" in told.stdout
    assert "this would change; nothing was done" in told.stdout
    assert stacks(aws, project) == {}


def test_the_command_tells_it_as_json(dynaurora, plugin, project, make_table):
    make_table(plugin)
    told = json.loads(dynaurora("deploy", "--dry-run", "--json").stdout)
    assert told["would_change"] is True
    stack = table_stack_name(project.name, plugin)
    assert told["tables"][plugin]["stack"] == stack
    assert {"add"} == {change["action"] for change in told["stacks"][stack]["changes"]}
    assert dynaurora("deploy", "--yes").exit_code == 0
    assert json.loads(dynaurora("deploy", "--dry-run", "--json").stdout)["would_change"] is False


def test_a_replacement_is_told_loudly(dynaurora, plugin, project, make_table):
    make_table(plugin)
    assert dynaurora("deploy", "--yes").exit_code == 0
    template = project.infra / "pipeline.yaml"
    text = template.read_text()
    template.write_text(text.replace("BucketName: !Ref BackupBucket", "BucketName: other", 1))
    told = dynaurora("deploy", "--dry-run")
    assert "REPLACED" in told.stdout
    refused = dynaurora("deploy")
    assert refused.exit_code == 1
    assert "what would change was not agreed to" in refused.stderr


def test_a_table_without_its_plugin_is_told_by_every_deployment(
    dynaurora, plugin, project, make_table
):
    make_table(plugin)
    assert dynaurora("deploy", "--yes").exit_code == 0
    (project.sqlqueries / f"{plugin}.py").unlink()
    for told in (dynaurora("deploy"), dynaurora("deploy", "--dry-run")):
        assert told.exit_code == 0, told.output
        assert f"{plugin}  it is connected and has no plugin any more" in told.stdout
        assert f"`dynaurora destroy {plugin}`" in told.stdout
    told = json.loads(dynaurora("deploy", "--json").stdout)
    assert told["without_plugin"] == {plugin: table_stack_name(project.name, plugin)}


def test_a_shared_stack_that_is_turned_off_is_told(deploy, plan, project):
    watched = dataclasses.replace(project, alarms=dataclasses.replace(project.alarms, are_on=True))
    assert deploy(of=watched).gone.stacks == ()
    for told in (deploy(), plan()):
        assert told.gone.stacks == (f"{project.name}-alarms",)
