"""The cases that declarations were made for, each kept equal to a model under random histories.

A history is written to a simulated table and loaded in pieces, out of order and some of them twice.
"""

import json
import random
from base64 import b64decode, b64encode
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from support.load import LoadMachine, line

HISTORIES = 6
ITEMS = 5
CHANGES = 60


@dataclass(frozen=True)
class Change:
    """One change of a history. item: None is a delete."""

    number: int
    key: Mapping[str, Any]
    item: Mapping[str, Any] | None
    is_expiry: bool

    @property
    def at(self):
        return 1_700_000_000 + self.number

    def line(self, table):
        fields = {"at": self.at}
        if self.is_expiry:
            fields["ttl"] = True
        return line(table, 10**21 + self.number, self.key, self.item, **fields)


@dataclass(frozen=True)
class Case:
    """A plugin. make: the item of a key's number; rows: what each query gives in the end.

    some: queries that give some of these rows, and no others.
    """

    table: str
    plugin: str
    make_key: Callable[[int], Mapping[str, Any]]
    make: Callable[[random.Random], Mapping[str, Any]]
    rows: Callable[["Outcome"], Mapping[str, list[tuple]]]
    some: Callable[["Outcome"], Mapping[str, list[tuple]]] = lambda _: {}


@dataclass(frozen=True)
class Outcome:
    """The items in the end, plain, and all changes in order."""

    items: list[dict[str, Any]]
    changes: list[Change]


def text_key(number):
    return {"id": {"S": f"k{number}"}}


def plain(image):
    """The values of an item: numbers exact, NULL and missing both absent."""
    return {name: _plain(value) for name, value in image.items() if "NULL" not in value}


def _plain(value):
    ((tag, content),) = value.items()
    match tag:
        case "N":
            return Decimal(content)
        case "L":
            return [_plain(inner) for inner in content]
        case "M":
            return plain(content)
        case "NS":
            return sorted(map(Decimal, content))
        case "SS":
            return sorted(content, key=str.encode)
    return None if tag == "NULL" else content


def moment(seconds):
    return datetime.fromtimestamp(int(seconds), UTC)


def history(case, chance, first):
    """Random changes: puts, deletes, some of them by Time to Live."""
    changes, there = [], set()
    for number in range(first, first + CHANGES):
        place = chance.randrange(ITEMS)
        key = case.make_key(place)
        if place in there and chance.random() < 0.25:
            there.discard(place)
            changes.append(Change(number, key, None, chance.random() < 0.5))
        else:
            there.add(place)
            changes.append(Change(number, key, {**key, **case.make(chance)}, is_expiry=False))
    return changes


def in_pieces(chance, changes):
    """The changes out of order, in some loads, and some of them once more."""
    lines = [*changes, *chance.sample(changes, 10)]
    lines.sort(key=lambda change: change.number + chance.uniform(0, 12))
    while lines:
        size = chance.randint(1, 12)
        yield lines[:size]
        del lines[:size]


def counted(rows):
    """Rows in any order, each as often as it is there."""
    return Counter(tuple(map(comparable, row)) for row in rows)


def comparable(value):
    """MySQL has lists and documents as texts."""
    if isinstance(value, str) and value.startswith(("[", "{")):
        value = json.loads(value, parse_int=Decimal, parse_float=Decimal)
    if isinstance(value, dict):
        return tuple(sorted((name, comparable(inner)) for name, inner in value.items()))
    return tuple(map(comparable, value)) if isinstance(value, list) else value


def outcome(changes):
    newest = {repr(change.key): change.item for change in changes}
    return Outcome([plain(item) for item in newest.values() if item is not None], changes)


# --- b: rows of lists -----------------------------------------------------------------------------


def make_movie(chance):
    info = {"rating": {"N": chance.choice(["6.18", "7", "1E+2"])}}
    if chance.random() < 0.7:
        info["actors"] = {"L": [{"S": chance.choice("abé")} for _ in range(chance.randrange(4))]}
    return {"info": {"M": info}} if chance.random() < 0.8 else {"info": {"NULL": True}}


