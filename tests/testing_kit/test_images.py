"""Python values as DynamoDB JSON."""

from decimal import Decimal

import pytest

from dynaurora.errors import TrialError
from dynaurora.testing.images import image_of, item_of

ITEM = {
    "id": "a",
    "whole": -12,
    "exact": Decimal("12345678901234567890123456789012345.678"),
    "large": Decimal("1E+125"),
    "data": b"\x00\xff",
    "yes": True,
    "nothing": None,
    "list": [1, "a", [None]],
    "map": {"a.b": {"c": False}},
    "texts": {"b", "a"},
    "numbers": {1, Decimal("1.5")},
    "binaries": {b"a"},
}


def test_every_type_has_its_form():
    assert image_of(ITEM, ["id"]) == {
        "id": {"S": "a"},
        "whole": {"N": "-12"},
        "exact": {"N": "12345678901234567890123456789012345.678"},
        "large": {"N": "1" + "0" * 125},
        "data": {"B": "AP8="},
        "yes": {"BOOL": True},
        "nothing": {"NULL": True},
        "list": {"L": [{"N": "1"}, {"S": "a"}, {"L": [{"NULL": True}]}]},
        "map": {"M": {"a.b": {"M": {"c": {"BOOL": False}}}}},
        "texts": {"SS": ["a", "b"]},
        "numbers": {"NS": ["1", "1.5"]},
        "binaries": {"BS": ["YQ=="]},
    }


def test_an_item_comes_back_as_it_was_written():
    assert item_of(image_of(ITEM, ["id"])) == ITEM


def test_dynamodb_json_is_told_by_its_key_and_stays():
    image = {"id": {"S": "a"}, "total": {"N": "1.50"}}
    assert image_of(image, ["id"]) == image
    assert image_of({"id": "a", "map": {"S": "b"}}, ["id"])["map"] == {"M": {"S": {"S": "b"}}}


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (1.5, 'item["v"]: it is a float, 1.5; expected Decimal("1.5"), which is exact'),
        ({"a": [1.5]}, 'item["v"]["a"][0]: it is a float'),
        (Decimal("NaN"), 'item["v"]: it is NaN; expected a finite number'),
        (10**38 + 1, 'item["v"]: it has 39 digits; expected at most 38'),
        (set(), 'item["v"]: it is empty; expected a set'),
        ({1, "a"}, 'item["v"]: it has elements of N, S; expected a set'),
        (object(), 'item["v"]: it is of type object; expected a value of DynamoDB. An item is'),
        ({1: "a"}, 'item["v"]: it has the name 1; expected names of type str'),
    ],
)
def test_what_dynamodb_does_not_have_is_refused_with_its_place(value, message):
    with pytest.raises(TrialError) as refused:
        image_of({"id": "a", "v": value}, ["id"])
    assert str(refused.value).startswith(message)


def test_an_item_without_its_key_is_refused():
    with pytest.raises(TrialError, match='it has no attribute "sk", which is part of its key'):
        image_of({"pk": "a"}, ["pk", "sk"])
