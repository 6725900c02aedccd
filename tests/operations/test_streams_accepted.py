"""An operator lets a stream in."""

import pytest

from dynaurora.errors import LineUnreadable, ProjectError
from support.items import DECLARED, put
from support.load import LABEL, stream_arn
from support.operations import done

pytestmark = pytest.mark.each_engine

OLDER = stream_arn("items", "2025-01-01T00:00:00.000")


@pytest.fixture
def fed(machine):
    machine.plugin("items", DECLARED)
    machine.load_lines("items", put(9, "a", v="first"))
    return machine


def test_accepting_a_stream_unparks_the_table_that_waits_for_it(fed):
    name = fed.put("items", put(1, "a", v="accepted", fields={"stream": OLDER}))
    fed.load(name)
    assert fed.state("items")[0] == "stream"
    look = done(fed, "stream look", arn=OLDER)
    assert look["doubts"] == ["it is older than one that feeds the table"]
    assert (look["is_known"], look["epoch"]) == (False, 1)
    assert done(fed, "stream list")["streams"][0]["epoch"] == 0  # nothing has changed so far
    outcome = done(fed, "stream accept", arn=OLDER)
    assert (outcome["epoch"], outcome["unparked"]) == (1, True)
    done(fed, "sweep", table="items")
    assert fed.rows("select v from items") == [("accepted",)]


def test_accepting_it_again_changes_nothing(fed):
    done(fed, "stream accept", arn=OLDER)
    before = fed.rows("select * from dynaurora.streams order by arn")
    again = done(fed, "stream accept", arn=OLDER)
    assert (again["epoch"], again["unparked"]) == (1, False)
    assert fed.rows("select * from dynaurora.streams order by arn") == before


def test_a_stream_over_which_another_was_accepted_does_not_win_again_and_that_is_told(fed):
    """Its changes keep their versions: others of it may still be on their way."""
    assert done(fed, "stream accept", arn=OLDER)["winner"] == OLDER
    again = done(fed, "stream accept", arn=stream_arn("items"))
    assert (again["epoch"], again["winner"]) == (0, OLDER)


def test_a_table_that_is_parked_for_something_else_stays_parked(fed):
    fed.drop("items")
    done(fed, "stream accept", arn=OLDER)
    assert fed.state("items")[0] == "dropped"


def test_a_stream_of_another_account_and_region_is_doubted_in_plain_words(fed):
    foreign = stream_arn("items", LABEL, account="999999999999", region="us-east-1")
    (doubt,) = done(fed, "stream look", arn=foreign)["doubts"]
    assert "account 999999999999 in us-east-1" in doubt


def test_a_stream_of_a_table_that_nobody_knows_is_an_error(fed):
    with pytest.raises(ProjectError, match="table others"):
        done(fed, "stream accept", arn=stream_arn("others"))


def test_what_is_no_stream_is_an_error(fed):
    with pytest.raises(LineUnreadable, match="is no stream ARN"):
        done(fed, "stream accept", arn="orders")
