"""The pipeline on this machine, and what it takes to keep it as the folder of plugins says.

Again and again it is looked at the folder, at the tables of DynamoDB and at what has arrived:

    a plugin is new       ─► its DynamoDB table is connected, as soon as that is there
    a table is new        ─► its stream is turned on, its stack deployed, its first items sent
    a plugin has changed  ─► its SQL tables are made, what waited for it is loaded
    a plugin is broken    ─► it is told; its changes wait in S3, and the others go on
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from dynaurora.adapters.aws import aws_errors
from dynaurora.adapters.firehose import FirehoseStreams
from dynaurora.adapters.items import items_client
from dynaurora.adapters.s3 import S3Objects
from dynaurora.capture import capture
from dynaurora.deploy.deployment import deploy_project
from dynaurora.deploy.outcomes import TableOutcome
from dynaurora.deploy.project import Project
from dynaurora.deploy.sweeping import sweep_now
from dynaurora.dev.arrivals import ArrivalWatch, Arrived, Parked
from dynaurora.dev.filling import fill
from dynaurora.dev.plugins import PluginNews, PluginWatch
from dynaurora.dev.tables import TableWatch
from dynaurora.errors import AwsError, DatabaseError, DynauroraError, LocalServerError, PluginError
from dynaurora.etl import Engine
from dynaurora.local.machine import LocalMachine
from dynaurora.metadata import Metadata
from dynaurora.plugins.folder import load_plugin

_TABLES_EVERY_S: Final = 0.5
_ARRIVALS_EVERY_S: Final = 0.3
_AWS: Final = "(AWS)"
"""No table can have this name."""

_QUIET_S: Final = 1.5
_SETTLED_S: Final = 15.0
_SHARE: Final = 10
"""Looking takes at most this part of the time."""


@dataclass(frozen=True, slots=True)
class Awaited:
    """There is a plugin, and no DynamoDB table of its name yet."""

    table: str


@dataclass(frozen=True, slots=True)
class Unplugged:
    """There is a DynamoDB table, and no plugin of its name."""

    table: str


@dataclass(frozen=True, slots=True)
class Connected:
    """A table's changes arrive from now on. filled: items that were there before, sent after."""

    table: str
    is_stream_enabled: bool
    filled: int


@dataclass(frozen=True, slots=True)
class Failed:
    """Something could not be done for a table; the others go on."""

    table: str
    error: DynauroraError


News = PluginNews | Awaited | Unplugged | Connected | Failed | Arrived | Parked
Tell = Callable[[News], None]


@dataclass(slots=True)
class _Every:
    """Whether it is time again; what takes long is done more rarely."""

    seconds: float
    next: float = 0.0

    def is_due(self) -> bool:
        return time.monotonic() >= self.next

    def was_done(self, begin: float) -> None:
        now = time.monotonic()
        self.next = now + max(self.seconds, _SHARE * (now - begin))


