"""Intake: which objects to load, and what becomes of them afterwards.

    object names ─► by table, in name order ─► read ─► etl.load ─► commit
                                                                     └─► Processed/, then delete

The raw bucket is the queue, and what tells of an object is only a hint: an object is gone from the
bucket when, and only when, the database has committed it and the archive has it. So an object that
nobody tells of is found by the sweep, one that is told of twice is loaded once, and a crash at any
step leaves something that the next delivery finishes.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby, islice, takewhile
from typing import Any, Final

from dynaurora.errors import (
    ChangeError,
    DatabaseAway,
    DatabaseError,
    DatabaseUnknown,
    DynauroraError,
    PluginError,
    StatementRefused,
    StreamNotAccepted,
)
from dynaurora.etl import Loaded, stage
from dynaurora.log import log
from dynaurora.metadata import Gaps, Metadata, ParkedFor, Registration, Unmapped
from dynaurora.model.events import ERRORS_FOLDER, Message, ObjectName, message_of
from dynaurora.model.leftovers import GIVEN_UP_FOLDER
from dynaurora.model.names import is_table_name
from dynaurora.noticing import notice_given_up, notice_undelivered, notice_vanished
from dynaurora.parts import Parts
from dynaurora.plugins.contract import Plugin
from dynaurora.plugins.folder import PluginFolder
from dynaurora.portions import load_portions, read_portions, summed, within_bodies
from dynaurora.ports import StoredObject

UNKNOWN_TRIES: Final = 5
OUTAGE_TRIES: Final = 3
"""Before a table is parked because of an outage that the database is healthy in, its load is tried
so often, one right after the other: a failover that meets objects which have waited long enough
must not be taken for their fault."""

SWEEP_AGE_S: Final = 3600
"""Older raw objects have been missed by every event, or wait for a table that waits."""

RECOVERY_PAUSES_S: Final = (0.5, 1, 2, 4)
"""A server that has crashed is back within seconds; one that is away longer is away."""

SWEEP_OBJECTS: Final = 10_000
"""Objects of a table that are listed at once: a table that waits for weeks has many."""


@dataclass(slots=True)
class Report:
    """What an invocation did. ``failed`` objects are told of again; ``waiting`` ones stay."""

    loaded: dict[str, Loaded] = field(default_factory=dict)
    failed: set[ObjectName] = field(default_factory=set)
    waiting: set[ObjectName] = field(default_factory=set)

    def summary(self) -> dict[str, Any]:
        """The outcome in numbers."""
        return {
            "loaded": {table: loaded.counts() for table, loaded in self.loaded.items()},
            "failed": len(self.failed),
            "waiting": len(self.waiting),
        }


def take_in_messages(parts: Parts, records: Sequence[Mapping[str, Any]]) -> list[str]:
    """Load what the messages of an SQS event tell of; the ids of those that have to come again.

    A message that is no notification of S3 comes again until it is a dead letter, which alarms.
    """
    messages: list[Message] = []
    failed: list[str] = []
    for record in records:
        try:
            messages.append(message_of(record))
        except ChangeError as error:
            log("error", str(error), alarm="message")
            failed.append(str(record["messageId"]))
    objects = [name for message in messages for name in message.objects]
    receives: dict[str, int] = {}
    for message in messages:
        for name in message.objects:
            receives[name.table] = max(message.receives, receives.get(name.table, 1))
    report = take_in(parts, objects, receives=receives)
    failed += [m.message_id for m in messages if not report.failed.isdisjoint(m.objects)]
    return failed


def take_in(
    parts: Parts, objects: Iterable[ObjectName], *, receives: Mapping[str, int] | None = None
) -> Report:
    """Load objects that an event tells of.

    receives: by table, how often the delivery has been received; a table that keeps failing is
        parked.
    Raises ``DatabaseAway`` when the database cannot be reached: the whole delivery comes again.
    """
    report = Report()
    found = sorted(set(objects), key=lambda name: (name.table, name))
    by_table = groupby(found, key=lambda name: name.table)
    _one_by_one(
        parts,
        (
            partial(
                _take_in_table, parts, table, list(names), (receives or {}).get(table, 1), report
            )
            for table, names in by_table
        ),
    )
    return report


def sweep(parts: Parts, *, table: str = "", age_s: int = SWEEP_AGE_S) -> Report:
    """Load what is in the raw bucket although no event has loaded it, and notice what is missing,
    while time is left.

    table: only this one's objects; "" for all. age_s: only objects that are at least so old.
    """
    report = Report()
    folders = [table] if table else list(parts.store.folders(parts.raw_bucket))
    works: list[tuple[str, Callable[[], None]]] = [
        (folder, partial(_sweep_folder, parts, folder, age_s, report)) for folder in folders
    ]
    if not table:  # first: an alarm must not wait for a backlog
        works.insert(0, (GIVEN_UP_FOLDER, partial(_sweep_given_up, parts)))
    left = takewhile(lambda work: _has_time(parts, work[0]), works)
    _one_by_one(parts, (work for _, work in left))
    return report


def _has_time(parts: Parts, folder: str) -> bool:
    if parts.has_time():
        return True
    log("warning", "the sweep stops: the next one goes on", folder=folder)
    return False


def _one_by_one(parts: Parts, works: Iterable[Callable[[], None]]) -> None:
    """Do the work of each table, also after that of another failed in a way that nobody foresaw.

    A database that is away is away for all.
    """
    first: Exception | None = None
    for work in works:
        try:
            work()
        except Exception as error:
            if isinstance(error, DatabaseAway) and not _is_healthy(parts):
                raise
            first = first or error
    if first is not None:
        raise first


def _is_healthy(parts: Parts) -> bool:
    """Whether the database answers, if need be after a moment: a row may have ended its session, or
    the whole server, and an outage that one row makes is no outage."""
    for pause in RECOVERY_PAUSES_S:
        if parts.engine.connection.is_healthy():
            return True
        parts.clock.sleep(pause)
    return parts.engine.connection.is_healthy()


def _sweep_folder(parts: Parts, folder: str, age_s: int, report: Report) -> None:
    """Take in a folder's objects until there are none, or the rest has to wait."""
    while True:
        found = parts.store.list_older(parts.raw_bucket, folder, age_s)
        if folder == ERRORS_FOLDER:
            notice_undelivered(_gaps(parts), found)
            return
        names = list(islice(found, SWEEP_OBJECTS))
        if names:
            _take_in_table(parts, folder, names, 1, report)
        left = not (report.waiting | report.failed).isdisjoint(names)
        if left or len(names) < SWEEP_OBJECTS:
            return


