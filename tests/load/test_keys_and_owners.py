"""One row per item: a plugin's key has to keep the table's keys apart, its SQL table is its own."""

import pytest

from support.load import changed, line

pytestmark = pytest.mark.each_engine

DECLARED = """
    from dynaurora import Table

    found = Table({name!r}, key={key!r}, columns={{"id": {word!r}, "sort": "text", "v": "text"}})
"""


def plugin(key="id", word="text", name="things"):
    return DECLARED.format(key=key, word=word, name=name)


def test_a_key_without_the_sort_key_parks_the_table(machine):
    machine.plugin("things", plugin(key="id"))
    machine.load_lines("things", line("things", 1, {"id": {"S": "a"}, "sort": {"S": "1"}}, {}))
    parked_for, reason = machine.state("things")
    assert parked_for == "plugin"
    assert "['id', 'sort']" in reason


@pytest.mark.parametrize(("word", "value"), [("numeric", {"S": "1.0"}), ("text", {"B": "AA=="})])
def test_a_key_type_that_would_join_two_keys_parks_the_table(machine, word, value):
    machine.plugin("things", plugin(word=word))
    machine.load_lines("things", line("things", 1, {"id": value}, {}))
    parked_for, reason = machine.state("things")
    assert parked_for == "plugin"
    assert f'"id" is {word}' in reason


def test_a_number_is_one_key_however_it_is_spelt(machine):
    machine.plugin("things", plugin(word="numeric"))
    for number, text in enumerate(("1", "1.0", "1E0"), 1):
        machine.load_lines("things", line("things", number, {"id": {"N": text}}, {}))
    assert machine.rows("select count(*) from things") == [(1,)]


@pytest.mark.parametrize(
    "bad",
    [
        line("things", 9, {"id": {"N": "1"}}, {}),
        line("things", 9, {"id": {"B": "AA=="}}),
        line("things", 9, {"other": {"S": "a"}}, {}),
        line("things", 9, {"id": {"S": "a"}, "sort": {"S": "a"}}, {}),
        line("things", 9, {"id": {"S": "b"}}, {"id": {"S": "a"}}),
        line("things", 9, {"id": {"S": "b"}}, {"id": {"N": "1"}}),
        changed(line("things", 9, {"id": {"S": "b"}}, {}), new={"v": {"S": "no key"}}),
    ],
)
def test_a_line_whose_key_is_another_than_the_table_s_or_its_image_s_is_unreadable(machine, bad):
    machine.plugin("things", plugin())
    good = line("things", 1, {"id": {"S": "a"}}, {"v": {"S": "1"}})
    loaded = machine.load_lines("things", good, bad, line("things", 2, {"id": {"S": "c"}}, {}))
    assert (loaded.applied, loaded.unreadable) == (2, 1)
    assert machine.rows("select id, v from things order by id") == [("a", "1"), ("c", None)]
    assert machine.state("things") == ("", "")
    assert [(reason, text) for _, _, reason, _, _, text in machine.quarantine()] == [
        ("unreadable", bad)
    ]


def test_a_line_with_a_key_that_is_none_of_the_table_s_parks_nothing_though_it_is_first(machine):
    machine.plugin("things", plugin())
    bad = line("things", 9, {"other": {"S": "a"}}, {})
    loaded = machine.load_lines("things", bad, line("things", 1, {"id": {"S": "a"}}, {}))
    assert (loaded.applied, loaded.unreadable) == (1, 1)
    assert machine.state("things") == ("", "")


def test_a_body_with_an_image_of_another_key_is_quarantined(machine):
    machine.plugin("things", plugin())
    text = line("things", 1, {"id": {"S": "b"}}, {"id": {"S": "a"}})
    loaded = machine.load_lines("things", machine.pointer(text))
    assert (loaded.applied, loaded.quarantined) == (0, 1)
    assert [reason for _, _, reason, *_ in machine.quarantine()] == ["body"]


def test_two_plugins_may_not_write_one_sql_table(machine):
    machine.plugin("first", plugin(name="shared"))
    machine.plugin("second", plugin(name="shared"))
    machine.load_lines("first", line("first", 1, {"id": {"S": "a"}}, {}))
    machine.load_lines("second", line("second", 1, {"id": {"S": "b"}}, {}))
    parked_for, reason = machine.state("second")
    assert parked_for == "plugin"
    assert "made by the plugin of table first too" in reason
    assert machine.rows("select id from shared") == [("a",)]


def test_an_sql_table_that_its_plugin_no_longer_makes_may_be_another_s(machine):
    machine.plugin("first", plugin(name="shared"))
    machine.load_lines("first", line("first", 1, {"id": {"S": "a"}}, {}))
    machine.plugin("first", plugin(name="renamed_one"))
    machine.plugin("second", plugin(name="shared"))
    machine.load_lines("second", line("second", 1, {"id": {"S": "b"}}, {}))
    assert machine.state("second") == ("", "")
    assert machine.rows("select id from shared order by id") == [("a",), ("b",)]
