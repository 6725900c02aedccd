"""A network and a cluster of the project's own: `[network]` and `[aurora]` of dynaurora.toml.

Either sets parameters of the template of its name. Where it is missing, what is there already is
named below `[database]`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from dynaurora.deploy.parameters import AURORA, NETWORK, check_parameters
from dynaurora.errors import ProjectError

NETWORK_PARAMETERS: Final = frozenset(
    {"Addresses", "FlowLogs", "LogRetentionDays", "Nat", "ZoneNames", "Zones"},
)
AURORA_PARAMETERS: Final = frozenset(
    {
        "BackupRetentionDays",
        "Database",
        "DeletionProtection",
        "Engine",
        "EngineVersion",
        "KmsKeyArn",
        "LogRetentionDays",
        "MaxCapacity",
        "MinCapacity",
        "MonitoringSeconds",
        "PerformanceInsights",
        "SecondsUntilAutoPause",
        "SecurityGroup",
        "Standby",
        "SubnetIds",
        "User",
    }
)
"""What the file may say; the other parameters are known to `deploy` alone."""

_ZONES: Final = 2
"""The default of Zones in infra/network.yaml."""
_PLACE: Final = frozenset({"SubnetIds", "SecurityGroup"})
_DEFAULTS: Final = {
    "Database": "app",
    "Engine": "postgresql",
    "MaxCapacity": "8",
    "MinCapacity": "0.5",
    "User": "dynaurora_load",
}


@dataclass(frozen=True, slots=True)
class Own:
    """What a deployment makes itself, by parameters of its template; None for what is there.

    The defaults that others have to know are said to the template, and not left to it.
    """

    network: Mapping[str, str] | None = None
    aurora: Mapping[str, str] | None = None

    @property
    def cluster(self) -> Mapping[str, str]:
        return _DEFAULTS | dict(self.aurora or {})

    @property
    def url(self) -> str:
        """Of a cluster whose host is known when it is there: engine, user and database."""
        cluster = self.cluster
        return f"{cluster['Engine']}://{cluster['User']}@/{cluster['Database']}"


def check_alone(own: Own, file: str, url: str, secret_arn: str) -> None:
    """Refuse a cluster that is made beside one that is there, and a password for it."""
    if own.aurora is not None and url:
        raise ProjectError(
            f"{file}: aurora",
            "stands beside [database] url",
            "one of them",
            "[aurora] makes a cluster; url names one that is there.",
        )
    if own.aurora is not None and secret_arn:
        raise ProjectError(
            f"{file}: aurora",
            "stands beside [database] secret_arn, or DYNAURORA_DATABASE_SECRET_ARN",
            "one of them",
            "[aurora] makes a cluster, which is signed in to with IAM: no secret is needed.",
        )


def check_own(own: Own, file: str, *, is_place_given: bool) -> None:
    """Refuse what is made and given at once, and a cluster without a place."""
    if own.network is not None and is_place_given:
        raise ProjectError(
            f"{file}: network",
            "stands beside [database] subnets or security_groups",
            "one of them",
            "[network] makes a network; these name one that is there.",
        )
    if own.aurora is not None and own.network is None and not own.aurora.keys() >= _PLACE:
        raise ProjectError(
            f"{file}: aurora",
            "has no place",
            "SubnetIds and SecurityGroup of a network that is there",
            "Name them, or let [network] make a network.",
        )
    check_parameters(f"{file}: network", own.network or {}, NETWORK)
    check_parameters(f"{file}: aurora", own.aurora or {}, AURORA)
    _check_zones(own.network or {}, file)
    _check_capacities(own.cluster, file)


def _check_zones(network: Mapping[str, str], file: str) -> None:
    """Those that are named are as many as there are to be."""
    names, count = network.get("ZoneNames", ""), int(network.get("Zones", _ZONES))
    if names and len({name for name in names.split(",") if name == name.strip() != ""}) != count:
        raise ProjectError(
            f"{file}: network: ZoneNames",
            f'is "{names}"',
            f"{count} zones, for so many has Zones",
            'Write ZoneNames = ["eu-west-1a", "eu-west-1b"], or leave it out.',
        )


def _check_capacities(cluster: Mapping[str, str], file: str) -> None:
    """https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/aurora-serverless-v2.setting-capacity.html"""
    least, most = cluster["MinCapacity"], cluster["MaxCapacity"]
    if float(least) > float(most):
        raise ProjectError(
            f"{file}: aurora: MinCapacity",
            f"is {least}, and MaxCapacity is {most}",
            "at most as much as MaxCapacity",
            "Lower the one, or raise the other.",
        )
