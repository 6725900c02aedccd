"""Weather at the three airports of New York, hour by hour, in hand-written SQL.

A declared table says the same in a third of the lines (see airports.py); this is the form beneath
it: the loader stages typed rows in ``staged`` and the keys of deleted items in ``removed``, and the
statements do with them what they like. They run in one transaction with the loader's ledger; a
statement may differ per engine.

The sort key is a time that DynamoDB keeps as text. As a key column it stays that text, for two
texts may name one moment and still be two items; ``observed_at`` reads the same attribute as a
time.
"""

key = ("origin", "time_hour")  # partition key and sort key of the DynamoDB table

columns = {
    "origin": "text",  # EWR, JFK or LGA
    "time_hour": "text",  # such as 2013-01-01T06:00:00Z
    "observed_at": ("timestamptz", "time_hour"),
    "temperature_f": ("numeric", "temp"),
    "dew_point_f": ("numeric", "dewp"),
    "humidity": ("numeric", "humid"),
    "wind_direction": ("numeric", "wind_dir"),
    "wind_speed_mph": ("numeric", "wind_speed"),  # up to 16 decimals, all of them kept
    "wind_gust_mph": ("numeric", "wind_gust"),
    "precipitation_inches": ("numeric", "precip"),
    "pressure_millibars": ("numeric", "pressure"),
    "visibility_miles": ("numeric", "visib"),
}

create_table_queries = [
    {
        "postgresql": """
            create table if not exists weather (
              origin text not null,
              time_hour text not null,
              observed_at timestamptz not null,
              temperature_f numeric,
              dew_point_f numeric,
              humidity numeric,
              wind_direction numeric,
              wind_speed_mph numeric,
              wind_gust_mph numeric,
              precipitation_inches numeric,
              pressure_millibars numeric,
              visibility_miles numeric,
              primary key (origin, time_hour)
            )
        """,
        # Its collation is that of the loader's relations: MySQL and MariaDB call it otherwise.
        "mysql": """
            create table if not exists weather (
              origin varchar(16) not null,
              time_hour varchar(64) not null,
              observed_at datetime(6) not null,
              temperature_f decimal(65,27),
              dew_point_f decimal(65,27),
              humidity decimal(65,27),
              wind_direction decimal(65,27),
              wind_speed_mph decimal(65,27),
              wind_gust_mph decimal(65,27),
              precipitation_inches decimal(65,27),
              pressure_millibars decimal(65,27),
              visibility_miles decimal(65,27),
              primary key (origin, time_hour),
              index weather_observed_at (observed_at, origin)
            ) default character set utf8mb4
              /*!80017 collate utf8mb4_0900_bin */ /*M! collate utf8mb4_nopad_bin */
        """,
    },
    {
        "postgresql": """
            create index if not exists weather_observed_at on weather (observed_at, origin)
        """,
        "mysql": None,  # the table above has it: MySQL knows no "create index if not exists"
    },
]

insert_table_queries = [
    {
        "postgresql": """
            insert into weather (
              origin, time_hour, observed_at, temperature_f, dew_point_f, humidity, wind_direction,
              wind_speed_mph, wind_gust_mph, precipitation_inches, pressure_millibars,
              visibility_miles
            )
            select
              origin, time_hour, observed_at, temperature_f, dew_point_f, humidity, wind_direction,
              wind_speed_mph, wind_gust_mph, precipitation_inches, pressure_millibars,
              visibility_miles
            from staged
            on conflict (origin, time_hour) do update set
              observed_at = excluded.observed_at,
              temperature_f = excluded.temperature_f,
              dew_point_f = excluded.dew_point_f,
              humidity = excluded.humidity,
              wind_direction = excluded.wind_direction,
              wind_speed_mph = excluded.wind_speed_mph,
              wind_gust_mph = excluded.wind_gust_mph,
              precipitation_inches = excluded.precipitation_inches,
              pressure_millibars = excluded.pressure_millibars,
              visibility_miles = excluded.visibility_miles
        """,
        "mysql": """
            insert into weather (
              origin, time_hour, observed_at, temperature_f, dew_point_f, humidity, wind_direction,
              wind_speed_mph, wind_gust_mph, precipitation_inches, pressure_millibars,
              visibility_miles
            )
            select * from (
              select
                origin, time_hour, observed_at, temperature_f, dew_point_f, humidity,
                wind_direction, wind_speed_mph, wind_gust_mph, precipitation_inches,
                pressure_millibars, visibility_miles
              from staged
            ) as n
            on duplicate key update
              observed_at = n.observed_at,
              temperature_f = n.temperature_f,
              dew_point_f = n.dew_point_f,
              humidity = n.humidity,
              wind_direction = n.wind_direction,
              wind_speed_mph = n.wind_speed_mph,
              wind_gust_mph = n.wind_gust_mph,
              precipitation_inches = n.precipitation_inches,
              pressure_millibars = n.pressure_millibars,
              visibility_miles = n.visibility_miles
        """,
    },
    {
        "postgresql": """
            delete from weather as w
            using removed as r
            where w.origin = r.origin and w.time_hour = r.time_hour
        """,
        "mysql": """
            delete w from weather as w
            join removed as r on w.origin = r.origin and w.time_hour = r.time_hour
        """,
    },
]

drop_table_queries = ["drop table if exists weather"]

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
