"""The load's user: made by an administrator, for the target tables and the metadata alone.

Run on the administrator's connection; doing it again changes nothing but the password.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from dynaurora.elsewhere import preview_prefix
from dynaurora.errors import DatabaseError, SettingsError
from dynaurora.etl import Engine
from dynaurora.operations.desk import Facts
from dynaurora.sql.queries import statements

PUBLIC: Final = "public"
"""Where PostgreSQL's tables are unless another schema is asked for."""

RIGHTS: Final = (
    "select, insert, update, delete, create, alter, drop, index, references, create view, "
    "show view, trigger, create routine, alter routine, execute, create temporary tables, "
    "lock tables"
)
"""https://dev.mysql.com/doc/refman/8.0/en/grant.html#grant-database-privileges"""

_NO_IAM: Final = frozenset({"42704", "1524", "1396"})
"""There is no such role (PostgreSQL), or no such plugin (MySQL; MariaDB says that it failed).
https://www.postgresql.org/docs/current/errcodes-appendix.html,
https://dev.mysql.com/doc/mysql-errors/8.0/en/server-error-reference.html"""

_NOT_ALLOWED: Final = "42501"
"""Of PostgreSQL, on the same page."""


@dataclass(frozen=True, slots=True)
class Loader:
    """The user that a load is.

    password: "" where there is none, as with IAM.
    is_iam: IAM vouches for it.
    database: of the target tables. metadata: the schema of the metadata, on MySQL a database.
    tables_schema: of the target tables on PostgreSQL.
    """

    user: str
    password: str = field(repr=False)
    is_iam: bool
    database: str
    metadata: str
    tables_schema: str = PUBLIC


def make_loader(engine: Engine, loader: Loader) -> Facts:
    """Make the user, and let it do its work. Raises ``SettingsError`` for one that cannot be.

    Facts: user, is_new, iam; is_owner: whether the schema of the tables is its own. It is not where
    others have something in it, too, or where it is not the administrator's to hand over.
    """
    most = engine.dialect.USER_BYTES
    if not 1 <= len(loader.user.encode()) <= most:
        raise SettingsError(
            "the load's user",
            f"{loader.user!r} is no name of one",
            f"1 to {most} bytes",
            "Name it in DYNAURORA_DATABASE_URL or in the secret.",
        )
    work = _Work(engine, loader)
    is_new = not work.fetch("has_user", loader.user)
    if is_new:
        work.run("make_user")
    _let_sign_in(work, loader)
    with _like_the_user(work):
        for name in work.names("allow_"):
            if name != "allow_tables_first" or loader.tables_schema != PUBLIC:
                work.run(name)
        is_owner = _hand_over(work)
    return {"user": loader.user, "is_new": is_new, "iam": loader.is_iam, "is_owner": is_owner}


@contextmanager
def _like_the_user(work: "_Work") -> Iterator[None]:
    """Meanwhile the administrator has the user's rights, who may own what is granted here.

    In one transaction, so that nobody else ever sees it: RDS lets no password in of who is, by way
    of another role, a member of rds_iam.
    https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/UsingWithRDS.IAMDBAuth.DBAccounts.html
    """
    if not work.names("act_") or work.fetch("is_like_user", work.loader.user) == [(True,)]:
        yield
        return
    with work.engine.connection.transaction():
        work.run("act_as_user")
        yield
        work.run("act_as_oneself")


def _hand_over(work: "_Work") -> bool:
    """Whether the user owns the schema of the tables, now or before.

    A database of MySQL has no owner; the user has all rights to its own.
    """
    if not work.names("hand_"):
        return True
    quoted = work.engine.dialect.quoted
    schema, user = quoted(work.loader.tables_schema), quoted(work.loader.user)
    if work.fetch("others_things", schema, user) != [(0,)]:
        return False
    try:
        with work.engine.connection.savepoint():
            work.run("hand_over_tables_schema")
    except DatabaseError as error:
        if error.code != _NOT_ALLOWED:
            raise
        return False
    return True


def _let_sign_in(work: "_Work", loader: Loader) -> None:
    """Only who has to prove who it is may sign in."""
    if loader.is_iam:
        _let_iam_vouch(work)
    elif loader.password:
        ((statement,),) = work.fetch("password_of", loader.user, loader.password)
        work.engine.connection.execute(statement)
    else:
        raise SettingsError(
            "the load's user",
            f"{loader.user} has no password",
            "one, in the secret of DYNAURORA_DATABASE_SECRET_ARN, or DYNAURORA_DATABASE_IAM",
            "Choose one of them and call again.",
        )
    work.run("let_sign_in")


def _let_iam_vouch(work: "_Work") -> None:
    try:
        work.run("let_iam_vouch")
    except DatabaseError as error:
        if error.code not in _NO_IAM:
            raise
        raise SettingsError(
            "DYNAURORA_DATABASE_IAM",
            "is on, and this server does not know IAM",
            "Aurora or RDS with IAM database authentication",
            "Turn it on there, or give user and password by DYNAURORA_DATABASE_SECRET_ARN.",
        ) from error


class _Work:
    """The statements of an engine, with the names in them."""

    def __init__(self, engine: Engine, loader: Loader) -> None:
        self.engine = engine
        self.loader = loader
        self.file = f"{engine.dialect.engine}_bootstrap.sql"
        quoted = engine.dialect.quoted
        self._names = {
            "user": quoted(loader.user),
            "database": quoted(loader.database),
            "metadata": quoted(loader.metadata),
            "schema": quoted(loader.tables_schema),
            "database_pattern": pattern_of(loader.database),
            "metadata_pattern": pattern_of(loader.metadata),
            "preview_pattern": preview_pattern(loader.database),
            "rights": RIGHTS,
        }

    def names(self, beginning: str) -> list[str]:
        """Of the statements of this engine whose names begin so, in their order."""
        return [name for name in statements(self.file) if name.startswith(beginning)]

    def run(self, name: str) -> None:
        statement = statements(self.file)[name]
        for place, found in self._names.items():
            statement = statement.replace(f"{{{place}}}", found)
        self.engine.connection.execute(statement)

    def fetch(self, name: str, *parameters: str) -> list[tuple[Any, ...]]:
        return self.engine.connection.fetch(statements(self.file)[name], parameters)


def pattern_of(name: str) -> str:
    """A database's name in a grant of MySQL, where "_" and "%" stand for any letters.

    https://dev.mysql.com/doc/refman/8.0/en/grant.html#grant-quoting
    """
    escaped = name.replace("\\", "\\\\").replace("_", "\\_").replace("%", "\\%")
    return "`" + escaped.replace("`", "``") + "`"


def preview_pattern(database: str) -> str:
    """Of the databases that a check and a preview make beside this one."""
    return f"{pattern_of(preview_prefix(database))[:-1]}%`"
