import contextlib

import pytest
from dynamodb_values import images, names, values
from hypothesis import given
from hypothesis import strategies as st

from dynaurora.errors import ValueRefused
from dynaurora.model.paths import (
    Attribute,
    Each,
    Element,
    levels,
    path,
    path_text,
    rows_at,
    value_at,
)

ITEM = {
    "M": {
        "a": {"M": {"b": {"S": "found"}, "empty": {"M": {}}, "null": {"NULL": True}}},
        "a.b": {"S": "dotted"},
        'q"t': {"S": "quoted"},
        "list": {"L": [{"N": "1"}, {"NULL": True}, {"M": {"x": {"S": "y"}}}]},
        "texts": {"SS": ["b", "a"]},
        "numbers": {"NS": ["10", "9", "1E1"]},
        "binaries": {"BS": ["AQ==", "AA=="]},
        "null": {"NULL": True},
        "orders": {
            "L": [
                {"M": {"lines": {"L": [{"S": "1a"}, {"S": "1b"}]}}},
                {"M": {"lines": {"L": []}}},
                {"M": {"lines": {"L": [{"S": "3a"}]}}},
            ]
        },
        "names": {"M": {"de": {"M": {"m": {"S": "Schweizer"}}}, "fr": {"M": {}}}},
    }
}


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("a", (Attribute("a"),)),
        ("a.b", (Attribute("a"), Attribute("b"))),
        ('"a.b".c', (Attribute("a.b"), Attribute("c"))),
        ('a."b""c"', (Attribute("a"), Attribute('b"c'))),
        ("a[0]", (Attribute("a"), Element(0))),
        ("a[12][3].b", (Attribute("a"), Element(12), Element(3), Attribute("b"))),
        ("a[]", (Attribute("a"), Each("[]"))),
        ("a{}{}", (Attribute("a"), Each("{}"), Each("{}"))),
        ("lines[].taxes[]", (Attribute("lines"), Each("[]"), Attribute("taxes"), Each("[]"))),
        ("$", ()),
        ("$.a", (Attribute("a"),)),
        ("$[0]", (Element(0),)),
        ("${}", (Each("{}"),)),
        ("[0]", (Element(0),)),
        ("größe-2 x", (Attribute("größe-2 x"),)),
        ("$a", (Attribute("$a"),)),
    ],
)
def test_a_path_is_read(text, steps):
    assert path(text) == steps


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "a.",
        ".a",
        "a..b",
        "a.[0]",
        "a[",
        "a]",
        "a[x]",
        "a[-1]",
        "a{x}",
        "a{",
        '"a',
        'a"b"',
        "$.",
        "$..a",
        'a."',
        "a[0]b",
        '""',
    ],
)
def test_what_is_no_path_is_none(text):
    assert path(text) is None


def test_an_empty_path_is_none():
    assert path("") is None


@given(st.lists(names, min_size=1, max_size=4))
def test_quoted_names_lead_through_maps_whatever_they_hold(steps):
    written = ".".join('"' + name.replace('"', '""') + '"' for name in steps)
    value = {"S": "here"}
    for name in reversed(steps):
        value = {"M": {name: value}}
    assert value_at(path(written), value) == {"S": "here"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a.b", {"S": "found"}),
        ('"a.b"', {"S": "dotted"}),
        ('"q""t"', {"S": "quoted"}),
        ("list[0]", {"N": "1"}),
        ("list[2].x", {"S": "y"}),
        ("list[9]", None),
        ("a.missing", None),
        ("missing.b.c", None),
        ("null", None),
        ("null.b", None),
        ("a.null", None),
        ("a.empty.x", None),
        ("$", ITEM),
    ],
)
def test_missing_and_null_give_nothing_and_the_rest_is_found(text, expected):
    assert value_at(path(text), ITEM) == expected


def test_a_null_at_the_end_is_given_to_who_tells_it_from_missing():
    assert value_at(path("a.null"), ITEM, keeps_null=True) == {"NULL": True}
    assert value_at(path("null.b"), ITEM, keeps_null=True) is None
    assert value_at(path("a.missing"), ITEM, keeps_null=True) is None


@pytest.mark.parametrize("text", ["a.b.c", "list.x", "a[0]", "texts[0]", "names.de[0]"])
def test_another_type_on_the_way_is_refused(text):
    with pytest.raises(ValueRefused, match="an attribute of type"):
        value_at(path(text), ITEM)


def rows(text):
    return list(rows_at(path(text), ITEM))


def test_each_element_of_a_list_is_a_row_with_its_position():
    assert rows("list[]") == [
        (("0",), {"N": "1"}),
        (("1",), {"NULL": True}),
        (("2",), {"M": {"x": {"S": "y"}}}),
    ]


def test_the_elements_of_a_set_come_in_one_order():
    assert [value for _, value in rows("texts[]")] == [{"S": "a"}, {"S": "b"}]
    assert [value["N"] for _, value in rows("numbers[]")] == ["9", "10", "1E1"]
    assert [value for _, value in rows("binaries[]")] == [{"B": "AA=="}, {"B": "AQ=="}]


def test_each_entry_of_a_map_is_a_row_with_its_name():
    assert rows("a{}") == [
        (("b",), {"S": "found"}),
        (("empty",), {"M": {}}),
        (("null",), {"NULL": True}),
    ]


def test_several_levels_number_their_rows_one_by_one():
    assert rows("orders[].lines[]") == [
        (("0", "0"), {"S": "1a"}),
        (("0", "1"), {"S": "1b"}),
        (("2", "0"), {"S": "3a"}),
    ]
    assert rows("names{}{}") == [(("de", "m"), {"S": "Schweizer"})]


@pytest.mark.parametrize("text", ["missing[]", "null[]", "a.missing{}", "a.empty{}", "a.null[]"])
def test_nothing_where_the_rows_should_be_gives_no_rows(text):
    assert rows(text) == []


def test_the_item_itself_is_one_row_without_levels():
    assert rows("$") == [((), ITEM)]


@pytest.mark.parametrize("text", ["a[]", "list{}", "a.b[]", "texts{}", "list[].x"])
def test_rows_of_another_type_are_refused(text):
    with pytest.raises(ValueRefused, match="an attribute of type"):
        rows(text)


def test_levels_are_what_makes_rows():
    assert levels(path("a[].b[0].c{}")) == [Each("[]"), Each("{}")]


@given(images, st.text())
def test_any_path_on_any_item_gives_rows_or_a_refusal(image, text):
    steps = path(text)
    if steps is None:
        return
    with contextlib.suppress(ValueRefused):
        list(rows_at(steps, {"M": image}))


@given(st.lists(values))
def test_every_element_of_a_list_is_given_once(elements):
    found = list(rows_at((Attribute("l"), Each("[]")), {"M": {"l": {"L": elements}}}))
    assert [value for _, value in found] == elements
    assert [names for names, _ in found] == [(str(n),) for n in range(len(elements))]


steps = st.one_of(
    names.map(Attribute),
    st.integers(0, 10**6).map(Element),
    st.sampled_from([Each("[]"), Each("{}")]),
)


@given(st.lists(steps, max_size=4).map(tuple))
def test_a_path_is_read_back_as_it_was_written(found):
    assert path(path_text(found)) == found
