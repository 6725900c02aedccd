"""The operator's commands on a deployed pipeline, on a connection and through the load Lambda.

On MySQL: test_mysql_walk.py, for what they do in a database is held by tests/operations on both.
"""

import json

import psycopg
import pytest

from support.leftovers import MAPPING, given_up, stream_record, undelivered
from support.load import line

pytestmark = pytest.mark.road

PLUGIN = '''
from dynaurora import Table

found = Table("{name}", key="id", columns={{"id": "text", "value": "{kind}"}})
select_table_queries = {{
    "exact": """select id, value, 1 as one, '[1.50]'::jsonb as nested from {name}
                where id = 'exact'""",
}}
'''
PRIVATE = {"DYNAURORA_DATABASE_PRIVATE": "1"}
UNREACHABLE = {"DYNAURORA_DATABASE_URL": "postgresql://nobody@127.0.0.1:9/none"}
EXACT = "12345678901234567890.123456789012345678"
WAYS = {"direct": {}, "private": PRIVATE | UNREACHABLE}


class Orders:
    """A table of its own for each way to the database, and `dynaurora` on it."""

    def __init__(self, road, way, name="orders"):
        self.road = road
        self.table = f"{name}_{way}"
        self.environment = WAYS[way]
        self.plugin("numeric(5,2)")
        road.create_table(self.table)
        private = PRIVATE if way == "private" else {}
        deployed = road.command("deploy", "--yes", "--json", **private)
        assert json.loads(deployed.stdout)["tables"][self.table]["error"] is None, deployed.stderr
        self.arn = road.dynamodb.describe_table(TableName=self.table)["Table"]["LatestStreamArn"]

    def plugin(self, kind):
        self.road.plugin(self.table, PLUGIN.format(name=self.table, kind=kind))

    def put(self, item_id, value):
        item = {"id": {"S": item_id}, "value": {"N": value}}
        self.road.dynamodb.put_item(TableName=self.table, Item=item)

    def told(self, *arguments, status=0):
        """What it tells as JSON."""
        return json.loads(self.said(*arguments, "--json", status=status))

    def said(self, *arguments, status=0):
        found = self.road.command(*arguments, **self.environment)
        assert found.returncode == status, found.stderr + found.stdout
        return found.stdout

    def rows(self):
        return self.road.rows(f"select id, value::text from {self.table} order by id")

    def execute(self, statement):
        url = self.road.machine.database.url
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(statement)

    def put_object(self, purpose, key, data):
        aws = self.road.machine.aws
        bucket = f"road-{purpose}-{aws.account}-{aws.region}"
        self.road.s3.put_object(Bucket=bucket, Key=key, Body=data)


@pytest.fixture(params=WAYS, scope="module")
def orders(road, request):
    return Orders(road, request.param)


def test_an_entry_is_listed_shown_and_retried_when_its_plugin_is_corrected(orders):
    orders.put("a", "1.005")
    chosen = ("quarantine", "list", "--table", orders.table)
    entries = f"""
        select count(*) from dynaurora.quarantine q
        join dynaurora.tables t on t.number = q.table_number where t.name = '{orders.table}'
    """
    orders.road.wait_for(entries, [(1,)])
    (entry,) = orders.told(*chosen)["entries"]
    number = str(entry["number"])
    assert entry["reason"] == "value"
    assert number in orders.said(*chosen)
    shown = orders.told("quarantine", "show", number)
    assert shown["line"]["new"]["value"] == {"N": "1.005"}
    assert '"N": "1.005"' in orders.said("quarantine", "show", number)
    refused = orders.told("quarantine", "retry", number, status=1)
    assert refused["tables"][orders.table]["refused"] == 1
    status = orders.told("status", status=1)
    assert orders.table in [each["table"] for each in status["quarantine"]]

    orders.execute(f"alter table {orders.table} alter column value type numeric")
    orders.plugin("numeric")
    said = orders.said("quarantine", "retry", "--table", orders.table)
    assert f"{orders.table}: 1 applied now" in said
    assert orders.rows() == [("a", "1.005")]
    assert orders.told(*chosen)["total"] == 0


