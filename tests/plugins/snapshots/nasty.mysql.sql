-- create
create table if not exists prod_order_lines (
  user varchar(255) not null,
  `order-Id` decimal(65,27) not null,
  plain longtext,
  `select` integer,
  `say "hi"` longtext not null,
  `größe` decimal(12,2),
  `camelCase` longtext,
  `it's` datetime(6),
  short longtext,
  primary key (user, `order-Id`),
  key prod_order_lines_select_index (`select`),
  key `prod_order_lines_camelCase_and_select_index` (`camelCase` (255), `select`)
) default character set utf8mb4 /*!80017 collate utf8mb4_0900_bin */ /*M! collate utf8mb4_nopad_bin */;
create table if not exists prod_order_lines_group (
  user varchar(255) not null,
  `order-Id` decimal(65,27) not null,
  position integer not null,
  `order` longtext,
  upper longtext,
  primary key (user, `order-Id`, position),
  key prod_order_lines_group_order_index (`order` (255)),
  constraint prod_order_lines_group_parent foreign key (user, `order-Id`) references prod_order_lines (user, `order-Id`) on delete cascade
) default character set utf8mb4 /*!80017 collate utf8mb4_0900_bin */ /*M! collate utf8mb4_nopad_bin */;
create table if not exists prod_order_lines_names (
  user varchar(255) not null,
  `order-Id` decimal(65,27) not null,
  language varchar(255) not null,
  value longtext,
  primary key (user, `order-Id`, language),
  constraint prod_order_lines_names_parent foreign key (user, `order-Id`) references prod_order_lines (user, `order-Id`) on delete cascade
) default character set utf8mb4 /*!80017 collate utf8mb4_0900_bin */ /*M! collate utf8mb4_nopad_bin */;
create table if not exists prod_order_lines_tags (
  user varchar(255) not null,
  `order-Id` decimal(65,27) not null,
  name varchar(255) not null,
  primary key (user, `order-Id`, name),
  constraint prod_order_lines_tags_parent foreign key (user, `order-Id`) references prod_order_lines (user, `order-Id`) on delete cascade
) default character set utf8mb4 /*!80017 collate utf8mb4_0900_bin */ /*M! collate utf8mb4_nopad_bin */;
create table if not exists prod_order_lines_taxes (
  user varchar(255) not null,
  `order-Id` decimal(65,27) not null,
  line integer not null,
  tax varchar(255) not null,
  rate decimal(65,27),
  primary key (user, `order-Id`, line, tax),
  constraint prod_order_lines_taxes_parent foreign key (user, `order-Id`) references prod_order_lines (user, `order-Id`) on delete cascade
) default character set utf8mb4 /*!80017 collate utf8mb4_0900_bin */ /*M! collate utf8mb4_nopad_bin */;
create table if not exists prod_order_lines_address (
  user varchar(255) not null,
  `order-Id` decimal(65,27) not null,
  street longtext,
  primary key (user, `order-Id`),
  constraint prod_order_lines_address_parent foreign key (user, `order-Id`) references prod_order_lines (user, `order-Id`) on delete cascade
) default character set utf8mb4 /*!80017 collate utf8mb4_0900_bin */ /*M! collate utf8mb4_nopad_bin */;
create table if not exists `prod_order_lines_the attributes of the parties that ar_85cbabae` (
  user varchar(255) not null,
  `order-Id` decimal(65,27) not null,
  position integer not null,
  party longtext,
  primary key (user, `order-Id`, position),
  constraint `prod_order_lines_the attributes of the parties that ar_8bf71df9` foreign key (user, `order-Id`) references prod_order_lines (user, `order-Id`) on delete cascade
) default character set utf8mb4 /*!80017 collate utf8mb4_0900_bin */ /*M! collate utf8mb4_nopad_bin */;

-- insert
insert into prod_order_lines (
  user, `order-Id`, plain, `select`, `say "hi"`, `größe`, `camelCase`, `it's`, short
)
select * from (
  select
  s.user, s.`order-Id`, s.plain, s.`select`, s.`say "hi"`, s.`größe`, s.`camelCase`, s.`it's`,
  left("user", 3) as short
  from staged as s
) as n order by n.user, n.`order-Id`
on duplicate key update
  plain = n.plain, `select` = n.`select`, `say "hi"` = n.`say "hi"`, `größe` = n.`größe`,
  `camelCase` = n.`camelCase`, `it's` = n.`it's`, short = n.short;
