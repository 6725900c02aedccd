from decimal import Context, Decimal
from fractions import Fraction

import pytest
from dynamodb_values import numbers, spellings
from hypothesis import given
from hypothesis import strategies as st

from dynaurora.errors import ValueRefused
from dynaurora.model.numbers import in_numeric_order, json_number, number

EXACT = Context(prec=500, Emin=-1000, Emax=1000)


@given(numbers())
def test_a_number_keeps_its_value_in_every_form(text):
    found = number(text)
    assert Fraction(found.plain()) == Fraction(text)
    assert Fraction(found.canonical()) == Fraction(text)
    assert Fraction(json_number(text)) == Fraction(text)


@given(
    st.sampled_from(["", "-"]),
    st.integers(1, 10**38 - 1).map(lambda value: str(value).rstrip("0")),
    st.integers(-130, 87),
)
def test_all_spellings_of_a_number_have_one_canonical_form(sign, digits, exponent):
    forms = {number(text).canonical() for text in spellings(sign, digits, exponent)}
    assert len(forms) == 1


@given(numbers(), numbers())
def test_two_numbers_have_one_canonical_form_only_if_they_are_equal(one, other):
    is_same = number(one).canonical() == number(other).canonical()
    assert is_same == (Fraction(one) == Fraction(other))


@given(numbers())
def test_the_digits_on_both_sides_of_the_point_are_counted(text):
    value = EXACT.abs(EXACT.create_decimal(text))
    plain = format(value.normalize(EXACT), "f")
    whole, _, fraction = plain.partition(".")
    assert number(text).scale == len(fraction)
    assert number(text).integer_digits == len(whole.lstrip("0"))


@pytest.mark.parametrize("text", ["0", "-0", "0.00", "0E+5", ".0", "-0.0e-130", "000"])
def test_zero_has_one_form_and_no_sign(text):
    assert number(text).canonical() == "0e0"
    assert number(text).plain() == "0"


@pytest.mark.parametrize(
    "text",
    [
        "-99999999999999999999999999999999999999",  # was cut to 38 characters elsewhere
        "99999999999999999999999999999999999999",
        "1E+125",  # boto3's decoder raises on it
        "9.9999999999999999999999999999999999999E+125",
        "1E-130",
        "-1.0000000000000000000000000000000000001E-93",
    ],
)
def test_numbers_at_the_edge_of_what_is_legal_are_exact(text):
    assert Fraction(number(text).plain()) == Fraction(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-",
        ".",
        "e5",
        "1e",
        "1e5.0",
        "0x10",
        "1_000",
        " 1",
        "1 ",
        "1\n",
        "NaN",
        "Infinity",
        "٣",
        "²",
        "1,5",
        "--1",
    ],
)
def test_what_is_no_number_is_refused(text):
    with pytest.raises(ValueRefused, match="it is no number"):
        number(text)
    with pytest.raises(ValueRefused, match="it is no number"):
        json_number(text)


@pytest.mark.parametrize("text", ["1", "-1.50", "0.001", "1E+5", "1e-7", "10"])
def test_json_keeps_a_number_as_it_was_spelt_where_that_is_json(text):
    assert json_number(text) == text


@pytest.mark.parametrize(("text", "expected"), [("+1", "1"), ("007", "7"), (".5", "0.5")])
def test_json_gets_a_legal_spelling_of_a_number_that_it_would_not_read(text, expected):
    assert json_number(text) == expected


@given(st.lists(numbers()))
def test_numbers_are_sorted_by_value_without_rounding(texts):
    values = [Fraction(text) for text in in_numeric_order(texts)]
    assert values == sorted(map(Fraction, texts))


def test_numbers_that_differ_in_the_38th_digit_are_sorted_apart():
    low, high = "1" * 37 + "1", "1" * 37 + "2"
    assert in_numeric_order([high, low]) == [low, high]
    assert Decimal(low) != Decimal(high)


@pytest.mark.parametrize("text", ["abc", "NaN", "sNaN", ""])
def test_a_set_with_something_that_is_no_number_is_refused(text):
    with pytest.raises(ValueRefused):
        in_numeric_order(["1", text])
