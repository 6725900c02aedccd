"""What the templates take of what dynaurora.toml says, told before anything is made.

The same stands in infra/ as AllowedValues, AllowedPattern, MinValue and MaxValue, for who deploys
the templates without us; a test holds the two together.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from dynaurora.errors import ProjectError
from dynaurora.sql.engines import ENGINES


class Rule(Protocol):
    """Which values a parameter takes."""

    @property
    def expected(self) -> str:
        """For people."""
        ...

    def holds(self, value: str) -> bool: ...


@dataclass(frozen=True, slots=True)
class Number:
    """A whole number; or one in halves, as capacity units are."""

    least: int
    most: int | None = None
    in_halves: bool = False

    @property
    def expected(self) -> str:
        kind = "a multiple of 0.5" if self.in_halves else "a whole number"
        return f"{kind} from {self.least}" + ("" if self.most is None else f" to {self.most}")

    def holds(self, value: str) -> bool:
        form = r"\d+(\.5)?" if self.in_halves else r"\d+"
        if not re.fullmatch(form, value, re.ASCII):
            return False
        return self.least <= float(value) <= (float("inf") if self.most is None else self.most)


@dataclass(frozen=True, slots=True)
class OneOf:
    """One of these words or numbers."""

    values: tuple[str, ...]

    @property
    def expected(self) -> str:
        return " or ".join((", ".join(self.values[:-1]), self.values[-1]))

    def holds(self, value: str) -> bool:
        return value in self.values


@dataclass(frozen=True, slots=True)
class Text:
    """A text of this form."""

    pattern: str
    expected: str

    def holds(self, value: str) -> bool:
        return re.fullmatch(self.pattern, value, re.ASCII) is not None


_FLAG: Final = OneOf(("true", "false"))
_MEGABYTES: Final = Number(128, 10_240)
_NAME: Final = "small letters, digits and _, a letter first, at most {} characters"

LOG_RETENTION: Final = OneOf(
    (
        *("1", "3", "5", "7", "14", "30", "60", "90", "120", "150", "180", "365", "400", "545"),
        *("731", "1096", "1827", "2192", "2557", "2922", "3288", "3653"),
    )
)
"""Which CloudWatch knows; the templates leave it to it.
https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html"""

NETWORK: Final[Mapping[str, Rule]] = {
    "Addresses": Text(
        r"\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}/(1[6-9]|20)", "addresses as 10.82.0.0/20, /16 to /20"
    ),
    "FlowLogs": _FLAG,
    "LogRetentionDays": LOG_RETENTION,
    "Nat": _FLAG,
    "Zones": OneOf(("2", "3")),
}
AURORA: Final[Mapping[str, Rule]] = {
    "BackupRetentionDays": Number(1, 35),
    "Database": Text("[a-z][a-z0-9_]{0,62}", _NAME.format(63)),
    "DeletionProtection": _FLAG,
    "Engine": OneOf(ENGINES),
    "LogRetentionDays": LOG_RETENTION,
    "MaxCapacity": Number(1, 256, in_halves=True),
    "MinCapacity": Number(0, 256, in_halves=True),
    "MonitoringSeconds": OneOf(("0", "1", "5", "10", "15", "30", "60")),
    "PerformanceInsights": _FLAG,
    "SecondsUntilAutoPause": Number(300, 86_400),
    "Standby": _FLAG,
    "User": Text("[a-z][a-z0-9_]{0,31}", _NAME.format(32)),
}
PIPELINE: Final[Mapping[str, Rule]] = {
    "ArchiveExpiresAfterDays": Number(0),
    "ArchiveInfrequentAfterDays": Number(0),
    "CaptureMemoryMegabytes": _MEGABYTES,
    "CaptureTimeoutSeconds": Number(5, 900),
    "LoadBatchSize": Number(1, 10_000),
    "LoadConcurrency": Number(2, 1000),
    "LoadMemoryMegabytes": _MEGABYTES,
    "LoadTimeoutSeconds": OneOf(("60", "120", "300", "600", "900")),
    "LoadWindowSeconds": Number(1, 30),
    "LocalRetrySeconds": Number(1, 43_200),
    "LogRetentionDays": LOG_RETENTION,
    "NoncurrentDays": Number(1),
    "TransformMemoryMegabytes": _MEGABYTES,
    "TransformTimeoutSeconds": Number(5, 300),
}
TABLE: Final[Mapping[str, Rule]] = {
    "BufferMegabytes": Number(1, 128),
    "BufferSeconds": Number(0, 900),
    "CaptureBatchSize": Number(1, 10_000),
    "LogRetentionDays": LOG_RETENTION,
    "ParallelizationFactor": Number(1, 10),
    "TransformBufferSeconds": Number(0, 900),
}
SIZES: Final[Mapping[str, Rule]] = {**PIPELINE, **TABLE}


def check_parameters(where: str, given: Mapping[str, str], rules: Mapping[str, Rule]) -> None:
    """Refuse what the template would refuse. where: the table of dynaurora.toml."""
    for name, value in given.items():
        rule = rules.get(name)
        if rule is not None and not rule.holds(value):
            raise ProjectError(
                f"{where}: {name}", f'is "{value}"', rule.expected, "Correct it, or leave it out."
            )
