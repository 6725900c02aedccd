"""What is known to be missing is loaded from what AWS kept of it; the original is never lost."""

import gzip
import json

import pytest

from dynaurora.errors import ProjectError
from dynaurora.model.events import ObjectName
from support.items import DECLARED, put
from support.leftovers import MAPPING, given_up, stream_record, undelivered
from support.load import Crash
from support.operations import done

pytestmark = pytest.mark.each_engine

ERRORS = "(errors)/items/processing-failed/2026/01/01/00/1"


@pytest.fixture
def fed(machine):
    machine.plugin("items", DECLARED)
    machine.load_lines("items", put(5, "a", v="5"))
    return machine


def put_gap(machine, bucket, key, data):
    name = ObjectName(bucket, key)
    machine.store.put(name, data)
    machine.sweep(age_s=0)
    return name


def record(seq, item_id, **attributes):
    image = {name: {"S": value} for name, value in attributes.items()}
    return stream_record("items", seq, {"id": {"S": item_id}}, image or None)


def values(machine):
    return machine.rows("select id, v from items order by id")


def test_what_firehose_could_not_deliver_is_loaded_archived_and_closed(fed):
    data = undelivered(put(6, "a", v="6") + b"\n" + put(1, "b", v="1") + b"\n")
    name = put_gap(fed, "raw", ERRORS, gzip.compress(data))
    found = done(fed, "gaps replay")
    assert found["replayed"] == {"gaps": 1, "applied": 2, "superseded": 0, "quarantined": 0}
    assert (found["errors"], found["is_done"]) == ([], True)
    assert values(fed) == [("a", "6"), ("b", "1")]
    assert fed.store.read(name) is None
    assert fed.store.read(name.processed("backup")).data == gzip.compress(data)
    assert done(fed, "gaps list")["gaps"] == []
    assert done(fed, "gaps list", is_all=True)["gaps"][0]["state"] == "replayed"


def test_what_a_mapping_gave_up_is_loaded_as_the_capture_would_have_sent_it(fed):
    data = given_up("items", record(4, "a", v="4"), record(6, "b", v="6"), record(7, "a"))
    name = put_gap(fed, "backup", f"{MAPPING}/1", data)
    found = done(fed, "gaps replay", table="items")
    assert found["replayed"] == {"gaps": 1, "applied": 2, "superseded": 1, "quarantined": 0}
    assert values(fed) == [("b", "6")]
    assert fed.store.read(name).data == data
    fed.sweep(age_s=0)
    assert done(fed, "gaps list")["gaps"] == []


def test_a_late_replay_changes_nothing_that_is_newer(fed):
    put_gap(fed, "raw", ERRORS, undelivered(put(4, "a", v="4")))
    assert done(fed, "gaps replay")["replayed"]["superseded"] == 1
    assert values(fed) == [("a", "5")]


@pytest.mark.parametrize("step", ["commit", "archive", "delete"])
def test_a_crash_in_between_leaves_a_gap_that_the_next_replay_closes(fed, step):
    name = put_gap(fed, "raw", ERRORS, undelivered(put(6, "a", v="6")))

    def crash(found):
        if found == step:
            raise Crash

    fed.after = crash
    with pytest.raises(Crash):
        done(fed, "gaps replay")
    fed.after = lambda _: None
    assert done(fed, "gaps replay")["errors"] == []
    assert values(fed) == [("a", "6")]
    assert fed.store.exists(name.processed("backup"))
    assert done(fed, "gaps list")["gaps"] == []


def test_what_is_no_line_is_quarantined_and_its_neighbours_load(fed):
    data = undelivered(b"{bad\n" + put(1, "b", v="1")) + b"no json\n" + b'{"rawData": "%"}\n'
    put_gap(fed, "raw", ERRORS, data)
    found = done(fed, "gaps replay")
    assert found["replayed"] == {"gaps": 1, "applied": 1, "superseded": 0, "quarantined": 3}
    bad = stream_record("items", 1, {"id": {"S": "x"}}, {})
    del bad["dynamodb"]
    put_gap(fed, "backup", f"{MAPPING}/1", given_up("items", bad, record(1, "c", v="1")))
    assert done(fed, "gaps replay")["replayed"]["quarantined"] == 1
    assert ("c", "1") in values(fed)


