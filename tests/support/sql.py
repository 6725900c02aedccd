"""Ways in which a database refuses."""


def raising(machine, code, *, table="items", word="bad"):
    """A trigger that refuses a row whose ``v`` is the word, with this code, saying what it is."""
    machine.execute(
        f"""create or replace function refuse() returns trigger language plpgsql as $$
            begin
              if new.v = '{word}' then
                raise exception 'it holds %', new.v using errcode = '{code}';
              end if;
              return new;
            end $$"""
    )
    machine.execute(
        f"create or replace trigger refuse before insert or update on {table} "
        "for each row execute function refuse()"
    )
