"""Ways in which a database refuses, and what it answers then."""

_MYSQL = {
    "22012": ("1365",),
    "22003": ("1264",),
    "23502": ("1048",),
    "23503": ("1452", "1451"),
    "23505": ("1062",),
    "23514": ("4025", "3819"),  # MariaDB's and MySQL's
    "P0001": ("3819",),  # whoever raises without a number is a plugin's fault: 1644
    "21000": ("1644",),
    "42601": ("1064",),
    "42P01": ("1146",),
    "42703": ("1054",),
    "40001": ("1213",),
    "40P01": ("1213",),
    "55P03": ("1205",),
    "53200": ("1040",),
    "57014": ("1053",),
    "XX000": ("1105",),
    "ZZ001": ("65000",),
    "P0002": ("1329",),
    "54011": ("1113",),
}
"""What MySQL and MariaDB answer where PostgreSQL answers so."""


def codes(machine, sqlstate):
    """The codes, any of which the engine of the machine may answer there."""
    return (sqlstate,) if machine.engine == "postgresql" else _MYSQL[sqlstate]


def raising(machine, code, *, table="items", word="bad", condition=""):
    """A trigger that refuses a row whose ``v`` is the word, with this code, saying what it is.

    code: PostgreSQL's. condition: another that ``v`` has to meet.
    """
    condition = condition or f"= '{word}'"
    (code, *_) = codes(machine, code)
    if machine.engine == "mysql":
        for event in ("insert", "update"):
            machine.execute(f"drop trigger if exists refuse_{event}")
            machine.execute(
                f"create trigger refuse_{event} before {event} on {table} for each row begin "
                f"if new.v {condition} then signal sqlstate '45000' "
                f"set mysql_errno = {code}, message_text = 'it holds {word}'; end if; end"
            )
        return
    machine.execute(
        f"""create or replace function refuse() returns trigger language plpgsql as $$
            begin
              if new.v {condition} then
                raise exception 'it holds %', new.v using errcode = '{code}';
              end if;
              return new;
            end $$"""
    )
    machine.execute(
        f"create or replace trigger refuse before insert or update on {table} "
        "for each row execute function refuse()"
    )


def refusing_no_more(machine, table="items"):
    """Drop the trigger."""
    if machine.engine == "mysql":
        machine.execute("drop trigger refuse_insert")
        machine.execute("drop trigger refuse_update")
    else:
        machine.execute(f"drop trigger refuse on {table}")
