"""Keys, whole items and rows inside items: all legal values, through a real load and read back."""

from base64 import b64decode
from fractions import Fraction
from itertools import count

import pytest
from dynamodb_values import binaries, images, names, numbers, texts
from engine_values import can_hold, held
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from test_type_round_trips import exact, plain

from support.load import line

pytestmark = pytest.mark.each_engine

few_loads = settings(
    max_examples=15,
    deadline=None,
    phases=[Phase.reuse, Phase.generate],
    suppress_health_check=[*HealthCheck],
)
KEYS = {
    "text": ("S", texts.filter(bool), str),
    "numeric": ("N", numbers(), Fraction),
    "bytes": ("B", binaries.filter(bool), b64decode),
}
ITEMS = """
key = "id"
columns = {"id": "text"}
_ITEMS = "create table if not exists items (id varchar(20) primary key, item %s)"
create_table_queries = [{"postgresql": _ITEMS % "jsonb", "mysql": _ITEMS % "longtext"}]
insert_table_queries = ["insert into items select id, _item from staged"]
"""
NOTES = """
from dynaurora import Table, rows
notes = Table(key="id", columns={"id": "text", "entries": rows("m{}", {"v": ("text", "$")})})
"""


@pytest.mark.parametrize("word", KEYS)
def test_every_legal_key_is_a_row_of_its_own(machine, word):
    tag, strategy, meaning = KEYS[word]
    columns = {"hash": "text", "id": word}
    machine.plugin(
        "keys",
        f'from dynaurora import Table\nt = Table("t", key=("hash", "id"), columns={columns!r})\n',
    )
    seqs = count(10**21)
    hashes = count()

    @few_loads
    @given(st.lists(strategy, min_size=1, max_size=20, unique_by=meaning))
    def hold(found):
        each = str(next(hashes))
        lines = [
            line("keys", next(seqs), {"hash": {"S": each}, "id": {tag: key}}, {}) for key in found
        ]
        machine.load_lines("keys", *lines)
        rows = {exact(key) for (key,) in machine.rows(f"select id from t where hash = '{each}'")}
        meant = [meaning(key) for key in found]
        assert rows == {exact(key) for key in meant if can_hold(machine.server.engine, word, key)}

    hold()


def test_every_item_is_held_whole(machine):
    machine.plugin("items", ITEMS)
    numbers_of_items = count()

    @few_loads
    @given(st.lists(images, min_size=1, max_size=10))
    def hold(found):
        first = next(numbers_of_items) * 100
        found = [image | {"id": {"S": str(first + n)}} for n, image in enumerate(found)]
        lines = [line("items", 10**21 + int(i["id"]["S"]), {"id": i["id"]}, i) for i in found]
        machine.load_lines("items", *lines)
        rows = dict(machine.rows("select id, item from items"))
        engine = machine.server.engine
        for image in found:
            meant, id_ = plain({"M": image}), image["id"]["S"]
            is_there = can_hold(engine, "json", meant)
            assert (id_ in rows) == is_there
            assert not is_there or exact(held(engine, "json", rows[id_])) == exact(meant)

    hold()


def test_every_entry_of_a_map_is_a_row(machine):
    machine.plugin("notes", NOTES)
    numbers_of_items = count()

    @few_loads
    @given(st.dictionaries(names, texts, max_size=10))
    def hold(found):
        key = {"id": {"S": str(next(numbers_of_items))}}
        image = {"m": {"M": {name: {"S": text} for name, text in found.items()}}}
        machine.load_lines("notes", line("notes", 10**21 + int(key["id"]["S"]), key, image))
        statement = f"select name, v from notes_entries where id = '{key['id']['S']}'"
        is_there = can_hold(machine.server.engine, "text", found)
        assert dict(machine.rows(statement)) == (found if is_there else {})

    hold()


ALIKE = [
    "a",
    "A",
    "a ",
    " a",
    "a\t",
    "é",
    "e\u0301",
    "É",
    "ß",
    "ss",
    "\ufeff",
    "a\ufeff",
    "ｱ",
    "ア",
    "😀",
]


def test_keys_and_names_that_look_alike_stay_apart(machine):
    machine.plugin("notes", NOTES)
    entries = {"m": {"M": {name: {"S": name} for name in ALIKE}}}
    lines = [line("notes", 10**21 + n, {"id": {"S": key}}, entries) for n, key in enumerate(ALIKE)]
    assert machine.load_lines("notes", *lines).applied == len(ALIKE)
    assert {key for (key,) in machine.rows("select id from notes")} == set(ALIKE)
    rows = machine.rows("select id, name, v from notes_entries")
    assert set(rows) == {(key, name, name) for key in ALIKE for name in ALIKE}


@pytest.mark.engines("mysql")
def test_each_server_takes_its_own_name_of_the_collation(machine):
    machine.plugin("notes", NOTES)
    machine.load_lines("notes", line("notes", 1, {"id": {"S": "a"}}, {}))
    ((version,),) = machine.rows("select version()")
    own = "utf8mb4_nopad_bin" if "MariaDB" in version else "utf8mb4_0900_bin"
    collations = "select distinct table_collation from information_schema.tables "
    assert machine.rows(f"{collations} where table_schema = database()") == [(own,)]


LONGEST = {"text": ("S", "x" * 255, "x" * 256), "bytes": ("B", "QUFB" * 341 + "QQ==", "QUFB" * 342)}


@pytest.mark.parametrize("word", LONGEST)
def test_a_key_that_is_too_long_for_an_index_of_mysql_is_quarantined_alone(machine, word):
    """PostgreSQL compresses it."""
    tag, *keys = LONGEST[word]
    columns = {"id": word}
    machine.plugin(
        "keys", f'from dynaurora import Table\nt = Table("t", key="id", columns={columns!r})\n'
    )
    machine.load_lines("keys", *(line("keys", n, {"id": {tag: k}}, {}) for n, k in enumerate(keys)))
    kept = {"postgresql": 2, "mysql": 1}[machine.server.engine]
    assert machine.rows("select count(*) from t") == [(kept,)]
    assert [found[4] for found in machine.quarantine()] == ["1406"] * (2 - kept)
