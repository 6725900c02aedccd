"""The stage: a project and its tables become stacks, code in S3, streams and mappings.

    look at the tables, ask for the streams that are off
        ─► artifacts stack ─► zips that are not there yet ─► pipeline stack
        ─► per table: stream on ─► registered ─► table stack
        ─► every mapping enabled

Doing it again changes nothing. What is wrong with one table is kept as its outcome and does not
stop the others. Nothing is printed: who calls is told each step as a value.
"""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from botocore.exceptions import ClientError

from dynaurora.adapters.aws import Client, aws_errors, client_factory, error_code
from dynaurora.adapters.cloudformation import (
    ResourceProgress,
    StackChange,
    StackOutcome,
    StackRequest,
    deploy_stack,
)
from dynaurora.adapters.dynamodb import (
    ACCEPTED_VIEWS,
    VIEW,
    TableDescription,
    describe_table,
    enable_stream,
)
from dynaurora.deploy.packaging import (
    Package,
    Platform,
    Sources,
    load_package,
    streams_package,
)
from dynaurora.deploy.project import PIPELINE_SIZES, TABLE_SIZES, Project, check
from dynaurora.errors import AwsError, DynauroraError, ProjectError
from dynaurora.model.names import (
    artifacts_stack_name,
    bucket_name,
    delivery_stream_name,
    pipeline_stack_name,
    table_stack_name,
)

_STACKS_AT_ONCE: Final = 8
_ENABLING_S: Final = 300.0
_FIRST_PAUSE_S: Final = 0.1
_LONGEST_PAUSE_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class StepBegun:
    """A step of the stage begins; ``subject`` is what it works on."""

    step: str
    subject: str


@dataclass(frozen=True, slots=True)
class CodeOutcome:
    """A zip lies in the bucket; ``is_new`` when it had to be brought there."""

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


Progress = StepBegun | CodeOutcome | StreamEnabled | ResourceProgress | StackOutcome | TableOutcome
Tell = Callable[[Progress], None]
Confirm = Callable[[TableDescription], bool]
Register = Callable[[str, str, str], None]
"""``register(table, stream_arn, table_id)``; what it raises stops that table."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """What a deployment came to."""

    account: str
    region: str
    artifacts: StackOutcome
    code: tuple[CodeOutcome, ...]
    pipeline: StackOutcome
    tables: tuple[TableOutcome, ...]

    @property
    def stacks(self) -> tuple[StackOutcome, ...]:
        of_tables = tuple(table.stack for table in self.tables if table.stack is not None)
        return (self.artifacts, self.pipeline, *of_tables)

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


@dataclass(frozen=True, slots=True)
class _Place:
    """Where it is deployed, and the clients that work there."""

    account: str
    region: str
    client: Client
    tell: Tell

    def stack(self, name: str, template: Path, parameters: Mapping[str, str]) -> StackOutcome:
        outcome = deploy_stack(
            self.client("cloudformation"),
            StackRequest(name, _template(template), parameters),
            self.tell,
        )
        self.tell(outcome)
        return outcome


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A table that can be connected, or an outcome that says why not."""

    description: TableDescription | None
    outcome: TableOutcome


def deploy_project(
    project: Project,
    tables: Sequence[str],
    *,
    confirm: Confirm,
    tell: Tell = lambda _progress: None,
    register: Register = lambda _table, _stream_arn, _table_id: None,
    client: Client | None = None,
) -> Deployment:
    """Bring the account to what the project says.

    tables: the DynamoDB tables that have a plugin.
    confirm: asked for each table whose stream is off, before anything is changed.
    tell: is told each step; never by two threads at once.
    register: is called in this thread for each table, before its changes are read.
    client: gives the client of a service; made from the project where it is left out.
    """
    check(project)
    place = _place(project, client, _one_at_a_time(tell))
    prepared = [_looked_at(place, table, confirm) for table in tables]
    artifacts = _artifacts(project, place)
    packages = _packages(project)
    bucket = _output(artifacts, "ArtifactsBucket")
    code = tuple(_brought(place, bucket, package) for package in packages)
    pipeline = _pipeline(project, place, artifacts, code)
    connected = [_connected(place, each, register) for each in prepared]
    outcomes = _table_stacks(project, place, pipeline, connected)
    _wait_until_enabled(place, "the load", _output(pipeline, "LoadMappingId"))
    return Deployment(
        account=place.account,
        region=place.region,
        artifacts=artifacts,
        code=code,
        pipeline=pipeline,
        tables=tuple(_enabled(place, outcome) for outcome in outcomes),
    )


# --- where ------------------------------------------------------------------------------------


