"""Planning: a server reads a plugin and says what it thinks of it; nothing stays there.

    begin
      make a schema, and let it come first where names are looked up
      run the create statements in it
      make the relations of a load, empty
      plan (EXPLAIN) each insert and select statement, run each drop statement
    roll back

So every name and every type is resolved as a load would, and no row is read or written. Tables that
are there under the same names are not looked at. Whoever may not make a schema has temporary tables
instead.

MySQL commits at every CREATE: there it is a database of its own (`dynaurora.elsewhere`), in which
the tables that the statements name are made empty, as they are. A statement that would reach beyond
it is not run.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from functools import partial
from itertools import islice

from dynaurora.elsewhere import elsewhere, limited
from dynaurora.errors import (
    DatabaseAway,
    DatabaseError,
    LoadRace,
    PluginError,
    StatementRefused,
)
from dynaurora.metadata.evolving import pending_alterations
from dynaurora.plugins.beyond import beyond
from dynaurora.plugins.contract import Engine, Plugin
from dynaurora.plugins.inspection import Problem, problem_of
from dynaurora.plugins.loading import Reading, finding_error
from dynaurora.plugins.places import Source, where
from dynaurora.plugins.rules import Finding, StatementList
from dynaurora.plugins.tokens import tokens
from dynaurora.ports import Connection
from dynaurora.sql.dialect import Dialect
from dynaurora.sql.queries import Queries
from dynaurora.staging import Staging


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server has against a statement, and from which of its characters on.

    is_run: False where the server was not asked, for the reason that the error tells.
    """

    list: StatementList
    statement: str
    offset: int
    error: DatabaseError
    is_run: bool = True


class _NothingStays(Exception):
    """Ends a transaction, whatever was done in it."""


@contextmanager
def _undone(connection: Connection) -> Iterator[None]:
    """A transaction of which nothing stays."""
    with suppress(_NothingStays), connection.transaction():
        yield
        raise _NothingStays


def answers(
    connection: Connection, dialect: Dialect, queries: Queries, plugin: Plugin
) -> list[Answer]:
    """What the server has against the plugin's statements.

    Raises ``DatabaseError`` where it has not come to a statement.
    """
    planning = _Planning(connection, dialect, queries, plugin)
    if dialect.undoes_definitions:
        with _undone(connection):
            return list(planning.answers())
    return list(planning.answers_elsewhere())


def problems(
    connection: Connection, dialect: Dialect, queries: Queries, reading: Reading
) -> list[Problem]:
    """The same as lines of the list, each with its place in the plugin's file."""
    found = answers(connection, dialect, queries, reading.plugin)
    return [_problem(reading, answer, dialect) for answer in found]


def misfits(
    connection: Connection, dialect: Dialect, queries: Queries, reading: Reading
) -> list[Problem]:
    """Where the tables that are there are older than a plugin by hand, which nobody alters for it.

    Of a plugin that alters a table itself nothing can be said: it may not have run yet.
    """
    plugin = reading.plugin
    if plugin.tables or any(map(partial(_alters, engine=plugin.engine), plugin.create)):
        return []
    limits = nullcontext() if dialect.undoes_definitions else limited(connection, dialect)
    with limits, _undone(connection):
        found = list(_Planning(connection, dialect, queries, plugin).misfits())
    return [
        Problem(
            _where(reading, answer, ""),
            f"the table that is there does not fit: {answer.error.found}",
            "Add an `alter table` to create_table_queries (docs/plugins.md, Changing a plugin).",
            is_error=False,
        )
        for answer in found
        if answer.error.code in dialect.OLD_TABLE_CODES
    ]


def _alters(statement: str, engine: Engine) -> bool:
    return [token.text for token in islice(tokens(statement, engine), 2)] == ["alter", "table"]


def alterations(connection: Connection, plugin: Plugin) -> list[Problem]:
    """What the plugin's next load would alter in the tables that are there, or cannot."""
    path = str(plugin.path)
    try:
        pending = pending_alterations(connection, plugin)
    except PluginError as error:
        return [problem_of(error)]
    return [
        Problem(
            path,
            f"its next load alters a table: {_in_one_line(statements)}",
            f"`dynaurora replay {plugin.table} --anew` fills what is new.",
            is_error=False,
        )
        for statements in pending
    ]


def _in_one_line(statements: Sequence[str]) -> str:
    return "; ".join(statements).replace("\n ", "")


