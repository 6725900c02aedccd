"""Settings of the Lambdas, read from the environment once when a worker starts.

Every variable is described in docs/settings.md; a test holds that list complete.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from dynaurora.errors import SettingsError

StreamFailures = Literal["report", "raise"]


@dataclass(frozen=True, slots=True)
class CaptureSettings:
    """What the capture Lambda is told.

    stream_failures: ``report`` returns the first change that failed in ``batchItemFailures``,
        ``raise`` raises (for an emulator that ignores the report).
    """

    delivery_stream_prefix: str
    stream_failures: StreamFailures
    backup_bucket: str

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "CaptureSettings":
        return cls(
            delivery_stream_prefix=environment.get("DYNAURORA_DELIVERY_STREAM_PREFIX", ""),
            stream_failures=stream_failures(environment),
            backup_bucket=_backup_bucket(environment),
        )


@dataclass(frozen=True, slots=True)
class DatabaseSettings:
    """Where the database is, and how it is signed in there.

    secret_arn: of the secret that has user and password.
    is_iam: the password is a token that IAM lets this process sign; the user is the URL's.
    certificates: a file with those of who may have signed the server's; "" is the driver's own.
    """

    url: str
    secret_arn: str
    schema: str
    is_iam: bool = False
    certificates: str = ""

    def __post_init__(self) -> None:
        if self.is_iam and self.secret_arn:
            raise SettingsError(
                "DYNAURORA_DATABASE_IAM",
                "is on, and DYNAURORA_DATABASE_SECRET_ARN is set",
                "one of them",
                "Leave one out: with IAM there is no password to be kept in a secret.",
            )

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "DatabaseSettings":
        return cls(
            url=_required(environment, "DYNAURORA_DATABASE_URL", "postgresql://user@host/database"),
            secret_arn=environment.get("DYNAURORA_DATABASE_SECRET_ARN", ""),
            schema=environment.get("DYNAURORA_SCHEMA") or "dynaurora",
            is_iam=flag(environment, "DYNAURORA_DATABASE_IAM"),
            certificates=environment.get("DYNAURORA_DATABASE_CA", ""),
        )


@dataclass(frozen=True, slots=True)
class LoadSettings:
    """What the load Lambda is told. ``sqlqueries`` is the folder with the plugins."""

    database: DatabaseSettings
    sqlqueries: Path
    raw_bucket: str
    backup_bucket: str

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "LoadSettings":
        return cls(
            database=DatabaseSettings.from_environment(environment),
            sqlqueries=Path(environment.get("DYNAURORA_SQLQUERIES") or "sqlqueries"),
            raw_bucket=_required(environment, "DYNAURORA_RAW_BUCKET", "the raw bucket's name"),
            backup_bucket=_backup_bucket(environment),
        )


def flag(environment: Mapping[str, str], name: str, *, default: bool = False) -> bool:
    """A setting that is on or off."""
    words = {"": default, "1": True, "true": True, "0": False, "false": False}
    found = environment.get(name, "").strip().lower()
    if found not in words:
        raise SettingsError(name, f'is "{found}"', "1 or 0", "Correct it.")
    return words[found]


def stream_failures(environment: Mapping[str, str]) -> StreamFailures:
    """What capture does with a change that failed."""
    found = environment.get("DYNAURORA_STREAM_FAILURES") or "report"
    if found not in ("report", "raise"):
        raise SettingsError(
            "DYNAURORA_STREAM_FAILURES", f'is "{found}"', '"report" or "raise"', "Set one."
        )
    return "raise" if found == "raise" else "report"


def _backup_bucket(environment: Mapping[str, str]) -> str:
    return _required(environment, "DYNAURORA_BACKUP_BUCKET", "the backup bucket's name")


def _required(environment: Mapping[str, str], name: str, expected: str) -> str:
    value = environment.get(name, "").strip()
    if not value:
        raise SettingsError(name, "is not set", expected, "Set it in the environment.")
    return value