def movie_rows(found):
    infos = [(item, item.get("info", {})) for item in found.items]
    return {
        "select year, title, rating from movies": [
            (item["year"], item["title"], info.get("rating")) for item, info in infos
        ],
        "select year, title, position, actor from movies_actors": [
            (item["year"], item["title"], number, actor)
            for item, info in infos
            for number, actor in enumerate(info.get("actors", ()))
        ],
    }


MOVIES = Case(
    "Movies",
    """
    from dynaurora import Table, rows

    movies = Table(
        key=("year", "title"),
        columns={
            "year": "integer",
            "title": "text",
            "rating": ("numeric", "info.rating"),
            "actors": rows("info.actors[]", {"actor": ("text", "$")}),
        },
    )
    """,
    lambda number: {"year": {"N": str(2000 + number % 2)}, "title": {"S": f"t{number}"}},
    make_movie,
    movie_rows,
)

# --- c: maps with keys of their own ---------------------------------------------------------------


def make_country(chance):
    languages = {code: {"S": chance.choice("xy")} for code in chance.sample(["deu", "fra"], 1)}
    demonyms = {"eng": {"M": {"f": {"S": "Swiss"}, "m": {"S": chance.choice("ab")}}}}
    independent = chance.choice([{"BOOL": True}, {"NULL": True}, None])
    return {
        "languages": {"M": languages},
        "demonyms": {"M": demonyms if chance.random() < 0.5 else {}},
        "latlng": {"L": [{"N": "47.5"}, {"N": str(chance.randrange(9))}]},
    } | ({"independent": independent} if independent else {})


def country_rows(found):
    kept = {repr(c.key): c.item for c in found.changes}
    types = [
        (item["cca3"]["S"], next(iter(item["independent"])) if "independent" in item else None)
        for item in kept.values()
        if item is not None
    ]
    return {
        "select cca3, longitude from countries": [
            (item["cca3"], item["latlng"][1]) for item in found.items
        ],
        "select cca3, independent_type from countries": types,
        "select cca3, code, language from countries_languages": [
            (item["cca3"], code, language)
            for item in found.items
            for code, language in item["languages"].items()
        ],
        "select cca3, language, gender, demonym from countries_demonyms": [
            (item["cca3"], language, gender, demonym)
            for item in found.items
            for language, of_language in item["demonyms"].items()
            for gender, demonym in of_language.items()
        ],
    }


COUNTRIES = Case(
    "countries",
    """
    from dynaurora import Table, rows

    countries = Table(
        key="cca3",
        columns={
            "cca3": "text",
            "independent": "boolean",
            "independent_type": ("attribute_type", "independent"),
            "longitude": ("numeric", "latlng[1]"),
            "languages": rows("languages{}", {"language": ("text", "$")}, at="code"),
            "demonyms": rows("demonyms{}{}", {"demonym": ("text", "$")}, at=("language", "gender")),
        },
    )
    """,
    lambda number: {"cca3": {"S": f"C{number}"}},
    make_country,
    country_rows,
)

# --- d: several kinds of items in one table -------------------------------------------------------


def shop_key(number):
    """Even numbers are users, which their key tells; what the others are may change."""
    if number % 2 == 0:
        return {"PK": {"S": f"USER#{number}"}, "SK": {"S": f"USER#{number}"}}
    return {"PK": {"S": "USER#0"}, "SK": {"S": f"ORDER#{number}"}}


def make_shop_item(chance):
    kind = chance.choice(["ORDER", "ITEM", "GIFT", "NOTE", None])
    lines = [
        {"M": {"sku": {"S": chance.choice("xyz")}, "qty": {"N": str(chance.randrange(5))}}}
        for _ in range(chance.randrange(3))
    ]
    total = {"N": f"{chance.randrange(999)}.25"} if kind == "ORDER" else {"S": "n/a"}
    item = {"total": total, "name": {"S": chance.choice("ab")}, "lines": {"L": lines}}
    return item | ({"entity": {"S": kind}} if kind else {})


