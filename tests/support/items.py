"""A small table, `items`, in the ways a plugin can be written, and its changes."""

from support.load import line

TABLE = "items"

DECLARED = """
    from dynaurora import Table

    items = Table(key="id", columns={"id": "text", "v": "text", "n": "numeric(5,2)"})
"""

WITH_ROWS = """
    from dynaurora import Table, rows

    items = Table(
        key="id",
        columns={
            "id": "text",
            "v": "text",
            "tags": rows("tags[]", {"tag": ("text", "$")}),
        },
    )
"""

WITH_HISTORY = """
    key = "id"
    columns = {"id": "text", "v": "text", "n": "numeric(5,2)"}
    create_table_queries = [
        {
            "postgresql": "create table if not exists items (id text primary key, v text)",
            "mysql": "create table if not exists items (id varchar(255) primary key, v longtext)",
        },
        {
            "postgresql": '''create table if not exists versions (
                id text, _version numeric(57), v text, deleted boolean, expired boolean,
                primary key (id, _version))''',
            "mysql": '''create table if not exists versions (
                id varchar(255), _version decimal(57), v longtext, deleted boolean, expired boolean,
                primary key (id, _version))''',
        },
    ]
    insert_table_queries = [
        {
            "postgresql": '''insert into items select id, v from staged
                             on conflict (id) do update set v = excluded.v''',
            "mysql": '''insert into items select * from (select id, v from staged) as n
                        on duplicate key update v = n.v''',
        },
        {
            "postgresql": "delete from items as t using removed as r where t.id = r.id",
            "mysql": "delete t from items as t join removed as r on t.id = r.id",
        },
        {
            "postgresql": '''insert into versions
                             select id, _version, v, _deleted, _expired from changes
                             on conflict do nothing''',
            "mysql": '''insert into versions select * from (
                          select id, _version, v, _deleted, _expired from changes) as n
                        on duplicate key update id = versions.id''',
        },
    ]
    drop_table_queries = ["drop table if exists items", "drop table if exists versions"]
    select_table_queries = {}
"""

WITH_SUM = """
    from dynaurora import Table

    items = Table(key="id", columns={"id": "text", "g": "text", "n": "numeric(12,2)"})

    create_table_queries = [
        items,
        {
            "postgresql": '''create table if not exists sums (
                g text primary key, n numeric not null, items int)''',
            "mysql": '''create table if not exists sums (
                g varchar(255) primary key, n decimal(40,2) not null, items int)''',
        },
    ]
    insert_table_queries = [
        items,
        {
            "postgresql": '''insert into sums
                select g, sum(n), sum(one) from (
                  select g, n, 1 as one from staged
                  union all select g, -n, -1 from replaced_items
                ) as d where g is not null group by g order by g
                on conflict (g) do update
                set n = sums.n + excluded.n, items = sums.items + excluded.items''',
            "mysql": '''insert into sums select * from (
                  select g, sum(n) as n, sum(one) as items from (
                    select g, n, 1 as one from staged
                    union all select g, -n, -1 from replaced_items
                  ) as d where g is not null group by g
                ) as added order by g
                on duplicate key update n = sums.n + added.n, items = sums.items + added.items''',
        },
    ]
    drop_table_queries = [items, "drop table if exists sums"]
"""
"""An aggregate kept by difference: a change that is applied twice shows in it for ever."""


def put(seq, item_id, **attributes):
    """The line of a put. Attributes: text is S, a number N, a list of texts L; or DynamoDB JSON.

    ``fields`` replaces fields of the line.
    """
    fields = attributes.pop("fields", {})
    image = {name: _value(value) for name, value in attributes.items()}
    return line(TABLE, seq, {"id": {"S": item_id}}, image, **fields)


def delete(seq, item_id, **fields):
    return line(TABLE, seq, {"id": {"S": item_id}}, **fields)


def _value(value):
    if isinstance(value, dict):
        return value
    if isinstance(value, list):
        return {"L": [{"S": text} for text in value]}
    return {"S": value} if isinstance(value, str) else {"N": str(value)}
