"""What is kept by difference stays right where a load's rows are applied in parts."""

import pytest

from support.items import put

pytestmark = pytest.mark.each_engine

WITH_COUNTS = """
    from dynaurora import Table

    items = Table(key="id", columns={"id": "text", "g": "text", "n": "numeric(5,2)"})

    create_table_queries = [
        items,
        "create table if not exists counts (g varchar(255), items integer)",
    ]
    insert_table_queries = [
        items,
        "insert into counts select g, 1 from staged",
        "insert into counts select g, -1 from replaced_items",
    ]
"""


def test_each_part_of_a_load_replaces_its_own_rows_and_no_others(machine):
    machine.plugin("items", WITH_COUNTS)
    machine.load_lines("items", *(put(1, item, g="before", n=1) for item in "abcdefgh"))
    machine.execute("alter table items add constraint refused check (n < 9)")
    lines = [put(2, item, g="after", n=9 if item == "c" else 2) for item in "abcdefgh"]
    assert machine.load_lines("items", *lines).quarantined == 1
    counts = machine.rows("select g, sum(items) from counts group by g order by g")
    assert counts == [("after", 7), ("before", 1)]
