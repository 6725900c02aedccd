"""What a check finds, and what it may look at."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal

from dynaurora.adapters.aws import Client
from dynaurora.deploy.project import Project

Level = Literal["good", "problem", "unknown"]
"""``unknown``: it could not be checked; the finding says why."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. remedy: "" where nothing is to be done; a good one may have
    one, too, which makes it better."""

    level: Level
    where: str
    found: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Patient:
    """A project and where it is.

    client: gives clients that may be used in threads; calling it may not.
    arn: of whoever calls, "" where AWS does not know.
    tables: that have a plugin.
    ask: asks the database, directly or through the load Lambda (`dynaurora.commands`).
    """

    project: Project
    client: Client
    account: str
    region: str
    arn: str
    tables: tuple[str, ...]
    ask: Callable[..., dict[str, Any]]


Check = Callable[[Patient], Iterable[Finding]]


def good(where: str, found: str) -> Finding:
    return Finding("good", where, found)


def advice(where: str, found: str, remedy: str) -> Finding:
    """Nothing stands in the way, and it could be better."""
    return Finding("good", where, found, remedy)


def problem(where: str, found: str, remedy: str) -> Finding:
    return Finding("problem", where, found, remedy)


def unknown(where: str, found: str, remedy: str = "") -> Finding:
    return Finding("unknown", where, found, remedy)
