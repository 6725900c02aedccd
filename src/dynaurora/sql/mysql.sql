The statements of the metadata and of a load, for MySQL 8.0 (Aurora MySQL 3) and MariaDB 10.6 and newer.
docs/arbitration.md says why a load is as it is. Names and order of parameters are those of postgresql.sql.
What differs: no statement changes a table and tells of it, so winners are known by the batch that they
were decided in; a temporary table is opened once per statement; what must be locked has a row.

-- metadata_schema
create database if not exists {schema} default character set utf8mb4 collate utf8mb4_bin

-- metadata_tables
create table if not exists {schema}.tables (
  number integer not null auto_increment primary key,
  name varchar(255) not null unique,
  generation smallint not null default 1,
  parked_for varchar(20),
  reason longtext,
  plugin_digest varchar(64),
  changed_at datetime(6) not null default current_timestamp(6),
  parked_at datetime(6)
) default character set utf8mb4 collate utf8mb4_bin

-- metadata_locks
-- Nothing refers to a lock's row: a foreign key would lock it for whoever writes the row that refers.
create table if not exists {schema}.locks (
  name varchar(100) not null primary key
) default character set utf8mb4 collate utf8mb4_bin

-- metadata_streams
create table if not exists {schema}.streams (
  arn varchar(500) not null primary key,
  table_number integer not null,
  table_id varchar(100),
  label_ms bigint not null,
  epoch smallint not null default 0,
  accepted_at datetime(6) not null default current_timestamp(6),
  key streams_of_table (table_number)
) default character set utf8mb4 collate utf8mb4_bin

-- metadata_objects
create table if not exists {schema}.objects (
  table_number integer not null,
  object varchar(600) not null,
  etag varchar(64) not null,
  bucket varchar(63) not null,
  loaded_at datetime(6) not null default current_timestamp(6),
  primary key (table_number, object, etag, bucket)
) default character set utf8mb4 collate utf8mb4_bin

-- metadata_sql_tables
create table if not exists {schema}.sql_tables (
  name varchar(64) not null primary key,
  table_number integer not null
) default character set utf8mb4 collate utf8mb4_bin

-- metadata_quarantine
create table if not exists {schema}.quarantine (
  number bigint not null auto_increment unique,
  table_number integer not null,
  k binary(16) not null,
  version decimal(57) not null,
  state varchar(20) not null default 'open' check (state in ('open', 'superseded', 'retried', 'discarded')),
  reason varchar(20) not null,
  message longtext not null,
  code varchar(20) not null default '',
  plugin_digest varchar(64) not null default '',
  bucket varchar(63) not null,
  object varchar(1024) not null,
  line longblob not null,
  attempts integer not null default 1,
  quarantined_at datetime(6) not null default current_timestamp(6),
  settled_at datetime(6),
  why text not null default (''),
  primary key (table_number, k, version),
  key quarantine_open (table_number, state)
) default character set utf8mb4 collate utf8mb4_bin

-- metadata_gaps
create table if not exists {schema}.gaps (
  kind varchar(20) not null,
  table_name varchar(255) not null,
  bucket varchar(63) not null,
  object varchar(600) not null,
  noticed_at datetime(6) not null default current_timestamp(6),
  `condition` varchar(255) not null default '',
  changes integer,
  state varchar(20) not null default 'open' check (state in ('open', 'replayed', 'closed')),
  closed_at datetime(6),
  why text not null default (''),
  primary key (kind, bucket, object)
) default character set utf8mb4 collate utf8mb4_bin

-- metadata_unmapped
create table if not exists {schema}.unmapped (
  table_number integer not null,
  attribute varchar(255) not null,
  changes bigint not null,
  noticed_at datetime(6) not null default current_timestamp(6),
  primary key (table_number, attribute)
) default character set utf8mb4 collate utf8mb4_bin

-- is_complete
-- The table that is made last: where it is, everything is.
select number from {schema}.tables, {schema}.unmapped limit 0

-- add_unmapped
insert into {schema}.unmapped (table_number, attribute, changes)
select * from (
  select %s as number, n.attribute, n.changes
  from json_table(%s, '$[*]' columns (
    attribute varchar(255) character set utf8mb4 path '$.attribute', changes bigint path '$.changes'
  )) as n
  where (select count(*) from {schema}.unmapped where table_number = %s) < %s
    or exists (
      select 1 from {schema}.unmapped as k
      where k.table_number = %s and k.attribute = n.attribute collate utf8mb4_bin
    )
  order by n.attribute
) as n
on duplicate key update changes = unmapped.changes + n.changes, noticed_at = now(6)

