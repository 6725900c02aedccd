"""What Dynaurora knows about its tables, in the schema ``dynaurora`` beside them.

``tables`` numbers each DynamoDB table that was ever heard of and says whether its objects wait and
why; ``streams`` is the registry of the streams that may feed it. The statements are in the
dialect's ``.sql`` file.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal, cast

from dynaurora.errors import (
    DatabaseAway,
    DatabaseError,
    DatabaseUnknown,
    LoadRace,
    PluginError,
    StatementRefused,
    StreamNotAccepted,
)
from dynaurora.model.events import ObjectName
from dynaurora.model.versions import Stream, stream_of
from dynaurora.plugins.contract import Plugin
from dynaurora.ports import Connection
from dynaurora.sql.queries import Queries

ParkedFor = Literal["", "unknown", "plugin", "stream", "dropped", "error"]
"""Why the objects of a table wait: it has no plugin; its plugin is broken; a stream may not feed
it; an operator dropped it; the database kept answering with a code in no class."""

StillMakes = Callable[[str, str], bool]
"""``still_makes(table, sql_table)``: whether the plugin of the table makes the SQL table now."""

_MENDED_BY_A_CHANGED_PLUGIN = frozenset({"unknown", "plugin", "error"})


@dataclass(frozen=True, slots=True)
class Registration:
    """A table's row in ``tables``."""

    number: int
    table: str
    generation: int
    parked_for: ParkedFor
    reason: str
    plugin_digest: str

    def waits_for(self, plugin_digest: str) -> bool:
        """Whether its objects wait, given the plugin as it is now."""
        if self.parked_for in _MENDED_BY_A_CHANGED_PLUGIN:
            return self.plugin_digest == plugin_digest
        return self.parked_for != ""