def _place(project: Project, client: Client | None, tell: Tell) -> _Place:
    client = client or client_factory(project.region, project.endpoint)
    with aws_errors("AWS"):
        security = client("sts")
        account = security.get_caller_identity()["Account"]
    services = ("cloudformation", "dynamodb", "lambda", "s3")
    # Made now, because making clients is not safe in threads; using them is.
    made = {service: client(service) for service in services}
    return _Place(account, security.meta.region_name, made.__getitem__, tell)


def _one_at_a_time(tell: Tell) -> Tell:
    lock = threading.Lock()

    def told(progress: Progress) -> None:
        with lock:
            tell(progress)

    return told


def _template(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise ProjectError(
            str(path),
            "is not there",
            "a template",
            "Copy infra/ into the project (README.md, In your account).",
        ) from error


def _output(stack: StackOutcome, name: str) -> str:
    try:
        return stack.outputs[name]
    except KeyError as error:
        raise ProjectError(
            f"stack {stack.name}", f"has no output {name}", "the outputs of our template", "Add it."
        ) from error


# --- what all tables share --------------------------------------------------------------------


def _artifacts(project: Project, place: _Place) -> StackOutcome:
    name = artifacts_stack_name(project.name)
    place.tell(StepBegun("stack", name))
    return place.stack(
        name,
        project.infra / "artifacts.yaml",
        {
            "ArtifactsBucket": _bucket(project, place, "artifacts"),
            "Local": _flag(is_on=project.is_local),
        },
    )


def _packages(project: Project) -> tuple[Package, Package]:
    on_aws = not project.is_local
    sources = Sources(
        lambda_functions=project.lambda_functions,
        cache=project.cache,
        platform=Platform(project.runtime.removeprefix("python"), project.architecture)
        if on_aws
        else None,
        plugins=project.sqlqueries if on_aws else None,
    )
    return streams_package(sources), load_package(sources)


def _brought(place: _Place, bucket: str, package: Package) -> CodeOutcome:
    """Upload a zip unless it is there. CloudFormation is not told of code that is not."""
    place.tell(StepBegun("code", package.key))
    s3 = place.client("s3")
    where = {"Bucket": bucket, "Key": package.key, "ExpectedBucketOwner": place.account}
    outcome = CodeOutcome(package.key, package.size_bytes, is_new=False)
    with aws_errors(f"bucket {bucket}"):
        if not _is_there(s3, where):
            s3.put_object(Body=package.zipped(), ContentType="application/zip", **where)
            outcome = replace(outcome, is_new=True)
    place.tell(outcome)
    return outcome


def _is_there(s3: Any, where: Mapping[str, str]) -> bool:
    try:
        s3.head_object(**where)
    except ClientError as error:
        if error_code(error) in ("404", "NoSuchKey", "NotFound"):
            return False
        raise
    return True


def _pipeline(
    project: Project, place: _Place, artifacts: StackOutcome, code: Sequence[CodeOutcome]
) -> StackOutcome:
    name = pipeline_stack_name(project.name)
    place.tell(StepBegun("stack", name))
    streams, load = code
    return place.stack(
        name,
        project.infra / "pipeline.yaml",
        {
            "Project": project.name,
            "RawBucket": _bucket(project, place, "raw"),
            "BackupBucket": _bucket(project, place, "backup"),
            "CodeBucket": _output(artifacts, "ArtifactsBucket"),
            "StreamsCodeKey": streams.key,
            "LoadCodeKey": load.key,
            "Runtime": project.runtime,
            "Architecture": project.architecture,
            "Local": _flag(is_on=project.is_local),
            "DatabaseUrl": project.database.url,
            "DatabaseSecretArn": project.database.secret_arn,
            "Schema": project.database.schema,
            "SubnetIds": ",".join(project.network.subnets),
            "SecurityGroupIds": ",".join(project.network.security_groups),
            "DeliveryStreamPrefix": project.delivery_stream_prefix,
            "StreamFailures": project.stream_failures,
            "SqlQueries": str(project.sqlqueries.resolve()) if project.is_local else "sqlqueries",
            **_sizes(project, PIPELINE_SIZES),
        },
    )


def _bucket(project: Project, place: _Place, purpose: str) -> str:
    return bucket_name(project.name, purpose, place.account, place.region)


def _flag(*, is_on: bool) -> str:
    return "true" if is_on else "false"


def _sizes(project: Project, names: frozenset[str]) -> dict[str, str]:
    return {name: value for name, value in project.sizes.items() if name in names}


# --- tables -----------------------------------------------------------------------------------


def _looked_at(place: _Place, table: str, confirm: Confirm) -> _Prepared:
    """Whether a table can be connected; asks, and changes nothing."""
    place.tell(StepBegun("table", table))
    try:
        description = describe_table(place.client("dynamodb"), table)
        if description.has_stream:
            _check_view(description)
        elif not confirm(description):
            raise AwsError(
                f"table {table}",
                "its stream is off",
                f"a stream with {VIEW}",
                "Deploy again and say yes, or turn it on yourself.",
            )
    except DynauroraError as error:
        return _Prepared(None, TableOutcome(table, error=error))
    return _Prepared(description, TableOutcome(table, table_id=description.table_id))


def _check_view(table: TableDescription) -> None:
    """A stream without new images does not tell what the items are.

    The view of a stream cannot be changed, only a new stream made: what the old one still holds
    is somebody's to read first, so this is not done here.
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html
    """
    if table.stream_view not in ACCEPTED_VIEWS:
        raise AwsError(
            f"table {table.name}",
            f"its stream holds {table.stream_view}, so the changed items are not in it",
            " or ".join(sorted(ACCEPTED_VIEWS)),
            "When nobody reads it any more, turn the stream off and deploy again.",
        )


def _connected(place: _Place, prepared: _Prepared, register: Register) -> _Prepared:
    """Turn the stream on where that was confirmed, and have the table registered."""
    description = prepared.description
    if description is None:
        return prepared
    outcome = prepared.outcome
    try:
        if not description.has_stream:
            items = description.items
            description = enable_stream(place.client("dynamodb"), description.name)
            place.tell(StreamEnabled(description.name, description.stream_arn, items))
            outcome = replace(outcome, is_stream_enabled=True)
        outcome = replace(outcome, stream_arn=description.stream_arn)
        register(description.name, description.stream_arn, description.table_id)
    except DynauroraError as error:
        return _Prepared(None, replace(outcome, error=error))
    return _Prepared(description, outcome)


def _table_stacks(
    project: Project, place: _Place, pipeline: StackOutcome, tables: Sequence[_Prepared]
) -> list[TableOutcome]:
    """The stacks of the tables, some at once: most of the time is spent waiting."""

    def one(prepared: _Prepared) -> TableOutcome:
        outcome = prepared.outcome
        if prepared.description is not None:
            try:
                outcome = _table_stack(project, place, pipeline, prepared.description, outcome)
            except DynauroraError as error:
                outcome = replace(outcome, error=error)
        return outcome

    with ThreadPoolExecutor(max_workers=_STACKS_AT_ONCE) as pool:
        try:
            return list(pool.map(one, tables))
        except BaseException:
            # Interrupted: nothing more is begun. What is under way goes on in AWS in any case.
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _table_stack(
    project: Project,
    place: _Place,
    pipeline: StackOutcome,
    description: TableDescription,
    outcome: TableOutcome,
) -> TableOutcome:
    stack = place.stack(
        table_stack_name(project.name, description.name),
        project.infra / "table.yaml",
        {
            "Table": description.name,
            "StreamArn": description.stream_arn,
            "DeliveryStream": delivery_stream_name(
                project.delivery_stream_prefix, description.name
            ),
            "RawBucket": _output(pipeline, "RawBucket"),
            "BackupBucket": _output(pipeline, "BackupBucket"),
            "CaptureArn": _output(pipeline, "CaptureArn"),
            "TransformArn": _output(pipeline, "TransformArn"),
            **_sizes(project, TABLE_SIZES),
        },
    )
    is_first = stack.change is StackChange.CREATED or outcome.is_stream_enabled
    return replace(outcome, stack=stack, items_before=description.items if is_first else 0)


# --- mappings ---------------------------------------------------------------------------------


def _enabled(place: _Place, outcome: TableOutcome) -> TableOutcome:
    if outcome.stack is not None:
        try:
            _wait_until_enabled(place, outcome.table, _output(outcome.stack, "MappingId"))
        except DynauroraError as error:
            outcome = replace(outcome, error=error)
    place.tell(outcome)
    return outcome


def _wait_until_enabled(place: _Place, subject: str, mapping: str) -> None:
    """Lambda enables a mapping some time after CloudFormation has made it."""
    until = time.monotonic() + _ENABLING_S
    pause = _FIRST_PAUSE_S
    while (state := _mapping_state(place, subject, mapping)) != "Enabled":
        if state in ("Disabled", "Disabling") or time.monotonic() > until:
            raise AwsError(
                f"mapping {mapping} of {subject}",
                f"is {state}",
                "Enabled: nothing is read until then",
                f"aws lambda update-event-source-mapping --uuid {mapping} --enabled",
            )
        time.sleep(pause)
        pause = min(pause * 2, _LONGEST_PAUSE_S)


def _mapping_state(place: _Place, subject: str, mapping: str) -> str:
    with aws_errors(f"mapping {mapping} of {subject}"):
        return str(place.client("lambda").get_event_source_mapping(UUID=mapping)["State"])
