"""One history: applications write, AWS carries, loads load, and much goes wrong.

Time is simulated: what happens next is the earliest of what is to come. The loads alone run in real
threads on a real database, a step at a time (`simulation.turns`), and what is to come happens
between their steps. In the end the world is calm: what was given up is replayed, what was missed is
swept, and everything has arrived.
"""

import gzip
import heapq
import json
import random
from base64 import b64decode
from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, Final

from dynaurora import capture, intake
from dynaurora.adapters.database import Database
from dynaurora.metadata import Metadata
from dynaurora.plugins.folder import PluginFolder
from dynaurora.ports import GZIP
from dynaurora.settings import DatabaseSettings
from simulation import sqs
from simulation.dynamodb import Table, Write, key_text
from simulation.engines import Control, LocalServer
from simulation.faults import KINDS, LEAST_KINDS, Faults
from simulation.firehose import Firehose
from simulation.functions import SHORT_MS, TIME_MS, Loader, Streams
from simulation.mapping import StreamMapping
from simulation.s3 import BACKUP, RAW, S3
from simulation.subjects import SUBJECTS, Subject, keys_of
from simulation.turns import Runner

SWEEP_S: Final = 900
DRAWS: Final = {"commit": 16, "commit done": 4, "archive": 4, "delete": 4}
"""What happens at a step of the load happens at these more often: much depends on them."""

MOST_STREAMS: Final = 3
LONGEST_S: Final = 40_000
"""A history that is not calm by then is made calm."""


@dataclass(frozen=True)
class History:
    """A history as it is written down: run again, it is the same one.

    writes: those behind the first ``least`` are only for a history in which little has gone wrong.
    kinds: the faults that may happen.
    """

    seed: str
    writes: tuple[Write, ...]
    least: int
    kinds: frozenset[str] = frozenset(KINDS)

    @property
    def subjects(self) -> tuple[Subject, ...]:
        tables = {write.table for write in self.writes}
        return tuple(subject for subject in SUBJECTS if subject.table in tables)


def make_history(
    seed: str,
    changes: int,
    kinds: Collection[str] = KINDS,
    subjects: Sequence[Subject] = (),
) -> History:
    """A history of at least so many changes and few keys.

    subjects: the tables that it is of; without them, one to three of all.
    """
    chance = random.Random(f"{seed} writes")
    subjects = subjects or chance.sample(SUBJECTS, chance.choice((1, 1, 2, 2, 3)))
    keys = {subject.table: keys_of(subject, chance.choice((3, 8, 30, 150))) for subject in subjects}
    faults = Faults(seed, kinds)
    items: dict[tuple[str, str], Any] = {}
    writes: list[Write] = []
    while len(writes) < changes * 2:
        subject = chance.choice(subjects)
        key = chance.choice(keys[subject.table])
        place = (subject.table, key_text(key))
        if chance.random() < 0.2:
            if items.pop(place, None) is not None:
                writes.append(Write(subject.table, key, None, chance.random() < 0.3))
            continue
        found = tuple(kind for kind in _OF_A_WRITE if faults.happens(kind))
        n = f"{chance.randint(-500, 500) / 4:.2f}" + ("1" if "value refused" in found else "")
        v = f"secret{len(writes)}" + (
            "x" * 3000 if "change too large for a record" in found else ""
        )
        v += "bad" if "row refused" in found else ""
        items[place] = item = subject.make_item(chance, key, v, n)
        writes.append(Write(subject.table, key, item, faults=found))
    return History(seed, tuple(writes), changes, frozenset(kinds))


_OF_A_WRITE = ("value refused", "row refused", "change too large for a record")


class Divergence(AssertionError):
    """Something that has to hold does not."""


