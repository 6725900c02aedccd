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
    environment = {
        "AWS_DEFAULT_REGION": "us-east-1",
        "DYNAURORA_DATABASE_URL": "postgresql://nobody@127.0.0.1/none",
        "DYNAURORA_RAW_BUCKET": "raw",
        "DYNAURORA_BACKUP_BUCKET": "backup",
        "PYTHONPATH": os.pathsep.join([str(FOLDER), *sys.path]),
    }
    found = subprocess.run(
        [sys.executable, "-c", f"import sys, {handler}; print(*{absent!r} & set(sys.modules))"],
        capture_output=True,
        check=True,
        env=os.environ | environment,
        text=True,
    )
    assert found.stdout.split() == []


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
