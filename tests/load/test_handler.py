"""The load's handler as Lambda runs it: the real module, a real S3, a real database."""

import json
from itertools import count
from urllib.parse import quote_plus

import pytest

from dynaurora import commands
from dynaurora.errors import DatabaseAway, SettingsError
from support.embedded import sums
from support.handlers import LOAD, Context, environment_of, imported
from support.items import DECLARED, put
from support.sql import raising

pytestmark = pytest.mark.each_engine

_numbers = count(1)


class Worker:
    """A worker of the load, its buckets and its folder of plugins."""

    def __init__(self, machine, aws, monkeypatch):
        number = next(_numbers)
        self.machine = machine
        self.s3 = aws.client("s3")
        self.raw, self.backup = f"handler-raw-{number}", f"handler-backup-{number}"
        for bucket in (self.raw, self.backup):
            self.s3.create_bucket(Bucket=bucket)
        self._import = lambda **more: imported(
            LOAD,
            monkeypatch,
            **{
                "DYNAURORA_DATABASE_URL": machine.url,
                "DYNAURORA_SQLQUERIES": str(machine.folder),
                "DYNAURORA_RAW_BUCKET": self.raw,
                "DYNAURORA_BACKUP_BUCKET": self.backup,
            }
            | environment_of(aws)
            | more,
        )
        self.start()

    def start(self, **environment):
        self.module = self._import(**environment)

    def put(self, key, *lines):
        self.s3.put_object(Bucket=self.raw, Key=key, Body=b"\n".join(lines))
        return key

    def told_of(self, *keys):
        """What the handler answers to an event of SQS, one message per key."""
        return self.module.lambda_handler({"Records": [self._message(k) for k in keys]}, Context())

    def asked(self, event):
        return self.module.lambda_handler(event, Context())

    def keys(self, bucket):
        return [o["Key"] for o in self.s3.list_objects_v2(Bucket=bucket).get("Contents", [])]

    def _message(self, key):
        entry = {"s3": {"bucket": {"name": self.raw}, "object": {"key": quote_plus(key)}}}
        return {
            "messageId": key,
            "body": json.dumps({"Records": [entry]}),
            "attributes": {"ApproximateReceiveCount": "1"},
        }


@pytest.fixture
def worker(machine, aws, monkeypatch):
    found = Worker(machine, aws, monkeypatch)
    yield found
    found.module.DATABASE.close()


def test_an_event_of_sqs_is_loaded_and_acknowledged(worker):
    worker.machine.plugin("items", DECLARED)
    key = worker.put("items/2026/a b+é", put(1, "a", v="1"))
    assert worker.told_of(key) == {"batchItemFailures": []}
    assert worker.machine.rows("select id, v from items") == [("a", "1")]
    assert worker.keys(worker.raw) == []
    assert worker.keys(worker.backup) == [f"Processed/{key}"]


def test_what_comes_again_is_told_by_its_message(worker):
    worker.machine.plugin("items", DECLARED)
    worker.told_of(worker.put("items/1", put(1, "a", v="1")))
    raising(worker.machine, "XX000", word="2")
    keys = [worker.put("items/2", put(2, "a", v="2")), worker.put("unknown/1", b"{}")]
    assert worker.told_of(*keys) == {"batchItemFailures": [{"itemIdentifier": "items/2"}]}


def test_a_database_that_is_away_raises(worker, tmp_path):
    worker.machine.plugin("items", DECLARED)
    key = worker.put("items/1", put(1, "a", v="1"))
    nowhere = worker.machine.of_engine(
        f"postgresql://postgres@/nowhere?host={tmp_path}",
        f"mysql://root@/nowhere?unix_socket={tmp_path}/nowhere",
    )
    worker.start(DYNAURORA_DATABASE_URL=nowhere)
    with pytest.raises(DatabaseAway):
        worker.told_of(key)
    assert worker.keys(worker.raw) == [key]


def test_the_sweep_is_what_the_rule_wakes_it_for(worker, capsys):
    worker.machine.plugin("items", DECLARED)
    worker.put("items/1", put(1, "a", v="1"))
    event = {"source": "aws.events", "detail-type": "Scheduled Event"}
    assert worker.asked(event) == {"loaded": {}, "failed": 0, "waiting": 0}
    assert sums(capsys.readouterr().out, Project="dynaurora") == {"sweeps": 1, "unsettled": 0}
    found = worker.asked({"dynaurora": {"command": "sweep", "table": "items"}})
    assert found["loaded"]["items"]["applied"] == 1
    assert worker.keys(worker.raw) == []


