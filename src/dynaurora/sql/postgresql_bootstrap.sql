The statements of `dynaurora bootstrap`, for PostgreSQL 15 and newer, run by an administrator.
Each may run again. Names stand in braces, quoted; {schema} is that of the tables.

-- has_user
select 1 from pg_roles where rolname = %s

-- make_user
create role {user}

-- let_sign_in
alter role {user} login

-- password_of
-- A statement that no value can be bound to, with the value in it.
select format('alter role %%I password %%L', %s::text, %s::text)

-- let_iam_vouch
-- https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/UsingWithRDS.IAMDBAuth.DBAccounts.html
grant rds_iam to {user}

-- allow_here
-- Its own schema, for the metadata, and one that goes again when plugins are planned or previewed.
grant connect, create, temporary on database {database} to {user}

-- allow_tables_schema
create schema if not exists {schema}

-- allow_tables
grant usage, create on schema {schema} to {user}

-- allow_tables_first
alter role {user} in database {database} set search_path = {schema}

-- is_like_user
-- Whether this administrator has what the user has: a superuser, or a member of it.
select pg_has_role(%s, 'usage')

-- act_as_user
-- Who hands something over has to be a member of who gets it.
-- https://www.postgresql.org/docs/current/sql-alterschema.html
grant {user} to current_user

-- act_as_oneself
revoke {user} from current_user

-- others_things
-- Whoever owns a schema may drop what is in it.
select count(*) from (
  select relnamespace, relowner from pg_class
  union all select pronamespace, proowner from pg_proc
  union all select typnamespace, typowner from pg_type
) as found (schema, owner)
where schema = %s::regnamespace and owner <> %s::regrole

-- hand_over_tables_schema
alter schema {schema} owner to {user}
