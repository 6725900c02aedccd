"""A slice of `make simulate`."""

import random

import pytest

from simulation.faults import KINDS, LEAST_KINDS
from simulation.pool import Pool
from simulation.run import CHANGES, Simulation, shrunk
from simulation.turns import Crash, Runner
from simulation.world import make_history

SEEDS = range(1, 21)


def test_random_histories_end_equal_whatever_the_world_does(engine):
    with Pool(engine, 2, CHANGES, frozenset(KINDS)) as pool:
        outcomes = list(pool.run([str(seed) for seed in SEEDS]))
    assert {o.seed: o.divergence for o in outcomes if o.divergence} == {}
    assert min(outcome.changes for outcome in outcomes) >= CHANGES
    assert min(len(outcome.faults) for outcome in outcomes) >= LEAST_KINDS
    assert set().union(*(outcome.faults for outcome in outcomes)) == set(KINDS)


def test_a_seed_makes_one_history():
    assert make_history("1", CHANGES) == make_history("1", CHANGES)
    assert make_history("1", CHANGES) != make_history("2", CHANGES)


def test_a_history_that_diverges_is_made_smaller(simulation, monkeypatch):
    """Whatever diverges: here it is a history that still has two certain writes."""
    history = make_history("1", CHANGES)
    wanted = random.Random(1).sample(history.writes, 2)

    def diverge(self, history):
        from simulation.run import Outcome

        has_both = all(write in history.writes for write in wanted)
        is_faulty = "load crashed" in history.kinds
        return Outcome(history.seed, divergence="both" if has_both and is_faulty else "")

    monkeypatch.setattr(Simulation, "run", diverge)
    found = shrunk(simulation, history)
    assert sorted(map(str, found.history.writes)) == sorted(map(str, wanted))
    assert found.history.kinds == {"load crashed"}
    assert "load crashed" in found.told()


def test_runners_take_their_turns_one_at_a_time():
    said = []

    def work(name):
        def steps():
            for number in range(2):
                runners[name].step(f"{name}{number}")
                said.append(f"{name}{number}")

        return steps

    runners = {n: Runner(work(n), lambda: False, lambda: None) for n in "ab"}
    for runner in runners.values():
        runner.start()
    for name in "abba":
        runners[name].turn()
    assert said == ["a0", "b0", "b1", "a1"]
    assert all(runner.is_done for runner in runners.values())


def test_a_crash_is_seen_by_no_handler_and_takes_every_thread_with_it():
    said = []

    def work():
        try:
            runner.step("first")
        except Exception:  # noqa: BLE001 - what a handler of errors may do
            said.append("handled")
        said.append("went on")

    runner = Runner(work, lambda: False, lambda: None)
    runner.start()
    runner.crash()
    assert said == []
    assert isinstance(runner.error, Crash)
    with pytest.raises(Crash):
        runner.step("second")
