"""docs/types.md says of each type which DynamoDB types it takes; test_types.py proves the same."""

import re
from pathlib import Path

import pytest
from test_types import CELLS, TAGS

TEXT = (Path(__file__).parents[2] / "docs" / "types.md").read_text("utf-8")
LINES = re.findall(r"^\| (`.+?`) \| .+? \| (.+?) \| .+? \|$", TEXT, re.MULTILINE)
TAKES = {word.strip("`"): takes for words, takes in LINES for word in words.split(", ")}


def tags(takes):
    if takes.startswith("any"):
        return set(TAGS) - ({"NULL"} if takes == "any but NULL" else set())
    before = re.sub(r"\bL of .*", "L", takes)
    return {tag for tag in TAGS if re.search(rf"\b{tag}\b", before)}


def test_every_type_has_its_line():
    assert set(TAKES) == {word.replace("(5,2)", "(p,s)") for word in CELLS}


@pytest.mark.parametrize("word", CELLS)
def test_a_type_takes_what_its_line_says(word):
    assert tags(TAKES[word.replace("(5,2)", "(p,s)")]) == set(CELLS[word])
