"""What SQL has summed up of the flights is compared with sums of the flights themselves."""

from decimal import Decimal
from pathlib import Path

import pytest

from dynaurora.demo.comparison import compare
from dynaurora.demo.datasets import datasets
from dynaurora.demo.sums import SUMS
from support.load import line

pytestmark = pytest.mark.each_engine

FLIGHTS = (Path(__file__).parents[2] / "sqlqueries" / "flights.py").read_text("utf-8")
ITEMS = 300


@pytest.fixture
def flights(machine):
    machine.plugin("flights", FLIGHTS)
    (dataset,) = [one for one in datasets(is_whole_year=False) if one.table == "flights"]
    items = list(dataset.limited(ITEMS).items())
    found = (line("flights", n, dataset.key_of(i), i) for n, i in enumerate(items))
    machine.load_lines("flights", *found)

    def compared(items=items):
        with machine.database.session() as engine:
            return compare(machine._plugins.plugin("flights"), [items], engine)

    return compared


def test_the_sums_of_the_flights_are_equal(flights, machine):
    assert flights().is_equal
    ((departures, minutes),) = machine.rows(
        "select sum(departures), sum(minutes_late) from flights_by_day"
    )
    assert machine.rows("select count(*), sum(dep_delay) from flights where dep_delay < 9999") == [
        (departures, minutes)
    ]


@pytest.mark.parametrize(
    ("change", "column"),
    [
        ("set minutes_late = minutes_late + 1 where carrier = 'UA'", "minutes_late"),
        ("set departures = departures - 1 where carrier = 'UA'", "departures"),
        ("set carrier = 'ZZ' where carrier = 'UA'", ""),
    ],
)
def test_a_sum_that_is_off_is_told_with_its_group(flights, machine, change, column):
    machine.execute(f"update flights_by_day {change}")
    found = {difference.key: difference for difference in flights().differences}
    assert (1, 1, "UA") in found
    assert found[1, 1, "UA"].sql_table == "flights_by_day"
    assert found[1, 1, "UA"].column == column


def test_a_group_of_nothing_is_a_difference(flights, machine):
    machine.execute("insert into flights_by_day values (2, 30, 'UA', 0, 0)")
    (difference,) = flights().differences
    assert (difference.key, difference.column) == ((2, 30, "UA"), "")


def test_a_cancelled_flight_adds_nothing():
    ((sums,),) = SUMS.values()
    flight = {"month": {"N": "1"}, "day": {"N": "2"}, "carrier": {"S": "UA"}}
    assert sums.addend(flight) is None
    late = {**flight, "dep_delay": {"N": "-3"}}
    assert sums.addend(late) == ((1, 2, "UA"), (Decimal(1), Decimal(-3)))
