-- create
create table if not exists `order "kinds"` (
  user varchar(255) not null,
  `order-Id` decimal(65,27) not null,
  `select` integer,
  upper longtext,
  _deleted_at datetime(6),
  _expired boolean,
  primary key (user, `order-Id`)
) default character set utf8mb4 /*!80017 collate utf8mb4_0900_bin */ /*M! collate utf8mb4_nopad_bin */;
create table if not exists `order "kinds"_group` (
  user varchar(255) not null,
  `order-Id` decimal(65,27) not null,
  position integer not null,
  `order` longtext,
  primary key (user, `order-Id`, position),
  constraint `order "kinds"_group_parent` foreign key (user, `order-Id`) references `order "kinds"` (user, `order-Id`) on delete cascade
) default character set utf8mb4 /*!80017 collate utf8mb4_0900_bin */ /*M! collate utf8mb4_nopad_bin */;
create table if not exists `order "kinds"_the attributes of the parties that are b_b36912e1` (
  user varchar(255) not null,
  `order-Id` decimal(65,27) not null,
  position integer not null,
  party longtext,
  primary key (user, `order-Id`, position),
  constraint `order "kinds"_the attributes of the parties that are b_1ff2724c` foreign key (user, `order-Id`) references `order "kinds"` (user, `order-Id`) on delete cascade
) default character set utf8mb4 /*!80017 collate utf8mb4_0900_bin */ /*M! collate utf8mb4_nopad_bin */;

-- insert
delete t from `order "kinds"` as t
join staged as s on t.user = s.user and t.`order-Id` = s.`order-Id`
left join `staged_order "kinds"` as c on c._key = s._key
where c._key is null;
insert into `order "kinds"` (user, `order-Id`, `select`, upper, _deleted_at, _expired)
select * from (
  select
  s.user, s.`order-Id`, s.`select`, upper("user") as upper, null as _deleted_at,
  null as _expired
  from `staged_order "kinds"` as s
) as n order by n.user, n.`order-Id`
on duplicate key update
  `select` = n.`select`, upper = n.upper, _deleted_at = n._deleted_at, _expired = n._expired;
delete t from `order "kinds"_group` as t
join `staged_order "kinds"` as s on t.user = s.user and t.`order-Id` = s.`order-Id`
left join `staged_order "kinds"_group` as c on c._key = s._key and c.position = t.position
where c._key is null;
insert into `order "kinds"_group` (user, `order-Id`, position, `order`)
select * from (
  select c.user, c.`order-Id`, c.position, c.`order`
  from `staged_order "kinds"_group` as c
) as n order by n.user, n.`order-Id`, n.position
on duplicate key update `order` = n.`order`;
delete t from `order "kinds"_the attributes of the parties that are b_b36912e1` as t
join `staged_order "kinds"` as s on t.user = s.user and t.`order-Id` = s.`order-Id`
left join `staged_order "kinds"_the attributes of the parties tha_215bb517` as c on c._key = s._key and c.position = t.position
where c._key is null;
insert into `order "kinds"_the attributes of the parties that are b_b36912e1` (
  user, `order-Id`, position, party
)
select * from (
  select c.user, c.`order-Id`, c.position, c.party
  from `staged_order "kinds"_the attributes of the parties tha_215bb517` as c
) as n order by n.user, n.`order-Id`, n.position
on duplicate key update party = n.party;
update `order "kinds"` as t
join removed as r on t.user = r.user and t.`order-Id` = r.`order-Id` and not r._expired
set t._deleted_at = r._changed_at, t._expired = r._expired;
delete t from `order "kinds"` as t
join removed as r on t.user = r.user and t.`order-Id` = r.`order-Id` and r._expired;

-- select
select user, `order-Id`, `select`, upper, _deleted_at, _expired
from `order "kinds"`
order by user, `order-Id`
limit 100;
select user, `order-Id`, position, `order`
from `order "kinds"_group`
order by user, `order-Id`, position
limit 100;
select user, `order-Id`, position, party
from `order "kinds"_the attributes of the parties that are b_b36912e1`
order by user, `order-Id`, position
limit 100;
select 'order "kinds"' as sql_table, count(*) as count from `order "kinds"`
union all select 'order "kinds"_group' as sql_table, count(*) as count from `order "kinds"_group`
union all select 'order "kinds"_the attributes of the parties that are b_b36912e1' as sql_table, count(*) as count from `order "kinds"_the attributes of the parties that are b_b36912e1`;

-- drop
drop table if exists `order "kinds"_the attributes of the parties that are b_b36912e1`;
drop table if exists `order "kinds"_group`;
drop table if exists `order "kinds"`;
