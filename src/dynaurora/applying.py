"""Applying: the plugin's statements, run for all winners of a load, or for a part of them.

A part is some rows with neighbouring numbers: each winner is a row, and where the plugin reads
``changes``, each other change is one, too. Each run is all or nothing. The relations show a part as
they showed the whole, so the same statements are run for it.
"""

from collections.abc import Mapping, Sequence

from dynaurora.errors import PluginError, RowRefused, StatementRefused
from dynaurora.halving import Refusal
from dynaurora.plugins.contract import Plugin
from dynaurora.ports import Connection
from dynaurora.sql.dialect import Dialect
from dynaurora.sql.queries import Queries
from dynaurora.staging import Relation


class Application:
    """A plugin and the relations of one load, which hold its winners and nothing else."""

    def __init__(
        self,
        connection: Connection,
        dialect: Dialect,
        queries: Queries,
        plugin: Plugin,
        relations: Sequence[Relation],
    ) -> None:
        self._connection = connection
        self._dialect = dialect
        self._queries = queries
        self._plugin = plugin
        self._relations = relations
        self._replaced = {
            name: table.column_names
            for name, table in sorted(plugin.tables.items())
            if plugin.names(f"replaced_{name}")
        }
        self._written: int | None = 0

    def create_replaced(self) -> None:
        """Make the relations that hold what the tables held before."""
        for table, columns in self._replaced.items():
            self._connection.execute(self._dialect.create_replaced(table, columns))

    def run(self, before: Sequence[str] = ()) -> int:
        """Run every statement of the plugin on what the relations show, all or nothing.

        before: statements that say what the relations show.
        The number of rows that the plugin touched. Raises ``RowRefused``, with the session as it
        was; and ``PluginError`` for a statement that is refused whatever the row.
        """
        fills = [
            self._dialect.fill_replaced(table, columns, self._plugin.key)
            for table, columns in self._replaced.items()
        ]
        head = [*before, self._queries["begin_part"], *fills]
        tail = [self._queries["set_constraints"], self._queries["end_part"]]
        try:
            done = self._connection.execute_all([*head, *self._plugin.insert, *tail])
        except RowRefused as error:
            self._connection.execute_all([self._queries["undo_part"], self._queries["end_part"]])
            error.done = error.done[len(head) :]
            raise
        except StatementRefused as error:
            number = len(error.done) - len(head)
            if 0 <= number < len(self._plugin.insert):
                raise self._broken(number, error) from error
            raise
        return sum(done[len(head) :])

    def divide(self) -> int:
        """From now on the relations show the part that is taken; the number of rows."""
        has_changes = any(relation.name == "changes" for relation in self._relations)
        rows = self._connection.execute(
            self._dialect.number_rows(self._plugin.key, has_changes=has_changes)
        )
        divided = [
            self._dialect.divide(relation.name, [column.name for column in relation.columns])
            for relation in self._relations
        ]
        divided += [self._dialect.divide_replaced(*found) for found in self._replaced.items()]
        self._connection.execute_all([statement for found in divided for statement in found])
        if self._plugin.is_row_wise:
            self._connection.execute(self._queries["prefer_indexes"])
        self._written = self._rows_written()
        return rows

    def take(self, first: int, end: int) -> Refusal | None:
        """Run the plugin for the rows from the first number up to, and without, the second."""
        # What was applied before has made the deferred constraints immediate.
        relations = {
            relation.name: [column.name for column in relation.columns]
            for relation in self._relations
        }
        part = self._dialect.take_part(first, end, relations, self._replaced.keys())
        part.append(self._queries["defer_constraints"])
        try:
            written = self.run(part)
        except RowRefused as error:
            row = self._row_of(error)
            return Refusal(error, None if row is None else first + row)
        if self._written is not None:
            self._written += written
        return None

    def _row_of(self, error: RowRefused) -> int | None:
        """Which row of the part the engine seems to have stopped at: as its message says, or as
        many as it has written since the last part."""
        before, self._written = self._written, self._rows_written()
        if self._written is None or before is None:
            return self._dialect.row_of(error.found)
        return self._written - before - sum(error.done)

    def refused_winners(self, errors: Mapping[int, RowRefused]) -> dict[bytes, RowRefused]:
        """Those of the rows that are winners, by their keys."""
        rows = self._connection.fetch(self._queries["numbered_keys"], [list(errors)])
        return {self._dialect.key_bytes(key): errors[number] for number, key in rows}

    def _rows_written(self) -> int | None:
        statement = self._dialect.rows_written(self._plugin.sql_tables)
        if statement is None:
            return None
        ((rows,),) = self._connection.fetch(statement)
        return int(rows)

    def _broken(self, number: int, error: StatementRefused) -> PluginError:
        remedy = "Correct the plugin; the table's objects wait and are loaded then."
        if error.code in self._dialect.OLD_TABLE_CODES:
            remedy = (
                "If a table of your own SQL was made before the plugin was changed, add an "
                "`alter table` to create_table_queries, or drop the table, unpark and replay it "
                "(docs/plugins.md, Changing a plugin). Its objects wait and are loaded then."
            )
        from dynaurora.plugins.refused import place_of  # noqa: PLC0415 - only for what is wrong

        return PluginError(
            place_of(self._plugin, "insert", number, error),
            f"the database answers {error.code}: {error.found}",
            "a statement that it accepts",
            remedy,
        )
