"""`destroy`: what deploy made goes, what holds data stays, and it can be done again."""

import dataclasses
import json

import pytest

from dynaurora.adapters.change_sets import StackPlan
from dynaurora.adapters.dynamodb import describe_table
from dynaurora.deploy.deployment import deploy_project
from dynaurora.deploy.destroying import destroy_project, destroy_table
from dynaurora.errors import AwsError, ProjectError
from dynaurora.model.names import bucket_name, table_stack_name


class Interrupted(BaseException):
    """Stands in for Ctrl-C."""


@pytest.fixture
def deploy(project, aws):
    def deployed(*tables, of=project, **given):
        return deploy_project(of, tables, confirm=lambda _t: True, client=aws.client, **given)

    return deployed


@pytest.fixture
def destroy(project, aws):
    def destroyed(**given):
        return destroy_project(project, client=aws.client, **given)

    return destroyed


@pytest.fixture
def buckets(project, aws):
    """The names of the buckets by purpose."""
    return {
        purpose: bucket_name(project.name, purpose, aws.account, aws.region)
        for purpose in ("raw", "backup", "artifacts")
    }


@pytest.fixture
def there(aws, project):
    """The stacks and the buckets of the project that are there."""

    def found():
        pages = aws.client("cloudformation").get_paginator("describe_stacks").paginate()
        stacks = {stack["StackName"] for page in pages for stack in page["Stacks"]}
        names = {bucket["Name"] for bucket in aws.client("s3").list_buckets()["Buckets"]}
        return {name for name in stacks | names if name.startswith(f"{project.name}-")}

    return found


def test_all_stacks_go_and_empty_buckets_with_them(
    deploy, destroy, there, buckets, project, make_table, table_name
):
    make_table(table_name, "NEW_IMAGE")
    deploy(table_name)
    gone = destroy()
    assert gone.stacks == (
        table_stack_name(project.name, table_name),
        f"{project.name}-pipeline",
        f"{project.name}-artifacts",
    )
    assert gone.kept_buckets == (buckets["artifacts"],), "it has the zips"
    assert there() == {buckets["artifacts"]}
    assert gone.streams_on == (table_name,)


def test_buckets_with_objects_stay_and_the_next_deployment_takes_them_over(
    deploy, destroy, aws, buckets, make_table, table_name
):
    make_table(table_name, "NEW_IMAGE")
    deploy(table_name)
    s3 = aws.client("s3")
    s3.put_object(Bucket=buckets["backup"], Key="Processed/it", Body=b"{}")
    assert set(destroy().kept_buckets) == {buckets["backup"], buckets["artifacts"]}
    again = deploy(table_name, agree=lambda _plan: False)  # nothing is to be asked
    assert not again.failures
    assert [code.is_new for code in again.code] == [False, False]
    assert s3.get_object(Bucket=buckets["backup"], Key="Processed/it")["Body"].read() == b"{}"
    notified = s3.get_bucket_notification_configuration(Bucket=buckets["raw"])
    assert notified["QueueConfigurations"]
    assert not deploy(table_name).has_changed


def test_a_deployment_that_is_interrupted_after_it_took_them_over_is_finished(
    deploy, destroy, aws, buckets, project
):
    deploy()
    s3 = aws.client("s3")
    s3.put_object(Bucket=buckets["raw"], Key="orders/it", Body=b"{}")
    destroy()

    def tell(step):
        is_of_pipeline = isinstance(step, StackPlan) and step.name == f"{project.name}-pipeline"
        if is_of_pipeline and not step.adopts:
            raise Interrupted

    with pytest.raises(Interrupted):
        deploy(tell=tell)
    deploy()
    assert s3.get_object(Bucket=buckets["raw"], Key="orders/it")["Body"].read() == b"{}"
    assert not deploy().has_changed


def test_told_so_the_data_goes_with_every_version_of_it(deploy, destroy, aws, there, buckets):
    deploy()
    s3 = aws.client("s3")
    for body in (b"1", b"2"):
        s3.put_object(Bucket=buckets["backup"], Key="Processed/it", Body=body)
    s3.put_object(Bucket=buckets["backup"], Key="Processed/deleted", Body=b"")
    s3.delete_object(Bucket=buckets["backup"], Key="Processed/deleted")
    gone = destroy(deletes_data=True)
    assert set(gone.buckets) == set(buckets.values())
    assert there() == set()


def test_a_second_destruction_finds_nothing(deploy, destroy, there):
    deploy()
    destroy(deletes_data=True)
    again = destroy(deletes_data=True)
    assert (again.stacks, again.buckets) == ((), ())


def test_an_interrupted_destruction_goes_on_where_it_ended(
    deploy, destroy, there, make_table, table_name
):
    """At each of its steps."""
    make_table(table_name, "NEW_IMAGE")
    deploy(table_name)
    steps = []
    destroy_after = 1
    while True:
        steps.clear()

        def tell(step, limit=destroy_after):
            steps.append(step)
            if len(steps) == limit:
                raise Interrupted

        try:
            destroy(deletes_data=True, tell=tell)
        except Interrupted:
            destroy_after += 2
        else:
            break
    assert there() == set()
    assert destroy_after > 5


def test_streams_are_turned_off_when_asked(deploy, destroy, aws, make_table, table_name):
    make_table(table_name, "NEW_IMAGE")
    deploy(table_name)
    assert destroy(disables_streams=True).streams_on == ()
    assert not describe_table(aws.client("dynamodb"), table_name).has_stream


