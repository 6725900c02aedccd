The statements of `dynaurora bootstrap`, for MySQL 8.0 (Aurora MySQL 3) and MariaDB 10.6 and newer,
run by an administrator. Each may run again. Names stand in braces, quoted; those of a grant are
patterns, in which "_" is escaped. {rights} is what a load, a plugin's CREATE and DROP and a trial do.

-- has_user
select 1 from mysql.user where user = %s and host = '%%'

-- make_user
-- A user without a password may sign in: this one may not, until it has one.
create user {user}@'%' account lock

-- let_sign_in
alter user {user}@'%' account unlock

-- password_of
-- A statement that no value can be bound to, with the value in it.
select concat('alter user ''', replace(%s, '''', ''''''), '''@''%%'' identified by ', quote(%s))

-- let_iam_vouch
-- https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/UsingWithRDS.IAMDBAuth.DBAccounts.html
alter user {user}@'%' identified with AWSAuthenticationPlugin as 'RDS' require ssl

-- allow_here
create database if not exists {database}

-- allow_metadata_schema
create database if not exists {metadata} default character set utf8mb4 collate utf8mb4_bin

-- allow_tables
grant {rights} on {database_pattern}.* to {user}@'%'

-- allow_metadata
grant {rights} on {metadata_pattern}.* to {user}@'%'

-- allow_previews
grant {rights} on {preview_pattern}.* to {user}@'%'
