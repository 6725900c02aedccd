"""A table of names that SQL has to be told with care, and of every shape that a declaration has."""

from dynaurora import Table, column, rows

LONG = "the attributes of the parties that are billed for the shipment"

NASTY = Table(
    key=("user", "order-Id"),
    columns={
        "plain": "text",
        "user": "text",
        "order-Id": "numeric",
        "select": column("integer", index=True),
        'say "hi"': column("text", required=True),
        "größe": "numeric(12,2)",
        "camelCase": "text",
        "it's": "timestamptz",
        "short": column("text", sql='left("user", 3)'),
        "group": rows(
            "group[]",
            {
                "order": column("text", "$", index=True),
                "upper": column("text", sql='upper("order")'),
            },
        ),
        "names": rows("names{}", {"value": ("text", "$")}, at="language"),
        "tags": rows("tags{}", {}),
        "taxes": rows("lines[].taxes{}", {"rate": ("numeric", "$")}, at=("line", "tax")),
        "address": rows("$", {"street": ("text", "address.street")}),
        LONG: rows("parties[]", {"party": ("text", "$")}),
    },
    indexes=[("camelCase", "select"), ("select",)],
)

NASTY_KIND = Table(
    'order "kinds"',
    key=("user", "order-Id"),
    when={"plain": ("a*", "it's"), "order-Id": (1, 2)},
    deleted="mark",
    expired="remove",
    columns={
        "user": "text",
        "order-Id": "numeric",
        "select": "integer",
        "upper": column("text", sql='upper("user")'),
        "group": rows("group[]", {"order": ("text", "$")}),
        LONG: rows("parties[]", {"party": ("text", "$")}),
    },
)
"""One of several Tables of a plugin."""

NASTY_HISTORY = Table(
    LONG,
    key=("user", "order-Id"),
    expired="keep",
    history=True,
    columns={
        "user": "text",
        "order-Id": "numeric",
        "select": column("integer", required=True),
        "upper": column("text", sql='upper("user")'),
    },
)
"""One that keeps every version, and whose names have to be cut."""
