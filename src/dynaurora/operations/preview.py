"""A preview: what changes would do, if they were loaded now. Nothing of it stays.

The changes are staged, arbitrated and applied by the very functions of a load, in a transaction
that is rolled back (`dynaurora.operations.rehearsal`).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, Literal, cast

from dynaurora.errors import (
    DatabaseError,
    LineUnreadable,
    LoadRace,
    StatementRefused,
)
from dynaurora.etl import Bodies, Engine, Loaded, load, stage
from dynaurora.metadata import (
    Chosen,
    Entry,
    Metadata,
    ParkedFor,
    Quarantine,
    Registration,
    StillMakes,
)
from dynaurora.metadata.evolving import pending_alterations
from dynaurora.model.events import ObjectName
from dynaurora.model.keys import key_of
from dynaurora.model.lines import LINE_VERSION, Line, decode_line, encode_line
from dynaurora.model.versions import SEQUENCE_DIGITS
from dynaurora.operations.differences import Difference, Looking
from dynaurora.operations.rehearsal import rehearsing
from dynaurora.operations.rehearsed import Rehearsal, Run, preview_queries
from dynaurora.plugins.contract import Plugin
from dynaurora.plugins.keys import key_attributes
from dynaurora.ports import StoredObject

Image = Mapping[str, Mapping[str, Any]]

_STREAM: Final = "arn:aws:dynamodb:us-east-1:000000000000:table/{}/stream/2000-01-01T00:00:00.000"
"""In the place of a stream's ARN, where none has fed the table yet."""

_NEWEST: Final = "9" * SEQUENCE_DIGITS
_STATEMENT_TIMEOUT: Final = frozenset({"57014", "3024", "1969"})
_LOCK_TIMEOUT: Final = frozenset({"55P03", "1205"})
"""https://www.postgresql.org/docs/15/errcodes-appendix.html,
https://dev.mysql.com/doc/mysql-errors/8.0/en/server-error-reference.html,
https://mariadb.com/kb/en/mariadb-error-code-reference/"""


@dataclass(frozen=True, slots=True)
class Told:
    """A statement of the plugin. runs: more than one where rows were searched that are refused.

    touched, seconds: of all its runs that were not taken back.
    """

    kind: Literal["create", "insert"]
    statement: str
    runs: int
    touched: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Preview:
    """What a load would do.

    created: the statements that would make or alter the SQL tables first. quarantined: what would
    be refused, and why. unmapped: attributes that no column reads, in how many changes.
    parked_for: why the table's objects wait now, "" if they do not.
    """

    plugin: Plugin
    loaded: Loaded
    created: Sequence[Told]
    statements: Sequence[Told]
    differences: Sequence[Difference]
    quarantined: Sequence[Entry]
    unmapped: Mapping[str, int]
    parked_for: ParkedFor


def preview(
    engine: Engine,
    plugin: Plugin,
    lines: Sequence[bytes],
    *,
    is_as_new: bool,
    still_makes: StillMakes,
    bodies: Bodies,
) -> Preview:
    """Load lines of one table in a transaction that is rolled back; what they would do.

    is_as_new: as if none of these items had been loaded before.
    Raises ``PluginError`` with file and line, and ``StreamNotAccepted``, as a load does.
    """
    registration = _registration(engine, plugin.table)
    parked_for = registration.parked_for if registration else ""
    keys = dict(_keys(lines))
    try:
        with rehearsing(engine, plugin, keys, is_as_new=is_as_new) as rehearsal:
            created = _create(rehearsal, plugin, still_makes)
            with rehearsal.loading():
                return _load(rehearsal, plugin, lines, bodies, created, parked_for)
    except DatabaseError as error:
        found = _in_time(error)
        if found is error:
            raise
        raise found from error


def put_lines(
    engine: Engine, plugin: Plugin, images: Iterable[Image], now_s: int
) -> Iterator[bytes]:
    """The lines of items as if each had just been put, after every change so far.

    now_s: seconds since 1970.
    """
    stream = _newest_stream(engine, plugin.table)
    attributes = sorted(key_attributes(plugin))
    for image in images:
        line = {
            "v": LINE_VERSION,
            "table": plugin.table,
            "stream": stream,
            "op": "MODIFY",
            "keys": {name: image[name] for name in attributes if name in image},
            "new": image,
            "seq": _NEWEST,
            "at": now_s,
        }
        yield encode_line(cast("Line", line))


