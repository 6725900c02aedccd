"""The database, as the load Lambda or this machine sees it."""

from collections.abc import Iterator
from typing import Any, Final

from dynaurora.deploy.doctor.findings import (
    Finding,
    Patient,
    advice,
    good,
    problem,
    unknown,
)
from dynaurora.errors import DatabaseError, DynauroraError, ProjectError

_GRANT: Final = "Grant it, or have dynaurora bootstrap do it (docs/deploy.md, Before)."
_OLDEST: Final = {"PostgreSQL": 15, "MySQL": 8, "MariaDB": 10}


def database(patient: Patient) -> Iterator[Finding]:
    """Whether it answers, and what it is."""
    try:
        server = patient.ask("server")
    except ProjectError as error:  # it is asked through a pipeline that is not there yet
        yield unknown("database", error.found, "dynaurora deploy, then ask again")
        return
    except DatabaseError as error:
        where = "database"
        remedy = error.remedy or "Look at its address, its security group, its user and the secret."
        yield problem(where, f"does not answer: {error.found}", remedy)
        return
    except DynauroraError as error:
        yield problem(error.where, error.found, error.remedy)
        return
    problems = [*_version(server), *_encryption(patient, server), *_rights(server)]
    yield from problems
    if not any(each.level == "problem" for each in problems):
        yield good("database", f"{server['product']} {server['version']} answers {server['user']}")


def _version(server: dict[str, Any]) -> Iterator[Finding]:
    oldest = _OLDEST[server["product"]]
    if int(server["version"].partition(".")[0]) < oldest:
        yield problem(
            "database",
            f"is {server['product']} {server['version']}",
            f"Upgrade it to {oldest} or newer.",
        )


def _encryption(patient: Patient, server: dict[str, Any]) -> Iterator[Finding]:
    if not server["is_encrypted"] and not patient.project.is_local:
        yield problem(
            "database",
            "the connection is not encrypted",
            "Take sslmode or ssl_mode out of the URL, and have the server offer TLS.",
        )


def _rights(server: dict[str, Any]) -> Iterator[Finding]:
    """What previews lack keeps no change from arriving, so it is no problem."""
    user = server["user"]
    if server["lacks"] is None:
        yield unknown(
            "rights in the database",
            server.get("untold")
            or f"this version of the load Lambda does not tell those of {user}",
            "dynaurora bootstrap grants what a load needs (docs/deploy.md, Before).",
        )
    for right in server["lacks"] or ():
        yield problem("database", f"{user} may not {right}", _GRANT)
    for right in server.get("unsure", ()):
        yield unknown(
            "rights in the database",
            f"{user} has {right} by one grant and not by another; one of them counts",
            "Grant all that a load needs by the narrower one, or take the wider one away.",
        )
    for right in server.get("previews_lack", ()):
        yield advice(
            "rights for previews",
            f"{user} may not {right}, which loads need nothing of",
            f"For preview and check --database: {_GRANT}",
        )
