"""The tables of the histories: a plugin each, and what SQL must hold in the end.

Between them they have declared columns of many types, composite and numeric keys, child rows of two
levels, items that change their kind, sums kept by difference, counts over the whole table and a
history of all changes. Each has a text ``v`` that is different in every write, and a number ``n``:

- a trigger of the database notes every ``v`` that is written, so a change that is applied twice
  shows for ever;
- ``n`` with three decimals is a value that no column of two can hold; a ``v`` that ends in ``bad``
  is refused by the database, until the plugin is mended.
"""

import random
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from textwrap import dedent
from typing import Any, Final

from simulation.dynamodb import Change, Item, KeyText, key_text

GROUPS: Final = "abcdef"

Rows = Sequence[tuple[Any, ...]]
Items = Mapping[KeyText, Item]
Check = tuple[str, Rows]
"""A query, and the rows that it has to give, in any order."""


@dataclass(frozen=True)
class Subject:
    """A table. make_item: the item of a key, from ``v`` and ``n``. checks: of these items.

    sql_table: where ``v`` is. has_history: whether `changes` is kept. is_marked:
    whether a row that expires is marked and stays.
    some: queries that give some of these rows and no others, by all changes.
    never: queries that give no row after any commit, whatever has arrived by then.
    """

    table: str
    sql_table: str
    make_key: Callable[[int], Item]
    make_item: Callable[[random.Random, Item, str, str], Item]
    checks: Callable[[Items], list[Check]]
    plugin_text: str
    has_history: bool = False
    is_marked: bool = False
    some: Callable[[Sequence[Change]], list[Check]] = lambda _: []
    never: tuple[str, ...] = ()

    def plugin(self, *, is_mended: bool = False) -> str:
        """The plugin's file. Mended, it holds what it refused before."""
        text = dedent(self.plugin_text)
        audit = _AUDIT
        if is_mended:
            text = text.replace("numeric(12,2)", "numeric").replace("decimal(12,2)", _NUMBER)
            mended = _MENDED + (_MENDED_HISTORY if self.has_history else "")
            audit = audit.replace("# MENDED", mended)
        audit = audit.replace("REFUSES", "false" if is_mended else "new.v like '%bad'")
        audit = audit.replace("NOTED", "new._deleted_at is null" if self.is_marked else "true")
        return text + audit.replace("SUBJECT", self.sql_table)


_NUMBER: Final = "decimal(65,27)"
"""The widest of MySQL."""

_AUDIT = """
create_table_queries = [
    *CREATED,
    {
        "postgresql": "create table if not exists SUBJECT_writes (v text)",
        "mysql": '''create table if not exists SUBJECT_writes (
          v longtext, constraint SUBJECT_refuses check (v not like '%bad'))''',
    },
    # MENDED
    {
        "postgresql": '''create or replace function SUBJECT_audit() returns trigger
           language plpgsql as $$
             begin
               if REFUSES then raise exception 'no'; end if;
               insert into SUBJECT_writes select new.v where NOTED;
               return new;
             end $$''',
        "mysql": '''create trigger if not exists SUBJECT_inserted after insert on SUBJECT
           for each row insert into SUBJECT_writes select new.v from dual where NOTED''',
    },
    {
        "postgresql": '''create or replace trigger SUBJECT_audit after insert or update on SUBJECT
           for each row execute function SUBJECT_audit()''',
        "mysql": '''create trigger if not exists SUBJECT_updated after update on SUBJECT
           for each row insert into SUBJECT_writes select new.v from dual where NOTED''',
    },
]
"""

_MENDED = """{
        "postgresql": "alter table SUBJECT alter n type numeric",
        "mysql": "alter table SUBJECT modify n decimal(65,27)",
    },
    {
        "postgresql": None,
        "mysql": "alter table SUBJECT_writes drop constraint if exists SUBJECT_refuses",
    },
"""

