"""`dynaurora status` and the lists as a person reads them."""

from datetime import UTC, datetime, timedelta

import pytest

from dynaurora.cli import status
from dynaurora.cli.ages import ago
from dynaurora.cli.output import plain_table, result_console

WELL = {
    "parked": [],
    "quarantine": [],
    "gaps": [],
    "waiting": [],
    "unmapped": [],
    "dead_letters": 0,
    "needs_a_person": False,
}
ACCEPT = f"dynaurora stream accept arn:aws:dynamodb:eu-west-1:111122223333:table/{'t' * 200}"


def told(capsys, **found):
    status._print(WELL | found)
    return capsys.readouterr().out


def test_all_is_well_is_one_line(capsys):
    assert told(capsys) == "All is well.\n"


def test_a_command_is_never_wrapped_however_long_it_is(capsys):
    parked = {
        "table": "orders",
        "parked_for": "stream",
        "since": None,
        "reason": "stream x: it is older [sic]; expected a newer one",
        "mended_by": ACCEPT,
    }
    out = told(capsys, parked=[parked], needs_a_person=True)
    assert out.startswith("Something needs a person.\n")
    assert ACCEPT in [line.strip() for line in out.splitlines()]
    assert "stream: stream x: it is older [sic]\n" in out


def test_dead_letters_are_told_and_need_nobody(capsys):
    out = told(capsys, dead_letters=3)
    assert out.startswith("All is well.\n")
    assert "3 dead letters. They lose nothing" in out


def test_what_no_column_reads_is_told_and_needs_nobody(capsys):
    found = [
        {"table": "orders", "attribute": "note", "changes": 1200, "last": None},
        {"table": "shop", "attribute": None, "changes": 3, "last": None},
    ]
    out = told(capsys, unmapped=found)
    assert out.startswith("All is well.\n")
    assert "note, in 1,200 changes" in out
    assert "items that no table takes, in 3 changes" in out


def test_what_a_list_holds_is_neither_cut_nor_taken_for_markup(capsys):
    long = "x" * 300
    result_console().print(plain_table(("A", "B"), [("[red]keys[0]", long)]))
    out = capsys.readouterr().out
    assert "[red]keys[0]" in out
    assert out.count("x") == 300


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-5, "0 s"), (59, "59 s"), (61, "1 m"), (7_200, "2 h"), (90_000, "1 d"), (9e6, "104 d")],
)
def test_an_age_is_told_in_its_largest_unit(seconds, text):
    moment = datetime.now(UTC) - timedelta(seconds=seconds)
    assert ago(moment.isoformat(timespec="seconds")) == text


def test_no_age_is_told_of_what_has_none():
    assert ago(None) == "-"
