"""The largest that DynamoDB lets through: it is loaded exactly, or refused alone.

An item has at most 400 KB, a partition key 2,048 bytes and a sort key 1,024:
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
"""

import base64
import json
import random
from decimal import Decimal

import pytest

from support.items import DECLARED, WITH_ROWS, put
from support.load import line

pytestmark = pytest.mark.each_engine

ITEM_BYTES = 400 * 1024 - 100
"""Of an attribute, less its name and the key."""

CHANCE = random.Random(5)
WORDS = "".join(chr(0x4E00 + number * 7919 % 20_000) for number in range(ITEM_BYTES // 3))
CONTROLS = '\x01"\\\n' * (ITEM_BYTES // 4)
BYTES = CHANCE.randbytes(ITEM_BYTES)
NUMBERS = [str(10**37 + number) for number in range(ITEM_BYTES // 21)]  # 38 digits: 20 bytes and 1
PARTS = [f"{number:06d}" + chr(0x4E00 + number % 20_000) for number in range(ITEM_BYTES // 10)]
BLOBS = [CHANCE.randbytes(1_000) for _ in range(ITEM_BYTES // 1_001)]


def encoded(data):
    return base64.b64encode(data).decode()


@pytest.mark.parametrize(
    ("column", "value", "becomes"),
    [
        ("text", {"S": WORDS}, WORDS),
        ("text", {"S": CONTROLS}, CONTROLS),
        ("json", {"S": WORDS}, WORDS),
        ("json", {"S": CONTROLS}, CONTROLS),
        ("json", {"L": [{"N": number} for number in NUMBERS]}, [int(n) for n in NUMBERS]),
        ("json", {"M": {part: {"BOOL": True} for part in PARTS}}, dict.fromkeys(PARTS, True)),
        ("bytes", {"B": encoded(BYTES)}, BYTES),
        ("text[]", {"L": [{"S": part} for part in PARTS]}, PARTS),
        ("numeric[]", {"NS": NUMBERS}, [Decimal(number) for number in NUMBERS]),
        ("bytes[]", {"BS": [encoded(blob) for blob in BLOBS]}, sorted(BLOBS)),
    ],
    ids=lambda found: found if isinstance(found, str) and len(found) < 20 else "-",
)
def test_an_attribute_as_large_as_an_item_arrives_exactly(machine, column, value, becomes):
    machine.plugin("items", DECLARED.replace('"v": "text"', f'"v": "{column}"'))
    loaded = machine.load_lines("items", put(1, "a", v=value), put(1, "b"))
    assert (loaded.applied, loaded.quarantined) == (2, 0)
    ((found,), nothing) = machine.rows("select v from items order by id")
    if machine.engine == "mysql" and column not in ("text", "bytes"):
        found = json.loads(found, parse_int=Decimal)
        found = list(map(bytes.fromhex, found)) if column == "bytes[]" else found
    assert (found, nothing) == (becomes, (None,))


def test_a_row_of_many_megabytes_arrives_exactly(machine):
    columns = "".join(f'"v{n}": ("json", "v"), "w{n}": ("text", "v"), ' for n in range(6))
    machine.plugin("items", DECLARED.replace('"v": "text",', columns))
    loaded = machine.load_lines("items", *[put(1, f"k{n}", v=CONTROLS) for n in range(3)])
    assert loaded.applied == 3
    text = machine.of_engine("v0 #>> '{}'", "json_unquote(v0)")
    assert machine.rows(f"select distinct {text}, w5 from items") == [(CONTROLS, CONTROLS)]


def test_an_item_of_a_hundred_thousand_rows_arrives_exactly(machine):
    machine.plugin("items", WITH_ROWS)
    tags = [CHANCE.choice("abc") for _ in range(100_000)]
    machine.load_lines("items", put(1, "a", tags=tags))
    found = machine.rows("select position, tag from items_tags order by 1")
    assert found == list(enumerate(tags))


TWO_KEYS = """
    from dynaurora import Table, column

    items = Table(
        key=("p", "s"),
        columns={"p": "text", "s": "text", "v": column("text", index=True)},
    )
"""


def item(seq, partition, sort, value="v"):
    return line("items", seq, {"p": {"S": partition}, "s": {"S": sort}}, {"v": {"S": value}})


@pytest.mark.engines("postgresql")  # a key of MySQL has 255 characters
def test_the_longest_keys_are_loaded_unless_no_index_can_hold_them(machine):
    machine.plugin("items", TWO_KEYS)
    good = [
        item(1, WORDS[: 2_048 // 3], "s"),
        item(2, "p", WORDS[: 1_024 // 3]),
        item(3, "p" * 2_048, "s" * 1_024),  # an index compresses it
    ]
    bad = item(4, WORDS[: 2_048 // 3], WORDS[1_000 : 1_000 + 1_024 // 3])
    loaded = machine.load_lines("items", *good, bad)
    assert (loaded.applied, loaded.quarantined) == (3, 1)
    assert [(code, text) for *_, code, text in machine.quarantine()] == [("54000", bad)]


@pytest.mark.engines("postgresql")  # an index of MySQL holds how long texts begin
def test_what_an_index_cannot_hold_is_refused_alone(machine):
    machine.plugin("items", TWO_KEYS)
    bad = item(2, "b", "s", WORDS)
    loaded = machine.load_lines("items", item(1, "a", "s", "v" * 100_000), bad, item(3, "c", "s"))
    assert (loaded.applied, loaded.quarantined) == (2, 1)
    assert [(code, text) for *_, code, text in machine.quarantine()] == [("54000", bad)]


@pytest.mark.engines("postgresql")  # a table of MySQL has 1,017 columns
def test_more_values_than_fit_a_page_are_refused_alone(machine):
    """A page has 8 KB, and what is short is not stored elsewhere."""
    columns = "".join(f'"c{n}": "text", ' for n in range(1_500))
    machine.plugin("items", DECLARED.replace('"v": "text",', columns))
    wide = {f"c{n}": "12 letters.." for n in range(1_500)}
    narrow = dict(list(wide.items())[:300])
    bad = put(1, "a", **wide)
    loaded = machine.load_lines("items", put(1, "b", **narrow), bad)
    assert (loaded.applied, loaded.quarantined) == (1, 1)
    assert [text for *_, text in machine.quarantine()] == [bad]


@pytest.mark.parametrize("refused_by", ["value", "database"])
def test_the_line_of_a_large_change_is_quarantined_whole(machine, refused_by):
    machine.plugin("items", DECLARED)
    machine.load(machine.put("items"))
    machine.execute("alter table items add check (id <> 'bad')")
    item_id, number = ("a", "0.001") if refused_by == "value" else ("bad", "1")
    bad = put(1, item_id, v=CONTROLS, n={"N": number})
    loaded = machine.load_lines("items", bad, put(1, "b", v=CONTROLS))
    assert (loaded.applied, loaded.quarantined) == (1, 1)
    assert [(reason, text) for _, _, reason, _, _, text in machine.quarantine()] == [
        (refused_by, bad)
    ]
