"""The account and Region that a project is deployed to, and the clients that work there."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from dynaurora.adapters.aws import Client, aws_errors, client_factory
from dynaurora.adapters.buckets import is_ours
from dynaurora.adapters.change_sets import StackPlan, StackRequest
from dynaurora.adapters.cloudformation import StackOutcome, deploy_stack
from dynaurora.deploy.outcomes import Agree, StepBegun, StepDone, Tell
from dynaurora.deploy.project import Project
from dynaurora.errors import ProjectError

_SERVICES: Final = ("cloudformation", "dynamodb", "dynamodbstreams", "lambda", "s3")

_Answer = TypeVar("_Answer")


def _nobody_to_ask(_plan: StackPlan) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Account:
    """``client`` may be called in threads for what `_SERVICES` names, and for a network for ec2.

    agree: is asked before a stack replaces or removes what holds data.
    """

    number: str
    region: str
    client: Client
    tell: Tell
    agree: Agree

    @classmethod
    def of(
        cls, project: Project, client: Client | None, tell: Tell, agree: Agree = _nobody_to_ask
    ) -> "Account":
        """The account whose credentials are at hand.

        client: made from the project where it is None.
        tell, agree: are never called by two threads at once.
        """
        client = client or client_factory(project.region, project.endpoint)
        with aws_errors("AWS"):
            security = client("sts")
            number = security.get_caller_identity()["Account"]
        # Made now, because making clients is not safe in threads; using them is.
        of_network = () if project.own.network is None else ("ec2",)
        made = {service: client(service) for service in (*_SERVICES, *of_network)}
        region = security.meta.region_name
        lock = threading.Lock()
        told, agreed = _one_at_a_time(lock, tell), _one_at_a_time(lock, agree)

        def client_of(service: str) -> Any:
            return made[service] if service in made else client(service)

        return cls(number, region, client_of, told, agreed)

    def stack(
        self,
        name: str,
        template: Path,
        parameters: Mapping[str, str],
        buckets: Mapping[str, str] | None = None,
    ) -> StackOutcome:
        """Bring a stack to this, once what it endangers is agreed to.

        buckets: by their names in the template; those that are there a new stack takes over.
        """

        def agreed(plan: StackPlan) -> bool:
            self.tell(plan)
            return not plan.dangers or self.agree(plan)

        request = StackRequest(name, template_text(template), parameters)
        outcome = deploy_stack(
            self.client("cloudformation"), request, self.tell, agreed, self.kept(buckets or {})
        )
        self.tell(outcome)
        return outcome

    def kept(self, buckets: Mapping[str, str]) -> Callable[[], Mapping[str, str]]:
        """Looks, when it is called, which of these buckets are there already."""
        s3, number = self.client("s3"), self.number

        def found() -> Mapping[str, str]:
            return {r: bucket for r, bucket in buckets.items() if is_ours(s3, bucket, number)}

        return found

    def begin(self, step: str, subject: str) -> None:
        self.tell(StepBegun(step, subject))

    def done(self, subject: str, outcome: str) -> None:
        self.tell(StepDone(subject, outcome))


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


def _one_at_a_time(
    lock: threading.Lock, call: Callable[[Any], _Answer]
) -> Callable[[Any], _Answer]:
    def called(given: Any) -> _Answer:
        with lock:
            return call(given)

    return called
