"""Evolving: the SQL tables of a changed plugin follow its declarations, before it is loaded.

A load of the plugin as it was may run meanwhile: it finds the columns that it knows. One that holds
a lock for long is waited for briefly; then the change is a race, and is tried with the next load.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from dynaurora.errors import PluginError, RowRefused, StatementRefused
from dynaurora.log import log
from dynaurora.plugins.contract import Plugin
from dynaurora.plugins.evolution import EvolutionRefused, alterations, found_columns
from dynaurora.plugins.statements import statements_of
from dynaurora.plugins.tables import SqlTable
from dynaurora.ports import Connection
from dynaurora.sql.queries import Queries


def pending_alterations(connection: Connection, plugin: Plugin) -> list[list[str]]:
    """The statements that would bring the tables that are there to what is declared, by table.

    Raises ``PluginError`` for what would lose data, with the SQL that would do it.
    """
    found = (_of_table(connection, plugin, table) for table in plugin.tables.values())
    return [statements for statements in found if statements]


def evolve(connection: Connection, queries: Queries, plugin: Plugin) -> None:
    """Alter the tables that are there. Raises ``PluginError``, and ``LoadRace`` where a lock is not
    to be had soon."""
    for statements in pending_alterations(connection, plugin):
        with _told(plugin, statements), _impatient(connection, queries):
            for statement in statements:
                connection.execute(statement)
        log("info", "an SQL table was altered", table=plugin.table, statements=statements)


@contextmanager
def _impatient(connection: Connection, queries: Queries) -> Iterator[None]:
    """A transaction that waits for a lock no longer than others may wait behind it."""
    try:
        with connection.transaction():
            connection.execute(queries["wait_briefly"])
            yield
    finally:
        connection.execute(queries["wait_as_before"])


def _of_table(connection: Connection, plugin: Plugin, table: SqlTable) -> list[str]:
    said = statements_of(plugin.engine)
    found = found_columns(connection.fetch(said.columns_of(table.name)))
    if not found:
        return []
    try:
        return alterations(table, found, said)
    except EvolutionRefused as error:
        raise _refused(plugin, error) from None


@contextmanager
def _told(plugin: Plugin, statements: Sequence[str]) -> Iterator[None]:
    """What the database refuses is for a person, who is told what it was."""
    try:
        yield
    except RowRefused as error:
        raise PluginError(
            f"{plugin.path}, required=True",
            f"rows that are there have no value of it ({error.code})",
            "a value in every row",
            f"Leave required=True out, `dynaurora replay {plugin.table} --anew`, then put it back.",
        ) from error
    except StatementRefused as error:
        raise PluginError(
            str(plugin.path),
            f"the database answers {error.code} to `{'; '.join(statements)}`: {error.found}",
            "a table that it can alter",
            f"Drop what stands upon it, such as a view; then `dynaurora unpark {plugin.table}`.",
        ) from error


def _refused(plugin: Plugin, error: EvolutionRefused) -> PluginError:
    table = plugin.table
    fill = f"`dynaurora unpark {table}` and `dynaurora replay {table} --anew`, which fills it from "
    if error.loss:
        remedy = f"Declare it as it was; or run `{error.loss}`, then {fill}the archive."
    else:
        remedy = (
            f"Declare it as it was; or `dynaurora drop {table}`, `dynaurora unpark {table}` and "
            f"`dynaurora replay {table}`, which fills it from the archive."
        )
    return PluginError(f"{plugin.path}, {error.place}", error.found, error.expected, remedy)
