"""A preview on a load machine, and what its server holds before and after it."""

from dynaurora.operations.preview import preview
from support.items import TABLE

CATALOG = (
    "select oid, relname, relnamespace, relkind, relfilenode, relowner, relacl from pg_class",
    "select oid, nspname from pg_namespace",
    "select attrelid, attname, atttypid, attnum, attidentity, attisdropped from pg_attribute",
    "select oid, conname, conrelid from pg_constraint",
    "select indexrelid, indrelid, indisvalid from pg_index",
    "select oid, typname, typnamespace from pg_type",
    "select oid, proname from pg_proc",
    "select oid, tgname from pg_trigger",
    "select classid, objid, refclassid, refobjid, deptype from pg_depend",
    "select schemaname, sequencename, last_value from pg_sequences",
    "select locktype, classid, objid from pg_locks where locktype = 'advisory'",
)


def everything(machine):
    """What the server holds: its catalog, and every row of every table of ours."""
    if machine.engine == "mysql":
        return everything_on_mysql(machine)
    found = {query: sorted(map(str, machine.rows(query))) for query in CATALOG}
    for schema, name in machine.rows(
        "select schemaname, tablename from pg_tables "
        "where schemaname not in ('pg_catalog', 'information_schema')"
    ):
        query = f'select t::text from "{schema}"."{name}" as t'
        found[schema, name] = sorted(machine.rows(query))
    return found


def everything_on_mysql(machine):
    found = {
        "databases": sorted(machine.rows("select schema_name from information_schema.schemata"))
    }
    found["settings"] = machine.rows(
        "select database(), @@innodb_lock_wait_timeout, @@lock_wait_timeout, @@sql_mode, "
        "@@foreign_key_checks"
    )
    for schema, name in machine.rows(
        "select table_schema, table_name from information_schema.tables "
        "where table_schema not in ('mysql', 'information_schema', 'performance_schema', 'sys')"
    ):
        shown = machine.rows(f"show create table `{schema}`.`{name}`")
        found[schema, name] = shown, sorted(machine.rows(f"select * from `{schema}`.`{name}`"))
    for what in ("triggers", "routines", "events"):
        found[what] = machine.rows(f"select count(*) from information_schema.{what}")
    return found


def previewed(machine, *lines, is_as_new=False, table=TABLE, bodies=lambda _: None):
    with machine.database.session() as engine:
        return preview(
            engine,
            machine._plugins.plugin(table),
            lines,
            is_as_new=is_as_new,
            still_makes=lambda _table, _sql_table: True,
            bodies=bodies,
        )


def difference(found, table=TABLE):
    (one,) = [each for each in found.differences if each.table == table]
    return one