_MENDED_HISTORY = """    {
        "postgresql": "do $$ begin drop view SUBJECT_history; end $$",
        "mysql": None,
    },
    {"postgresql": "alter table SUBJECT_versions alter n type numeric", "mysql": None},
    *CREATED,
"""


def _text_key(number: int) -> Item:
    return {"id": {"S": f"k{number}"}}


def _text(item: Item, name: str) -> str | None:
    return item[name]["S"] if name in item else None


def _number(item: Item, name: str) -> Decimal | None:
    return Decimal(item[name]["N"]) if name in item else None


# --- orders: declared columns of many types ------------------------------------------------------


def _order(chance: random.Random, key: Item, v: str, n: str) -> Item:
    item: dict[str, Any] = {**key, "v": {"S": v}, "n": {"N": n}}
    if chance.random() < 0.7:
        item["big"] = {"N": f"{chance.randrange(10**38)}E-{chance.randrange(28)}"}
    if chance.random() < 0.7:
        item["data"] = {"B": b64encode(chance.randbytes(5)).decode()}
    if chance.random() < 0.7:
        item["tags"] = {"SS": sorted({chance.choice("abc\t\\é") for _ in range(3)})}
    item["info"] = {"M": {"note": {"NULL": True} if chance.random() < 0.3 else {"S": f"a\n{n}"}}}
    return item


def _order_rows(items: Items) -> list[Check]:
    from base64 import b64decode

    found = [
        (
            _text(item, "id"),
            _text(item, "v"),
            _number(item, "n"),
            _number(item, "big"),
            b64decode(item["data"]["B"]) if "data" in item else None,
            sorted(item["tags"]["SS"], key=str.encode) if "tags" in item else None,
            item["info"]["M"]["note"].get("S"),
        )
        for item in items.values()
    ]
    return [("select id, v, n, big, data, tags, note from orders", found)]


ORDERS = Subject(
    "orders",
    "orders",
    _text_key,
    _order,
    _order_rows,
    """
    from dynaurora import Table

    CREATED = [orders := Table(
        key="id",
        columns={
            "id": "text",
            "v": "text",
            "n": "numeric(12,2)",
            "big": "numeric",
            "data": "bytes",
            "tags": "text[]",
            "note": ("text", "info.note"),
        },
    )]
    """,
)

# --- Readings.2: a composite key with a number ---------------------------------------------------


def _reading_key(number: int) -> Item:
    at = f"{10**36 + number // 2}.5" if number % 2 else f"-{number}"
    return {"device": {"S": f"d{number % 3}"}, "at": {"N": at}}


def _reading(_chance: random.Random, key: Item, v: str, n: str) -> Item:
    return {**key, "v": {"S": v}, "n": {"N": n}}


def _reading_rows(items: Items) -> list[Check]:
    found = [
        (_text(item, "device"), _number(item, "at"), _text(item, "v"), _number(item, "n"))
        for item in items.values()
    ]
    return [("select device, at, v, n from readings_2", found)]


READINGS = Subject(
    "Readings.2",
    "readings_2",
    _reading_key,
    _reading,
    _reading_rows,
    """
    from dynaurora import Table

    CREATED = [readings := Table(
        key=("device", "at"),
        columns={"device": "text", "at": "numeric", "v": "text", "n": "numeric(12,2)"},
    )]
    """,
)

# --- baskets: rows of two levels, and of a map ---------------------------------------------------


def _basket(chance: random.Random, key: Item, v: str, n: str) -> Item:
    lines = [
        {
            "M": {
                "sku": {"S": chance.choice("xyz")},
                "taxes": {
                    "M": {tax: {"N": str(chance.randrange(9))} for tax in chance.sample("pqr", 2)}
                },
            }
        }
        for _ in range(chance.randrange(3))
    ]
    notes = {language: {"S": v} for language in chance.sample(["de", "fr"], chance.randrange(3))}
    item = {**key, "v": {"S": v}, "n": {"N": n}, "notes": {"M": notes}}
    return item | ({"lines": {"L": lines}} if chance.random() < 0.8 else {})


