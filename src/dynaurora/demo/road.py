"""The demo itself: one phase after another, on two local servers, through the whole pipeline.

deploy      tables, then the project's stacks, as on AWS
load        all items are written, and arrive
wave        updates, deletes, inserts; and arrive
latency     single changes, each awaited
compare     every item against its row
query       the SELECT queries of the plugins
"""

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, Literal

from dynaurora.adapters.database import Database
from dynaurora.adapters.items import items_client, scan
from dynaurora.adapters.s3 import S3Objects
from dynaurora.demo.arrival import Arrival, Counts
from dynaurora.demo.comparison import TableComparison, compare
from dynaurora.demo.dataset import Dataset
from dynaurora.demo.datasets import datasets
from dynaurora.demo.latency import CHANGES, Latency, measure
from dynaurora.demo.waves import do_wave, plan_wave
from dynaurora.demo.writing import create_table, write_items
from dynaurora.deploy.deployment import deploy_project
from dynaurora.deploy.outcomes import Deployment
from dynaurora.deploy.outcomes import Progress as DeployProgress
from dynaurora.deploy.project import Project
from dynaurora.errors import ProjectError
from dynaurora.local.machine import LocalMachine
from dynaurora.metadata import Metadata
from dynaurora.model.keys import key_of
from dynaurora.plugins.contract import Plugin
from dynaurora.plugins.folder import find_plugins, load_plugin

Phase = Literal["deploy", "load", "wave", "latency", "compare", "query"]
PHASES: Final[tuple[Phase, ...]] = ("deploy", "load", "wave", "latency", "compare", "query")


@dataclass(frozen=True, slots=True)
class PhaseBegun:
    """A phase begins. sizes: how much each table has in it."""

    phase: Phase
    sizes: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class PhaseEnded:
    """A phase is over."""

    phase: Phase
    seconds: float


@dataclass(frozen=True, slots=True)
class Done:
    """So much more of a table has been written, changed or compared."""

    phase: Phase
    table: str
    count: int


@dataclass(frozen=True, slots=True)
class HasArrived:
    """So much of each table has arrived, in all."""

    phase: Phase
    counts: Mapping[str, int]


Progress = PhaseBegun | PhaseEnded | Done | HasArrived | DeployProgress
Tell = Callable[[Progress], None]