def test_streams_are_turned_off_also_when_it_was_interrupted_after_the_tables(
    deploy, project, aws, make_table, table_name
):
    make_table(table_name, "NEW_IMAGE")
    deploy(table_name)

    def tell(step):
        if getattr(step, "name", "") == table_stack_name(project.name, table_name):
            raise Interrupted

    with pytest.raises(Interrupted):
        destroy_project(project, disables_streams=True, client=aws.client, tell=tell)
    again = destroy_project(project, disables_streams=True, client=aws.client)
    assert again.streams_on == ()
    assert not describe_table(aws.client("dynamodb"), table_name).has_stream


def test_a_stream_that_others_read_stays_on_and_it_is_told_who(
    deploy, destroy, aws, project, make_table, table_name
):
    make_table(table_name, "NEW_IMAGE")
    other = dataclasses.replace(project, name=f"{project.name}x", delivery_stream_prefix="other-")
    deploy(table_name)
    deploy(table_name, of=other)
    gone = destroy(disables_streams=True)
    assert gone.streams_on == (table_name,)
    assert gone.readers == {table_name: (f"{other.name}-capture",)}
    assert describe_table(aws.client("dynamodb"), table_name).has_stream
    last = destroy_project(other, disables_streams=True, client=aws.client)
    assert (last.streams_on, last.readers) == ((), {})
    assert not describe_table(aws.client("dynamodb"), table_name).has_stream


def test_a_change_that_was_on_its_way_is_in_the_raw_bucket(
    deploy, destroy, aws, buckets, project, make_table, table_name
):
    """The load is off: nothing empties the queue, which is told. S3's own message, with which it
    tries the queue, may wait there, too."""
    make_table(table_name, "NEW_IMAGE")
    pipeline = deploy(table_name).pipeline
    mapping = pipeline.outputs["LoadMappingId"]
    aws.client("lambda").update_event_source_mapping(UUID=mapping, Enabled=False)
    aws.client("s3").put_object(Bucket=buckets["raw"], Key=f"{table_name}/it", Body=b"{}")
    gone = destroy()
    assert gone.waiting in (1, 2)
    assert buckets["raw"] in gone.kept_buckets


# --- one table ----------------------------------------------------------------------------------


def test_one_table_goes_and_the_others_stay(deploy, aws, project, there, make_table, table_name):
    for table in (table_name, f"{table_name}2"):
        make_table(table, "NEW_IMAGE")
    deploy(table_name, f"{table_name}2")
    before = there()
    destroy_table(project, table_name, client=aws.client)
    assert before - there() == {table_stack_name(project.name, table_name)}
    assert not deploy(f"{table_name}2").has_changed


def test_a_table_that_is_not_connected_is_told(deploy, aws, project, make_table, table_name):
    make_table(table_name, "NEW_IMAGE")
    deploy(table_name)
    with pytest.raises(ProjectError, match=f'did you mean "{table_name}"'):
        destroy_table(project, f"{table_name}x", client=aws.client)


def test_the_tables_of_a_project_with_a_longer_name_are_not_ours(
    deploy, aws, project, there, make_table, table_name
):
    make_table(table_name, "NEW_IMAGE")
    deploy(table_name, of=dataclasses.replace(project, name=f"{project.name}-table"))
    before = there()
    destroy_project(project, client=aws.client, deletes_data=True)
    assert there() == before


# --- what stands in the way ---------------------------------------------------------------------


def test_a_bucket_of_another_account_is_told_and_left_alone(aws, project, buckets, deploy):
    other = aws.session().client(
        "s3",
        endpoint_url=aws.endpoint_url,
        aws_access_key_id="111122223333",
        aws_secret_access_key="any",
    )
    other.create_bucket(Bucket=buckets["raw"])
    with pytest.raises(AwsError, match=r"may not use.*another project name"):
        deploy()


# --- the command --------------------------------------------------------------------------------


def test_the_command_keeps_data_until_the_project_is_named(
    dynaurora, plugin, project, make_table, buckets, there
):
    make_table(plugin)
    assert dynaurora("deploy", "--yes").exit_code == 0
    unnamed = dynaurora("destroy", "--yes", "--data")
    assert unnamed.exit_code == 2
    assert f"--yes-delete-data {project.name}" in unnamed.stderr
    assert dynaurora("destroy", "--yes", "--data", "--yes-delete-data", "other").exit_code == 2
    kept = dynaurora("destroy", "--yes")
    assert kept.exit_code == 0, kept.output
    assert f"{buckets['artifacts']}  kept with its objects" in kept.stdout
    assert f"{plugin}  its stream is left on" in kept.stdout
    told = dynaurora("destroy", "--yes", "--data", "--yes-delete-data", project.name, "--json")
    assert json.loads(told.stdout)["buckets"] == [buckets["artifacts"]]
    assert there() == set()


def test_the_command_asks_and_where_nobody_can_be_asked_says_so(dynaurora):
    refused = dynaurora("destroy")
    assert refused.exit_code == 2
    assert "say --yes" in refused.stderr


def test_a_table_that_has_its_file_still_is_not_disconnected(
    dynaurora, plugin, project, make_table, there
):
    make_table(plugin)
    assert dynaurora("deploy", "--yes").exit_code == 0
    refused = dynaurora("destroy", plugin, "--yes")
    assert refused.exit_code == 1
    assert "Delete the file first." in refused.stderr
    (project.sqlqueries / f"{plugin}.py").unlink()
    told = dynaurora("destroy", plugin, "--yes")
    assert told.exit_code == 0, told.output
    assert table_stack_name(project.name, plugin) not in there()


def test_what_goes_is_looked_for_in_the_region_of_the_flag(dynaurora):
    told = dynaurora("destroy", "--yes", "--region", "eu-north-1")
    assert told.exit_code == 0, told.output
    assert "in eu-north-1: deleted: nothing was there" in told.stdout
