"""The account and Region that a project is deployed to, and the clients that work there."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dynaurora.adapters.aws import Client, aws_errors, client_factory
from dynaurora.adapters.cloudformation import StackOutcome, StackRequest, deploy_stack
from dynaurora.deploy.outcomes import Progress, StepBegun, Tell
from dynaurora.deploy.project import Project
from dynaurora.errors import ProjectError

_SERVICES = ("cloudformation", "dynamodb", "lambda", "s3")


@dataclass(frozen=True, slots=True)
class Account:
    """``client`` may be called in threads for what `_SERVICES` names."""

    number: str
    region: str
    client: Client
    tell: Tell

    @classmethod
    def of(cls, project: Project, client: Client | None, tell: Tell) -> "Account":
        """The account whose credentials are at hand. tell: is never called by two threads at once.

        client: made from the project where it is None.
        """
        client = client or client_factory(project.region, project.endpoint)
        with aws_errors("AWS"):
            security = client("sts")
            number = security.get_caller_identity()["Account"]
        # Made now, because making clients is not safe in threads; using them is.
        made = {service: client(service) for service in _SERVICES}
        region = security.meta.region_name
        return cls(number, region, made.__getitem__, _one_at_a_time(tell))

    def stack(self, name: str, template: Path, parameters: Mapping[str, str]) -> StackOutcome:
        """Bring a stack to this."""
        outcome = deploy_stack(
            self.client("cloudformation"),
            StackRequest(name, template_text(template), parameters),
            self.tell,
        )
        self.tell(outcome)
        return outcome

    def begin(self, step: str, subject: str) -> None:
        self.tell(StepBegun(step, subject))


def template_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise ProjectError(
            str(path),
            "is not there",
            "a template",
            "Copy infra/ into the project (README.md, In your account).",
        ) from error


def output_of(stack: StackOutcome, name: str) -> str:
    """An output of a stack that is up."""
    try:
        return stack.outputs[name]
    except KeyError as error:
        raise ProjectError(
            f"stack {stack.name}", f"has no output {name}", "the outputs of our template", "Add it."
        ) from error


def _one_at_a_time(tell: Tell) -> Tell:
    lock = threading.Lock()

    def told(progress: Progress) -> None:
        with lock:
            tell(progress)

    return told
