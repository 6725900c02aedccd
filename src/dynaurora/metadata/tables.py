"""The tables: each DynamoDB table that was ever heard of, whether its objects wait, and why."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal, cast

from dynaurora.errors import (
    DatabaseAway,
    DatabaseError,
    DatabaseUnknown,
    LoadRace,
    PluginError,
)
from dynaurora.metadata.evolving import evolve
from dynaurora.metadata.gaps import Gaps, Notice
from dynaurora.metadata.making import Making
from dynaurora.metadata.streams import Streams
from dynaurora.model.events import ObjectName
from dynaurora.plugins.contract import Plugin
from dynaurora.ports import Connection
from dynaurora.sql.queries import Queries

ParkedFor = Literal["", "unknown", "plugin", "stream", "dropped", "error"]
"""Why the objects of a table wait: it has no plugin; its plugin is broken; a stream may not feed
it; an operator dropped it; the database kept answering with a code in no class."""

StillMakes = Callable[[str, str], bool]
"""``still_makes(table, sql_table)``: whether the plugin of the table makes the SQL table now."""

DROP_TRIES: Final = 5
"""Of a drop that meets loads; they lock rows in another order where notes of theirs are locked."""

_MENDED_BY_A_CHANGED_PLUGIN = frozenset({"unknown", "plugin", "error"})


@dataclass(frozen=True, slots=True)
class Registration:
    """A table's row in ``tables``. parked_at: since when its objects wait for this reason."""

    number: int
    table: str
    generation: int
    parked_for: ParkedFor
    reason: str
    plugin_digest: str
    parked_at: datetime | None = None

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
        self._making = Making(connection, queries)

    @property
    def schema(self) -> str:
        """The quoted schema, which also names this pipeline's locks."""
        return self._queries.schema

    def registration(self, table: str) -> Registration:
        """The table's row, made when it is heard of for the first time."""
        found = self.find(table)
        if found is None:
            self._connection.execute(self._queries["add_table"], [table])
            found = self.find(table)
        assert found is not None  # noqa: S101 - it was just added, and rows are never deleted
        return found

    def find(self, table: str) -> Registration | None:
        """The table's row; None for one that was never heard of."""
        return next((_registration(row) for row in self._making.fetch("table", [table])), None)

    def registrations(self) -> list[Registration]:
        """All tables that were ever heard of."""
        return [_registration(row) for row in self._making.fetch("tables")]

    def streams(self, registration: Registration) -> Streams:
        """The streams of a table."""
        return Streams(self._connection, self._queries, registration.table, registration.number)

    def register_stream(self, table: str, arn: str, table_id: str) -> bool:
        """Note the stream of a table that is being deployed; see `Streams.register`.

        What changed between another stream and this one is a gap.
        """
        streams = self.streams(self.registration(table))
        with self._connection.transaction():
            is_another = streams.register(arn, table_id)
            if is_another:
                gaps = Gaps(self._connection, self._queries)
                gaps.add(Notice("unread", table, ObjectName("", arn)))
        return is_another

    def create(self) -> None:
        """Make the schema and its tables; what is there stays, and gets what it lacks."""
        self._making.create()

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
        with self._making.creating():
            self._claim(plugin, registration, still_makes)
            evolve(self._connection, self._queries, plugin)
        self._create_one(self._queries.of_table("create_ledger", registration.number))
        for number, statement in enumerate(plugin.create):
            try:
                self._create_one(statement)
            except (LoadRace, DatabaseAway, DatabaseUnknown):
                raise
            except DatabaseError as error:
                from dynaurora.plugins.refused import place_of  # noqa: PLC0415 - see applying

                raise PluginError(
                    place_of(plugin, "create", number, error),
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
            self._queries["park_table"], [why, why, reason, plugin_digest, registration.number]
        )

    def unpark(self, registration: Registration) -> None:
        """Let the table's objects be loaded again; its tables are made anew if they are gone."""
        self._connection.execute(self._queries["unpark_table"], [registration.number])

    def clear_waiting(self, tables: Collection[str]) -> list[str]:
        """Unpark those of these tables that waited for their plugin; their names."""
        waiting = [
            registration
            for registration in self.registrations()
            if registration.table in tables
            and registration.parked_for in _MENDED_BY_A_CHANGED_PLUGIN
        ]
        for registration in waiting:
            self.unpark(registration)
        return [registration.table for registration in waiting]

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
        """Raise the generation and park, under the table's exclusive lock; run the drop list.

        In this order, because DDL of MySQL commits: who waits for the lock has to find the table
        parked. What fails then is done again by another drop. Raises ``LoadRace`` where the drop
        has met a load again and again.
        """
        for number in range(1, DROP_TRIES + 1):
            try:
                self._drop_tables(plugin, registration, reason)
            except LoadRace:
                if number == DROP_TRIES:
                    raise
            else:
                return

    def _drop_tables(self, plugin: Plugin, registration: Registration, reason: str) -> None:
        with self._connection.transaction():
            lock = self._queries["lock_table_exclusive"]
            self._connection.execute(lock, [self.schema, registration.number])
            for name in ("forget_objects", "forget_table_ids"):
                self._connection.execute(self._queries[name], [registration.number])
            self._connection.execute(self._queries["drop_table"], [reason, registration.number])
            for statement in plugin.drop:
                self._connection.execute(statement)
            release = self._queries["release_sql_tables"]
            self._connection.execute(release, [registration.number])

    def renew(self, registration: Registration) -> Registration:
        """Raise the generation: every item's newest change is applied once more when it comes."""
        with self._connection.transaction():
            lock = self._queries["lock_table_exclusive"]
            self._connection.execute(lock, [self.schema, registration.number])
            self._connection.execute(self._queries["raise_generation"], [registration.number])
        return self.registration(registration.table)

    def count_older(self, registration: Registration) -> int:
        """Items whose newest change was applied in an earlier generation alone."""
        statement = self._queries.of_table("count_older", registration.number)
        ((items,),) = self._connection.fetch(statement, [registration.generation])
        return int(items)

    def is_object_known(self, registration: Registration, name: ObjectName) -> bool:
        """Whether a committed load has read the object."""
        parameters = [registration.number, name.key, name.bucket]
        ((is_known,),) = self._connection.fetch(self._queries["is_object_known"], parameters)
        return bool(is_known)

    def _create_one(self, statement: str) -> None:
        with self._making.creating():
            self._connection.execute(statement)


def _registration(row: tuple[Any, ...]) -> Registration:
    number, table, generation, parked_for, reason, digest, parked_at = row
    why = cast("ParkedFor", parked_for)
    return Registration(number, table, generation, why, reason, digest, parked_at)
