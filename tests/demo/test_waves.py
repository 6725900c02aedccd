"""What the wave does to items, without any DynamoDB."""

import pytest

from dynaurora.demo.datasets import datasets
from dynaurora.demo.waves import Delete, Put, Update, plan_wave


@pytest.fixture(scope="module")
def january():
    return datasets(is_whole_year=False)


@pytest.fixture(scope="module")
def wave(january):
    return plan_wave(january)


def kinds(history):
    return [type(change) for change in history.changes]


def after(item, change):
    """The item after a change; None when it is gone."""
    match change:
        case Put(item=put):
            return put
        case Delete():
            return None
        case Update(attributes=attributes):
            changed = {**(item or {}), **{k: v for k, v in attributes.items() if v is not None}}
            return {k: v for k, v in changed.items() if attributes.get(k, v) is not None}


def histories(wave, table):
    return [history for history in wave if history.table == table]


def test_a_wave_is_the_same_for_the_same_items(january, wave):
    assert plan_wave(january) == wave


def test_no_key_has_two_histories(wave):
    keys = [(history.table, str(history.key)) for history in wave]
    assert len(keys) == len(set(keys))


def test_every_table_is_touched_and_its_last_history_is_one_change(january, wave):
    for dataset in january:
        assert len(histories(wave, dataset.table)) >= 5
        assert kinds(histories(wave, dataset.table)[-1]) == [Update]


def test_items_are_updated_deleted_brought_back_and_changed_many_times(wave):
    for table in ("flights", "weather", "planes", "fleet", "countries"):
        found = [kinds(history) for history in histories(wave, table)]
        assert [Update] in found
        assert [Delete] in found
        assert [Delete, Put, Update] in found
        assert any(len(changes) > 5 for changes in found)


def test_every_change_changes_something(january, wave):
    """DynamoDB tells its stream of nothing else, and the last change is waited for."""
    items = {
        (dataset.table, str(dataset.key_of(item))): item
        for dataset in january
        for item in dataset.items()
    }
    for history in wave:
        item = items[history.table, str(history.key)]
        for change in history.changes:
            changed = after(item, change)
            assert changed != item, history
            item = changed


def test_planes_of_the_fleet_retire_and_fly_again(wave):
    kinds_after = [
        [change.attributes.get("kind") for change in history.changes if isinstance(change, Update)]
        for history in histories(wave, "fleet")
    ]
    plane, retired = {"S": "plane"}, {"S": "retired"}
    assert [retired] in kinds_after
    assert any(pair in kinds_after for pair in ([plane], [retired]))
    assert any(retired in found and found[-1] == plane for found in kinds_after)


def test_lists_inside_countries_become_shorter_and_longer(january, wave):
    countries = next(dataset for dataset in january if dataset.table == "countries")
    before = {str(countries.key_of(item)): item for item in countries.items()}
    changes = set()
    for history in histories(wave, "countries"):
        old = len(before[str(history.key)].get("borders", {}).get("L", []))
        for change in history.changes:
            if isinstance(change, Update):
                new = len(change.attributes["borders"]["L"])
                changes.add((new > old) - (new < old))
    assert {-1, 1} <= changes
