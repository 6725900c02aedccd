"""What a deployment tells: its steps while it runs, and what it came to."""

from collections.abc import Callable
from dataclasses import dataclass

from dynaurora.adapters.change_sets import StackPlan
from dynaurora.adapters.cloudformation import StackChange, StackOutcome
from dynaurora.adapters.dynamodb import TableDescription
from dynaurora.adapters.stack_events import ResourceProgress
from dynaurora.errors import DynauroraError


@dataclass(frozen=True, slots=True)
class StepBegun:
    """A step of the stage begins; ``subject`` is what it works on."""

    step: str
    subject: str


@dataclass(frozen=True, slots=True)
class StepDone:
    """A step is over. outcome: what came of it, for people."""

    subject: str
    outcome: str


@dataclass(frozen=True, slots=True)
class CodeOutcome:
    """A zip lies in the bucket; ``is_new`` when it had to be brought there.

    size_bytes: of the zip.
    """

    key: str
    size_bytes: int
    is_new: bool


@dataclass(frozen=True, slots=True)
class StreamEnabled:
    """A stream was turned on. ``items`` were there before, and are not copied by it."""

    table: str
    stream_arn: str
    items: int


@dataclass(frozen=True, slots=True)
class TableOutcome:
    """What became of one table.

    stack: None when it was not reached because of ``error``.
    items_before: how many items the table had when it was first connected; 0 later. Of these only
        the ones that change afterwards arrive by the stream.
    """

    table: str
    stream_arn: str = ""
    table_id: str = ""
    stack: StackOutcome | None = None
    is_stream_enabled: bool = False
    items_before: int = 0
    error: DynauroraError | None = None


@dataclass(frozen=True, slots=True)
class GoneTable:
    """A table that has a stack and no plugin any more: its changes still travel, and then wait."""

    table: str
    stack: str


@dataclass(frozen=True, slots=True)
class Gone:
    """What is there and not asked for any more. stacks: shared ones."""

    tables: tuple[GoneTable, ...] = ()
    stacks: tuple[str, ...] = ()


Progress = (
    StepBegun
    | StepDone
    | CodeOutcome
    | StreamEnabled
    | StackPlan
    | ResourceProgress
    | StackOutcome
    | TableOutcome
)
Tell = Callable[[Progress], None]
Confirm = Callable[[TableDescription], bool]
Agree = Callable[[StackPlan], bool]
Register = Callable[[str, str, str], object]
"""``register(table, stream_arn, table_id)``; what it raises stops that table."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """What a deployment came to.

    shared: the stacks of all tables, in the order in which they were made.
    gone: what is still there and not asked for any more.
    """

    account: str
    region: str
    shared: tuple[StackOutcome, ...]
    pipeline: StackOutcome
    code: tuple[CodeOutcome, ...]
    tables: tuple[TableOutcome, ...]
    gone: Gone

    @property
    def stacks(self) -> tuple[StackOutcome, ...]:
        of_tables = tuple(table.stack for table in self.tables if table.stack is not None)
        return (*self.shared, *of_tables)

    @property
    def has_changed(self) -> bool:
        return (
            any(stack.change is not StackChange.UNCHANGED for stack in self.stacks)
            or any(code.is_new for code in self.code)
            or any(table.is_stream_enabled for table in self.tables)
        )

    @property
    def failures(self) -> tuple[TableOutcome, ...]:
        return tuple(table for table in self.tables if table.error is not None)
