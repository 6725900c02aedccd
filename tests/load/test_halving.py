"""The search for refused rows: it finds them all, and soon."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dynaurora.errors import RowRefused
from dynaurora.halving import Refusal, Search

ROWS = 24_000
SPREADS = {
    "evenly": set(range(50, ROWS, 100)),
    "at random": set(random.Random(7).sample(range(ROWS), ROWS // 100)),
    "in a clump": set(range(9_000, 9_000 + ROWS // 100)),
}


class Table:
    """Takes rows but the refused ones. hint: tells from (first, end, row) where it stopped."""

    def __init__(self, refused, hint=lambda first, end, row: None):
        self.refused = refused
        self.hint = hint
        self.taken = []
        self.tries = 0

    def take(self, first, end):
        self.tries += 1
        row = min((row for row in self.refused if first <= row < end), default=None)
        if row is None:
            self.taken += range(first, end)
            return None
        return Refusal(RowRefused("here", f"row {row}"), self.hint(first, end, row))

    def search(self, rows):
        return [(row, error.found) for row, error in Search(rows, self.take).refused_alone()]


def right(_first, _end, row):
    return row


HINTS = {
    "none": lambda first, end, row: None,
    "right": right,
    "one too far": lambda first, end, row: row + 1,
    "always the first": lambda first, end, row: first,
    "always the last": lambda first, end, row: end - 1,
    "outside": lambda first, end, row: end + row,
    "now and then": lambda first, end, row: row if row % 3 else first,
}


@pytest.mark.parametrize("hint", HINTS.values(), ids=HINTS)
@given(
    rows=st.integers(0, 60),
    numbers=st.sets(st.integers(0, 59)) | st.integers(0, 60).map(lambda n: set(range(n))),
)
def test_all_rows_are_taken_once_but_those_that_are_refused(hint, rows, numbers):
    refused = {number for number in numbers if number < rows}
    table = Table(refused, hint)
    assert table.search(rows) == [(row, f"row {row}") for row in sorted(refused)]
    assert table.taken == [row for row in range(rows) if row not in refused]


@pytest.mark.parametrize(("hint", "tries"), [("right", 4), ("none", 10.1), ("one too far", 10.1)])
@pytest.mark.parametrize("spread", SPREADS)
def test_one_refused_row_in_a_hundred_costs_few_tries(spread, hint, tries):
    table = Table(SPREADS[spread], HINTS[hint])
    assert len(table.search(ROWS)) == ROWS // 100
    assert table.tries <= tries * ROWS // 100


@pytest.mark.parametrize("hint", HINTS.values(), ids=HINTS)
def test_where_all_rows_are_refused_each_costs_one_try(hint):
    table = Table(set(range(1_000)), hint)
    table.search(1_000)
    assert table.tries <= 1_000 + 20


@pytest.mark.parametrize("hint", HINTS.values(), ids=HINTS)
def test_where_half_of_the_rows_are_refused_each_costs_about_three_tries(hint):
    table = Table(set(range(0, 1_000, 2)), hint)
    table.search(1_000)
    assert table.tries <= 3.2 * 500


def test_a_single_refused_row_is_found_at_once_or_by_halving():
    for hint, most in ((HINTS["right"], 5), (HINTS["none"], 17)):
        table = Table({9_000}, hint)
        table.search(ROWS)
        assert table.tries <= most


def test_rows_that_are_refused_only_together_are_taken():
    taken = []

    def take(first, end):
        if first <= 3 and end > 4:
            return Refusal(RowRefused("here", "3 and 4 together"))
        taken.extend(range(first, end))
        return None

    assert list(Search(10, take).refused_alone()) == []
    assert taken == list(range(10))