def test_a_query_gives_exact_numbers(orders):
    orders.put("exact", EXACT)
    orders.road.wait_for(f"select count(*) from {orders.table} where id = 'exact'", [(1,)])
    found = orders.said("query", orders.table, "exact", "--json")
    assert json.loads(found, parse_float=str) == [
        {"query": "exact", "rows": [{"id": "exact", "value": EXACT, "one": 1, "nested": ["1.50"]}]}
    ]
    assert "12,345,678,901,234,567,890.123456789012345678" in orders.said("query", orders.table)


def test_an_entry_is_discarded(orders):
    orders.put_object("raw", f"{orders.table}/2026/01/01/00/bad", b"{bad\n")
    orders.road.wait_for(
        "select count(*) from dynaurora.quarantine q join dynaurora.tables t "
        f"on t.number = q.table_number where t.name = '{orders.table}' and state = 'open'",
        [(1,)],
    )
    asked = orders.road.command("quarantine", "discard", "--table", orders.table)
    assert (asked.returncode, "--yes" in asked.stderr) == (2, True)
    chosen = ("--table", orders.table, "--newer-than", "1h", "--why", "a test", "--yes")
    assert orders.told("quarantine", "discard", *chosen) == {"discarded": 1}
    listed = orders.told("quarantine", "list", "--table", orders.table, "--state", "discarded")
    assert [each["why"] for each in listed["entries"]] == ["a test"]


def test_gaps_are_listed_replayed_and_closed(orders):
    key = {"id": {"S": "b"}}
    record = stream_record(orders.table, 10**29, key, {"value": {"N": "2.25"}}, stream=orders.arn)
    orders.put_object("backup", f"{MAPPING}/{orders.table}", given_up(orders.table, record))
    missed = line(
        orders.table, 10**29, {"id": {"S": "c"}}, {"value": {"N": "3.25"}}, stream=orders.arn
    )
    errors = f"(errors)/{orders.table}/processing-failed/2026/01/01/00/1"
    orders.put_object("raw", errors, undelivered(missed + b"\n"))
    orders.road.sweep()
    listed = orders.told("gaps", "list", orders.table)["gaps"]
    assert {each["kind"] for each in listed} == {"given_up", "undelivered"}
    assert f"dynaurora gaps replay {orders.table}" in orders.said("gaps", "list")
    said = orders.said("gaps", "replay", orders.table)
    assert "2 gaps replayed: 2 changes applied" in said
    assert [row for row in orders.rows() if row[0] in "bc"] == [("b", "2.25"), ("c", "3.25")]
    assert f"Processed/{errors}" in orders.road.backup_keys()
    assert errors not in orders.road.raw_keys()
    assert orders.said("gaps", "list", orders.table) == "Nothing is known to be missing.\n"

    gone = f"{orders.table}/gone"
    orders.execute(f"insert into dynaurora.gaps values ('vanished', 'orders', 'raw', '{gone}')")
    assert orders.told("gaps", "close", gone, "--why", "compared")["closed"] is True
    error = orders.told("gaps", "close", gone, "--why", "again", status=1)["error"]
    assert (error["kind"], error["where"]) == ("ProjectError", f"gap {gone}")


def test_a_stream_that_parks_its_table_is_accepted_and_what_waits_is_loaded(orders):
    older = orders.arn.rpartition("/")[0] + "/2020-01-01T00:00:00.000"
    bad = line(orders.table, 1, {"id": {"S": "a"}}, {"value": {"N": "7.25"}}, stream=older)
    orders.put_object("raw", f"{orders.table}/2026/01/01/00/older", bad)
    parked = f"select parked_for from dynaurora.tables where name = '{orders.table}'"
    orders.road.wait_for(parked, [("stream",)])
    status = orders.told("status", status=1)
    assert [each["parked_for"] for each in status["parked"] if each["table"] == orders.table] == [
        "stream"
    ]
    found = orders.road.command("stream", "accept", older, "--yes", **orders.environment)
    assert "Warning: it is older than one that feeds the table" in found.stderr
    assert f"{orders.table}: the stream feeds it now, at epoch 1" in found.stdout
    again = orders.told("stream", "accept", older)
    assert (again["epoch"], again["unparked"]) == (1, False)
    select = f"select value::text from {orders.table} where id = 'a'"
    orders.road.wait_for(select, [("7.25",)])
    back = orders.road.command("stream", "accept", orders.arn, **orders.environment)
    assert (back.returncode, f"lose against those of {older}" in back.stderr) == (1, True)
    listed = orders.told("stream", "list", orders.table)["streams"]
    assert [(each["stream"], each["epoch"]) for each in listed] == [(older, 1), (orders.arn, 0)]
    assert orders.table in orders.said("stream", "list")