def _basket_rows(items: Items) -> list[Check]:
    lines, taxes, notes = [], [], []
    for item in items.values():
        key = _text(item, "id")
        for number, line in enumerate(item.get("lines", {"L": ()})["L"]):
            lines.append((key, number, line["M"]["sku"]["S"]))
            for tax, rate in line["M"]["taxes"]["M"].items():
                taxes.append((key, number, tax, Decimal(rate["N"])))
        notes += [(key, name, note["S"]) for name, note in item["notes"]["M"].items()]
    own = [(_text(item, "id"), _text(item, "v"), _number(item, "n")) for item in items.values()]
    return [
        ("select id, v, n from baskets", own),
        ("select id, position, sku from baskets_lines", lines),
        ("select id, position, tax, rate from baskets_taxes", taxes),
        ("select id, language, note from baskets_notes", notes),
    ]


BASKETS = Subject(
    "baskets",
    "baskets",
    _text_key,
    _basket,
    _basket_rows,
    """
    from dynaurora import Table, rows

    CREATED = [baskets := Table(
        key="id",
        columns={
            "id": "text",
            "v": "text",
            "n": "numeric(12,2)",
            "lines": rows("lines[]", {"sku": "text"}),
            "taxes": rows("lines[].taxes{}", {"rate": ("numeric", "$")}, at=("position", "tax")),
            "notes": rows("notes{}", {"note": ("text", "$")}, at="language"),
        },
    )]
    """,
    never=(
        """select n.id, n.language from baskets_notes as n left join baskets as b on b.id = n.id
           where b.v is null or b.v <> n.note""",
    ),
)

# --- shop: one table, two kinds of items, which change ------------------------------------------


def _thing(chance: random.Random, key: Item, v: str, n: str) -> Item:
    item = {**key, "v": {"S": v}}
    kind = chance.choice(("order", "user", "administrator", ""))
    if kind == "order":
        item["n"] = {"N": n}
    elif n.endswith("1"):
        item["n"] = {"S": "n/a"}
    return item | ({"kind": {"S": kind}} if kind else {})


def _thing_rows(items: Items) -> list[Check]:
    of_kind = {
        "order": [item for item in items.values() if _text(item, "kind") == "order"],
        "user": [
            item for item in items.values() if _text(item, "kind") in ("user", "administrator")
        ],
    }
    return [
        (
            "select id, v, n from shop",
            [(_text(i, "id"), _text(i, "v"), _number(i, "n")) for i in of_kind["order"]],
        ),
        ("select id, name from users", [(_text(i, "id"), _text(i, "v")) for i in of_kind["user"]]),
    ]


