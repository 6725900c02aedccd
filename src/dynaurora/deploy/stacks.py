"""The stacks of a project, in the order in which they are made; each may take what those before it
say of themselves.

    artifacts ─► the zips ─► network, aurora where asked for ─► pipeline ─► alarms
        ─► one stack per table

One more stack that all tables share is one more entry of `SHARED`, with a template of its name in
infra/. Nothing here talks to AWS.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from dynaurora.adapters.database import engine_of
from dynaurora.adapters.dynamodb import TableDescription
from dynaurora.deploy.certificates import setting_of
from dynaurora.deploy.connections import most_connections
from dynaurora.deploy.keys import ALARM_SIZES, PIPELINE_SIZES, TABLE_SIZES
from dynaurora.deploy.project import Project
from dynaurora.model.names import bucket_name, delivery_stream_name, stack_name, table_stack_name
from dynaurora.plugins.statements import dialect_of

Output = Callable[[str, str], str]
"""``output("pipeline", "RawBucket")``: what the stack of that part says of itself."""


@dataclass(frozen=True, slots=True)
class Given:
    """What the parameters of a stack are computed from.

    streams_key, load_key: where the zips lie in the artifacts bucket.
    s3_prefix_list: the addresses of S3, where a network is asked for.
    """

    project: Project
    account: str
    region: str
    streams_key: str
    load_key: str
    output: Output
    s3_prefix_list: str = ""

    def bucket(self, purpose: str) -> str:
        return bucket_name(self.project.name, purpose, self.account, self.region)

    def sizes(self, names: frozenset[str]) -> dict[str, str]:
        return {name: value for name, value in self.project.sizes.items() if name in names}

    @property
    def local(self) -> str:
        return "true" if self.project.is_local else "false"


Parameters = Callable[[Given], Mapping[str, str]]


def _always(_project: Project) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Stack:
    """A stack of what all tables share: `<project>-<part>` from infra/<part>.yaml.

    buckets: those that it keeps when it is deleted, by their names in the template, with their
        purposes (`names.bucket_name`). A stack that is made anew takes them over.
    holds_data: `destroy` leaves it alone unless it is told to delete the data.
    needs: the parts without which it cannot be.
    """

    part: str
    parameters: Parameters
    is_wanted: Callable[[Project], bool] = _always
    buckets: Mapping[str, str] = field(default_factory=dict)
    holds_data: bool = False
    needs: tuple[str, ...] = ()

    def name(self, project: Project) -> str:
        return stack_name(project.name, self.part)

    def bucket_names(self, given: "Given") -> dict[str, str]:
        return {resource: given.bucket(purpose) for resource, purpose in self.buckets.items()}

    def template(self, project: Project) -> Path:
        return project.infra / f"{self.part}.yaml"


# --- what each of them is given ---------------------------------------------------------------


def _artifacts(given: Given) -> Mapping[str, str]:
    return {
        "ArtifactsBucket": given.bucket("artifacts"),
        "AccessLogBucket": given.project.security.access_logs,
        "Local": given.local,
    }


def _network(given: Given) -> Mapping[str, str]:
    project = given.project
    parts = urlsplit(project.database.url)
    return {
        "Project": project.name,
        "RawBucket": given.bucket("raw"),
        "BackupBucket": given.bucket("backup"),
        "Local": given.local,
        "DatabasePort": str(parts.port or dialect_of(engine_of(project.database.url)).port),
        "DatabaseSecretArn": project.database.secret_arn,
        "PermissionsBoundary": project.security.boundary,
        "S3PrefixList": given.s3_prefix_list,
        **(project.own.network or {}),
    }


def _aurora(given: Given) -> Mapping[str, str]:
    project = given.project
    place = {}
    if project.own.network is not None:
        place = {
            "SubnetIds": given.output("network", "DatabaseSubnetIds"),
            "SecurityGroup": given.output("network", "DatabaseSecurityGroup"),
        }
    return {
        "Project": project.name,
        "Local": given.local,
        "KmsKeyArn": project.security.key,
        "PermissionsBoundary": project.security.boundary,
        **place,
        **project.own.cluster,
    }


def _pipeline(given: Given) -> Mapping[str, str]:
    project = given.project
    return {
        "Project": project.name,
        "RawBucket": given.bucket("raw"),
        "BackupBucket": given.bucket("backup"),
        "CodeBucket": given.output("artifacts", "ArtifactsBucket"),
        "StreamsCodeKey": given.streams_key,
        "LoadCodeKey": given.load_key,
        "Runtime": project.runtime,
        "Architecture": project.architecture,
        "Local": given.local,
        "Schema": project.database.schema,
        "KmsKeyArn": project.security.key,
        "PermissionsBoundary": project.security.boundary,
        "AccessLogBucket": project.security.access_logs,
        **_database(given),
        **_place(given),
        "DeliveryStreamPrefix": project.delivery_stream_prefix,
        "StreamFailures": project.stream_failures,
        "SqlQueries": str(project.sqlqueries.resolve()) if project.is_local else "sqlqueries",
        **given.sizes(PIPELINE_SIZES),
    }


def _database(given: Given) -> Mapping[str, str]:
    """Where the load finds its database, and how it signs in there."""
    project = given.project
    url, resource = project.database.url, project.database_resource
    if project.own.aurora is not None:
        url = given.output("aurora", "DatabaseUrl")
        resource = given.output("aurora", "ClusterResourceId")
    return {
        "DatabaseUrl": url,
        "DatabaseSecretArn": project.database.secret_arn,
        "DatabaseResourceId": resource if project.database.is_iam else "",
        "DatabaseUser": unquote(urlsplit(project.database.url).username or ""),
        "DatabaseCertificates": setting_of(project),
    }


def _place(given: Given) -> Mapping[str, str]:
    """Where the load runs."""
    names = ("SubnetIds", "SecurityGroupIds")
    if given.project.own.network is not None:
        return {name: given.output("network", name) for name in names}
    network = given.project.network
    return dict(zip(names, map(",".join, (network.subnets, network.security_groups)), strict=True))


def _alarms(given: Given) -> Mapping[str, str]:
    project, alarms = given.project, given.project.alarms
    cluster, connections = alarms.cluster, alarms.max_connections
    if project.own.aurora is not None and not cluster:
        cluster, connections = stack_name(project.name, "aurora"), most_connections(project.own)
    return {
        "Project": project.name,
        "Email": alarms.email,
        "TopicArn": alarms.topic,
        "Cluster": cluster,
        "MaxConnections": str(connections),
        "Local": given.local,
        **given.sizes(ALARM_SIZES),
    }


ARTIFACTS: Final = Stack("artifacts", _artifacts, buckets={"Artifacts": "artifacts"})
"""The first: the zips have to lie somewhere before the others are made."""

SHARED: Final = (
    Stack("network", _network, lambda project: project.own.network is not None),
    Stack(
        "aurora",
        _aurora,
        lambda project: project.own.aurora is not None,
        holds_data=True,
        needs=("network",),
    ),
    Stack("pipeline", _pipeline, buckets={"Raw": "raw", "Backup": "backup"}),
    Stack("alarms", _alarms, is_wanted=lambda project: project.alarms.are_on),
)
"""What all tables share, once the zips are there. Before the tables' stacks, in this order."""