def test_a_dropped_table_waits_and_is_unparked(orders):
    assert orders.told("drop", orders.table, "--yes")["generation"] == 2
    assert orders.told("unpark", orders.table) == {"table": orders.table, "was": "dropped"}
    assert orders.rows() == []


def test_status_is_well_or_says_what_mends_what_is_not(orders):
    orders.execute("delete from dynaurora.gaps")
    orders.execute("delete from dynaurora.quarantine")
    orders.road.wait_until_archived()
    found = orders.told("status")
    assert (found["needs_a_person"], found["dead_letters"]) == (False, 0)
    assert orders.said("status").startswith("All is well.")
    sqs = orders.road.machine.aws.client("sqs")
    letters = sqs.get_queue_url(QueueName="road-objects-dead")["QueueUrl"]
    sqs.send_message(QueueUrl=letters, MessageBody="failed ten times")
    assert "1 dead letter. It loses nothing" in orders.said("status")
    sqs.purge_queue(QueueUrl=letters)
    orders.execute(f"insert into dynaurora.gaps values ('vanished', '{orders.table}', 'r', 'x/2')")
    said = orders.said("status", status=1)
    assert said.startswith("Something needs a person.")
    assert "dynaurora gaps list" in said
    orders.execute("delete from dynaurora.gaps")


def test_what_is_deployed_first_is_asked_when_it_is_there(road, tmp_path):
    """Nothing can be asked of a private database before its load is deployed."""
    (tmp_path / "fresh.py").write_text(PLUGIN.format(name="fresh", kind="numeric"))
    road.create_table("fresh")
    of_its_own = {
        "DYNAURORA_PROJECT": "fresh",
        "DYNAURORA_SCHEMA": "fresh",
        "DYNAURORA_SQLQUERIES": str(tmp_path),
    }
    deployed = road.command("deploy", "--yes", **PRIVATE, **of_its_own)
    assert "fresh  created, its stream is on now" in deployed.stdout, deployed.stderr
    found = road.command(
        "stream", "list", "fresh", "--json", **PRIVATE, **of_its_own, **UNREACHABLE
    )
    (stream,) = json.loads(found.stdout)["streams"]
    assert stream["table_id"] != ""


def test_an_error_is_the_same_on_both_ways(orders):
    error = orders.told("quarantine", "show", "987654", status=1)["error"]
    assert (error["kind"], error["where"]) == ("ProjectError", "entry 987654")
    said = orders.road.command("quarantine", "show", "987654", **orders.environment)
    assert (said.returncode, said.stdout) == (1, "")
    assert said.stderr.startswith("Error: entry 987654: there is none")


@pytest.mark.parametrize("way", WAYS)
def test_a_column_that_the_plugin_gains_is_added_and_filled_from_the_archive(road, way):
    orders = Orders(road, way, "gaining")
    orders.put("old", "4")
    road.wait_for(f"select count(*) from {orders.table}", [(1,)])
    gained = PLUGIN.replace('"{kind}"}}', '"{kind}", "again": ("numeric", "value")}}')
    road.plugin(orders.table, gained.format(name=orders.table, kind="numeric"))
    private = PRIVATE if way == "private" else {}
    deployed = road.command("deploy", "--yes", "--json", **private)
    assert json.loads(deployed.stdout)["tables"][orders.table]["error"] is None, deployed.stderr
    found = orders.told("replay", orders.table, "--anew")
    assert (found["applied"], found["older"]) == (1, 0)
    assert road.rows(f"select again::text from {orders.table}") == [("4",)]
