"""A pipeline that an older version has deployed is upgraded while changes flow, and loses none.

The older version comes from the history of the clone: its last tag, or a commit while there is no
tag. Without history, as in a shallow clone, there is nothing to upgrade from.
"""

import io
import os
import subprocess
import sys
import tarfile
import threading
from itertools import count
from pathlib import Path

import pytest

from dynaurora.local.machine import LocalMachine
from support.road import Road

pytestmark = pytest.mark.road

ROOT = Path(__file__).parents[2]

BEFORE = "04853985106c09f561f05b81591a0773d448b563"
"""It deploys, and no version has a tag yet."""

TABLE = "upgraded"
KEYS = 60
PLUGIN = """
from dynaurora import Table

upgraded = Table(key="id", columns={"id": "text", "value": "text"})
"""


def git(*arguments):
    """What git says, as bytes; None where there is no git or no such thing in the clone."""
    try:
        said = subprocess.run(
            ["git", "-C", str(ROOT), *arguments], capture_output=True, check=False
        )
    except FileNotFoundError:
        return None
    return said.stdout if said.returncode == 0 else None


@pytest.fixture(scope="module")
def older(tmp_path_factory):
    """The folder of the older version."""
    tag = git("describe", "--tags", "--abbrev=0", "--match", "v*", "HEAD^")
    version = tag.decode().strip() if tag else BEFORE
    archive = git("archive", version, "src", "infra", "lambda_functions", "dynaurora.toml")
    if archive is None:
        pytest.skip(f"the clone has no history back to {version}: git fetch --unshallow --tags")
    folder = tmp_path_factory.mktemp("older")
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        files.extractall(folder, filter="data")
    return folder


@pytest.fixture
def road(tmp_path):
    with LocalMachine() as machine:
        yield Road(machine, tmp_path)


def deploy(road, folder):
    """`dynaurora deploy` as the version in this folder has it."""
    aws = road.machine.aws
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "DYNAURORA_"))}
    done = subprocess.run(
        [sys.executable, "-c", "from dynaurora.cli import main; main()", "deploy", "--yes"],
        capture_output=True,
        check=False,
        cwd=folder,
        env={
            **kept,
            "PYTHONPATH": str(folder / "src"),
            "AWS_ENDPOINT_URL": aws.endpoint_url,
            "AWS_REGION": aws.region,
            "AWS_ACCESS_KEY_ID": aws.access_key,
            "AWS_SECRET_ACCESS_KEY": aws.secret_key,
            "DYNAURORA_DATABASE_URL": road.machine.database.url,
            "DYNAURORA_PROJECT": road.project.name,
            "DYNAURORA_SQLQUERIES": str(road.sqlqueries),
        },
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


class Writer:
    """Puts, changes and deletes items, one after the other, until it is told to stop."""

    def __init__(self, road):
        self._road = road
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._write)
        self.changes = 0

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_error):
        self._stop.set()
        self._thread.join()

    def _write(self):
        for number in count():
            if self._stop.wait(0.02):
                return
            key = f"key{number * 7 % KEYS}"
            if number % 5 == 4:
                self._road.dynamodb.delete_item(TableName=TABLE, Key={"id": {"S": key}})
            else:
                self._road.put(TABLE, id=key, value=f"value{number}")
            self.changes = number + 1


def items(road):
    pages = road.dynamodb.get_paginator("scan").paginate(TableName=TABLE, ConsistentRead=True)
    return sorted((i["id"]["S"], i["value"]["S"]) for page in pages for i in page["Items"])


def test_an_older_pipeline_is_upgraded_while_changes_flow(road, older):
    road.plugin(TABLE, PLUGIN)
    road.create_table(TABLE)
    assert "-pipeline created" in deploy(road, older)
    with Writer(road) as writer:
        road.wait_for(f"select count(*) > 0 from {TABLE}", [(True,)])
        before = writer.changes
        assert "-pipeline updated" in deploy(road, ROOT)
        during = writer.changes
        road.wait_for(f"select count(*) > {KEYS // 3} from {TABLE}", [(True,)])
    assert 0 < before < during
    road.wait_for(f'select id, value from {TABLE} order by id collate "C"', items(road), 60)
    road.wait_until_archived()
    assert road.rows("select count(*) from dynaurora.quarantine") == [(0,)]
    assert "nothing to change" in deploy(road, ROOT)
