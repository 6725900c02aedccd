"""What a cold start of a Lambda imports and reads, and what it leaves alone (`make bench`)."""

import os
import re
import subprocess
import sys

import pytest
from botocore.exceptions import UnknownServiceError
from botocore.loaders import Loader

from dynaurora.adapters.aws import worker_client
from dynaurora.adapters.models import SERVICES, Models
from support.handlers import CAPTURE, FOLDER, LOAD, TRANSFORM

DRIVERS = {"psycopg", "pymysql"}
OF_THE_COMMAND_LINE = {"boto3", "click", "rich", "sqlglot"}


@pytest.mark.parametrize(
    ("handler", "late"),
    [
        (CAPTURE, set()),
        (TRANSFORM, {"botocore"}),
        (LOAD, {"botocore.session", "botocore.client", "urllib3"}),
    ],
)
def test_a_handler_is_imported_without_drivers_boto3_and_what_comes_with_the_first_load(
    handler, late
):
    absent = DRIVERS | OF_THE_COMMAND_LINE | late
    found = run_in_a_worker(f"import sys, {handler}; print(*{absent!r} & set(sys.modules))")
    assert found.split() == []


def run_in_a_worker(program):
    """Run a program where a handler is imported; return what it prints."""
    environment = {
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "DYNAURORA_DATABASE_URL": "postgresql://nobody@127.0.0.1/none",
        "DYNAURORA_RAW_BUCKET": "raw",
        "DYNAURORA_BACKUP_BUCKET": "backup",
        "PYTHONPATH": os.pathsep.join([str(FOLDER), *sys.path]),
    }
    return subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        check=True,
        env=os.environ | environment,
        text=True,
    ).stdout


@pytest.mark.parametrize("kind", ["service-2", "endpoint-rule-set-1"])
@pytest.mark.parametrize("service", SERVICES)
def test_the_models_of_a_worker_are_those_of_botocore(service, kind):
    models = Models().load_service_model(service, kind)
    assert models == Loader().load_service_model(service, kind)


def test_every_client_that_a_lambda_makes_is_of_a_service_that_is_known():
    sources = "".join(path.read_text() for path in FOLDER.glob("*.py"))
    assert set(re.findall(r"worker_client[,(] ?\"(\w+)\"", sources)) == set(SERVICES)


def test_a_service_that_is_not_known_is_named():
    with pytest.raises(UnknownServiceError, match="dynamodb"):
        worker_client("dynamodb")


FIRST_LOAD = f"""
{LOAD}.STORE._client
from dynaurora.adapters.database import adapter_of
adapter_of"""


@pytest.mark.parametrize(
    ("handler", "then"),
    [(CAPTURE, ""), (LOAD, f"{FIRST_LOAD}('postgresql')"), (LOAD, f"{FIRST_LOAD}('mysql')")],
)
def test_a_start_hardly_looks_for_garbage_and_never_again_in_what_it_made(handler, then):
    """Each look takes longer than the last, of which there were two hundred."""
    program = f"""
import gc
def looks():
    return sum(generation["collections"] for generation in gc.get_stats())
before = looks()
import {handler}
{then}
print(looks() - before, len(gc.get_objects()), gc.get_freeze_count(), int(gc.isenabled()))
"""
    looks, left, kept, is_enabled = map(int, run_in_a_worker(program).split())
    assert is_enabled
    assert looks < 40
    assert left < 4_000
    assert kept > 40_000


def test_who_looked_for_no_garbage_before_a_start_does_not_after_it():
    program = """
import gc
from dynaurora.collecting import starting
gc.disable()
with starting():
    pass
print(gc.isenabled())
"""
    assert run_in_a_worker(program).split() == ["False"]


def test_a_start_that_fails_keeps_nothing_and_leaves_garbage_looked_for():
    program = """
import gc
from contextlib import suppress
from dynaurora.collecting import starting
with suppress(ZeroDivisionError), starting():
    1 / 0
print(gc.isenabled(), gc.get_freeze_count())
"""
    assert run_in_a_worker(program).split() == ["True", "0"]
