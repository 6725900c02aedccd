"""How many connections the loads may hold of those that a cluster of our own has.

Each load at once holds one. Half of all are for them: the other half is for people and their tools,
for RDS itself, and for workers of the version before, which hold theirs until Lambda ends them.
"""

from typing import Final

from dynaurora.deploy.own import Own
from dynaurora.errors import ProjectError

_MOST: Final = {
    "postgresql": ((1, 189), (4, 823), (8, 1669), (16, 3360), (32, 5000)),
    "mysql": (
        *((1, 90), (4, 135), (8, 1000), (16, 2000)),
        *((32, 3000), (64, 4000), (128, 5000), (256, 6000)),
    ),
}
"""``max_connections`` by the most capacity units; between two rows it is at least the lower.
https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/aurora-serverless-v2.setting-capacity.html"""

_FROM_LITTLE: Final = 2000
"""The most on PostgreSQL where the least capacity is 0 or 0.5 (same page)."""

_LOADS_AT_ONCE: Final = 5
"""The default of LoadConcurrency in infra/pipeline.yaml."""


def most_connections(own: Own) -> int:
    """Of the cluster that is asked for."""
    cluster = own.cluster
    most, least = float(cluster["MaxCapacity"]), float(cluster["MinCapacity"])
    found = max(count for units, count in _MOST[cluster["Engine"]] if units <= max(most, 1))
    is_capped = cluster["Engine"] == "postgresql" and least <= 0.5
    return min(found, _FROM_LITTLE) if is_capped else found


def connections_told(own: Own, loads: str) -> str:
    """The sum, for who deploys. loads: LoadConcurrency, "" for its default."""
    return (
        f"The loads hold up to {_at_once(loads):,} of the cluster's {most_connections(own):,} "
        "connections."
    )


def check_connections(own: Own, loads: str) -> None:
    """Refuse more loads than half of the connections."""
    if own.aurora is None:
        return
    most = most_connections(own) // 2
    if _at_once(loads) > most:
        raise ProjectError(
            "LoadConcurrency",
            f"is {_at_once(loads):,}, and each load holds a connection",
            f"at most {most:,}, half of the {most_connections(own):,} of {own.cluster['Engine']} "
            f"with {own.cluster['MaxCapacity']} capacity units",
            "Lower it below [sizes], or raise MaxCapacity below [aurora].",
        )


def _at_once(loads: str) -> int:
    return int(loads or _LOADS_AT_ONCE)
