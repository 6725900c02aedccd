"""A project of its own for each test, deployed to the shared MiniStack."""

import shutil
from itertools import count
from pathlib import Path

import pytest

from dynaurora.deploy.packaging import CAPTURE, LOAD, TRANSFORM
from dynaurora.deploy.project import Project
from dynaurora.settings import DatabaseSettings

ROOT = Path(__file__).parents[2]
_numbers = count(1)

HANDLER = "def lambda_handler(event, context):\n    return {}\n"


@pytest.fixture
def project_folder(tmp_path):
    """A project's folder with handlers that do nothing."""
    shutil.copytree(ROOT / "infra", tmp_path / "infra")
    (tmp_path / "lambda_functions").mkdir()
    for name in (CAPTURE, TRANSFORM, LOAD):
        (tmp_path / "lambda_functions" / name).write_text(HANDLER)
    (tmp_path / "sqlqueries").mkdir()
    (tmp_path / "dynaurora.toml").write_text('project = "dynaurora"\n')
    return tmp_path


@pytest.fixture
def project(project_folder, aws):
    """A project whose names no other test uses."""
    return Project(
        root=project_folder,
        name=f"test{next(_numbers)}",
        region=aws.region,
        endpoint=aws.endpoint_url,
        database=DatabaseSettings("postgresql://user:secret@127.0.0.1/db", "", "dynaurora"),
        sqlqueries=project_folder / "sqlqueries",
        stream_failures="raise",
    )


@pytest.fixture
def table_name(project):
    return f"Orders.of-{project.name}"


@pytest.fixture
def make_table(aws):
    """Make a DynamoDB table, with a stream of this view or none."""
    dynamodb = aws.client("dynamodb")

    def make(name, view=None):
        stream = {"StreamEnabled": view is not None}
        if view is not None:
            stream["StreamViewType"] = view
        dynamodb.create_table(
            TableName=name,
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
            StreamSpecification=stream,
        )
        return name

    return make
