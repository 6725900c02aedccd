"""A writer becomes a reader: an outage, after which the writer is looked for anew."""

from contextlib import contextmanager
from functools import partial
from urllib.parse import parse_qs, quote, urlsplit

import pytest

from dynaurora.errors import DatabaseAway
from dynaurora.local.folders import temporary
from dynaurora.local.mariadb import LocalMariadb
from support.items import DECLARED, put
from support.least_rights import loader
from support.load import ARBITRATION, LoadMachine
from support.servers import Server

pytestmark = pytest.mark.engines("mysql")


@contextmanager
def reader(machine):
    """The server is a reader from the first call of what is given, until the end."""
    try:
        yield lambda: machine.server.execute("set global read_only = 1")
    finally:
        machine.server.execute("set global read_only = 0")


def test_a_writer_that_becomes_a_reader_in_a_load_is_an_outage_and_refuses_no_row(machine):
    with loader(machine) as worker, reader(machine) as become_reader:
        worker.plugin("items", DECLARED)
        worker.load_lines("items", put(1, "a", v="1"))
        name = worker.put("items", put(2, "a", v="2"), put(3, "b", v="3"))
        worker.before = lambda step: become_reader() if step.startswith(ARBITRATION) else None
        with pytest.raises(DatabaseAway):
            worker.load(name)
        assert worker.database._connection is None  # the next one is made anew
        worker.before = lambda _: None
        for receives in (2, 5, 6):
            with pytest.raises(DatabaseAway):
                worker.load(name, receives=receives)
        assert worker.state("items") == ("", "")
        assert worker.quarantine() == []
        machine.server.execute("set global read_only = 0")
        assert worker.load(name, receives=7).loaded["items"].applied == 2


def test_after_an_outage_the_database_is_looked_for_under_its_name_anew(machine, memory):
    """A link stands for the name of a cluster, which leads to another server after a fail-over."""
    link = machine.folder.parent / "writer"
    with temporary(memory) as folder, LocalMariadb(folder / "own") as other:
        first, second = (
            parse_qs(urlsplit(url).query)["unix_socket"][0] for url in (machine.url, other.url)
        )
        Server(other.url).execute(f"create database {machine.database_name}")
        link.symlink_to(first)
        url = urlsplit(machine.url)._replace(query=f"unix_socket={quote(str(link))}").geturl()
        with LoadMachine(url, machine.folder.parent, store=machine.store) as worker:
            worker.plugin("items", DECLARED)
            worker.load_lines("items", put(1, "a", v="1"))
            link.unlink()
            link.symlink_to(second)
            end = partial(machine.server.end_session, worker.database._connection)
            worker.before = lambda step: end() if step == "commit" else None
            with pytest.raises(DatabaseAway):
                worker.load_lines("items", put(2, "b", v="2"))
            worker.before = lambda _: None
            worker.load_lines("items", put(3, "c", v="3"))
            assert worker.rows("select id from items") == [("c",)]
        assert machine.rows("select id from items") == [("a",)]
