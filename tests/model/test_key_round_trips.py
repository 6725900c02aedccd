"""Keys, whole items and rows inside items: all legal values, through a real load and read back."""

from base64 import b64decode
from fractions import Fraction
from itertools import count

import pytest
from dynamodb_values import binaries, images, names, numbers, texts
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from test_type_round_trips import exact, has_nul, plain

from support.load import LoadMachine, line

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
create_table_queries = ["create table if not exists items (id text primary key, item jsonb)"]
insert_table_queries = ["insert into items select id, _item from staged"]
"""
NOTES = """
from dynaurora import Table, rows
notes = Table(key="id", columns={"id": "text", "entries": rows("m{}", {"v": ("text", "$")})})
"""


@pytest.fixture
def machine(database_url, tmp_path):
    with LoadMachine(database_url, tmp_path) as found:
        yield found


@pytest.mark.parametrize("word", KEYS)
def test_every_legal_key_is_a_row_of_its_own(machine, word):
    tag, strategy, meaning = KEYS[word]
    columns = {"hash": "text", "id": word}
    machine.plugin(
        "keys",
        f'from dynaurora import Table\nkeys = Table(key=("hash", "id"), columns={columns!r})\n',
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
        held = {exact(key) for (key,) in machine.rows(f"select id from keys where hash = '{each}'")}
        assert held == {exact(meaning(key)) for key in found if "\0" not in key}

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
        held = [
            exact(item)
            for (item,) in machine.rows(
                f"select item from items where id::int >= {first} order by id::int"
            )
        ]
        meant = [plain({"M": image}) for image in found]
        assert held == [exact(item) for item in meant if not has_nul(item)]

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
        assert dict(machine.rows(statement)) == ({} if has_nul(found) else found)

    hold()
