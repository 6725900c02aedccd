"""From settings to a connection: the URL says the engine, a secret may give user and password, or
IAM a token. A database that pauses when nobody is connected is waited for.

A new engine is a dialect, an adapter and a file of statements of its name, and one word in
`dynaurora.sql.engines`.
"""

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from typing import Any, Final, cast
from urllib.parse import unquote, urlsplit

import orjson

from dynaurora.adapters.access import Access, Login, is_local
from dynaurora.adapters.aws import aws_errors, database_token
from dynaurora.collecting import starting
from dynaurora.errors import DatabaseAway, SettingsError
from dynaurora.etl import Engine
from dynaurora.plugins.statements import dialect_of
from dynaurora.ports import Connection
from dynaurora.settings import DatabaseSettings
from dynaurora.sql.engines import ALIASES, ENGINES
from dynaurora.sql.engines import Engine as EngineName

_SETTING: Final = "DYNAURORA_DATABASE_URL"

WAKING_S: Final = 40.0
"""A paused cluster takes about 15 seconds to wake, after a day 30 and more. The last attempt begins
within this time, so that it ends within the shortest a load may take, 60 seconds.
https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/aurora-serverless-v2-auto-pause.html"""

_WAKING: Final = frozenset({"", "57P03", "1053", "2003", "2006", "2013"})
"""What a server that wakes or starts may answer: nothing, or that it cannot yet.
https://www.postgresql.org/docs/current/errcodes-appendix.html,
https://dev.mysql.com/doc/mysql-errors/8.0/en/client-error-reference.html"""

_FIRST_PAUSE_S: Final = 0.25
_LONGEST_PAUSE_S: Final = 2.0


def engine_of(url: str) -> EngineName:
    """The engine that a URL names; raise ``SettingsError`` where it is no such URL."""
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = urlsplit("")
    scheme = ALIASES.get(parts.scheme, parts.scheme)
    for engine in ENGINES:
        if engine == scheme:
            return engine
    raise SettingsError(
        _SETTING,
        f'it begins with "{parts.scheme}:"' if parts.scheme else "it is no URL",
        " or ".join(f"{engine}://user@host/database" for engine in ENGINES),
        "Correct it; the password belongs into a secret (DYNAURORA_DATABASE_SECRET_ARN).",
    )


@cache
def adapter_of(engine: EngineName) -> Any:
    """The module with an engine's ``connect``. It brings the driver, and so is imported late."""
    with starting():
        return import_module(f"dynaurora.adapters.{engine}")


class Database:
    """One database, and at most one connection to it, kept while it is healthy.

    secrets: gives the client of Secrets Manager, called only where a secret is named.
    tokens: signs in with IAM, ``tokens(host, port, user)``; asked only where that is set.
    patience_s: how long a database that does not answer is waited for.
    """

    def __init__(
        self,
        settings: DatabaseSettings,
        *,
        secrets: Callable[[], Any] | None = None,
        tokens: Callable[[str, int, str], str] = database_token,
        patience_s: float | None = None,
    ) -> None:
        self.engine = engine_of(settings.url)
        self._settings = settings
        self._secrets = cache(secrets) if secrets is not None else None
        self._tokens = tokens
        waking_s = 0.0 if is_local(settings.url) else WAKING_S
        self._patience_s = waking_s if patience_s is None else patience_s
        self._connection: Connection | None = None

    @contextmanager
    def session(self) -> Iterator[Engine]:
        """The connection, made anew where the last one is broken.

        An outage inside the session closes it: the next session connects again, to whichever
        server answers then, with a secret that may have been rotated.
        """
        if self._connection is None or not self._connection.is_healthy():
            self.close()
            self._connection = self._connected(self._access())
        try:
            yield self._sql(self._connection)
        except DatabaseAway:
            self.close()
            raise

    def close(self) -> None:
        """Close the connection, if there is one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    @contextmanager
    def administered(self, admin: Login) -> Iterator[Engine]:
        """A connection of an administrator's, closed in the end."""
        settings = self._settings
        access = Access(lambda: admin, settings.certificates, is_verified=settings.is_iam)
        connection = self._connected(access)
        try:
            yield self._sql(connection)
        finally:
            connection.close()

    def loader(self) -> Login:
        """Who the load is; without a password where IAM vouches for it."""
        if self._settings.secret_arn and self._secrets is not None:
            return self._secret()
        parts = urlsplit(self._settings.url)
        password = "" if self._settings.is_iam else unquote(parts.password or "")
        return Login(unquote(parts.username or ""), password)

    def _sql(self, connection: Connection) -> Engine:
        dialect = dialect_of(self.engine)
        return Engine(connection, dialect, dialect.queries(self._settings.schema))

    def _connected(self, access: Access) -> Connection:
        """A new connection, with a new password; the attempt wakes a cluster that is paused."""
        connect = adapter_of(self.engine).connect
        until = time.monotonic() + self._patience_s
        pause = _FIRST_PAUSE_S
        while True:
            try:
                return cast("Connection", connect(self._settings.url, access))
            except DatabaseAway as error:
                is_over = time.monotonic() + pause > until
                if is_over or error.code not in _WAKING or not _has_address(self._settings.url):
                    raise
            time.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE_S)

    def _access(self) -> Access:
        settings = self._settings
        if settings.is_iam:
            return Access(self._token, settings.certificates, is_verified=True)
        if settings.secret_arn and self._secrets is not None:
            return Access(self._secret, settings.certificates)
        return Access(certificates=settings.certificates)

    def _token(self) -> Login:
        parts = urlsplit(self._settings.url)
        user, host = unquote(parts.username or ""), parts.hostname or ""
        if not (user and host):
            raise SettingsError(
                _SETTING,
                "names no user" if host else "names no host",
                "whom IAM vouches for, and where (DYNAURORA_DATABASE_IAM)",
                f"Write it: {self.engine}://USER@HOST/database.",
            )
        return Login(user, self._tokens(host, parts.port or dialect_of(self.engine).port, user))

    def _secret(self) -> Login:
        return login_in(cast("Callable[[], Any]", self._secrets)(), self._settings.secret_arn)


def login_in(secrets: Any, arn: str) -> Login:
    """User and password of a secret. secrets: a client of Secrets Manager."""
    with aws_errors(f"secret {arn}"):
        answer = secrets.get_secret_value(SecretId=arn)
    return _login_of(arn, answer.get("SecretString", ""))


def _has_address(url: str) -> bool:
    """A name that leads nowhere is a mistake, and no server that wakes."""
    try:
        socket.getaddrinfo(urlsplit(url).hostname, None)
    except OSError:
        return False
    return True


def _login_of(secret_arn: str, text: str) -> Login:
    try:
        secret = orjson.loads(text)
        return Login(str(secret["username"]), str(secret["password"]))
    except (orjson.JSONDecodeError, KeyError, TypeError):
        raise SettingsError(
            f"secret {secret_arn}",
            "it does not hold a user and a password",
            '{"username": "…", "password": "…"}',
            "Correct the secret.",
        ) from None
