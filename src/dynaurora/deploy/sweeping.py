"""Ask the load Lambda to load what waits: after a deploy, a changed plugin, an unparked table."""

from collections.abc import Iterable

import orjson

from dynaurora.adapters.aws import Client, aws_errors
from dynaurora.adapters.cloudformation import stack_outputs
from dynaurora.deploy.project import Project
from dynaurora.errors import ProjectError
from dynaurora.metadata import Metadata
from dynaurora.model.names import pipeline_stack_name

_WAITS_FOR_A_PLUGIN = frozenset({"unknown", "plugin", "error"})


def sweep_now(project: Project, client: Client, tables: Iterable[str]) -> None:
    """Load the waiting objects of these tables, without waiting until it is done."""
    name = pipeline_stack_name(project.name)
    outputs = stack_outputs(client("cloudformation"), name)
    if not outputs:
        raise ProjectError(
            f"stack {name}", "it is not there", "a deployed pipeline", "Say `dynaurora deploy`."
        )
    function = outputs["LoadArn"]
    for table in tables:
        request = {"dynaurora": {"command": "sweep", "table": table}}
        with aws_errors(f"function {function}"):
            client("lambda").invoke(
                FunctionName=function, InvocationType="Event", Payload=orjson.dumps(request)
            )


def clear_waiting(metadata: Metadata, tables: Iterable[str]) -> list[str]:
    """Unpark the tables that waited for their plugin; their names."""
    wanted = set(tables)
    waiting = [
        registration
        for registration in metadata.registrations()
        if registration.table in wanted and registration.parked_for in _WAITS_FOR_A_PLUGIN
    ]
    for registration in waiting:
        metadata.unpark(registration)
    return [registration.table for registration in waiting]