SHOP = Subject(
    "shop",
    "shop",
    _text_key,
    _thing,
    _thing_rows,
    """
    from dynaurora import rows

    key = "id"
    columns = {
        "id": "text",
        "orders": rows("$", {"v": "text", "n": "numeric(12,2)"}, when={"kind": "order"}),
        "users": rows("$", {"name": ("text", "v")}, when={"kind": ("user", "admin*")}),
    }
    CREATED = [
        {
            "postgresql": '''create table if not exists shop (
              id text primary key, v text, n numeric(12,2))''',
            "mysql": '''create table if not exists shop (
              id varchar(255) primary key, v longtext, n decimal(12,2))''',
        },
        {
            "postgresql": "create table if not exists users (id text primary key, name text)",
            "mysql": '''create table if not exists users (
              id varchar(255) primary key, name longtext)''',
        },
    ]
    insert_table_queries = [
        {
            "postgresql": '''delete from shop as t using staged as s where t.id = s.id
              and not exists (select from staged_orders as n where n._key = s._key)''',
            "mysql": '''delete t from shop as t join staged as s on t.id = s.id
              left join staged_orders as n on n._key = s._key where n._key is null''',
        },
        {
            "postgresql": '''insert into shop select id, v, n from staged_orders order by id
              on conflict (id) do update set v = excluded.v, n = excluded.n''',
            "mysql": '''insert into shop select * from (
                select id, v, n from staged_orders) as o order by o.id
              on duplicate key update v = o.v, n = o.n''',
        },
        {
            "postgresql": "delete from shop as t using removed as r where t.id = r.id",
            "mysql": "delete t from shop as t join removed as r on t.id = r.id",
        },
        {
            "postgresql": '''delete from users as t using staged as s where t.id = s.id
              and not exists (select from staged_users as n where n._key = s._key)''',
            "mysql": '''delete t from users as t join staged as s on t.id = s.id
              left join staged_users as n on n._key = s._key where n._key is null''',
        },
        {
            "postgresql": '''insert into users select id, name from staged_users order by id
              on conflict (id) do update set name = excluded.name''',
            "mysql": '''insert into users select * from (
                select id, name from staged_users) as o order by o.id
              on duplicate key update name = o.name''',
        },
        {
            "postgresql": "delete from users as t using removed as r where t.id = r.id",
            "mysql": "delete t from users as t join removed as r on t.id = r.id",
        },
    ]
    """,
)

# --- kinds: declared, each kind a table with rows inside its items -------------------------------


def _kind(chance: random.Random, key: Item, v: str, n: str) -> Item:
    item: dict[str, Any] = {**_thing(chance, key, v, n)}
    names = chance.sample(["a", "b"], chance.randrange(3))
    item["notes"] = {"M": {name: {"S": v} for name in names}}
    item["tags"] = {"L": [{"S": name} for name in names]}
    return item


def _kind_rows(items: Items) -> list[Check]:
    kinds = [(_text(item, "id"), _text(item, "kind"), item) for item in items.values()]
    orders = [(key, item) for key, kind, item in kinds if kind == "order"]
    people = [(key, item) for key, kind, item in kinds if kind in ("user", "administrator")]
    return [
        ("select id, v, n from papers", [(k, _text(i, "v"), _number(i, "n")) for k, i in orders]),
        (
            "select id, name, note from papers_notes",
            [(k, name, note["S"]) for k, i in orders for name, note in i["notes"]["M"].items()],
        ),
        ("select id, n from people", [(k, _text(i, "v")) for k, i in people]),
        (
            "select id, position, tag from people_notes",
            [(k, at, tag["S"]) for k, i in people for at, tag in enumerate(i["tags"]["L"])],
        ),
        ("select id, kind from everything", [(key, kind) for key, kind, _ in kinds]),
    ]


KINDS = Subject(
    "kinds",
    "papers",
    _text_key,
    _kind,
    _kind_rows,
    """
    from dynaurora import Table, rows

    CREATED = [
        papers := Table("papers", key="id", when={"kind": "order"}, columns={
            "id": "text",
            "v": "text",
            "n": "numeric(12,2)",
            "notes": rows("notes{}", {"note": ("text", "$")}),
        }),
        people := Table("people", key="id", when={"kind": ("user", "admin*")}, columns={
            "id": "text",
            "n": ("text", "v"),
            "notes": rows("tags[]", {"tag": ("text", "$")}),
        }),
        everything := Table("everything", key="id", columns={"id": "text", "kind": "text"}),
    ]
    """,
    never=(
        "select p.id from papers as p join people as q on q.id = p.id",
        """select n.id from papers_notes as n left join papers as p on p.id = n.id
           where p.v is null or p.v <> n.note""",
    ),
)

# --- sessions: marked when they expire, removed when they are deleted ----------------------------


def _session(_chance: random.Random, key: Item, v: str, n: str) -> Item:
    return {**key, "v": {"S": v}, "n": {"N": n}, "notes": {"L": [{"S": v}] * (len(v) % 3)}}


