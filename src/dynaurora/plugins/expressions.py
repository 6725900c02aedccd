"""The expressions of a declaration (``sql=…``): the one SQL in it that its author wrote."""

from collections.abc import Iterator

from dynaurora.plugins.contract import Plugin
from dynaurora.plugins.rules import Written
from dynaurora.plugins.statements import dialect_of


def expressions(plugin: Plugin) -> Iterator[Written]:
    """Each as a statement that reads it from its relation, as the table's own statement does."""
    for table in plugin.tables.values():
        for column in table.columns:
            if column.expression is not None and not column.name.startswith("_"):
                relation = dialect_of(plugin.engine).quoted(table.relation)
                text = f"select {column.expression}\nfrom {relation}"
                yield Written("insert_table_queries", column.name, text, plugin.engine)
