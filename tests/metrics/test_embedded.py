"""One line is both the log and the metrics, in CloudWatch's embedded metric format."""

import json
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dynaurora.log import log
from dynaurora.metrics import METRICS, MOST_VALUES, Alarm, spread
from support.embedded import metrics_of, sums, told
from support.handlers import TRANSFORM, imported


@pytest.fixture(autouse=True)
def shop(monkeypatch):
    monkeypatch.setenv("DYNAURORA_PROJECT", "shop")


def test_a_number_of_a_table_is_a_metric_of_the_table_and_of_the_project(capsys):
    log("info", "loaded", table="Shop.Orders", measures={"applied": 7, "lag_s": [1, 2]})
    out = capsys.readouterr().out
    assert sums(out, Project="shop", Table="Shop.Orders") == {"applied": 7, "lag_s": 3}
    assert sums(out, Project="shop") == {"applied": 7, "lag_s": 3}
    line = json.loads(out)
    assert (line["message"], line["table"], line["applied"]) == ("loaded", "Shop.Orders", 7)


def test_without_a_project_s_name_the_default_one_stands(capsys, monkeypatch):
    monkeypatch.delenv("DYNAURORA_PROJECT")
    log("info", "swept", measures={"sweeps": 1})
    assert sums(capsys.readouterr().out, Project="dynaurora") == {"sweeps": 1}


def test_a_rare_metric_that_is_0_stands_in_the_line_and_is_not_told(capsys):
    log("info", "loaded", table="orders", measures={"applied": 0, "quarantined": 0, "lag_s": ()})
    out = capsys.readouterr().out
    assert json.loads(out)["quarantined"] == 0
    assert {name for name, _ in metrics_of(out)} == {"applied"}


def test_a_line_without_numbers_is_no_metric(capsys):
    log("info", "an SQL table was altered", table="orders")
    assert "_aws" not in json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("alarm", get_args(Alarm))
def test_every_line_with_an_alarm_is_counted_by_its_kind(alarm, capsys):
    log("error", "it happened", alarm=alarm, table="orders")
    out = capsys.readouterr().out
    assert sums(out, Project="shop", Alarm=alarm) == {"alarms": 1}
    assert json.loads(out)["alarm"] == alarm


def test_a_number_that_is_no_metric_is_refused():
    with pytest.raises(KeyError):
        log("info", "loaded", measures={"unheard_of": 1})


def test_all_metrics_fit_one_line(capsys):
    log("info", "all", table="t" * 255, measures=dict.fromkeys(METRICS, [1] * MOST_VALUES))
    assert {name for name, _ in told(json.loads(capsys.readouterr().out))} == set(METRICS)


@given(st.dictionaries(st.integers(0, 10_000), st.integers(1, 500), max_size=300))
def test_of_many_numbers_a_hundred_are_kept_with_their_percentiles(counts):
    numbers = sorted(number for number, count in counts.items() for _ in range(count))
    kept = spread(counts)
    assert len(kept) == min(len(numbers), MOST_VALUES)
    assert kept == sorted(kept)
    if len(numbers) <= MOST_VALUES:
        assert kept == numbers
    else:
        assert (kept[0], kept[-1]) == (numbers[0], numbers[-1])
        for percent in (50, 90):
            rank = percent * len(numbers) // 100
            around = numbers[max(rank - len(numbers) // 50, 0) : rank + len(numbers) // 50 + 1]
            assert around[0] <= kept[percent] <= around[-1]


def test_the_transform_tells_what_it_could_not_read(monkeypatch, capsys):
    handler = imported(TRANSFORM, monkeypatch).lambda_handler
    handler({"records": [{"recordId": "1", "data": "bm8ganNvbgp7fQo="}]}, None)  # no json\n{}\n
    handler({"records": [{"recordId": "2", "data": "%"}]}, None)
    assert sums(capsys.readouterr().out, Project="shop") == {
        "unreadable_lines": 1,
        "failed_records": 1,
    }