def wanted(project: Project) -> tuple[Stack, ...]:
    """The stacks of `SHARED` that this project asks for."""
    return tuple(stack for stack in SHARED if stack.is_wanted(project))


# --- one per table ----------------------------------------------------------------------------


def table_template(project: Project) -> Path:
    return project.infra / "table.yaml"


def table_name(project: Project, table: str) -> str:
    return table_stack_name(project.name, table)


def table_parameters(given: Given, table: TableDescription, former: str = "") -> Mapping[str, str]:
    """former: the stream that was read before, which is read to its end beside the table's."""
    return {
        "Project": given.project.name,
        "Table": table.name,
        "StreamArn": table.stream_arn,
        "FormerStreamArn": former,
        "ReadsFormer": "true" if former else "false",
        "DeliveryStream": delivery_stream_name(given.project.delivery_stream_prefix, table.name),
        "RawBucket": given.output("pipeline", "RawBucket"),
        "BackupBucket": given.output("pipeline", "BackupBucket"),
        "CaptureArn": given.output("pipeline", "CaptureArn"),
        "TransformArn": given.output("pipeline", "TransformArn"),
        "KmsKeyArn": given.project.security.key,
        "PermissionsBoundary": given.project.security.boundary,
        "AlarmTopicArn": given.output("alarms", "TopicArn") if given.project.alarms.are_on else "",
        "Local": given.local,
        **given.sizes(TABLE_SIZES),
    }
