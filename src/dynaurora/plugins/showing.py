"""Showing: a plugin in the hand-written form that its declarations stand for.

The text is a plugin itself: pasted in the place of the file it stages the same and runs the same
statements. What only a ``Table`` has is told in its first lines.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from textwrap import dedent, indent
from typing import Final

from dynaurora.model.paths import Attribute, path_text
from dynaurora.plugins.contract import Plugin
from dynaurora.plugins.declarations import Column, Condition, Rows

LISTS: Final = ("create", "insert", "select", "drop")

_WIDTH: Final = 100
_INDENT: Final = 4 * " "
_QUOTES: Final = '"""'
_ESCAPED: Final = r"\"\"\""

_Laid = str | tuple[str, Sequence["_Laid"], str]
"""A piece of Python: a text, or what opens, the parts, and what closes."""


def shown(plugin: Plugin) -> str:
    """The whole plugin as a file."""
    lines = [*_told(plugin), ""]
    if plugin.rows:
        lines += ["from dynaurora import rows", ""]
    key = plugin.key if len(plugin.key) > 1 else plugin.key[0]
    lines += [f"key = {_literal(key)}", "", f"columns = {_in_lines(_columns(plugin))}"]
    for name in LISTS:
        lines += ["", shown_list(plugin, name)]
    return "\n".join(lines) + "\n"


def shown_list(plugin: Plugin, name: str) -> str:
    """One of its lists."""
    if name == "select":
        queries = (f"{_text(n)}: {_statement(s, 2)}" for n, s in plugin.select.items())
        return f"select_table_queries = {_each_on_its_line('{', queries, '}')}"
    statements = (_statement(statement, 1) for statement in statements_of(plugin)[name])
    return f"{name}_table_queries = {_each_on_its_line('[', statements, ']')}"


def statements_of(plugin: Plugin) -> Mapping[str, Sequence[str]]:
    """Its lists of statements by name."""
    return {"create": plugin.create, "insert": plugin.insert, "drop": plugin.drop}


def columns_of(plugin: Plugin) -> Mapping[str, str]:
    """What is staged, by name, each in the grammar of a plugin."""
    return {
        **{name: _in_line(_column(name, found)) for name, found in plugin.columns.items()},
        **{name: _in_line(_rows(found)) for name, found in plugin.rows.items()},
    }


def _told(plugin: Plugin) -> Iterator[str]:
    yield f"# What {plugin.path.name} stands for on {plugin.engine}."
    if plugin.is_row_wise:
        yield "# By hand it is loaded one load at a time; declared, by several side by side."
    for name in plugin.tables:
        if plugin.names(f"replaced_{name}"):
            yield f"# It reads replaced_{name}, which only a Table has: keep the Table above."


# --- columns --------------------------------------------------------------------------------------


def _columns(plugin: Plugin) -> _Laid:
    flat = [_named(name, _column(name, found)) for name, found in plugin.columns.items()]
    inside = [_named(name, _rows(found)) for name, found in plugin.rows.items()]
    return ("{", [*flat, *inside], "}")


def _column(name: str, found: Column) -> _Laid:
    kind = _text(str(found.type))
    if found.path in (None, (Attribute(name),)):
        return kind
    return f"({kind}, {_text(path_text(found.path or ()))})"


def _rows(found: Rows) -> _Laid:
    columns = [_named(name, _column(name, inner)) for name, inner in found.columns.items()]
    parts: list[_Laid] = [_text(path_text(found.path)), ("{", columns, "}")]
    if found.at:
        parts.append(f"at={_literal(found.at if len(found.at) > 1 else found.at[0])}")
    if found.when:
        parts.append(("when={", [*map(_condition, found.when)], "}"))
    return ("rows(", parts, ")")


def _condition(found: Condition) -> _Laid:
    wanted = (*found.values, *(f"{prefix}*" for prefix in found.prefixes))
    literal = _literal(wanted[0] if len(wanted) == 1 else wanted)
    return f"{_text(path_text(found.path))}: {literal}"


def _named(name: str, value: _Laid) -> _Laid:
    if isinstance(value, str):
        return f"{_text(name)}: {value}"
    opening, parts, closing = value
    return (f"{_text(name)}: {opening}", parts, closing)


# --- the layout -----------------------------------------------------------------------------------


def _in_line(piece: _Laid) -> str:
    if isinstance(piece, str):
        return piece
    opening, parts, closing = piece
    return opening + ", ".join(map(_in_line, parts)) + closing


def _in_lines(piece: _Laid, depth: int = 0) -> str:
    """In one line where there is room and it is not the outermost, else each part in its own."""
    line = _in_line(piece)
    if isinstance(piece, str) or (depth and len(line) + depth * len(_INDENT) < _WIDTH):
        return line
    opening, parts, closing = piece
    return opening + _lines((_in_lines(part, depth + 1) for part in parts), closing, depth)


def _each_on_its_line(opening: str, parts: Iterator[str], closing: str) -> str:
    return opening + _lines(parts, closing, 0)


def _lines(parts: Iterator[str], closing: str, depth: int) -> str:
    lines = [f"\n{_INDENT * (depth + 1)}{part}," for part in parts]
    return "".join([*lines, f"\n{_INDENT * depth}" if lines else "", closing])


def _statement(statement: str, depth: int) -> str:
    """A statement as a literal: laid out anew where no text of its own goes over several lines."""
    line = statement.strip()
    if "\n" not in line and len(line) < _WIDTH - 2 * len(_INDENT):
        return _text(line)
    if "\\" not in statement and _can_be_indented(statement):
        inside = indent(dedent(statement).strip(), _INDENT * depth)
        return f"{_QUOTES}\n{inside.replace(_QUOTES, _ESCAPED)}\n{_INDENT}{_QUOTES}"
    if "\\" in statement or _QUOTES in statement or statement.endswith('"'):
        return _text(statement)
    return f"{_QUOTES}{statement}{_QUOTES}"


def _can_be_indented(statement: str) -> bool:
    """Whether no line of it ends inside quotes; what may be is taken for it."""
    lines = statement.split("\n")
    starts = ["\n".join(lines[: number + 1]) for number in range(len(lines) - 1)]
    has_quotes = any(start.count(mark) % 2 for start in starts for mark in "'\"`")
    return not has_quotes and "$$" not in statement


def _literal(value: object) -> str:
    if isinstance(value, tuple):
        return f"({', '.join(map(_literal, value))})"
    return _text(value) if isinstance(value, str) else repr(value)


def _text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