def _in_time(error: DatabaseError) -> DatabaseError:
    """What the limits of a preview have ended is told so; any other error as it is."""
    if error.code in _STATEMENT_TIMEOUT:
        return StatementRefused(
            error.where,
            "it took longer than 30 seconds",
            "a preview that nobody has to wait for",
            "Preview fewer changes, or on a copy of the database.",
            code=error.code,
        )
    if error.code in _LOCK_TIMEOUT:
        return LoadRace(
            error.where,
            "a load has held the same items, or the table, for more than 5 seconds",
            "them soon",
            "Try again, or on a copy of the database.",
            code=error.code,
        )
    return error


def _newest_stream(engine: Engine, table: str) -> str:
    """That of the table's streams that wins over the others."""
    registration = _registration(engine, table)
    if registration is None:
        return _STREAM.format(table)
    known = Metadata(engine.connection, engine.queries).streams(registration).known()
    return known[0].stream.arn if known else _STREAM.format(table)


def _registration(engine: Engine, table: str) -> Registration | None:
    """What is known of a table; asking makes no metadata where there is none."""
    has_metadata = preview_queries(engine)["has_metadata"]
    if engine.connection.fetch(has_metadata) != [(True,)]:
        return None
    return Metadata(engine.connection, engine.queries).find(table)


def _keys(lines: Iterable[bytes]) -> Iterator[tuple[bytes, Image]]:
    for text in lines:
        with suppress(LineUnreadable):
            keys = decode_line(text)["keys"]
            yield key_of(keys), keys


def _create(rehearsal: Rehearsal, plugin: Plugin, still_makes: StillMakes) -> list[Told]:
    """Make or alter the SQL tables, as the next load would; what was run for it."""
    engine = rehearsal.engine
    metadata = Metadata(engine.connection, engine.queries)
    registration = metadata.registration(plugin.table)
    if registration.plugin_digest == plugin.digest:
        return []
    altering = pending_alterations(engine.connection, plugin)
    ours = {*plugin.create, *(statement for each in altering for statement in each)}
    metadata.create_tables(plugin, registration, still_makes)
    return _told("create", [run for run in rehearsal.connection.runs if run.statement in ours])


def _load(
    rehearsal: Rehearsal,
    plugin: Plugin,
    lines: Sequence[bytes],
    bodies: Bodies,
    created: Sequence[Told],
    parked_for: ParkedFor,
) -> Preview:
    engine, connection = rehearsal.engine, rehearsal.connection
    looking = Looking(engine, plugin)
    connection.before_plugin = looking.begin
    connection.runs.clear()
    metadata = Metadata(connection, engine.queries)
    registration = metadata.registration(plugin.table)
    acceptance = metadata.streams(registration).acceptance()
    name = ObjectName("preview", f"{plugin.table}/preview")
    stored = StoredObject(name, "", b"\n" + b"\n".join(lines))  # so begins no gzip
    staged = stage(plugin, engine.dialect, acceptance, [stored], is_noted=False)
    loaded = load(engine, registration, staged, bodies)
    runs = [run for run in connection.runs if run.statement in plugin.insert]
    quarantine = Quarantine(connection, engine.queries)
    return Preview(
        plugin,
        loaded,
        created,
        _told("insert", runs),
        looking.differences(),
        quarantine.entries(Chosen(plugin.table), limit=len(lines), with_lines=True),
        dict(staged.staging.unmapped),
        parked_for,
    )


def _told(kind: Literal["create", "insert"], runs: Iterable[Run]) -> list[Told]:
    """One of each statement, in the order in which they were run first."""
    by_statement: dict[str, list[Run]] = {}
    for run in runs:
        by_statement.setdefault(run.statement, []).append(run)
    return [
        Told(
            kind,
            statement,
            len(found),
            sum(r.touched for r in found),
            sum(r.seconds for r in found),
        )
        for statement, found in by_statement.items()
    ]
