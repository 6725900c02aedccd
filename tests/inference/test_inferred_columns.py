"""What columns and rows are inferred: types, maps, lists, and what stays a document."""

import pytest

from support.inferred import column_lines, items, refusals

DAY = {"S": "2024-05-01"}
MOMENT = {"S": "2024-05-01T12:00:00Z"}
UUID = {"S": "7f2c0b1e-9f3a-4a53-8f0e-0c8f5f9f2c11"}
TEXT = {"S": "x"}


@pytest.mark.parametrize(
    ("values", "line"),
    [
        ([TEXT], '"a": "text",'),
        ([{"N": "1"}, {"N": "1.5"}], '"a": "numeric",'),
        ([{"BOOL": True}], '"a": "boolean",'),
        ([{"B": "AAEC"}], '"a": "bytes",'),
        ([DAY], '"a": "date",'),
        ([MOMENT, {"S": "2024-05-01T12:00:00.123+02:00"}], '"a": "timestamptz",'),
        ([UUID], '"a": "uuid",'),
        ([DAY, TEXT], '"a": "text",'),
        ([DAY, MOMENT], '"a": "text",'),
        ([{"S": "2024-05-01T12:00:00"}], '"a": "text",'),
        ([{"S": "2024-02-30"}], '"a": "text",'),
        ([{"S": UUID["S"].upper()}], '"a": "text",'),
        ([{"NULL": True}], '"a": "json",'),
        ([{"L": []}], '"a": "json",'),
        ([{"M": {}}], '"a": "json",'),
        ([TEXT, {"N": "1"}], '"a": "json",'),
        ([{"L": [{"L": [TEXT]}]}], '"a": "json",'),
        ([{"L": [TEXT]}], '"a": rows("a[]", {"value": ("text", "$")}),'),
        ([{"SS": ["x"]}], '"a": rows("a[]", {"value": ("text", "$")}),'),
        ([{"NS": ["1"]}, {"L": [{"N": "2"}]}], '"a": rows("a[]", {"value": ("numeric", "$")}),'),
        ([{"L": [TEXT, {"N": "1"}]}], '"a": rows("a[]", {"value": ("json", "$")}),'),
        ([{"M": {"b": TEXT}}], '"a_b": ("text", "a.b"),'),
        ([{"M": {"b.c": TEXT}}], """"a_b_c": ("text", 'a."b.c"'),"""),
        ([{"M": {"2024": TEXT}}], '"a": rows("a{}", {"value": ("text", "$")}),'),
    ],
)
def test_values_become_the_narrowest_column_that_holds_their_kind(values, line, tmp_path):
    images = items(*values)
    (found,) = column_lines(images)
    assert found.partition("  #")[0].rstrip() == line
    assert refusals(tmp_path, images) == {}


def test_null_and_a_missing_attribute_change_no_type():
    (line,) = column_lines(items(DAY, None, {"NULL": True}, DAY))
    assert line == '"a": "date",  # 75 %; NULL in 1'


def test_a_text_that_few_items_have_is_no_date_yet():
    (rare,) = column_lines(items(DAY, *[None] * 9))
    assert rare.startswith('"a": "text",')
    (often,) = column_lines(items(*[DAY] * 10, *[None] * 90))
    assert often.startswith('"a": "date",')


def test_types_that_conflict_are_shown():
    (line,) = column_lines(items(*[TEXT] * 9, {"N": "1"}))
    assert line == '"a": "json",  # 100 %; S in 9, N in 1'


def test_a_number_has_no_precision_and_its_digits_are_told():
    (line,) = column_lines(items({"N": "123456.7"}, {"N": "1.25"}))
    assert line == '"a": "numeric",  # 100 %; at most 8 digits, 2 decimals'


def test_few_words_that_come_many_times_are_shown():
    (line,) = column_lines(items(*[{"S": word} for word in ("sent", "paid", "new")] * 10))
    assert line == '"a": "text",  # 100 %: new, paid, sent'


@pytest.mark.parametrize(
    "texts",
    [
        ["Ada", "Grace"] * 9,  # not often enough
        [f"name {number}" for number in range(7)] * 10,  # too many
        ["a" * 21] * 10,  # too long
        ["ada@example.com"] * 10,
        ["0170 1234567"] * 10,
    ],
)
def test_what_may_be_personal_is_not_shown(texts):
    (line,) = column_lines(items(*[{"S": text} for text in texts]))
    assert not any(text in line for text in texts)


def test_a_map_with_other_names_in_each_item_becomes_rows(tmp_path):
    maps = [{"M": {f"k{n}": {"M": {"price": {"N": "1"}, "unit": TEXT}}}} for n in range(9)]
    images = items(*maps)
    assert [line.partition("  #")[0].rstrip() for line in column_lines(images)] == [
        '"a": rows(',
        '"a{}",',
        "{",
        '"price": "numeric",',
        '"unit": "text",',
        "},",
        "),",
    ]
    assert refusals(tmp_path, images) == {}


