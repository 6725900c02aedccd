"""The plugins that come with the project: right by every rule, loaded with real data, asked."""

from pathlib import Path

import pytest

from dynaurora.adapters.database import engine_of
from dynaurora.demo.datasets import datasets
from dynaurora.plugins.folder import PluginFolder
from dynaurora.plugins.inspection import inspect_folder
from support.load import LoadMachine, line

SQLQUERIES = Path(__file__).parents[2] / "sqlqueries"
TABLES = ("airlines", "airports", "countries", "fleet", "flights", "planes", "weather")
ITEMS = 2_000


class DemoMachine(LoadMachine):
    """A load with the project's own plugins."""

    def __init__(self, url, folder):
        super().__init__(url, folder)
        self._plugins = PluginFolder(SQLQUERIES, engine_of(url))

    def plugin_of(self, table):
        return self._plugins.plugin(table)


@pytest.fixture
def machine(server, tmp_path):
    with DemoMachine(server.url, tmp_path) as found:
        yield found


EMPTY_AT_FIRST = ("retired planes",)
"""Queries for what a wave brings."""


def lines(dataset):
    for number, item in enumerate(dataset.limited(ITEMS).items()):
        yield line(dataset.table, 10**21 + number, dataset.key_of(item), item)


def test_every_plugin_keeps_every_rule():
    found = {one.table: one for one in inspect_folder(SQLQUERIES, "postgresql")}
    assert tuple(found) == TABLES
    assert [problem for one in found.values() for problem in one.problems] == []


def test_they_run_on_both_engines():
    found = {one.table: one for one in inspect_folder(SQLQUERIES, "mysql")}
    assert [problem for one in found.values() for problem in one.problems] == []
    assert [table for table in TABLES if not found[table].is_row_wise] == ["flights", "weather"]


@pytest.mark.each_engine
def test_real_data_loads_without_loss_and_every_query_answers(machine):
    for dataset in datasets(is_whole_year=False):
        found = list(lines(dataset))
        loaded = machine.load_lines(dataset.table, *found)
        assert (loaded.applied, loaded.quarantined) == (len(found), 0), dataset.table
        again = machine.load_lines(dataset.table, *found)
        assert again.applied == 0
    for table in TABLES:
        for name, statement in machine.plugin_of(table).select.items():
            rows = machine.rows(statement)
            assert bool(rows) == (name not in EMPTY_AT_FIRST), f"{table}: {name}"


def test_countries_have_all_their_child_rows(machine):
    (dataset,) = [one for one in datasets(is_whole_year=False) if one.table == "countries"]
    items = list(dataset.items())
    machine.load_lines("countries", *lines(dataset))
    for name in ("borders", "currencies", "languages", "provinces", "timezones"):
        inside = sum(len(item.get(name, {}).get("L", ())) for item in items)
        assert machine.rows(f"select count(*) from countries_{name}") == [(inside,)]
    inside = sum(len(item.get("translations", {}).get("M", ())) for item in items)
    assert machine.rows("select count(*) from countries_translations") == [(inside,)]
    assert machine.rows(
        "select translation from countries_translations where name = 'Switzerland' "
        "and language = 'ja'"
    ) == [("スイス",)]


def test_the_fleet_is_a_table_of_each_kind(machine):
    (dataset,) = [one for one in datasets(is_whole_year=False) if one.table == "fleet"]
    machine.load_lines("fleet", *lines(dataset))
    items = list(dataset.limited(ITEMS).items())
    carriers = [item for item in items if item["PK"] == item["SK"]]
    destinations = sum(len(item["destinations"]["M"]) for item in carriers)
    for table, count in (
        ("fleet_carriers", len(carriers)),
        ("fleet_carriers_destinations", destinations),
        ("fleet_planes", len(items) - len(carriers)),
        ("fleet_retired", 0),
    ):
        assert machine.rows(f"select count(*) from {table}") == [(count,)]


def test_the_plugins_can_be_dropped(machine):
    for dataset in datasets(is_whole_year=False):
        machine.load_lines(dataset.table, *list(lines(dataset.limited(1))))
    for table in TABLES:
        for statement in machine.plugin_of(table).drop:
            machine.execute(statement)
    assert machine.rows("select tablename from pg_tables where schemaname = 'public'") == []
