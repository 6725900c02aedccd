"""From settings to a connection: the URL says the engine, a secret may give user and password.

A new engine is a dialect, an adapter and a file of statements of its name, and one word in
`dynaurora.plugins.contract.ENGINES`.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any, Final, cast
from urllib.parse import urlsplit

import orjson

from dynaurora.adapters.aws import aws_errors
from dynaurora.errors import DatabaseAway, SettingsError
from dynaurora.etl import Engine
from dynaurora.plugins.contract import ENGINES
from dynaurora.plugins.contract import Engine as EngineName
from dynaurora.plugins.statements import dialect_of
from dynaurora.ports import Connection
from dynaurora.settings import DatabaseSettings

_SETTING: Final = "DYNAURORA_DATABASE_URL"


def engine_of(url: str) -> EngineName:
    """The engine that a URL names; raise ``SettingsError`` where it is no such URL."""
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = urlsplit("")
    scheme = "postgresql" if parts.scheme == "postgres" else parts.scheme
    for engine in ENGINES:
        if engine == scheme:
            return engine
    raise SettingsError(
        _SETTING,
        f'it begins with "{parts.scheme}:"' if parts.scheme else "it is no URL",
        " or ".join(f"{engine}://user@host/database" for engine in ENGINES),
        "Correct it; the password belongs into a secret (DYNAURORA_DATABASE_SECRET_ARN).",
    )


class Database:
    """One database, and at most one connection to it, kept while it is healthy.

    secrets: gives the client of Secrets Manager, called only where a secret is named.
    """

    def __init__(
        self, settings: DatabaseSettings, *, secrets: Callable[[], Any] | None = None
    ) -> None:
        self.engine = engine_of(settings.url)
        self._settings = settings
        self._secrets = secrets
        self._connection: Connection | None = None

    @contextmanager
    def session(self) -> Iterator[Engine]:
        """The connection, made anew where the last one is broken.

        An outage inside the session closes it: the next session connects again, to whichever
        server answers then, with a secret that may have been rotated.
        """
        if self._connection is None or not self._connection.is_healthy():
            self.close()
            self._connection = self._connected()
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

    def _sql(self, connection: Connection) -> Engine:
        dialect = dialect_of(self.engine)
        return Engine(connection, dialect, dialect.queries(self._settings.schema))

    def _connected(self) -> Connection:
        connect = import_module(f"dynaurora.adapters.{self.engine}").connect  # the driver, late
        arn = self._settings.secret_arn
        if not arn or self._secrets is None:
            return cast("Connection", connect(self._settings.url))
        with aws_errors(f"secret {arn}"):
            answer = self._secrets().get_secret_value(SecretId=arn)
        user, password = _credentials(arn, answer.get("SecretString", ""))
        return cast("Connection", connect(self._settings.url, user=user, password=password))


def _credentials(secret_arn: str, text: str) -> tuple[str, str]:
    try:
        secret = orjson.loads(text)
        return str(secret["username"]), str(secret["password"])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        raise SettingsError(
            f"secret {secret_arn}",
            "it does not hold a user and a password",
            '{"username": "…", "password": "…"}',
            "Correct the secret.",
        ) from None