-- list_unmapped
select t.name, u.attribute, u.changes, u.noticed_at
from {schema}.unmapped as u join {schema}.tables as t on t.number = u.table_number
where coalesce(t.parked_for, '') <> 'dropped'
order by t.name, u.attribute = '' desc, u.changes desc, u.attribute

-- create_ledger
-- batch: which attempt of which load decided the row last. Of a row that a load has not changed it is
-- another one's, and so the winners are told from the losers.
create table if not exists {ledger} (
  k binary(16) not null primary key,
  version decimal(57) not null,
  rev smallint not null,
  gone boolean not null,
  fix smallint not null default 0,
  at datetime(6) not null,
  batch binary(16) not null
) default character set utf8mb4 collate utf8mb4_bin

-- wait_briefly
-- A setting of the session, which outlasts the transaction.
set @dynaurora_wait = @@innodb_lock_wait_timeout, @dynaurora_table_wait = @@lock_wait_timeout,
  innodb_lock_wait_timeout = 5, lock_wait_timeout = 5

-- wait_as_before
set innodb_lock_wait_timeout = @dynaurora_wait, lock_wait_timeout = @dynaurora_table_wait

-- lock_creation
select get_lock(concat('dynaurora create ', left(sha2(%s, 256), 40)), 600)

-- unlock_creation
select release_lock(concat('dynaurora create ', left(sha2(%s, 256), 40)))

-- table
select number, name, generation, coalesce(parked_for, ''), coalesce(reason, ''), coalesce(plugin_digest, ''),
  parked_at
from {schema}.tables where name = %s

-- tables
select number, name, generation, coalesce(parked_for, ''), coalesce(reason, ''), coalesce(plugin_digest, ''),
  parked_at
from {schema}.tables order by name

-- add_table
insert into {schema}.tables (name) values (%s) on duplicate key update name = tables.name

-- table_created
update {schema}.tables
set parked_for = null, parked_at = null, reason = null, plugin_digest = %s, changed_at = now(6)
where number = %s and generation = %s and coalesce(parked_for, '') <> 'dropped'

-- park_table
-- Assignments go from left to right: parked_at reads what parked_for was.
update {schema}.tables set
  parked_at = case when parked_for = %s then coalesce(parked_at, changed_at) else now(6) end,
  parked_for = %s, reason = %s, plugin_digest = %s, changed_at = now(6)
where number = %s and coalesce(parked_for, '') <> 'dropped'

-- unpark_table
update {schema}.tables
set parked_for = null, parked_at = null, reason = null, plugin_digest = null, changed_at = now(6)
where number = %s

-- drop_table
update {schema}.tables set generation = generation + 1, parked_for = 'dropped', reason = %s,
  plugin_digest = null, changed_at = now(6), parked_at = now(6)
where number = %s

-- raise_generation
update {schema}.tables set generation = generation + 1, changed_at = now(6) where number = %s

-- count_older
select count(*) from {ledger} where rev > 0 and rev < %s and not gone

-- sql_table_owner
select t.name from {schema}.sql_tables as s join {schema}.tables as t on t.number = s.table_number
where s.name = %s and s.table_number <> %s

-- claim_sql_table
replace into {schema}.sql_tables (name, table_number) values (%s, %s)

-- release_sql_tables
delete from {schema}.sql_tables where table_number = %s

-- forget_objects
delete from {schema}.objects where table_number = %s

-- forget_table_ids
update {schema}.streams set table_id = null where table_number = %s

-- streams
select arn, table_id, epoch, accepted_at from {schema}.streams where table_number = %s

-- add_stream
insert into {schema}.streams (arn, table_number, table_id, label_ms, epoch)
select * from (select %s as arn, %s as number, %s as table_id, %s as label_ms, %s as epoch) as n
on duplicate key update table_id = coalesce(n.table_id, streams.table_id)

-- note_object
-- A second load of the same object waits here until the first has committed or rolled back.
insert into {schema}.objects (table_number, object, etag, bucket) values (%s, %s, %s, %s)
on duplicate key update object = objects.object

-- is_object_known
select exists (select 1 from {schema}.objects where table_number = %s and object = %s and bucket = %s)

-- add_gap
insert into {schema}.gaps (kind, table_name, bucket, object, `condition`, changes) values (%s, %s, %s, %s, %s, %s)
on duplicate key update kind = gaps.kind

