"""The archive is loaded again: it fills what was made anew, and changes nothing else."""

import pytest

from dynaurora.errors import ProjectError
from dynaurora.model.events import ObjectName
from support.items import DECLARED, WITH_SUM, delete, put
from support.leftovers import MAPPING, given_up, stream_record, undelivered
from support.operations import done

pytestmark = pytest.mark.each_engine

ERRORS = "(errors)/items/processing-failed"
WIDER = DECLARED.replace('"v": "text"', '"v": "text", "w": "text"')


def rows(machine, columns="id, v"):
    return machine.rows(f"select {columns} from items order by id")


@pytest.fixture
def archived(machine):
    """Three items in three archived objects, of which one was changed, one deleted."""
    machine.plugin("items", DECLARED)
    machine.load_lines("items", put(1, "a", v="1", w="p"), put(1, "b", v="1", w="q"))
    machine.load_lines("items", put(2, "a", v="2", w="r"), put(1, "c", v="1"))
    machine.load_lines("items", delete(3, "c"))
    return machine


def test_what_is_applied_already_changes_nothing(archived):
    found = done(archived, "replay", table="items")
    assert found["replayed"] == {"objects": 3, "applied": 0, "superseded": 5, "quarantined": 0}
    assert found["is_done"]
    assert rows(archived) == [("a", "2"), ("b", "1")]


def test_after_a_drop_it_fills_the_table_anew(archived):
    archived.drop("items")
    archived.unpark("items")
    assert done(archived, "replay", table="items")["replayed"]["objects"] == 3
    assert rows(archived) == [("a", "2"), ("b", "1")]
    assert done(archived, "replay older", table="items")["items"] == 0


def test_h12_a_plugin_that_has_gained_a_column_is_filled_anew(archived):
    archived.plugin("items", WIDER)
    done(archived, "replay", table="items")
    assert rows(archived, "id, w") == [("a", None), ("b", None)]
    done(archived, "replay begin", table="items")
    done(archived, "replay", table="items")
    assert rows(archived, "id, v, w") == [("a", "2", "r"), ("b", "1", "q")]


def test_sums_that_are_kept_by_difference_stay_right(machine):
    machine.plugin("items", WITH_SUM)
    machine.load_lines("items", put(1, "a", g="x", n=1), put(1, "b", g="x", n=2))
    machine.load_lines("items", put(2, "a", g="y", n=5))
    for _ in range(2):
        done(machine, "replay begin", table="items")
        done(machine, "replay", table="items")
    found = machine.rows("select g, n, items from sums order by g")
    assert [(g, int(n), items) for g, n, items in found] == [("x", 2, 1), ("y", 5, 1)]


def test_items_whose_newest_change_is_not_in_the_archive_are_counted(archived):
    (key,) = (key for key in archived.store.keys("backup") if key.endswith("0002"))
    archived.store.delete(ObjectName("backup", key))
    done(archived, "replay begin", table="items")
    done(archived, "replay", table="items")
    assert done(archived, "replay older", table="items")["items"] == 1
    assert rows(archived) == [("a", "2"), ("b", "1")]


def test_it_goes_on_where_it_stopped(archived, monkeypatch):
    monkeypatch.setattr("dynaurora.portions.LOAD_OBJECTS", 1)
    archived.clock.left_ms = 0
    archived.plugin("items", WIDER)
    done(archived, "replay begin", table="items")
    after, objects, calls, is_done = "", 0, 0, False
    while not is_done:
        found = done(archived, "replay", table="items", after=after)
        after, is_done = found["after"], found["is_done"]
        objects, calls = objects + found["replayed"]["objects"], calls + 1
    assert (objects, calls) == (3, 3)
    assert rows(archived, "id, w") == [("a", "r"), ("b", "q")]


@pytest.fixture
def mended(archived):
    """And an item that came by way of each kind of gap, in two objects of each; and one gap that
    nobody has replayed."""
    archived.store.put(ObjectName("raw", f"{ERRORS}/2026/1"), undelivered(put(1, "d", v="1")))
    archived.store.put(
        ObjectName("raw", f"{ERRORS}/2026/2"), undelivered(put(7, "d", v="7", w="u"))
    )
    for number in (1, 2):
        record = stream_record("items", number, {"id": {"S": "e"}}, {"w": {"S": f"g{number}"}})
        archived.store.put(ObjectName("backup", f"{MAPPING}/{number}"), given_up("items", record))
    archived.sweep(age_s=0)
    done(archived, "gaps replay")
    record = stream_record("items", 9, {"id": {"S": "never"}}, {})
    archived.store.put(ObjectName("backup", f"{MAPPING}/0"), given_up("items", record))
    archived.sweep(age_s=0)
    return archived


MENDED = [("a", "r"), ("b", "q"), ("d", "u"), ("e", "g2")]


def test_what_came_by_way_of_a_gap_is_filled_anew_too(mended):
    before = rows(mended)
    mended.plugin("items", WIDER)
    done(mended, "replay begin", table="items")
    assert done(mended, "replay", table="items")["replayed"]["objects"] == 7
    assert rows(mended) == before
    assert rows(mended, "id, w") == MENDED
    assert done(mended, "replay older", table="items")["items"] == 0
    again = done(mended, "replay", table="items")["replayed"]
    assert (again["applied"], again["quarantined"]) == (0, 0)


def test_after_a_drop_what_came_by_way_of_a_gap_comes_back(mended):
    before = rows(mended)
    mended.drop("items")
    mended.unpark("items")
    done(mended, "replay", table="items")
    assert rows(mended) == before


def test_it_goes_on_behind_each_object_whatever_way_it_came(mended, monkeypatch):
    monkeypatch.setattr("dynaurora.portions.LOAD_OBJECTS", 1)
    mended.clock.left_ms = 0
    mended.plugin("items", WIDER)
    done(mended, "replay begin", table="items")
    seen, is_done = [""], False
    while not is_done:
        found = done(mended, "replay", table="items", after=seen[-1])
        seen, is_done = [*seen, found["after"]], found["is_done"]
    assert len(set(seen)) == 8
    assert rows(mended, "id, w") == MENDED


def test_newer_changes_that_come_meanwhile_are_not_set_back(archived):
    done(archived, "replay begin", table="items")
    archived.load_lines("items", put(9, "a", v="9"))
    done(archived, "replay", table="items")
    assert rows(archived) == [("a", "9"), ("b", "1")]


def test_a_table_whose_objects_wait_is_not_replayed(archived):
    archived.drop("items")
    with pytest.raises(ProjectError, match="dynaurora unpark items"):
        done(archived, "replay", table="items")


def test_a_table_with_no_archive_is_done_at_once(machine):
    machine.plugin("items", DECLARED)
    found = done(machine, "replay", table="items")
    assert (found["replayed"]["objects"], found["is_done"]) == (0, True)