@dataclass
class Development:
    """Looks and acts. tell: is told the news, in the thread that calls."""

    machine: LocalMachine
    project: Project
    engine: Engine
    tell: Tell
    _awaited: set[str] = field(default_factory=set)
    _unplugged: set[str] = field(default_factory=set)
    _failures: dict[str, str] = field(default_factory=dict)
    _unfilled: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        aws = self.machine.aws
        self._items_client = items_client(aws.session(), aws.endpoint_url)
        self._metadata = Metadata(self.engine.connection, self.engine.queries)
        self._plugins = PluginWatch(self.project.sqlqueries, self.machine.engine)
        self._tables = TableWatch(aws.client("dynamodb"))
        self._store = S3Objects(partial(aws.client, "s3"))
        self._look_at_tables = _Every(_TABLES_EVERY_S)
        self._look_at_arrivals = _Every(_ARRIVALS_EVERY_S)

    def begin(self) -> None:
        """Deploy what is there."""
        self._metadata.create()
        for news in self._plugins.news(is_patient=False):
            self.tell(news)
        there = self._tables.names()
        outcomes = self._deploy([table for table in self._plugins.tables if table in there])
        self._arrivals = ArrivalWatch(self.engine, self._store, self._backup)
        self._arrivals.begin()
        for outcome in outcomes:
            self._connected(outcome)
        for table in self._plugins.tables:
            self._prepare(table)
        # Of all tables, whatever waits; and the load has started when the first change arrives.
        sweep_now(self.project, self.machine.aws.client, [""])
        self._await()

    def look(self) -> None:
        """Look at everything once, and do what is to be done."""
        self._check_servers()
        try:
            self._look()
            self._failures.pop(_AWS, None)
        except AwsError as error:  # it did not answer: it is asked again
            self._fail(_AWS, error)

    def _look(self) -> None:
        for news in self._plugins.news():
            self._plugin(news)
        begin = time.monotonic()
        if self._look_at_tables.is_due():
            self._connect_new()
            self._look_at_tables.was_done(begin)
        begin = time.monotonic()
        if self._look_at_arrivals.is_due():
            for arrived in self._arrivals.news():
                self.tell(arrived)
            self._look_at_arrivals.was_done(begin)

    def settle(self) -> None:
        """Wait until nothing has been on its way for a while, but not for long.

        The emulator keeps no changes that are still in a stream when it is stopped.
        """
        begin = quiet_since = time.monotonic()
        while time.monotonic() - quiet_since < _QUIET_S and time.monotonic() - begin < _SETTLED_S:
            for arrived in self._arrivals.news():
                self.tell(arrived)
                quiet_since = time.monotonic()
            if any(map(self._is_on_its_way, self._tables.connected)):
                quiet_since = time.monotonic()
            time.sleep(_ARRIVALS_EVERY_S)

    def _is_on_its_way(self, table: str) -> bool:
        """Whether an object of the table is to be loaded now."""
        is_parked = self._metadata.registration(table).parked_for != ""
        return not is_parked and self._has_objects(table)

    # --- plugins --------------------------------------------------------------------------------

    def _plugin(self, news: PluginNews) -> None:
        self.tell(news)
        table = news.plugin.table
        self._failures.pop(table, None)
        self._look_at_tables.next = 0
        if news.what in ("found", "changed") and self._prepare(table):
            self._load_what_waits(table)

    def _prepare(self, table: str) -> bool:
        """Make the SQL tables of a plugin now, so that a statement that is wrong is told now."""
        plugin = self._plugins.plugin(table)
        if plugin is None:
            return False
        registration = self._metadata.registration(table)
        if registration.parked_for in ("dropped", "stream"):
            return False  # it waits for a person, and says so
        try:
            loaded = load_plugin(plugin.path, table, self.machine.engine)
            self._metadata.clear_waiting([table])
            self._metadata.create_tables(loaded, self._metadata.registration(table))
        except PluginError as error:
            self._fail(table, error)
            return False
        return True

    def _load_what_waits(self, table: str) -> None:
        """Also what has never been tried, such as what came while the table had no plugin."""
        if table in self._tables.connected and self._has_objects(table):
            sweep_now(self.project, self.machine.aws.client, [table])

    def _has_objects(self, table: str) -> bool:
        return any(True for _ in self._store.list_older(self._raw, table, 0))

    # --- tables ---------------------------------------------------------------------------------

    def _connect_new(self) -> None:
        for table in self._tables.new(self._plugins.tables):
            for outcome in self._deploy([table]):
                self._connected(outcome)
        self._await()
        for table in sorted(self._tables.unplugged - self._unplugged):
            self.tell(Unplugged(table))
        self._unplugged = self._tables.unplugged

    def _await(self) -> None:
        """Tell once of each table that is not there, though its plugin is right."""
        missing = {
            table
            for table in self._plugins.tables
            if table in self._tables.missing and self._plugins.plugin(table) is not None
        }
        for table in sorted(missing - self._awaited):
            self.tell(Awaited(table))
        self._awaited = missing

    def _deploy(self, tables: Sequence[str]) -> Sequence[TableOutcome]:
        """Deploy the shared stacks and those of these tables; what fails concerns them alone."""
        try:
            deployment = deploy_project(
                self.project,
                tables,
                confirm=lambda _table: True,
                register=self._metadata.register_stream,
                client=self.machine.aws.client,
            )
        except DatabaseError:
            raise
        except DynauroraError as error:
            if not tables:
                raise
            return [TableOutcome(table, error=error) for table in tables]
        self._raw = deployment.pipeline.outputs["RawBucket"]
        self._backup = deployment.pipeline.outputs["BackupBucket"]
        return deployment.tables

    def _connected(self, outcome: TableOutcome) -> None:
        table = outcome.table
        if outcome.error is not None:
            self._tables.refuse(table)
            self._fail(table, outcome.error)
            return
        if outcome.items_before:
            self._unfilled.add(table)
        try:
            filled = self._fill(table) if table in self._unfilled else 0
        except AwsError as error:
            self._tables.refuse(table)
            self._fail(table, error)
            return
        self._unfilled.discard(table)
        self._failures.pop(table, None)
        self._tables.connect(table, outcome.stream_arn)
        self.tell(Connected(table, outcome.is_stream_enabled, filled))
        if self._prepare(table):
            self._load_what_waits(table)

    def _fill(self, table: str) -> int:
        client: Any = self.machine.aws.client("dynamodb")
        with aws_errors(f"table {table}"):
            described = client.describe_table(TableName=table)["Table"]
        deliver = partial(
            capture,
            streams=FirehoseStreams(self.machine.aws.client("firehose")),
            prefix=self.project.delivery_stream_prefix,
            bodies=self._store,
            backup_bucket=self._backup,
        )
        return fill(self._items_client, deliver, described)

    # --- failures -------------------------------------------------------------------------------

    def _fail(self, table: str, error: DynauroraError) -> None:
        """Tell what is wrong, once as long as it stays the same."""
        if self._failures.get(table) != str(error):
            self._failures[table] = str(error)
            self.tell(Failed(table, error))

    def _check_servers(self) -> None:
        for name, server in (
            ("MiniStack", self.machine.aws),
            (self.machine.database_name, self.machine.database),
        ):
            if not server.is_running:
                raise LocalServerError(
                    name, "has ended", "a server that runs", f"Its log is {server.log}."
                )
