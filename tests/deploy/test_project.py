"""dynaurora.toml, the environment and flags."""

import tomllib
from pathlib import Path

import pytest

from dynaurora.deploy.keys import KEYS
from dynaurora.deploy.overrides import variable_of
from dynaurora.deploy.project import (
    Alarms,
    Project,
    Security,
    check,
    find_root,
    read_project,
)
from dynaurora.errors import ProjectError, SettingsError
from dynaurora.settings import DatabaseSettings

URL = "postgresql://host/db"
SECRET = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:shop/app-a1B2c3"
FILE = """
project = "shop"
region = "eu-west-1"
[database]
url = "postgresql://file/db"
[sizes]
BufferSeconds = 7
[env.staging]
project = "shop-staging"
[env.staging.database]
schema = "other"
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "sqlqueries" / "deep").mkdir(parents=True)
    (tmp_path / "dynaurora.toml").write_text(FILE)
    return tmp_path


def read(folder, environment=None, **given):
    return read_project(folder, environment=environment or {}, **given)


def test_the_file_is_found_upward(folder):
    assert find_root(folder / "sqlqueries" / "deep") == folder
    project = read(folder / "sqlqueries")
    assert (project.root, project.sqlqueries) == (folder, folder / "sqlqueries")


def test_without_a_file_the_message_says_what_to_do(tmp_path):
    with pytest.raises(ProjectError, match=r"holds no dynaurora\.toml.*--project-dir"):
        find_root(tmp_path)


def test_a_flag_beats_the_environment_and_the_environment_the_file(folder):
    assert read(folder).region == "eu-west-1"
    environment = {"AWS_REGION": "eu-north-1"}
    assert read(folder, environment).region == "eu-north-1"
    assert read(folder, environment, region="us-east-2").region == "us-east-2"


@pytest.mark.parametrize(
    "given", [{"chosen": "staging"}, {"environment": {"DYNAURORA_ENV": "staging"}}]
)
def test_an_env_stands_over_the_rest_of_the_file(folder, given):
    project = read(folder, **given)
    assert project.name == "shop-staging"
    assert project.database == DatabaseSettings("postgresql://file/db", "", "other")


def test_a_key_and_a_bucket_of_ones_own_stand_in_the_file(folder):
    (folder / "dynaurora.toml").write_text(
        FILE + "[env.other.security]\nkey = 'arn:key'\n[security]\naccess_logs = 'logs'\n"
    )
    assert read(folder).security == Security("", "logs")
    assert read(folder, chosen="other").security == Security("arn:key", "logs")


def test_a_file_that_begins_with_a_byte_order_mark_is_read(folder):
    (folder / "dynaurora.toml").write_text(FILE, encoding="utf-8-sig")
    assert read(folder).name == "shop"


def test_an_unknown_env_is_named_with_the_known_ones(folder):
    with pytest.raises(ProjectError, match=r"no \[env\.prod\].*staging"):
        read(folder, chosen="prod")


def test_the_environment_gives_every_setting(folder):
    (folder / "plugins").mkdir()
    project = read(
        folder,
        {
            "DYNAURORA_PROJECT": "other",
            "DYNAURORA_DATABASE_URL": URL,
            "DYNAURORA_DATABASE_SECRET_ARN": SECRET,
            "DYNAURORA_SCHEMA": "meta",
            "DYNAURORA_SQLQUERIES": "plugins",
            "DYNAURORA_DELIVERY_STREAM_PREFIX": "shop-",
            "DYNAURORA_STREAM_FAILURES": "raise",
        },
    )
    assert project.name == "other"
    assert project.database == DatabaseSettings(URL, SECRET, "meta")
    assert project.sqlqueries == folder / "plugins"
    assert project.delivery_stream_prefix == "shop-"
    assert project.stream_failures == "raise"
    assert project.sizes == {"BufferSeconds": "7"}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("projct = 'a'", 'projct: is not known; did you mean "project"'),
        ("[databse]\nurl = 'a'", 'databse: is not known; did you mean "database"'),
        ("[env.prod]\nprojct = 'a'", 'env.prod: projct: is not known; did you mean "project"'),
        ("[env]\nprod = 1", "env.prod: is 1; expected a table"),
        ("env = 5", r"env: is 5; expected tables\. Write \[env\.NAME\]"),
        ("[sizes]\nBufferSecond = 1", "BufferSecond: is not known"),
        ("[sizes]\nBufferSeconds = '1'", "expected a whole number"),
        ("[database]\npassword = 'x'", "password: is not known"),
        ("[security]\nkms = 'x'", "kms: is not known"),
        ("project = 1", "expected a text"),
        ("[alarms]\nemial = 'a@b'", "emial: is not known"),
        ("[alarms]\nemail = 'a@b'\ntopic = 'arn'", "email: stands beside a topic"),
        ("[alarms]\nmax_connections = 5", "max_connections: is of no cluster"),
        ("project = ", "Invalid value"),
    ],
)
def test_a_mistake_in_the_file_is_named(folder, line, said):
    (folder / "dynaurora.toml").write_text(line)
    with pytest.raises(ProjectError, match=said):
        read(folder)


@pytest.mark.parametrize("name", ["", "a", "Shop", "1shop", "shop-", "shop_1", "s" * 26, "shöp"])
def test_a_name_that_is_no_bucket_name_is_refused(folder, name):
    with pytest.raises(ProjectError, match="small letters"):
        read(folder, {"DYNAURORA_PROJECT": name} if name else {"DYNAURORA_PROJECT": "-"})


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://user:hunter2@host/db",
        "postgresql://user:@host/db",
        "postgresql://host/db?password=hunter2",
        "postgresql://user:hunter2@[host/db",
    ],
)
def test_a_password_is_not_put_into_a_lambda(folder, url):
    with pytest.raises(SettingsError, match="DYNAURORA_DATABASE_SECRET_ARN") as raised:
        read(folder, {"DYNAURORA_DATABASE_URL": url})
    assert "hunter2" not in str(raised.value)


@pytest.mark.parametrize(
    "arn",
    [
        "shop/app",
        "arn:aws:secretsmanager:eu-west-1:111122223333:secret:app",
        "arn:aws:secretsmanager:eu-west-1:111122223333:secret:rds!cluster-0123",
        "arn:aws:secretsmanager:eu-west-1:111122223333:secret:shop-dev",
        "arn:aws:secretsmanager:eu-west-1:111122223333:secret:app-a1B2c3:password::",
        "arn:aws:secretsmanager:eu-west-1:1111:secret:app-a1B2c3",
        "arn:aws:kms:eu-west-1:111122223333:key/app-a1B2c3",
        "arn:aws:secretsmanager:eu-west-1:111122223333:secret:äpp-a1B2c3",
    ],
)
def test_a_secret_that_is_not_named_by_its_whole_arn_is_refused(folder, arn):
    with pytest.raises(ProjectError, match=r"secret_arn: is .*six characters") as raised:
        read(folder, {"DYNAURORA_DATABASE_SECRET_ARN": arn})
    assert "aws secretsmanager describe-secret" in raised.value.remedy
    local = {"AWS_ENDPOINT_URL": "http://127.0.0.1:4566", "DYNAURORA_DATABASE_SECRET_ARN": arn}
    assert read(folder, local).database.secret_arn == arn, "an emulator's may be another"


@pytest.mark.parametrize("name", ["a/b_+=.@-c", "rds!cluster-01234567-89ab"])
@pytest.mark.parametrize("partition", ["aws", "aws-cn", "aws-us-gov"])
def test_a_whole_arn_is_taken_in_every_partition(folder, partition, name):
    arn = f"arn:{partition}:secretsmanager:us-gov-west-1:111122223333:secret:{name}-a1B2c3"
    assert read(folder, {"DYNAURORA_DATABASE_SECRET_ARN": arn}).database.secret_arn == arn


def test_an_emulator_on_this_machine_may_have_one(folder):
    project = read(
        folder,
        {
            "DYNAURORA_DATABASE_URL": "postgresql://user:hunter2@127.0.0.1/db",
            "AWS_ENDPOINT_URL": "http://127.0.0.1:4566",
        },
    )
    assert project.is_local
    assert project.stream_failures == "raise", "the emulator ignores the report"


def test_another_endpoint_is_not_this_machine(folder):
    assert not read(folder, {"AWS_ENDPOINT_URL": "https://vpce.example.com"}).is_local


def test_a_file_without_a_name_says_what_to_write(folder):
    (folder / "dynaurora.toml").write_text("")
    with pytest.raises(ProjectError, match=r'project: is missing; .*project = "shop"'):
        check(read(folder))


def test_a_database_is_needed(folder):
    project = Project(
        root=folder,
        name="shop",
        region="",
        database=DatabaseSettings("", "", "dynaurora"),
        sqlqueries=folder / "sqlqueries",
    )
    with pytest.raises(SettingsError, match="DYNAURORA_DATABASE_URL: is not set"):
        check(project)


def test_a_database_is_private_where_file_or_environment_say_so(folder):
    assert not read(folder).is_private
    assert read(folder, {"DYNAURORA_DATABASE_PRIVATE": "1"}).is_private
    text = FILE.replace("[database]", "[database]\nprivate = true")
    (folder / "dynaurora.toml").write_text(text)
    assert read(folder).is_private
    assert not read(folder, {"DYNAURORA_DATABASE_PRIVATE": "false"}).is_private


@pytest.mark.parametrize("value", ['"yes"', "1"])
def test_private_is_true_or_false(folder, value):
    text = FILE.replace("[database]", f"[database]\nprivate = {value}")
    (folder / "dynaurora.toml").write_text(text)
    with pytest.raises(ProjectError, match=r"database: private.*true or false"):
        read(folder)


def test_alarms_are_on_but_for_an_emulator_unless_the_file_says_otherwise(folder):
    emulator = {"AWS_ENDPOINT_URL": "http://127.0.0.1:4566"}
    assert read(folder).alarms.are_on
    assert not read(folder, emulator).alarms.are_on
    said = {"off = true": False, "off = false": True}
    for line, are_on in said.items():
        (folder / "dynaurora.toml").write_text(f"{FILE}\n[alarms]\n{line}")
        assert read(folder, emulator).alarms.are_on is are_on
        assert read(folder).alarms.are_on is are_on


def test_what_is_said_of_alarms_is_read(folder):
    said = "[alarms]\nemail = 'a@b'\ncluster = 'app'\nmax_connections = 90"
    (folder / "dynaurora.toml").write_text(f"{FILE}\n{said}")
    assert read(folder).alarms == Alarms(
        are_on=True, email="a@b", cluster="app", max_connections=90
    )


# --- what the Lambdas run on ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "runtime",
    [
        "nodejs20",
        "nodejs20.x",
        "3.13",
        "python3.9",
        "python3",
        "python3.1x",
        "python3.1³",
        "Python",
    ],
)
def test_a_runtime_that_the_code_does_not_run_on_is_refused(folder, runtime):
    with pytest.raises(ProjectError, match=r"runtime: is .*python3\.11 or newer") as raised:
        read(folder, {"DYNAURORA_RUNTIME": runtime})
    assert f'"{runtime}"' in raised.value.found


def test_the_oldest_runtime_is_the_oldest_python_of_the_package(folder):
    text = (Path(__file__).parents[2] / "pyproject.toml").read_text()
    oldest = tomllib.loads(text)["project"]["requires-python"].removeprefix(">=")
    assert read(folder, {"DYNAURORA_RUNTIME": f"python{oldest}"}).runtime == f"python{oldest}"
    older = f"python3.{int(oldest.partition('.')[2]) - 1}"
    with pytest.raises(ProjectError, match="runtime"):
        read(folder, {"DYNAURORA_RUNTIME": older})


def test_an_architecture_that_lambda_has_not_is_refused(folder):
    with pytest.raises(ProjectError, match='architecture: is "amd64"; expected arm64 or x86_64'):
        read(folder, {"DYNAURORA_ARCHITECTURE": "amd64"})


# --- every setting --------------------------------------------------------------------------------

OF_TEMPLATES = ("60", "true", "false", "1024", "3", "10.0.0.0/16", "a,b")
SAMPLES = ("other", "7", "1", "0", "raise", "mysql", "python3.12", "x86_64", SECRET, *OF_TEMPLATES)
"""Among them is one that each key takes, and that is not what it is without."""


BESIDE = {
    "alarms.max_connections": {"DYNAURORA_ALARMS_CLUSTER": "it"},
    "aurora.SecurityGroup": {"DYNAURORA_AURORA_SUBNETIDS": "subnet-1,subnet-2"},
    "aurora.SubnetIds": {"DYNAURORA_AURORA_SECURITYGROUP": "sg-1"},
    "database.iam": {
        "DYNAURORA_DATABASE_URL": "postgresql://load@host/db",
        "DYNAURORA_DATABASE_RESOURCE_ID": "cluster-it",
    },
}
"""What a key is not taken without."""


@pytest.mark.parametrize("key", sorted(KEYS))
def test_the_environment_gives_every_key_of_the_file(folder, key):
    (folder / "other").mkdir()
    beside = BESIDE.get(key, {})
    if key.startswith("aurora."):
        place = "" if key in BESIDE else "[network]\n"
        text = FILE.replace('url = "postgresql://file/db"', "") + place + "[aurora]\n"
        (folder / "dynaurora.toml").write_text(text)

    def found(**given):
        try:
            return read(folder, {**beside, **given})
        except (ProjectError, SettingsError):
            return None

    taken = [found(**{variable_of(key): sample}) for sample in SAMPLES]
    assert any(project not in (None, found()) for project in taken)


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("DYNAURORA_SIZES_BUFFERSECONDS", "soon", "a whole number"),
        ("DYNAURORA_ALARMS_OFF", "maybe", "1 or 0"),
    ],
)
def test_a_mistake_in_the_environment_is_named(folder, variable, value, said):
    with pytest.raises(SettingsError, match=said) as raised:
        read(folder, {variable: value})
    assert raised.value.where == variable


def test_a_list_is_given_with_commas(folder):
    project = read(folder, {"DYNAURORA_DATABASE_SUBNETS": "subnet-1, subnet-2"})
    assert project.network.subnets == ("subnet-1", "subnet-2")


def test_every_key_is_in_the_document_with_its_variable():
    lines = (Path(__file__).parents[2] / "docs" / "settings.md").read_text().splitlines()
    rows = [line for line in lines if line.startswith("| ")]
    for key in KEYS:
        table, _, name = key.rpartition(".")
        if table in ("sizes", "network", "aurora"):
            continue  # they are the templates' own
        named = f"`[{table}] {name}`" if table else f"`{name}`"
        (row,) = [row for row in rows if row.split("|")[2].strip() == named]
        assert row.split("|")[1].strip() == f"`{variable_of(key)}`"
