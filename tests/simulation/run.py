"""Many histories: on two processors at once, each process with a server of its own.

What diverges is made smaller until nothing can be left out of it any more, and is told so that it
can be run again.
"""

import io
import logging
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import Final

from simulation.engines import Control, Engine, LocalServer
from simulation.functions import LOAD, Loader, Streams, imported
from simulation.oracle import check_accounts, check_archive, check_equal
from simulation.world import Divergence, History, World, small_records
from support.servers import Server

LOADERS: Final = 3
CHANGES: Final = 200


@dataclass
class Outcome:
    """What a history came to. divergence: "" or what did not hold."""

    seed: str
    changes: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    consequences: Counter[str] = field(default_factory=Counter)
    seconds: float = 0
    divergence: str = ""


class Simulation:
    """Runs one history after another on a server."""

    def __init__(self, engine: Engine, server: LocalServer) -> None:
        # A session that ends in the middle is what is meant to happen.
        logging.getLogger("psycopg").setLevel(logging.ERROR)
        self.engine = engine
        self._server = server
        self._streams = Streams()
        self._loaders = [Loader(imported(LOAD)) for _ in range(LOADERS)]
        self._numbers = count(1)

    def run(self, history: History) -> Outcome:
        """Run a history and look at what has become of it."""
        begin = time.perf_counter()
        outcome = Outcome(history.seed)
        log = io.StringIO()
        with self._database() as url, tempfile.TemporaryDirectory() as folder:
            control = Control(self.engine, url)
            world = World(
                history, self._streams, self._loaders, self._server, control, Path(folder)
            )
            try:
                with redirect_stdout(log), small_records():
                    _run(world, log)
            except Divergence as error:
                outcome.divergence = str(error)
            except Exception as error:  # noqa: BLE001 - whatever was not foreseen is a divergence
                outcome.divergence = f"{type(error).__name__}: {error}"
            finally:
                world.close()
        outcome.changes = sum(len(table.changes) for table in world.tables.values())
        outcome.faults = world.faults.seen
        outcome.consequences = world.faults.consequences
        outcome.seconds = time.perf_counter() - begin
        return outcome

    @contextmanager
    def _database(self) -> Iterator[str]:
        """An empty database of its own."""
        self._server.start()
        with Server(self._server.url).fresh(f"history_{next(self._numbers)}") as found:
            try:
                yield found.url
            finally:
                self._server.start()


def _run(world: World, log: io.StringIO) -> None:
    """A storm, then a calm. What was refused is mended and retried; then, in every other history,
    everything comes again."""
    world.run()
    check_archive(world)
    check_accounts(world, log.getvalue())
    for subject in world.history.subjects:
        world.write_plugin(subject, is_mended=True)
    world.ask({"dynaurora": {"command": "quarantine retry"}})
    check_accounts(world, log.getvalue())
    check_equal(world, has_all_come_again=False)
    if world.replays_archive:
        world.replay_archive()
        check_accounts(world, log.getvalue())
        check_equal(world, has_all_come_again=True)


@dataclass(frozen=True)
class Shrunk:
    """A history in which nothing can be left out, and what does not hold in it."""

    history: History
    divergence: str

    def told(self) -> str:
        """For people."""
        writes = "\n".join(f"  {write}" for write in self.history.writes)
        kinds = ", ".join(sorted(self.history.kinds)) or "none"
        return f"These faults are enough: {kinds}; and these writes:\n{writes}\n{self.divergence}"


def shrunk(simulation: Simulation, history: History, patience_s: float = 120) -> Shrunk:
    """A smaller history that diverges too: with fewer kinds of fault, then with fewer writes.

    What the database's timing decides may come out otherwise, so each is tried twice.
    """
    end = time.monotonic() + patience_s
    found = Shrunk(history, _divergence(simulation, history))
    for kind in sorted(history.kinds):
        found = _smaller(
            simulation, found, replace(history, kinds=found.history.kinds - {kind}), end
        )
    history = found.history
    size = len(history.writes)
    while size and time.monotonic() < end:
        begin = 0
        while begin < len(found.history.writes) and time.monotonic() < end:
            writes = found.history.writes
            fewer = writes[:begin] + writes[begin + size :]
            candidate = replace(found.history, writes=fewer, least=len(fewer))
            smaller = _smaller(simulation, found, candidate, end) if fewer else found
            begin += 0 if smaller is not found else size
            found = smaller
        size //= 2
    return found


def _smaller(simulation: Simulation, found: Shrunk, candidate: History, end: float) -> Shrunk:
    if time.monotonic() > end:
        return found
    divergence = _divergence(simulation, candidate)
    return Shrunk(candidate, divergence) if divergence else found


def _divergence(simulation: Simulation, history: History) -> str:
    return simulation.run(history).divergence or simulation.run(history).divergence