def test_a_map_of_more_names_than_a_record_has_becomes_rows(tmp_path):
    images = items({"M": {f"k{n}": {"N": str(n)} for n in range(500)}})
    (line,) = column_lines(images)
    assert line.startswith('"a": rows("a{}", {"value": ("numeric", "$")}),')
    assert refusals(tmp_path, images) == {}


def test_rows_inside_rows_are_a_level_deeper(tmp_path):
    line = {"M": {"sku": TEXT, "taxes": {"L": [{"M": {"rate": {"N": "19"}}}]}}}
    images = items({"L": [line, {"NULL": True}]})
    code = [each.partition("  #")[0].rstrip() for each in column_lines(images)]
    assert code == [
        '"a": rows("a[]", {"sku": "text"}),',
        '"a_taxes": rows("a[].taxes[]", {"rate": "numeric"}),',
    ]
    assert refusals(tmp_path, images) == {}


def test_what_postgresql_does_not_hold_is_no_column_and_is_said(tmp_path):
    images = items({"S": "a\0b"}, TEXT)
    (line,) = column_lines(images)
    assert line.startswith('# "a": "text",')
    assert "U+0000" in line
    assert refusals(tmp_path, images) == {}


@pytest.mark.parametrize(
    ("values", "on_postgresql", "on_mysql"),
    [
        ([{"N": "1E-100"}], "numeric", "json"),
        ([{"N": "1E38"}], "numeric", "json"),
        ([{"N": "9.5"}], "numeric", "numeric"),
        ([{"S": "0999-12-31"}], "date", "text"),
        ([MOMENT, {"S": "0001-01-01T00:00:00Z"}], "timestamptz", "text"),
    ],
)
def test_what_mysql_does_not_hold_has_another_type_there(values, on_postgresql, on_mysql, tmp_path):
    for engine, word in (("postgresql", on_postgresql), ("mysql", on_mysql)):
        (line,) = column_lines(items(*values), engine=engine)
        assert line.startswith(f'"a": "{word}",')
        assert refusals(tmp_path, items(*values), engine=engine) == {}


def test_mysql_holds_nul(tmp_path):
    images = items({"S": "a\0b"}, TEXT)
    (line,) = column_lines(images, engine="mysql")
    assert line == '"a": "text",  # 100 %; at most 3 characters'
    assert refusals(tmp_path, images, engine="mysql") == {}


def test_a_key_that_is_too_long_for_mysql_is_told_and_refused_in_the_proof(tmp_path):
    images = [{"id": {"S": "é" * 256}}, {"id": {"S": "a"}}]
    found = refusals(tmp_path, images, engine="mysql")
    assert found == {"id: a key of length 256; expected at most 255": 1}
    text = (tmp_path / "orders.py").read_text("utf-8")
    assert "at most 256 characters; more than MySQL's index holds" in text
    assert refusals(tmp_path, images) == {}


def test_a_key_has_the_type_that_tells_its_keys_apart(tmp_path):
    images = [{"p": {"S": DAY["S"]}, "n": {"N": "1.0"}}, {"p": TEXT, "n": {"N": "2"}}]
    found = refusals(tmp_path, images, key={"p": "S", "n": "N"})
    assert found == {}


def test_a_long_key_is_told(tmp_path):
    images = [{"id": {"S": "é" * 1_500}}]
    text = (tmp_path / "orders.py").read_text() if refusals(tmp_path, images) else ""
    assert text == ""
    assert "at most 1,500 characters; more than PostgreSQL's index holds" in (
        tmp_path / "orders.py"
    ).read_text("utf-8")


def test_of_very_many_attributes_the_rare_ones_are_counted(tmp_path):
    images = [
        {"id": {"S": str(n)}, "often": TEXT, **{f"rare{n}_{m}": TEXT for m in range(30)}}
        for n in range(30)
    ]
    lines = column_lines(images)
    assert lines[0].startswith('"often": "text",')
    assert lines[1] == "# Without a column, for the table would be too wide:"
    assert lines[2] == '#   "rare0_0" in 1'
    assert lines[-1] == "#   and 880 others"
    assert refusals(tmp_path, images) == {}


def test_many_attributes_that_all_items_have_are_all_columns(tmp_path):
    images = [{"id": TEXT, **{f"c{n}": TEXT for n in range(200)}}]
    assert len(column_lines(images)) == 200
    assert refusals(tmp_path, images) == {}


def test_no_item_gives_the_key_alone(tmp_path):
    assert column_lines([]) == []
    assert refusals(tmp_path, []) == {}
