"""A database whose metadata a version before has made goes on working, and gets what it lacks.

On PostgreSQL alone: MySQL's metadata have had one form since there are any.
"""

from pathlib import Path

import pytest

from dynaurora.metadata import Chosen, Gaps, Metadata, Quarantine
from dynaurora.model.events import ObjectName
from support.items import DECLARED, put
from support.load import side_by_side

BEFORE = Path(__file__).parents[1] / "support" / "metadata_before.sql"
COLUMNS = """
    select table_name || '.' || column_name from information_schema.columns
    where table_schema = 'dynaurora' and table_name not like 'ledger%' order by 1
"""


@pytest.fixture
def old(machine):
    """The metadata of the version before, with a parked table, a gap and an entry."""
    for statement in BEFORE.read_text().split("\n\n"):
        machine.execute(statement.replace("{schema}", "dynaurora"))
    machine.execute("insert into dynaurora.tables (name, parked_for) values ('items', 'plugin')")
    machine.execute("insert into dynaurora.gaps values ('vanished', 'items', 'raw', 'items/1')")
    machine.execute(
        "insert into dynaurora.quarantine (table_number, k, version, reason, message, bucket, "
        "object, line) values (1, gen_random_uuid(), 0, 'unreadable', '', 'raw', 'items/1', 'x')"
    )
    machine.plugin("items", DECLARED)
    return machine


def test_it_becomes_as_a_new_one(old, machine):
    with old.database.session() as engine:
        Metadata(engine.connection, engine.queries).create()
        found = old.rows(COLUMNS)
        old.execute("drop schema dynaurora cascade")
        Metadata(engine.connection, engine.queries).create()
    assert old.rows(COLUMNS) == found


def test_a_load_goes_on(old):
    assert old.load_lines("items", put(1, "a", v="1"), b"{bad").applied == 1
    assert old.rows("select id from items") == [("a",)]


def test_a_sweep_goes_on(old):
    old.store.put(ObjectName("raw", "(errors)/items/processing-failed/1"), b"")
    old.sweep(age_s=0)
    assert old.rows("select object, state from dynaurora.gaps order by 1 desc") == [
        ("items/1", "open"),
        ("(errors)/items/processing-failed/1", "open"),
    ]


def test_what_it_knew_is_still_known(old):
    with old.database.session() as engine:
        connection, queries = engine.connection, engine.queries
        (entry,) = Quarantine(connection, queries).entries(Chosen(), limit=9)
        (gap,) = Gaps(connection, queries).listed(limit=9)
        (table,) = Metadata(connection, queries).registrations()
    assert (entry.number, entry.state, entry.table) == (1, "open", "items")
    assert (gap.state, gap.notice.kind) == ("open", "vanished")
    assert table.parked_for == "plugin"


def test_workers_that_meet_it_at_once_complete_it_once(old):
    names = [old.put("items", put(number, f"k{number}", v="1")) for number in range(4)]
    workers = [old.twin() for _ in names]
    reports = side_by_side(
        *[lambda w=worker, n=name: w.load(n) for worker, name in zip(workers, names, strict=True)]
    )
    for worker in workers:
        worker.database.close()
    assert all(not report.failed and not report.waiting for report in reports)
    assert old.rows("select count(*) from items") == [(4,)]


def test_what_is_complete_is_not_altered_again(old):
    """Adding a column that is there waits for every load of the table all the same."""
    old.load_lines("items", put(1, "a", v="1"))
    steps = []
    old.before = steps.append
    with old.database.session() as engine:
        Metadata(old.parts(engine).engine.connection, engine.queries).create()
    assert not [step for step in steps if step.startswith("alter")]
    assert [step for step in steps if step.startswith("create table")]