def _sweep_given_up(parts: Parts) -> None:
    has_time = partial(_has_time, parts, GIVEN_UP_FOLDER)
    notice_given_up(_gaps(parts), parts.store, parts.backup_bucket, has_time)


def _gaps(parts: Parts) -> Gaps:
    return Gaps(parts.engine.connection, parts.engine.queries)


def _take_in_table(
    parts: Parts, table: str, names: Sequence[ObjectName], receives: int, report: Report
) -> None:
    """One table: its own failure fails its own objects, never another table's."""
    metadata = Metadata(parts.engine.connection, parts.engine.queries)
    if table == ERRORS_FOLDER:
        _take_in_gaps(parts, names, report)
    elif is_table_name(table):
        _take_in_objects(parts, metadata, names, receives, report)
    else:
        keys = [name.key for name in names]
        log("error", "objects outside any table's folder are left alone", objects=keys)
        report.waiting.update(names)


def _take_in_objects(
    parts: Parts, metadata: Metadata, names: Sequence[ObjectName], receives: int, report: Report
) -> None:
    """Load the objects, or say why not. An outage that the database is healthy in, again and again,
    is these objects' own: it parks the table."""
    table = names[0].table
    for number in range(1, OUTAGE_TRIES + 1):
        try:
            _load_objects(parts, metadata, names, report)
        except (DatabaseAway, DatabaseUnknown) as error:
            is_their_own = receives >= UNKNOWN_TRIES and _is_healthy(parts)
            if is_their_own and number < OUTAGE_TRIES:
                continue
            if is_their_own:
                digest = _digest(parts.plugins, table)
                _park(metadata, metadata.registration(table), "error", error, digest)
            elif isinstance(error, DatabaseAway):
                raise
            _failed(table, error, names, report)
        except DynauroraError as error:
            _failed(table, error, names, report)
        return


