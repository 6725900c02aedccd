-- create
create table if not exists prod_order_lines (
  "user" text not null,
  "order-Id" numeric not null,
  plain text,
  "select" integer,
  "say ""hi""" text not null,
  "größe" numeric(12,2),
  "camelCase" text,
  "it's" timestamptz,
  short text,
  primary key ("user", "order-Id")
);
create index if not exists prod_order_lines_select_index on prod_order_lines ("select");
create index if not exists "prod_order_lines_camelCase_and_select_index" on prod_order_lines ("camelCase", "select");
create table if not exists prod_order_lines_group (
  "user" text not null,
  "order-Id" numeric not null,
  position integer not null,
  "order" text,
  upper text,
  primary key ("user", "order-Id", position),
  foreign key ("user", "order-Id") references prod_order_lines ("user", "order-Id") on delete cascade
);
create index if not exists prod_order_lines_group_order_index on prod_order_lines_group ("order");
create table if not exists prod_order_lines_names (
  "user" text not null,
  "order-Id" numeric not null,
  language text not null,
  value text,
  primary key ("user", "order-Id", language),
  foreign key ("user", "order-Id") references prod_order_lines ("user", "order-Id") on delete cascade
);
create table if not exists prod_order_lines_tags (
  "user" text not null,
  "order-Id" numeric not null,
  name text not null,
  primary key ("user", "order-Id", name),
  foreign key ("user", "order-Id") references prod_order_lines ("user", "order-Id") on delete cascade
);
create table if not exists prod_order_lines_taxes (
  "user" text not null,
  "order-Id" numeric not null,
  line integer not null,
  tax text not null,
  rate numeric,
  primary key ("user", "order-Id", line, tax),
  foreign key ("user", "order-Id") references prod_order_lines ("user", "order-Id") on delete cascade
);
create table if not exists prod_order_lines_address (
  "user" text not null,
  "order-Id" numeric not null,
  street text,
  primary key ("user", "order-Id"),
  foreign key ("user", "order-Id") references prod_order_lines ("user", "order-Id") on delete cascade
);
create table if not exists "prod_order_lines_the attributes of the parties that ar_85cbabae" (
  "user" text not null,
  "order-Id" numeric not null,
  position integer not null,
  party text,
  primary key ("user", "order-Id", position),
  foreign key ("user", "order-Id") references prod_order_lines ("user", "order-Id") on delete cascade
);

-- insert
insert into prod_order_lines (
  "user", "order-Id", plain, "select", "say ""hi""", "größe", "camelCase", "it's", short
)
select
  s."user", s."order-Id", s.plain, s."select", s."say ""hi""", s."größe", s."camelCase",
  s."it's", left("user", 3) as short
from staged as s
order by s."user", s."order-Id"
on conflict ("user", "order-Id") do update set
  plain = excluded.plain, "select" = excluded."select", "say ""hi""" = excluded."say ""hi""",
  "größe" = excluded."größe", "camelCase" = excluded."camelCase", "it's" = excluded."it's",
  short = excluded.short;
delete from prod_order_lines_group as t using staged as s
where t."user" = s."user" and t."order-Id" = s."order-Id"
  and not exists (
    select 1 from staged_group as c where c._key = s._key and c.position = t.position
  );
insert into prod_order_lines_group ("user", "order-Id", position, "order", upper)
select c."user", c."order-Id", c.position, c."order", upper("order") as upper
from staged_group as c
order by c."user", c."order-Id", c.position
on conflict ("user", "order-Id", position) do update set
  "order" = excluded."order", upper = excluded.upper
where (prod_order_lines_group."order", prod_order_lines_group.upper)
  is distinct from (excluded."order", excluded.upper);
delete from prod_order_lines_names as t using staged as s
where t."user" = s."user" and t."order-Id" = s."order-Id"
  and not exists (
    select 1 from staged_names as c where c._key = s._key and c.language = t.language
  );
insert into prod_order_lines_names ("user", "order-Id", language, value)
select c."user", c."order-Id", c.language, c.value
from staged_names as c
order by c."user", c."order-Id", c.language
on conflict ("user", "order-Id", language) do update set value = excluded.value
where (prod_order_lines_names.value) is distinct from (excluded.value);
delete from prod_order_lines_tags as t using staged as s
where t."user" = s."user" and t."order-Id" = s."order-Id"
  and not exists (
    select 1 from staged_tags as c where c._key = s._key and c.name = t.name
  );
