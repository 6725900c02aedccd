"""A project of its own for each test, deployed to the shared MiniStack."""

import dataclasses
import shutil
import subprocess
from itertools import count
from pathlib import Path

import pytest

from dynaurora.deploy import destroying, packaging
from dynaurora.deploy.packaging import CAPTURE, LOAD, TRANSFORM
from dynaurora.deploy.project import Network, Project
from dynaurora.settings import DatabaseSettings

ROOT = Path(__file__).parents[2]
_numbers = count(1)

SECRET = "arn:aws:secretsmanager:us-east-1:000000000000:secret:app-a1B2c3"
HANDLER = "def lambda_handler(event, context):\n    return {}\n"


@pytest.fixture(autouse=True)
def _no_patience(monkeypatch):
    """The emulator polls the queues of all tests one by one; no destruction waits for it."""
    monkeypatch.setattr(destroying, "_DRAINING_S", 1)


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
def no_wheels(monkeypatch):
    """Let pip fetch nothing, and nobody make bytecode; the commands that pip was given."""
    asked = []
    monkeypatch.setattr(packaging, "compiler_for", lambda _version: None)

    def run(command, **_options):
        asked.append(command)
        Path(command[command.index("--target") + 1]).mkdir(parents=True)
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(subprocess, "run", run)
    return asked


@pytest.fixture
def project_on_aws(project, no_wheels, aws):
    """The same project with everything that the emulator would not need.

    But for one statement: the emulator's S3 calls its own queue without TLS. And its load is not
    left polling: the emulator takes MaximumConcurrency for a text, and then polls for nobody.
    """
    template = project.infra / "pipeline.yaml"
    queue, only_tls, rest = template.read_text().partition('"aws:SecureTransport": "false"')
    template.write_text(f'{queue}"aws:SourceIp": "192.0.2.1"{rest}'.replace("Bool", "IpAddress", 1))
    assert only_tls
    yield dataclasses.replace(
        project,
        endpoint="",
        database=DatabaseSettings("postgresql://host/db", SECRET, "dynaurora"),
        network=Network(("subnet-1", "subnet-2"), ("sg-1",)),
        stream_failures="report",
    )
    client = aws.client("lambda")
    for mapping in client.list_event_source_mappings()["EventSourceMappings"]:
        if mapping["FunctionArn"].endswith(f":{project.name}-load"):
            client.delete_event_source_mapping(UUID=mapping["UUID"])


@pytest.fixture
def table_name(project):
    """Others of the test may be called so with a number behind it."""
    return f"Orders.{project.name}-of"


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


@pytest.fixture
def dynaurora(project, aws, database_url, monkeypatch):
    """Call a command in the test's project, with an environment of its own."""
    from click.testing import CliRunner

    from dynaurora.cli import group

    monkeypatch.setenv("AWS_ENDPOINT_URL", aws.endpoint_url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", aws.access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", aws.secret_key)
    monkeypatch.setenv("AWS_REGION", aws.region)
    monkeypatch.setenv("DYNAURORA_PROJECT", project.name)
    monkeypatch.setenv("DYNAURORA_DATABASE_URL", database_url)
    for name in ("AWS_PROFILE", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)

    def called(*arguments, **given):
        common = ("--project-dir", str(project.root))
        return CliRunner().invoke(group, [*arguments, *common], **given)

    return called


@pytest.fixture
def plugin(project, table_name):
    """The file of a table in the test's project; the table's name."""
    text = 'from dynaurora import Table\nfound = Table(key="id", columns={"id": "text"})\n'
    (project.sqlqueries / f"{table_name}.py").write_text(text)
    return table_name