delete t from prod_order_lines_group as t
join staged as s on t.user = s.user and t.`order-Id` = s.`order-Id`
left join staged_group as c on c._key = s._key and c.position = t.position
where c._key is null;
insert into prod_order_lines_group (user, `order-Id`, position, `order`, upper)
select * from (
  select c.user, c.`order-Id`, c.position, c.`order`, upper("order") as upper
  from staged_group as c
) as n order by n.user, n.`order-Id`, n.position
on duplicate key update `order` = n.`order`, upper = n.upper;
delete t from prod_order_lines_names as t
join staged as s on t.user = s.user and t.`order-Id` = s.`order-Id`
left join staged_names as c on c._key = s._key and c.language = t.language
where c._key is null;
insert into prod_order_lines_names (user, `order-Id`, language, value)
select * from (
  select c.user, c.`order-Id`, c.language, c.value
  from staged_names as c
) as n order by n.user, n.`order-Id`, n.language
on duplicate key update value = n.value;
delete t from prod_order_lines_tags as t
join staged as s on t.user = s.user and t.`order-Id` = s.`order-Id`
left join staged_tags as c on c._key = s._key and c.name = t.name
where c._key is null;
insert into prod_order_lines_tags (user, `order-Id`, name)
select * from (
  select c.user, c.`order-Id`, c.name
  from staged_tags as c
) as n order by n.user, n.`order-Id`, n.name
on duplicate key update user = n.user;
delete t from prod_order_lines_taxes as t
join staged as s on t.user = s.user and t.`order-Id` = s.`order-Id`
left join staged_taxes as c on c._key = s._key and c.line = t.line and c.tax = t.tax
where c._key is null;
insert into prod_order_lines_taxes (user, `order-Id`, line, tax, rate)
select * from (
  select c.user, c.`order-Id`, c.line, c.tax, c.rate
  from staged_taxes as c
) as n order by n.user, n.`order-Id`, n.line, n.tax
on duplicate key update rate = n.rate;
delete t from prod_order_lines_address as t
join staged as s on t.user = s.user and t.`order-Id` = s.`order-Id`
left join staged_address as c on c._key = s._key
where c._key is null;
insert into prod_order_lines_address (user, `order-Id`, street)
select * from (
  select c.user, c.`order-Id`, c.street
  from staged_address as c
) as n order by n.user, n.`order-Id`
on duplicate key update street = n.street;
delete t from `prod_order_lines_the attributes of the parties that ar_85cbabae` as t
join staged as s on t.user = s.user and t.`order-Id` = s.`order-Id`
left join `staged_the attributes of the parties that are billed f_25df2df7` as c on c._key = s._key and c.position = t.position
where c._key is null;
insert into `prod_order_lines_the attributes of the parties that ar_85cbabae` (
  user, `order-Id`, position, party
)
select * from (
  select c.user, c.`order-Id`, c.position, c.party
  from `staged_the attributes of the parties that are billed f_25df2df7` as c
) as n order by n.user, n.`order-Id`, n.position
on duplicate key update party = n.party;
delete t from prod_order_lines as t
join removed as r on t.user = r.user and t.`order-Id` = r.`order-Id`;

-- select
select user, `order-Id`, plain, `select`, `say "hi"`, `größe`, `camelCase`, `it's`, short
from prod_order_lines
order by user, `order-Id`
limit 100;
select user, `order-Id`, position, `order`, upper
from prod_order_lines_group
order by user, `order-Id`, position
limit 100;
select user, `order-Id`, language, value
from prod_order_lines_names
order by user, `order-Id`, language
limit 100;
select user, `order-Id`, name
from prod_order_lines_tags
order by user, `order-Id`, name
limit 100;
select user, `order-Id`, line, tax, rate
from prod_order_lines_taxes
order by user, `order-Id`, line, tax
limit 100;
select user, `order-Id`, street
from prod_order_lines_address
order by user, `order-Id`
limit 100;
select user, `order-Id`, position, party
from `prod_order_lines_the attributes of the parties that ar_85cbabae`
order by user, `order-Id`, position
limit 100;
select 'prod_order_lines' as sql_table, count(*) as count from prod_order_lines
union all select 'prod_order_lines_group' as sql_table, count(*) as count from prod_order_lines_group
union all select 'prod_order_lines_names' as sql_table, count(*) as count from prod_order_lines_names
union all select 'prod_order_lines_tags' as sql_table, count(*) as count from prod_order_lines_tags
union all select 'prod_order_lines_taxes' as sql_table, count(*) as count from prod_order_lines_taxes
union all select 'prod_order_lines_address' as sql_table, count(*) as count from prod_order_lines_address
union all select 'prod_order_lines_the attributes of the parties that ar_85cbabae' as sql_table, count(*) as count from `prod_order_lines_the attributes of the parties that ar_85cbabae`;

-- drop
drop table if exists `prod_order_lines_the attributes of the parties that ar_85cbabae`;
drop table if exists prod_order_lines_address;
drop table if exists prod_order_lines_taxes;
drop table if exists prod_order_lines_tags;
drop table if exists prod_order_lines_names;
drop table if exists prod_order_lines_group;
drop table if exists prod_order_lines;