insert into prod_order_lines_tags ("user", "order-Id", name)
select c."user", c."order-Id", c.name
from staged_tags as c
order by c."user", c."order-Id", c.name
on conflict ("user", "order-Id", name) do nothing;
delete from prod_order_lines_taxes as t using staged as s
where t."user" = s."user" and t."order-Id" = s."order-Id"
  and not exists (
    select 1 from staged_taxes as c where c._key = s._key and c.line = t.line and c.tax = t.tax
  );
insert into prod_order_lines_taxes ("user", "order-Id", line, tax, rate)
select c."user", c."order-Id", c.line, c.tax, c.rate
from staged_taxes as c
order by c."user", c."order-Id", c.line, c.tax
on conflict ("user", "order-Id", line, tax) do update set rate = excluded.rate
where (prod_order_lines_taxes.rate) is distinct from (excluded.rate);
delete from prod_order_lines_address as t using staged as s
where t."user" = s."user" and t."order-Id" = s."order-Id"
  and not exists (
    select 1 from staged_address as c where c._key = s._key
  );
insert into prod_order_lines_address ("user", "order-Id", street)
select c."user", c."order-Id", c.street
from staged_address as c
order by c."user", c."order-Id"
on conflict ("user", "order-Id") do update set street = excluded.street
where (prod_order_lines_address.street) is distinct from (excluded.street);
delete from "prod_order_lines_the attributes of the parties that ar_85cbabae" as t using staged as s
where t."user" = s."user" and t."order-Id" = s."order-Id"
  and not exists (
    select 1 from "staged_the attributes of the parties that are billed f_25df2df7" as c where c._key = s._key and c.position = t.position
  );
insert into "prod_order_lines_the attributes of the parties that ar_85cbabae" (
  "user", "order-Id", position, party
)
select c."user", c."order-Id", c.position, c.party
from "staged_the attributes of the parties that are billed f_25df2df7" as c
order by c."user", c."order-Id", c.position
on conflict ("user", "order-Id", position) do update set party = excluded.party
where ("prod_order_lines_the attributes of the parties that ar_85cbabae".party)
  is distinct from (excluded.party);
delete from prod_order_lines as t using removed as r
where t."user" = r."user" and t."order-Id" = r."order-Id";

-- select
select "user", "order-Id", plain, "select", "say ""hi""", "größe", "camelCase", "it's", short
from prod_order_lines
order by "user", "order-Id"
limit 100;
select "user", "order-Id", position, "order", upper
from prod_order_lines_group
order by "user", "order-Id", position
limit 100;
select "user", "order-Id", language, value
from prod_order_lines_names
order by "user", "order-Id", language
limit 100;
select "user", "order-Id", name
from prod_order_lines_tags
order by "user", "order-Id", name
limit 100;
select "user", "order-Id", line, tax, rate
from prod_order_lines_taxes
order by "user", "order-Id", line, tax
limit 100;
select "user", "order-Id", street
from prod_order_lines_address
order by "user", "order-Id"
limit 100;
select "user", "order-Id", position, party
from "prod_order_lines_the attributes of the parties that ar_85cbabae"
order by "user", "order-Id", position
limit 100;
select 'prod_order_lines' as sql_table, count(*) as count from prod_order_lines
union all select 'prod_order_lines_group' as sql_table, count(*) as count from prod_order_lines_group
union all select 'prod_order_lines_names' as sql_table, count(*) as count from prod_order_lines_names
union all select 'prod_order_lines_tags' as sql_table, count(*) as count from prod_order_lines_tags
union all select 'prod_order_lines_taxes' as sql_table, count(*) as count from prod_order_lines_taxes
union all select 'prod_order_lines_address' as sql_table, count(*) as count from prod_order_lines_address
union all select 'prod_order_lines_the attributes of the parties that ar_85cbabae' as sql_table, count(*) as count from "prod_order_lines_the attributes of the parties that ar_85cbabae";

-- drop
drop table if exists "prod_order_lines_the attributes of the parties that ar_85cbabae";
drop table if exists prod_order_lines_address;
drop table if exists prod_order_lines_taxes;
drop table if exists prod_order_lines_tags;
drop table if exists prod_order_lines_names;
drop table if exists prod_order_lines_group;
drop table if exists prod_order_lines;
