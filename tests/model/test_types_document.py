"""docs/types.md has a cell for every type of DynamoDB in every type of column, and no other."""

import re
from collections import Counter
from pathlib import Path

import pytest
from type_cells import HELD, NOTHING, ONLY, REFUSED, TAGS, WORDS

from dynaurora.model import types

TEXT = (Path(__file__).parents[2] / "docs" / "types.md").read_text("utf-8")
ENGINES = {"PostgreSQL": "postgresql", "MySQL": "mysql"}
"""The engines by the heads of their columns."""

(HEADS,) = re.findall(r"^\| column \| DynamoDB \| (.+) \|$", TEXT, re.MULTILINE)
DOCUMENTED = [ENGINES[head] for head in HEADS.split(" | ")]
_EACH = r" \| ".join(["[^|]+"] * len(DOCUMENTED))
LINES = re.findall(
    rf"^\| ((?:all but )?`[^|]+) \| ([A-Za-z, ]+) \| ({_EACH}) \|$",
    TEXT[TEXT.index(HEADS) :],
    re.MULTILINE,
)


def words(text):
    named = re.findall(r"`([^`]+)`", text)
    return [word for word in WORDS if word not in named] if text.startswith("all but") else named


CELLS = [
    (word, tag, engine, said)
    for named, tags, cells in LINES
    for word in words(named)
    for tag in tags.split(", ")
    for engine, said in zip(DOCUMENTED, cells.split(" | "), strict=True)
]
IDS = [f"{word}-{tag}-{engine}" for word, tag, engine, _ in CELLS]


def test_the_words_are_those_of_the_code():
    assert {word for word in WORDS if word != "numeric(p,s)"} == set(types.WORDS)


def test_every_cell_is_there_once():
    every = [f"{word}-{tag}-{engine}" for word in WORDS for tag in TAGS for engine in DOCUMENTED]
    assert Counter(IDS) == Counter(every)


@pytest.mark.parametrize(("word", "tag", "engine", "said"), CELLS, ids=IDS)
def test_a_cell_says_what_its_examples_show(word, tag, engine, said):
    cell = (word, tag)
    assert (said == "refused") == (cell not in HELD and cell not in NOTHING)
    assert (said == "SQL NULL") == (cell in NOTHING)
    assert cell not in REFUSED or cell in HELD
    assert set(ONLY[engine]) <= set(HELD)
