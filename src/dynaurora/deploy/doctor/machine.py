"""This machine: what `deploy` needs here, and the plugins."""

import importlib.util
from collections.abc import Iterator

from dynaurora.adapters.database import engine_of
from dynaurora.deploy.bytecode import compiler_for
from dynaurora.deploy.doctor.findings import Finding, Patient, advice, good, problem
from dynaurora.deploy.packaging import CAPTURE, LOAD, TRANSFORM
from dynaurora.deploy.stacks import ARTIFACTS, table_template, wanted
from dynaurora.plugins.inspection import inspect_folder


def tools(patient: Patient) -> Iterator[Finding]:
    """pip brings the wheels of the Lambdas; an emulator takes what is installed."""
    if patient.project.is_local or importlib.util.find_spec("pip"):
        yield good("pip", "brings the wheels of the Lambdas")
    else:
        yield problem("pip", "is not installed", "python -m ensurepip, or make setup")


def bytecode(patient: Patient) -> Iterator[Finding]:
    """Without it the Lambdas compile at each cold start (docs/adr/0019)."""
    python = patient.project.runtime
    version = tuple(int(part) for part in python.removeprefix("python").split("."))
    if patient.project.is_local:
        return
    if compiler_for(version) is None:
        told = "is not installed here, so the zips hold no bytecode and each cold start compiles"
        yield advice(python, told, f"Install {python}, and deploy again.")
    else:
        yield good(python, "makes bytecode for the zips")


def files(patient: Patient) -> Iterator[Finding]:
    """The templates and the handlers of the project."""
    project = patient.project
    templates = [stack.template(project) for stack in (ARTIFACTS, *wanted(project))]
    handlers = [project.lambda_functions / name for name in (CAPTURE, TRANSFORM, LOAD)]
    missing = [
        path for path in (*templates, table_template(project), *handlers) if not path.is_file()
    ]
    for path in missing:
        yield problem(str(path), "is not there", "Copy infra/ and lambda_functions/ (README.md).")
    if not missing:
        yield good(str(project.root), "has its templates and handlers")


def plugins(patient: Patient) -> Iterator[Finding]:
    """What `dynaurora check` says."""
    inspected = inspect_folder(patient.project.sqlqueries, engine_of(patient.project.database.url))
    broken = [one for one in inspected if not one.is_ok]
    for one in broken:
        for found in (each for each in one.problems if each.is_error):
            yield problem(str(found.where), found.message, found.remedy or "dynaurora check")
    if not inspected:
        yield problem(
            str(patient.project.sqlqueries),
            "has no plugin, so no table is connected",
            "dynaurora new TABLE",
        )
    elif not broken:
        yield good("plugins", f"{len(inspected)} of {len(inspected)} are in order")