def _session_rows(items: Items) -> list[Check]:
    notes = [
        (_text(item, "id"), position, note["S"])
        for item in items.values()
        for position, note in enumerate(item["notes"]["L"])
    ]
    table, own = _plain_rows("sessions", items)
    return [
        (f"{table} where _deleted_at is null", own),
        (
            """select n.id, position, note from sessions_notes as n
               join sessions as s on s.id = n.id where _deleted_at is null""",
            notes,
        ),
    ]


def _marked_rows(changes: Sequence[Change]) -> list[Check]:
    newest = {change.key: change for change in changes}
    return [
        (
            """select id, _deleted_at, _expired from sessions
               where _deleted_at is not null or _expired is not null""",
            [
                (change.write.key["id"]["S"], _moment(change), True)
                for change in newest.values()
                if change.write.is_expiry
            ],
        )
    ]


def _moment(change: Change) -> datetime:
    return datetime.fromtimestamp(change.record["dynamodb"]["ApproximateCreationDateTime"], UTC)


SESSIONS = Subject(
    "sessions",
    "sessions",
    _text_key,
    _session,
    _session_rows,
    """
    from dynaurora import Table, rows

    CREATED = [sessions := Table(
        key="id",
        columns={
            "id": "text",
            "v": "text",
            "n": "numeric(12,2)",
            "notes": rows("notes[]", {"note": ("text", "$")}),
        },
        expired="mark",
    )]
    """,
    is_marked=True,
    some=_marked_rows,
    never=(
        """select n.id from sessions_notes as n left join sessions as s on s.id = n.id
           where s.v is null or s.v <> n.note""",
    ),
)

# --- sales: sums kept by difference --------------------------------------------------------------


def _sale(chance: random.Random, key: Item, v: str, n: str) -> Item:
    return {**key, "v": {"S": v}, "n": {"N": n}, "g": {"S": chance.choice(GROUPS)}}


def _plain_rows(table: str, items: Items) -> Check:
    found = [(_text(item, "id"), _text(item, "v"), _number(item, "n")) for item in items.values()]
    return f"select id, v, n from {table}", found


def _sale_rows(items: Items) -> list[Check]:
    sums = []
    for group in GROUPS:
        of_group = [item for item in items.values() if _text(item, "g") == group]
        if of_group:
            total = sum((_number(item, "n") or Decimal(0) for item in of_group), Decimal(0))
            sums.append((group, total, len(of_group)))
    query = "select g, n, items from sales_by_group where items <> 0 or n <> 0"
    return [_plain_rows("sales", items), (query, sums)]


SALES = Subject(
    "sales",
    "sales",
    _text_key,
    _sale,
    _sale_rows,
    """
    from dynaurora import Table

    sales = Table(key="id", columns={"id": "text", "v": "text", "g": "text", "n": "numeric(12,2)"})
    CREATED = [
        sales,
        {
            "postgresql": '''create table if not exists sales_by_group (
              g text primary key, n numeric not null, items int not null)''',
            "mysql": '''create table if not exists sales_by_group (
              g varchar(255) primary key, n decimal(65,27) not null, items int not null)''',
        },
    ]
    insert_table_queries = [
        sales,
        {
            "postgresql": '''insert into sales_by_group
              select g, sum(n), sum(one) from (
                select g, n, 1 as one from staged union all select g, -n, -1 from replaced_sales
              ) as d group by g order by g
              on conflict (g) do update set n = sales_by_group.n + excluded.n,
                items = sales_by_group.items + excluded.items''',
            "mysql": '''insert into sales_by_group select * from (
                select g, sum(n) as n, sum(one) as items from (
                  select g, n, 1 as one from staged union all select g, -n, -1 from replaced_sales
                ) as d group by g
              ) as d order by d.g
              on duplicate key update n = sales_by_group.n + d.n,
                items = sales_by_group.items + d.items''',
        },
    ]
    """,
    never=(
        """select g from sales_by_group as s
           where (n, items) <> (select coalesce(sum(n), 0), count(*) from sales where g = s.g)""",
    ),
)

