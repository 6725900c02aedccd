"""A loader whose user has its two databases, and nothing else of the server, can do its work."""

import pytest

from support.items import WITH_HISTORY, WITH_ROWS, WITH_SUM, delete, put
from support.least_rights import loader

pytestmark = pytest.mark.engines("mysql")


@pytest.mark.parametrize(
    ("plugin", "column"), [(WITH_ROWS, "v"), (WITH_SUM, "g"), (WITH_HISTORY, "v")]
)
def test_a_loader_of_two_databases_makes_loads_and_drops_a_table(machine, plugin, column):
    with loader(machine) as found:
        found.plugin("items", plugin)
        good, bad = {column: "good", "n": 1}, {column: "bad", "n": 1}
        found.load_lines("items", put(1, "a", **good), put(1, "b", **good))
        found.execute(f"alter table items add check ({column} <> 'bad')")
        loaded = found.load_lines("items", put(2, "a", **bad), delete(2, "b"), put(2, "c", **good))
        assert (loaded.applied, loaded.quarantined) == (2, 1)
        assert found.rows("select id from items order by id") == [("a",), ("c",)]
        found.drop("items")
        assert found.state("items")[0] == "dropped"
