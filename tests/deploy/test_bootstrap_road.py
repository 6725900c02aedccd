"""A private database on the emulator: `dynaurora bootstrap` by way of the load Lambda."""

import json
import shutil
from itertools import count
from urllib.parse import unquote, urlsplit

import pytest

from support.road import ROOT

pytestmark = [pytest.mark.each_engine, pytest.mark.road]

_numbers = count(1)


@pytest.fixture
def secrets(aws, server):
    """A secret of the administrator, and one of a load's user who is not there yet: their ARNs."""
    client = aws.client("secretsmanager")
    parts, user = urlsplit(server.url), f"bootstrapped_{next(_numbers)}"
    admin = {"username": unquote(parts.username or ""), "password": unquote(parts.password or "")}

    def kept(name, secret):
        return client.create_secret(Name=name, SecretString=json.dumps(secret))["ARN"]

    load = {"username": user, "password": "of the load"}
    yield kept(f"{user}-admin", admin), kept(user, load)
    if server.engine == "postgresql":
        server.execute(f"drop owned by {user} cascade")
        server.execute(f"drop role {user}")
    else:
        server.execute(f"drop user {user}@'%'")


def test_the_load_makes_its_own_user_when_an_administrator_is_handed_to_it(
    dynaurora, monkeypatch, project, secrets, server
):
    admin, load = secrets
    shutil.copytree(
        ROOT / "lambda_functions", project.root / "lambda_functions", dirs_exist_ok=True
    )
    monkeypatch.setenv("DYNAURORA_DATABASE_URL", server.url)
    monkeypatch.setenv("DYNAURORA_DATABASE_SECRET_ARN", load)
    monkeypatch.setenv("DYNAURORA_DATABASE_PRIVATE", "1")
    first = dynaurora("deploy")
    assert first.exit_code == 1, "nobody is there yet"
    assert "`dynaurora bootstrap` makes the load's user" in first.stderr
    told = dynaurora("bootstrap", "--admin-secret", admin, "--json")
    user = json.loads(told.stdout)["user"]
    assert json.loads(told.stdout) == {"user": user, "is_new": True, "iam": False, "is_owner": True}
    assert dynaurora("gaps", "list", "--json").exit_code == 0
    assert dynaurora("deploy").exit_code == 0
    again = dynaurora("bootstrap", "--admin-secret", admin)
    assert again.stdout.startswith(f"The load's user {user} was there and signs in with")
    assert "is not its own" not in again.stderr


@pytest.mark.engines("postgresql")
def test_that_a_schema_is_shared_is_told(dynaurora, monkeypatch, secrets, server):
    admin, load = secrets
    server.execute("create table salaries (n int)")
    monkeypatch.setenv("DYNAURORA_DATABASE_URL", server.url)
    monkeypatch.setenv("DYNAURORA_DATABASE_SECRET_ARN", load)
    told = dynaurora("bootstrap", "--admin-secret", admin)
    assert told.exit_code == 0
    assert "The schema public is not its own" in told.stderr
