"""The server: what it is, and what its user may do there."""

from dynaurora.operations.desk import Desk, Facts


def describe_server(desk: Desk) -> Facts:
    """What answers, whether the way to it is encrypted, and the rights that are missing: see
    `dynaurora.operations.rights.lacking`."""
    connection, queries = desk.engine.connection, desk.engine.queries
    ((version, user, may_make_tables, may_make_metadata),) = connection.fetch(queries["server"])
    cipher = [value for _, value in connection.fetch(queries["encryption"])]
    facts = {
        "product": "MariaDB" if "MariaDB" in version else desk.engine.dialect.product,
        "version": version,
        "user": user,
        "is_encrypted": any(cipher),
    }
    if may_make_tables is None:  # MySQL has no question for it
        from dynaurora.operations.rights import lacking  # noqa: PLC0415 - a sweep needs none of it

        return facts | lacking(desk)
    rights = {
        "make tables in the first schema of its search path": may_make_tables,
        "make or use the schema of the metadata": may_make_metadata,
    }
    return facts | {"lacks": [right for right, is_there in rights.items() if not is_there]}
