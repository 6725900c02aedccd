"""Which streams may feed a table, and what an operator's acceptance changes."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from dynaurora.errors import StreamNotAccepted
from dynaurora.metadata import Metadata
from dynaurora.metadata.gaps import Gaps
from dynaurora.model.versions import stream_of
from support.items import DECLARED, put
from support.load import LABEL, stream_arn

pytestmark = pytest.mark.each_engine

OLDER, NEWER = "2025-01-01T00:00:00.000", "2026-06-01T00:00:00.000"


def of(label, **place):
    return {"stream": stream_arn("items", label, **place)}


def accept(machine, arn):
    with machine.database.session() as engine, engine.connection.transaction():
        metadata = Metadata(engine.connection, engine.queries)
        return metadata.streams(metadata.registration("items")).accept(stream_of(arn))


def values(machine):
    return machine.rows("select id, v from items order by id")


@pytest.fixture
def fed(machine):
    """A table that is fed from one stream."""
    machine.plugin("items", DECLARED)
    machine.load_lines("items", put(9, "a", v="first"))
    return machine


def test_changes_of_an_accepted_older_stream_win_over_those_before_it(fed):
    name = fed.put("items", put(1, "a", v="failed over", fields=of(OLDER)))
    assert fed.load(name).waiting == {name}
    parked_for, reason = fed.state("items")
    assert (parked_for, f"dynaurora stream accept {stream_arn('items', OLDER)}" in reason) == (
        "stream",
        True,
    )
    assert accept(fed, stream_arn("items", OLDER)) == 1
    fed.unpark("items")
    fed.sweep(table="items", age_s=0)
    assert values(fed) == [("a", "failed over")]
    fed.load_lines("items", put(10, "a", v="late, of the stream before"))
    assert values(fed) == [("a", "failed over")]


def test_the_epoch_is_the_first_three_of_57_digits_of_the_version(fed):
    accept(fed, stream_arn("items", OLDER))
    fed.load_lines("items", put(1, "a", v="1", fields=of(OLDER)))
    ((version,),) = fed.rows("select version from dynaurora.ledger_1")
    digits = f"{int(version):057}"
    assert (digits[:3], digits[17:]) == ("001", "1".zfill(40))


def test_a_newer_stream_after_an_accepted_one_is_above_it(fed):
    """Its epoch is the table's, or every change of it would lose in silence."""
    accept(fed, stream_arn("items", OLDER))
    fed.load_lines("items", put(5, "a", v="failed over", fields=of(OLDER)))
    fed.load_lines("items", put(1, "a", v="newest", fields=of(NEWER)))
    assert values(fed) == [("a", "newest")]
    assert fed.rows("select epoch from dynaurora.streams order by label_ms") == [(1,), (0,), (1,)]


def test_a_stream_that_is_accepted_twice_keeps_its_epoch(fed):
    assert [accept(fed, stream_arn("items", OLDER)) for _ in range(2)] == [1, 1]
    assert accept(fed, stream_arn("items", LABEL)) == 0


def test_each_older_stream_that_is_accepted_is_above_the_one_before(fed):
    labels = ["2025-03-01T00:00:00.000", "2025-02-01T00:00:00.000", "2025-01-01T00:00:00.000"]
    assert [accept(fed, stream_arn("items", label)) for label in labels] == [1, 2, 3]


def test_a_newer_stream_of_another_account_is_accepted_at_the_table_s_epoch(fed):
    foreign = {"account": "999999999999"}
    name = fed.put("items", put(1, "a", v="moved", fields=of(NEWER, **foreign)))
    assert fed.load(name).waiting == {name}
    assert accept(fed, stream_arn("items", NEWER, **foreign)) == 0
    fed.unpark("items")
    fed.load(name)
    assert values(fed) == [("a", "moved")]


def test_after_a_move_the_account_that_was_left_may_not_feed_the_table_anew(fed):
    moved = {"account": "999999999999"}
    accept(fed, stream_arn("items", NEWER, **moved))
    later = fed.put("items", put(1, "b", fields=of("2026-08-01T00:00:00.000", **moved)))
    assert fed.load(later).waiting == set()
    left = fed.put("items", put(1, "c", fields=of("2026-09-01T00:00:00.000")))
    assert fed.load(left).waiting == {left}


