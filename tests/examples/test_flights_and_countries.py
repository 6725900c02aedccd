"""How plugins are tested: those of sqlqueries/, with the fixture ``plugin`` (docs/testing.md)."""

from decimal import Decimal

FLIGHT = {
    "departure": "2013-01-01T10:00:00Z#UA",
    "flight": 1545,
    "time_hour": "2013-01-01T10:00:00Z",
    "carrier": "UA",
    "origin": "EWR",
    "dest": "IAH",
    "hour": 5,
    "sched_dep_time": 515,
    "sched_arr_time": 819,
    "arr_delay": 11,
    "distance": 1400,
}


def test_a_cancelled_flight_has_no_departure(plugin):
    flights = plugin("sqlqueries/flights.py")
    flights.put(FLIGHT)
    assert flights.query("delay by hour of the day") == [(5, 1, 1, None)]


def test_a_flight_that_is_corrected_is_one_flight(plugin):
    flights = plugin("sqlqueries/flights.py")
    flights.put(FLIGHT)
    flights.put({**FLIGHT, "dep_time": 517, "dep_delay": 2})
    assert flights.rows("select flight, dep_delay from flights") == [(1545, 2)]
    flights.delete(FLIGHT)
    assert flights.rows("select * from flights") == []
    flights.assert_idempotent()


def test_delays_are_told_by_the_name_of_the_airline(plugin):
    flights, airlines = plugin("sqlqueries/flights.py"), plugin("sqlqueries/airlines.py")
    airlines.put({"carrier": "UA", "name": "United Air Lines Inc."})
    flights.put(FLIGHT, {**FLIGHT, "flight": 1714, "arr_delay": 20})
    assert flights.query("average delay by carrier") == [
        ("United Air Lines Inc.", 2, Decimal("15.5"))
    ]


def test_a_flight_without_a_carrier_waits_in_quarantine(plugin):
    flights = plugin("sqlqueries/flights.py")
    flights.put(FLIGHT, {**FLIGHT, "flight": 1714, "carrier": None})
    (refused,) = flights.quarantined
    assert refused.item["flight"] == 1714
    assert refused.reason == "database"
    assert 'null value in column "carrier"' in refused.message


def test_a_country_keeps_the_borders_that_it_still_has(plugin):
    countries = plugin("sqlqueries/countries.py")
    countries.put({"name": "Switzerland", "borders": ["AUT", "FRA", "ITA"]})
    countries.put({"name": "Switzerland", "borders": ["AUT", "ITA"]})
    assert countries.rows("select position, neighbour from countries_borders order by 1") == [
        (0, "AUT"),
        (1, "ITA"),
    ]
    countries.assert_idempotent()