def shop_rows(found):
    of_key = [(item["PK"], item["SK"], item) for item in found.items]
    orders = [(pk, sk, item) for pk, sk, item in of_key if item.get("entity") == "ORDER"]
    gifts = [(pk, sk, item) for pk, sk, item in of_key if item.get("entity") in ("ITEM", "GIFT")]
    return {
        "select pk, sk, user_id, name from users": [
            (pk, sk, pk[5:], item["name"]) for pk, sk, item in of_key if sk.startswith("USER#")
        ],
        "select pk, sk, order_id, total from orders": [
            (pk, sk, sk[6:], item["total"]) for pk, sk, item in orders
        ],
        "select pk, sk, position, sku, qty from orders_lines": [
            (pk, sk, number, inner["sku"], inner["qty"])
            for pk, sk, item in orders
            for number, inner in enumerate(item["lines"])
        ],
        "select pk, sk, total from order_items": [
            (pk, sk, item["total"]) for pk, sk, item in gifts
        ],
    }


SHOP = Case(
    "shop",
    """
    from dynaurora import Table, column, rows

    KEY = {"pk": ("text", "PK"), "sk": ("text", "SK")}
    users = Table("users", key=("pk", "sk"), when={"PK": "USER#*", "SK": "USER#*"}, columns={
        **KEY, "user_id": column("text", sql="substr(pk, 6)", index=True), "name": "text",
    })
    orders = Table("orders", key=("pk", "sk"), when={"entity": "ORDER"}, columns={
        **KEY,
        "order_id": column("text", sql="substr(sk, 7)"),
        "total": "numeric(12,2)",
        "lines": rows("lines[]", {"sku": "text", "qty": "integer"}),
    })
    items = Table("order_items", key=("pk", "sk"), when={"entity": ("ITEM", "GIFT")}, columns={
        **KEY, "total": "text",
    })
    """,
    shop_key,
    make_shop_item,
    shop_rows,
)

# --- e: every version, and how long it held ------------------------------------------------------


def price_rows(found):
    history = []
    for key in {change.key["sku"]["S"] for change in found.changes}:
        own = [change for change in found.changes if change.key["sku"]["S"] == key]
        ends = [*(moment(change.at) for change in own[1:]), None]
        history += [
            (key, Decimal(change.item["price"]["N"]), moment(change.at), end)
            for change, end in zip(own, ends, strict=True)
            if change.item is not None
        ]
    return {
        "select sku, price from prices": [(item["sku"], item["price"]) for item in found.items],
        "select sku, price, valid_from, valid_to from prices_history": history,
        "select sku, price from prices_history where valid_to is null": [
            (item["sku"], item["price"]) for item in found.items
        ],
        "select sku, _changed_at, _expired from prices_versions where _deleted": [
            (change.key["sku"]["S"], moment(change.at), change.is_expiry)
            for change in found.changes
            if change.item is None
        ],
    }


PRICES = Case(
    "prices",
    """
    from dynaurora import Table

    prices = Table(key="sku", columns={"sku": "text", "price": "numeric(12,2)"}, history=True)
    """,
    lambda number: {"sku": {"S": f"p{number}"}},
    lambda chance: {"price": {"N": f"{chance.randrange(999)}.99"}},
    price_rows,
)

# --- f: a sum kept by difference ------------------------------------------------------------------


def sale_rows(found):
    days = {item["placedAt"] for item in found.items if "placedAt" in item}
    of_day = {day: [i["total"] for i in found.items if i.get("placedAt") == day] for day in days}
    return {
        "select day, revenue, orders from revenue_per_day where orders <> 0": [
            (date.fromisoformat(day), sum(totals, Decimal(0)), len(totals))
            for day, totals in of_day.items()
        ],
    }


def make_sale(chance):
    day = {"placedAt": {"S": f"2024-05-0{chance.randint(1, 3)}"}}
    return {"total": {"N": f"{chance.randrange(999)}.25"}} | (day if chance.random() < 0.9 else {})


