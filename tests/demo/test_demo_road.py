"""`dynaurora demo` on a few items of each table, as a program."""

import json
import signal
import time

import pytest

from support.program import Program

pytestmark = pytest.mark.road

LIMIT = 100


@pytest.fixture(scope="module")
def demo(tmp_path_factory, local_engine):
    folder = tmp_path_factory.mktemp("demo")
    arguments = ("--limit", LIMIT, "--engine", local_engine, "--json")
    with Program("demo", *arguments, folder=folder) as run:
        run.code = run.wait(300)  # all of it, on a machine that has more to do
        yield run


@pytest.fixture(scope="module")
def answer(demo):
    assert demo.code == 0, demo.text
    return json.loads("".join(demo.out))


def test_everything_is_equal(answer):
    assert answer["equal"] is True
    assert answer["items"] == answer["rows"] > 200
    assert answer["tables"].keys() == {
        *("airlines", "airports", "planes", "fleet", "weather", "flights", "countries")
    }
    for table in answer["tables"].values():
        assert table["items"] == table["rows"]
        assert table["different"] == 0
        assert table["quarantined"] == 0
    assert answer["tables"]["countries"]["child_rows"] > 500


def test_items_have_been_changed_and_deleted(answer):
    assert answer["changes"] > 300
    assert answer["tables"]["flights"]["items"] < LIMIT
    assert answer["tables"]["airlines"]["items"] == 16


def test_a_single_change_is_a_row_within_a_second(answer):
    latency = answer["latency_s"]
    assert latency["changes"] == 50
    assert 0 < latency["p50"] <= latency["p99"]
    assert latency["p50"] < 1


def test_progress_goes_to_stderr(demo):
    assert len(demo.out) == 1
    assert "Compare every item" in "".join(demo.err)


def test_nothing_is_left(demo):
    assert demo.left() == []
    assert list(demo.folder.glob("dynaurora-*")) == []


def test_an_interrupted_demo_stops_its_servers(tmp_path):
    with Program("demo", "--limit", "2000", folder=tmp_path) as run:
        deadline = time.monotonic() + 60
        while "Deploy the stacks" not in run.text and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(0.5)  # while items are written
        assert run.stop(signal.SIGINT) == 130, run.text
        assert run.left() == []
        assert list(tmp_path.glob("dynaurora-*")) == []
        assert "Traceback" not in run.text
