The statements of `dynaurora preview`, for PostgreSQL 15 and newer. All of them run in the
transaction that is rolled back. {schema} is that of the pipeline; what its metadata knows is copied
into temporary tables, whose names begin so as no SQL table of a plugin may.

-- limits
-- A preview holds what a load holds; nobody may have to wait for it for long.
select set_config('lock_timeout', '5s', true), set_config('statement_timeout', '30s', true)

-- has_metadata
select to_regclass('{schema}.tables') is not null

-- has_ledger
select to_regclass('{ledger}') is not null

-- copy_tables
-- Whether one is parked matters to its objects; what a load would do is asked here. The create
-- statements of one that is parked run again.
insert into pg_temp._preview_tables (number, name, generation, plugin_digest) overriding system value
select number, name, generation, case when parked_for is null then plugin_digest end from {schema}.tables

-- count_on
select setval(pg_get_serial_sequence('pg_temp._preview_tables', 'number'), max(number)) from pg_temp._preview_tables

-- copy_sql_tables
insert into pg_temp._preview_sql_tables select * from {schema}.sql_tables

-- copy_streams
insert into pg_temp._preview_streams select * from {schema}.streams where table_number = %s

-- lock_keys
-- In key order, as loads take them, so that the two cannot deadlock.
select k from {ledger} where k = any(%s::uuid[]) order by k for update

-- copy_ledger
insert into {copy} select * from {ledger} where k = any(%s::uuid[])

-- note_concerned
-- While rows are searched that the database refuses, the relations show a part of them.
create temporary table _concerned on commit drop as
select {key} from staged union select {key} from removed

-- note_changed
-- A change that loses may leave a row, too, where the plugin reads `changes`.
insert into _concerned select {key} from changes except select {key} from _concerned

-- cells
-- How each column of a table is told as text.
select attname, 'cast(' || quote_ident(attname) || ' as text)' from pg_attribute
where attrelid = to_regclass(quote_ident(%s)) and attnum > 0 and not attisdropped order by attnum

-- rows_of_concerned
select {columns} from {table} where ({key}) in (select {key} from _concerned) limit {most}

-- rows_of_all
select {columns} from {table} limit {most}

-- stored
-- Views show what is stored elsewhere.
select relkind in ('r', 'p') from pg_class where oid = to_regclass(quote_ident(%s))

-- primary_key
select a.attname from pg_index as i
join pg_attribute as a on a.attrelid = i.indrelid and a.attnum = any(i.indkey)
where i.indrelid = to_regclass(quote_ident(%s)) and i.indisprimary
order by array_position(i.indkey::smallint[], a.attnum)
