"""One tree of errors.

An error says *where* it happened, what was *found*, what was *expected* and what to do about it
(*remedy*), keeps these facts, and says whether trying again can help. Who catches one may print it
as it is: it never holds a secret or the contents of an item.

    DynauroraError
    ├── SettingsError            a setting is missing or cannot be read
    ├── ProjectError             the folder, its templates or its plugins cannot be used
    │   └── PluginError          one plugin file; the other files keep working
    ├── AwsError                 AWS refused
    │   ├── AwsAway              AWS failed, was slow or throttled: the outcome may be unknown
    │   ├── DeliveryFailed       a change was not delivered in the time left
    │   └── StackFailed          a CloudFormation stack did not come up
    │       └── StackNotAgreed   a person said no to what would change
    ├── ChangeError              one change cannot go on
    │   ├── LineUnreadable       a line is not a change that this version reads
    │   ├── BodyRefused          a body is missing, or not what its pointer names
    │   └── ValueRefused         a column cannot hold the value exactly
    ├── StreamNotAccepted        a stream that may not feed this table
    ├── DatabaseError            what the database answered, by class (docs/arbitration.md, errors)
    │   ├── RowRefused           a row's fault: halve, quarantine
    │   ├── StatementRefused     the plugin's fault: roll back, park the table
    │   ├── LoadRace             a race between loads: roll back, try again
    │   ├── DatabaseAway         an outage: the whole delivery comes again
    │   └── DatabaseUnknown      a code in no class: the delivery fails, never a row error
    ├── LocalServerError         a local server did not start or stop
    └── TrialError               a trial of a plugin was asked for what it cannot do
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar


class DynauroraError(Exception):
    """``where: found; expected …. remedy``.

    >>> print(SettingsError("DYNAURORA_DATABASE_URL", "is not set", "postgresql://…", "Set it."))
    DYNAURORA_DATABASE_URL: is not set; expected postgresql://…. Set it.
    """

    can_retry: ClassVar[bool] = False
    """Whether the same work, done again later, can succeed with nothing changed by a person."""

    def __init__(self, where: str, found: str, expected: str = "", remedy: str = "") -> None:
        self.where = where
        self.found = found
        self.expected = expected
        self.remedy = remedy
        super().__init__(where, found, expected, remedy)

    @property
    def facts(self) -> dict[str, str]:
        """The error for programs; `error_from` makes it an error again."""
        return {
            "kind": type(self).__name__,
            "where": self.where,
            "found": self.found,
            "expected": self.expected,
            "remedy": self.remedy,
        }

    def __str__(self) -> str:
        expected = f"; expected {self.expected}" if self.expected else ""
        sentence = f"{self.where}: {self.found}{expected}"
        return f"{sentence}. {self.remedy}" if self.remedy else sentence


class SettingsError(DynauroraError):
    """A setting is missing or cannot be read."""


class ProjectError(DynauroraError):
    """The project's folder, templates or plugins cannot be used as they are."""


class PluginError(ProjectError):
    """One plugin file is wrong; ``where`` is ``file:line:column`` as far as it is known."""


class AwsError(DynauroraError):
    """AWS refused: the same call will be refused again."""


class AwsAway(AwsError):
    """AWS failed, was slow or throttled; the outcome of the call may be unknown."""

    can_retry = True


class DeliveryFailed(AwsError):
    """Firehose, or S3 for its body, did not take a change in the time left.

    sequence_number: the first change, in the order of the stream, that was not delivered.
    """

    can_retry = True

    def __init__(
        self, where: str, found: str, expected: str = "", remedy: str = "", *, sequence_number: str
    ) -> None:
        super().__init__(where, found, expected, remedy)
        self.sequence_number = sequence_number


class StackFailed(AwsError):
    """A CloudFormation stack did not reach the state that was asked for."""


class StackNotAgreed(StackFailed):
    """A person said no to what would change in a stack; nothing of it was done."""


class ChangeError(DynauroraError):
    """One change cannot go on; its neighbours can."""


class LineUnreadable(ChangeError):
    """A line is not a change that this version reads."""


class BodyRefused(ChangeError):
    """A body is missing, or not what its pointer names; ``where`` is its object."""


class ValueRefused(ChangeError):
    """A column cannot hold the value exactly; ``where`` is the column, never the value."""


class StreamNotAccepted(DynauroraError):
    """A stream that may not feed this table until an operator accepts it."""


class DatabaseError(DynauroraError):
    """What the database answered. ``code`` is its own code (SQLSTATE or errno), "" if it has none.

    Its text may hold values of a row: ``found`` is for the quarantine, never for a log.

    done: where several statements were sent at once, the rows that each one before this touched.
    position: the character of the statement that the server points at, from 1; None if at none.
    """

    def __init__(
        self,
        where: str,
        found: str,
        expected: str = "",
        remedy: str = "",
        *,
        code: str = "",
        done: Sequence[int] = (),
        position: int | None = None,
    ) -> None:
        super().__init__(where, found, expected, remedy)
        self.code = code
        self.done = done
        self.position = position

    @property
    def facts(self) -> dict[str, str]:
        return {**super().facts, "code": self.code}


class RowRefused(DatabaseError):
    """The database refuses a row: halve the work, quarantine the row."""


class StatementRefused(DatabaseError):
    """The database refuses the statement itself: roll back and park the table."""


class LoadRace(DatabaseError):
    """Two loads met: roll the whole transaction back and try again."""

    can_retry = True


class DatabaseAway(DatabaseError):
    """The database cannot be reached or cannot work now: the whole delivery comes again."""

    can_retry = True


class DatabaseUnknown(DatabaseError):
    """A code that is in no class: the delivery fails; it is never taken for a row error."""

    can_retry = True


class LocalServerError(DynauroraError):
    """A local server (the emulator of AWS, a database) did not start or stop."""


class TrialError(DynauroraError):
    """A trial of a plugin was asked for what it cannot do (`dynaurora.testing`)."""


def error_from(facts: Mapping[str, str]) -> DynauroraError:
    """The error that these facts tell of, of its own class where that is known here.

    >>> error_from(LoadRace("a load", "met another", code="40001").facts).code
    '40001'
    """
    four = [facts.get(name, "") for name in ("where", "found", "expected", "remedy")]
    kind = _kinds(DynauroraError).get(facts.get("kind", ""), DynauroraError)
    if issubclass(kind, DatabaseError):
        return kind(*four, code=facts.get("code", ""))
    return AwsError(*four) if issubclass(kind, DeliveryFailed) else kind(*four)


def _kinds(of: type[DynauroraError]) -> dict[str, type[DynauroraError]]:
    below = (_kinds(kind) for kind in of.__subclasses__())
    return {of.__name__: of, **{name: kind for found in below for name, kind in found.items()}}
