"""Planes by the number on their tail, and every version of them.

"NA" in the source is a missing attribute here: SQL NULL. With ``history`` the table planes_versions
keeps every change, and the view planes_history says from when to when each version held.
"""

from dynaurora import Table, column

planes = Table(
    key="tailnum",
    columns={
        "tailnum": "text",  # key; six characters at most
        "year": "integer",  # of manufacture; missing for 70 planes
        "type": "text",
        "manufacturer": column("text", index=True),
        "model": "text",
        "engines": "integer",
        "seats": "integer",
        "speed": "integer",  # known for 23 planes
        "engine": "text",
    },
    history=True,
)

select_table_queries = {
    "planes by manufacturer": """
        select manufacturer, count(*) as planes, sum(seats) as seats
        from planes
        group by manufacturer
        order by planes desc, manufacturer
        limit 10
    """,
    "oldest planes": """
        select tailnum, year, manufacturer, model
        from planes
        where year is not null
        order by year, tailnum
        limit 10
    """,
    "planes that were changed most": """
        select tailnum, count(*) as versions, min(seats) as least_seats, max(seats) as most_seats
        from planes_history
        group by tailnum
        order by versions desc, tailnum
        limit 10
    """,
    "hardest working planes": """
        select p.tailnum, p.manufacturer, p.model, count(*) as flights, sum(f.distance) as miles
        from planes as p
        join flights as f on f.tailnum = p.tailnum
        group by p.tailnum, p.manufacturer, p.model
        order by miles desc, p.tailnum
        limit 10
    """,
}
