"""The stacks of the project: whether one is stuck."""

from collections.abc import Iterator

from dynaurora.adapters.cloudformation import stuck_stacks
from dynaurora.deploy.doctor.findings import Finding, Patient, good, problem
from dynaurora.model.names import stack_name


def stacks(patient: Patient) -> Iterator[Finding]:
    """One that never came up is no problem: the next deployment makes it anew."""
    client = patient.client("cloudformation")
    found = list(stuck_stacks(client, stack_name(patient.project.name, "")))
    for name, status, remedy in found:
        yield problem(f"stack {name}", f"is {status}", remedy)
    if not found:
        yield good("stacks", "none is stuck")
