import pytest
from dynamodb_values import key_values, keys, numbers, spellings
from hypothesis import given
from hypothesis import strategies as st

from dynaurora.errors import LineUnreadable
from dynaurora.model.keys import KEY_BYTES, key_of
from dynaurora.model.numbers import number


def same_key(one, other):
    """Whether two keys are one, by value and without hashing."""
    return {n: meaning(v) for n, v in one.items()} == {n: meaning(v) for n, v in other.items()}


def meaning(value):
    ((tag, text),) = value.items()
    return tag, number(text).canonical() if tag == "N" else text


@given(keys, keys)
def test_two_keys_have_one_hash_only_if_they_are_one_key(one, other):
    assert len(key_of(one)) == KEY_BYTES
    assert (key_of(one) == key_of(other)) == same_key(one, other)


@given(keys)
def test_the_order_of_the_attributes_does_not_matter(key):
    assert key_of(dict(reversed(key.items()))) == key_of(key)


@given(
    st.integers(1, 10**38 - 1).map(lambda value: str(value).rstrip("0")),
    st.integers(-130, 87),
)
def test_every_spelling_of_a_number_is_one_key(digits, exponent):
    assert len({key_of({"id": {"N": text}}) for text in spellings("", digits, exponent)}) == 1


@given(numbers())
def test_a_number_and_the_text_that_spells_it_are_two_keys(text):
    assert key_of({"id": {"N": text}}) != key_of({"id": {"S": text}})


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"a": {"S": "b"}, "c": {"S": "d"}}, {"a": {"S": "d"}, "c": {"S": "b"}}),
        ({"a": {"S": "1:bS1:c"}}, {"a": {"S": "1:b"}, "S": {"S": "c"}}),
        ({"ab": {"S": "c"}}, {"a": {"S": "bc"}}),
        ({"a": {"S": "é"}}, {"a": {"S": "e\u0301"}}),
        ({"a": {"S": "A"}}, {"a": {"S": "a"}}),
        ({"a": {"S": "a"}}, {"a": {"S": "a "}}),
        ({"a": {"B": "AA=="}}, {"a": {"S": "AA=="}}),
        ({"a": {"N": "1" * 38}}, {"a": {"N": "1" * 37 + "2"}}),
    ],
)
def test_keys_that_are_easily_taken_for_one_are_two(one, other):
    assert key_of(one) != key_of(other)


def test_the_hash_of_a_key_never_changes_between_versions():
    """Ledgers hold these: another hash would be another item."""
    found = key_of({"pk": {"S": "Größe"}, "sk": {"N": "1.50E+3"}})
    assert found.hex() == "6a4c27674843880c57957327a6f8b52c"
    assert key_of({"b": {"B": "AAEC"}}).hex() == "29c4fb2f73e690c4044af2c4d9c3e339"


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"S": "a", "N": "1"},
        {"S": 1},
        {"N": "abc"},
        {"N": 1},
        {"B": "no base64!"},
        {"BOOL": True},
        {"SS": ["a"]},
        {"S": "\ud800"},
        "a",
        None,
    ],
)
def test_what_is_no_key_attribute_makes_the_line_unreadable(value):
    with pytest.raises(LineUnreadable, match="keys"):
        key_of({"id": value})
    with pytest.raises(LineUnreadable, match="keys"):
        key_of({"id": value, "sk": {"S": "a"}})


def test_a_name_that_utf_8_cannot_hold_makes_the_line_unreadable():
    with pytest.raises(LineUnreadable):
        key_of({"\ud800": {"S": "a"}})


@given(key_values)
def test_what_is_wrong_with_a_key_is_told_without_its_value(value):
    secret = "secret-value"
    with pytest.raises(LineUnreadable) as caught:
        key_of({"id": value, "sk": {"N": secret}})
    assert secret not in str(caught.value)
