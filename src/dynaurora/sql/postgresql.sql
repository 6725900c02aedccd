The statements of the metadata and of a load, for PostgreSQL 15 and newer.
docs/arbitration.md says why a load is as it is.

-- metadata_schema
create schema if not exists {schema}

-- metadata_tables
-- One row per DynamoDB table that was ever heard of. The number names its ledger.
-- parked_for: null, or why its objects wait: 'unknown' (no plugin), 'plugin', 'stream', 'dropped',
-- 'error'. plugin_digest: of the plugin file whose create statements ran, or which was parked.
create table if not exists {schema}.tables (
  number integer generated always as identity primary key,
  name text not null unique,
  generation smallint not null default 1,
  parked_for text,
  reason text,
  plugin_digest text,
  changed_at timestamptz not null default now()
)

-- metadata_streams
create table if not exists {schema}.streams (
  arn text primary key,
  table_number integer not null references {schema}.tables (number),
  table_id text,
  label_ms bigint not null,
  epoch smallint not null default 0,
  accepted_at timestamptz not null default now()
)

-- metadata_objects
-- The ledger of objects: what a committed load has read. Keyed by table too, because a transaction
-- is per table and one object's fate in one table says nothing of another.
create table if not exists {schema}.objects (
  table_number integer not null references {schema}.tables (number),
  object text not null,
  etag text not null,
  bucket text not null,
  loaded_at timestamptz not null default now(),
  primary key (table_number, object, etag, bucket)
)

-- metadata_sql_tables
-- Which table's plugin makes which SQL table: two plugins may not write one.
create table if not exists {schema}.sql_tables (
  name text primary key,
  table_number integer not null references {schema}.tables (number)
)

-- metadata_quarantine
-- A line without a readable key stands under the hash of its bytes and version 0.
create table if not exists {schema}.quarantine (
  table_number integer not null references {schema}.tables (number),
  k uuid not null,
  version numeric(57) not null,
  state text not null default 'open' check (state in ('open', 'superseded', 'retried', 'discarded')),
  reason text not null,
  message text not null,
  code text not null default '',
  plugin_digest text not null default '',
  bucket text not null,
  object text not null,
  line bytea not null,
  attempts integer not null default 1,
  quarantined_at timestamptz not null default now(),
  primary key (table_number, k, version)
)

-- metadata_quarantine_open
create index if not exists quarantine_open on {schema}.quarantine (table_number) where state = 'open'

-- metadata_gaps
-- Changes that are known to be missing: vanished objects, what Firehose could not deliver.
create table if not exists {schema}.gaps (
  kind text not null,
  table_name text not null,
  bucket text not null,
  object text not null,
  noticed_at timestamptz not null default now(),
  primary key (kind, bucket, object)
)

-- metadata_unmapped
-- Attributes that items have and no column reads; '' stands for items that no table takes.
create table if not exists {schema}.unmapped (
  table_number integer not null references {schema}.tables (number),
  attribute text not null,
  changes bigint not null,
  noticed_at timestamptz not null default now(),
  primary key (table_number, attribute)
)

-- added_to_gaps
-- A database of the version before gets these columns; which is told by the last of them, below.
alter table {schema}.gaps
  add column if not exists condition text not null default '',
  add column if not exists changes integer,
  add column if not exists state text not null default 'open' check (state in ('open', 'replayed', 'closed')),
  add column if not exists closed_at timestamptz,
  add column if not exists why text not null default ''

-- added_to_quarantine
-- number: what an operator calls an entry.
alter table {schema}.quarantine
  add column if not exists number bigint generated always as identity,
  add column if not exists settled_at timestamptz,
  add column if not exists why text not null default ''

-- added_quarantine_number
create unique index if not exists quarantine_number on {schema}.quarantine (number)

-- added_to_tables
alter table {schema}.tables add column if not exists parked_at timestamptz

-- is_complete
-- The column that is added last: where it is, everything is.
select parked_at from {schema}.tables limit 0

-- add_unmapped
-- In the order of the names, so that two workers cannot deadlock.
insert into {schema}.unmapped as u (table_number, attribute, changes)
select %s, n.attribute, n.changes
from jsonb_to_recordset(%s::jsonb) as n (attribute text, changes bigint)
where (select count(*) from {schema}.unmapped where table_number = %s) < %s
  or exists (select from {schema}.unmapped as k where k.table_number = %s and k.attribute = n.attribute)
order by n.attribute
on conflict (table_number, attribute) do update
set changes = u.changes + excluded.changes, noticed_at = now()

