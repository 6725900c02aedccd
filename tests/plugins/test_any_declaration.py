"""Whatever is declared, the server takes the SQL that it stands for."""

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from dynaurora.adapters.database import Database
from dynaurora.errors import PluginError
from dynaurora.model.types import WORDS
from dynaurora.planning import answers
from dynaurora.plugins.folder import load_plugin
from dynaurora.plugins.inspection_child import inspect_file
from dynaurora.settings import DatabaseSettings
from support.load import line

WORDS_OF_SQL = "select user order group table default end excluded staged removed position".split()
names = st.one_of(
    st.sampled_from([*WORDS_OF_SQL, "a", "A", "b", "a.b", "a-b", 'a"b', "it's", "%s", "{a}", "1"]),
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=15),
)
types = st.sampled_from([*WORDS, "numeric(12,2)"])
keys = st.dictionaries(names, st.sampled_from(["text", "bytes", "numeric"]), min_size=1, max_size=2)
policies = st.sampled_from(["remove", "mark", "keep"])


@st.composite
def columns(draw):
    """Columns and rows, as the text of a dict."""
    found = draw(st.dictionaries(names, types, max_size=5))
    said = [f"{name!r}: {kind!r}" for name, kind in found.items()]
    for name in draw(st.lists(names, max_size=2, unique=True)):
        path = draw(st.sampled_from(["a[]", "a{}", "a[].b{}", "$"]))
        inner = draw(st.dictionaries(names, types, max_size=3))
        said.append(f"{name!r}: rows({path!r}, {inner!r})")
    return found, said


@st.composite
def plugins(draw):
    """The text of a plugin with one Table."""
    key = draw(keys)
    found, said = draw(columns())
    said = [*said, *(f"{name!r}: {kind!r}" for name, kind in key.items())]
    indexed = sorted(found)[: draw(st.integers(0, 2))]
    options = {
        "key": tuple(key),
        "deleted": draw(policies),
        "expired": draw(policies),
        "history": draw(st.booleans()),
        "indexes": [tuple(indexed)] if indexed else [],
        "when": draw(st.sampled_from([None, {"kind": "A"}, {"kind": ("A", "B*")}])),
    }
    name = draw(names)
    listed = ", ".join(f"{option}={value!r}" for option, value in options.items())
    return (
        "from dynaurora import Table, rows\n"
        f"table = Table({name!r}, {listed}, columns={{{', '.join(said)}}})\n"
    )


@pytest.fixture
def engine(database_url):
    database = Database(DatabaseSettings(url=database_url, secret_arn="", schema="dynaurora"))
    with database.session() as found:
        yield found
    database.close()


@settings(
    max_examples=60,
    deadline=None,
    phases=[Phase.reuse, Phase.generate],
    suppress_health_check=[*HealthCheck],
)
@given(text=plugins())
def test_the_server_takes_what_a_declaration_stands_for_or_it_is_refused_here(engine, folder, text):
    path = folder.write("orders.py", text)
    try:
        plugin = load_plugin(path, "orders", "postgresql")
    except PluginError:
        return
    assert inspect_file("orders", path, "postgresql").is_ok
    found = answers(engine.connection, engine.dialect, engine.queries, plugin)
    assert [(str(answer.error), answer.statement) for answer in found] == []


KEY_VALUES = {"text": {"S": "a"}, "bytes": {"B": "AA=="}, "numeric": {"N": "1"}}


@pytest.mark.each_engine
@settings(
    max_examples=40,
    deadline=None,
    phases=[Phase.reuse, Phase.generate],
    suppress_health_check=[*HealthCheck],
)
@given(text=plugins())
def test_a_declaration_is_loaded_and_dropped_or_refused_here(machine, text):
    machine.plugin("orders", text)
    try:
        plugin = machine._plugins.plugin("orders")
    except PluginError:
        return
    key = {name: KEY_VALUES[plugin.columns[name].type.word] for name in plugin.key}
    for number in (1, 2):
        machine.load_lines("orders", line("orders", number, key, {} if number == 1 else None))
        assert machine.state("orders") == ("", "")
    machine.drop("orders")
    machine.unpark("orders")
