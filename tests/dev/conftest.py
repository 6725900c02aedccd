"""`dynaurora dev` as a program, and what a person does beside it."""

import time
from contextlib import contextmanager

import boto3
import psycopg
import pytest

from dynaurora.errors import StatementRefused
from support.program import PATIENCE_S, Program
from support.servers import Server


class Dev(Program):
    """A running `dynaurora dev` on plugins of its own."""

    def __init__(self, plugins, folder, *arguments):
        super().__init__("dev", "--sqlqueries", plugins, *arguments, folder=folder)
        self.plugins = plugins

    def ready(self):
        self.wait_for("ready;")
        return self

    def client(self, service):
        variables = self.variables()
        return boto3.client(
            service,
            endpoint_url=variables["AWS_ENDPOINT_URL"],
            aws_access_key_id=variables["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=variables["AWS_SECRET_ACCESS_KEY"],
            region_name=variables["AWS_DEFAULT_REGION"],
        )

    def create_table(self, name, key):
        """As a newcomer does: without a stream."""
        self.client("dynamodb").create_table(
            TableName=name,
            KeySchema=[{"AttributeName": key, "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )

    def put(self, table, **attributes):
        item = {
            name: {"N" if isinstance(value, int) else "S": str(value)}
            for name, value in attributes.items()
        }
        self.client("dynamodb").put_item(TableName=table, Item=item)

    def plugin(self, table, text):
        path = self.plugins / f"{table}.py"
        path.write_text(text)
        return path

    def wait_for_rows(self, statement, expected):
        server = Server(self.variables()["DYNAURORA_DATABASE_URL"])
        until = time.monotonic() + PATIENCE_S
        found = None
        while time.monotonic() < until:
            try:
                found = server.execute(statement)
            except (psycopg.errors.UndefinedTable, StatementRefused) as error:
                found = str(error)
            if found == expected:
                return
            time.sleep(0.02)
        raise AssertionError(f"{statement}: {found}\n{self.text}")


@pytest.fixture
def start(tmp_path, memory):
    """Start it: ``with start("--port", 4711) as dev: …``."""
    plugins = tmp_path / "sqlqueries"
    plugins.mkdir()
    temporary = tmp_path / "tmp"
    temporary.mkdir()

    @contextmanager
    def started(*arguments):
        with Dev(plugins, temporary, *arguments) as dev:
            yield dev.ready()

    started.plugins = plugins
    return started
