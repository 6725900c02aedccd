"""Single-table designs: which entities are found, and where there are none."""

import pytest

from dynaurora.inference.entities import entities
from support.inferred import text_of

KEY = {"PK": "S", "SK": "S"}


def item(pk, sk, **attributes):
    found = {"PK": pk, "SK": sk, **attributes}
    return {name: {"S": value} for name, value in found.items()}


def shop(*, has_kind=False):
    def kind(word):
        return {"kind": word} if has_kind else {}

    for user in range(10):
        pk = f"USER#{user}"
        yield item(pk, pk, name="n", email="e", createdAt="t", **kind("USER"))
        yield item(pk, "SETTINGS", theme="dark", createdAt="t", **kind("SETTINGS"))
        for order in range(3):
            sk = f"ORDER#{order}"
            yield item(pk, sk, total="1", placedAt="t", createdAt="t", **kind("ORDER"))


def conditions(images, key=None):
    return {each.name: dict(each.when) for each in entities(list(images), key or KEY)}


def test_prefixes_of_the_key_tell_entities_apart():
    assert conditions(shop()) == {
        "ORDER": {"PK": "USER#*", "SK": "ORDER#*"},
        "SETTINGS": {"PK": "USER#*", "SK": "SETTINGS"},
        "USER": {"PK": "USER#*", "SK": "USER#*"},
    }


def test_prefixes_are_taken_before_an_attribute_that_says_the_same():
    assert conditions(shop(has_kind=True)) == conditions(shop())


def test_an_attribute_of_few_values_tells_entities_apart():
    images = [
        {**image, "PK": {"S": f"{number:032x}"}, "SK": {"S": "-"}}
        for number, image in enumerate(shop(has_kind=True))
    ]
    assert conditions(images) == {
        "ORDER": {"kind": "ORDER"},
        "SETTINGS": {"kind": "SETTINGS"},
        "USER": {"kind": "USER"},
    }


def test_words_of_a_partition_key_are_data():
    images = [
        item(pk, sk, **attributes)
        for pk in ("Ada", "Grace")
        for number in range(5)
        for sk, attributes in {
            f"ORDER#{number}": {"total": "1", "placedAt": "t"},
            "PROFILE": {"email": "e", "name": "n"},
        }.items()
    ]
    assert conditions(images) == {"ORDER": {"SK": "ORDER#*"}, "PROFILE": {"SK": "PROFILE"}}


def test_every_item_is_in_one_entity():
    images = list(shop())
    found = entities(images, KEY)
    assert sum(len(each.images) for each in found) == len(images)


def test_one_partition_key_can_tell_entities_apart():
    images = [item(f"USER#{n}", "-", name="n") for n in range(5)]
    images += [item(f"ORDER#{n}", "-", total="1") for n in range(5)]
    assert conditions(images, {"PK": "S"}) == {
        "ORDER": {"PK": "ORDER#*"},
        "USER": {"PK": "USER#*"},
    }


@pytest.mark.parametrize(
    "images",
    [
        [],
        [item("USER#1", "USER#1", name="n")],
        # One kind of item with a prefix.
        [item(f"USER#{n}", "PROFILE", name="n") for n in range(50)],
        # A state is no kind: what is paid is an order as before.
        [
            item(str(n), "-", status="paid", total="1", customer="c", placedAt="t", paidAt="t")
            for n in range(20)
        ]
        + [
            item(str(n), "-", status="new", total="1", customer="c", placedAt="t")
            for n in range(20, 40)
        ],
        # Few items, each with another text and other attributes.
        [item(str(n), "-", name=f"n{n}", **{f"a{n}": "x"}) for n in range(4)],
        # Prefixes that are data.
        [item(f"u{n}#1", "-", **{f"a{n}": "x"}) for n in range(100)],
    ],
)
def test_one_kind_of_item_is_one_table(images):
    assert len(entities(images, KEY)) == 1


def test_each_entity_is_a_table_with_its_own_columns():
    text = text_of(list(shop()), table="Shop", key=KEY)
    _, *tables = text.split("\n\n")
    assert [each.splitlines()[0].partition("  #")[0].rstrip() for each in tables[-3:]] == [
        "order = Table(",
        "settings = Table(",
        "user = Table(",
    ]
    assert '"shop_order",\n    key=("pk", "sk"),\n' in tables[-3]
    assert '    when={"PK": "USER#*", "SK": "ORDER#*"},\n' in tables[-3]
    assert '"email"' not in tables[-3]
    assert '"placed_at": ("text", "placedAt"),' in tables[-3]