class World:
    """A history that is being run. control: of its own empty database, on the server."""

    def __init__(
        self,
        history: History,
        streams: Streams,
        loaders: Sequence[Loader],
        server: LocalServer,
        control: Control,
        folder: Path,
    ) -> None:
        self.history = history
        self.faults = Faults(history.seed, history.kinds)
        self.now_s = 0.0
        self._chance = random.Random(f"{history.seed} world")
        self._streams = streams
        self._server = server
        self.engine = control.engine
        self._folder = folder
        self._plugins = PluginFolder(folder, self.engine.name)
        self._numbers = count()
        self._to_come: list[tuple[float, int, Callable[[], None]]] = []
        self._control = control
        self.s3 = S3(lambda: self.now_s, self._tell, self.faults)
        visibility_s = self._chance.choice((30, 200))
        self.queue = sqs.Queue(self.faults, visibility_s=visibility_s, receives=10)
        self.firehose = Firehose(streams.transform, self._deliver, self._flush_in, self.faults)
        self.tables = {s.table: Table(s.table, history.seed) for s in history.subjects}
        self._mappings = [
            StreamMapping(table, self._capture, self._give_up, self.faults, history.seed)
            for table in self.tables.values()
        ]
        self._loaders = loaders
        self._messages: dict[int, Sequence[sqs.Message]] = {}
        self._is_lock_free = False
        self.replays_archive = self._chance.random() < 0.5 or any(
            subject.has_history for subject in history.subjects
        )
        self._patience = self._chance.choice((0.6, 0.9))
        self._batch = self._chance.choice((1, 3, 6))
        self._plugins_changed = 0
        self._writes = deque(history.writes)
        self._written = 0
        self.errors: list[BaseException] = []

    # --- a whole history ---

    def run(self) -> None:
        """From the first write until all is quiet, and then everything has arrived."""
        for subject in self.history.subjects:
            self.write_plugin(subject)
        with self._metadata() as metadata:
            metadata.create()
            for name, table in self.tables.items():
                metadata.register_stream(name, table.streams[0], "id")
        for loader in self._loaders:
            loader.begin(self._plugins, self.s3, self._control, self._chance)
        self._at(1, self._write)
        self._at(1, self._poll_streams)
        self._at(1, self._poll_queue)
        self._at(SWEEP_S, self._sweep)
        self._go_on()
        self.calm_down()

    def calm_down(self) -> None:
        """No more faults: sweep what was missed, replay the gaps, until nothing is left."""
        self.faults.is_calm = True
        self._go_on()
        for _ in range(20):
            self.now_s += 2 * intake.SWEEP_AGE_S
            self.ask({"source": "aws.events"})
            self.ask({"dynaurora": {"command": "gaps replay"}})
            self._unpark()
            if self._is_quiet() and not self.s3.keys(RAW):
                return
        raise AssertionError(f"there is no end: {self.s3.keys(RAW)}")

    def _unpark(self) -> None:
        """A table may be parked because too many outages met its objects: a person looks at it."""
        query = "select name from dynaurora.tables where parked_for = 'error'"
        for (table,) in self._control.rows(query):
            self.faults.follows("table parked")
            self.ask({"dynaurora": {"command": "unpark", "table": table}})

    def ask(self, event: Mapping[str, Any]) -> Any:
        """Invoke the load, with nothing else going on, and give its answer."""
        self._go_on()
        runner = self._invoke(self._loaders[0], event, ())
        self._go_on()
        if runner.error is not None:
            raise AssertionError(f"{event} failed") from runner.error
        return runner.answer

    def close(self) -> None:
        """End what is still under way."""
        for loader in self._loaders:
            if loader.runner is not None:
                loader.runner.crash()
                loader.runner = None
            loader.end()
        self._control.close()

    def replay_archive(self) -> None:
        """Let everything that was ever archived, in whatever form, come again."""
        for key in self.s3.keys(BACKUP, "aws/lambda/"):
            told = json.loads(self.s3.objects[BACKUP, key].data)
            self._capture(json.loads(told["payload"])["Records"])
        for number, key in enumerate(self.s3.keys(BACKUP, "Processed/")):
            data = content(self.s3.objects[BACKUP, key].data)
            _, folder, name = key.split("/", 2)
            if folder == "(errors)":
                folder = name.partition("/")[0]
                data = b"".join(
                    b64decode(json.loads(line)["rawData"]) for line in data.splitlines()
                )
            self.s3.put(RAW, f"{folder}/2026/01/01/00/again-{number}", data)
        self.calm_down()

    def write_plugin(self, subject: Subject, *, is_mended: bool = False) -> None:
        text = subject.plugin(is_mended=is_mended) + f"# {self._plugins_changed}\n"
        (self._folder / f"{subject.table}.py").write_text(text)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        return self._control.rows(query)

    # --- what happens next ---

    def _go_on(self) -> None:
        while True:
            ready = [loader for loader in self._loaders if self._can_go_on(loader)]
            self._is_lock_free = not ready and not self._is_held()
            if len(ready) > 1:
                self.faults.follows("a step while another load was under way")
            if ready and (not self._to_come or self._chance.random() < self._patience):
                self._turn(self._chance.choice(ready))
            elif self._to_come and not self._is_quiet():
                when_s, _, happen = heapq.heappop(self._to_come)
                self.now_s = max(self.now_s, when_s)
                if self.now_s > LONGEST_S:
                    self.faults.is_calm = True
                happen()
            elif not ready and not self._is_busy():
                return
            elif not ready:
                self.now_s += 1

    def _at(self, seconds: float, happen: Callable[[], None]) -> None:
        heapq.heappush(self._to_come, (self.now_s + seconds, next(self._numbers), happen))

    def _is_quiet(self) -> bool:
        return not self._writes and not self._is_busy() and self._is_delivered()

    def _is_delivered(self) -> bool:
        return (
            not self._deliveries
            and self.queue.is_empty
            and self.firehose.is_empty
            and all(mapping.is_idle for mapping in self._mappings)
        )

    _deliveries = 0
    """Objects and events that are under way."""

    def _is_held(self) -> bool:
        return any(loader.held_until_s > self.now_s for loader in self._loaders)

    def _is_busy(self) -> bool:
        return any(loader.runner is not None for loader in self._loaders)

    # --- applications and the streams ---

    def _write(self) -> None:
        if self._lacks_faults() and not self._is_delivered():
            self._at(30, self._write)  # much may yet go wrong with what is on its way
            return
        for _ in range(self._chance.choice((2, 8, 20))):
            if self._is_written():
                self._writes.clear()
                return
            write = self._writes.popleft()
            self.tables[write.table].write(write, self.now_s)
            self._written += 1
            self.faults.seen.update(write.faults)
        if self._lacks_faults():
            self.faults.worsen()
        self._change_something()
        self._at(self._chance.choice((1, 2, 4)), self._write)

    def _is_written(self) -> bool:
        has_enough = self._written >= self.history.least
        return not self._writes or (has_enough and not self._lacks_faults())

    def _lacks_faults(self) -> bool:
        """Whether enough has been written, and too little has gone wrong."""
        has_enough = self._written >= self.history.least
        return has_enough and len(self.faults.seen) < LEAST_KINDS

    def _change_something(self) -> None:
        """What else goes on around a table while applications write."""
        table = self._chance.choice(list(self.tables.values()))
        if self.faults.happens("shard split"):
            table.split()
        if len(table.streams) < MOST_STREAMS and self.faults.happens("stream made anew"):
            table.make_stream()
            with self._metadata() as metadata:
                metadata.register_stream(table.name, table.streams[-1], "id")
        if self.faults.happens("plugin changed"):
            self._plugins_changed += 1
            self.write_plugin(self._chance.choice(self.history.subjects))

    def _poll_streams(self) -> None:
        for mapping in self._mappings:
            mapping.poll(self.now_s)
        waits_s = min(mapping.waits_s(self.now_s) for mapping in self._mappings)
        self._at(max(waits_s, self._chance.choice((1, 4))), self._poll_streams)

    def _capture(self, records: Sequence[Any]) -> Any:
        self.firehose.begin()
        return self._streams.capture(records, self.firehose, self.s3)

    def _give_up(self, key: str, data: bytes) -> None:
        self.s3.put(BACKUP, key, data)

    # --- Firehose and S3 ---

    def _flush_in(self, seconds: float, stream: str) -> None:
        self._at(seconds, lambda: self.firehose.flush(stream))

    def _deliver(self, key: str, data: bytes, seconds: float) -> None:
        self._deliveries += 1

        def deliver() -> None:
            self._deliveries -= 1
            self.s3.put(RAW, key, data)

        self._at(seconds, deliver)

    def _tell(self, key: str) -> None:
        """S3 tells of a new object."""
        if self.faults.happens("event lost"):
            return
        for _ in range(2 if self.faults.happens("event doubled") else 1):
            is_late = self.faults.happens("event late")
            self._deliveries += 1

            def tell() -> None:
                self._deliveries -= 1
                self.queue.send(key, self.now_s)
                self._at(1, self._receive)

            self._at(self.faults.draw("event late").choice((60, 1000)) if is_late else 1, tell)

    # --- the load ---

    def _poll_queue(self) -> None:
        self._receive()
        waits_s = min(self.queue.waits_s(self.now_s), sqs.IDLE_S)
        self._at(max(waits_s, self._chance.choice((1, 2, 4))), self._poll_queue)

    def _receive(self) -> None:
        free = [loader for loader in self._loaders if loader.runner is None]
        if free:
            batch = 100 if self.faults.is_calm else self._batch
            messages = self.queue.receive(self.now_s, batch)
            if messages:
                self._invoke(self._chance.choice(free), sqs.event_of(messages), messages)

    def _sweep(self) -> None:
        free = [loader for loader in self._loaders if loader.runner is None]
        if free:
            self._invoke(free[0], {"source": "aws.events"}, ())
        if not self.faults.is_calm:
            self._at(SWEEP_S, self._sweep)

    def _invoke(self, loader: Loader, event: Any, messages: Sequence[sqs.Message]) -> Runner:
        self._messages[id(loader)] = messages
        is_short = self.faults.happens("out of time")
        loader.held_until_s = 0
        runner = loader.invoke(event, SHORT_MS if is_short else TIME_MS * 5)
        self._finish(loader)
        return runner

    def _can_go_on(self, loader: Loader) -> bool:
        runner = loader.runner
        if runner is None:
            return False
        if runner.is_blocked:
            runner.look_again(is_lock_free=self._is_lock_free)
            self._finish(loader)
        is_held = loader.held_until_s > self.now_s and not self.faults.is_calm
        return loader.runner is not None and runner.next_step is not None and not is_held

    def _turn(self, loader: Loader) -> None:
        runner = loader.runner
        assert runner is not None
        step = runner.next_step or ""
        if self.faults.happens("database killed"):
            self._server.kill()
            self._server.start()
        elif self.faults.happens("session ended"):
            loader.end_session()
        if self._happens_at(step, "load held up"):
            seconds = self.faults.draw("load held up").choice((5, 30, 200))
            loader.held_until_s = self.now_s + seconds
            return
        if self._happens_at(step, "load crashed"):
            runner.crash()
        else:
            runner.turn()
            if step == "commit":
                self._look(runner)
        self._is_lock_free = runner.is_done or step == "commit"
        self._finish(loader)

    def _look(self, runner: Runner) -> None:
        """What is committed is whole at any time, not only in the end."""
        if runner.is_blocked:
            return
        for subject in self.history.subjects:
            for query in subject.never:
                if found := self._control.rows(query):
                    raise Divergence(f"{' '.join(query.split())}: {found}")

    def _happens_at(self, step: str, kind: str) -> bool:
        """At the steps that matter most, it happens most."""
        return any(self.faults.happens(kind) for _ in range(DRAWS.get(step, 1)))

    def _finish(self, loader: Loader) -> None:
        runner = loader.runner
        if runner is None or not runner.is_done:
            return
        messages = self._messages.pop(id(loader))
        loader.runner = None
        loader.held_until_s = 0
        if runner.is_dead:
            loader.end()
            loader.begin(self._plugins, self.s3, self._control, self._chance)
        elif runner.error is not None:
            self.errors.append(runner.error)
        elif messages:
            self.queue.delete(sqs.done(runner.answer, messages))

    @contextmanager
    def _metadata(self) -> Iterator[Metadata]:
        """On a connection of its own, as `deploy` has it."""
        database = Database(
            DatabaseSettings(url=self._control.url, secret_arn="", schema="dynaurora")
        )
        with closing(database), database.session() as engine:
            yield Metadata(engine.connection, engine.queries)


def content(data: bytes) -> bytes:
    """An object without its gzip."""
    return gzip.decompress(data) if data.startswith(GZIP) else data


@contextmanager
def small_records() -> Iterator[None]:
    """Let changes fill a Firehose record much earlier, so that small ones take every road."""
    before = capture.RECORD_BYTES
    capture.RECORD_BYTES = 3_000
    try:
        yield
    finally:
        capture.RECORD_BYTES = before
