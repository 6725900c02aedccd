"""The load Lambda of a deployed pipeline, which takes the commands of `dynaurora.commands`.

It is the way to a database that is reached from its network alone.
"""

from functools import cached_property
from typing import Any

import orjson

from dynaurora.adapters.aws import Client, aws_errors
from dynaurora.adapters.cloudformation import stack_outputs
from dynaurora.deploy.project import Project
from dynaurora.errors import AwsError, ProjectError, error_from
from dynaurora.model.names import stack_name


def pipeline_outputs(project: Project, client: Client) -> dict[str, str]:
    """What the pipeline's stack says of its parts. Raises ``ProjectError`` where there is none."""
    name = stack_name(project.name, "pipeline")
    outputs = stack_outputs(client("cloudformation"), name)
    if not outputs:
        raise ProjectError(
            f"stack {name}", "it is not there", "a deployed pipeline", "Say `dynaurora deploy`."
        )
    return dict(outputs)


class LoadFunction:
    """The function is looked up when it is needed: before that it need not be deployed."""

    def __init__(self, project: Project, client: Client) -> None:
        self._project = project
        self._client = client

    def ask(self, command: str, **arguments: Any) -> dict[str, Any]:
        """The facts that a command answers. Raises what it raised there."""
        where = f"function {self._arn}"
        with aws_errors(where):
            answer = self._invoke("RequestResponse", command, arguments)
            told = orjson.loads(answer["Payload"].read())
        if "FunctionError" in answer:
            raise AwsError(
                where,
                f"it failed: {told.get('errorMessage', 'without a word')}",
                "an answer",
                "Its log says more; `dynaurora deploy` brings it up to date.",
            )
        facts: dict[str, Any] = told
        if "error" in facts:
            raise error_from(facts["error"])
        return facts

    def send(self, command: str, **arguments: Any) -> None:
        """Have a command run, without waiting for it."""
        with aws_errors(f"function {self._arn}"):
            self._invoke("Event", command, arguments)

    @cached_property
    def _arn(self) -> str:
        return pipeline_outputs(self._project, self._client)["LoadArn"]

    def _invoke(self, kind: str, command: str, arguments: dict[str, Any]) -> Any:
        request = {"dynaurora": {"command": command, **arguments}}
        return self._client("lambda").invoke(
            FunctionName=self._arn, InvocationType=kind, Payload=orjson.dumps(request)
        )