# --- teams: counted anew over the whole table ----------------------------------------------------


def _team_rows(items: Items) -> list[Check]:
    groups = [_text(item, "g") for item in items.values()]
    counts = [(group, groups.count(group)) for group in GROUPS if group in groups]
    return [_plain_rows("teams", items), ("select g, n from members where n <> 0", counts)]


TEAMS = Subject(
    "teams",
    "teams",
    _text_key,
    _sale,
    _team_rows,
    """
    from dynaurora import Table

    teams = Table(key="id", columns={"id": "text", "v": "text", "g": "text", "n": "numeric(12,2)"})
    CREATED = [
        teams,
        {
            "postgresql": '''create table if not exists members (
              g text primary key, n int not null)''',
            "mysql": '''create table if not exists members (
              g varchar(255) primary key, n int not null)''',
        },
    ]
    insert_table_queries = [
        teams,
        {
            "postgresql": '''insert into members
              select d.g, (select count(*) from teams as t where t.g = d.g) from (
                select g from staged union select g from replaced_teams
              ) as d order by d.g
              on conflict (g) do update set n = excluded.n''',
            "mysql": '''insert into members select * from (
                select d.g, (select count(*) from teams as t where t.g = d.g) as n from (
                  select g from staged union select g from replaced_teams
                ) as d
              ) as c order by c.g
              on duplicate key update n = c.n''',
        },
    ]
    """,
    never=("select g from members as m where n <> (select count(*) from teams where g = m.g)",),
)

# --- prices: all changes --------------------------------------------------------------------------


def _price_rows(items: Items) -> list[Check]:
    now, rows = _plain_rows("prices_history", items)
    return [_plain_rows("prices", items), (f"{now} where valid_to is null", rows)]


PRICES = Subject(
    "prices",
    "prices",
    _text_key,
    _reading,
    _price_rows,
    """
    from dynaurora import Table

    CREATED = [prices := Table(
        key="id",
        columns={"id": "text", "v": "text", "n": "numeric(12,2)"},
        history=True,
    )]
    """,
    has_history=True,
)

SUBJECTS = (ORDERS, READINGS, BASKETS, SHOP, KINDS, SESSIONS, SALES, TEAMS, PRICES)


def history_checks(changes: Sequence[Change]) -> list[Check]:
    """What the history of `prices` holds when it is whole."""
    versions = [
        (
            change.write.key["id"]["S"],
            Decimal(change.version),
            _moment(change),
            change.write.item is None,
            change.write.is_expiry,
            *_data(change.write.item),
        )
        for change in changes
    ]
    held = [
        (change.write.key["id"]["S"], *_data(change.write.item), _moment(change), end)
        for key in {change.key for change in changes}
        for change, end in _with_ends([change for change in changes if change.key == key])
        if change.write.item is not None
    ]
    return [
        (
            "select id, _version, _changed_at, _deleted, _expired, v, n from prices_versions",
            versions,
        ),
        ("select id, v, n, valid_from, valid_to from prices_history", held),
    ]


def _data(item: Item | None) -> tuple[Any, ...]:
    return (None, None) if item is None else (_text(item, "v"), _number(item, "n"))


def _with_ends(changes: Sequence[Change]) -> list[tuple[Change, datetime | None]]:
    """The changes of one key in order, each with the time of the next one."""
    return list(zip(changes, [*map(_moment, changes[1:]), None], strict=True))


def keys_of(subject: Subject, count: int) -> list[Item]:
    """The keys of a history, each different."""
    keys = [subject.make_key(number) for number in range(count)]
    assert len({key_text(key) for key in keys}) == count
    return keys
