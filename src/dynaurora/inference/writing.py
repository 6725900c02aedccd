"""The text of an inferred plugin: a column per line, the evidence behind it, in one column.

What stands in a file is a matter of the items alone, in the order of their paths: a plugin that is
written again differs in the lines that have changed.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from dynaurora.inference.plan import (
    InferredColumn,
    InferredPlugin,
    InferredRows,
    InferredTable,
)
from dynaurora.model.paths import Attribute, path_text

_WIDTH: Final = 88
_NOTE_PLACE: Final = 52
"""The same in every file: a longer line moves no other."""

_NAMED_LEFT_OUT: Final = 20


@dataclass(frozen=True, slots=True)
class _Line:
    code: str
    note: str = ""


def plugin_text(plugin: InferredPlugin, table_items: int) -> str:
    """The file of a plugin.

    table_items: how many items the table has; fewer than were read if only that is known.
    """
    has_rows = any(isinstance(each, InferredRows) for t in plugin.tables for each in t.fields)
    head = [
        f'"""{plugin.table}: as `dynaurora new` found it in {_items(plugin.items, table_items)}.',
        "",
        "Behind each column stands what these items showed: how many have it, and how large it is.",
        '"""',
        "",
        f"from dynaurora import Table{', rows' if has_rows else ''}",
    ]
    tables = (_written(_table(each)) for each in plugin.tables)
    return "\n".join([*head, *(f"\n{text}" for text in tables)]) + "\n"


def literal(text: str) -> str:
    """A text as Python writes it, in the quotes that need no escapes; what does not print is
    escaped."""
    quote = "'" if '"' in text and "'" not in text else '"'
    return quote + "".join(_character(each, quote) for each in text) + quote


def _character(character: str, quote: str) -> str:
    if character in (quote, "\\"):
        return f"\\{character}"
    if character.isprintable():
        return character
    return character.encode("unicode_escape").decode()


def _items(items: int, table_items: int) -> str:
    if items == table_items:
        return f"all of its items, {items:,}"
    return f"{items:,} of {f'about {table_items:,}' if table_items > items else 'its'} items"


def _table(table: InferredTable) -> Iterator[_Line]:
    note = f"{table.items:,} item{'' if table.items == 1 else 's'}" if table.when else ""
    yield _Line(f"{table.variable} = Table(", note)
    if table.name:
        yield _Line(f"    {literal(table.name)},")
    yield _Line(f"    key={_one_or_more(table.key)},")
    if table.when:
        told = ", ".join(f"{_path(name)}: {literal(value)}" for name, value in table.when)
        yield _Line(f"    when={{{told}}},")
    yield _Line("    columns={")
    for each in table.fields:
        yield from _field(each)
    yield from _left_out(table)
    yield _Line("    },")
    yield _Line(")")


def _field(found: InferredColumn | InferredRows) -> Iterator[_Line]:
    lines = _rows(found) if isinstance(found, InferredRows) else [_column(found)]
    indent = " " * 8
    for line in lines:
        is_comment = not found.is_held and not line.code.lstrip().startswith("#")
        yield _Line(f"{indent}{'# ' if is_comment else ''}{line.code}", line.note)


def _column(column: InferredColumn) -> _Line:
    told = literal(column.type)
    if column.path is not None:
        told = f"({told}, {literal(path_text(column.path))})"
    note = column.note if column.is_held else f"{column.note}; {column.lacks}"
    return _Line(f"{literal(column.name)}: {told},", note)


def _rows(found: InferredRows) -> Iterator[_Line]:
    name, path = literal(found.name), literal(path_text(found.path))
    at = f"at={_one_or_more(found.at)}" if found.at else ""
    columns = [_column(each) for each in found.columns]
    first = columns[0].code.removesuffix(",")
    short = ", ".join(part for part in (path, f"{{{first}}}", at) if part)
    if len(columns) == 1 and len(name) + len(short) < _WIDTH:
        inner = found.columns[0]
        note = f"{found.note}; {columns[0].note}" if inner.type == "json" else found.note
        yield _Line(f"{name}: rows({short}),", note if inner.is_held else f"{note}; {inner.lacks}")
        return
    yield _Line(f"{name}: rows(", found.note)
    yield _Line(f"    {path},")
    yield _Line("    {")
    for each, line in zip(found.columns, columns, strict=True):
        hidden = "" if each.is_held else "# "
        yield _Line(f"        {hidden}{line.code}", line.note)
    yield _Line("    },")
    if at:
        yield _Line(f"    {at},")
    yield _Line("),")


def _left_out(table: InferredTable) -> Iterator[_Line]:
    if not table.left_out:
        return
    yield _Line(" " * 8 + "# Without a column, for the table would be too wide:")
    for path, times in table.left_out[:_NAMED_LEFT_OUT]:
        yield _Line(f"{' ' * 8}#   {_shortened(path)} in {times:,}")
    others = len(table.left_out) - _NAMED_LEFT_OUT
    if others > 0 or table.further:
        beyond = " or more" if table.further else ""
        yield _Line(f"{' ' * 8}#   and {max(others, 1):,}{beyond} others")


def _path(name: str) -> str:
    return literal(path_text((Attribute(name),)))


def _shortened(path: str) -> str:
    text = literal(path)
    return text if len(text) <= _WIDTH else f"{text[: _WIDTH - 1]}…"


def _one_or_more(names: Sequence[str]) -> str:
    told = [literal(name) for name in names]
    return told[0] if len(told) == 1 else f"({', '.join(told)})"


def _written(lines: Iterable[_Line]) -> str:
    return "\n".join(
        f"{line.code:<{_NOTE_PLACE}}  # {line.note}" if line.note else line.code for line in lines
    )
