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


def raising(machine, code, table="items", timing="before"):
    """A trigger that refuses the value "bad" with this code, saying what the value is."""
    machine.execute(
        f"""create function refuse() returns trigger language plpgsql as $$
            begin
              if new.v = 'bad' then
                raise exception 'it holds %', new.v using errcode = '{code}';
              end if;
              return new;
            end $$"""
    )
    constraint = "constraint " if timing == "after" else ""
    machine.execute(
        f"create {constraint}trigger refuse {timing} insert or update on {table} "
        "for each row execute function refuse()"
    )


@pytest.mark.parametrize("code", ["XX000", "ZZ001", "P0002", "54011"])
def test_a_code_in_no_row_fails_the_delivery_and_after_five_receives_parks_the_table(machine, code):
    machine.plugin("items", DECLARED)
    machine.load_lines("items", put(1, "a", v="good"))
    raising(machine, code)
    name = machine.put("items", put(2, "a", v="bad"))
    for receives in range(1, 5):
        assert machine.load(name, receives=receives).failed == {name}
        assert machine.state("items") == ("", "")
    assert machine.load(name, receives=5).failed == {name}
    assert machine.state("items")[0] == "error"
    assert machine.load(name, receives=6).waiting == {name}
    assert machine.store.keys("raw") == [name.key]
    assert machine.quarantine() == []
    assert machine.rows("select v from items") == [("good",)]


def test_a_code_in_no_row_while_creating_fails_the_delivery_and_parks_nothing(machine):
    broken = "do $$ begin raise exception 'no' using errcode = 'ZZ001'; end $$"
    machine.plugin("items", f'{DECLARED}\n    create_table_queries = [items, "{broken}"]')
    name = machine.put("items", put(2, "a", v="1"))
    assert machine.load(name).failed == {name}
    assert machine.state("items") == ("", "")
