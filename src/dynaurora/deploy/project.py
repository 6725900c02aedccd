"""The project: its folder, its `dynaurora.toml`, and what the environment and flags say over it.

A flag beats the environment, the environment beats the file, and in the file `[env.NAME]` beats
what stands above it.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from dynaurora.deploy.connections import check_connections
from dynaurora.deploy.keys import PIPELINE_SIZES, TABLE_SIZES
from dynaurora.deploy.own import Own, check_alone, check_own
from dynaurora.deploy.parameters import SIZES, check_parameters
from dynaurora.deploy.settings_file import FILE, SettingsFile
from dynaurora.errors import ProjectError, SettingsError
from dynaurora.model.names import bucket_name
from dynaurora.settings import DatabaseSettings, StreamFailures, flag, stream_failures

_BUCKET_CHARACTERS: Final = 63
"""https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html"""
_LONGEST_BUCKET: Final = bucket_name("", "artifacts", "0" * 12, "ap-southeast-1")
_PREFIX_CHARACTERS: Final = 51
"""The part of a long name that names.delivery_stream_name keeps; the capture's role names it."""

_SECRET: Final = re.compile(
    r"arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\d{12}:secret:[A-Za-z0-9/_+=.@!-]+-[A-Za-z0-9]{6}",
    re.ASCII,
)
"""https://docs.aws.amazon.com/secretsmanager/latest/userguide/troubleshoot.html#ARN_secretnamehyphen"""
_OLDEST_PYTHON: Final = 11
"""The minor version from which on our code runs; the same as in pyproject.toml."""
_ARCHITECTURES: Final = ("arm64", "x86_64")

_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class Network:
    """Where the load runs to reach a private database; empty for none."""

    subnets: tuple[str, ...] = ()
    security_groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Security:
    """What an account may ask for beyond the defaults; empty for none.

    key: the ARN of a key of KMS for all that lies still.
    access_logs: the bucket in which S3 writes down who read or wrote ours.
    boundary: the ARN of a policy that no role exceeds.
    """

    key: str = ""
    access_logs: str = ""
    boundary: str = ""


@dataclass(frozen=True, slots=True)
class Alarms:
    """Whether there are alarms, and whom they are told.

    email: an address. topic: the ARN of a topic that is there; without it one is made.
    cluster, max_connections: of Aurora, to be watched, too; "" and 0 where they are not known.
    """

    are_on: bool = False
    email: str = ""
    topic: str = ""
    cluster: str = ""
    max_connections: int = 0


@dataclass(frozen=True, slots=True)
class Project:
    """What is to be deployed, and where.

    region: "" leaves it to the profile.
    endpoint: of an emulator; "" is AWS.
    is_private: the database is reached by the load Lambda alone, which is asked then.
    own: the network and the cluster that a deployment makes.
    database_resource: of RDS, ``cluster-…``, for the right to sign in there with IAM.
    sizes: parameters of the templates, by their names there.
    """

    root: Path
    name: str
    region: str
    database: DatabaseSettings
    sqlqueries: Path
    endpoint: str = ""
    is_private: bool = False
    network: Network = field(default_factory=Network)
    security: Security = field(default_factory=Security)
    own: Own = field(default_factory=Own)
    database_resource: str = ""
    delivery_stream_prefix: str = ""
    stream_failures: StreamFailures = "report"
    runtime: str = "python3.13"
    architecture: str = "arm64"
    alarms: Alarms = field(default_factory=Alarms)
    sizes: Mapping[str, str] = field(default_factory=dict)

    @property
    def infra(self) -> Path:
        return self.root / "infra"

    @property
    def lambda_functions(self) -> Path:
        return self.root / "lambda_functions"

    @property
    def cache(self) -> Path:
        return self.root / ".dynaurora" / "wheels"

    @property
    def is_local(self) -> bool:
        """Whether an emulator on this machine stands in for AWS."""
        return _is_loopback(self.endpoint)


def find_root(start: Path) -> Path:
    """The nearest folder at or above ``start`` that holds `dynaurora.toml`."""
    for folder in (start.resolve(), *start.resolve().parents):
        if (folder / FILE).is_file():
            return folder
    raise ProjectError(
        str(start),
        f"holds no {FILE}, nor does a folder above it",
        "the folder of a project",
        f"Go there, or say --project-dir. A new one has {FILE}, infra/, lambda_functions/ and "
        "sqlqueries/ (README.md, In your account).",
    )


@dataclass(frozen=True, slots=True)
class Place:
    """Where plugins and tables are: what is asked of a project by who needs no database.

    database_url: "" where none is named; it says the engine.
    """

    sqlqueries: Path
    region: str
    endpoint: str
    database_url: str = ""

    @property
    def is_on_this_machine(self) -> bool:
        """Whether an emulator on this machine stands in for AWS."""
        return urlsplit(self.endpoint).hostname in _LOOPBACK


