"""Elsewhere: a database of its own on the same server, for what MySQL would not undo.

    hold the lock of a new name
      make <database>_preview_<8 hex>, and look names up in it from now on
      …  whatever is to leave nothing behind: CREATE, ALTER, rows
      drop it
    let the lock go

MySQL commits at every CREATE and ALTER, so a transaction is not enough. A session that is lost, or
a process that is killed, leaves its database; the lock went with the session, and so the next one
knows it, and drops it. `<name>_metadata` beside it is for whoever wants the metadata there.
"""

import re
import secrets
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Final

from dynaurora.errors import (
    DatabaseAway,
    DatabaseError,
    DatabaseUnknown,
    DynauroraError,
    SettingsError,
    StatementRefused,
)
from dynaurora.log import log
from dynaurora.plugins.tokens import tokens
from dynaurora.ports import Connection
from dynaurora.sql.dialect import Dialect
from dynaurora.sql.queries import Queries

_MOST_OF_NAME: Final = 38
"""Characters of the database's own name that are kept: a name has 64.
https://dev.mysql.com/doc/refman/8.0/en/identifier-length.html"""

_METADATA: Final = "_metadata"
_NOT_ALLOWED: Final = frozenset({"1044", "1142", "1227"})
"""https://dev.mysql.com/doc/mysql-errors/8.0/en/server-error-reference.html"""

_DEFINER: Final = re.compile(r"\bDEFINER\s*=\s*(`(?:[^`]|``)*`|\S+?)@(`(?:[^`]|``)*`|\S+)\s*")


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """A database of its own, in which the session is.

    here, there, metadata: names as they are: of the connection's database, of this one, and of the
    one that metadata may be made in.
    """

    connection: Connection
    dialect: Dialect
    here: str
    there: str
    metadata: str

    def run(self, name: str, table: str = "") -> None:
        """Run a statement of `mysql_elsewhere.sql`."""
        self.connection.execute(self.filled(_statements(self.dialect)[name], table))

    def filled(self, statement: str, table: str = "") -> str:
        """With the names of the databases, and of a table or a function."""
        names = {"here": self.here, "there": self.there, "name": table}
        for place, found in names.items():
            statement = statement.replace(f"{{{place}}}", self.dialect.quoted(found))
        return statement

    def tables(self) -> dict[str, bool]:
        """The tables of the connection's database, and whether each is a view."""
        statement = _statements(self.dialect)["tables"]
        return {name: bool(is_view) for name, is_view in self._fetch(statement, self.here)}

    def databases(self) -> frozenset[str]:
        """Those of the server, in lower case."""
        return frozenset(
            name.lower() for (name,) in self._fetch(_statements(self.dialect)["databases"])
        )

    def named(self, statements: Iterable[str]) -> frozenset[str]:
        """Every word and quoted name of these statements, in lower case."""
        return frozenset(
            token.text.lower()
            for statement in statements
            for token in tokens(statement, "mysql")
            if token.kind in ("word", "quoted")
        )

    def show(self, named: Collection[str], but: Collection[str]) -> None:
        """Make what is named, empty, as it is there; but not these."""
        left_out = {name.lower() for name in but}
        for name, is_view in self.tables().items():
            if name.lower() in named and name.lower() not in left_out:
                self.run("make_view" if is_view else "make_like", name)

    def copy_functions(self, named: Collection[str]) -> None:
        """Make those of the functions that are named; raises ``SettingsError`` where it may not."""
        said = _statements(self.dialect)
        for name, mode in self._fetch(said["functions"], self.here):
            if name.lower() in named:
                ((_, _, text, *_),) = self._fetch(self.filled(said["show_function"], name))
                self.make(f"the function {name}", without_definer(text or ""), mode)

    def make(self, what: str, statement: str, sql_mode: str) -> None:
        """Make what is there here, too; raises ``SettingsError`` where the user may not.

        statement: "" where the server does not show it.
        """
        if not statement:
            raise _not_made(what, "the user may not see it")
        try:
            with self.mode(sql_mode):
                self.connection.execute(statement)
        except (DatabaseUnknown, StatementRefused) as error:
            raise _not_made(what, error.found) from error

    @contextmanager
    def mode(self, sql_mode: str) -> Iterator[None]:
        """Statements are read as in this mode."""
        said = _statements(self.dialect)
        ((before,),) = self._fetch(said["mode"])
        self.connection.execute(said["set_mode"], [sql_mode])
        try:
            yield
        finally:
            self.connection.execute(said["set_mode"], [before])

    def _fetch(self, statement: str, *parameters: str) -> list[tuple[str, ...]]:
        return self.connection.fetch(statement, parameters)


