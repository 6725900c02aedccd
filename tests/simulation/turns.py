"""Threads that go on one at a time, as a seed says.

A load does its steps in threads of its own; at each step (a statement, a commit, a call of S3) the
thread waits for its turn. So two loads interleave at every step in a way that comes again with the
seed, as far as the database lets it: a turn that ends in waiting for a lock of another session is
left standing, and comes back when the lock is free.
"""

import threading
from collections import deque
from collections.abc import Callable
from typing import Any, Final

PATIENCE_S: Final = 0.004
"""A step that takes longer may be waiting for a lock: the database is asked."""


class Crash(BaseException):
    """The process is gone. No handler of an error may see it."""


class _Ticket:
    """A thread's place in the line for its next step."""

    def __init__(self, step: str) -> None:
        self.step = step
        self.called = threading.Event()


class Runner:
    """One invocation, in a thread of its own; threads that it starts take turns with it.

    is_waiting: says whether its session waits for a lock, by what the database knows.
    end_session: ends that session, as the server does when a client's process is gone.
    """

    def __init__(
        self,
        work: Callable[[], Any],
        is_waiting: Callable[[], bool],
        end_session: Callable[[], None],
    ) -> None:
        self._work = work
        self._is_waiting = is_waiting
        self._end_session = end_session
        self._tickets: deque[_Ticket] = deque()
        self._settled = threading.Event()
        self._lock = threading.Lock()
        self.is_dead = False
        self.is_blocked = False
        self.is_done = False
        self.answer: Any = None
        self.error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        self._thread.start()
        self._settle()

    @property
    def next_step(self) -> str | None:
        """What it would do with its turn; None when it is done or blocked."""
        with self._lock:
            return self._tickets[0].step if self._tickets else None

    def step(self, step: str) -> None:
        """Called by its threads: wait for the turn. Raises ``Crash`` in a process that is gone."""
        ticket = _Ticket(step)
        with self._lock:
            self._tickets.append(ticket)
            self._settled.set()
        if self.is_dead:
            ticket.called.set()
        ticket.called.wait()
        if self.is_dead:
            raise Crash

    def turn(self) -> None:
        """Let it do its next step, up to the one after it."""
        with self._lock:
            ticket = self._tickets.popleft()
            if not self._tickets and not self.is_done:
                self._settled.clear()
        ticket.called.set()
        self._settle()

    def crash(self) -> None:
        """Its process is gone, at once."""
        self.is_dead = True
        with self._lock:
            tickets, self._tickets = self._tickets, deque()
        for ticket in tickets:
            ticket.called.set()
        self._thread.join(PATIENCE_S)
        while self._thread.is_alive():
            self._end_session()
            self._thread.join(PATIENCE_S)
        self.is_done = True

    def look_again(self, *, is_lock_free: bool) -> None:
        """Find out whether it still waits for a lock. is_lock_free: somebody let go of some."""
        if is_lock_free or self._settled.is_set():
            self._settle()

    def _settle(self) -> None:
        """Wait until it stands at its next step, is done, or waits for a lock."""
        self.is_blocked = False
        while not self._settled.wait(PATIENCE_S):
            if self._is_waiting():
                self.is_blocked = True
                return

    def _run(self) -> None:
        try:
            self.answer = self._work()
        except BaseException as error:  # noqa: BLE001 - told to who asks for the outcome
            self.error = error
        with self._lock:
            self.is_done = True
            self._settled.set()
