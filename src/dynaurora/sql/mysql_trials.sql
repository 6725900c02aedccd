The statements of trials of plugins (`dynaurora.testing`), for MySQL 8.0 and MariaDB. {schema} is the
database of the metadata, which is one of its own here.

-- wait_for_tests
-- The session of a load ends when its worker says nothing for a minute; a person at a breakpoint may.
set session wait_timeout = 86400

-- make_bench
create database {bench}

-- drop_bench
drop database {bench}

-- drop_metadata
drop database if exists {schema}

-- filled_tables
-- Every SQL table, and of the metadata what tells of changes: how many rows one has is only estimated.
select table_schema, table_name from information_schema.tables
where table_type = 'BASE TABLE' and (
  table_schema = database()
  or (
    table_schema = '{schema}'
    and (table_name in ('objects', 'quarantine', 'streams') or table_name like 'ledger\_%')
  )
)

-- empty_1_unchecked
set foreign_key_checks = 0

-- empty_2_each
-- A TRUNCATE makes the table's file anew, which takes longer than a few rows do.
delete from {each}

-- empty_3_checked
set foreign_key_checks = 1

-- remove_1_unchecked
set foreign_key_checks = 0

-- remove_2_table
drop table if exists {table}

-- remove_3_checked
set foreign_key_checks = 1

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
select database()

-- make_there
create database {there}

-- go_there
use {there}

-- show_here
-- A plugin may read another's table, by its bare name.
create view {there}.{table} as select * from {here}.{table}

-- go_back
use {here}

-- drop_there
drop database if exists {there}

-- cell
-- Bytes that are no text are written in hex.
if(charset({column}) = 'binary', hex({column}), cast({column} as char))