-- list_unmapped
select t.name, u.attribute, u.changes, u.noticed_at
from {schema}.unmapped as u join {schema}.tables as t on t.number = u.table_number
where coalesce(t.parked_for, '') <> 'dropped'
order by t.name, u.attribute = '' desc, u.changes desc, u.attribute

-- create_ledger
-- No second index: updates then stay on their page (HOT). 3 digits of epoch, 14 of the label in
-- milliseconds, 40 of the SequenceNumber. rev: the generation that applied the version, 0 = refused.
create table if not exists {ledger} (
  k uuid primary key,
  version numeric(57) not null,
  rev smallint not null,
  gone boolean not null,
  fix smallint not null default 0,
  at timestamptz not null
) with (fillfactor = 70)

-- wait_briefly
-- Whoever waits for a lock on a table makes every later statement wait behind it.
select set_config('lock_timeout', '5s', true)

-- wait_as_before
-- It was for the transaction.
select 1

-- lock_creation
-- Create statements of all tables of a pipeline run one after another, outside a transaction.
select pg_advisory_lock(hashtextextended('dynaurora create ' || %s, 0))

-- unlock_creation
select pg_advisory_unlock(hashtextextended('dynaurora create ' || %s, 0))

-- table
select number, name, generation, coalesce(parked_for, ''), coalesce(reason, ''), coalesce(plugin_digest, ''),
  parked_at
from {schema}.tables where name = %s

-- tables
select number, name, generation, coalesce(parked_for, ''), coalesce(reason, ''), coalesce(plugin_digest, ''),
  parked_at
from {schema}.tables order by name

-- add_table
insert into {schema}.tables (name) values (%s) on conflict (name) do nothing

-- table_created
-- A table that an operator has dropped meanwhile stays dropped.
update {schema}.tables set parked_for = null, parked_at = null, reason = null, plugin_digest = %s, changed_at = now()
where number = %s and generation = %s and coalesce(parked_for, '') <> 'dropped'

-- park_table
-- A table that an operator has dropped stays dropped, whatever else is found about it.
-- parked_at says since when it waits for this reason, however often it is found again.
update {schema}.tables set
  parked_at = case when parked_for = %s then coalesce(parked_at, changed_at) else now() end,
  parked_for = %s, reason = %s, plugin_digest = %s, changed_at = now()
where number = %s and coalesce(parked_for, '') <> 'dropped'

-- unpark_table
update {schema}.tables set parked_for = null, parked_at = null, reason = null, plugin_digest = null, changed_at = now()
where number = %s

-- drop_table
update {schema}.tables set generation = generation + 1, parked_for = 'dropped', reason = %s,
  plugin_digest = null, changed_at = now(), parked_at = now()
where number = %s

-- raise_generation
update {schema}.tables set generation = generation + 1, changed_at = now() where number = %s

-- count_older
select count(*) from {ledger} where rev > 0 and rev < %s and not gone

-- sql_table_owner
select t.name from {schema}.sql_tables as s join {schema}.tables as t on t.number = s.table_number
where s.name = %s and s.table_number <> %s

-- claim_sql_table
insert into {schema}.sql_tables (name, table_number) values (%s, %s)
on conflict (name) do update set table_number = excluded.table_number

-- release_sql_tables
delete from {schema}.sql_tables where table_number = %s

-- forget_objects
-- What was archived may be loaded again, into the tables of the next generation.
delete from {schema}.objects where table_number = %s

-- forget_table_ids
-- A table that was deleted and made again may go on under its name. Its streams and their epochs stay:
-- the ledger knows their changes, against which those of an older stream would lose in silence.
update {schema}.streams set table_id = null where table_number = %s

-- streams
select arn, table_id, epoch, accepted_at from {schema}.streams where table_number = %s

-- add_stream
insert into {schema}.streams as s (arn, table_number, table_id, label_ms, epoch) values (%s, %s, %s, %s, %s)
on conflict (arn) do update set table_id = coalesce(excluded.table_id, s.table_id)

-- note_object
-- A second load of the same object waits here until the first has committed or rolled back.
insert into {schema}.objects (table_number, object, etag, bucket) values (%s, %s, %s, %s)
on conflict do nothing

-- is_object_known
select exists (select from {schema}.objects where table_number = %s and object = %s and bucket = %s)

-- add_gap
insert into {schema}.gaps (kind, table_name, bucket, object, condition, changes) values (%s, %s, %s, %s, %s, %s)
on conflict do nothing

-- known_gaps
select object from {schema}.gaps where kind = %s and bucket = %s and object = any(%s)

-- close_gap
update {schema}.gaps set state = %s, why = %s, closed_at = now()
where object = %s and state = 'open'

