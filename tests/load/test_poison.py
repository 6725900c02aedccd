"""What somebody writes into an item to be run as SQL arrives as what it is."""

import pytest

from support.load import line

pytestmark = pytest.mark.each_engine

THINGS = """
from dynaurora import Table, column, rows

things = Table(
    key="id",
    columns={
        "id": "text",
        "said": "text",
        "count": "numeric(9, 2)",
        "whole": column("json", "m"),
        "parts": rows("l[]", {"part": ("text", "$")}),
    },
)
"""
POISON = [
    *["'; drop table things; --", '"; drop table things; --', "`; drop table things; --"],
    *[
        "\\'; drop table things; --",
        "x'); delete from things; select ('",
        "/*! drop table things */",
    ],
    *["\\N", "\\.", "a\tb\nc\rd", "%s %(id)s {id} $1 :id ? ${jndi:x}", "\\x00\\", "\u2028\u202e'"],
]


@pytest.fixture
def things(machine):
    """A table with an innocent row."""
    machine.plugin("things", THINGS)
    assert loaded(machine, "innocent", {"said": {"S": "hello"}}).applied == 1
    return machine


def loaded(machine, key, image, seq=10**21):
    keys = {"id": {"S": key}}
    image = image if image is None else {**keys, **image}
    return machine.load_lines("things", line("things", seq, keys, image))


@pytest.mark.parametrize("text", POISON)
def test_a_value_that_looks_like_sql_is_a_value(things, text):
    said, part = {"S": text}, {"L": [{"S": text}]}
    held = {"said": said, "l": part, "m": {"M": {text: said}}, text: said}
    assert loaded(things, text, held).applied == 1
    rows = things.rows("select id, said from things order by id")
    assert sorted(rows) == sorted([("innocent", "hello"), (text, text)])
    assert things.rows("select part from things_parts") == [(text,)]
    assert loaded(things, text, None, 10**21 + 1).applied == 1
    assert things.rows("select id from things") == [("innocent",)]


@pytest.mark.parametrize("text", POISON)
def test_a_value_that_no_column_holds_is_kept_as_it_came(things, text):
    assert loaded(things, text, {"count": {"S": text}}).quarantined == 1
    assert things.rows("select id from things") == [("innocent",)]
    assert things.state("things") == ("", "")