SALES = Case(
    "sales",
    """
    from dynaurora import Table

    sales = Table(key="order_id", columns={
        "order_id": "text", "day": ("date", "placedAt"), "total": "numeric(12,2)",
    })
    _NET = '''insert into revenue_per_day (day, revenue, orders)
    select * from (
      select day, sum(total) as revenue, sum(n) as orders
      from (select day, total, 1 as n from staged
            union all select day, -total, -1 from replaced_sales) as d
      where day is not null group by day
    ) as n order by n.day '''
    create_table_queries = [sales, '''create table if not exists revenue_per_day (
        day date primary key, revenue numeric(20,2) not null, orders int not null)''']
    insert_table_queries = [sales, {
        "postgresql": _NET + '''on conflict (day) do update set
            revenue = revenue_per_day.revenue + excluded.revenue,
            orders = revenue_per_day.orders + excluded.orders''',
        "mysql": _NET + '''on duplicate key update
            revenue = revenue_per_day.revenue + n.revenue,
            orders = revenue_per_day.orders + n.orders''',
    }]
    drop_table_queries = [sales, "drop table if exists revenue_per_day"]
    """,
    lambda number: {"order_id": {"S": f"o{number}"}},
    make_sale,
    sale_rows,
)

# --- g: a row is marked when its item expires, and goes when it is deleted ----------------------


def make_session(chance):
    return {"user": {"S": chance.choice("ab")}, "ttl": {"N": str(chance.randrange(10**9))}}


def session_rows(found):
    return {
        """select session_id, s.user, expires_at, _expired from sessions as s
           where _deleted_at is null""": [
            (item["session_id"], item["user"], moment(item["ttl"]), None) for item in found.items
        ],
    }


def marked_sessions(found):
    """Of what expired last: an item that came and went between two loads leaves no row."""
    newest = {repr(change.key): change for change in found.changes}
    return {
        "select session_id, _deleted_at, _expired from sessions where _deleted_at is not null": [
            (change.key["session_id"]["S"], moment(change.at), True)
            for change in newest.values()
            if change.is_expiry
        ],
    }


SESSIONS = Case(
    "sessions",
    """
    from dynaurora import Table

    sessions = Table(
        key="session_id",
        columns={"session_id": "text", "user": "text", "expires_at": ("epoch", "ttl")},
        expired="mark",
    )
    """,
    lambda number: {"session_id": {"S": f"s{number}"}},
    make_session,
    session_rows,
    marked_sessions,
)

# --- a: a flat table ------------------------------------------------------------------------------


def make_order(chance):
    item = {
        "customerId": {"S": chance.choice("abc")},
        "status": {"S": chance.choice(["paid", "new"])},
        "price": {"M": {"amount": {"N": f"{chance.randrange(99)}.50"}}},
        "placedAt": {"S": "2024-05-01T12:00:00.25+02:00"},
    }
    return {name: value for name, value in item.items() if chance.random() < 0.8}


def order_rows(found):
    placed = datetime.fromisoformat("2024-05-01T10:00:00.25+00:00")
    return {
        "select order_id, customer_id, status, total, placed_at from orders": [
            (
                item["order_id"],
                item.get("customerId"),
                item.get("status"),
                item.get("price", {}).get("amount"),
                placed if "placedAt" in item else None,
            )
            for item in found.items
        ],
    }


ORDERS = Case(
    "orders",
    """
    from dynaurora import Table, column

    orders = Table(
        key="order_id",
        columns={
            "order_id": "text",
            "customer_id": column("text", "customerId", index=True),
            "status": "text",
            "total": ("numeric", "price.amount"),
            "placed_at": ("timestamptz", "placedAt"),
        },
    )
    """,
    lambda number: {"order_id": {"S": f"o{number}"}},
    make_order,
    order_rows,
)

# --- h: columns of many types ---------------------------------------------------------------------


def make_kinds(chance):
    digits = str(10**37 + chance.randrange(10**37))
    item = {
        "big": {"N": f"{chance.randrange(10**37)}E-{chance.randrange(28)}"},
        "tags": {"SS": chance.sample(["b", "a", "é"], 2)},
        "amounts": {"NS": ["10", "9", f"0.{chance.randrange(1, 99):02}1"]},
        "blob": {"B": b64encode(chance.randbytes(9)).decode()},
        "note": chance.choice([{"S": "x"}, {"NULL": True}, {"S": ""}]),
        "doc": {"M": {"digits": {"N": digits}, "empty": {"L": []}}},
    }
    return {name: value for name, value in item.items() if chance.random() < 0.8}


