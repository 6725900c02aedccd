"""Every cell of docs/types.md, by a load into the engine: what comes, and what SQL then holds."""

import json
from urllib.parse import urlsplit

import psycopg
import pytest
from test_types_document import CELLS, IDS
from type_cells import ANY, DECLARED, HELD, NOTHING, REFUSED, SURROGATE, WORDS

from support.load import LoadMachine, changed, line

COLUMNS = {word: f"c{number}" for number, word in enumerate(WORDS)}


class Cells:
    """An SQL table with a column of every type, into which values are loaded."""

    def __init__(self, machine):
        self._machine = machine
        self._number = 0
        columns = {"id": "text"} | {c: DECLARED.get(word, word) for word, c in COLUMNS.items()}
        machine.plugin(
            "cells",
            f'from dynaurora import Table\ncells = Table(key="id", columns={columns!r})\n',
        )

    def holds(self, word, value):
        """What the column holds of a value (None: missing) in a row of its own.

        Raises ``LookupError`` with what is told of it where there is no row.
        """
        self._number += 1
        key = str(self._number)
        image = {"id": {"S": key}} | ({} if value is None else {COLUMNS[word]: value})
        put = line("cells", 10**21 + self._number, {"id": {"S": key}}, {})
        loaded = self._machine.load_lines("cells", changed(put, new=image))
        rows = self._machine.rows(f"select * from cells where id = '{key}'")
        if not rows:
            assert loaded.applied == 0
            raise LookupError(self._machine.quarantine()[-1][3])
        found = dict(zip(["id", *COLUMNS.values()], rows[0], strict=True))
        assert {c for c, held in found.items() if held is not None} <= {"id", COLUMNS[word]}
        return found[COLUMNS[word]]


@pytest.fixture(scope="module")
def engines(postgresql, tmp_path_factory):
    """Cells on each engine, in a database of their own."""
    with psycopg.connect(postgresql.url, autocommit=True) as connection:
        connection.execute("drop database if exists type_cells")
        connection.execute("create database type_cells")
    url = urlsplit(postgresql.url)._replace(path="/type_cells").geturl()
    with LoadMachine(url, tmp_path_factory.mktemp("cells")) as machine:
        yield {"postgresql": Cells(machine)}


@pytest.mark.parametrize(("word", "tag", "engine"), [cell[:3] for cell in CELLS], ids=IDS)
def test_a_cell_holds_exactly_what_it_says(engines, word, tag, engine):
    cells = engines[engine]
    if (word, tag) in NOTHING:
        assert cells.holds(word, None if tag == "missing" else {tag: True}) is None
        return
    for content, held in HELD.get((word, tag), []):
        found = cells.holds(word, {tag: content})
        assert found == held
        assert type(found) is type(held) or word == "json"
    is_refused = (word, tag) not in HELD
    for content in [ANY[tag]] if is_refused else REFUSED.get((word, tag), []):
        with pytest.raises(LookupError) as told:
            cells.holds(word, {tag: content})
        # A line with a lone surrogate is no JSON that a reader of lines takes.
        assert COLUMNS[word] in str(told.value) or json.dumps(SURROGATE)[1:-1] in json.dumps(
            content
        )
