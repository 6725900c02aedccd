"""The boundary that infra/deployer.yaml makes: as wide as all roles of the templates, and no wider.

A role may do what both its own policies and its boundary allow, so one that was narrower would stop
the pipeline. That it stops a role at all, and no Lambda, is tried in test_permissions.py.
"""

import re
from fnmatch import fnmatchcase

import pytest

from dynaurora.deploy.project import read_project
from dynaurora.deploy.templates import project_stacks
from support.templates import INFRA, every_statement, listed, of_type, resource, template, text

WITH_ROLES = ("aurora", "network", "pipeline", "table")

VALUES = {
    "AWS::Partition": "aws",
    "AWS::Region": "eu-west-1",
    "AWS::AccountId": "111122223333",
    "Project": "shop",
    "RawBucket": "shop-raw-111122223333-eu-west-1",
    "BackupBucket": "shop-backup-111122223333-eu-west-1",
    "Table": "Orders",
    "Tables": "*",
    "DeliveryStreamPrefix": "shop-",
    "DeliveryStream": "shop-Orders",
    "TransformArn": "arn:aws:lambda:eu-west-1:111122223333:function:shop-transform",
    "DatabaseSecretArn": "arn:aws:secretsmanager:eu-west-1:111122223333:secret:app",
    "DatabaseResourceId": "cluster-ABC",
    "DatabaseUser": "dynaurora_load",
    "KmsKeyArn": "arn:aws:kms:eu-west-1:111122223333:key/1",
}
"""What one project is given; both the deployer's template and the others."""


def written(source, value):
    """An ARN with these values. ``X.Arn`` is that of a queue or of a log group with a name."""

    def given(match):
        name, dot, _ = match[1].partition(".")
        if not dot:
            return VALUES[name]
        found = source["Resources"][name]
        place = "eu-west-1:111122223333"
        if found["Type"] == "AWS::SQS::Queue":
            return f"arn:aws:sqs:{place}:{written(source, found['Properties']['QueueName'])}"
        group = written(source, found["Properties"]["LogGroupName"])
        return f"arn:aws:logs:{place}:log-group:{group}:*"

    return re.sub(r"\$\{([^}]+)\}", given, text(value))


def permissions(source, name=""):
    """(action, resource, condition) of what is allowed, by one policy or by all roles."""
    return [
        (action, written(source, where), statement.get("Condition", {}))
        for holder, statement in every_statement(source)
        if statement["Effect"] == "Allow" and name in ("", holder)
        for action in listed(statement["Action"])
        for where in listed(statement["Resource"])
    ]


def of_roles():
    return [found for name in WITH_ROLES for found in permissions(template(name))]


@pytest.fixture(scope="module")
def boundary():
    return permissions(template("deployer"), "Boundary")


def covers(wide, narrow):
    """Whether one permission holds another; what it asks for, the other asks for, too."""
    (action, where, condition), (other, there, asked) = wide, narrow
    return action == other and fnmatchcase(there, where) and condition in ({}, asked)


def test_every_role_may_within_the_boundary_what_its_own_policies_allow(boundary):
    missed = [
        found[:2] for found in of_roles() if not any(covers(wide, found) for wide in boundary)
    ]
    assert missed == []


def test_the_boundary_holds_nothing_that_no_role_is_for(boundary):
    """An ARN with * of the one matches an ARN of the other, or the other way round."""
    unused = [
        (action, where)
        for action, where, _ in boundary
        if not any(
            action == other and (fnmatchcase(there, where) or fnmatchcase(where, there))
            for other, there, _ in of_roles()
        )
    ]
    assert unused == []


def test_no_role_deletes_what_is_archived_or_is_given_more_by_itself(boundary):
    assert not any("Delete" in action and "backup" in where for action, where, _ in boundary)
    assert not any(action.startswith("iam:") or "*" in action for action, _, _ in boundary)


@pytest.mark.parametrize("path", sorted(INFRA.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_role_takes_the_boundary_that_is_named(path):
    source = template(path.stem)
    roles = set(of_type(source, "AWS::IAM::Role")) - {"Deployer"}  # who deploys is no pipeline's
    assert bool(roles) == (path.stem in WITH_ROLES)
    for role in roles:
        condition, given, nothing = resource(source, role)["PermissionsBoundary"]["Fn::If"]
        assert condition == "HasBoundary"
        assert (given, nothing) == ({"Ref": "PermissionsBoundary"}, {"Ref": "AWS::NoValue"})
        assert source["Parameters"]["PermissionsBoundary"]["Default"] == ""


def test_deploy_tells_it_to_every_template_that_has_roles(tmp_path):
    arn = "arn:aws:iam::111122223333:policy/deployers-of-shop-Boundary-1"
    (tmp_path / "infra").symlink_to(INFRA)
    (tmp_path / "sqlqueries").mkdir()
    (tmp_path / "dynaurora.toml").write_text(
        f'project = "shop"\n[network]\n[aurora]\n[security]\nboundary = "{arn}"\n'
    )
    project = read_project(tmp_path, environment={})
    told = {
        stack.path.stem: stack.parameters.get("PermissionsBoundary")
        for stack in project_stacks(project, ["Orders"])
    }
    assert {name for name, given in told.items() if given == arn} == set(WITH_ROLES)
