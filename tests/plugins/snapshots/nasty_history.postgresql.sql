-- create
create table if not exists "the attributes of the parties that are billed for the shipment" (
  "user" text not null,
  "order-Id" numeric not null,
  "select" integer not null,
  upper text,
  primary key ("user", "order-Id")
);
create table if not exists "the attributes of the parties that are billed for the _5c8d5c73" (
  "user" text not null,
  "order-Id" numeric not null,
  _version numeric(57) not null,
  _changed_at timestamptz not null,
  _deleted boolean not null,
  _expired boolean not null,
  "select" integer,
  upper text,
  primary key ("user", "order-Id", _version)
);
create or replace view "the attributes of the parties that are billed for the _b5302ae5" as
select * from (
  select
    _changed_at as valid_from,
    lead(_changed_at) over (partition by "user", "order-Id" order by _version) as valid_to,
    v.*
  from "the attributes of the parties that are billed for the _5c8d5c73" as v
) as h
where not _deleted;

-- insert
insert into "the attributes of the parties that are billed for the shipment" (
  "user", "order-Id", "select", upper
)
select s."user", s."order-Id", s."select", upper("user") as upper
from staged as s
order by s."user", s."order-Id"
on conflict ("user", "order-Id") do update set
  "select" = excluded."select", upper = excluded.upper;
insert into "the attributes of the parties that are billed for the _5c8d5c73" (
  "user", "order-Id", _version, _changed_at, _deleted, _expired, "select", upper
)
select
  c."user", c."order-Id", c._version, c._changed_at, c._deleted, c._expired, c."select",
  upper("user") as upper
from changes as c
order by c."user", c."order-Id", c._version
on conflict ("user", "order-Id", _version) do update set
  _changed_at = excluded._changed_at, _deleted = excluded._deleted,
  _expired = excluded._expired, "select" = excluded."select", upper = excluded.upper
where (
  "the attributes of the parties that are billed for the _5c8d5c73"._changed_at,
  "the attributes of the parties that are billed for the _5c8d5c73"._deleted,
  "the attributes of the parties that are billed for the _5c8d5c73"._expired,
  "the attributes of the parties that are billed for the _5c8d5c73"."select",
  "the attributes of the parties that are billed for the _5c8d5c73".upper
) is distinct from (
  excluded._changed_at, excluded._deleted, excluded._expired, excluded."select",
  excluded.upper
);
delete from "the attributes of the parties that are billed for the shipment" as t using removed as r
where t."user" = r."user" and t."order-Id" = r."order-Id" and not r._expired;

-- select
select "user", "order-Id", "select", upper
from "the attributes of the parties that are billed for the shipment"
order by "user", "order-Id"
limit 100;
select "user", "order-Id", valid_from, valid_to, "select", upper
from "the attributes of the parties that are billed for the _b5302ae5"
order by "user", "order-Id", _version
limit 100;
select 'the attributes of the parties that are billed for the shipment' as sql_table, count(*) as count from "the attributes of the parties that are billed for the shipment"
union all select 'the attributes of the parties that are billed for the _5c8d5c73' as sql_table, count(*) as count from "the attributes of the parties that are billed for the _5c8d5c73";

-- drop
drop view if exists "the attributes of the parties that are billed for the _b5302ae5";
drop table if exists "the attributes of the parties that are billed for the _5c8d5c73";
drop table if exists "the attributes of the parties that are billed for the shipment";
