"""A network and a cluster of the project's own: asked for by the file, made before the pipeline."""

import dataclasses

import pytest

from dynaurora.adapters.cloudformation import StackChange, stack_parameters
from dynaurora.deploy.connections import connections_told, most_connections
from dynaurora.deploy.deployment import deploy_project
from dynaurora.deploy.destroying import destroy_project
from dynaurora.deploy.own import AURORA_PARAMETERS, NETWORK_PARAMETERS, Own
from dynaurora.deploy.project import read_project
from dynaurora.deploy.templates import project_stacks
from dynaurora.errors import DatabaseAway, ProjectError, SettingsError
from support.templates import template

OWN = """
project = "shop"
[network]
Zones = 3
[aurora]
Engine = "mysql"
MinCapacity = 0
MaxCapacity = 4
DeletionProtection = false
"""


@pytest.fixture
def read(project_folder):
    """The project of this dynaurora.toml."""

    def found(text, **environment):
        (project_folder / "dynaurora.toml").write_text(text)
        return read_project(project_folder, environment=environment)

    return found


def test_the_file_sets_parameters_of_the_templates_by_name(read):
    project = read(OWN)
    assert project.own.network == {"Zones": "3"}
    assert project.own.cluster["Engine"] == "mysql"
    assert project.own.cluster["DeletionProtection"] == "false"
    assert project.database.url == "mysql://dynaurora_load@/app"
    assert (project.database.is_iam, project.is_private) == (True, True)


@pytest.mark.parametrize(
    ("name", "parameters"), [("network", NETWORK_PARAMETERS), ("aurora", AURORA_PARAMETERS)]
)
def test_what_the_file_may_say_are_parameters_of_the_template(name, parameters):
    assert parameters <= template(name)["Parameters"].keys()


def test_the_defaults_that_are_said_to_the_template_are_its_own():
    given = template("aurora")["Parameters"]
    for name, value in Own(aurora={}).cluster.items():
        assert str(given[name]["Default"]) == value


def test_a_misspelt_parameter_is_told(read):
    with pytest.raises(ProjectError, match="aurora: MaxCapcity: is not known"):
        read('project = "shop"\n[network]\n[aurora]\nMaxCapcity = 4\n')


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[network]\n[aurora]\n[database]\nurl = "postgresql://host/db"\n', r"\[database\] url"),
        (
            '[network]\n[aurora]\n[database]\nurl = "mysql://h/d"\nsecret_arn = "arn"\n',
            r"aurora: stands beside \[database\] url",
        ),
        (
            '[network]\n[aurora]\n[database]\nsecret_arn = "arn"\n',
            r"aurora: stands beside \[database\] secret_arn.*signed in to with IAM",
        ),
        ('[network]\n[database]\nurl = "postgresql://h/d"\nsubnets = ["subnet-1"]\n', "subnets"),
        ("[aurora]\n", "has no place"),
        ('[network]\n[aurora]\nEngine = "oracle"\n', "postgresql or mysql"),
    ],
)
def test_what_contradicts_itself_is_refused(read, text, told):
    with pytest.raises(ProjectError, match=told):
        read(f'project = "shop"\n{text}')


def test_a_url_of_the_environment_beats_a_cluster_of_the_file(read):
    project = read(OWN, DYNAURORA_DATABASE_URL="postgresql://host/db")
    assert project.own.aurora is None
    assert not project.database.is_iam


def test_on_this_machine_nothing_of_it_is_made(read):
    project = read(
        OWN,
        AWS_ENDPOINT_URL="http://127.0.0.1:1",
        DYNAURORA_DATABASE_URL="postgresql://127.0.0.1/db",
    )
    assert project.own == Own()
    assert (project.database.is_iam, project.is_private) == (False, False)
    with pytest.raises(SettingsError, match="DYNAURORA_DATABASE_URL: is not set"):
        read(OWN, AWS_ENDPOINT_URL="http://127.0.0.1:1")


def test_a_cluster_may_stand_in_a_network_that_is_there(read):
    project = read(
        'project = "shop"\n[aurora]\nSubnetIds = ["subnet-1", "subnet-2"]\n'
        'SecurityGroup = "sg-2"\n[database]\nsubnets = ["subnet-3"]\nsecurity_groups = ["sg-1"]\n'
    )
    stacks = {stack.subject: stack.parameters for stack in project_stacks(project, [])}
    assert list(stacks) == ["artifacts", "aurora", "pipeline", "alarms"]
    assert stacks["alarms"]["Cluster"] == "shop-aurora"
    assert stacks["alarms"]["MaxConnections"] == "1669"
    assert stacks["aurora"]["SubnetIds"] == "subnet-1,subnet-2"
    assert stacks["pipeline"]["SubnetIds"] == "subnet-3"
    assert stacks["pipeline"]["DatabaseUser"] == "dynaurora_load"


def test_a_cluster_that_is_there_may_be_signed_in_to_with_iam(read):
    project = read(
        'project = "shop"\n[database]\nurl = "postgresql://load@c.eu-west-1.rds.amazonaws.com/app"\n'
        'iam = true\nresource_id = "cluster-ABC"\n'
    )
    stacks = {stack.subject: stack.parameters for stack in project_stacks(project, [])}
    assert stacks["pipeline"]["DatabaseResourceId"] == "cluster-ABC"
    assert stacks["pipeline"]["DatabaseUser"] == "load"
    assert stacks["pipeline"]["DatabaseCertificates"] == "certificates.pem"


