"""Who flies which plane: several kinds of items in one DynamoDB table, an SQL table each.

    PK          SK             kind
    CARRIER#UA  CARRIER#UA              the airline, and where it flies to
    CARRIER#UA  PLANE#N14228   plane    a plane that flies for it
    CARRIER#UA  PLANE#N24211   retired  one that does not any more

That an item is an airline its key says, so it can be nothing else later. A plane that retires gets
another ``kind``: it leaves fleet_planes and comes into fleet_retired.
"""

from dynaurora import Table, column, rows

_KEY = {
    "pk": ("text", "PK"),
    "sk": ("text", "SK"),
}
_TAIL_NUMBER = column("text", sql="substr(sk, 7)", index=True)

carriers = Table(
    "fleet_carriers",
    key=("pk", "sk"),
    when={"SK": "CARRIER#*"},
    columns={
        **_KEY,
        "carrier": column("text", sql="substr(sk, 9)"),
        "name": "text",
        "flights": "integer",
        "destinations": rows("destinations{}", {"flights": ("integer", "$")}, at="airport"),
    },
)

planes = Table(
    "fleet_planes",
    key=("pk", "sk"),
    when={"kind": "plane"},
    columns={
        **_KEY,
        "tailnum": _TAIL_NUMBER,
        "flights": "integer",
        "model": "text",  # unknown for a sixth of them
        "seats": "integer",
    },
)

retired = Table(
    "fleet_retired",
    key=("pk", "sk"),
    when={"kind": "retired"},
    columns={
        **_KEY,
        "tailnum": _TAIL_NUMBER,
        "retired_on": "date",
    },
)

select_table_queries = {
    "planes and seats by airline": """
        select c.name as airline, count(p.tailnum) as planes, sum(p.seats) as seats
        from fleet_carriers as c
        join fleet_planes as p on p.pk = c.pk
        group by c.name
        order by planes desc, airline
    """,
    "retired planes": """
        select c.name as airline, r.tailnum, r.retired_on
        from fleet_retired as r
        join fleet_carriers as c on c.pk = r.pk
        order by r.retired_on, r.tailnum
        limit 10
    """,
    "most frequent destinations": """
        select c.name as airline, d.airport, d.flights
        from fleet_carriers_destinations as d
        join fleet_carriers as c on c.pk = d.pk and c.sk = d.sk
        order by d.flights desc, airline, d.airport
        limit 10
    """,
}
