The statements of `dynaurora preview`, for MySQL 8.0 and MariaDB. {schema} is the metadata of the
pipeline; what it knows is copied into {copies}, the metadata elsewhere (mysql_elsewhere.sql). {here} is
the database of the SQL tables, {there} the one in which the load takes place.

-- has_metadata
select count(*) > 0 from information_schema.tables
where table_schema = replace(trim(both '`' from '{schema}'), '``', '`') and table_name = 'tables'

-- has_ledger
select count(*) > 0 from information_schema.tables
where table_schema = replace(trim(both '`' from '{schema}'), '``', '`')
  and table_name = concat('ledger_', substring_index('{ledger}', '.ledger_', -1))

-- copy_tables
-- Whether one is parked matters to its objects; what a load would do is asked here. The create
-- statements of one that is parked run again.
insert into {copies}.tables (number, name, generation, plugin_digest)
select number, name, generation, case when parked_for is null then plugin_digest end from {schema}.tables

-- copy_sql_tables
insert into {copies}.sql_tables select * from {schema}.sql_tables

-- copy_streams
insert into {copies}.streams select * from {schema}.streams where table_number = %s

-- copy_ledger
insert into {copy} select l.* from {ledger} as l join (select distinct _key from _items) as i on i._key = l.k

-- foreign_keys
-- Of this database: a table, and the one that it refers to.
select table_name, referenced_table_name from information_schema.referential_constraints
where constraint_schema = %s and unique_constraint_schema = constraint_schema

-- triggers
select trigger_name, event_object_table, action_timing, event_manipulation, action_statement, sql_mode
from information_schema.triggers where event_object_schema = %s
order by event_object_table, action_timing, event_manipulation, action_order

-- stored_columns
select column_name from information_schema.columns
where table_schema = %s and table_name = %s and coalesce(generation_expression, '') = ''
order by ordinal_position

-- has_more
select count(*) > {most} from (select 1 from {here}.{name} limit {more}) as found

-- show_table
show create table {here}.{name}

-- show_view
show create view {here}.{name}

-- foreign_keys_unchecked
-- A table comes before the one that it refers to, and a row before its parent.
set foreign_key_checks = 0

-- foreign_keys_checked
set foreign_key_checks = 1

-- copy_rows_of_all
insert into {there}.{name} ({columns}) select {columns} from {here}.{name} limit {more}

-- copy_rows_of_items
insert into {there}.{name} ({columns})
select {of_table} from {here}.{name} as t join (select distinct {key} from _items) as i on {same}

-- note_concerned
-- While rows are searched that the database refuses, the relations show a part of them.
create temporary table _concerned select {key} from staged union select {key} from removed

-- note_changed
-- A change that loses may leave a row, too, where the plugin reads `changes`.
insert into _concerned select {key} from changes

-- cells
-- How each column of a table is told as text; bytes in hex.
select column_name, concat(
  if(data_type like '%%binary' or data_type like '%%blob' or data_type = 'bit', 'hex(', 'cast('),
  '`', replace(column_name, '`', '``'), '`',
  if(data_type like '%%binary' or data_type like '%%blob' or data_type = 'bit', ')', ' as char)')
)
from information_schema.columns where table_schema = database() and table_name = %s order by ordinal_position

-- rows_of_concerned
select {columns} from {table} where ({key}) in (select {key} from _concerned) limit {most}

-- rows_of_all
select {columns} from {table} limit {most}

-- stored
-- Views show what is stored elsewhere.
select count(*) > 0 from information_schema.tables
where table_schema = database() and table_name = %s and table_type = 'BASE TABLE'

-- primary_key
select column_name from information_schema.key_column_usage
where table_schema = database() and table_name = %s and constraint_name = 'PRIMARY' order by ordinal_position
