"""Hypothesis strategies: everything that DynamoDB can hold, as its streams spell it."""

from base64 import b64encode

from hypothesis import strategies as st

SIGNIFICANT_DIGITS = 38
SMALLEST_EXPONENT, LARGEST_EXPONENT = -130, 125

texts = st.text(st.characters(codec="utf-8"))
names = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)
binaries = st.binary(max_size=20).map(lambda data: b64encode(data).decode())


@st.composite
def numbers(draw):
    """A legal number in one of its spellings: plain, with an exponent, with zeros around it."""
    digits = str(draw(st.integers(1, 10**SIGNIFICANT_DIGITS - 1))).rstrip("0")
    top = draw(st.integers(SMALLEST_EXPONENT, LARGEST_EXPONENT))
    exponent = max(SMALLEST_EXPONENT, top - len(digits) + 1)
    sign = draw(st.sampled_from(["", "-"]))
    return draw(st.sampled_from(spellings(sign, digits, exponent)))


def spellings(sign, digits, exponent):
    """One number, written in every way that DynamoDB takes."""
    shift = len(digits) - 1
    mantissa = digits if shift == 0 else f"{digits[0]}.{digits[1:]}"
    found = [
        f"{sign}{digits}e{exponent}",
        f"{sign}{digits}E{exponent:+d}",
        f"{sign}{mantissa}E{exponent + shift}",
        f"{sign}0{digits}0e{exponent - 1}",
    ]
    if exponent >= 0:
        found += [f"{sign}{digits}{'0' * exponent}", f"{sign}{digits}{'0' * exponent}.00"]
    elif -exponent >= len(digits):
        found.append(f"{sign}0.{digits.rjust(-exponent, '0')}")
    else:
        found.append(f"{sign}{digits[:exponent]}.{digits[exponent:]}")
    return found


scalars = st.one_of(
    texts.map(lambda text: {"S": text}),
    numbers().map(lambda text: {"N": text}),
    binaries.map(lambda text: {"B": text}),
    st.booleans().map(lambda value: {"BOOL": value}),
    st.just({"NULL": True}),
)
sets = st.one_of(
    st.lists(texts, min_size=1, unique=True).map(lambda values: {"SS": values}),
    st.lists(numbers(), min_size=1).map(lambda values: {"NS": values}),
    st.lists(binaries, min_size=1, unique=True).map(lambda values: {"BS": values}),
)
values = st.recursive(
    scalars | sets,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4).map(lambda found: {"L": found}),
        st.dictionaries(names, inner, max_size=4).map(lambda found: {"M": found}),
    ),
    max_leaves=12,
)
images = st.dictionaries(names, values, max_size=6)
key_values = st.one_of(
    texts.filter(bool).map(lambda text: {"S": text}),
    numbers().map(lambda text: {"N": text}),
    binaries.filter(bool).map(lambda text: {"B": text}),
)
keys = st.dictionaries(names, key_values, min_size=1, max_size=2)
