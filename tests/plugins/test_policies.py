"""What becomes of the rows of deleted items: removed, marked or kept."""

from datetime import UTC, datetime

import pytest

from support.load import LoadMachine, line

pytestmark = pytest.mark.each_engine

PLUGIN = """
    from dynaurora import Table, rows

    things = Table(
        key="id",
        columns={"id": "text", "v": "text", "tags": rows("tags[]", {"tag": ("text", "$")})},
        POLICIES
    )
"""
KEY = {"id": {"S": "a"}}
AT = 1_700_000_100
WHEN = datetime.fromtimestamp(AT, UTC)
ALL = "select * from things"
TAGS = "select tag from things_tags"


class Things:
    """A table with a policy, loaded change by change."""

    def __init__(self, machine, policies):
        self._machine = machine
        self._seq = 10**21
        machine.plugin("things", PLUGIN.replace("POLICIES", policies))

    def put(self, v, **more):
        self._load({"v": {"S": v}, "tags": {"L": [{"S": v}]}, **more})

    def delete(self, *, ttl=False):
        self._load(None, at=AT, **({"ttl": True} if ttl else {}))

    def rows(self, query=ALL):
        return self._machine.rows(query)

    def _load(self, item, **fields):
        self._seq += 1
        found = self._machine.load_lines("things", line("things", self._seq, KEY, item, **fields))
        assert found.applied == 1


@pytest.fixture
def machine(server, tmp_path):
    with LoadMachine(server.url, tmp_path) as found:
        yield found


@pytest.fixture
def things(machine):
    return lambda policies: Things(machine, policies)


def test_a_deleted_item_is_marked_and_its_rows_stay(things):
    table = things('deleted="mark"')
    table.put("one")
    assert table.rows() == [("a", "one", None, None)]
    table.delete()
    assert table.rows() == [("a", "one", WHEN, False)]
    assert table.rows(TAGS) == [("one",)]


def test_h16_an_item_that_comes_back_is_no_longer_marked_as_deleted(things):
    table = things('deleted="mark"')
    table.put("one")
    table.delete(ttl=True)
    assert table.rows() == [("a", "one", WHEN, True)]
    table.put("two")
    assert table.rows() == [("a", "two", None, None)]
    assert table.rows(TAGS) == [("two",)]


def test_a_marked_item_of_its_key_alone_comes_back_too(machine):
    machine.plugin(
        "things",
        """
        from dynaurora import Table
        things = Table(key="id", columns={"id": "text"}, deleted="mark")
        """,
    )
    for number, item in enumerate([{}, None, {}]):
        machine.load_lines("things", line("things", 10**21 + number, KEY, item, at=AT))
        marked = WHEN if item is None else None
        assert machine.rows("select id, _deleted_at from things") == [("a", marked)]


def test_a_kept_row_stays_as_it_was(things):
    table = things('deleted="keep"')
    table.put("one")
    table.delete()
    assert table.rows() == [("a", "one")]
    assert table.rows(TAGS) == [("one",)]
    table.put("two")
    assert table.rows() == [("a", "two")]


@pytest.mark.parametrize(
    ("policies", "deleted", "expired"),
    [
        ('expired="mark"', [], [("a", "one", WHEN, True)]),
        ('expired="keep"', [], [("a", "one")]),
        ('deleted="keep", expired="remove"', [("a", "one")], []),
        (
            'deleted="keep", expired="mark"',
            [("a", "one", None, None)],
            [("a", "one", WHEN, True)],
        ),
        ('deleted="mark", expired="remove"', [("a", "one", WHEN, False)], []),
        (
            'deleted="mark", expired="keep"',
            [("a", "one", WHEN, False)],
            [("a", "one", None, None)],
        ),
    ],
)
def test_an_expired_item_may_fare_otherwise(things, policies, deleted, expired):
    table = things(policies)
    for is_expiry, expected in ((False, deleted), (True, expired)):
        table.put("one")
        table.delete(ttl=is_expiry)
        assert table.rows() == expected
        assert table.rows(TAGS) == [("one",)] * len(expected)


def test_an_item_that_leaves_a_table_that_marks_is_removed_from_it(things):
    table = things('deleted="mark", when={"kind": "thing"}')
    table.put("one", kind={"S": "thing"})
    table.delete()
    assert table.rows() == [("a", "one", WHEN, False)]
    table.put("two", kind={"S": "other"})
    assert table.rows() == []
    assert table.rows(TAGS) == []


def test_what_was_marked_is_in_replaced_and_says_so(machine):
    """Without the condition an item that comes back would be taken off twice."""
    plugin = """
        from dynaurora import Table
        things = Table(key="id", columns={"id": "text", "n": "integer"}, deleted="mark")
        _TOTAL = "create table if not exists total (one int primary key, n int)"
        create_table_queries = [things, _TOTAL]
        _NET = '''insert into total select * from (
          select one, sum(n) as n from (
            select 1 as one, n from staged
            union all select 1, -n from replaced_things where _deleted_at is null
          ) as d group by one
        ) as net '''
        insert_table_queries = [things, {
            "postgresql": _NET + "on conflict (one) do update set n = total.n + excluded.n",
            "mysql": _NET + "on duplicate key update n = total.n + net.n",
        }]
    """
    machine.plugin("things", plugin)
    for number, (item, total) in enumerate([(1, 1), (5, 5), (None, 0), (3, 3), (None, 0)]):
        image = None if item is None else {"n": {"N": str(item)}}
        machine.load_lines("things", line("things", 10**21 + number, KEY, image, at=AT))
        assert machine.rows("select n from total") == [(total,)]


def test_what_an_item_was_is_replaced_also_where_it_leaves(machine):
    plugin = """
        from dynaurora import Table
        a = Table("a", key="id", when={"kind": "a"}, columns={"id": "text", "n": "integer"})
        _TOTAL = "create table if not exists total (one int primary key, n int)"
        create_table_queries = [a, _TOTAL]
        _NET = '''insert into total select * from (
          select one, sum(n) as n from (
            select 1 as one, n from staged_a union all select 1, -n from replaced_a
          ) as d group by one
        ) as net '''
        insert_table_queries = [a, {
            "postgresql": _NET + "on conflict (one) do update set n = total.n + excluded.n",
            "mysql": _NET + "on duplicate key update n = total.n + net.n",
        }]
    """
    machine.plugin("things", plugin)
    steps = [("a", 1, 1), ("a", 5, 5), ("b", 9, 0), ("a", 3, 3), ("b", 3, 0), ("b", 4, 0)]
    for number, (kind, n, total) in enumerate(steps):
        image = {"kind": {"S": kind}, "n": {"N": str(n)}}
        machine.load_lines("things", line("things", 10**21 + number, KEY, image))
        assert machine.rows("select n from total") == [(total,)]
