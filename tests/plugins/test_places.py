"""Where something stands in a file, however the file is written."""

import pytest

STATEMENT = '''
key = "id"
columns = {"id": "text", "größe": "numeric"}
insert_table_queries = [
    """
    insert into log
    select 'größe \\\\', totl
    from staged
    """,
]
'''


def place(text, part):
    """``line:column`` of a part of a text, in characters."""
    before = text[: text.index(part)]
    return f"{before.count(chr(10)) + 1}:{len(before) - before.rfind(chr(10))}"


def found(folder, data):
    path = folder.path / "orders.py"
    path.write_bytes(data)
    return folder.problems_of(path)


@pytest.mark.parametrize(
    ("end", "head"), [("\n", b""), ("\r\n", b""), ("\r", b""), ("\n", b"\xef\xbb\xbf")]
)
def test_a_place_is_the_same_with_every_line_end_and_with_a_mark_at_the_start(folder, end, head):
    text = STATEMENT.replace("\n", end)
    (problem,) = found(folder, head + text.encode())
    assert problem.startswith(f"orders.py:{place(STATEMENT, 'totl')}: staged has no column totl")


@pytest.mark.parametrize(
    "literal",
    [
        r'"select \'a\', totl from staged"',
        r'"select \x41\101\u0041\N{LATIN SMALL LETTER A}, totl from staged"',
        r'r"select \n, totl from staged"',
        '"select a, \\\ntotl from staged"',
        '"ü ü ü" "select totl from staged"',
        "'''\n\tselect totl\n'''",
    ],
)
def test_a_character_behind_escapes_is_found(literal):
    from dynaurora.plugins.places import Source
    from dynaurora.plugins.rules import Written

    text = f'ü = "größe"; insert_table_queries = ["x", {literal}]\n'
    statement = eval(literal)
    written = Written("insert_table_queries", 1, statement, "postgresql")
    line, column = Source(text.encode()).written(written, statement.index("totl"))
    assert f"{line}:{column}" == place(text, "totl")


def test_columns_are_counted_in_characters(folder):
    text = 'key = "id"\ncolumns = {"größe": "numeric", "id": "text", "x": "numric"}\n'
    (problem,) = folder.problems(text)
    assert problem.startswith(f"orders.py:{place(text, chr(34) + 'x' + chr(34))}: ")


def test_a_piece_that_python_makes_is_not_guessed(folder):
    text = """
key = "id"
columns = {"id": "text"}
_TABLE = "log"
insert_table_queries = ["insert into " + _TABLE.upper() + " select totl from staged"]
"""
    (problem,) = folder.problems(text)
    assert problem.startswith("orders.py:4:25: staged has no column totl")
