"""An inferred plugin loads every item that it was inferred from: random ones, and real ones."""

import ast
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dynaurora.demo.comparison import compare
from dynaurora.demo.datasets import datasets
from dynaurora.inference.plan import infer
from dynaurora.inference.writing import plugin_text
from dynaurora.plugins.folder import PluginFolder
from dynaurora.plugins.inspection import inspect_folder
from model.dynamodb_values import names, values
from support.inferred import TABLE, refusals, text_of
from support.load import line

IN_A_FOLDER = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None
)
LITTLE = settings(IN_A_FOLDER, max_examples=15)

_sequence = count(10**21)


pytestmark = pytest.mark.each_engine

KEYS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=20)
NAMES = st.sampled_from(["a", "A", "b.c", "order", "name", "position"]) | names
"""So few that items have some in common."""


@st.composite
def item_lists(draw):
    """Items of one table: their keys differ, and every engine can hold them."""
    keys = draw(st.lists(KEYS, max_size=4, unique=True))
    return [{**draw(st.dictionaries(NAMES, values, max_size=4)), "id": {"S": key}} for key in keys]


def calls_in(path):
    """What a file calls."""
    tree = ast.parse(path.read_text("utf-8"))
    return {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}


@IN_A_FOLDER
@given(item_lists())
def test_an_inferred_plugin_makes_the_rows_of_every_item(tmp_path, images):
    assert refusals(tmp_path, images) == {}
    assert calls_in(tmp_path / f"{TABLE}.py") <= {"Table", "rows"}  # whatever names items have


@IN_A_FOLDER
@given(item_lists())
def test_the_same_items_in_another_order_give_the_same_file(images):
    assert text_of(images) == text_of(images[::-1])


def loaded_and_compared(machine, table, key, items):
    """Load items with the plugin that is inferred from them; what the load and the comparison say.

    key: the key attributes and their types.
    """
    text = plugin_text(infer(table, key, items, machine.database.engine), len(items))
    machine.plugin(table, text)
    loaded = machine.load_lines(
        table,
        *(line(table, next(_sequence), {name: item[name] for name in key}, item) for item in items),
    )
    plugin = PluginFolder(machine.folder, machine.database.engine).plugin(table)
    with machine.database.session() as engine:
        return loaded, compare(plugin, [items], engine)


@LITTLE
@given(item_lists())
def test_a_load_takes_every_item(machine, images):
    machine.database.close()
    machine.server.empty()
    machine.use_schema("dynaurora")  # a new session, which has planned nothing for other tables
    loaded, comparison = loaded_and_compared(machine, TABLE, {"id": "S"}, images)
    assert (loaded.applied, loaded.quarantined) == (len(images), 0)
    assert comparison.differences == ()


@pytest.mark.parametrize("dataset", datasets(is_whole_year=False), ids=lambda one: one.table)
def test_real_data_loads_whole_and_is_equal_by_value(machine, dataset):
    items = list(dataset.limited(3_000).items())
    key = {attribute.name: attribute.type for attribute in dataset.key}
    loaded, comparison = loaded_and_compared(machine, dataset.table, key, items)
    assert (loaded.applied, loaded.quarantined) == (len(items), 0)
    assert comparison.differences == ()
    (inspected,) = inspect_folder(machine.folder, machine.database.engine)
    assert inspected.problems == ()


