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
    """Where the database is. A secret gives user and password; IAM gives a token."""

    url: str
    secret_arn: str
    schema: str

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "DatabaseSettings":
        return cls(
            url=_required(environment, "DYNAURORA_DATABASE_URL", "postgresql://user@host/database"),
            secret_arn=environment.get("DYNAURORA_DATABASE_SECRET_ARN", ""),
            schema=environment.get("DYNAURORA_SCHEMA") or "dynaurora",
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