class Metadata:
    """The metadata of one pipeline, on one connection."""

    def __init__(self, connection: Connection, queries: Queries) -> None:
        self._connection = connection
        self._queries = queries

    @property
    def schema(self) -> str:
        """The quoted schema, which also names this pipeline's locks."""
        return self._queries.schema

    def registration(self, table: str) -> Registration:
        """The table's row, made when it is heard of for the first time."""
        try:
            found = self._find(table)
        except StatementRefused:
            # No metadata yet: a first load makes it, whoever comes first.
            self.create()
            found = None
        if found is None:
            self._connection.execute(self._queries["add_table"], [table])
            found = self._find(table)
        assert found is not None  # noqa: S101 - it was just added, and rows are never deleted
        return found

    def registrations(self) -> list[Registration]:
        """All tables that were ever heard of; none where there is no metadata yet."""
        try:
            rows = self._connection.fetch(self._queries["tables"])
        except StatementRefused:
            return []
        return [Registration(*row) for row in rows]

    def create(self) -> None:
        """Make the schema and its tables; what is there stays."""
        self._create_one_by_one(self._queries.starting_with("metadata_"))

    def create_tables(
        self,
        plugin: Plugin,
        registration: Registration,
        still_makes: StillMakes = lambda _table, _sql_table: True,
    ) -> Registration:
        """Run the plugin's create statements, where this plugin's have not run yet.

        still_makes: whether another table's plugin makes an SQL table that it made before.
        Raises ``PluginError`` for an SQL table of another plugin, and for a statement that the
        database refuses.
        """
        if registration.parked_for == "" and registration.plugin_digest == plugin.digest:
            return registration
        with self._creating():
            self._claim(plugin, registration, still_makes)
        ledger = self._queries.of_table("create_ledger", registration.number)
        self._create_one_by_one([ledger])
        for number, statement in enumerate(plugin.create):
            try:
                self._create_one_by_one([statement])
            except (LoadRace, DatabaseAway, DatabaseUnknown):
                raise
            except DatabaseError as error:
                raise PluginError(
                    f"{plugin.path}, create_table_queries[{number}]",
                    f"the database answers {error.code}: {error.found}",
                    "a statement that it accepts",
                    "Correct the plugin.",
                ) from error
        self._connection.execute(
            self._queries["table_created"],
            [plugin.digest, registration.number, registration.generation],
        )
        return self.registration(registration.table)

    def park(
        self, registration: Registration, why: ParkedFor, reason: str, plugin_digest: str
    ) -> None:
        """Let the table's objects wait in the raw bucket until a person has acted."""
        self._connection.execute(
            self._queries["park_table"], [why, reason, plugin_digest, registration.number]
        )

    def unpark(self, registration: Registration) -> None:
        """Let the table's objects be loaded again; its tables are made anew if they are gone."""
        self._connection.execute(self._queries["unpark_table"], [registration.number])

    def _claim(self, plugin: Plugin, registration: Registration, still_makes: StillMakes) -> None:
        """Two plugins that write one SQL table would overwrite each other's rows in silence."""
        for name in plugin.sql_tables:
            parameters = [name, registration.number]
            for (owner,) in self._connection.fetch(self._queries["sql_table_owner"], parameters):
                if still_makes(owner, name):
                    raise PluginError(
                        str(plugin.path),
                        f'its SQL table "{name}" is made by the plugin of table {owner} too',
                        "an SQL table per plugin",
                        "Name one of them otherwise.",
                    )
            self._connection.execute(self._queries["claim_sql_table"], parameters)

    def drop_tables(self, plugin: Plugin, registration: Registration, reason: str) -> None:
        """Run the drop list under the table's exclusive lock, raise the generation, park."""
        with self._connection.transaction():
            lock = self._queries["lock_table_exclusive"]
            self._connection.execute(lock, [self.schema, registration.number])
            for statement in plugin.drop:
                self._connection.execute(statement)
            for name in ("release_sql_tables", "forget_objects", "forget_streams"):
                self._connection.execute(self._queries[name], [registration.number])
            self._connection.execute(self._queries["drop_table"], [reason, registration.number])

    def register_stream(self, table: str, arn: str, table_id: str) -> None:
        """Note the stream of a table that is being deployed.

        Raises ``StreamNotAccepted`` when the table was deleted and made again since.
        """
        registration = self.registration(table)
        streams = self._streams(registration)
        known_ids = {known_id for known_id, _ in streams.values() if known_id}
        if known_ids and table_id not in known_ids:
            raise StreamNotAccepted(
                f"table {table}",
                f"it was deleted and made again (its TableId is now {table_id})",
                f"the table that was deployed before ({', '.join(sorted(known_ids))})",
                "Its old rows are still in SQL, and no change will remove them. Say "
                f"`dynaurora drop {table}`, deploy, and `dynaurora unpark {table}` to begin anew.",
            )
        epoch = Acceptance(registration, streams).epoch(stream_of(arn))
        self._add_stream(registration, stream_of(arn), table_id, epoch)

    def acceptance(self, registration: Registration) -> "Acceptance":
        """Which streams may feed the table, as of now."""
        return Acceptance(registration, self._streams(registration))

    def lock_streams(self, registration: Registration) -> None:
        """Until the transaction ends, nobody else adds streams to the table."""
        self._connection.fetch(self._queries["lock_streams"], [self.schema, registration.number])

    def add_streams(self, registration: Registration, streams: Iterable[Stream]) -> None:
        """Note streams that a load has seen for the first time."""
        for stream in streams:
            self._add_stream(registration, stream, None, 0)

    def is_object_known(self, registration: Registration, name: ObjectName) -> bool:
        """Whether a committed load has read the object."""
        parameters = [registration.number, name.key, name.bucket]
        ((is_known,),) = self._connection.fetch(self._queries["is_object_known"], parameters)
        return bool(is_known)

    def add_gap(self, kind: str, name: ObjectName) -> bool:
        """Note changes that are known to be missing; False where they were noted before."""
        table = name.key.split("/")[1] if name.table.startswith("(") else name.table
        parameters = [kind, table, name.bucket, name.key]
        try:
            return self._connection.execute(self._queries["add_gap"], parameters) == 1
        except StatementRefused:
            self.create()  # no metadata yet, see `registration`
            return self._connection.execute(self._queries["add_gap"], parameters) == 1

    def _find(self, table: str) -> Registration | None:
        rows = self._connection.fetch(self._queries["table"], [table])
        if not rows:
            return None
        number, generation, parked_for, reason, digest = rows[0]
        return Registration(
            number, table, generation, cast("ParkedFor", parked_for), reason, digest
        )

    def _streams(self, registration: Registration) -> dict[str, tuple[str | None, int]]:
        """The accepted streams: TableId and epoch by ARN."""
        rows = self._connection.fetch(self._queries["streams"], [registration.number])
        return {arn: (table_id, epoch) for arn, table_id, _, epoch in rows}

    def _add_stream(
        self, registration: Registration, stream: Stream, table_id: str | None, epoch: int
    ) -> None:
        parameters = [stream.arn, registration.number, table_id, stream.label_ms, epoch]
        self._connection.execute(self._queries["add_stream"], parameters)

    def _create_one_by_one(self, statements: Iterable[str]) -> None:
        with self._creating():
            for statement in statements:
                self._connection.execute(statement)

    @contextmanager
    def _creating(self) -> Iterator[None]:
        """Two loaders that meet a new table at once: `if not exists` alone is not enough, both may
        find nothing and one then fails. https://www.postgresql.org/docs/15/explicit-locking.html
        """
        self._connection.fetch(self._queries["lock_creation"], [self.schema])
        try:
            yield
        finally:
            self._connection.fetch(self._queries["unlock_creation"], [self.schema])


class Acceptance:
    """Decides which streams may feed a table, and at which epoch.

    A load parks on another account, another Region or a lower label than the highest known: a
    fail-over to a replica whose stream is older would lose every change to the ledger in silence.
    """

    def __init__(
        self, registration: Registration, known: dict[str, tuple[str | None, int]]
    ) -> None:
        self._table = registration.table
        self._epochs = {arn: epoch for arn, (_, epoch) in known.items()}
        self._known = [stream_of(arn) for arn in known]
        self.new: list[Stream] = []

    def epoch(self, stream: Stream) -> int:
        """The epoch of a stream; raises ``StreamNotAccepted``."""
        if stream.arn in self._epochs:
            return self._epochs[stream.arn]
        for known in self._known:
            if (known.account, known.region) != (stream.account, stream.region):
                raise self._refused(
                    stream,
                    f"it is of account {stream.account} in {stream.region}",
                    f"account {known.account} in {known.region}",
                )
        newest = max(self._known, key=lambda known: known.label_ms, default=stream)
        if stream.label_ms < newest.label_ms:
            raise self._refused(
                stream, "it is older than one that feeds the table", f"one newer than {newest.arn}"
            )
        self._known.append(stream)
        self._epochs[stream.arn] = 0
        self.new.append(stream)
        return 0

    def _refused(self, stream: Stream, found: str, expected: str) -> StreamNotAccepted:
        return StreamNotAccepted(
            f"stream {stream.arn}",
            found,
            expected,
            f"The objects of table {self._table} wait in the raw bucket. Feed the table from one "
            f"stream; to begin anew from this one: `dynaurora drop {self._table}`.",
        )
