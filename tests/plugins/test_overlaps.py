"""Tables of one file that both take an item."""

import pytest

TABLES = """
from dynaurora import Table
KEY = {{"pk": ("text", "PK"), "sk": ("text", "SK")}}
users = Table("users", key=("pk", "sk"), columns=KEY, when={})
admins = Table("admins", key=("pk", "sk"), columns=KEY, when={})
"""


def said(taken):
    return (
        f"warning: users and admins both take {taken}: an item lands in both. "
        "Say in one of them by what it differs, if that is not meant."
    )


@pytest.mark.parametrize(
    ("one", "other", "taken"),
    [
        ({"PK": "USER#*"}, {"PK": "USER#*"}, 'PK "USER#*"'),
        ({"PK": "USER#*"}, {"PK": "U*", "kind": "ADMIN"}, 'PK "USER#*"'),
        ({"PK": "USER#*", "a": 1}, {"PK": "USER#1", "b": 2}, 'PK "USER#1"'),
        ({"kind": ("A", "B")}, {"kind": ("C", "B")}, 'kind "B"'),
        ({"a.b": True}, {"a.b": (False, True)}, "a.b True"),
    ],
)
def test_two_tables_that_take_one_item_are_a_warning(folder, one, other, taken):
    assert folder.problems(TABLES.format(one, other)) == [f"orders.py:4:10: {said(taken)}"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"PK": "USER#*"}, {"PK": "ORDER#*"}),
        ({"PK": "USER#*", "SK": "USER#*"}, {"PK": "USER#*", "SK": "ORDER#*"}),
        ({"PK": "USER#*", "kind": "A"}, {"PK": "USER#*", "kind": ("B", "C")}),
        ({"PK": "USER#*"}, {"kind": "ORDER"}),
        ({"n": 1}, {"n": True}),
    ],
)
def test_tables_of_which_one_rules_the_other_out_are_right(folder, one, other):
    assert folder.problems(TABLES.format(one, other)) == []


def test_rows_of_the_item_itself_overlap_alike(folder):
    found = folder.problems("""
        from dynaurora import rows
        key = "id"
        columns = {
            "id": "text",
            "users": rows("$", {"name": "text"}, when={"kind": "U*"}),
            "admins": rows("$", {"name": "text"}, when={"kind": "USER"}),
            "lines": rows("lines[]", {"sku": "text"}, when={"kind": "USER"}),
        }
        insert_table_queries = []
    """)
    assert found == ["orders.py:6:5: " + said('kind "USER"')]
