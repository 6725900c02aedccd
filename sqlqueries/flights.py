"""All flights that left New York in 2013, and how late each airline left, day by day.

The flights are a declared table. The SQL behind it keeps sums of them by difference: it adds what
the flights of a load are now and takes off what they were before, which the loader has staged in
``replaced_flights``. So no load sums anything anew, and a change that comes again changes nothing.
"""

from dynaurora import Table, column

flights = Table(
    key=("departure", "flight"),
    columns={
        "departure": "text",  # partition key; hour and carrier, such as 2013-01-01T10:00:00Z#UA
        "flight": "integer",  # sort key; the flight's number
        "time_hour": column("timestamptz", index=True, required=True),
        "month": "integer",
        "day": "integer",
        "carrier": column("text", required=True),
        "tailnum": "text",
        "origin": column("text", required=True),
        "dest": column("text", required=True),
        "hour": column("integer", required=True),  # of the scheduled departure, local time
        "sched_dep_time": column("integer", required=True),  # local time as hhmm, 5:15 is 515
        "dep_time": "integer",
        "dep_delay": "integer",  # minutes; missing if the flight was cancelled
        "sched_arr_time": column("integer", required=True),
        "arr_time": "integer",
        "arr_delay": "integer",
        "air_time": "integer",
        "distance": column("integer", required=True),
    },
)

# Groups are written in the order of their key: in any other, two loads could wait for each other.
_NET = """
    insert into flights_by_day (month, day, carrier, departures, minutes_late)
    select * from (
      select month, day, carrier, sum(n) as departures, sum(n * dep_delay) as minutes_late
      from (
        select month, day, carrier, dep_delay, 1 as n from staged
        union all
        select month, day, carrier, dep_delay, -1 as n from replaced_flights
      ) as changed
      where dep_delay is not null and month is not null and day is not null
      group by month, day, carrier
    ) as net
    order by net.month, net.day, net.carrier
"""

create_table_queries = [
    flights,
    {
        "postgresql": """
            create table if not exists flights_by_day (
              month integer not null,
              day integer not null,
              carrier text not null,
              departures bigint not null,
              minutes_late bigint not null,
              primary key (month, day, carrier)
            )
        """,
        # Its collation is that of the loader's relations: MySQL and MariaDB call it otherwise.
        "mysql": """
            create table if not exists flights_by_day (
              month int not null,
              day int not null,
              carrier varchar(16) not null,
              departures bigint not null,
              minutes_late bigint not null,
              primary key (month, day, carrier)
            ) default character set utf8mb4
              /*!80017 collate utf8mb4_0900_bin */ /*M! collate utf8mb4_nopad_bin */
        """,
    },
]

insert_table_queries = [
    flights,
    {
        "postgresql": _NET
        + """
            on conflict (month, day, carrier) do update set
              departures = flights_by_day.departures + excluded.departures,
              minutes_late = flights_by_day.minutes_late + excluded.minutes_late
        """,
        "mysql": _NET
        + """
            on duplicate key update
              departures = flights_by_day.departures + net.departures,
              minutes_late = flights_by_day.minutes_late + net.minutes_late
        """,
    },
    {  # a day that has no flight of an airline any more has lost it in this load
        "postgresql": """
            delete from flights_by_day as d
            using replaced_flights as r
            where d.departures = 0
              and d.month = r.month and d.day = r.day and d.carrier = r.carrier
        """,
        "mysql": """
            delete d from flights_by_day as d
            join replaced_flights as r
              on d.month = r.month and d.day = r.day and d.carrier = r.carrier
            where d.departures = 0
        """,
    },
]

drop_table_queries = [flights, "drop table if exists flights_by_day"]

select_table_queries = {
    "average delay by carrier": """
        select a.name as airline, count(*) as flights,
               round(avg(f.arr_delay), 1) as minutes_late
        from flights as f
        join airlines as a on a.carrier = f.carrier
        where f.arr_delay is not null
        group by a.name
        order by minutes_late desc
    """,
    "latest days": """
        select month, day, sum(departures) as flights, sum(minutes_late) as minutes_late
        from flights_by_day
        group by month, day
        order by minutes_late desc
        limit 10
    """,
    "busiest routes": """
        select f.origin, f.dest, a.name as destination, count(*) as flights,
               round(avg(f.arr_delay), 1) as minutes_late
        from flights as f
        left join airports as a on a.faa = f.dest
        group by f.origin, f.dest, a.name
        order by flights desc, f.origin, f.dest
        limit 10
    """,
    "delay by hour of the day": """
        select hour, count(*) as flights,
               sum(case when dep_time is null then 1 else 0 end) as cancelled,
               round(avg(dep_delay), 1) as minutes_late
        from flights
        group by hour
        order by hour
    """,
    "longest flights": """
        select f.origin, f.dest, a.name as airline, f.flight, max(f.distance) as miles,
               max(f.air_time) as minutes
        from flights as f
        join airlines as a on a.carrier = f.carrier
        where f.air_time is not null
        group by f.origin, f.dest, a.name, f.flight
        order by minutes desc, f.flight
        limit 10
    """,
}