-- known_gaps
select object from {schema}.gaps where kind = %s and bucket = %s and json_contains(%s, json_quote(object))

-- close_gap
update {schema}.gaps set state = %s, why = %s, closed_at = now(6)
where object = %s and state = 'open'

-- list_gaps
select kind, table_name, bucket, object, `condition`, changes, state, noticed_at, closed_at, why
from {schema}.gaps
where (%s = '' or table_name = %s) and (%s or state = 'open')
order by noticed_at, bucket, object limit %s

-- list_batches
select bucket, object from {schema}.gaps where table_name = %s and kind = %s and state = %s

-- count_gaps
select table_name, kind, count(*), cast(coalesce(sum(changes), 0) as signed), min(noticed_at)
from {schema}.gaps where state = 'open' group by 1, 2 order by 1, 2

-- lock_streams
insert into {schema}.locks (name) select concat('streams ', left(sha2(%s, 256), 40), ' ', %s)
on duplicate key update name = locks.name

-- lock_table_shared
select number from {schema}.tables where %s is not null and number = %s lock in share mode

-- lock_table_exclusive
select number from {schema}.tables where %s is not null and number = %s for update

-- generation
select generation, coalesce(parked_for, '') from {schema}.tables where number = %s

-- create_won
create temporary table _won (k binary(16) not null primary key)

-- create_refused
create temporary table _refused (
  _key binary(16) not null, _version decimal(57) not null, _newest boolean not null,
  _changed_at datetime(6) not null, _gone boolean not null, reason varchar(20) not null,
  message longtext not null, bucket varchar(63) not null, object varchar(1024) not null, line longblob not null
) default character set utf8mb4 collate utf8mb4_bin

-- create_claimed
create temporary table _claimed (_key binary(16) not null, _version decimal(57) not null)

-- claimed_contenders
select c._key from _claimed as c left join {ledger} as l on l.k = c._key
where l.k is null or (l.version, l.rev) < (c._version, %s)

-- arbitrate_1_batch
set @dynaurora_batch = unhex(replace(uuid(), '-', ''))

-- arbitrate_2_ledger
-- In key order, so two loads cannot deadlock. The row is locked whether the line wins or not.
-- Assignments go from left to right: the version last, for the others compare it with what it was.
insert into {ledger} (k, version, rev, gone, at, batch)
select * from (
  select c._key, c._version, %s as rev, c._gone, c._changed_at, @dynaurora_batch as batch from (
    select _key, _version, false as _gone, _changed_at from staged
    union all select _key, _version, true, _changed_at from removed
    union all select _key, _version, _gone, _changed_at from _refused where _newest
  ) as c
) as n order by n._key
on duplicate key update
  batch = if(({ledger}.version, {ledger}.rev) < (n._version, n.rev), n.batch, {ledger}.batch),
  gone = if(({ledger}.version, {ledger}.rev) < (n._version, n.rev), n._gone, {ledger}.gone),
  at = if(({ledger}.version, {ledger}.rev) < (n._version, n.rev), n._changed_at, {ledger}.at),
  fix = if(({ledger}.version, {ledger}.rev) < (n._version, n.rev), 0, {ledger}.fix),
  rev = if({ledger}.version < n._version, n.rev,
    if({ledger}.version = n._version, greatest({ledger}.rev, n.rev), {ledger}.rev)),
  version = greatest({ledger}.version, n._version)

-- arbitrate_3_winners
insert into _won (k)
select l.k from (
  select _key from staged union all select _key from removed
  union all select _key from _refused where _newest
) as c join {ledger} as l on l.k = c._key
where l.batch = @dynaurora_batch

-- keep_refused_winners
delete r from _refused as r left join _won as w on w.k = r._key where w.k is null

-- keep_refused_changes
delete r from _refused as r
join {ledger} as l on l.k = r._key and l.version = r._version
left join _won as w on w.k = r._key
where w.k is null

-- refuse_in_ledger
update {ledger} as l join _refused as r on l.k = r._key and l.version = r._version set l.rev = 0

-- count_refused_values
select count(*) from _refused as r join _won as w on w.k = r._key where r._newest and r.reason = 'value'

-- quarantine_refused
insert into {schema}.quarantine
  (table_number, k, version, reason, message, plugin_digest, bucket, object, line)
select * from (
  select %s as number, _key, _version, reason, message, %s as digest, bucket, object, line from _refused
) as n order by n._key, n._version
on duplicate key update
  quarantined_at = if(quarantine.state = 'open', quarantine.quarantined_at, now(6)),
  state = if(quarantine.state = 'discarded', quarantine.state, 'open'),
  reason = n.reason, message = n.message, code = '', plugin_digest = n.digest,
  attempts = quarantine.attempts + 1

