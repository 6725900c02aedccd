-- create
create table if not exists `the attributes of the parties that are billed for the shipment` (
  user varchar(255) not null,
  `order-Id` decimal(65,27) not null,
  `select` integer not null,
  upper longtext,
  primary key (user, `order-Id`)
) default character set utf8mb4 /*!80017 collate utf8mb4_0900_bin */ /*M! collate utf8mb4_nopad_bin */;
create table if not exists `the attributes of the parties that are billed for the _5c8d5c73` (
  user varchar(255) not null,
  `order-Id` decimal(65,27) not null,
  _version decimal(57) not null,
  _changed_at datetime(6) not null,
  _deleted boolean not null,
  _expired boolean not null,
  `select` integer,
  upper longtext,
  primary key (user, `order-Id`, _version)
) default character set utf8mb4 /*!80017 collate utf8mb4_0900_bin */ /*M! collate utf8mb4_nopad_bin */;
create or replace view `the attributes of the parties that are billed for the _b5302ae5` as
select * from (
  select
    _changed_at as valid_from,
    lead(_changed_at) over (partition by user, `order-Id` order by _version) as valid_to,
    v.*
  from `the attributes of the parties that are billed for the _5c8d5c73` as v
) as h
where not _deleted;

-- insert
insert into `the attributes of the parties that are billed for the shipment` (
  user, `order-Id`, `select`, upper
)
select * from (
  select s.user, s.`order-Id`, s.`select`, upper("user") as upper
  from staged as s
) as n order by n.user, n.`order-Id`
on duplicate key update `select` = n.`select`, upper = n.upper;
insert into `the attributes of the parties that are billed for the _5c8d5c73` (
  user, `order-Id`, _version, _changed_at, _deleted, _expired, `select`, upper
)
select * from (
  select
  c.user, c.`order-Id`, c._version, c._changed_at, c._deleted, c._expired, c.`select`,
  upper("user") as upper
  from changes as c
) as n order by n.user, n.`order-Id`, n._version
on duplicate key update
  _changed_at = n._changed_at, _deleted = n._deleted, _expired = n._expired,
  `select` = n.`select`, upper = n.upper;
delete t from `the attributes of the parties that are billed for the shipment` as t
join removed as r on t.user = r.user and t.`order-Id` = r.`order-Id` and not r._expired;

-- select
select user, `order-Id`, `select`, upper
from `the attributes of the parties that are billed for the shipment`
order by user, `order-Id`
limit 100;
select user, `order-Id`, valid_from, valid_to, `select`, upper
from `the attributes of the parties that are billed for the _b5302ae5`
order by user, `order-Id`, _version
limit 100;
select 'the attributes of the parties that are billed for the shipment' as sql_table, count(*) as count from `the attributes of the parties that are billed for the shipment`
union all select 'the attributes of the parties that are billed for the _5c8d5c73' as sql_table, count(*) as count from `the attributes of the parties that are billed for the _5c8d5c73`;

-- drop
drop view if exists `the attributes of the parties that are billed for the _b5302ae5`;
drop table if exists `the attributes of the parties that are billed for the _5c8d5c73`;
drop table if exists `the attributes of the parties that are billed for the shipment`;
