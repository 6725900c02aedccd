"""A project with a mysql:// URL and a secret, on the emulator with IAM: from `deploy` to the row.

What the load may call is in tests/infra/test_permissions.py, on PostgreSQL.
"""

import dataclasses
import json
import shutil
import time
from urllib.parse import urlsplit

import pytest

from dynaurora.deploy.deployment import deploy_project
from dynaurora.settings import DatabaseSettings
from support.road import ROOT

pytestmark = [pytest.mark.engines("mysql"), pytest.mark.road]

PASSWORD = "a 'pass\\word\" of é"
PLUGIN = """
from dynaurora import Table

orders = Table(key="id", columns={"id": "text", "total": "numeric"})
"""
PATIENCE_S = 30


@pytest.fixture
def loader(server):
    """A user who may do anything in two databases, and nothing else."""
    name = urlsplit(server.url).path[1:]
    quoted = PASSWORD.replace("\\", "\\\\").replace("'", "''")
    server.execute("drop user if exists loader")
    server.execute(f"create user loader identified by '{quoted}'")
    for database in (name, "dynaurora"):
        server.execute(f"grant all on {database}.* to loader")
    yield {"username": "loader", "password": PASSWORD}
    server.execute("drop user loader")


@pytest.fixture
def walked(aws, server, loader, project, make_table):
    """The project with the real handlers, deployed with a table; and how to deploy it again."""
    for folder in ("infra", "lambda_functions"):
        shutil.copytree(ROOT / folder, project.root / folder, dirs_exist_ok=True)
    (project.sqlqueries / "orders.py").write_text(PLUGIN)
    secret = aws.client("secretsmanager").create_secret(
        Name=project.name, SecretString=json.dumps(loader)
    )
    url = server.url.replace(f"{urlsplit(server.url).username}@", "", 1)
    project = dataclasses.replace(
        project,
        database=DatabaseSettings(url, secret["ARN"], "dynaurora"),
        sizes={"LocalRetrySeconds": "2"},
    )
    make_table("orders", "NEW_IMAGE")

    def deploy():
        return deploy_project(project, ["orders"], confirm=lambda _: False, client=aws.client)

    assert not deploy().failures
    return project, deploy


def test_with_a_secret_a_row_arrives_and_a_second_deploy_changes_nothing(aws, server, walked):
    project, deploy = walked
    total = "12345678901234567890.123456789012345678"
    item = {"id": {"S": "a"}, "total": {"N": total}}
    aws.client("dynamodb").put_item(TableName="orders", Item=item)
    wait_for(server, [("a", total)])
    function = aws.client("lambda").get_function_configuration(FunctionName=f"{project.name}-load")
    told = json.dumps(function["Environment"])
    assert "mysql://" in told
    assert "loader" not in told
    assert not deploy().has_changed


def wait_for(server, expected):
    """Wait for these rows."""
    query = "select id, trim(trailing '0' from total) from orders"
    there = "select count(*) from information_schema.tables where table_name = 'orders'"
    found, deadline = [], time.monotonic() + PATIENCE_S
    while found != expected:
        assert time.monotonic() < deadline, found
        time.sleep(0.05)
        found = server.execute(query) if server.execute(there)[0][0] else []