def test_a_dropped_table_still_knows_its_streams_and_their_epochs(fed):
    """Its ledger knows their changes: a lower version would lose against them for ever."""
    accept(fed, stream_arn("items", OLDER))
    fed.load_lines("items", put(5, "a", v="failed over", fields=of(OLDER)))
    fed.drop("items")
    fed.unpark("items")
    fed.load_lines("items", put(6, "a", v="after the drop", fields=of(OLDER)))
    assert values(fed) == [("a", "after the drop")]
    fed.load_lines("items", put(1, "a", v="newest", fields=of(NEWER)))
    assert values(fed) == [("a", "newest")]


def test_an_older_stream_needs_acceptance_also_after_a_drop(fed):
    fed.drop("items")
    fed.unpark("items")
    name = fed.put("items", put(1, "a", v="older", fields=of(OLDER)))
    assert fed.load(name).waiting == {name}
    accept(fed, stream_arn("items", OLDER))
    fed.unpark("items")
    fed.load(name)
    assert values(fed) == [("a", "older")]


def test_a_load_that_staged_a_new_stream_at_an_epoch_that_was_raised_since_is_done_again(fed):
    name = fed.put("items", put(1, "a", v="newest", fields=of(NEWER)))

    def accept_meanwhile(step):
        if step.startswith("copy staged"):
            fed.before = lambda _: None
            with fed.twin() as other:
                accept(other, stream_arn("items", OLDER))

    fed.before = accept_meanwhile
    assert fed.load(name).failed == {name}
    assert fed.load(name).failed == set()
    fed.load_lines("items", put(99, "a", v="older stream", fields=of(OLDER)))
    assert values(fed) == [("a", "newest")]


def test_a_stream_that_is_deployed_while_another_is_accepted_is_above_it(fed):
    """Else it would be registered below, and all that it tells would be superseded."""
    with fed.twin() as other, other.database.session() as engine, ThreadPoolExecutor(1) as pool:
        deploy = Metadata(engine.connection, engine.queries).register_stream
        with fed.database.session() as accepting, accepting.connection.transaction():
            metadata = Metadata(accepting.connection, accepting.queries)
            older = stream_of(stream_arn("items", OLDER))
            metadata.streams(metadata.registration("items")).accept(older)
            deploying = pool.submit(deploy, "items", stream_arn("items", NEWER), "id-1")
            fed.wait_until_blocked()
        deploying.result()
    assert fed.rows("select epoch from dynaurora.streams order by label_ms") == [(1,), (0,), (1,)]


def test_deploy_stops_at_a_stream_over_which_another_was_accepted(fed):
    """All that it told would be superseded without a word."""
    accept(fed, stream_arn("items", OLDER))
    with fed.database.session() as engine:
        metadata = Metadata(engine.connection, engine.queries)
        with pytest.raises(StreamNotAccepted, match="lose against"):
            metadata.register_stream("items", stream_arn("items"), "id-1")
        metadata.register_stream("items", stream_arn("items", OLDER), "id-1")


def test_deploy_stops_on_another_table_id_until_its_stream_is_accepted(fed):
    with fed.database.session() as engine:
        metadata = Metadata(engine.connection, engine.queries)
        metadata.register_stream("items", stream_arn("items"), "id-1")
        reborn = stream_arn("items", NEWER)
        with pytest.raises(StreamNotAccepted, match="stream accept"):
            metadata.register_stream("items", reborn, "id-2")
        accept(fed, reborn)
        metadata.register_stream("items", reborn, "id-2")
        known = metadata.streams(metadata.registration("items")).known()
    assert [(each.table_id, each.epoch) for each in known] == [("id-2", 0), ("id-1", 0)]


def test_what_changed_between_two_streams_is_a_gap_and_one_that_was_read_before_is_none(fed):
    with fed.database.session() as engine:
        metadata = Metadata(engine.connection, engine.queries)
        assert not metadata.register_stream("items", stream_arn("items"), "id-1")
        assert not metadata.register_stream("other", stream_arn("other"), "id-2")
        for is_another in (True, False):
            found = metadata.register_stream("items", stream_arn("items", NEWER), "id-1")
            assert found is is_another
        gaps = list(Gaps(engine.connection, engine.queries).listed(limit=9))
    assert [(gap.notice.kind, gap.notice.table, gap.notice.object.key) for gap in gaps] == [
        ("unread", "items", stream_arn("items", NEWER))
    ]