@contextmanager
def elsewhere(connection: Connection, dialect: Dialect) -> Iterator[Elsewhere]:
    """Inside, the session is in a new, empty database; in the end it is gone.

    Not in a transaction. Raises ``SettingsError`` where the user may make no database.
    """
    said = _statements(dialect)
    ((here, session, kind),) = connection.fetch(said["here"])
    _remove_left(connection, dialect, here)
    number = secrets.token_hex(4)
    there = preview_prefix(here) + number
    found = Elsewhere(connection, dialect, here, there, there + _METADATA)
    connection.fetch(said["hold"], [number])
    connection.execute(said["limits"])
    made: Collection[str] = (found.there, found.metadata)
    try:
        try:
            connection.execute(found.filled(said["make"].replace("{kind}", kind)))
        except DatabaseError as error:
            made = ()
            raise _refused(found, error) from error
        found.run("go_there")
        yield found
    finally:
        _leave(found, session, number, made)


@contextmanager
def limited(connection: Connection, dialect: Dialect) -> Iterator[None]:
    """Inside, nothing waits for more than 5 seconds or takes more than 30."""
    said = _statements(dialect)
    connection.execute(said["limits"])
    try:
        yield
    finally:
        with suppress(DatabaseAway):
            connection.execute(said["limits_as_before"])


def without_definer(text: str) -> str:
    """What SHOW CREATE answers, for whoever runs it now."""
    return _DEFINER.sub("", text, count=1)


def _not_made(what: str, why: str) -> SettingsError:
    return SettingsError(
        what,
        f"it cannot be made again in a database of its own: {why}",
        "what the load would meet",
        "Grant the user the right to it; or preview with --scratch, and check with --engine mysql.",
    )


def _leave(found: Elsewhere, session: int, number: str, made: Collection[str]) -> None:
    """Drop what was made, by a new session where the old one is lost, which is ended."""
    connection, said = found.connection, _statements(found.dialect)
    try:
        if not connection.is_healthy():
            raise DatabaseAway("the database", "it does not answer")
        if connection.fetch(said["session"]) != [(session,)]:
            with suppress(DatabaseError):  # it has ended
                connection.execute(said["end_session"], [session])
        found.run("go_back")
        for name in made:
            replace(found, there=name).run("drop")
        if connection.fetch(said["session"]) == [(session,)]:
            connection.execute(said["limits_as_before"])
            connection.fetch(said["let_go"], [number])
    except DatabaseError as error:
        log(
            "warning",
            f"the database {found.there} is left: {error.found}; the next preview or check "
            "removes it",
        )


def _remove_left(connection: Connection, dialect: Dialect, here: str) -> None:
    """Drop what was left by others whose session is no more."""
    said = _statements(dialect)
    name = re.compile(re.escape(preview_prefix(here)) + rf"([0-9a-f]{{8}})({_METADATA})?")
    for (database,) in connection.fetch(said["databases"]):
        left = name.fullmatch(database)
        if left is None or connection.fetch(said["hold"], [left[1]]) != [(1,)]:
            continue
        try:
            Elsewhere(connection, dialect, here, database, "").run("drop")
        except DatabaseError as error:
            log("warning", f"the database {database} was left, and is not dropped: {error.found}")
        finally:
            connection.fetch(said["let_go"], [left[1]])


def _refused(found: Elsewhere, error: DatabaseError) -> DynauroraError:
    if error.code not in _NOT_ALLOWED:
        return error
    pattern = found.there[: -len("00000000")].replace("_", r"\_")
    return SettingsError(
        f"the database {found.there}",
        "the user may not make it, and MySQL would not undo what is done in another",
        f"the rights to databases called `{pattern}%`",
        f"grant all on `{pattern}%`.* to the user; or preview with --scratch, on a server of "
        "its own, and check with --engine mysql, without one.",
    )


def preview_prefix(here: str) -> str:
    """What the names of such databases beside one begin with."""
    return f"{here[:_MOST_OF_NAME]}_preview_"


def preview_names(here: str) -> tuple[str, ...]:
    """Names that such databases beside one can have; the others match what these match."""
    prefix = preview_prefix(here)
    return tuple(
        f"{prefix}{number}{after}" for number in ("0" * 8, "f" * 8) for after in ("", _METADATA)
    )


def _statements(dialect: Dialect) -> Queries:
    return Queries(f"{dialect.engine}_elsewhere.sql", "")
