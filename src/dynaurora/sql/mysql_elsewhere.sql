The statements of what takes place elsewhere: in a database that is made for it and dropped in the end,
for MySQL 8.0 and MariaDB. {here} is the database of the connection, {there} the other one.

-- here
-- How a table is written that names neither a character set nor a collation is the database's.
select schema_name, connection_id(),
  concat('character set ', default_character_set_name, ' collate ', default_collation_name)
from information_schema.schemata where schema_name = database()

-- session
select connection_id()

-- end_session
kill %s

-- limits
-- Nobody may have to wait for long. What a statement may take is limited by MySQL for a SELECT alone.
-- https://dev.mysql.com/doc/refman/8.0/en/server-system-variables.html#sysvar_max_execution_time
-- https://mariadb.com/kb/en/server-system-variables/#max_statement_time
set @elsewhere_wait = @@innodb_lock_wait_timeout, @elsewhere_table_wait = @@lock_wait_timeout,
  innodb_lock_wait_timeout = 5, lock_wait_timeout = 5
  /*!80017 , @elsewhere_most = @@max_execution_time, max_execution_time = 30000 */
  /*M! , @elsewhere_most = @@max_statement_time, max_statement_time = 30 */

-- limits_as_before
set innodb_lock_wait_timeout = @elsewhere_wait, lock_wait_timeout = @elsewhere_table_wait
  /*!80017 , max_execution_time = @elsewhere_most */ /*M! , max_statement_time = @elsewhere_most */

-- databases
select schema_name from information_schema.schemata

-- hold
-- A lock by name goes with its session: what nobody holds was left.
select get_lock(concat('dynaurora preview ', %s), 0)

-- let_go
select release_lock(concat('dynaurora preview ', %s))

-- make
create database {there} {kind}

-- go_there
use {there}

-- go_back
use {here}

-- drop
drop database if exists {there}

-- tables
select table_name, right(table_type, 4) = 'VIEW' from information_schema.tables where table_schema = %s

-- functions
select routine_name, sql_mode from information_schema.routines
where routine_schema = %s and routine_type = 'FUNCTION'

-- show_function
show create function {here}.{name}

-- set_mode
set sql_mode = %s

-- mode
select @@sql_mode

-- make_like
create table {there}.{name} like {here}.{name}

-- make_view
-- Not one that can be written to: what is here is another's.
create algorithm = temptable view {there}.{name} as select * from {here}.{name}