def test_a_gap_of_a_table_that_is_parked_stays_open_and_the_others_are_replayed(fed):
    name = put_gap(fed, "raw", ERRORS.replace("items", "others"), undelivered(b"{}"))
    put_gap(fed, "raw", ERRORS, undelivered(put(6, "a", v="6")))
    found = done(fed, "gaps replay")
    assert [(each["object"], each["kind"]) for each in found["errors"]] == [
        (name.key, "ProjectError")
    ]
    assert found["replayed"]["gaps"] == 1
    assert [gap["table"] for gap in done(fed, "gaps list")["gaps"]] == ["others"]


def test_an_object_that_is_gone_stays_open_and_says_how_to_close_it(fed):
    name = put_gap(fed, "raw", ERRORS, undelivered(b"{}"))
    fed.store.delete(name)
    (error,) = done(fed, "gaps replay")["errors"]
    assert f"gaps close '{name.key}'" in error["remedy"]


@pytest.mark.parametrize("payload", [None, "", "[]", '{"Records": 1}', '{"Records": [1]}', "{"])
def test_a_batch_whose_payload_cannot_be_read_stays_open_and_says_how_to_close_it(fed, payload):
    told = json.loads(given_up("items", record(6, "a", v="6"))) | {"payload": payload}
    name = put_gap(fed, "backup", f"{MAPPING}/1", json.dumps(told).encode())
    (error,) = done(fed, "gaps replay")["errors"]
    assert (error["object"], error["kind"]) == (name.key, "ChangeError")
    assert "gaps close" in error["remedy"]


def test_what_vanished_is_closed_by_a_person_alone(fed):
    gone = ObjectName("raw", "items/2026/1")
    fed.load(gone)
    assert done(fed, "gaps replay")["replayed"]["gaps"] == 0
    (gap,) = done(fed, "gaps list")["gaps"]
    assert (gap["kind"], gap["mended_by"]) == (
        "vanished",
        "dynaurora gaps close 'items/2026/1' --why …",
    )
    done(fed, "gaps close", name=gone.key, why="compared")
    assert done(fed, "gaps list", is_all=True)["gaps"][0]["why"] == "compared"
    with pytest.raises(ProjectError, match="none is open"):
        done(fed, "gaps close", name=gone.key, why="again")


def test_a_replay_whose_time_is_over_says_that_it_is_not_done(fed):
    for number in range(3):
        put_gap(fed, "raw", f"{ERRORS}{number}", undelivered(put(6 + number, "a", v="6")))
    fed.clock.left_ms = 0
    found = done(fed, "gaps replay")
    assert (found["replayed"]["gaps"], found["is_done"]) == (1, False)
    fed.clock.left_ms = 600_000
    assert done(fed, "gaps replay")["replayed"]["gaps"] == 2


def test_a_replay_goes_on_behind_gaps_that_stay_open(fed):
    for number in range(2):
        key = f"{ERRORS}{number}".replace("items", "others")
        put_gap(fed, "raw", key, undelivered(b"{}"))
    put_gap(fed, "raw", ERRORS, undelivered(put(6, "a", v="6")))
    fed.clock.left_ms = 0
    tried = [done(fed, "gaps replay", skip=number) for number in range(3)]
    assert [len(found["errors"]) for found in tried] == [1, 1, 0]
    assert values(fed) == [("a", "6")]


def test_a_replay_that_the_plugin_refuses_parks_nobody(fed):
    lines = b"\n".join(put(6, f"k{n}", n="1.005") for n in range(101))
    put_gap(fed, "raw", ERRORS, undelivered(lines))
    (error,) = done(fed, "gaps replay")["errors"]
    assert error["kind"] == "PluginError"
    assert fed.state("items") == ("", "")
