"""The file as a person reads it: the document's example, and what a second run changes."""

from itertools import cycle
from pathlib import Path

from support.inferred import text_of

DOCUMENT = Path(__file__).parents[2] / "docs" / "plugins.md"
KEY = {"order_id": "S"}


def orders(count):
    """Items such as the document's example was made of."""
    for number, status in zip(range(count), cycle(["paid", "new", "sent"]), strict=False):
        line = {"M": {"sku": {"S": f"{number:012}"}, "price": {"N": "1234.56"}}}
        legacy = {"N": "1"} if number < 10 else {"S": f"text {number}"}
        yield {
            "order_id": {"S": f"{number:036}"},
            "customerId": {"S": f"{number:020}"},
            "status": {"S": status},
            **({"legacy": legacy} if number < 1_200 else {}),
            **({"lines": {"L": [line] * (31 if number == 7 else 1)}} if number < 9_800 else {}),
            **({"placedAt": {"S": "2024-05-01T12:00:00Z"}} if number >= 30 else {}),
        }


def test_the_example_of_the_document_is_what_is_written():
    text = text_of(list(orders(10_000)), key=KEY)
    _, table = text.split("\n\norders = ")
    assert f"```\norders = {table}```\n" in DOCUMENT.read_text("utf-8")


def test_an_attribute_more_is_a_line_more():
    images = list(orders(50))
    before = text_of(images, key=KEY).splitlines()
    longer = "an_attribute_with_a_name_longer_than_any_other_in_this_table"
    after = text_of([{**image, longer: {"S": "x"}} for image in images], key=KEY).splitlines()
    (added,) = [line for line in after if line not in before]
    assert longer in added
    assert [line for line in after if line != added] == before


def test_a_file_says_of_how_many_items_it_was_made():
    images = list(orders(5))
    assert "in all of its items, 5." in text_of(images, key=KEY, of=5)
    assert "in 5 of about 1,000 items." in text_of(images, key=KEY, of=1_000)
    assert "in 5 of its items." in text_of(images, key=KEY, of=3)
