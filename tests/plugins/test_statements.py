"""The SQL that a declaration stands for: reviewed as text, and proven on a server."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nasty_table import LONG, NASTY, NASTY_HISTORY, NASTY_KIND

from dynaurora import Table, column, rows
from dynaurora.adapters.database import Database
from dynaurora.errors import RowRefused
from dynaurora.plugins.contract import ENGINES
from dynaurora.plugins.statements import (
    create_statements,
    dialect_of,
    drop_statements,
    insert_statements,
    select_statements,
    statements_of,
)
from dynaurora.plugins.tables import SqlTable, sql_tables, staged_relation
from dynaurora.ports import RelationColumn
from dynaurora.settings import DatabaseSettings

pytestmark = pytest.mark.each_engine

SNAPSHOTS = Path(__file__).parent / "snapshots"
PLUGIN_TABLE = "prod.Order-Lines"


def tables_of(table, plugin_table=PLUGIN_TABLE, engine="postgresql"):
    return list(sql_tables(table, plugin_table, dialect_of(engine)))


def everything(table, engine):
    """All statements of a table, as a person reads them."""
    tables = tables_of(table, engine=engine)
    parts = {
        "create": create_statements(tables, engine),
        "insert": insert_statements(tables, engine),
        "select": select_statements(tables, engine).values(),
        "drop": drop_statements(tables, engine),
    }
    return "\n".join(
        f"-- {name}\n" + "".join(f"{statement};\n" for statement in statements)
        for name, statements in parts.items()
    )


@pytest.mark.parametrize(
    ("name", "table"),
    [("nasty", NASTY), ("nasty_kind", NASTY_KIND), ("nasty_history", NASTY_HISTORY)],
)
@pytest.mark.parametrize("engine", ENGINES)
def test_the_statements_of_a_nasty_table_are_those_that_were_reviewed(name, table, engine):
    path = SNAPSHOTS / f"{name}.{engine}.sql"
    found = everything(table, engine)
    if os.environ.get("DYNAURORA_ACCEPT"):
        path.write_text(found, "utf-8")
    assert found == path.read_text("utf-8"), (
        f"The SQL of declarations has changed. Read the difference; if it is right, run again with "
        f"DYNAURORA_ACCEPT=1 and commit {path.name}."
    )


def test_the_statements_are_those_of_the_contract():
    """As printed and measured in the design of the plugins, in key order."""
    movies = Table(
        key=("year", "title"),
        columns={
            "year": "integer",
            "title": "text",
            "rating": ("numeric", "info.rating"),
            "actors": rows("info.actors[]", {"actor": ("text", "$")}),
        },
    )
    assert [
        " ".join(statement.split()).replace("( ", "(").replace(" )", ")")
        for statement in insert_statements(tables_of(movies, "movies"), "postgresql")
    ] == [*CONTRACT.strip().split(";\n")]


CONTRACT = """
insert into movies (year, title, rating) \
select s.year, s.title, s.rating from staged as s order by s.year, s.title \
on conflict (year, title) do update set rating = excluded.rating;
delete from movies_actors as t using staged as s \
where t.year = s.year and t.title = s.title \
and not exists (select 1 from staged_actors as c where c._key = s._key and c.position = t.position);
insert into movies_actors (year, title, position, actor) \
select c.year, c.title, c.position, c.actor from staged_actors as c \
order by c.year, c.title, c.position \
on conflict (year, title, position) do update set actor = excluded.actor \
where (movies_actors.actor) is distinct from (excluded.actor);
delete from movies as t using removed as r where t.year = r.year and t.title = r.title
"""


def test_a_table_of_its_key_alone_needs_no_update():
    (upsert, _) = insert_statements(
        tables_of(Table(key="id", columns={"id": "text"})), "postgresql"
    )
    assert upsert.endswith("on conflict (id) do nothing")


def test_a_name_that_is_too_long_is_cut_and_stays_its_own():
    one, other = ("x" * 70 + end for end in "ab")
    names = set()
    for name in (one, other):
        table = Table(key="id", columns={"id": "text", name: rows("l[]", {})})
        child = tables_of(table)[1]
        assert child.relation == staged_relation(name)
        names |= {child.name, child.relation}
    assert len(names) == 4
    assert {len(name) for name in names} == {63}


def test_names_that_are_too_long_are_cut_for_versions_and_history_too():
    versions = tables_of(NASTY_HISTORY)[-1]
    assert len({len(name) for name in versions.names} | {63}) == 1
    assert len({*versions.names, tables_of(NASTY_HISTORY)[0].name}) == 3


def test_an_engine_without_its_file_is_not_known():
    for find in (statements_of, dialect_of):
        with pytest.raises(KeyError):
            find("oracle")


class Made:
    """Tables on a real server, and the relations of a load, filled by hand."""

    def __init__(self, engine, table: Table):
        self.connection = engine.connection
        self.dialect = engine.dialect
        self.engine = engine.dialect.engine
        self.tables: list[SqlTable] = tables_of(table, engine=self.engine)

    def run(self, statements):
        for statement in statements:
            self.connection.execute(statement)

    def create(self):
        self.run(create_statements(self.tables, self.engine))

    def drop(self):
        self.run(drop_statements(self.tables, self.engine))

    def load(self, staged, removed=()):
        """staged: relation → rows, each (key hash, {column: value}); removed: rows likewise."""
        with self.connection.transaction():
            for table in self.tables:
                columns = [column for column in table.columns if column.expression is None]
                self._relation(table.relation, columns, staged.get(table.relation, ()))
            parent = self.tables[0]
            key = [column for column in parent.columns if column.name in parent.item_key]
            self._relation("removed", key, removed)
            self.run(insert_statements(self.tables, self.engine))

    def rows(self, number=0):
        table = self.tables[number]
        names = ", ".join(map(self.dialect.quoted, table.column_names))
        key = ", ".join(map(self.dialect.quoted, table.key))
        statement = f"select {names} from {self.dialect.quoted(table.name)} order by {key}"
        return self.connection.fetch(statement)

    def _relation(self, name, columns, found):
        listed = [RelationColumn("_key", self.dialect.key_type)]
        listed += [RelationColumn(column.name, column.sql_type) for column in columns]
        self.connection.execute(self.dialect.create_relation(name, listed))
        slots = ", ".join(["%s"] * len(listed))
        statement = f"insert into {self.dialect.quoted(name)} values ({slots})"
        as_key = {"postgresql": str, "mysql": bytes.fromhex}[self.engine]
        for key, row in found:
            cells = [row.get(column.name) for column in columns]
            self.connection.execute(statement, [as_key(key.rjust(32, "0")), *cells])


@pytest.fixture
def made(server):
    database = Database(DatabaseSettings(url=server.url, secret_arn="", schema="dynaurora"))
    with database.session() as engine:
        yield lambda table: Made(engine, table)
    database.close()


def test_a_nasty_table_is_made_filled_read_and_dropped_twice(made):
    found = made(NASTY)
    long_child = len(found.tables) - 1
    item = {"user": "anna", "order-Id": 7}
    for _ in range(2):
        found.create()
        found.create()
        for value in ("a", "b", "b"):
            found.load(
                {
                    "staged": [("1", {**item, 'say "hi"': value, "größe": "1.50", "select": 3})],
                    "staged_group": [("1", {**item, "position": 0, "order": value})],
                    "staged_names": [("1", {**item, "language": "it's", "value": value})],
                    "staged_tags": [("1", {**item, "name": "'"})],
                    "staged_taxes": [("1", {**item, "line": 0, "tax": "vat", "rate": "0.19"})],
                    "staged_address": [("1", {**item, "street": value})],
                    staged_relation(LONG): [("1", {**item, "position": 0, "party": value})],
                }
            )
        (row,) = found.rows()
        assert row[:2] == ("anna", 7)
        assert (row[4], row[8]) == ("b", "ann")
        assert found.rows(1) == [("anna", 7, 0, "b", "B")]
        assert found.rows(2) == [("anna", 7, "it's", "b")]
        assert found.rows(3) == [("anna", 7, "'")]
        assert found.rows(long_child) == [("anna", 7, 0, "b")]
        for name, statement in select_statements(found.tables, found.engine).items():
            assert found.connection.fetch(statement), name
        found.load({}, removed=[("1", item)])
        assert all(found.rows(number) == [] for number in range(len(found.tables)))
        found.drop()
        found.drop()


def test_required_and_key_columns_are_not_null(made):
    found = made(Table(key="id", columns={"id": "text", "x": column("text", required=True)}))
    found.create()
    with pytest.raises(RowRefused):
        found.load({"staged": [("1", {"id": "a"})]})
    with pytest.raises(RowRefused):
        found.load({"staged": [("1", {"x": "a"})]})


def test_an_index_is_made_for_every_column_that_asks(made):
    found = made(NASTY)
    found.create()
    there = {
        "postgresql": "select indexname from pg_indexes where schemaname = 'public'",
        "mysql": "select distinct index_name from information_schema.statistics "
        "where table_schema = database()",
    }
    names = [name for (name,) in found.connection.fetch(there[found.engine])]
    assert len([name for name in names if name.endswith("_index")]) == 3


@pytest.mark.engines("postgresql")
def test_a_child_that_is_as_it_was_is_not_written_again(made):
    found = made(ORDERS)
    found.create()
    staged = {
        "staged": [("1", {"id": "a"})],
        "staged_lines": [("1", {"id": "a", "position": n, "sku": str(n)}) for n in range(3)],
    }
    found.load(staged)
    where = found.connection.fetch("select ctid, xmin from prod_order_lines_lines")
    found.load(staged)
    again = found.connection.fetch("select ctid, xmin from prod_order_lines_lines")
    assert again == where


ORDERS = Table(
    key="id",
    columns={
        "id": "text",
        "total": "integer",
        "lines": rows("lines[]", {"sku": "text", "quantity": "integer"}),
        "notes": rows("notes{}", {"note": ("text", "$")}),
    },
)
small = st.integers(0, 3)
lines = st.lists(st.tuples(st.none() | st.sampled_from("ab"), st.none() | small), max_size=3)
notes = st.dictionaries(st.sampled_from(["x", "y", ""]), st.none() | st.sampled_from("ab"))
items = st.tuples(st.none() | small, lines, notes)
loads = st.dictionaries(st.sampled_from("abc"), st.none() | items, min_size=1)


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.lists(loads, max_size=5))
def test_after_any_history_the_tables_hold_what_the_items_hold(made, history):
    found = made(ORDERS)
    found.create()
    model = {}
    for load in [*history, *history[-1:]]:  # the last one again: loading twice changes nothing
        model.update({key: item for key, item in load.items() if item is not None})
        for key in [key for key, item in load.items() if item is None]:
            model.pop(key, None)
        found.load(*relations(load))
        assert found.rows(0) == [(key, item[0]) for key, item in sorted(model.items())]
        assert found.rows(1) == [
            (key, position, *line)
            for key, item in sorted(model.items())
            for position, line in enumerate(item[1])
        ]
        assert sorted(found.rows(2)) == sorted(
            (key, name, note) for key, item in model.items() for name, note in item[2].items()
        )
    found.drop()


def relations(load):
    """What a load would stage for these items; None is a delete."""
    puts = {key: item for key, item in load.items() if item is not None}
    staged = {
        "staged": [(key, {"id": key, "total": item[0]}) for key, item in puts.items()],
        "staged_lines": [
            (key, {"id": key, "position": position, "sku": sku, "quantity": quantity})
            for key, item in puts.items()
            for position, (sku, quantity) in enumerate(item[1])
        ],
        "staged_notes": [
            (key, {"id": key, "name": name, "note": note})
            for key, item in puts.items()
            for name, note in item[2].items()
        ],
    }
    return staged, [(key, {"id": key}) for key in load if key not in puts]