def read_place(
    start: Path,
    *,
    chosen: str = "",
    region: str = "",
    environment: Mapping[str, str] = os.environ,
) -> Place:
    """The plugins and the Region of the project at or above ``start``; of ``start`` itself where
    there is none.

    chosen, region: as flags gave them, see `read_project`.
    """
    try:
        root = find_root(start)
    except ProjectError:
        root, given = start.resolve(), SettingsFile("", {})
    else:
        given = SettingsFile.read(
            root / FILE, chosen or environment.get("DYNAURORA_ENV", ""), environment
        )
    folder = environment.get("DYNAURORA_SQLQUERIES", "") or given.text("sqlqueries")
    return Place(
        sqlqueries=root / (folder or "sqlqueries"),
        region=region
        or environment.get("AWS_REGION", "")
        or environment.get("AWS_DEFAULT_REGION", "")
        or given.text("region"),
        endpoint=environment.get("AWS_ENDPOINT_URL", ""),
        database_url=environment.get("DYNAURORA_DATABASE_URL", "").strip()
        or given.table("database").text("url")
        or given.own_url(),
    )


def read_project(
    start: Path,
    *,
    chosen: str = "",
    region: str = "",
    environment: Mapping[str, str] = os.environ,
) -> Project:
    """The project at or above ``start``.

    chosen: the ``[env.NAME]`` of the file; "" takes DYNAURORA_ENV, and without it none.
    region: as a flag gave it.
    """
    root = find_root(start)
    given = SettingsFile.read(
        root / FILE, chosen or environment.get("DYNAURORA_ENV", ""), environment
    )
    database = given.table("database")
    security = given.table("security")
    endpoint = environment.get("AWS_ENDPOINT_URL", "").strip()

    def first(variable: str, value: str) -> str:
        return environment.get(variable, "").strip() or value

    # On this machine a database is at hand, and no network is needed.
    own = Own() if _is_loopback(endpoint) else given.own()
    url = first("DYNAURORA_DATABASE_URL", database.text("url"))
    if url and not database.text("url"):
        own = replace(own, aurora=None)  # the environment beats the file
    secret_arn = first("DYNAURORA_DATABASE_SECRET_ARN", database.text("secret_arn"))
    check_alone(own, FILE, url, secret_arn)
    project = Project(
        root=root,
        name=first("DYNAURORA_PROJECT", given.text("project")),
        region=region or first("AWS_REGION", first("AWS_DEFAULT_REGION", given.text("region"))),
        endpoint=endpoint,
        database=DatabaseSettings(
            url=url or (own.url if own.aurora is not None else ""),
            secret_arn=secret_arn,
            schema=first("DYNAURORA_SCHEMA", database.text("schema") or "dynaurora"),
            is_iam=flag(
                environment,
                "DYNAURORA_DATABASE_IAM",
                default=own.aurora is not None or database.flag("iam"),
            ),
            certificates=_below(root, first("DYNAURORA_DATABASE_CA", database.text("ca"))),
        ),
        is_private=own.aurora is not None
        or flag(environment, "DYNAURORA_DATABASE_PRIVATE", default=database.flag("private")),
        own=own,
        database_resource=database.text("resource_id"),
        network=Network(database.texts("subnets"), database.texts("security_groups")),
        security=Security(
            security.text("key"), security.text("access_logs"), security.text("boundary")
        ),
        sqlqueries=root / first("DYNAURORA_SQLQUERIES", given.text("sqlqueries") or "sqlqueries"),
        delivery_stream_prefix=first(
            "DYNAURORA_DELIVERY_STREAM_PREFIX", given.text("delivery_stream_prefix")
        ),
        stream_failures=_stream_failures(
            given.text("stream_failures"), is_local=_is_loopback(endpoint)
        ),
        runtime=given.text("runtime") or "python3.13",
        architecture=given.text("architecture") or "arm64",
        alarms=_alarms(given.table("alarms"), is_local=_is_loopback(endpoint)),
        sizes=given.table("sizes").numbers(PIPELINE_SIZES | TABLE_SIZES),
    )
    check(project)
    return project


def _stream_failures(told: str, *, is_local: bool) -> StreamFailures:
    """The emulator ignores the report of failed items, and so would lose them."""
    usual = "raise" if is_local else "report"
    return stream_failures({"DYNAURORA_STREAM_FAILURES": told or usual})


