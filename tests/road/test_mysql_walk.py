"""The main walks on MariaDB: a change arrives, and what an operator does with it.

The others know the database by what the load and the commands do, which tests/load and
tests/operations hold on each engine.
"""

import json
from decimal import Decimal

import pytest

from dynaurora.local.machine import LocalMachine
from support.leftovers import MAPPING, given_up, stream_record, undelivered
from support.load import line
from support.road import Road

pytestmark = pytest.mark.road

PLUGIN = """
from dynaurora import Table

{name} = Table(key="id", columns={{"id": "text", "value": "{kind}"}})
select_table_queries = {{"all": "select id, value from {name} order by id"}}
"""


@pytest.fixture(scope="module")
def road(mysql, tmp_path_factory):
    """A machine of its own with MariaDB."""
    del mysql  # or there is no server to be had
    with LocalMachine(engine="mysql") as machine:
        yield Road(machine, tmp_path_factory.mktemp("sqlqueries"))


@pytest.fixture
def connected(road):
    """Deploy a table by the command, and give its stream."""

    def connect(table, kind="numeric"):
        road.plugin(table, PLUGIN.format(name=table, kind=kind))
        road.create_table(table)
        told(road, "deploy", "--yes")
        return road.dynamodb.describe_table(TableName=table)["Table"]["LatestStreamArn"]

    return connect


def told(road, *arguments, status=0):
    """What a command tells as JSON; its numbers are exact."""
    found = road.command(*arguments, "--json")
    assert found.returncode == status, found.stderr + found.stdout
    return json.loads(found.stdout, parse_float=Decimal)


def put(road, table, item_id, value):
    item = {"id": {"S": item_id}, "value": {"N": value}}
    road.dynamodb.put_item(TableName=table, Item=item)


def test_an_item_becomes_a_row_is_queried_dropped_and_comes_back_from_the_archive(road, connected):
    connected("walk")
    exact = "12345678901234567890.123456789012345678"
    put(road, "walk", "a", exact)
    road.put("walk", id="b", value="no number")
    road.wait_for("select id from walk", [("a",)])
    road.wait_for("select state from dynaurora.quarantine", [("open",)])
    road.wait_until_archived()
    (row,) = told(road, "query", "walk")[0]["rows"]
    assert row["value"] == Decimal(exact)
    assert told(road, "quarantine", "list")["total"] == 1
    assert told(road, "status", status=1)["needs_a_person"] is True

    assert told(road, "drop", "walk", "--yes")["dropped"] is True
    assert "They are made with the first change" in road.command("query", "walk").stderr
    assert told(road, "unpark", "walk")["was"] == "dropped"
    assert told(road, "replay", "walk")["applied"] == 1
    road.wait_for("select id from walk", [("a",)])
    road.dynamodb.delete_item(TableName="walk", Key={"id": {"S": "a"}})
    road.wait_for("select id from walk", [])
    assert told(road, "deploy", "--yes")["changed"] is False


def test_a_quarantined_change_is_retried_when_its_plugin_is_corrected(road, connected):
    connected("refused", "numeric(5,2)")
    put(road, "refused", "a", "1.005")
    chosen = ("quarantine", "list", "--table", "refused")
    road.wait_for(
        "select count(*) from dynaurora.quarantine q join dynaurora.tables t "
        "on t.number = q.table_number where t.name = 'refused'",
        [(1,)],
    )
    assert told(road, *chosen)["total"] == 1
    road.plugin("refused", PLUGIN.format(name="refused", kind="numeric(9,4)"))
    told(road, "quarantine", "retry", "--table", "refused")
    assert road.rows("select id, value from refused") == [("a", Decimal("1.0050"))]
    assert told(road, *chosen)["total"] == 0


def test_gaps_are_replayed_and_their_changes_are_in_every_replay_after(road, connected):
    arn = connected("missed")
    put(road, "missed", "a", "1")
    record = stream_record("missed", 10**29, {"id": {"S": "b"}}, {"value": {"N": "2"}}, stream=arn)
    put_object(road, "backup", f"{MAPPING}/missed", given_up("missed", record))
    missed = line("missed", 10**29, {"id": {"S": "c"}}, {"value": {"N": "3"}}, stream=arn)
    put_object(road, "raw", "(errors)/missed/failed/2026/01/01/00/1", undelivered(missed + b"\n"))
    road.wait_for("select id from missed", [("a",)])
    road.sweep()
    assert told(road, "gaps", "replay", "missed")["replayed"]["gaps"] == 2
    rows = "select id from missed order by id"
    assert road.rows(rows) == [("a",), ("b",), ("c",)]
    road.wait_until_archived()
    found = told(road, "replay", "missed", "--anew")
    assert (found["applied"], found["older"]) == (3, 0)
    assert road.rows(rows) == [("a",), ("b",), ("c",)]


def put_object(road, purpose, key, data):
    aws = road.machine.aws
    bucket = f"road-{purpose}-{aws.account}-{aws.region}"
    road.s3.put_object(Bucket=bucket, Key=key, Body=data)
