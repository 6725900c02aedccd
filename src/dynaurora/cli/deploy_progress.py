"""The steps of a deployment, live on a terminal, one line each elsewhere."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console, Group
from rich.live import Live
from rich.spinner import Spinner
from rich.text import Text

from dynaurora.adapters.change_sets import StackPlan
from dynaurora.adapters.cloudformation import StackChange, StackOutcome
from dynaurora.adapters.stack_events import ResourceProgress
from dynaurora.cli.output import progress_console
from dynaurora.cli.plan_lines import plan_lines
from dynaurora.deploy.outcomes import CodeOutcome, Progress, StepBegun, StepDone, StreamEnabled

_STYLES = {
    StackChange.CREATED: "green",
    StackChange.UPDATED: "yellow",
    StackChange.UNCHANGED: "dim",
    StackChange.DELETED: "yellow",
}


class ProgressView:
    """Shows what is told to it. What is done scrolls up, what moves stays below."""

    def __init__(self, console: Console, live: Live) -> None:
        self._console = console
        self._live = live
        self._moving: dict[str, str] = {}

    def tell(self, progress: Progress) -> None:
        match progress:
            case StepBegun() as begun:
                self._begin(begun)
            case StepDone(subject=subject, outcome=outcome):
                self._done(subject, outcome, "yellow")
            case CodeOutcome(key=key, is_new=is_new, size_bytes=size):
                told = "uploaded" if is_new else "unchanged"
                self._done(key, f"{told}, {size / 1e6:.1f} MB", "green" if is_new else "dim")
            case StreamEnabled(table=table, items=items):
                self._done(table, f"stream on; {items:,} items were there before", "green")
            case StackPlan() as plan:
                self._plan(plan)
            case ResourceProgress() as resource:
                self._resource(resource)
            case StackOutcome(name=name, change=change):
                self._done(name, change.value, _STYLES[change])
            case _:
                pass

    def tell_step(self, progress: Progress) -> None:
        """Only what moves: what comes of it is told in the end."""
        match progress:
            case StackPlan(name=name):
                self._moving.pop(name, None)
                self._show()
            case StepBegun(subject=subject):
                self._move(subject, "is being planned")
            case _:
                pass

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Leave the terminal to a question."""
        self._live.stop()
        try:
            yield
        finally:
            self._live.start()

    def _begin(self, begun: StepBegun) -> None:
        if begun.step != "table":  # looked at in a moment
            known = {"stack": "", "code": "is being brought to S3"}
            self._move(begun.subject, known.get(begun.step, begun.step))

    def _plan(self, plan: StackPlan) -> None:
        for line in plan_lines(plan):
            self._console.print(line)

    def _resource(self, resource: ResourceProgress) -> None:
        if resource.is_failure and resource.reason:
            self._done(resource.stack, f"{resource.resource}: {resource.reason}", "red")
        self._move(resource.stack, f"{resource.resource} {resource.status.lower()}")

    def _move(self, subject: str, told: str) -> None:
        self._moving[subject] = told
        self._show()

    def _done(self, subject: str, told: str, style: str) -> None:
        self._moving.pop(subject, None)
        self._console.print(Text.assemble((f"{subject} ", ""), (told, style)))
        self._show()

    def _show(self) -> None:
        if self._console.is_terminal:
            lines = (Spinner("dots", f"{subject} {told}") for subject, told in self._moving.items())
            self._live.update(Group(*lines))


@contextmanager
def progress_view() -> Iterator[ProgressView]:
    """On stderr, so that stdout holds the outcome alone."""
    console = progress_console()
    with Live(console=console, transient=True, auto_refresh=console.is_terminal) as live:
        yield ProgressView(console, live)