class _Planning:
    """One plugin on one server, inside the transaction."""

    def __init__(
        self, connection: Connection, dialect: Dialect, queries: Queries, plugin: Plugin
    ) -> None:
        self._connection = connection
        self._dialect = dialect
        self._queries = queries
        self._plugin = plugin

    def answers(self) -> Iterator[Answer]:
        """In a transaction that is undone."""
        schema = self._begin()
        created = list(self._refused("create_table_queries", self._plugin.create))
        yield from created
        if any(answer.error.code not in self._dialect.UNPLANNED_CODES for answer in created):
            return  # what else is wrong may follow from it
        yield from self._planned()
        self._connection.fetch(self._queries["planning_path"], [schema])
        yield from self._refused("drop_table_queries", self._plugin.drop)

    def answers_elsewhere(self) -> Iterator[Answer]:
        """In a database of its own, where each CREATE and DROP commits."""
        plugin = self._plugin
        with elsewhere(self._connection, self._dialect) as place:
            named = place.named([*plugin.create, *plugin.insert, *plugin.select.values()])
            place.show(named, but=plugin.sql_tables)
            place.copy_functions(named)
            databases = place.databases()
            created = list(self._run("create_table_queries", plugin.create, databases))
            yield from created
            if created:
                return
            with self._connection.transaction():  # the relations end with it
                yield from self._planned()
            yield from self._run("drop_table_queries", plugin.drop, databases)

    def misfits(self) -> Iterator[Answer]:
        """The same of the insert statements, on the tables that are there."""
        if self._dialect.undoes_definitions:
            self._connection.fetch(self._queries["planning_limits"])
        if not list(self._refused("insert_table_queries", self._relations())):
            yield from self._refused("insert_table_queries", self._plugin.insert, is_planned=True)

    def _planned(self) -> Iterator[Answer]:
        """What only reads and writes rows, in a transaction and on tables that are made."""
        plugin = self._plugin
        related = list(self._refused("insert_table_queries", self._relations()))
        yield from related
        if not related:
            yield from self._refused("insert_table_queries", plugin.insert, is_planned=True)
        yield from self._refused("select_table_queries", plugin.select.values(), is_planned=True)

    def _run(
        self, statements: StatementList, texts: Iterable[str], databases: Collection[str]
    ) -> Iterator[Answer]:
        """Outside a transaction, those that stay inside the database."""
        for text in texts:
            reason = beyond(text, self._plugin.engine, databases)
            if reason is not None:
                why, offset = reason
                yield Answer(statements, text, offset, StatementRefused("", why), is_run=False)
            else:
                yield from self._asked(statements, text, "", nullcontext())

    def _begin(self) -> str:
        """Make the schema; its name."""
        fetch = self._connection.fetch
        fetch(self._queries["planning_limits"])
        ((may_make_one,),) = fetch(self._queries["may_make_schemas"])
        if may_make_one:
            self._connection.execute(self._queries["planning_schema"])
        schema = "dynaurora_planning" if may_make_one else "pg_temp"
        fetch(self._queries["planning_path_first"], [schema])
        return schema

    def _relations(self) -> Iterator[str]:
        """The statements that make the relations of a load."""
        staging = Staging(self._plugin, self._dialect, lambda _: 0)
        for relation in staging.relations():
            yield self._dialect.create_relation(relation.name, relation.columns)
        for name, table in self._plugin.tables.items():
            if self._plugin.names(f"replaced_{name}"):
                yield self._dialect.create_replaced(name, table.column_names)

    def _refused(
        self, statements: StatementList, texts: Iterable[str], *, is_planned: bool = False
    ) -> Iterator[Answer]:
        for text in texts:
            has_plan = is_planned and not _shows(text, self._plugin.engine)
            before = self._dialect.EXPLAIN if has_plan else ""
            yield from self._asked(statements, text, before, self._connection.savepoint())

    def _asked(
        self, statements: StatementList, text: str, before: str, held: AbstractContextManager[None]
    ) -> Iterator[Answer]:
        try:
            with held:
                self._connection.execute(before + text)
        except DatabaseAway:
            raise
        except DatabaseError as error:
            offset = max(0, (error.position or 1) - 1 - len(before))
            yield Answer(statements, text, offset, error)


def _shows(statement: str, engine: Engine) -> bool:
    """Whether it tells of the server or of a plan, so that it has none itself."""
    first = next(tokens(statement, engine), None)
    return first is not None and first.text in ("show", "explain", "describe", "desc")


def _problem(reading: Reading, answer: Answer, dialect: Dialect) -> Problem:
    if not answer.is_run:
        found = f"it is not tried on the database: {answer.error.found}"
        remedy = "What it makes would stay; the plugin's first load runs it."
        at = _where(reading, answer, found)
        return Problem(at, found, remedy, is_error=False, is_undecided=True)
    found = f"the database answers {answer.error.code}: {answer.error.found}"
    at = _where(reading, answer, found)
    if answer.error.code in dialect.UNPLANNED_CODES:
        remedy = "It is not checked; the plugin's first load runs it."
        return Problem(at, found, remedy, is_error=False)
    if isinstance(answer.error, LoadRace):
        remedy = "Others hold what it reads: run the check again."
        return Problem(at, found, remedy, is_error=False, is_undecided=True)
    return Problem(at, found, "Correct the plugin.")


def _where(reading: Reading, answer: Answer, found: str) -> str:
    """``file:line:column`` of what the server points at, as far as the author wrote it."""
    path = reading.plugin.path
    for written in reading.written:
        if (written.list, written.text) == (answer.list, answer.statement):
            return finding_error(path, reading.data, Finding(written, answer.offset, found)).where
    place = Source(reading.data).expression(answer.statement, answer.offset)
    return where(path, *place)
