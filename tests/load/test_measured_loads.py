"""What a load tells as metrics is what the database has of it, and what the alarms look at."""

import json
import time

import pytest

from dynaurora import intake
from dynaurora.model.events import ObjectName
from support.alarms import alarms_of, metrics_of_alarm
from support.embedded import metrics_of, sums
from support.items import DECLARED, put

pytestmark = pytest.mark.each_engine

TABLE = {"Project": "shop", "Table": "items"}


@pytest.fixture(autouse=True)
def shop(monkeypatch):
    monkeypatch.setenv("DYNAURORA_PROJECT", "shop")


def test_the_metrics_of_loads_are_the_accounting_in_the_database(machine, capsys):
    machine.plugin("items", DECLARED)
    lines = [put(n, f"k{n % 7}", v=str(n)) for n in range(1, 30)]
    lines += [put(40, "huge", n=1), put(41, "huge", n=10**40), b"no json"]
    first = machine.put("items", *lines[:20])
    second = machine.put("items", *lines[20:], lines[0])
    machine.load(first)
    machine.load(second)
    machine.store.put(first, b"".join(text + b"\n" for text in lines[:20]))
    machine.load(first)  # told of again
    out = capsys.readouterr().out
    found = sums(out, **TABLE)
    ((open_entries,),) = machine.rows("select count(*) from dynaurora.quarantine")
    assert found["quarantined"] + found["unreadable"] == open_entries
    assert open_entries == 2
    assert found["already"] == 1
    decided = (found[n] for n in ("applied", "superseded", "quarantined", "unreadable"))
    assert sum(decided) == len(lines) + 1
    ((keys,),) = machine.rows("select count(*) from items")
    assert keys == 7
    assert sums(out, Project="shop") == found


def test_the_lag_is_from_the_change_to_its_commit(machine, capsys):
    machine.plugin("items", DECLARED)
    now = int(time.time())
    ages = [5, 60, 60, 3600]
    lines = [put(n, f"k{n}", v="1", fields={"at": now - age}) for n, age in enumerate(ages)]
    machine.load_lines("items", *lines, put(9, "k9", v="1", fields={"at": now + 500}))
    took = int(time.time()) - now
    out = capsys.readouterr().out
    lags = sorted(metrics_of(out)["lag_s", tuple(sorted(TABLE.items()))])
    assert lags[0] == 0, "a clock that is ahead"
    for lag, age in zip(lags[1:], ages, strict=True):
        assert age <= lag <= age + took
    line = next(json.loads(text) for text in out.splitlines() if '"loaded"' in text)
    assert line["lines"] == len(ages) + 1
    assert line["changes_per_s"] == round(line["lines"] * 1000 / max(line["duration_ms"], 1))


def test_objects_that_are_loaded_already_tell_no_lag(machine, capsys):
    machine.plugin("items", DECLARED)
    name = machine.put("items", put(1, "a", v="1"))
    body = machine.store.read(name).data
    machine.load(name)
    machine.store.put(name, body)
    capsys.readouterr()
    machine.load(name)
    assert sums(capsys.readouterr().out, **TABLE) == {"already": 1, "applied": 0, "superseded": 0}


def test_a_body_that_is_missing_alarms(machine, capsys):
    machine.plugin("items", DECLARED)
    machine.load_lines("items", machine.pointer(put(1, "a", v="1"), has_body=False))
    assert sums(capsys.readouterr().out, Project="shop", Alarm="body") == {"alarms": 1}
    machine.load_lines("items", machine.pointer(put(2, "b", v="1")))
    assert sums(capsys.readouterr().out, Project="shop", Alarm="body") == {}


def test_every_alarm_on_our_metrics_is_fed_by_what_loads_tell(machine, capsys):
    machine.plugin("items", DECLARED)
    machine.plugin("broken", "key = 1\n")
    machine.load_lines("items", put(1, "a", v="1"), put(2, "b", n=10**40), b"no json")
    machine.load_lines("items", machine.pointer(put(3, "c", v="1"), has_body=False))
    machine.load_lines("broken", b"{}")
    machine.load(ObjectName("raw", "(errors)/items/processing-failed/1"))
    machine.load(ObjectName("raw", "items/2026/gone"))
    with machine.database.session() as engine:
        intake.take_in_messages(machine.parts(engine), [{"messageId": "1", "body": "{}"}])
    told = metrics_of(capsys.readouterr().out)
    wanted = {
        (metric, dimensions)
        for alarm in alarms_of("alarms").values()
        for namespace, metric, dimensions in metrics_of_alarm(alarm)
        if namespace == "Dynaurora"
    }
    # The handler tells of sweeps (test_handler.py).
    of_sweeps = {(name, (("Project", "shop"),)) for name in ("sweeps", "unsettled")}
    assert wanted - told.keys() == of_sweeps
