"""Where something stands in a plugin's file: ``file:line:column`` of what a message is about.

Imported only when there is something to say: a file that is right is never parsed here.
"""

import ast
import io
import re
import tokenize
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Final

from dynaurora.plugins.rules import Written

_NAME_IN_PLACE: Final = re.compile(r'\["((?:[^"]|"(?!\]))*)"\]')

Place = tuple[int, int]
"""A line and a column, both from 1."""


def where(path: Path, *place: int) -> str:
    """``file:line:column``, as far as it is known."""
    return ":".join(str(part) for part in (path, *place))


def raised_at(path: Path, traceback: TracebackType | None) -> tuple[int, ...]:
    """The line and column of the plugin's own code that an exception came through last."""
    found: tuple[int, ...] = ()
    while traceback is not None:
        code = traceback.tb_frame.f_code
        if code.co_filename == str(path):
            positions = islice(code.co_positions(), traceback.tb_lasti // 2, None)
            line, _, column, _ = next(positions, (None, None, None, None))
            found = (traceback.tb_lineno,)
            if line == traceback.tb_lineno and column is not None:
                found = (line, column + 1)
        traceback = traceback.tb_next
    return found


class Source:
    """A plugin's source, parsed."""

    def __init__(self, data: bytes) -> None:
        self._tree = ast.parse(data)
        self._lines = _LINE_END.split(data.decode("utf-8-sig", errors="replace"))
        self._text = "\n".join(self._lines)

    def declared(self, place: str, call: tuple[int, ...] = ()) -> tuple[str, tuple[int, ...]]:
        """The whole name of a place such as ``["sku"]``, and its line and column.

        call: where the call stands that refused it; empty if no call did.
        """
        node = self._call_at(call)
        prefix = self._prefix(node) if node and not place.startswith("columns") else ""
        whole = f"{prefix} {place}".strip().replace("] [", "][")
        names = _NAME_IN_PLACE.findall(place)
        word = place.partition("[")[0]
        for candidate in self._candidates(node, word):
            found = self._inside(candidate, names)
            if found is not None:
                return whole, self._at(found)
        return whole, call if node is None else self._at(node)

    def declarations(self, place: str) -> list[tuple[int, ...]]:
        """Every line and column at which something of this place is declared."""
        names = _NAME_IN_PLACE.findall(place)
        candidates = self._candidates(None, place.partition("[")[0])
        found = (self._inside(candidate, names) for candidate in candidates)
        return sorted({self._at(node) for node in found if node is not None})

    def written(self, written: Written, offset: int) -> tuple[int, ...]:
        """The line and column of a character of a statement."""
        node = self._statement(written)
        if node is None:
            assigned = self._assigned(written.list)
            return () if assigned is None else self._at(assigned)
        return self._place_in(node, offset)

    def _place_in(self, node: ast.expr, offset: int) -> Place:
        for text in self._texts(node):
            if text is None:
                break
            if offset < len(text.value):
                return text.place_of(offset)
            offset -= len(text.value)
        return self._at(node)

    def _at(self, node: ast.expr) -> Place:
        """In characters: ``ast`` counts bytes."""
        line = self._lines[node.lineno - 1].encode()
        before = line[: node.col_offset].decode(errors="replace")
        return node.lineno, len(before) + 1

    def table_or_rows(self, name: str) -> tuple[int, ...]:
        """The line and column of the ``Table("name", …)``, or of the rows of this name."""
        for node in ast.walk(self._tree):
            if isinstance(node, ast.Call):
                named = [kw.value for kw in node.keywords if kw.arg == "name"]
                for value in (*node.args[:1], *named):
                    if isinstance(value, ast.Constant) and value.value == name:
                        return self._at(node)
        return self.declared(f'columns["{name}"]')[1]

    def named(self, name: str) -> tuple[int, ...]:
        """The line and column of what the file says a name is."""
        assigned = self._assigned(name)
        return () if assigned is None else self._at(assigned)

    def expression(self, statement: str, offset: int) -> tuple[int, ...]:
        """The line and column of a character of a statement that a declaration stands for: in the
        ``sql=…`` that it came from, if it did."""
        for node in self._expressions():
            pieces = list(self._texts(node))
            text = "".join(piece.value for piece in pieces if piece is not None)
            start = statement.rfind(text, 0, offset + len(text)) if text else -1
            if start >= 0 and start <= offset < start + len(text):
                return self._place_in(node, offset - start)
        return ()

    def _expressions(self) -> Iterator[ast.expr]:
        for call in (node for node in ast.walk(self._tree) if isinstance(node, ast.Call)):
            for value in (keyword.value for keyword in call.keywords if keyword.arg == "sql"):
                yield value
                yield from (text for _, text in self._entries(value))

    def _call_at(self, place: tuple[int, ...]) -> ast.Call | None:
        if len(place) < 2:
            return None
        for node in ast.walk(self._tree):
            if isinstance(node, ast.Call) and (node.lineno, node.col_offset + 1) == place:
                return node
        return None

    def _prefix(self, call: ast.Call) -> str:
        """``columns["lines"]`` for the call that stands there."""
        for node in ast.walk(self._tree):
            if isinstance(node, ast.Dict):
                for key, value in zip(node.keys, node.values, strict=True):
                    if value is call and isinstance(key, ast.Constant):
                        return f'columns["{key.value!s}"]'
        return ""

    def _candidates(self, call: ast.Call | None, word: str) -> Iterator[ast.expr]:
        """What may be the declaration that a place begins at."""
        calls = [call] if call else [n for n in ast.walk(self._tree) if isinstance(n, ast.Call)]
        for node in calls:
            yield from (keyword.value for keyword in node.keywords if keyword.arg == word)
            if not word:
                yield from (found for found in node.args if isinstance(found, ast.Dict))
                yield from (kw.value for kw in node.keywords if kw.arg == "columns")
        assigned = self._assigned(word)
        if assigned is not None and call is None:
            yield assigned

    def _inside(self, node: ast.expr, names: Sequence[str]) -> ast.expr | None:
        """The key in a (nested) dict, or the node itself where no name is asked for."""
        if not names:
            return node
        name, *rest = names
        for key, value in self._entries(node):
            if key.value == name:
                return self._inside(_columns_of(value), rest) if rest else key
        return None

    def _entries(self, node: ast.expr) -> Iterator[tuple[ast.Constant, ast.expr]]:
        """The entries of a dict, also of one that is spread into it under its name."""
        node = self._resolved(node)
        if isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                if key is None:
                    yield from self._entries(value)
                elif isinstance(key, ast.Constant):
                    yield key, value

    def _statement(self, written: Written) -> ast.expr | None:
        listed = self._assigned(written.list)
        node: ast.expr | None = None
        if isinstance(written.at, int) and isinstance(listed, ast.List | ast.Tuple):
            node = listed.elts[written.at] if written.at < len(listed.elts) else None
        elif isinstance(written.at, str) and listed is not None:
            node = dict(_by_name(self._entries(listed))).get(written.at)
        if node is None:
            return None
        node = self._resolved(node)
        if written.engines is not None:
            node = dict(_by_name(self._entries(node))).get(written.engine)
        return node

    def _texts(self, node: ast.expr) -> Iterator["_Text | None"]:
        """The pieces of a text that is written as literals, sums of them, or names of them.

        None stands for a piece that is made otherwise: how long it is, only Python knows.
        """
        node = self._resolved(node)
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from _literals(self._text, node, self._at(node))
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            yield from self._texts(node.left)
            yield from self._texts(node.right)
        else:
            yield None

    def _resolved(self, node: ast.expr) -> ast.expr:
        seen = 0
        while isinstance(node, ast.Name) and seen < _LONGEST_CHAIN:
            assigned = self._assigned(node.id)
            if assigned is None:
                return node
            node, seen = assigned, seen + 1
        return node

    def _assigned(self, name: str) -> ast.expr | None:
        """What the module says a name is, the last time that it says so."""
        found = None
        for node in self._tree.body:
            if isinstance(node, ast.Assign):
                if any(isinstance(t, ast.Name) and t.id == name for t in node.targets):
                    found = node.value
            elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                found = node.value if node.target.id == name else found
        return found


_LONGEST_CHAIN: Final = 20


class _Text:
    """One string literal: its value, and where each character of it stands."""

    def __init__(self, literal: str, line: int, column: int) -> None:
        self.value: str = ast.literal_eval(literal)
        self._literal = literal
        self._line = line
        self._column = column

    def place_of(self, offset: int) -> Place:
        """The place of a character."""
        before = self._literal[: self._start_of(offset)]
        lines = before.count("\n")
        if not lines:
            return self._line, self._column + len(before)
        return self._line + lines, len(before) - before.rindex("\n")

    def _start_of(self, offset: int) -> int:
        """Where in the literal a character of its value begins: an escape is several characters."""
        opening = _OPENING.match(self._literal)
        assert opening is not None  # noqa: S101 - Python has taken it for a literal
        at = opening.end()
        if "r" in opening[0].lower():
            return at + offset
        for unit in _UNIT.finditer(self._literal, at):
            if unit[0] == _CONTINUED:
                continue
            if not offset:
                return unit.start()
            offset -= 1
        return at


_CONTINUED: Final = "\\\n"
"""A line that goes on in the next: no character at all."""

_LINE_END: Final = re.compile(r"\r\n|\r|\n")
_OPENING: Final = re.compile(r"[A-Za-z]*(?:\"{3}|'{3}|\"|')")
_UNIT: Final = re.compile(
    r"""\\(?:\n|[\\'"abfnrtv]|[0-7]{1,3}|x[0-9a-fA-F]{2}|N\{[^}]*\}|u[0-9a-fA-F]{4}"""
    r"""|U[0-9a-fA-F]{8})|.""",
    re.DOTALL,
)
"""A character of a literal, or its escape.
https://docs.python.org/3/reference/lexical_analysis.html#escape-sequences"""


def _literals(source: str, node: ast.Constant, at: Place) -> Iterator[_Text]:
    """The literals that stand side by side in one constant, which begins at this place."""
    segment = ast.get_source_segment(source, node) or "''"
    text = f"({segment})"  # in brackets, so that lines may go on
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.STRING:
            row, column = token.start
            first = at[1] - 1 if row == 1 else 1
            yield _Text(token.string, node.lineno + row - 1, column + first)


def _by_name(
    entries: Iterator[tuple[ast.Constant, ast.expr]],
) -> Iterator[tuple[object, ast.expr]]:
    return ((key.value, value) for key, value in entries)


def _columns_of(node: ast.expr) -> ast.expr:
    """What ``rows(path, {...})`` declares; any other node itself."""
    if not isinstance(node, ast.Call):
        return node
    named = [keyword.value for keyword in node.keywords if keyword.arg == "columns"]
    return (named or node.args[1:2] or [node])[0]