-- list_gaps
select kind, table_name, bucket, object, condition, changes, state, noticed_at, closed_at, why
from {schema}.gaps
where (%s = '' or table_name = %s) and (%s or state = 'open')
order by noticed_at, bucket, object limit %s

-- list_batches
select bucket, object from {schema}.gaps where table_name = %s and kind = %s and state = %s

-- count_gaps
select table_name, kind, count(*), coalesce(sum(changes), 0)::bigint, min(noticed_at)
from {schema}.gaps where state = 'open' group by 1, 2 order by 1, 2

-- lock_streams
-- Loads that meet streams new to a table look at them one after another.
select pg_advisory_xact_lock(hashtext('dynaurora streams ' || %s), %s)

-- lock_table_shared
select pg_advisory_xact_lock_shared(hashtext('dynaurora ' || %s), %s)

-- lock_table_exclusive
select pg_advisory_xact_lock(hashtext('dynaurora ' || %s), %s)

-- generation
select generation, coalesce(parked_for, '') from {schema}.tables where number = %s

-- create_won
create temporary table _won (k uuid not null) on commit drop

-- create_refused
-- _newest: of its key in this load. The others are there only where a plugin names `changes`.
create temporary table _refused (
  _key uuid not null, _version numeric(57) not null, _newest boolean not null,
  _changed_at timestamptz not null, _gone boolean not null, reason text not null,
  message text not null, bucket text not null, object text not null, line bytea not null
) on commit drop

-- create_claimed
create temporary table _claimed (_key uuid not null, _version numeric(57) not null) on commit drop

-- claimed_contenders
-- The pointers that would win now. The others are out for good: the version of a key never falls.
select c._key from _claimed as c left join {ledger} as l on l.k = c._key
where l.k is null or (l.version, l.rev) < (c._version, %s::smallint)

-- arbitrate
-- A statement of its own: the plugin's statements must not share its snapshot, or they would not see
-- what a load that it waited for has committed. In key order, so two loads cannot deadlock. The row
-- lock is taken whether the line wins or not.
with winners as (
  insert into {ledger} as l (k, version, rev, gone, at)
  select _key, _version, %s::smallint, _gone, _changed_at from (
    select _key, _version, false as _gone, _changed_at from staged
    union all select _key, _version, true, _changed_at from removed
    union all select _key, _version, _gone, _changed_at from _refused where _newest
  ) as c order by _key
  on conflict (k) do update
    set version = excluded.version, rev = excluded.rev, gone = excluded.gone, at = excluded.at, fix = 0
    where (l.version, l.rev) < (excluded.version, excluded.rev)
  returning k
)
insert into _won select k from winners

-- keep_refused_winners
delete from _refused as r where not exists (select from _won as w where w.k = r._key)

-- keep_refused_changes
-- Where a plugin names `changes`, one that lost is missing there, too. What was decided before in
-- this very version stays as it was.
delete from _refused as r using {ledger} as l
where l.k = r._key and l.version = r._version and not exists (select from _won as w where w.k = r._key)

-- refuse_in_ledger
update {ledger} as l set rev = 0 from _refused as r
where l.k = r._key and l.version = r._version

-- count_refused_values
select count(*) from _refused as r
where _newest and reason = 'value' and exists (select from _won as w where w.k = r._key)

-- quarantine_refused
-- What an operator has discarded stays so, however often it comes again. An entry is as old as its
-- first refusal.
insert into {schema}.quarantine as q
  (table_number, k, version, reason, message, plugin_digest, bucket, object, line)
select %s, _key, _version, reason, message, %s, bucket, object, line from _refused order by _key, _version
on conflict (table_number, k, version) do update set
  state = case when q.state = 'discarded' then q.state else 'open' end,
  quarantined_at = case when q.state = 'open' then q.quarantined_at else now() end,
  reason = excluded.reason, message = excluded.message, code = '',
  plugin_digest = excluded.plugin_digest, attempts = q.attempts + 1

-- refuse_key
-- Of this load's winners only: a change that was applied before stays so, whatever is refused now.
update {ledger} as l set rev = 0
where k = %s and version = %s and rev > 0 and exists (select from _won as w where w.k = l.k)

-- quarantine_line
insert into {schema}.quarantine as q
  (table_number, k, version, reason, message, code, plugin_digest, bucket, object, line)
values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
on conflict (table_number, k, version) do update set
  state = case when q.state = 'discarded' then q.state else 'open' end,
  quarantined_at = case when q.state = 'open' then q.quarantined_at else now() end,
  reason = excluded.reason, message = excluded.message, code = excluded.code,
  plugin_digest = excluded.plugin_digest, attempts = q.attempts + 1

