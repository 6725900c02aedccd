"""From PutItem to a row, through every deployed part. On MySQL: test_mysql_walk.py."""

import pytest

pytestmark = pytest.mark.road

PLUGIN = """
from dynaurora import Table

found = Table("{name}", key="id", columns={{"id": "text", "value": "text"}})
"""


def connect(road, table):
    road.plugin(table, PLUGIN.format(name=table))
    road.create_table(table)
    road.deploy(table)


def test_an_item_becomes_a_row_and_its_change_is_archived(road):
    connect(road, "walk")
    road.put("walk", id="a", value="one")
    road.wait_for("select id, value from walk", [("a", "one")])
    road.put("walk", id="a", value="two")
    road.wait_for("select id, value from walk", [("a", "two")])
    road.dynamodb.delete_item(TableName="walk", Key={"id": {"S": "a"}})
    road.wait_for("select id, value from walk", [])
    road.wait_until_archived()  # which comes after the commit
    archived = [key for key in road.backup_keys() if key.startswith("Processed/walk/")]
    assert len(archived) == 3


def test_an_item_too_large_for_a_record_arrives_by_way_of_the_backup_bucket(road):
    connect(road, "large")
    value = "\x01" * 399_000  # 2.4 MB of JSON
    road.put("large", id="a", value=value)
    road.put("large", id="b", value="small")
    road.wait_for("select id, length(value) from large order by id", [("a", 399_000), ("b", 5)])
    assert road.rows("select value from large where id = 'a'") == [(value,)]
    assert len([key for key in road.backup_keys() if key.startswith("Oversize/large/")]) == 1


def test_a_table_name_with_dots_and_capitals_flows(road):
    table = "Prod.Big-Orders"
    road.plugin(table, PLUGIN.format(name="prod_big_orders"))
    road.create_table(table)
    road.deploy(table)
    road.put(table, id="a", value="one")
    road.wait_for("select id, value from prod_big_orders", [("a", "one")])


def test_objects_wait_while_the_database_is_away_and_load_when_it_is_back(road):
    connect(road, "outage")
    road.put("outage", id="before", value="1")
    road.wait_for("select count(*) from outage", [(1,)])
    road.machine.database.stop()
    for number in range(50):
        road.put("outage", id=f"during {number}", value=str(number))
    assert len([key for key in road.raw_keys() if key.startswith("outage/")]) > 0
    road.machine.database.start()
    for number in range(10):
        road.put("outage", id=f"after {number}", value=str(number))
    road.wait_for("select count(*) from outage", [(61,)], seconds=60)


def test_a_killed_database_loses_nothing(road):
    connect(road, "killed")
    for number in range(100):
        road.put("killed", id=f"{number}", value=str(number))
        if number == 50:
            road.machine.database.kill()
    road.machine.database.start()
    road.wait_for("select count(*) from killed", [(100,)], seconds=60)


def test_a_broken_plugin_stops_only_its_own_table(road):
    connect(road, "good")
    road.create_table("broken")
    road.plugin("broken", "import a_module_that_is_not_there\n")
    road.deploy("good", "broken")
    road.put("broken", id="a", value="waits")
    road.put("good", id="a", value="flows")
    road.wait_for("select id, value from good", [("a", "flows")])
    road.wait_for("select parked_for from dynaurora.tables where name = 'broken'", [("plugin",)])
    assert [key for key in road.raw_keys() if key.startswith("broken/")]

    road.plugin("broken", PLUGIN.format(name="broken"))
    assert road.sweep("broken")["loaded"]["broken"]["applied"] == 1
    assert road.rows("select id, value from broken") == [("a", "waits")]


def test_an_unknown_table_waits_and_is_told_with_the_file_that_would_pick_it_up(road):
    road.create_table("unknown")
    road.deploy("unknown")
    road.put("unknown", id="a", value="waits")
    told = "select reason from dynaurora.tables where name = 'unknown' and parked_for = 'unknown'"
    road.wait_for(told, [("no plugin: add unknown.py to sqlqueries/",)])
    road.plugin("unknown", PLUGIN.format(name="unknown"))
    road.put("unknown", id="b", value="comes")
    road.wait_for("select id from unknown order by id", [("a",), ("b",)])
