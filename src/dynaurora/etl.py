"""The load: lines of raw objects become rows of Aurora, in one transaction of one table.

    stage   outside the transaction: lines become rows, of which the newest per key is kept (3)

    1  note the objects in the ledger of objects; what is there already is left out
    2  copy the staged rows, fetch the bodies of what may win and copy their rows, take the table's
       lock, look at its generation
    4  (tombstones are kept: no floor)
    5  arbitrate, in a statement of its own and in key order: only winners stay staged
    6  run the plugin's statements under a savepoint; halve the winners where rows are refused
    7  settle the quarantine; commit

The numbers are those of docs/arbitration.md, section 2.4, which has the history that demands each.
Only after the commit are the objects archived and deleted (`dynaurora.intake`). Everything is
loaded again without harm: order and duplicates are decided by the ledger, not by the caller.
"""

import gzip
import time
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from hashlib import blake2b
from typing import Final

from dynaurora.applying import Application
from dynaurora.collecting import uncollected
from dynaurora.errors import LoadRace, PluginError, RowRefused
from dynaurora.halving import Refusal, Search, Take
from dynaurora.metadata import Acceptance, Metadata, Registration
from dynaurora.metrics import spread
from dynaurora.model.events import ObjectName
from dynaurora.model.lines import raw_line
from dynaurora.model.versions import Stream
from dynaurora.plugins.contract import Plugin
from dynaurora.ports import GZIP, Connection, RelationColumn, StoredObject
from dynaurora.sql.dialect import Dialect
from dynaurora.sql.queries import Queries
from dynaurora.staging import Claimed, Relation, Staging, Unreadable

LEAST_BUDGET: Final = 100
"""Refused rows of one load above which, and above 1 %, the plugin and not the rows is broken."""


Bodies = Callable[[str], bytes | None]
"""Gives an object of the backup bucket by its key, or None where there is none. What it raises
fails the load: a body that cannot be fetched now is no body that is missing."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What one load came to, in changes; every line is in exactly one of applied, superseded,
    quarantined and unreadable.

    already: objects that an earlier load had read.
    bodies: how many of the quarantined have no body, or a wrong one.
    duration_ms: how long the transaction took; staging is done beside the one before it.
    lags_s: how long after the change it was committed, of at most a hundred changes (`spread`). A
        change's time is known to the second, rounded down.
    """

    objects: int = 0
    already: int = 0
    lines: int = 0
    applied: int = 0
    superseded: int = 0
    quarantined: int = 0
    unreadable: int = 0
    bodies: int = 0
    duration_ms: int = field(default=0, compare=False)
    lags_s: tuple[int, ...] = field(default=(), compare=False)

    def counts(self) -> dict[str, int]:
        """What it came to in numbers, without the lags."""
        return {name: value for name, value in asdict(self).items() if name != "lags_s"}


@dataclass(frozen=True, slots=True)
class Engine:
    """What a load works with: one connection and the SQL of its engine."""

    connection: Connection
    dialect: Dialect
    queries: Queries


@dataclass(frozen=True, slots=True)
class Staged:
    """Objects of one table whose lines are rows now, ready to be loaded."""

    plugin: Plugin
    objects: Sequence[StoredObject]
    staging: Staging
    streams: Mapping[Stream, int]
    """Streams that the table has not been fed from before, and the epoch that they were given."""
    is_noted: bool = True
    """Whether the objects are noted, and left out where they are known: not so for lines that are
    loaded again on purpose."""
    once_unreadable: Sequence[bytes] = ()
    """Lines that stand in quarantine under their hash, because they had no key."""


def stage(
    plugin: Plugin,
    dialect: Dialect,
    acceptance: Acceptance,
    objects: Sequence[StoredObject],
    *,
    is_noted: bool = True,
    once_unreadable: Sequence[bytes] = (),
) -> Staged:
    """Make rows of the lines of objects of one table. Needs no database.

    is_noted, once_unreadable: see `Staged`.
    Raises ``StreamNotAccepted`` and ``PluginError`` where the table has to be parked.
    """
    staging = Staging(plugin, dialect, acceptance.epoch)
    with uncollected():  # many objects that live on, and no cycles: a quarter of the time
        for stored in objects:
            staging.add(stored.name, unpacked(stored.data))
    if staging.key_error is not None and not staging.keys:
        raise staging.key_error
    return Staged(plugin, objects, staging, dict(acceptance.new), is_noted, once_unreadable)