def test_a_sweep_tells_how_much_waits_for_a_person(worker, capsys):
    worker.machine.plugin("items", DECLARED)
    worker.machine.plugin("broken", "wrong = 1\n")
    worker.told_of(worker.put("items/1", b"no json"), worker.put("broken/1", b"{}"))
    worker.put("(errors)/items/processing-failed/1", b"{}")
    worker.told_of("(errors)/items/processing-failed/1", "items/gone")
    capsys.readouterr()
    worker.asked({"source": "aws.events"})
    assert sums(capsys.readouterr().out, Project="dynaurora")["unsettled"] == 4


def test_who_asks_for_a_command_that_is_none_is_answered_so(worker):
    answer = worker.asked({"dynaurora": {"command": "explode"}})
    assert answer["error"]["kind"] == "SettingsError"
    assert "explode" in answer["error"]["found"]


def test_what_goes_wrong_with_a_command_is_answered_with_its_facts_and_logged_without(
    worker, capsys
):
    answer = worker.asked({"dynaurora": {"command": "quarantine show", "number": 77}})
    assert (answer["error"]["kind"], answer["error"]["where"]) == ("ProjectError", "entry 77")
    assert '"kind":"ProjectError"' in capsys.readouterr().out


def test_an_answer_that_a_lambda_cannot_give_says_what_to_do(worker, monkeypatch):
    monkeypatch.setattr(commands, "ANSWER_BYTES", 10)
    answer = worker.asked({"dynaurora": {"command": "quarantine list"}})
    assert "--limit" in answer["error"]["remedy"]


def test_a_command_that_finds_the_database_away_leaves_no_broken_connection(worker):
    command = {"dynaurora": {"command": "gaps list"}}
    assert worker.asked(command) == {"gaps": []}
    worker.machine.server.end_session(worker.module.DATABASE._connection)
    assert worker.asked(command) == {"gaps": []}


def test_a_warm_worker_takes_a_changed_plugin(worker):
    worker.machine.plugin("items", "wrong = 1\n")
    key = worker.put("items/1", put(1, "a", v="1"))
    assert worker.told_of(key) == {"batchItemFailures": []}
    assert worker.keys(worker.raw) == [key]
    worker.machine.plugin("items", DECLARED)
    worker.told_of(key)
    assert worker.machine.rows("select id from items") == [("a",)]


def test_user_and_password_come_from_the_secret_when_it_connects(worker, aws):
    worker.machine.plugin("items", DECLARED)
    if worker.machine.engine == "mysql":
        worker.machine.execute("create user loader identified by 'first'")
        worker.machine.execute("grant all on *.* to loader")
    else:
        worker.machine.execute("create role loader login superuser password 'first'")
    secrets = aws.client("secretsmanager")
    name = f"loader-{next(_numbers)}"
    text = json.dumps({"username": "loader", "password": "first"})
    arn = secrets.create_secret(Name=name, SecretString=text)["ARN"]
    try:
        worker.start(DYNAURORA_DATABASE_SECRET_ARN=arn)
        worker.told_of(worker.put("items/1", put(1, "a", v="1")))
        loaders = worker.machine.of_engine(
            "select usename from pg_stat_activity where usename = 'loader'",
            "select user from information_schema.processlist where user = 'loader'",
        )
        assert worker.machine.rows(loaders) == [("loader",)]
        secrets.put_secret_value(SecretId=name, SecretString="{}")
        worker.module.DATABASE.close()
        with pytest.raises(SettingsError, match="user and a password"):
            worker.told_of(worker.put("items/2", put(2, "a", v="1")))
    finally:
        worker.module.DATABASE.close()
        if worker.machine.engine == "postgresql":
            worker.machine.execute("reassign owned by loader to postgres")
        worker.machine.execute(f"drop {worker.machine.of_engine('role', 'user')} loader")


def test_a_setting_that_is_missing_is_named(machine, aws, monkeypatch):
    monkeypatch.delenv("DYNAURORA_RAW_BUCKET", raising=False)
    with pytest.raises(SettingsError, match="DYNAURORA_RAW_BUCKET"):
        imported(LOAD, monkeypatch, DYNAURORA_DATABASE_URL=machine.url, **environment_of(aws))
