"""What inferred columns are called."""

import pytest

from support.inferred import column_lines, plugin_of, refusals

LONG = "x" * 65_535
TEXT = {"S": "x"}


def image(*names):
    return [{"id": TEXT, **dict.fromkeys(names, TEXT)}]


def code(images, **options):
    return [line.partition("  #")[0].rstrip() for line in column_lines(images, **options)]


@pytest.mark.parametrize(
    ("attribute", "line"),
    [
        ("status", '"status": "text",'),
        ("customerId", '"customer_id": ("text", "customerId"),'),
        ("order-id", '"order_id": ("text", "order-id"),'),
        ("a.b", """"a_b": ("text", '"a.b"'),"""),
        ("order", '"order_": ("text", "order"),'),
        ("user", '"user_": ("text", "user"),'),
        ("xmin", '"xmin_": ("text", "xmin"),'),
        ("_version", '"version": ("text", "_version"),'),
        ("2fa", '"t_2fa": ("text", "2fa"),'),
        ('a"b', """"a_b": ("text", '"a""b"'),"""),
        ('it\'s "it"', r""""it_s__it_": ("text", "\"it's \"\"it\"\"\""),"""),
        ("a\nb\\", r""""a_b_": ("text", '"a\nb\\"'),"""),
        ("$", """"attribute_8e0ac6d7": ("text", '"$"'),"""),
    ],
)
def test_an_attribute_is_a_column_in_snake_case(attribute, line, tmp_path):
    if attribute == "$":
        assert code(image(attribute))[0].startswith('"attribute_')
    else:
        assert code(image(attribute)) == [line]
    assert refusals(tmp_path, image(attribute)) == {}


def test_names_equal_but_for_case_are_told_apart_and_that_is_said(tmp_path):
    images = image("CustomerId", "customerID", "customer_id")
    lines = column_lines(images)
    assert [line.partition(":")[0] for line in lines if '"customer_id": ' in line] == [
        '"customer_id"'
    ]
    assert sum("customer_id is another" in line for line in lines) == 2
    plugin = plugin_of(tmp_path, images)
    assert len(plugin.columns) == 4
    assert refusals(tmp_path, images) == {}


def test_a_name_that_is_taken_stays_the_same_whatever_else_there_is():
    def named(images):
        (line,) = [each for each in code(images) if '"customerId"' in each]
        return line

    assert named(image("customerId", "customer_id")) == named(
        image("customerId", "customer_id", "CustomerId", "a", "z")
    )


def test_an_attribute_name_of_64_kilobytes_has_a_short_column(tmp_path):
    plugin = plugin_of(tmp_path, image(LONG, f"{LONG}y"))
    names = [name for name in plugin.columns if name != "id"]
    assert len(set(names)) == 2
    assert {len(name) for name in names} == {63}
    assert refusals(tmp_path, image(LONG, f"{LONG}y")) == {}


def test_rows_take_no_name_of_the_key_or_of_their_levels(tmp_path):
    row = {"M": {"id": TEXT, "position": TEXT}}
    images = [{"id": TEXT, "lines": {"L": [row]}}]
    assert code(images) == [
        '"lines": rows(',
        '"lines[]",',
        "{",
        '"lines_id": ("text", "id"),',
        '"position": "text",',
        "},",
        'at="element",',
        "),",
    ]
    assert refusals(tmp_path, images) == {}


@pytest.mark.parametrize(
    "attribute",
    [
        '"): print("run',
        '"""\nprint("run")\n"""',
        "\\",
        "\u2028#",
        "\u202e",
        "x\ry",
        "# \n run()",
        "\0",
    ],
)
def test_an_attribute_is_never_code(attribute, tmp_path, capsys):
    images = [{**image(attribute)[0], "m": {"M": {attribute: TEXT}}} for _ in range(20)]
    plugin = plugin_of(tmp_path, images)
    assert capsys.readouterr().out == ""
    attributes = {step.name for each in plugin.columns.values() for step in each.path}
    assert attribute in attributes


@pytest.mark.parametrize("table", ["staged-orders", "removed", "_private", "class", "prod.Orders"])
def test_any_table_has_a_plugin_that_loads(table, tmp_path):
    assert refusals(tmp_path, image("a"), table=table) == {}
