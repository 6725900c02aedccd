"""All flights that left New York in 2013, in hand-written SQL.

A declared table says the same in a third of the lines (see planes.py); this is the form beneath it:
the loader stages typed rows in ``staged`` and the keys of deleted items in ``removed``, and the
statements do with them what they like. They run in one transaction with the loader's ledger; a
statement may differ per engine.
"""

key = ("departure", "flight")  # partition key and sort key of the DynamoDB table

columns = {
    "departure": "text",  # hour and carrier, such as 2013-01-01T10:00:00Z#UA
    "flight": "integer",
    "time_hour": "timestamptz",
    "carrier": "text",
    "tailnum": "text",
    "origin": "text",
    "dest": "text",
    "hour": "integer",  # of the scheduled departure, local time
    "sched_dep_time": "integer",  # local time as hhmm, 5:15 is 515
    "dep_time": "integer",
    "dep_delay": "integer",  # minutes; missing if the flight was cancelled
    "sched_arr_time": "integer",
    "arr_time": "integer",
    "arr_delay": "integer",
    "air_time": "integer",
    "distance": "integer",
}

create_table_queries = [
    {
        "postgresql": """
            create table if not exists flights (
              departure text not null,
              flight integer not null,
              time_hour timestamptz not null,
              carrier text not null,
              tailnum text,
              origin text not null,
              dest text not null,
              hour integer not null,
              sched_dep_time integer not null,
              dep_time integer,
              dep_delay integer,
              sched_arr_time integer not null,
              arr_time integer,
              arr_delay integer,
              air_time integer,
              distance integer not null,
              primary key (departure, flight)
            )
        """,
        "mysql": """
            create table if not exists flights (
              departure varchar(64) not null,
              flight int not null,
              time_hour datetime(6) not null,
              carrier varchar(16) not null,
              tailnum varchar(16),
              origin varchar(16) not null,
              dest varchar(16) not null,
              hour int not null,
              sched_dep_time int not null,
              dep_time int,
              dep_delay int,
              sched_arr_time int not null,
              arr_time int,
              arr_delay int,
              air_time int,
              distance int not null,
              primary key (departure, flight),
              index flights_time_hour (time_hour)
            ) default character set utf8mb4 collate utf8mb4_0900_bin
        """,
    },
    {
        "postgresql": "create index if not exists flights_time_hour on flights (time_hour)",
        "mysql": None,  # the table above has it: MySQL knows no "create index if not exists"
    },
]

insert_table_queries = [
    {
        "postgresql": """
            insert into flights (
              departure, flight, time_hour, carrier, tailnum, origin, dest, hour,
              sched_dep_time, dep_time, dep_delay, sched_arr_time, arr_time, arr_delay,
              air_time, distance
            )
            select
              departure, flight, time_hour, carrier, tailnum, origin, dest, hour,
              sched_dep_time, dep_time, dep_delay, sched_arr_time, arr_time, arr_delay,
              air_time, distance
            from staged
            on conflict (departure, flight) do update set
              time_hour = excluded.time_hour,
              carrier = excluded.carrier,
              tailnum = excluded.tailnum,
              origin = excluded.origin,
              dest = excluded.dest,
              hour = excluded.hour,
              sched_dep_time = excluded.sched_dep_time,
              dep_time = excluded.dep_time,
              dep_delay = excluded.dep_delay,
              sched_arr_time = excluded.sched_arr_time,
              arr_time = excluded.arr_time,
              arr_delay = excluded.arr_delay,
              air_time = excluded.air_time,
              distance = excluded.distance
        """,
        "mysql": """
            insert into flights (
              departure, flight, time_hour, carrier, tailnum, origin, dest, hour,
              sched_dep_time, dep_time, dep_delay, sched_arr_time, arr_time, arr_delay,
              air_time, distance
            )
            select * from (
              select
                departure, flight, time_hour, carrier, tailnum, origin, dest, hour,
                sched_dep_time, dep_time, dep_delay, sched_arr_time, arr_time, arr_delay,
                air_time, distance
              from staged
            ) as n
            on duplicate key update
              time_hour = n.time_hour,
              carrier = n.carrier,
              tailnum = n.tailnum,
              origin = n.origin,
              dest = n.dest,
              hour = n.hour,
              sched_dep_time = n.sched_dep_time,
              dep_time = n.dep_time,
              dep_delay = n.dep_delay,
              sched_arr_time = n.sched_arr_time,
              arr_time = n.arr_time,
              arr_delay = n.arr_delay,
              air_time = n.air_time,
              distance = n.distance
        """,
    },
    {
        "postgresql": """
            delete from flights as f
            using removed as r
            where f.departure = r.departure and f.flight = r.flight
        """,
        "mysql": """
            delete f from flights as f
            join removed as r on f.departure = r.departure and f.flight = r.flight
        """,
    },
]

drop_table_queries = ["drop table if exists flights"]

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