@dataclass(frozen=True, slots=True)
class QueryResult:
    """What a query of a plugin answers."""

    table: str
    name: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the demo came to.

    changes: how many changes were made after the first load.
    quarantined: open entries, by table and reason.
    """

    tables: tuple[TableComparison, ...]
    changes: int
    latency: Latency
    quarantined: Mapping[str, Mapping[str, int]]
    queries: tuple[QueryResult, ...]
    seconds: Mapping[Phase, float]

    @property
    def is_equal(self) -> bool:
        return all(table.is_equal for table in self.tables)


@dataclass(frozen=True, slots=True)
class Scale:
    """How much the demo does. limit: of each table, only the first items."""

    is_whole_year: bool = False
    limit: int | None = None
    single_changes: int = CHANGES


def run_demo(machine: LocalMachine, project: Project, scale: Scale, tell: Tell) -> Outcome:
    """Run every phase. project: as it is on this machine, with the plugins of the seven tables.

    tell: is told each step, never by two threads at once.
    """
    road = _Road(machine, project, scale, tell)
    with road.connected():
        return road.run()


@dataclass
class _Road:
    machine: LocalMachine
    project: Project
    scale: Scale
    told: Tell
    seconds: dict[Phase, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._client = items_client(self.machine.aws.session(), self.machine.aws.endpoint_url)
        self._datasets = self._all_datasets()

    @contextmanager
    def connected(self) -> Iterator[None]:
        database = Database(self.project.database)
        try:
            with database.session() as self._engine:
                yield
        finally:
            self._stop.set()
            database.close()

    def run(self) -> Outcome:
        plugins = self._plugins()
        deployment = self._deploy()
        self._arrival = Arrival(
            self._engine,
            S3Objects(partial(self.machine.aws.client, "s3")),
            deployment.pipeline.outputs["RawBucket"],
        )
        counts = self._load()
        changes, counts = self._wave(counts)
        latency = self._latency()
        return Outcome(
            tables=self._compare(plugins, counts),
            changes=changes + len(latency.seconds),
            latency=latency,
            quarantined=self._arrival.quarantined(),
            queries=self._query(plugins),
            seconds=self.seconds,
        )

    def _all_datasets(self) -> Sequence[Dataset]:
        found = datasets(is_whole_year=self.scale.is_whole_year)
        limit = self.scale.limit
        return found if limit is None else [dataset.limited(limit) for dataset in found]

    def _deploy(self) -> Deployment:
        with self._phase("deploy", {}):
            for dataset in self._datasets:
                create_table(self._client, dataset)
            metadata = Metadata(self._engine.connection, self._engine.queries)
            metadata.create()
            deployment = deploy_project(
                self.project,
                [dataset.table for dataset in self._datasets],
                confirm=lambda _table: True,
                tell=self._tell,
                register=metadata.register_stream,
                client=self.machine.aws.client,
            )
        for failure in deployment.failures:
            if failure.error is not None:
                raise failure.error
        return deployment

    def _plugins(self) -> Mapping[str, Plugin]:
        paths = find_plugins(self.project.sqlqueries)
        for dataset in self._datasets:
            if dataset.table not in paths:
                raise ProjectError(
                    f"{dataset.table}.py",
                    f"is not in {self.project.sqlqueries}",
                    "the plugins of the demo",
                    "Bring it back, or run the demo in a fresh clone.",
                )
        return {
            dataset.table: load_plugin(paths[dataset.table], dataset.table, self.machine.engine)
            for dataset in self._datasets
        }

    def _load(self) -> Counts:
        sizes = {dataset.table: dataset.size for dataset in self._datasets}
        with self._phase("load", sizes), self._beside(self._write) as check:

            def tell(counts: Counts) -> None:
                check()
                arrived = {table: found.keys for table, found in counts.items()}
                self._tell(HasArrived("load", arrived))

            return self._arrival.wait_for_keys(sizes, tell)

    def _write(self) -> None:
        write_items(
            self._client, self._datasets, lambda table, n: self._tell(Done("load", table, n))
        )

    def _wave(self, before: Counts) -> tuple[int, Counts]:
        wave = plan_wave(self._datasets)
        marks = {table: found.newest for table, found in before.items()}
        last = {history.table: key_of(history.key) for history in wave}
        keys = {table: sum(h.table == table for h in wave) for table in last}

        def tell(counts: Counts) -> None:
            arrived = {table: found.newer for table, found in counts.items()}
            self._tell(HasArrived("wave", arrived))

        def do() -> None:
            do_wave(self._client, wave, lambda table, _n: self._tell(Done("wave", table, 1)))

        with self._phase("wave", keys), self._beside(do) as check:

            def tell_checked(counts: Counts) -> None:
                check()
                tell(counts)

            counts = self._arrival.wait_for_changes(last, marks, tell_checked)
        return sum(len(history.changes) for history in wave), counts

    def _latency(self) -> Latency:
        changes = self.scale.single_changes

        def tell(_seconds: float) -> None:
            self._tell(Done("latency", "flights", 1))

        with self._phase("latency", {"flights": changes}):
            return measure(self._client, self._engine.connection, changes, tell)

    def _compare(
        self, plugins: Mapping[str, Plugin], counts: Counts
    ) -> tuple[TableComparison, ...]:
        sizes = {table: counts[table].rows for table in plugins}
        with self._phase("compare", sizes):
            return tuple(self._compare_one(plugins[table]) for table in sizes)

    def _compare_one(self, plugin: Plugin) -> TableComparison:
        with closing(scan(self._client, plugin.table)) as pages:
            return compare(
                plugin,
                pages,
                self._engine,
                lambda count: self._tell(Done("compare", plugin.table, count)),
            )

    def _query(self, plugins: Mapping[str, Plugin]) -> tuple[QueryResult, ...]:
        with self._phase("query", {}):
            return tuple(
                self._answer(table, name, statement)
                for table, plugin in plugins.items()
                for name, statement in plugin.select.items()
            )

    def _answer(self, table: str, name: str, statement: str) -> QueryResult:
        columns, rows = self._engine.connection.fetch_named(statement)
        return QueryResult(table, name, tuple(columns), tuple(rows))

    @contextmanager
    def _phase(self, phase: Phase, sizes: Mapping[str, int]) -> Iterator[None]:
        self._tell(PhaseBegun(phase, sizes))
        begin = time.monotonic()
        yield
        self.seconds[phase] = time.monotonic() - begin
        self._tell(PhaseEnded(phase, self.seconds[phase]))

    @contextmanager
    def _beside(self, work: Callable[[], None]) -> Iterator[Callable[[], None]]:
        """Do work in another thread; the yielded check raises what the work has raised."""
        with ThreadPoolExecutor(1) as pool:
            future: Future[None] = pool.submit(work)

            def check() -> None:
                if future.done():
                    future.result()

            try:
                yield check
            except BaseException:
                self._stop.set()  # the next step of the work ends it
                raise
            future.result()

    def _tell(self, progress: Progress) -> None:
        if self._stop.is_set():
            raise _Stopped
        with self._lock:
            self.told(progress)


class _Stopped(Exception):
    """The demo was left; a thread that still works ends."""