def _load_objects(
    parts: Parts, metadata: Metadata, names: Sequence[ObjectName], report: Report
) -> None:
    """Load the objects of a table, or park it where they have to wait for a person."""
    table = names[0].table
    registration = metadata.registration(table)
    digest = ""
    try:
        plugin = parts.plugins.plugin(table)
        digest = plugin.digest if plugin else ""
        if plugin is None or registration.waits_for(digest):
            _let_wait(metadata, registration, is_known=plugin is not None)
            report.waiting.update(names)
            return
        if registration.parked_for:
            # It waited until now, so older objects of it wait too.
            waiting = parts.store.list_older(parts.raw_bucket, table, 0)
            names = sorted({*names, *islice(waiting, SWEEP_OBJECTS)})
        registration = metadata.create_tables(
            plugin, registration, partial(still_makes, parts.plugins)
        )
        _load_table(parts, metadata, plugin, registration, names, report)
    except (PluginError, StatementRefused, StreamNotAccepted) as error:
        why: ParkedFor = "stream" if isinstance(error, StreamNotAccepted) else "plugin"
        _park(metadata, registration, why, error, digest)
        report.waiting.update(names)


def _digest(plugins: PluginFolder, table: str) -> str:
    try:
        plugin = plugins.plugin(table)
    except PluginError:
        return ""
    return plugin.digest if plugin else ""


def still_makes(plugins: PluginFolder, table: str, sql_table: str) -> bool:
    """Whether the plugin of a table makes this SQL table now; see `metadata.StillMakes`."""
    try:
        plugin = plugins.plugin(table)
    except PluginError:
        return True  # it may be mended, and would make it again
    return plugin is not None and sql_table in plugin.sql_tables


def _let_wait(metadata: Metadata, registration: Registration, *, is_known: bool) -> None:
    reason = registration.reason
    if not is_known:
        reason = f"no plugin: add {registration.table}.py to sqlqueries/"
        if registration.parked_for != "unknown":
            metadata.park(registration, "unknown", reason, "")
    # The reason may quote what the database said of a row: it stands in the database alone.
    said = reason if not is_known else registration.parked_for
    log("warning", "objects wait", table=registration.table, reason=said)


def _load_table(
    parts: Parts,
    metadata: Metadata,
    plugin: Plugin,
    registration: Registration,
    names: Sequence[ObjectName],
    report: Report,
) -> None:
    """Load the objects in portions. What was loaded leaves the raw bucket at once."""
    missing: list[ObjectName] = []
    acceptance = metadata.streams(registration).acceptance()
    staging = partial(stage, plugin, parts.engine.dialect, acceptance)
    portions = within_bodies(staging, read_portions(parts.store, names, missing))
    unmapped = Counter[str]()
    left = dict.fromkeys(names)
    for staged, loaded in load_portions(parts, metadata, registration, portions):
        _loaded(parts, plugin.table, loaded, staged.objects, report)
        unmapped.update(staged.staging.unmapped)
        for stored in staged.objects:
            del left[stored.name]
    for name in missing:
        del left[name]
        _missing(parts, metadata, registration, name)
    if left:
        _out_of_time(plugin.table, list(left), report)
    if unmapped:
        _note_unmapped(parts, registration, unmapped)


