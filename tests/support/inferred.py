"""What is inferred from items, as text and as a plugin."""

import re

from dynaurora.inference.plan import infer
from dynaurora.inference.proof import proof
from dynaurora.inference.writing import plugin_text
from dynaurora.plugins.folder import load_plugin

TABLE = "orders"
KEY = {"id": "S"}


def text_of(images, *, table=TABLE, key=None, of=0, engine="postgresql"):
    return plugin_text(infer(table, key or KEY, images, engine), of)


def column_lines(images, **options):
    """The lines between the key and the end, without their indent and what aligns them."""
    text = text_of(images, **options)
    lines = [re.sub(" +#", "  #", line.strip()) for line in text.splitlines()]
    return lines[lines.index("columns={") + 2 : -2]


def plugin_of(folder, images, *, table=TABLE, engine="postgresql", **options):
    path = folder / f"{table}.py"
    path.write_text(text_of(images, table=table, engine=engine, **options), "utf-8")
    return load_plugin(path, table, engine)


def refusals(folder, images, **options):
    """What the plugin of some items refuses of them."""
    return proof(plugin_of(folder, images, **options), images).refused


def items(*values, name="a"):
    """Items that have these values as an attribute; None is none."""
    return [
        {"id": {"S": f"i{number}"}, **({} if value is None else {name: value})}
        for number, value in enumerate(values)
    ]
