-- create
create table if not exists "order ""kinds""" (
  "user" text not null,
  "order-Id" numeric not null,
  "select" integer,
  upper text,
  _deleted_at timestamptz,
  _expired boolean,
  primary key ("user", "order-Id")
);
create table if not exists "order ""kinds""_group" (
  "user" text not null,
  "order-Id" numeric not null,
  position integer not null,
  "order" text,
  primary key ("user", "order-Id", position),
  foreign key ("user", "order-Id") references "order ""kinds""" ("user", "order-Id") on delete cascade
);
create table if not exists "order ""kinds""_the attributes of the parties that are b_b36912e1" (
  "user" text not null,
  "order-Id" numeric not null,
  position integer not null,
  party text,
  primary key ("user", "order-Id", position),
  foreign key ("user", "order-Id") references "order ""kinds""" ("user", "order-Id") on delete cascade
);

-- insert
delete from "order ""kinds""" as t using staged as s
where t."user" = s."user" and t."order-Id" = s."order-Id"
  and not exists (
    select 1 from "staged_order ""kinds""" as c where c._key = s._key
  );
insert into "order ""kinds""" ("user", "order-Id", "select", upper, _deleted_at, _expired)
select
  s."user", s."order-Id", s."select", upper("user") as upper, null as _deleted_at,
  null as _expired
from "staged_order ""kinds""" as s
order by s."user", s."order-Id"
on conflict ("user", "order-Id") do update set
  "select" = excluded."select", upper = excluded.upper, _deleted_at = excluded._deleted_at,
  _expired = excluded._expired;
delete from "order ""kinds""_group" as t using "staged_order ""kinds""" as s
where t."user" = s."user" and t."order-Id" = s."order-Id"
  and not exists (
    select 1 from "staged_order ""kinds""_group" as c where c._key = s._key and c.position = t.position
  );
insert into "order ""kinds""_group" ("user", "order-Id", position, "order")
select c."user", c."order-Id", c.position, c."order"
from "staged_order ""kinds""_group" as c
order by c."user", c."order-Id", c.position
on conflict ("user", "order-Id", position) do update set "order" = excluded."order"
where ("order ""kinds""_group"."order") is distinct from (excluded."order");
delete from "order ""kinds""_the attributes of the parties that are b_b36912e1" as t using "staged_order ""kinds""" as s
where t."user" = s."user" and t."order-Id" = s."order-Id"
  and not exists (
    select 1 from "staged_order ""kinds""_the attributes of the parties tha_215bb517" as c where c._key = s._key and c.position = t.position
  );
insert into "order ""kinds""_the attributes of the parties that are b_b36912e1" (
  "user", "order-Id", position, party
)
select c."user", c."order-Id", c.position, c.party
from "staged_order ""kinds""_the attributes of the parties tha_215bb517" as c
order by c."user", c."order-Id", c.position
on conflict ("user", "order-Id", position) do update set party = excluded.party
where ("order ""kinds""_the attributes of the parties that are b_b36912e1".party)
  is distinct from (excluded.party);
update "order ""kinds""" as t set _deleted_at = r._changed_at, _expired = r._expired
from removed as r
where t."user" = r."user" and t."order-Id" = r."order-Id" and not r._expired;
delete from "order ""kinds""" as t using removed as r
where t."user" = r."user" and t."order-Id" = r."order-Id" and r._expired;

-- select
select "user", "order-Id", "select", upper, _deleted_at, _expired
from "order ""kinds"""
order by "user", "order-Id"
limit 100;
select "user", "order-Id", position, "order"
from "order ""kinds""_group"
order by "user", "order-Id", position
limit 100;
select "user", "order-Id", position, party
from "order ""kinds""_the attributes of the parties that are b_b36912e1"
order by "user", "order-Id", position
limit 100;
select 'order "kinds"' as sql_table, count(*) as count from "order ""kinds"""
union all select 'order "kinds"_group' as sql_table, count(*) as count from "order ""kinds""_group"
union all select 'order "kinds"_the attributes of the parties that are b_b36912e1' as sql_table, count(*) as count from "order ""kinds""_the attributes of the parties that are b_b36912e1";

-- drop
drop table if exists "order ""kinds""_the attributes of the parties that are b_b36912e1";
drop table if exists "order ""kinds""_group";
drop table if exists "order ""kinds""";
