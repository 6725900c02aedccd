"""How a row is written: the cells of an item's columns, and the rows inside an item.

A cell is a function from an item to the text of a column in COPY, made once per load. What a column
cannot hold exactly is refused with the column's name.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from dynaurora.errors import ValueRefused
from dynaurora.model.paths import Attribute, Path, levels, rows_at, value_at
from dynaurora.model.types import reader
from dynaurora.plugins.declarations import Column, Rows, When
from dynaurora.plugins.tables import staged_relation
from dynaurora.ports import RelationColumn
from dynaurora.sql.dialect import Dialect

NULL: Final = r"\N"

Image = Mapping[str, Mapping[str, Any]]
Cell = Callable[[Image], str]


class RowsWriter:
    """Makes the rows of one ``staged_<name>``."""

    def __init__(self, dialect: Dialect, name: str, rows: Rows) -> None:
        self.relation = staged_relation(name)
        self._name = name
        self._dialect = dialect
        self._path = rows.path
        self._when = rows.when
        self._kinds = [level.kind for level in levels(rows.path)]
        self._cells = [(n, _inner_cell(dialect, n, c)) for n, c in rows.columns.items()]
        level_types = {"[]": dialect.position_type, "{}": dialect.name_type}
        self.columns = (
            *(
                RelationColumn(at, level_types[kind])
                for at, kind in zip(rows.at, self._kinds, strict=True)
            ),
            *(RelationColumn(n, dialect.sql_type(c.type)) for n, c in rows.columns.items()),
        )

    def rows(self, head: str, key_cells: Sequence[tuple[str, Cell]], image: Image) -> Iterator[str]:
        """The rows that an image has inside it."""
        if self._when is not None and not holds(self._when, image):
            return
        keys = written_cells(key_cells, image)
        try:
            for names, value in rows_at(self._path, {"M": image}):
                cells = [head, *keys, *map(self._level, self._kinds, names)]
                yield "\t".join([*cells, *written_cells(self._cells, value)])
        except ValueRefused as error:
            raise _in_column(self._name, error) from None

    def _level(self, kind: str, name: str) -> str:
        return name if kind == "[]" else self._dialect.encoded_text(name)


def holds(when: When, image: Image) -> bool:
    """Whether an item is one of those that a ``when`` names."""
    for condition in when:
        try:
            value = value_at(condition.path, {"M": image})
        except ValueRefused:
            return False
        if value is None or not _is_wanted(condition.values, condition.prefixes, value):
            return False
    return True


def _is_wanted(
    values: tuple[Any, ...], prefixes: tuple[str, ...], value: Mapping[str, Any]
) -> bool:
    ((tag, content),) = value.items()
    if tag == "S":
        return content in values or content.startswith(prefixes)
    if tag == "BOOL":
        return any(content is wanted for wanted in values)
    if tag == "N":
        return any(
            isinstance(wanted, int) and not isinstance(wanted, bool) and str(wanted) == content
            for wanted in values
        )
    return False


def written_cells(cells: Sequence[tuple[str, Any]], source: Any) -> list[str]:
    """The cells of a row; a refusal names its column."""
    try:
        return [cell(source) for _, cell in cells]
    except ValueRefused:
        # Written again one by one, because keeping the name at hand would cost every row.
        for name, cell in cells:
            try:
                cell(source)
            except ValueRefused as error:
                raise _in_column(name, error) from None
        raise


def _in_column(name: str, error: ValueRefused) -> ValueRefused:
    where = name if error.where in ("value", "path", "number") else f"{name}.{error.where}"
    return ValueRefused(where, error.found, error.expected)


def item_cell(dialect: Dialect, name: str, column: Column) -> Cell:
    """How a column of the item itself is written."""
    steps: Path = column.path if column.path is not None else (Attribute(name),)
    first = steps[0] if steps else None
    if len(steps) != 1 or not isinstance(first, Attribute):
        inner = _inner_cell(dialect, name, column)
        return lambda image: inner({"M": image})
    if column.type.word == "text":
        return _text_cell(first.name, _writer(dialect, column))
    return _attribute_cell(first.name, _writer(dialect, column))


def _attribute_cell(attribute: str, write: Callable[[Mapping[str, Any]], str]) -> Cell:
    def written(image: Image) -> str:
        value = image.get(attribute)
        return NULL if value is None else write(value)

    return written


def _text_cell(attribute: str, write: Callable[[Mapping[str, Any]], str]) -> Cell:
    """Most columns are text, and most text is printable and without a backslash: it stands for
    itself in COPY."""

    def written(image: Image) -> str:
        value = image.get(attribute)
        if value is None:
            return NULL
        text = value.get("S")
        if text is not None and text.isprintable() and "\\" not in text:
            return str(text)
        return write(value)

    return written


def _inner_cell(dialect: Dialect, name: str, column: Column) -> Callable[[Mapping[str, Any]], str]:
    """How a column is written whose path begins at a value, not at an item."""
    steps: Path = column.path if column.path is not None else (Attribute(name),)
    write = _writer(dialect, column)
    keeps_null = column.type.word == "attribute_type"

    def written(value: Mapping[str, Any]) -> str:
        found = value_at(steps, value, keeps_null=keeps_null)
        return NULL if found is None else write(found)

    return written


def _writer(dialect: Dialect, column: Column) -> Callable[[Mapping[str, Any]], str]:
    """How a value is written. NULL, which readers refuse, is looked for only then: it is rare."""
    read = reader(column.type)
    encode = dialect.encoder(column.type)

    def write(value: Mapping[str, Any]) -> str:
        try:
            return read(value) if encode is None else encode(read(value))  # type: ignore[return-value]  # no encoder: a reader of one text
        except ValueRefused:
            if "NULL" in value:
                return NULL
            raise

    return write