@pytest.mark.parametrize("user", ["", "@"])
def test_iam_without_a_user_is_refused(read, user):
    given = f'[database]\nurl = "mysql://{user}host:3307/app"\niam = true\nresource_id = "it"\n'
    with pytest.raises(ProjectError, match=r"names no user") as raised:
        read(f'project = "shop"\n{given}')
    assert raised.value.remedy.endswith("host:3307/app.")
    assert raised.value.remedy.startswith("Write it: mysql://USER@")


def test_iam_without_the_clusters_id_is_refused(read):
    with pytest.raises(ProjectError, match="resource_id"):
        read('project = "shop"\n[database]\nurl = "postgresql://load@host/app"\niam = true\n')


# --- connections --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cluster", "most"),
    [
        ({}, 1669),
        ({"MaxCapacity": "16"}, 2000),
        ({"MaxCapacity": "16", "MinCapacity": "1"}, 3360),
        ({"MaxCapacity": "6", "MinCapacity": "1"}, 823),
        ({"Engine": "mysql", "MaxCapacity": "1"}, 90),
        ({"Engine": "mysql", "MaxCapacity": "256", "MinCapacity": "0"}, 6000),
    ],
)
def test_the_cluster_has_as_many_connections_as_aws_tells(cluster, most):
    """https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/aurora-serverless-v2.setting-capacity.html"""
    assert most_connections(Own(aurora=cluster)) == most


def test_the_loads_take_half_of_the_connections_at_most(read):
    loads = 'project = "shop"\n[network]\n[aurora]\nEngine = "mysql"\nMaxCapacity = 1\n[sizes]\n'
    own = read(loads + "LoadConcurrency = 45\n").own
    assert connections_told(own, "45") == (
        "The loads hold up to 45 of the cluster's 90 connections."
    )
    with pytest.raises(ProjectError, match=r"LoadConcurrency: is 46.*at most 45"):
        read(loads + "LoadConcurrency = 46\n")


def test_the_default_of_the_template_is_the_one_that_is_counted_with():
    default = template("pipeline")["Parameters"]["LoadConcurrency"]["Default"]
    assert f"up to {default} of" in connections_told(Own(aurora={}), "")


# --- on the emulator ----------------------------------------------------------------------------


def test_they_are_made_before_the_pipeline_which_runs_in_them(aws, project):
    cluster = {"DeletionProtection": "false"}
    project = dataclasses.replace(
        project,
        own=Own(network={}, aurora=cluster),
        database=dataclasses.replace(
            project.database, url="postgresql://dynaurora_load@/app", is_iam=True
        ),
    )

    def deploy():
        return deploy_project(project, [], confirm=lambda _table: True, client=aws.client)

    first = deploy()
    parts = [stack.name.removeprefix(f"{project.name}-") for stack in first.shared]
    assert parts == ["artifacts", "network", "aurora", "pipeline"]
    network, cluster = first.shared[1].outputs, first.shared[2].outputs
    given = stack_parameters(aws.client("cloudformation"), first.pipeline.name)
    for name in ("SubnetIds", "SecurityGroupIds"):
        assert given[name] == network[name]
    function = aws.client("lambda").get_function_configuration(FunctionName=f"{project.name}-load")
    variables = function["Environment"]["Variables"]
    assert variables["DYNAURORA_DATABASE_URL"] == cluster["DatabaseUrl"]
    assert variables["DYNAURORA_DATABASE_IAM"] == "1"
    policy = aws.client("iam").get_role_policy(
        RoleName=function["Role"].rpartition("/")[2], PolicyName="load"
    )["PolicyDocument"]
    (allowed,) = (s["Resource"] for s in policy["Statement"] if s["Sid"] == "SignIn")
    user = f"{cluster['ClusterResourceId']}/dynaurora_load"
    assert allowed == f"arn:aws:rds-db:{aws.region}:{aws.account}:dbuser:{user}"
    (default,) = aws.client("ec2").describe_security_groups(
        GroupIds=[network["DefaultSecurityGroup"]]
    )["SecurityGroups"]
    assert (default["IpPermissions"], default["IpPermissionsEgress"]) == ([], [])
    assert {stack.change for stack in deploy().shared} == {StackChange.UNCHANGED}


def test_a_cluster_and_its_network_stay_unless_their_data_are_to_go(aws, project):
    project = dataclasses.replace(
        project,
        own=Own(network={}, aurora={}),
        database=dataclasses.replace(
            project.database, url="postgresql://dynaurora_load@/app", is_iam=True
        ),
    )
    deploy_project(project, [], confirm=lambda _table: True, client=aws.client)
    kept = destroy_project(project, client=aws.client)
    assert kept.kept_stacks == (f"{project.name}-network", f"{project.name}-aurora")
    gone = destroy_project(project, deletes_data=True, client=aws.client)
    assert {f"{project.name}-network", f"{project.name}-aurora"} <= set(gone.stacks)


@pytest.mark.parametrize(("is_there", "made"), [(True, 0), (False, 1)])
def test_a_new_cluster_gets_the_loads_user_and_one_that_has_it_is_left_alone(
    monkeypatch, capsys, read, is_there, made
):
    from dynaurora.cli.deploy import _make_ready

    def ask(command):
        assert command == "create metadata"
        if not is_there:
            raise DatabaseAway("connecting to the database", "no such user", code="08004")

    calls = []

    def bootstrapped(project):
        calls.append(project.name)
        return {"user": "dynaurora_load"}

    monkeypatch.setattr("dynaurora.cli.bootstrap.bootstrapped", bootstrapped)
    _make_ready(read(OWN), ask)
    assert len(calls) == made
    assert ("dynaurora_load is made" in capsys.readouterr().err) == (not is_there)
