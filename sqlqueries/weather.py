"""Weather at the three airports of New York, hour by hour.

The sort key is a time that DynamoDB keeps as text. As a key column it stays that text, for two
texts may name one moment and still be two items; ``observed_at`` reads the same attribute as a
time.
"""

from dynaurora import Table, column

weather = Table(
    key=("origin", "time_hour"),
    columns={
        "origin": "text",  # partition key; EWR, JFK or LGA
        "time_hour": "text",  # sort key, such as 2013-01-01T06:00:00Z
        "observed_at": column("timestamptz", "time_hour", index=True),
        "temperature_f": ("numeric", "temp"),
        "dew_point_f": ("numeric", "dewp"),
        "humidity": ("numeric", "humid"),
        "wind_direction": ("numeric", "wind_dir"),
        "wind_speed_mph": ("numeric", "wind_speed"),  # up to 16 decimals, all of them kept
        "wind_gust_mph": ("numeric", "wind_gust"),
        "precipitation_inches": ("numeric", "precip"),
        "pressure_millibars": ("numeric", "pressure"),
        "visibility_miles": ("numeric", "visib"),
    },
)

select_table_queries = {
    "windiest hours": """
        select origin, observed_at, wind_speed_mph, wind_gust_mph
        from weather
        where wind_speed_mph is not null
        order by wind_speed_mph desc, origin, observed_at
        limit 10
    """,
    "average temperature by airport": """
        select origin, round(avg(temperature_f), 1) as temperature_f, count(*) as hours
        from weather
        group by origin
        order by origin
    """,
    "delay by visibility": """
        select w.visibility_miles, count(*) as flights,
               round(avg(f.dep_delay), 1) as minutes_late
        from weather as w
        join flights as f on f.origin = w.origin and f.time_hour = w.observed_at
        where f.dep_delay is not null
        group by w.visibility_miles
        order by w.visibility_miles
    """,
}
