"""Where something stands in a plugin's file: ``file:line:column`` of what a message is about.

Imported only when there is something to say: a file that is right is never parsed here.
"""

import ast
import re
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from traceback import walk_tb
from types import TracebackType
from typing import Final

_IN_PLACE: Final = re.compile(r'\["((?:[^"]|"(?!\]))*)"\]')


def where(path: Path, line: int | None = None, column: int | None = None) -> str:
    """``file:line:column``, as far as it is known."""
    return ":".join(str(part) for part in (path, line, column) if part is not None)


def raised_at(path: Path, traceback: TracebackType | None) -> tuple[int, int | None] | None:
    """The line and column of the plugin's own code that an exception came through last."""
    found = None
    for frame, line in walk_tb(traceback):
        if frame.f_code.co_filename == str(path):
            found = frame, line
    if found is None:
        return None
    last = _last_instruction(traceback, path)
    return found[1], last


def declared_at(source: bytes, place: str, line: int | None = None) -> tuple[int, int] | None:
    """The line and column of a place such as ``columns["lines"]["sku"]`` in a plugin's source.

    line: of the call that raised; only a declaration that covers it is looked into.
    """
    tree = ast.parse(source)
    names = _IN_PLACE.findall(place)
    word = place.partition("[")[0]
    for node in _candidates(tree, word, line):
        found = _inside(tree, node, names)
        if found is not None:
            return found.lineno, found.col_offset + 1
    return None


def _last_instruction(traceback: TracebackType | None, path: Path) -> int | None:
    column = None
    while traceback is not None:
        code = traceback.tb_frame.f_code
        if code.co_filename == str(path):
            positions = islice(code.co_positions(), traceback.tb_lasti // 2, None)
            start = next(positions, (None, None, None, None))[2]
            column = None if start is None else start + 1
        traceback = traceback.tb_next
    return column


def _candidates(tree: ast.Module, word: str, line: int | None) -> Iterator[ast.expr]:
    """What may be the declaration, the innermost first."""
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and _covers(node, line)]
    for call in sorted(calls, key=lambda node: (-node.lineno, -node.col_offset)):
        yield from (keyword.value for keyword in call.keywords if keyword.arg == word)
        if not word:
            yield from (found for found in call.args if isinstance(found, ast.Dict))
            yield from (keyword.value for keyword in call.keywords if keyword.arg == "columns")
    assigned = _assigned(tree, word)
    if assigned is not None:
        yield assigned


def _covers(node: ast.expr, line: int | None) -> bool:
    return line is None or node.lineno <= line <= (node.end_lineno or node.lineno)


def _inside(tree: ast.Module, node: ast.expr, names: Sequence[str]) -> ast.expr | None:
    """The key of a (nested) dict, or the node itself where no name is asked for."""
    if not names:
        return node
    name, *rest = names
    for key, value in _entries(tree, node):
        if key.value == name:
            return _inside(tree, _columns_of(value), rest) if rest else key
    return None


def _columns_of(node: ast.expr) -> ast.expr:
    """What ``rows(path, {...})`` declares; any other node itself."""
    if not isinstance(node, ast.Call):
        return node
    named = [keyword.value for keyword in node.keywords if keyword.arg == "columns"]
    return (named or node.args[1:2] or [node])[0]


def _entries(tree: ast.Module, node: ast.expr) -> Iterator[tuple[ast.Constant, ast.expr]]:
    """The entries of a dict, also of one that is spread into it under its name."""
    if isinstance(node, ast.Name):
        assigned = _assigned(tree, node.id)
        if assigned is not None and not isinstance(assigned, ast.Name):
            yield from _entries(tree, assigned)
    elif isinstance(node, ast.Dict):
        for key, value in zip(node.keys, node.values, strict=True):
            if key is None:
                yield from _entries(tree, value)
            elif isinstance(key, ast.Constant):
                yield key, value


def _assigned(tree: ast.Module, name: str) -> ast.expr | None:
    """What a module says a name is, the last time that it says so."""
    found = None
    for node in tree.body:
        if isinstance(node, ast.Assign):
            if any(isinstance(target, ast.Name) and target.id == name for target in node.targets):
                found = node.value
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found = node.value if node.target.id == name else found
    return found
