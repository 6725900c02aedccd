"""The whole pipeline on one machine, driven by boto3: what a user would see."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import psycopg

from dynaurora.deploy.deployment import deploy_project
from dynaurora.deploy.project import Project
from dynaurora.errors import StatementRefused
from dynaurora.metadata import Metadata
from dynaurora.settings import DatabaseSettings
from support.servers import Server

ROOT = Path(__file__).parents[2]


class Road:
    """A deployed pipeline: servers, a folder of plugins, and ways to look at what arrives."""

    def __init__(self, machine, sqlqueries: Path):
        self.machine = machine
        self.sqlqueries = sqlqueries
        self.dynamodb = machine.aws.client("dynamodb")
        self.s3 = machine.aws.client("s3")
        self.project = Project(
            root=ROOT,
            name="road",
            region=machine.aws.region,
            database=DatabaseSettings(url=machine.database.url, secret_arn="", schema="dynaurora"),
            sqlqueries=sqlqueries,
            endpoint=machine.aws.endpoint_url,
            stream_failures="raise",
            sizes={"LocalRetrySeconds": "2"},
        )

    def plugin(self, table: str, text: str) -> None:
        (self.sqlqueries / f"{table}.py").write_text(text)

    def create_table(self, table: str, key: str = "id") -> None:
        self.dynamodb.create_table(
            TableName=table,
            KeySchema=[{"AttributeName": key, "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )

    def deploy(self, *tables: str):
        return deploy_project(
            self.project, tables, confirm=lambda _: True, client=self.machine.aws.client
        )

    def put(self, table: str, **attributes) -> None:
        item = {name: {"S": value} for name, value in attributes.items()}
        self.dynamodb.put_item(TableName=table, Item=item)

    def sweep(self, table: str = "") -> dict:
        """Ask the load Lambda to load what waits."""
        stacks = self.machine.aws.client("cloudformation").describe_stacks(
            StackName="road-pipeline"
        )
        outputs = {o["OutputKey"]: o["OutputValue"] for o in stacks["Stacks"][0]["Outputs"]}
        answer = self.machine.aws.client("lambda").invoke(
            FunctionName=outputs["LoadArn"],
            Payload=json.dumps({"dynaurora": {"command": "sweep", "table": table}}),
        )
        return json.loads(answer["Payload"].read())

    def command(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess:
        """`dynaurora …` on this pipeline."""
        aws = self.machine.aws
        return subprocess.run(
            [sys.executable, "-c", "from dynaurora.cli import main; main()", *arguments],
            capture_output=True,
            check=False,
            cwd=ROOT,
            env={
                **{k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "DYNAURORA_"))},
                "AWS_ENDPOINT_URL": aws.endpoint_url,
                "AWS_REGION": aws.region,
                "AWS_ACCESS_KEY_ID": aws.access_key,
                "AWS_SECRET_ACCESS_KEY": aws.secret_key,
                "DYNAURORA_DATABASE_URL": self.machine.database.url,
                "DYNAURORA_PROJECT": self.project.name,
                "DYNAURORA_SQLQUERIES": str(self.sqlqueries),
                **environment,
            },
            stdin=subprocess.DEVNULL,
            text=True,
            timeout=120,
        )

    def rows(self, statement: str) -> list[tuple]:
        """Rows, or none where there is no such table yet."""
        try:
            return Server(self.machine.database.url).execute(statement)
        except (psycopg.errors.UndefinedTable, StatementRefused):
            return []

    def wait_for(self, statement: str, expected, seconds: float = 30) -> None:
        """Wait until a query gives this; fail with what it gives."""
        found = None
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            found = self.rows(statement)
            if found == expected:
                return
            time.sleep(0.05)
        raise AssertionError(f"{statement}: {found}, expected {expected}")

    def wait_until_archived(self, seconds: float = 30) -> None:
        """Wait until the raw bucket is empty."""
        end = time.monotonic() + seconds
        while keys := self.raw_keys():
            assert time.monotonic() < end, f"still in the raw bucket: {keys}"
            time.sleep(0.05)

    def raw_keys(self) -> list[str]:
        return self._keys("raw")

    def backup_keys(self) -> list[str]:
        return self._keys("backup")

    def metadata(self, engine) -> Metadata:
        return Metadata(engine.connection, engine.queries)

    def _keys(self, purpose: str) -> list[str]:
        bucket = f"road-{purpose}-{self.machine.aws.account}-{self.machine.aws.region}"
        found = self.s3.list_objects_v2(Bucket=bucket).get("Contents", [])
        return [each["Key"] for each in found]
