"""Airports of the United States. A column may be named otherwise than its attribute."""

from dynaurora import Table, column

airports = Table(
    key="faa",
    columns={
        "faa": "text",  # key; three characters, such as JFK
        "name": "text",
        "latitude": ("numeric", "lat"),  # numeric is exact: 41.1304722 stays 41.1304722
        "longitude": ("numeric", "lon"),
        "altitude_feet": ("integer", "alt"),
        "hours_from_utc": ("integer", "tz"),
        "dst": "text",  # A: as in the United States, N: none, U: unknown
        "time_zone": column("text", "tzone", index=True),  # three airports have none
    },
)

select_table_queries = {
    "highest airports": """
        select name, faa, altitude_feet
        from airports
        order by altitude_feet desc, faa
        limit 10
    """,
    "airports by time zone": """
        select time_zone, count(*) as airports
        from airports
        group by time_zone
        order by airports desc, time_zone
    """,
}