def _note_unmapped(parts: Parts, registration: Registration, counts: Mapping[str, int]) -> None:
    """After the commit, in a transaction of its own: loads of a table run side by side, and would
    wait for each other here. It is no fault of the load where it cannot be noted."""
    try:
        Unmapped(parts.engine.connection, parts.engine.queries).add(registration.number, counts)
    except DatabaseAway:
        raise
    except DatabaseError as error:
        log("warning", "unmapped attributes are not counted", kind=type(error).__name__)


def _out_of_time(table: str, names: Sequence[ObjectName], report: Report) -> None:
    log("warning", "the time is nearly over: the rest comes again", table=table, objects=len(names))
    report.failed.update(names)


def _loaded(
    parts: Parts, table: str, loaded: Loaded, objects: Sequence[StoredObject], report: Report
) -> None:
    """After the commit, and only then, the objects leave the raw bucket."""
    _tell(table, loaded)
    for stored in objects:
        _archive(parts, stored)
    report.loaded[table] = summed(report.loaded.get(table, Loaded()), loaded)


def _tell(table: str, loaded: Loaded) -> None:
    """A load that has met only what it knows has no lag, and took no time worth telling."""
    seconds = max(loaded.duration_ms, 1) / 1000
    measures: dict[str, float | Sequence[float]] = {
        "applied": loaded.applied,
        "superseded": loaded.superseded,
        "quarantined": loaded.quarantined,
        "unreadable": loaded.unreadable,
        "already": loaded.already,
    }
    if loaded.objects:
        measures |= {
            "lag_s": loaded.lags_s,
            "duration_ms": loaded.duration_ms,
            "changes_per_s": round(loaded.lines / seconds),
        }
    objects, lines = loaded.objects, loaded.lines
    log("info", "loaded", table=table, objects=objects, lines=lines, measures=measures)
    quarantined = loaded.quarantined + loaded.unreadable
    if quarantined:
        said = "changes were quarantined"
        log("error", said, alarm="quarantine", table=table, changes=quarantined)
    if loaded.bodies:
        log("error", "bodies are missing", alarm="body", table=table, changes=loaded.bodies)


def _missing(
    parts: Parts, metadata: Metadata, registration: Registration, name: ObjectName
) -> None:
    """An object that is gone was loaded before, or has vanished: the one loss that can be seen."""
    if metadata.is_object_known(registration, name):
        return
    if parts.store.exists(name.processed(parts.backup_bucket)):
        return
    notice_vanished(_gaps(parts), name)


def _archive(parts: Parts, stored: StoredObject) -> None:
    """Copy to ``Processed/``, then delete. An object that changed since it was read stays."""
    target = stored.name.processed(parts.backup_bucket)
    if parts.store.copy(stored.name, stored.etag, target):
        parts.store.delete(stored.name)


def _take_in_gaps(parts: Parts, names: Sequence[ObjectName], report: Report) -> None:
    try:
        notice_undelivered(_gaps(parts), names)
    except DatabaseAway:
        raise
    except DatabaseError as error:
        _failed(ERRORS_FOLDER, error, names, report)


def _park(
    metadata: Metadata,
    registration: Registration,
    why: ParkedFor,
    error: DynauroraError,
    digest: str,
) -> None:
    metadata.park(registration, why, str(error), digest)
    log(
        "error",
        "table parked",
        alarm="parked",
        table=registration.table,
        parked_for=why,
        where=error.where,
        fix=error.remedy,
    )


def _failed(table: str, error: DynauroraError, names: Sequence[ObjectName], report: Report) -> None:
    # What a database answers may hold values of a row; what AWS answers does not.
    found = error.code if isinstance(error, DatabaseError) else error.found
    kind = type(error).__name__
    log(
        "error",
        "the load failed and comes again",
        table=table,
        kind=kind,
        where=error.where,
        found=found,
    )
    report.failed.update(names)