@pytest.mark.parametrize(
    ("separator", "when"),
    [
        ("#", 'when={"PK": "USER#*", "SK": "ORDER#*"}'),
        (" ", """when={'"entity.type"': "ORDER"}"""),
    ],
)
def test_each_entity_loads_into_its_own_tables(machine, separator, when):
    kinds = {
        "USER": {"name": {"S": "n"}, "tags": {"SS": ["a", "b"]}},
        "ORDER": {"total": {"N": "1.5"}, "name": {"N": "1"}},
    }
    items = [
        {
            "PK": {"S": f"USER{separator}{number}"},
            "SK": {"S": f"{kind}{separator}{number}"},
            "entity.type": {"S": kind},
            **attributes,
        }
        for number in range(12)
        for kind, attributes in kinds.items()
    ]
    key = {"PK": "S", "SK": "S"}
    text = plugin_text(infer("Shop", key, items, machine.database.engine), len(items))
    assert when in text
    machine.plugin("Shop", text)
    lines = [line("Shop", next(_sequence), {n: each[n] for n in key}, each) for each in items]
    loaded = machine.load_lines("Shop", *lines)
    assert (loaded.applied, loaded.quarantined) == (len(items), 0)
    (inspected,) = inspect_folder(machine.folder, machine.database.engine)
    assert inspected.problems == ()
    assert machine.rows("select count(*), min(name) from shop_user") == [(12, "n")]
    assert machine.rows("select count(*), sum(total), sum(name) from shop_order") == [(12, 18, 12)]
    assert machine.rows("select count(*) from shop_user_tags") == [(24,)]


@pytest.mark.parametrize("characters", [22, 40])
def test_an_item_of_very_many_attributes_fits_a_page(machine, characters):
    image = {f"attribute{number:03}": {"S": f"{number:0{characters}}"} for number in range(900)}
    item = {"p": {"S": "𐍈" * 255}, "s": {"S": "𐍈" * 255}, **image}
    loaded, comparison = loaded_and_compared(machine, TABLE, {"p": "S", "s": "S"}, [item])
    assert (loaded.applied, loaded.quarantined) == (1, 0)
    assert comparison.differences == ()


def test_names_of_a_map_that_an_index_has_no_room_for_are_a_document(machine):
    def image(key, digit):
        name = "".join(chr(0x4E00 + (n * 7919 + digit) % 20_000) for n in range(700))
        return {"id": {"S": key}, "m": {"M": {f"{digit}{name}": {"S": "x"}}}}

    long = "".join(chr(0x4E00 + (n * 6007) % 20_000) for n in range(200))
    images = [image(f"{long}{number}", number) for number in range(9)]
    loaded, comparison = loaded_and_compared(machine, TABLE, {"id": "S"}, images)
    assert (loaded.applied, loaded.quarantined) == (9, 0)
    assert comparison.differences == ()
    assert '"m": "json"' in text_of(images)


def test_lists_whose_names_have_64_kilobytes_are_tables_of_their_own(machine):
    long = "x" * 65_000
    image = {f"{long}{end}": {"L": [{"S": end}]} for end in "ab"}
    loaded, comparison = loaded_and_compared(
        machine, TABLE, {"id": "S"}, [{"id": {"S": "a"}, **image}]
    )
    assert (loaded.applied, loaded.quarantined) == (1, 0)
    assert (comparison.child_rows, comparison.differences) == (2, ())


def test_numbers_and_times_that_one_engine_holds_are_a_document_or_a_text_on_the_other(machine):
    values = {"n": {"N": "1E-100"}, "d": {"S": "0999-12-31"}, "t": {"S": "a\0b"}}
    item = {"id": {"S": "a"}, **values, "l": {"L": [{"N": "-9E125"}]}}
    if machine.engine == "postgresql":
        del item["t"]  # a text that it does not hold
    loaded, comparison = loaded_and_compared(machine, TABLE, {"id": "S"}, [item])
    assert (loaded.applied, loaded.quarantined) == (1, 0)
    assert comparison.differences == ()


def test_rows_inside_rows_of_a_long_key_fit_an_index(machine):
    names = {
        "M": {f"{n:040}": {"M": {f"{n}{m:040}": {"S": "x"} for m in range(50)}} for n in range(5)}
    }
    item = {"p": {"S": "p"}, "s": {"S": "s"}, "m": names}
    loaded, comparison = loaded_and_compared(machine, TABLE, {"p": "S", "s": "S"}, [item])
    assert (loaded.applied, loaded.quarantined) == (1, 0)
    assert comparison.differences == ()
