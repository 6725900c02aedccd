"""Airlines: the smallest plugin there is. One declared table, and queries worth asking."""

from dynaurora import Table

airlines = Table(
    key="carrier",
    columns={
        "carrier": "text",  # key; two characters, such as UA
        "name": "text",
    },
)

select_table_queries = {
    "airlines by name": """
        select name, carrier
        from airlines
        order by name
    """,
    "airlines and their fleets": """
        select a.name as airline, count(distinct f.tailnum) as planes, count(*) as flights
        from airlines as a
        join flights as f on f.carrier = a.carrier
        group by a.name
        order by planes desc, airline
    """,
}