-- has_open_quarantine
select exists (select from {schema}.quarantine where table_number = %s and state = 'open')

-- settle_quarantine
-- A newer version decided makes an entry superseded; its own version applied makes it retried.
update {schema}.quarantine as q
set state = case when l.version > q.version then 'superseded' else 'retried' end, settled_at = now()
from {ledger} as l
where q.table_number = %s and q.state = 'open' and l.k = q.k
  and (l.version > q.version or (l.version = q.version and l.rev > 0))

-- settle_unreadable
-- A line that could not be read stands under its hash; once it can, it has a key and a version.
update {schema}.quarantine as q
set state = case when l.version > %s::numeric then 'superseded' else 'retried' end, settled_at = now()
from {ledger} as l
where q.table_number = %s and q.k = %s and q.version = 0 and q.state = 'open'
  and l.k = %s and l.version >= %s::numeric

-- list_quarantine
select q.number, t.name, q.k, q.version, q.state, q.reason, q.message, q.code, q.plugin_digest,
  q.bucket, q.object, q.attempts, q.quarantined_at, q.settled_at, q.why, octet_length(q.line),
  case when %s then q.line end
from {schema}.quarantine as q join {schema}.tables as t on t.number = q.table_number
where
  (%s = '' or t.name = %s) and (%s = '' or q.reason = %s) and (%s = '' or q.state = %s)
  and (%s::bigint is null or q.quarantined_at <= now() - %s * interval '1 second')
  and (%s::bigint is null or q.quarantined_at >= now() - %s * interval '1 second')
  and (%s::bigint[] is null or q.number = any(%s)) and (%s::bigint is null or q.number <= %s) and q.number > %s
order by q.number limit %s

-- count_chosen
select count(*) from {schema}.quarantine as q join {schema}.tables as t on t.number = q.table_number
where
  (%s = '' or t.name = %s) and (%s = '' or q.reason = %s) and (%s = '' or q.state = %s)
  and (%s::bigint is null or q.quarantined_at <= now() - %s * interval '1 second')
  and (%s::bigint is null or q.quarantined_at >= now() - %s * interval '1 second')
  and (%s::bigint[] is null or q.number = any(%s)) and (%s::bigint is null or q.number <= %s) and q.number > %s

-- last_quarantine
select coalesce(max(number), 0) from {schema}.quarantine

-- discard_quarantine
update {schema}.quarantine set state = 'discarded', why = %s, settled_at = now()
where state = 'open' and number = any(%s)

-- count_quarantine
select t.name, q.reason, count(*) from {schema}.quarantine as q join {schema}.tables as t on t.number = q.table_number
where q.state = 'open' group by 1, 2 order by 1, 2

-- age_quarantine
select t.name, q.reason, count(*), min(q.quarantined_at)
from {schema}.quarantine as q join {schema}.tables as t on t.number = q.table_number
where q.state = 'open' group by 1, 2 order by 1, 2

-- prefer_indexes
-- A new table has no statistics: for each small part all of it would be read. Declared statements join
-- by keys alone; what a person has written may need to read a table, and is planned as ever. A plan
-- that is used once is not worth compiling.
set local enable_seqscan = off; set local jit = off

-- numbered_keys
select _number, _key from _numbered where is_winner and _number = any(%s)

-- begin_part
savepoint part

-- undo_part
rollback to savepoint part

-- end_part
release savepoint part

-- defer_constraints
set constraints all deferred

-- set_constraints
-- A deferred constraint would pass the savepoint and fail at commit.
set constraints all immediate

-- planning_limits
-- Of what a plugin's statements may look at beside their own tables, others may hold locks.
select set_config('lock_timeout', '5s', true), set_config('statement_timeout', '30s', true)

-- may_make_schemas
select has_database_privilege(current_database(), 'create')

-- planning_schema
create schema dynaurora_planning

-- planning_path_first
-- New tables go to the first schema; functions and tables of others are still found.
select set_config('search_path', %s || ', ' || current_setting('search_path'), true)

-- planning_path
-- What is dropped is what was made: nothing else is found.
select set_config('search_path', %s, true)

-- server
select current_setting('server_version'), current_user,
  coalesce(has_schema_privilege(current_schema(), 'create'), false),
  case when to_regnamespace('{schema}') is null then has_database_privilege(current_database(), 'create')
    else has_schema_privilege(to_regnamespace('{schema}')::oid, 'create') end

-- encryption
select 'cipher', cipher from pg_stat_ssl where pid = pg_backend_pid() and ssl