-- refuse_key
update {ledger} as l join _won as w on w.k = l.k set l.rev = 0
where l.k = unhex(%s) and l.version = %s and l.rev > 0

-- quarantine_line
insert into {schema}.quarantine
  (table_number, k, version, reason, message, code, plugin_digest, bucket, object, line)
select * from (
  select %s as number, unhex(%s) as k, %s as version, %s as reason, %s as message, %s as code, %s as digest,
    %s as bucket, %s as object, %s as line
) as n
on duplicate key update
  quarantined_at = if(quarantine.state = 'open', quarantine.quarantined_at, now(6)),
  state = if(quarantine.state = 'discarded', quarantine.state, 'open'),
  reason = n.reason, message = n.message, code = n.code, plugin_digest = n.digest,
  attempts = quarantine.attempts + 1

-- has_open_quarantine
select exists (select 1 from {schema}.quarantine where table_number = %s and state = 'open')

-- settle_quarantine
update {schema}.quarantine as q join {ledger} as l on l.k = q.k
set q.state = if(l.version > q.version, 'superseded', 'retried'), q.settled_at = now(6)
where q.table_number = %s and q.state = 'open'
  and (l.version > q.version or (l.version = q.version and l.rev > 0))

-- settle_unreadable
update {schema}.quarantine as q join {ledger} as l
set q.state = if(l.version > cast(%s as decimal(57)), 'superseded', 'retried'), q.settled_at = now(6)
where q.table_number = %s and q.k = unhex(%s) and q.version = 0 and q.state = 'open'
  and l.k = unhex(%s) and l.version >= cast(%s as decimal(57))

-- list_quarantine
select q.number, t.name, q.k, q.version, q.state, q.reason, q.message, q.code, q.plugin_digest,
  q.bucket, q.object, q.attempts, q.quarantined_at, q.settled_at, q.why, length(q.line),
  case when %s then q.line end
from {schema}.quarantine as q join {schema}.tables as t on t.number = q.table_number
where
  (%s = '' or t.name = %s) and (%s = '' or q.reason = %s) and (%s = '' or q.state = %s)
  and (%s is null or q.quarantined_at <= now(6) - interval %s second)
  and (%s is null or q.quarantined_at >= now(6) - interval %s second)
  and (%s is null or json_contains(%s, cast(q.number as char))) and (%s is null or q.number <= %s) and q.number > %s
order by q.number limit %s

-- count_chosen
select count(*) from {schema}.quarantine as q join {schema}.tables as t on t.number = q.table_number
where
  (%s = '' or t.name = %s) and (%s = '' or q.reason = %s) and (%s = '' or q.state = %s)
  and (%s is null or q.quarantined_at <= now(6) - interval %s second)
  and (%s is null or q.quarantined_at >= now(6) - interval %s second)
  and (%s is null or json_contains(%s, cast(q.number as char))) and (%s is null or q.number <= %s) and q.number > %s

-- last_quarantine
select coalesce(max(number), 0) from {schema}.quarantine

-- discard_quarantine
update {schema}.quarantine set state = 'discarded', why = %s, settled_at = now(6)
where state = 'open' and json_contains(%s, cast(number as char))

-- count_quarantine
select t.name, q.reason, count(*) from {schema}.quarantine as q join {schema}.tables as t on t.number = q.table_number
where q.state = 'open' group by 1, 2 order by 1, 2

-- age_quarantine
select t.name, q.reason, count(*), min(q.quarantined_at)
from {schema}.quarantine as q join {schema}.tables as t on t.number = q.table_number
where q.state = 'open' group by 1, 2 order by 1, 2

-- prefer_indexes
do 0

-- numbered_keys
select _number, _key from _numbered where is_winner and json_contains(%s, cast(_number as char))

-- begin_part
savepoint part

-- undo_part
rollback to savepoint part

-- end_part
release savepoint part

-- defer_constraints
-- Every constraint is checked at once, row by row.
do 0

-- set_constraints
do 0

-- server
-- Its rights are told as statements, with patterns and roles in them.
select version(), current_user(), null, null

-- grants
show grants

-- grant_variables
-- The first is MySQL's alone.
show variables where variable_name in ('partial_revokes', 'lower_case_table_names')

-- here
select database()

-- encryption
show session status like 'Ssl_cipher'
