The statements of trials of plugins (`dynaurora.testing`), for PostgreSQL 15 and newer.

-- wait_for_tests
-- Only a transaction that says nothing is ended, and none is open between two steps of a test.
select 1

-- make_bench
create database {bench}

-- drop_bench
drop database {bench} with (force)

-- drop_metadata
-- They went with their database.
select 1

-- filled_tables
-- Every SQL table that has had a row since it was made or emptied, and of the metadata what tells of
-- changes. What is known of the plugins stays.
select n.nspname, c.relname from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
where c.relkind = 'r' and pg_relation_size(c.oid) > 0 and (
  n.nspname = current_schema()
  or (
    n.oid = to_regnamespace('{schema}')
    and (c.relname in ('objects', 'quarantine', 'streams') or starts_with(c.relname, 'ledger_'))
  )
)

-- empty_1_all
truncate {every} restart identity cascade

-- remove_1_table
drop table if exists {table} cascade

-- raise_generation
-- The state of each item is applied once more by what is loaded next.
update {schema}.tables set generation = generation + 1 where name = %s

-- forget_creation
-- The create statements of the table's plugin run again.
update {schema}.tables set plugin_digest = null where name = %s

-- release_names
delete from {schema}.sql_tables
where table_number = (select number from {schema}.tables where name = %s)

-- here
select current_schema()

-- make_there
create schema {there}

-- go_there
-- What is here can still be read, as by a plugin that reads another's table.
set search_path to {there}, {here}

-- show_here
select 1

-- go_back
set search_path to {here}

-- drop_there
drop schema if exists {there} cascade

-- cell
cast({column} as text)