def load(engine: Engine, registration: Registration, staged: Staged, bodies: Bodies) -> Loaded:
    """Load what was staged, in one transaction.

    Raises ``LoadRace`` and ``DatabaseAway`` with nothing done; ``PluginError`` and
    ``StreamNotAccepted`` where the table has to be parked, likewise with nothing done.
    """
    begun = time.monotonic()
    loading = _Load(engine, registration, staged, bodies)
    with engine.connection.transaction():
        loaded = loading.run()
    return replace(
        loaded,
        duration_ms=int((time.monotonic() - begun) * 1000),
        lags_s=_lags_s(loading.changed_at, int(time.time())),
    )


def _lags_s(changed_at: Mapping[int, int], committed_at: int) -> tuple[int, ...]:
    """Clocks differ, so a change may seem to be made after its commit; 0 is no time of a change."""
    times = {at: count for at, count in changed_at.items() if at > 0}
    return tuple(max(committed_at - at, 0) for at in spread(times))


def unpacked(data: bytes) -> bytes:
    """The lines of an object, which may be gzip (one member or several), told by its first bytes.

    What is cut off or damaged becomes one line that cannot be read: it is quarantined whole.
    """
    if not data.startswith(GZIP):
        return data
    try:
        return gzip.decompress(data)
    except (OSError, EOFError, zlib.error):
        return data.replace(b"\n", b" ")


def _hash_of(text: bytes) -> str:
    """Under which a line without a readable key stands in quarantine."""
    return blake2b(text, digest_size=16).hexdigest()