def check(project: Project) -> None:
    """Refuse what AWS would refuse late, or what must not be deployed."""
    longest = _BUCKET_CHARACTERS - len(_LONGEST_BUCKET)
    name = project.name
    is_name = name.isascii() and name.replace("-", "").isalnum() and name == name.lower()
    if not (is_name and name[0].isalpha() and name[-1] != "-" and 2 <= len(name) <= longest):
        raise ProjectError(
            f"{FILE}: project",
            f'is "{name}"' if name else "is missing",
            f"2 to {longest} small letters, digits and -, a letter first",
            'It begins the names of buckets: project = "shop", say.',
        )
    if len(project.delivery_stream_prefix) > _PREFIX_CHARACTERS:
        raise ProjectError(
            f"{FILE}: delivery_stream_prefix",
            f"has {len(project.delivery_stream_prefix)} characters",
            f"at most {_PREFIX_CHARACTERS}",
            "Shorten it.",
        )
    _check_lambdas(project)
    if not project.sqlqueries.is_dir():
        raise ProjectError(
            str(project.sqlqueries),
            "is no folder",
            "the folder with the plugins",
            "Make it, or set DYNAURORA_SQLQUERIES.",
        )
    _check_database(project)
    check_parameters(f"{FILE}: sizes", project.sizes, SIZES)
    check_own(project.own, FILE, is_place_given=project.network != Network())
    _check_secret(project)
    _check_iam(project)
    check_connections(project.own, project.sizes.get("LoadConcurrency", ""))


def _check_lambdas(project: Project) -> None:
    """https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html"""
    language, _, minor = project.runtime.partition(".")
    is_number = minor.isascii() and minor.isdigit()
    if language != "python3" or not is_number or int(minor) < _OLDEST_PYTHON:
        raise ProjectError(
            f"{FILE}: runtime",
            f'is "{project.runtime}"',
            f"python3.{_OLDEST_PYTHON} or newer, as python3.13",
            "It is what the Lambdas run on.",
        )
    if project.architecture not in _ARCHITECTURES:
        raise ProjectError(
            f"{FILE}: architecture",
            f'is "{project.architecture}"',
            " or ".join(_ARCHITECTURES),
            "It is what the Lambdas run on.",
        )


def _check_database(project: Project) -> None:
    url = project.database.url
    if not url:
        raise SettingsError(
            "DYNAURORA_DATABASE_URL",
            "is not set",
            "postgresql://user@host/database",
            f"Set it, or url below [database] in {FILE}, or let [aurora] make a cluster. "
            "`dynaurora dev` prints it with export.",
        )
    if _has_password(url) and not project.is_local:
        # It would be readable to whoever may describe the function or the stack.
        raise SettingsError(
            "DYNAURORA_DATABASE_URL",
            "holds a password, or cannot be read",
            "postgresql://user@host/database, without a password",
            "Put user and password into a secret and its ARN into DYNAURORA_DATABASE_SECRET_ARN.",
        )


def _check_secret(project: Project) -> None:
    """The load's role names the whole ARN, without which IAM lets it read nothing."""
    arn = project.database.secret_arn
    if arn and not (project.is_local or _SECRET.fullmatch(arn)):
        raise ProjectError(
            f"{FILE}: [database] secret_arn",
            f'is "{arn}"',
            "the whole ARN: arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME-a1B2c3, with the six "
            "characters that Secrets Manager puts behind the name",
            "Ask for it: aws secretsmanager describe-secret --secret-id NAME --query ARN",
        )


def _check_iam(project: Project) -> None:
    is_known = project.own.aurora is not None or bool(project.database_resource)
    if project.database.is_iam and not (is_known or project.is_local):
        raise ProjectError(
            f"{FILE}: [database] iam",
            "is on without resource_id",
            "the cluster's: cluster-ABCDEFGHIJKL01234",
            "aws rds describe-db-clusters --query 'DBClusters[].DbClusterResourceId'",
        )
    parts = urlsplit(project.database.url)
    if project.database.is_iam and not parts.username:
        raise ProjectError(
            f"{FILE}: [database] iam",
            "is on, and the URL names no user",
            "whom IAM vouches for",
            f"Write it: {parts.scheme}://USER@{parts.netloc.rpartition('@')[2]}{parts.path}.",
        )


def _below(root: Path, path: str) -> str:
    return str(root / path) if path else ""


def _has_password(url: str) -> bool:
    try:
        parts = urlsplit(url)
        if parts.password is not None:
            return True
    except ValueError:
        return True  # nothing is known of it, so nothing of it is sent
    return any("pass" in name or name == "pwd" for name, _ in parse_qsl(parts.query.lower()))


def _alarms(given: SettingsFile, *, is_local: bool) -> Alarms:
    """An emulator tells nobody anything, so there are none unless they are asked for."""
    alarms = Alarms(
        are_on=not given.flag("off", default=is_local),
        email=given.text("email"),
        topic=given.text("topic"),
        cluster=given.text("cluster"),
        max_connections=given.number("max_connections"),
    )
    if alarms.email and alarms.topic:
        raise ProjectError(
            f"{given.path}: email",
            "stands beside a topic",
            "one of them: the address is subscribed to the topic that deploy makes",
            "Subscribe the address to the topic yourself, or leave the topic out.",
        )
    if alarms.max_connections and not alarms.cluster:
        raise ProjectError(
            f"{given.path}: max_connections", "is of no cluster", "cluster beside it", "Name it."
        )
    return alarms


def _is_loopback(endpoint: str) -> bool:
    return urlsplit(endpoint).hostname in _LOOPBACK