def kinds_rows(found):
    kept = {repr(change.key): change.item for change in found.changes}
    notes = [
        next(iter(item["note"])) if "note" in item else None
        for item in kept.values()
        if item is not None
    ]
    return {
        "select id, big, tags, amounts, note, doc from kinds": [
            (
                item["id"],
                *(item.get(name) for name in ("big", "tags", "amounts", "note", "doc")),
            )
            for item in found.items
        ],
        "select id, payload from kinds where payload is not null": [
            (item["id"], b64decode(item["blob"])) for item in found.items if "blob" in item
        ],
        "select note_type from kinds": [(note,) for note in notes],
    }


KINDS = Case(
    "kinds",
    """
    from dynaurora import Table

    kinds = Table(
        key="id",
        columns={
            "id": "numeric(38,0)",
            "big": "numeric",
            "tags": "text[]",
            "amounts": "numeric[]",
            "payload": ("bytes", "blob"),
            "note": "text",
            "note_type": ("attribute_type", "note"),
            "doc": "json",
        },
    )
    """,
    lambda number: {"id": {"N": str(10**37 + number)}},
    make_kinds,
    kinds_rows,
)

CASES = [ORDERS, MOVIES, COUNTRIES, SHOP, PRICES, SALES, SESSIONS, KINDS]


@pytest.fixture
def machine(server, tmp_path):
    with LoadMachine(server.url, tmp_path) as found:
        yield found


@pytest.mark.each_engine
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.table)
def test_after_any_history_the_tables_hold_what_the_items_hold(machine, case):
    for seed in range(HISTORIES):
        chance = random.Random(seed)
        machine.plugin(case.table, case.plugin)
        changes = history(case, chance, seed * CHANGES)
        for piece in in_pieces(chance, changes):
            machine.load_lines(case.table, *(change.line(case.table) for change in piece))
        assert machine.quarantine() == []
        for query, expected in case.rows(outcome(changes)).items():
            assert counted(machine.rows(query)) == counted(expected), f"seed {seed}: {query}"
        for query, possible in case.some(outcome(changes)).items():
            assert set(machine.rows(query)) <= set(possible), f"seed {seed}: {query}"
        machine.drop(case.table)
        machine.unpark(case.table)


@pytest.mark.each_engine
def test_nasty_names_of_every_shape_load_answer_and_are_dropped(machine):
    """All that declarations can say in one plugin, and names that SQL has to be told with care."""
    table = "prod.Order-Lines"
    machine.plugin(table, (Path(__file__).parent / "nasty_table.py").read_text("utf-8"))
    key = {"user": {"S": "anna"}, "order-Id": {"N": "1"}}
    text = {"S": 'it\'s "so"'}
    item = {
        "select": {"N": "1"},
        'say "hi"': text,
        "it's": {"S": "2024-05-01T12:00:00Z"},
        "group": {"L": [text]},
        "names": {"M": {"de": text}},
        "tags": {"M": {"a": text}},
        "lines": {"L": [{"M": {"taxes": {"M": {"vat": {"N": "0.19"}}}}}]},
        "address": {"M": {"street": text}},
        "parties": {"L": [text]},
    }
    of_kind = {**item, "plain": {"S": "it's"}}
    plugin = machine._plugins.plugin(table)
    empty = []
    for number, image in enumerate([item, None, of_kind, item, of_kind]):
        machine.load_lines(table, line(table, 10**21 + number, key, image))
        empty.append({name for name, query in plugin.select.items() if not machine.rows(query)})
    kinds = {name for name in plugin.select if name.startswith('first order "kinds"')}
    history = {name for name in plugin.select if name.endswith("_b5302ae5")}
    assert (len(kinds), len(history)) == (3, 1)
    everything = {name for name in plugin.select if name.startswith("first")}
    assert empty == [kinds, everything - history, set(), kinds, set()]
    assert machine.quarantine() == []
    for statement in plugin.drop:
        machine.execute(statement)
    schema = {"postgresql": "current_schema()", "mysql": "database()"}[machine.server.engine]
    left = f"select table_name from information_schema.tables where table_schema = {schema}"
    assert machine.rows(left) == []