def _budget(keys: int) -> int:
    """How many changes of a load may be refused before the plugin is what is wrong."""
    return max(LEAST_BUDGET, keys // 100)


class _Load:
    """One load, inside its transaction."""

    def __init__(
        self, engine: Engine, registration: Registration, staged: Staged, bodies: Bodies
    ) -> None:
        self._connection = engine.connection
        self._dialect = engine.dialect
        self._queries = engine.queries
        self._metadata = Metadata(engine.connection, engine.queries)
        self._streams = self._metadata.streams(registration)
        self._registration = registration
        self._staged = staged
        self._plugin = staged.plugin
        self._bodies = bodies
        self._has_changes = staged.plugin.names("changes")
        self._has_refused = False
        self._relations: list[Relation] = []
        self.changed_at: Mapping[int, int] = {}
        """When the changes were made that the load has taken in, and how many at each second."""

    def run(self) -> Loaded:
        objects = self._staged.objects
        new = self._note(objects)
        if not new:
            return Loaded(already=len(objects))
        if len(new) < len(objects):
            # Their lines are loaded already, and counted; only the others are staged again.
            acceptance = self._streams.acceptance()
            self._staged = stage(self._plugin, self._dialect, acceptance, new)
        staging = self._staged.staging
        self.changed_at = staging.changed_at
        self._copy(staging)
        self._redeem(staging)
        self._copy_refused(staging)
        self._lock()
        self._accept()
        won = self._arbitrate(staging)
        refused, refused_values = self._quarantine_refused()
        bodies = refused - refused_values
        if won or self._has_changes:  # which has the changes that lost, too
            refused += self._apply(staging, refused_values)
        self._quarantine_unreadable(staging.unreadable)
        self._settle()
        return Loaded(
            objects=len(new),
            already=len(objects) - len(new),
            lines=staging.lines,
            applied=won - refused,
            superseded=staging.superseded + staging.keys - won,
            quarantined=refused,
            unreadable=len(staging.unreadable),
            bodies=bodies,
        )

    def _note(self, objects: Sequence[StoredObject]) -> list[StoredObject]:
        """2.4 (1): in name order, so that two loads of the same objects cannot deadlock."""
        if not self._staged.is_noted:
            return list(objects)
        statement, number = self._queries["note_object"], self._registration.number
        return [
            stored
            for stored in sorted(objects, key=lambda stored: stored.name)
            if self._connection.execute(
                statement, [number, stored.name.key, stored.etag, stored.name.bucket]
            )
        ]

    def _copy(self, staging: Staging) -> None:
        """2.4 (2), beside other loads: the table's lock is taken afterwards."""
        self._relations = staging.relations()
        for relation in self._relations:
            self._create(relation.name, relation.columns)
        try:
            self._copy_rows(self._relations)
        except RowRefused:
            self._copy_in_parts(staging)

    def _redeem(self, staging: Staging) -> None:
        """Fetch the bodies of the changes that may win, one at a time, and copy their rows.

        Before the arbitration, because nothing that others wait for may be held while S3 is asked;
        what loses by then has been fetched in vain (docs/adr/0007).
        """
        for claimed in self._contenders(staging.claimed):
            relations = staging.redeem(claimed, self._bodies(claimed.body))
            try:
                self._copy_rows(relations)
            except RowRefused as error:
                staging.refuse_redeemed(claimed, error.found)

    def _contenders(self, claimed: Sequence[Claimed]) -> list[Claimed]:
        """Those that the ledger would let through now; all, where losers leave rows as well."""
        if not claimed or self._has_changes:
            return list(claimed)
        self._connection.execute(self._queries["create_claimed"])
        columns = (RelationColumn("_key", self._dialect.key_type), RelationColumn("_version", ""))
        rows = [f"{self._dialect.encoded_key(one.key)}\t{one.version}" for one in claimed]
        self._copy_rows([Relation("_claimed", columns, rows)])
        statement = self._queries.of_table("claimed_contenders", self._registration.number)
        found = self._connection.fetch(statement, [self._registration.generation])
        keys = {self._dialect.key_bytes(key) for (key,) in found}
        return [one for one in claimed if one.key in keys]

    def _copy_refused(self, staging: Staging) -> None:
        self._connection.execute(self._queries["create_won"])
        self._connection.execute(self._queries["create_refused"])
        refused = staging.refused()
        self._has_refused = bool(refused.rows)
        self._copy_rows([refused])

    def _copy_rows(self, relations: Sequence[Relation]) -> None:
        filled = [relation for relation in relations if relation.rows]
        if not filled:
            return
        with self._connection.savepoint():
            for relation in filled:
                self._connection.copy_in(relation.name, relation.columns, relation.blocks())

    def _copy_in_parts(self, staging: Staging) -> None:
        """Staging lets nothing through that its column cannot hold; but a database of another
        encoding than UTF-8 cannot hold every text, and a line need not come from DynamoDB."""
        keys = staging.staged_keys()
        relations = [(relation, relation.by_key()) for relation in self._relations]

        def take(first: int, end: int) -> Refusal | None:
            part = [self._dialect.encoded_key(key) for key in keys[first:end]]
            found = [
                replace(relation, rows=[row for key in part for row in rows.get(key, ())])
                for relation, rows in relations
            ]
            try:
                self._copy_rows(found)
            except RowRefused as error:
                return Refusal(error)
            return None

        refused = self._refused_alone(len(keys), take, _budget(staging.keys))
        messages = {keys[number]: error.found for number, error in refused}
        staging.refuse(messages, self._contents())

    def _refused_alone(
        self, rows: int, take: Take, budget: int
    ) -> Iterator[tuple[int, RowRefused]]:
        """The rows that are refused alone; raise ``PluginError`` where they are too many."""
        for count, (number, error) in enumerate(Search(rows, take).refused_alone(), 1):
            if count > budget:
                raise self._over_budget(count, rows, error.code) from error
            yield number, error

    def _contents(self) -> Iterator[tuple[ObjectName, bytes]]:
        """The objects again, to find the lines of what is refused."""
        return ((stored.name, unpacked(stored.data)) for stored in self._staged.objects)

    def _lock(self) -> None:
        """Shared where rows are all that the plugin writes, else one load of the table at a time.

        A generation that was raised since means that rows were staged for tables that are gone.
        """
        kind = "shared" if self._plugin.is_row_wise else "exclusive"
        number = self._registration.number
        self._connection.fetch(self._queries[f"lock_table_{kind}"], [self._metadata.schema, number])
        ((generation, parked_for),) = self._connection.fetch(self._queries["generation"], [number])
        if (generation, parked_for) != (self._registration.generation, ""):
            raise LoadRace(
                f"table {self._plugin.table}",
                f"its generation is {generation} now ({parked_for or 'not parked'})",
                f"{self._registration.generation}, as when the load began",
            )

    def _accept(self) -> None:
        """Streams that are new to the table are looked at again, beside what is known by now.

        Their rows are staged at an epoch, which an operator may have raised meanwhile.
        """
        if not self._staged.streams:
            return
        self._streams.lock()
        acceptance = self._streams.acceptance()
        for stream, epoch in self._staged.streams.items():
            found = acceptance.epoch(stream)
            if found != epoch:
                raise LoadRace(
                    f"table {self._plugin.table}",
                    f"a stream's epoch is {found} now",
                    f"{epoch}, as when the load began",
                )
        self._streams.add(acceptance.new)

    def _arbitrate(self, staging: Staging) -> int:
        """2.4 (5): the number of winners; the losers have left the relations."""
        won = 0
        for statement in self._queries.every_of_table("arbitrate", self._registration.number):
            parameters = [self._registration.generation] if "%s" in statement else []
            won = self._connection.execute(statement, parameters)
        if won < staging.keys:
            for relation in self._relations:
                if relation.name != "changes" and (relation.rows or staging.claimed):
                    self._connection.execute(self._dialect.keep_winners(relation.name))
            if self._has_refused:
                kept = "keep_refused_changes" if self._has_changes else "keep_refused_winners"
                self._connection.execute(self._queries.of_table(kept, self._registration.number))
        return won

    def _quarantine_refused(self) -> tuple[int, int]:
        """Winners that no row could be made of: they move the ledger, with generation 0.

        How many they are, and how many of them for a value that a column cannot hold.
        """
        if not self._has_refused:
            return 0, 0
        number = self._registration.number
        refused = self._connection.execute(self._queries.of_table("refuse_in_ledger", number))
        ((values,),) = self._connection.fetch(self._queries["count_refused_values"])
        self._connection.execute(self._queries["quarantine_refused"], [number, self._plugin.digest])
        return refused, values

    def _apply(self, staging: Staging, refused: int) -> int:
        """2.4 (6): run the plugin; the number of changes that the database refused.

        refused: how many winners no row could be made of; they count toward the budget.
        """
        budget = _budget(staging.keys) - refused
        if budget < 0:
            raise self._over_budget(refused, staging.keys, "a value that its column cannot hold")
        application = Application(
            self._connection, self._dialect, self._queries, self._plugin, self._relations
        )
        application.create_replaced()
        try:
            application.run()
        except RowRefused:
            return self._apply_in_parts(application, staging, budget)
        return 0

    def _apply_in_parts(self, application: Application, staging: Staging, budget: int) -> int:
        """Find the refused rows and apply the others. Only the plugin's work is done again, never
        the arbitration, whose locks would then be taken after the plugin's: a deadlock.

        Where a plugin reads ``changes``, one that has lost may be refused as well. It counts toward
        the budget, and stays superseded.
        """
        rows = application.divide()
        errors = dict(self._refused_alone(rows, application.take, budget))
        return self._quarantine_rows(staging, application.refused_winners(errors))

    def _quarantine_rows(self, staging: Staging, refused: Mapping[bytes, RowRefused]) -> int:
        """Quarantine these winners, in key order; they move the ledger, with generation 0."""
        number = self._registration.number
        lines = staging.find(refused.keys(), self._contents)
        for key, error in sorted(refused.items()):
            version, name, text = lines[key]
            refuse_key = self._queries.of_table("refuse_key", number)
            self._connection.execute(refuse_key, [key.hex(), version])
            self._connection.execute(
                self._queries["quarantine_line"],
                [
                    *(number, key.hex(), version, "database", error.found, error.code),
                    *(self._plugin.digest, name.bucket, name.key, text),
                ],
            )
        return len(refused)

    def _quarantine_unreadable(self, unreadable: Sequence[Unreadable]) -> None:
        """A line without a key stands under the hash of its bytes, so a redelivery is no double.

        In the order of the hashes, so that two loads of the same lines cannot deadlock.
        """
        by_hash = {}
        for found in unreadable:
            text = raw_line(found.line)
            by_hash[_hash_of(text)] = (found, text)
        for key, (found, text) in sorted(by_hash.items()):
            self._connection.execute(
                self._queries["quarantine_line"],
                [
                    *(self._registration.number, key, "0", "unreadable", found.message, ""),
                    *(self._plugin.digest, found.object.bucket, found.object.key, text),
                ],
            )

    def _settle(self) -> None:
        """2.4 (7): what has been decided since is no longer open."""
        number = self._registration.number
        ((is_open,),) = self._connection.fetch(self._queries["has_open_quarantine"], [number])
        if is_open:
            statement = self._queries.of_table("settle_quarantine", number)
            self._connection.execute(statement, [number])
        if self._staged.once_unreadable:
            self._settle_unreadable(self._staged.staging)

    def _settle_unreadable(self, staging: Staging) -> None:
        """A line that can be read now has a key, by which the ledger says what became of it."""
        number = self._registration.number
        statement = self._queries.of_table("settle_unreadable", number)
        still = {found.line for found in staging.unreadable}
        for text in sorted(set(self._staged.once_unreadable) - still, key=_hash_of):
            key, version = staging.identity(text)
            self._connection.execute(
                statement, [version, number, _hash_of(text), key.hex(), version]
            )

    def _create(self, name: str, columns: Sequence[RelationColumn]) -> None:
        self._connection.execute(self._dialect.create_relation(name, columns))

    def _over_budget(self, refused: int, keys: int, last: str) -> PluginError:
        return PluginError(
            str(self._plugin.path),
            f"{refused} or more of {keys} rows are refused, the last with {last}",
            f"at most {LEAST_BUDGET} or 1 % of a load",
            "Correct the plugin; the table's objects wait and are loaded then.",
        )
