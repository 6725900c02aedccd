"""What `dynaurora demo` prints and how it exits, for outcomes that are made up."""

import json
from decimal import Decimal

import pytest
from click.testing import CliRunner

from dynaurora.cli import demo as command
from dynaurora.demo.comparison import Difference, TableComparison
from dynaurora.demo.latency import Latency
from dynaurora.demo.road import Outcome, QueryResult

DIFFERENCE = Difference(
    "flights", ("2013-01-01#UA", 7), "dep_delay", Decimal(3), None, "is NULL, the item says 3"
)


def outcome(*differences):
    return Outcome(
        tables=(
            TableComparison("airlines", 16, 16, 0, 0, ()),
            TableComparison("flights", 1000, 999, 0, len(differences), differences),
        ),
        changes=7,
        latency=Latency((0.05, 0.07, 0.06)),
        quarantined={"flights": {"value": 2}},
        queries=(
            QueryResult("flights", "by [carrier]", ("carrier", "n"), (("UA", Decimal("1.5")),)),
        ),
        seconds={"load": 1.5},
    )


@pytest.fixture
def run(monkeypatch):
    def run(found, *arguments):
        monkeypatch.setattr("dynaurora.local.machine.LocalMachine.__enter__", lambda self: self)
        monkeypatch.setattr("dynaurora.local.machine.LocalMachine.__exit__", lambda *_: None)
        monkeypatch.setattr("dynaurora.cli.this_machine.local_project", lambda *_: None)
        monkeypatch.setattr("dynaurora.demo.road.run_demo", lambda *_: found)
        return CliRunner().invoke(command.demo, arguments)

    return run


def test_equal_exits_with_0(run):
    found = run(outcome())
    assert found.exit_code == 0
    assert "by [carrier]" in found.stdout
    assert "each item equals its row" in found.stdout


def test_a_difference_exits_with_1_and_is_told(run):
    found = run(outcome(DIFFERENCE))
    assert found.exit_code == 1
    assert "flights (2013-01-01#UA, 7), dep_delay: is NULL, the item says 3" in found.stdout
    assert "DIFFERENT" in found.stdout
    assert "2 in quarantine" in found.stdout


def test_json_is_one_object_with_the_promised_names(run):
    found = run(outcome(DIFFERENCE), "--json")
    assert found.exit_code == 1
    answer = json.loads(found.stdout)
    assert {"equal", "seconds", "items", "rows", "changes", "latency_s", "tables"} <= answer.keys()
    assert (answer["equal"], answer["items"], answer["rows"]) == (False, 1016, 1015)
    assert answer["changes"] == 7
    assert answer["latency_s"] == {"p50": 0.06, "p99": 0.07, "changes": 3}
    flights = answer["tables"]["flights"]
    assert (flights["items"], flights["rows"], flights["different"]) == (1000, 999, 1)


def test_the_latency_of_a_percentile_is_one_that_was_measured():
    latency = Latency(tuple(number / 100 for number in range(1, 51)))
    assert (latency.p50, latency.p99) == (0.25, 0.5)
    assert latency.percentile(1) == 0.01
