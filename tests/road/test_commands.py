"""The commands on a deployed pipeline."""

import json

import pytest

pytestmark = pytest.mark.road

PLUGIN = """
from dynaurora import Table

found = Table("{name}", key="id", columns={{"id": "text", "value": "numeric"}})
select_table_queries = {{
    "all": "select id, value from {name} order by id",
    "count": "select count(*) as items from {name}",
}}
"""
EXACT = "12345678901234567890.123456789012345678"


@pytest.fixture(scope="module")
def amounts(road):
    road.plugin("amounts", PLUGIN.format(name="amounts"))
    road.create_table("amounts")
    road.deploy("amounts")
    item = {"id": {"S": "a"}, "value": {"N": EXACT}}
    road.dynamodb.put_item(TableName="amounts", Item=item)
    road.wait_for("select count(*) from amounts", [(1,)])
    return road


def test_query_runs_one_query_or_all(amounts):
    one = amounts.command("query", "amounts", "count")
    assert (one.returncode, one.stdout.split()[:2]) == (0, ["count", "items"])
    everything = amounts.command("query", "amounts", "--json")
    assert [found["query"] for found in json.loads(everything.stdout)] == ["all", "count"]


def test_query_gives_exact_numbers(amounts):
    found = amounts.command("query", "amounts", "all", "--json")
    assert json.loads(found.stdout, parse_float=str)[0]["rows"] == [{"id": "a", "value": EXACT}]


def test_a_query_that_is_not_there_is_told_with_a_suggestion(amounts):
    found = amounts.command("query", "amounts", "cuont")
    assert found.returncode == 1
    assert 'did you mean "count"?' in found.stderr


def test_preview_shows_what_the_newest_captured_changes_would_do(amounts):
    amounts.wait_until_archived()
    loaded = json.loads(amounts.command("preview", "amounts", "--json").stdout)
    assert loaded["changes"] == {"lines": 1, "applied": 0, "superseded": 1, "quarantined": 0}
    anew = json.loads(amounts.command("preview", "amounts", "--as-new", "--json").stdout)
    assert anew["changes"]["applied"] == 1
    assert [told["rows"] for told in anew["statements"]] == [1, 0]
    assert anew["tables"][0]["changed"] == []  # it is there already, as it would be


def test_preview_shows_what_the_items_of_the_table_would_do(amounts):
    other = PLUGIN.format(name="other").replace('"numeric"', '"integer"')
    amounts.plugin("amounts", other)
    try:
        found = amounts.command("preview", "amounts", "--items", "10", "--scratch", "--json")
    finally:
        amounts.plugin("amounts", PLUGIN.format(name="amounts"))
    (refused,) = json.loads(found.stdout)["quarantined"]
    assert (found.returncode, refused["reason"]) == (1, "value")
    assert refused["message"].startswith("value: ")


def test_a_dropped_table_waits_and_unpark_makes_it_anew(amounts):
    dropped = amounts.command("drop", "amounts", "--yes", "--json")
    assert json.loads(dropped.stdout) == {"table": "amounts", "dropped": True, "generation": 2}
    assert amounts.rows("select * from amounts") == []
    item = {"id": {"S": "b"}, "value": {"N": "2"}}
    amounts.dynamodb.put_item(TableName="amounts", Item=item)
    told = "select parked_for from dynaurora.tables where name = 'amounts'"
    amounts.wait_for(told, [("dropped",)])
    missing = amounts.command("query", "amounts", "count")
    assert missing.returncode == 1
    assert "They are made with the first change" in missing.stderr

    unparked = amounts.command("unpark", "amounts")
    assert unparked.returncode == 0, unparked.stderr
    amounts.wait_for("select id from amounts", [("b",)])


def test_deploy_again_changes_nothing_and_a_new_file_adds_one_stack(amounts):
    amounts.command("deploy", "--yes")
    again = amounts.command("deploy", "--yes", "--json")
    assert json.loads(again.stdout)["changed"] is False
    amounts.plugin("second", PLUGIN.format(name="second"))
    amounts.create_table("second")
    more = json.loads(amounts.command("deploy", "--yes", "--json").stdout)
    assert [name for name, change in more["stacks"].items() if change != "unchanged"] == [
        name for name in more["stacks"] if "-table-second-" in name
    ]
    assert more["tables"]["second"]["stream_enabled"] is True


def test_deploy_loads_what_waited_for_its_plugin(amounts):
    amounts.create_table("late")
    amounts.deploy("late")
    amounts.dynamodb.put_item(TableName="late", Item={"id": {"S": "a"}, "value": {"N": "1"}})
    told = "select parked_for from dynaurora.tables where name = 'late'"
    amounts.wait_for(told, [("unknown",)])
    amounts.plugin("late", PLUGIN.format(name="late"))
    assert amounts.command("deploy", "--yes").returncode == 0
    amounts.wait_for("select id from late", [("a",)])


def test_a_table_that_was_deleted_and_made_again_stops_its_deploy(amounts):
    amounts.plugin("reborn", PLUGIN.format(name="reborn"))
    amounts.create_table("reborn")
    assert amounts.command("deploy", "--yes").returncode == 0
    amounts.dynamodb.delete_table(TableName="reborn")
    amounts.create_table("reborn")
    found = amounts.command("deploy", "--yes", "--json")
    assert found.returncode == 1
    error = json.loads(found.stdout)["tables"]["reborn"]["error"]
    assert error["kind"] == "StreamNotAccepted"
    assert "dynaurora drop reborn" in error["remedy"]

    described = amounts.dynamodb.describe_table(TableName="reborn")["Table"]
    accept = f"dynaurora stream accept {described['LatestStreamArn']}"
    assert accept in error["remedy"]
    assert amounts.command(*accept.split()[1:], "--yes").returncode == 0
    again = json.loads(amounts.command("deploy", "--yes", "--json").stdout)["tables"]["reborn"]
    assert (again["error"], again["table_id"]) == (None, described["TableId"])
