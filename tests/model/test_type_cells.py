"""Every cell of docs/types.md, by a load into the engine: what comes, and what SQL then holds."""

import json
from contextlib import ExitStack
from functools import cache

import pytest
from engine_values import held
from test_types_document import CELLS, IDS
from type_cells import (
    ANY,
    DECLARED,
    HELD,
    NOTHING,
    SURROGATE,
    WORDS,
    held_on,
    refused_on,
)

from support.load import LoadMachine, changed, line
from support.servers import Server

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
        assert {c for c, value in found.items() if value is not None} <= {"id", COLUMNS[word]}
        return held(self._machine.server.engine, word, found[COLUMNS[word]])


@pytest.fixture(scope="module")
def cells_of(postgresql, request, tmp_path_factory):
    """Cells on an engine, in a database of their own, made when they are asked for."""
    with ExitStack() as stack:

        @cache
        def made(engine):
            url = postgresql.url if engine == "postgresql" else request.getfixturevalue(engine)
            server = stack.enter_context(Server(url).fresh("type_cells"))
            folder = tmp_path_factory.mktemp("cells")
            return Cells(stack.enter_context(LoadMachine(server.url, folder)))

        yield made


@pytest.mark.parametrize(("word", "tag", "engine"), [cell[:3] for cell in CELLS], ids=IDS)
def test_a_cell_holds_exactly_what_it_says(cells_of, word, tag, engine):
    cells = cells_of(engine)
    if (word, tag) in NOTHING:
        assert cells.holds(word, None if tag == "missing" else {tag: True}) is None
        return
    for content, expected in held_on(engine, (word, tag)):
        found = cells.holds(word, {tag: content})
        assert found == expected
        assert type(found) is type(expected) or word == "json"
    is_refused = (word, tag) not in HELD
    for content in [ANY[tag]] if is_refused else refused_on(engine, (word, tag)):
        with pytest.raises(LookupError) as told:
            cells.holds(word, {tag: content})
        # A line with a lone surrogate is no JSON that a reader of lines takes.
        assert COLUMNS[word] in str(told.value) or json.dumps(SURROGATE)[1:-1] in json.dumps(
            content
        )
