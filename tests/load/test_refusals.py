"""What no row can be made of, and what the database refuses: it waits, its neighbours load."""

import json

import pytest

from support.items import DECLARED, WITH_ROWS, delete, put


def changed(text, **fields):
    """A line with other fields, also such as no encoder of ours would write."""
    return json.dumps(json.loads(text) | fields).encode()


def accounted(loaded):
    return loaded.applied + loaded.superseded + loaded.quarantined + loaded.unreadable


@pytest.mark.parametrize(
    "fields",
    [
        {"table": "a\0b"},
        {"table": "a\ud800b"},
        {"seq": "\0"},
        {"stream": "\udfff"},
        {"keys": {"i\0d": {"S": 1}}},
    ],
)
def test_a_reason_that_quotes_what_no_database_holds_is_written_down_all_the_same(machine, fields):
    machine.plugin("items", DECLARED)
    bad = changed(put(1, "a", v="1"), **fields)
    loaded = machine.load_lines("items", bad, put(2, "b", v="2"))
    assert (loaded.applied, loaded.unreadable) == (1, 1)
    ((_, state, reason, _, _, kept),) = machine.quarantine()
    assert (state, reason, kept) == ("open", "unreadable", bad)


@pytest.mark.parametrize("tag", ["\0", "\ud800", "\t\n\\"])
def test_a_value_of_a_type_that_nobody_knows_is_quarantined_alone(machine, tag):
    machine.plugin("items", DECLARED)
    bad = put(1, "a", v={"S": "1"})
    bad = changed(bad, new=json.loads(bad)["new"] | {"v": {tag: "1"}})
    loaded = machine.load_lines("items", bad, put(2, "b", v="2"))
    assert (loaded.applied, loaded.quarantined) == (1, 1)


@pytest.mark.parametrize("depth", [300, 480, 511, 5_000])
def test_an_image_that_is_nested_too_deeply_is_quarantined_alone(machine, depth):
    machine.plugin("items", DECLARED.replace('"v": "text"', '"v": "json"'))
    value = '{"M":{"a":' * depth + '{"S":"x"}' + "}}" * depth
    bad = put(1, "a", v="here").replace(b'{"S":"here"}', value.encode())
    loaded = machine.load_lines("items", bad, put(2, "b", v="2"))
    assert (loaded.applied, loaded.quarantined + loaded.unreadable) == (1, 1)


def test_a_line_that_is_found_unreadable_late_is_counted_once(machine):
    machine.plugin("items", DECLARED)
    late = put(2, "a", v="2", fields={"at": 10**15})
    loaded = machine.load_lines("items", put(1, "a", v="1"), late, delete(3, "b", at=-(10**15)))
    assert (loaded.applied, loaded.superseded, loaded.unreadable) == (1, 0, 2)
    assert accounted(loaded) == loaded.lines


def test_rows_with_a_long_name_are_staged_under_the_name_that_the_statements_use(machine):
    name = "tags" * 15
    machine.plugin("items", WITH_ROWS.replace('"tags":', f'"{name}":'))
    machine.load_lines("items", put(1, "a", tags=["x", "y"]))
    ((table,),) = machine.rows(
        "select relname from pg_class where relname ~ '^items_.*[0-9a-f]{8}$'"
    )
    assert machine.rows(f'select position, tag from "{table}" order by 1') == [(0, "x"), (1, "y")]
