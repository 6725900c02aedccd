"""How plugins are tested: those of sqlqueries/, with the fixture ``plugin`` (docs/testing.md)."""

from datetime import date
from decimal import Decimal

FLIGHT = {
    "departure": "2013-01-01T10:00:00Z#UA",
    "flight": 1545,
    "time_hour": "2013-01-01T10:00:00Z",
    "month": 1,
    "day": 1,
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


def test_the_sums_of_a_day_follow_its_flights(plugin):
    flights = plugin("sqlqueries/flights.py")
    flights.put({**FLIGHT, "dep_delay": 2}, {**FLIGHT, "flight": 1714, "dep_delay": -3})
    flights.put({**FLIGHT, "dep_delay": 20}, {**FLIGHT, "flight": 1714, "carrier": "B6"})
    flights.put({**FLIGHT, "flight": 1, "day": 2, "dep_delay": 7})
    flights.delete({**FLIGHT, "flight": 1})
    assert flights.rows("select * from flights_by_day") == [(1, 1, "UA", 1, 20)]
    flights.assert_idempotent()


def test_a_plane_that_retires_leaves_the_planes(plugin):
    fleet = plugin("sqlqueries/fleet.py")
    key = {"PK": "CARRIER#UA", "SK": "PLANE#N14228"}
    fleet.put({**key, "kind": "plane", "flights": 15, "seats": 149})
    fleet.put({**key, "kind": "retired", "flights": "none", "retired_on": "2013-02-01"})
    assert fleet.rows("select * from fleet_planes") == []
    assert fleet.rows("select tailnum, retired_on from fleet_retired") == [
        ("N14228", date(2013, 2, 1))
    ]
    fleet.assert_idempotent()


def test_every_version_of_a_plane_is_kept(plugin):
    planes = plugin("sqlqueries/planes.py")
    planes.put({"tailnum": "N14228", "seats": 149})
    planes.put({"tailnum": "N14228", "seats": 150})
    planes.delete({"tailnum": "N14228"})
    assert planes.rows("select seats from planes_history order by _version") == [(149,), (150,)]
    assert planes.rows("select count(*) from planes_history where valid_to is null") == [(0,)]
    planes.assert_idempotent()


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
    assert "carrier" in refused.message
    assert "null" in refused.message


def test_a_country_keeps_the_borders_that_it_still_has(plugin):
    countries = plugin("sqlqueries/countries.py")
    countries.put({"name": "Switzerland", "borders": ["AUT", "FRA", "ITA"]})
    countries.put({"name": "Switzerland", "borders": ["AUT", "ITA"]})
    assert countries.rows("select position, neighbour from countries_borders order by 1") == [
        (0, "AUT"),
        (1, "ITA"),
    ]
    countries.assert_idempotent()
