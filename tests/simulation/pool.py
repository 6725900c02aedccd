"""Histories in several processes, each with a server of its own."""

import signal
from collections.abc import Iterator, Sequence
from multiprocessing import get_context
from typing import TYPE_CHECKING, Self

from dynaurora.errors import LocalServerError
from dynaurora.plugins.contract import Engine as EngineName
from simulation.engines import ENGINES
from simulation.run import Outcome, Simulation, shrunk
from simulation.world import make_history

if TYPE_CHECKING:
    from multiprocessing.queues import SimpleQueue

_Task = tuple[str, bool] | None
"""A seed, and whether its history is to be made smaller; None: there is nothing more to do."""


class Pool:
    """The processes, each with a server of the engine. changes, kinds: of the histories."""

    def __init__(
        self, engine: EngineName, processes: int, changes: int, kinds: frozenset[str]
    ) -> None:
        context = get_context("spawn")
        self._tasks: SimpleQueue[_Task] = context.SimpleQueue()
        self._answers: SimpleQueue[Outcome | str] = context.SimpleQueue()
        arguments = (engine, self._tasks, self._answers, changes, kinds)
        self._processes = [
            context.Process(target=_work, args=arguments, daemon=True) for _ in range(processes)
        ]

    def __enter__(self) -> Self:
        """Raises ``LocalServerError`` where there is no server to be had."""
        for process in self._processes:
            process.start()
        told = [self._answers.get() for _ in self._processes]
        if failure := next(filter(None, told), ""):
            self.__exit__()
            raise LocalServerError("the simulation", str(failure))
        return self

    def __exit__(self, *_: object) -> None:
        for _ in self._processes:
            self._tasks.put(None)
        for process in self._processes:
            process.join()

    def run(self, seeds: Sequence[str]) -> Iterator[Outcome]:
        """The outcomes as they come; no more is begun when who asks has seen enough."""
        waiting = list(reversed(seeds))
        running = 0
        try:
            while waiting or running:
                while waiting and running < len(self._processes):
                    self._tasks.put((waiting.pop(), False))
                    running += 1
                answer = self._answers.get()
                running -= 1
                assert isinstance(answer, Outcome)
                yield answer
        finally:
            for _ in range(running):
                self._answers.get()

    def shrink(self, seed: str) -> str:
        """The smallest history of a seed that diverges, for people."""
        self._tasks.put((seed, True))
        return str(self._answers.get())


def _work(
    engine: EngineName,
    tasks: "SimpleQueue[_Task]",
    answers: "SimpleQueue[Outcome | str]",
    changes: int,
    kinds: frozenset[str],
) -> None:
    """A process. Ctrl-C is the first one's affair: this one ends what it has begun."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with ENGINES[engine].server() as found:
            answers.put("")
            _answer(Simulation(ENGINES[engine], found), tasks, answers, changes, kinds)
    except LocalServerError as error:
        answers.put(str(error))
        tasks.get()  # that there is nothing to do


def _answer(
    simulation: Simulation,
    tasks: "SimpleQueue[_Task]",
    answers: "SimpleQueue[Outcome | str]",
    changes: int,
    kinds: frozenset[str],
) -> None:
    while task := tasks.get():
        seed, is_shrunk = task
        history = make_history(seed, changes, kinds)
        if is_shrunk:
            answers.put(shrunk(simulation, history).told())
        else:
            answers.put(simulation.run(history))
