"""One name for two things: both are told, with their places."""

from dynaurora.plugins.inspection import inspect_folder

HEAD = "from dynaurora import Table, column, rows\n"


def test_one_column_with_two_meanings_is_told_with_both_places(folder):
    text = HEAD + (
        'a = Table("a1", key="id", columns={"id": "text", "x": "text"})\n'
        'b = Table("b1", key="id", columns={"id": "text", "x": "integer"})\n'
    )
    assert folder.problems(text) == [
        (
            'orders.py:2:50: columns["x"]: it is declared twice, with different types or paths; '
            "call one of them otherwise (orders.py:2:50, orders.py:3:50)"
        )
    ]


def test_one_name_for_a_column_and_for_rows_is_told_with_both_places(folder):
    text = HEAD + (
        'key = "id"\ncolumns = {"id": "text", "x": rows("x[]", {"y": "text"})}\n'
        'a = Table("a1", key="id", columns={"id": "text", "x": "text"})\n'
    )
    assert folder.problems(text) == [
        (
            'orders.py:4:50: columns["x"]: it is a column here and rows there; '
            "call one of them otherwise (orders.py:3:26, orders.py:4:50)"
        )
    ]


def test_two_indexes_of_one_plugin_with_one_name_are_an_error(folder):
    text = HEAD + (
        'a = Table(key="id", columns={"id": "text", "a": "text", "b": "text", '
        '"a_and_b": column("text", index=True)}, indexes=[("a", "b")])'
    )
    assert folder.problems(text) == [
        (
            'orders.py: index "orders_a_and_b_index" is made twice, of different columns: the '
            "second would be left out. "
            "Write one of them into create_table_queries, under another name."
        )
    ]


def test_on_mysql_each_table_has_indexes_of_its_own(folder):
    text = HEAD + (
        'a = Table(key="id", columns={"id": "text", "lines_of": column("integer", index=True), '
        '"lines": rows("l[]", {"of": column("integer", index=True)})})'
    )
    assert "is made twice" in folder.problems(text)[0]
    assert folder.problems(text, engine="mysql") == []


def test_an_index_of_two_plugins_with_one_name_is_an_error_of_both(folder):
    columns = 'columns={"id": "text", "NAME": column("text", index=True)})'
    folder.write("orders.py", HEAD + f'a = Table(key="id", {columns}'.replace("NAME", "sku_of"))
    folder.write("orders_sku.py", HEAD + f'a = Table(key="id", {columns}'.replace("NAME", "of"))
    found = [one.problems for one in inspect_folder(folder.path, "postgresql")]
    assert [len(problems) for problems in found] == [1, 1]
    assert found[0][0].message == (
        f'index "orders_sku_of_index" is also made by {folder.path / "orders_sku.py"}'
    )


def test_a_key_that_is_missing_is_that_which_the_statements_read(folder):
    text = """
        columns = {"total": "numeric", "order_id": "text"}
        insert_table_queries = ["delete from t using removed where t.id = removed.order_id"]
    """
    assert folder.problems(text) == ['orders.py: key is missing. Add key = "order_id".']


def test_a_long_name_does_not_fill_the_message(folder):
    name = "n" * 65_535
    (found,) = folder.problems(f'key = "id"\ncolumns = {{"id": "text", "{name}": "text"}}')
    assert found.startswith('orders.py:2:26: columns["nnn')
    assert "…: a column name has at most 63 bytes; write a shorter one with a path" in found
    assert len(found) < 400
