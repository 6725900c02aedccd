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

