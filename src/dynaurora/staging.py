"""Staging: lines become typed, exact rows of the relations that a plugin's SQL reads.

    lines ─► the newest change per key ─► rows of staged, removed, staged_<rows>, changes
                                     └─► refused (a column cannot hold a value exactly)
          └► unreadable (no change at all)

Everything here is plain data: no database, no S3. Rows are made in the text form of COPY, in which
they are sent as they are. A line that a later one of the same load supersedes leaves no row, except
in ``changes``, which has every version.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from dynaurora.errors import LineUnreadable, PluginError, ValueRefused
from dynaurora.model.events import ObjectName
from dynaurora.model.keys import key_of
from dynaurora.model.lines import Line, decode_line, split_lines
from dynaurora.model.paths import Attribute, Path, levels, rows_at, value_at
from dynaurora.model.types import plain_json_of_image, reader
from dynaurora.model.versions import Stream, sequence_digits, stream_of
from dynaurora.plugins.contract import Plugin
from dynaurora.plugins.declarations import KEY_TAGS, Column, Rows, When
from dynaurora.plugins.tables import staged_relation
from dynaurora.sql.dialect import Dialect, RelationColumn

BLOCK_ROWS: Final = 2_000
"""Rows that are sent to the database at once: about a megabyte."""

_NULL: Final = r"\N"
_EPOCH_START: Final = datetime(1970, 1, 1, tzinfo=UTC)

Image = Mapping[str, Mapping[str, Any]]
Cell = Callable[[Image], str]
Epochs = Callable[[Stream], int]
"""The epoch of a stream that may feed the table; raises ``StreamNotAccepted`` for another."""


@dataclass(frozen=True, slots=True)
class Relation:
    """A relation and its rows, ready for COPY."""

    name: str
    columns: tuple[RelationColumn, ...]
    rows: Sequence[str]

    def blocks(self) -> Iterator[bytes]:
        """The rows in pieces of a size that is good to send."""
        for start in range(0, len(self.rows), BLOCK_ROWS):
            yield ("\n".join(self.rows[start : start + BLOCK_ROWS]) + "\n").encode()


@dataclass(frozen=True, slots=True)
class Refused:
    """A change that a column cannot hold exactly. ``message`` never holds the value."""

    key: bytes
    version: str
    changed_at: str
    is_gone: bool
    message: str
    object: ObjectName
    line: bytes


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A line that is no change of this table."""

    message: str
    object: ObjectName
    line: bytes


@dataclass(slots=True)
class _Newest:
    """The newest change of a key that the load has seen so far.

    children: the number of a relation of rows, and a row of it.
    """

    version: str
    row: str = ""
    is_gone: bool = False
    children: Sequence[tuple[int, str]] = ()
    refused: Refused | None = None


class Staging:
    """Collects the lines of one load of one table.

    plugin, dialect: what to stage, and how the engine writes it.
    epochs: says whether a stream may feed the table, and at which epoch.
    """

    def __init__(self, plugin: Plugin, dialect: Dialect, epochs: Epochs) -> None:
        self._plugin = plugin
        self._dialect = dialect
        self._epochs = epochs
        self._prefixes: dict[str, str] = {}
        self._times: dict[int, str] = {}
        self._newest: dict[bytes, _Newest] = {}
        self._changes: dict[tuple[bytes, str], str] = {}
        self._key_attributes = key_attributes(plugin).keys()
        self._key_cells = [(n, _cell(dialect, n, plugin.columns[n])) for n in plugin.key]
        self._cells = [(n, _cell(dialect, n, c)) for n, c in plugin.columns.items() if not c.sql]
        self._rows = [_RowsMaker(dialect, n, rows) for n, rows in plugin.rows.items()]
        self._has_item = plugin.names("_item")
        self._has_changes = plugin.names("changes")
        self.unreadable: list[Unreadable] = []
        self.lines = 0
        self.superseded = 0

    @property
    def keys(self) -> int:
        """How many keys the load touches."""
        return len(self._newest)

    @property
    def refused(self) -> list[Refused]:
        """The newest changes of their keys that no row could be made of."""
        return [newest.refused for newest in self._newest.values() if newest.refused]

    def add(self, name: ObjectName, data: bytes) -> None:
        """Stage the lines of an object. data: its content, unpacked."""
        for text in split_lines(data):
            self.lines += 1
            try:
                self._add(text, name)
            except LineUnreadable as error:
                self.unreadable.append(Unreadable(_storable(str(error)), name, text))

    def relations(self) -> list[Relation]:
        """``staged`` and ``removed`` always, the others where a statement names them."""
        kept = [newest for newest in self._newest.values() if not newest.refused]
        puts = [newest for newest in kept if not newest.is_gone]
        found = [
            Relation("staged", self._staged_columns(), [newest.row for newest in puts]),
            Relation("removed", self._removed_columns(), [n.row for n in kept if n.is_gone]),
        ]
        for number, maker in enumerate(self._rows):
            children = [row for n in puts for place, row in n.children if place == number]
            found.append(Relation(maker.relation, self._rows_columns(maker), children))
        if self._has_changes:
            columns = (*self._staged_columns(), *self._mark_columns())
            found.append(Relation("changes", columns, list(self._changes.values())))
        return found

    def newest_version(self, key: bytes) -> str:
        """The version of the newest change of a key."""
        return self._newest[key].version

    def versions(self, key: bytes) -> list[str]:
        """The versions of a key that are in ``changes``, the oldest first."""
        return sorted(version for found, version in self._changes if found == key)

    def find(
        self,
        keys: Collection[bytes],
        objects: Iterable[tuple[ObjectName, bytes]],
    ) -> dict[bytes, tuple[str, ObjectName, bytes]]:
        """The version, object and line of the newest change of each key.

        Lines are read again for this, because keeping all of them would double the memory of a
        load for the sake of the few that the database refuses.
        """
        found: dict[bytes, tuple[str, ObjectName, bytes]] = {}
        for name, data in objects:
            for text in split_lines(data):
                try:
                    line = decode_line(text)
                    key = key_of(line["keys"])
                    if key not in keys:
                        continue
                    version = self._prefix(line) + sequence_digits(line["seq"])
                except LineUnreadable:
                    continue
                if version == self._newest[key].version:
                    found[key] = (version, name, text)
        return found

    def _add(self, text: bytes, name: ObjectName) -> None:
        line = decode_line(text)
        key = key_of(line["keys"])
        version = self._prefix(line) + sequence_digits(line["seq"])
        if line["keys"].keys() != self._key_attributes:
            raise LineUnreadable("keys", "other attributes than the table's key", "the table's key")
        known = self._newest.get(key)
        if known is None or version > known.version:
            self._newest[key] = self._made(line, key, version, text, name)
        elif self._has_changes and version < known.version:
            self._made(line, key, version, text, name)
        if known is not None:
            self.superseded += 1

    def _made(self, line: Line, key: bytes, version: str, text: bytes, name: ObjectName) -> _Newest:
        changed_at = self._time(line["at"])
        head = f"{self._dialect.encoded_key(key)}\t{version}\t{changed_at}"
        is_gone = line["op"] == "REMOVE"
        try:
            if is_gone:
                return self._removal(line, key, version, head)
            return self._put(line, key, version, head)
        except ValueRefused as error:
            message = _storable(str(error))
        except (AttributeError, KeyError, RecursionError, TypeError, ValueError) as error:
            message = f"image: it is no DynamoDB JSON ({type(error).__name__})"
        refused = Refused(key, version, changed_at, is_gone, message, name, text)
        return _Newest(version, is_gone=is_gone, refused=refused)

    def _put(self, line: Line, key: bytes, version: str, head: str) -> _Newest:
        image = line["new"]
        cells = [head, *_written(self._cells, image)]
        if self._has_item:
            cells.append(self._item(image))
        row = "\t".join(cells)
        children = self._children(head, image) if self._rows else ()
        if self._has_changes:
            self._changes[key, version] = f"{row}\tfalse\tfalse"
        return _Newest(version, row, children=children)

    def _children(self, head: str, image: Image) -> list[tuple[int, str]]:
        return [
            (number, row)
            for number, maker in enumerate(self._rows)
            for row in maker.rows(head, self._key_cells, image)
        ]

    def _removal(self, line: Line, key: bytes, version: str, head: str) -> _Newest:
        keys = _written(self._key_cells, line["keys"])
        expired = "true" if line.get("ttl") else "false"
        if self._has_changes:
            values = dict(zip(self._plugin.key, keys, strict=True))
            cells = [values.get(column, _NULL) for column, _ in self._cells]
            item = [_NULL] if self._has_item else []
            self._changes[key, version] = "\t".join([head, *cells, *item, "true", expired])
        return _Newest(version, "\t".join([head, *keys, expired]), is_gone=True)

    def _item(self, image: Image) -> str:
        return self._dialect.encoded_json(plain_json_of_image(image).decode())

    def _prefix(self, line: Line) -> str:
        arn = line["stream"]
        prefix = self._prefixes.get(arn)
        if prefix is None:
            stream = stream_of(arn)
            if stream.table != self._plugin.table:
                raise LineUnreadable(
                    "stream", f'it is one of table "{stream.table}"', f'"{self._plugin.table}"'
                )
            check_key(self._plugin, line["keys"])
            prefix = self._prefixes[arn] = stream.version_prefix(self._epochs(stream))
        if line["table"] != self._plugin.table:
            raise LineUnreadable(
                "table", f'it names "{line["table"][:255]}"', f'"{self._plugin.table}"'
            )
        return prefix

    def _time(self, at: int) -> str:
        found = self._times.get(at)
        if found is None:
            try:
                moment = _EPOCH_START + timedelta(seconds=at)
            except OverflowError:
                raise LineUnreadable("at", "it is no time", "seconds since 1970") from None
            found = self._times[at] = moment.isoformat(" ")
        return found

    def _head_columns(self) -> tuple[RelationColumn, ...]:
        dialect = self._dialect
        return (
            RelationColumn("_key", dialect.key_type),
            RelationColumn("_version", dialect.version_type),
            RelationColumn("_changed_at", dialect.time_type),
        )

    def _columns(self, names: Sequence[str]) -> tuple[RelationColumn, ...]:
        columns = self._plugin.columns
        return tuple(RelationColumn(n, self._dialect.sql_type(columns[n].type)) for n in names)

    def _staged_columns(self) -> tuple[RelationColumn, ...]:
        item = (RelationColumn("_item", self._dialect.item_type),) if self._has_item else ()
        return (*self._head_columns(), *self._columns([name for name, _ in self._cells]), *item)

    def _removed_columns(self) -> tuple[RelationColumn, ...]:
        expired = RelationColumn("_expired", self._dialect.boolean_type)
        return (*self._head_columns(), *self._columns(self._plugin.key), expired)

    def _mark_columns(self) -> tuple[RelationColumn, ...]:
        kind = self._dialect.boolean_type
        return (RelationColumn("_deleted", kind), RelationColumn("_expired", kind))

    def _rows_columns(self, maker: "_RowsMaker") -> tuple[RelationColumn, ...]:
        return (*self._head_columns(), *self._columns(self._plugin.key), *maker.columns)


def refused_relation(refused: Sequence[Refused], dialect: Dialect) -> Relation:
    """The refused changes as rows of ``_refused``, which the dialect's ``.sql`` file makes."""
    names = ("_key", "_version", "_changed_at", "_gone", "message", "bucket", "object", "line")
    rows = [
        "\t".join(
            [
                dialect.encoded_key(found.key),
                found.version,
                found.changed_at,
                "true" if found.is_gone else "false",
                dialect.encoded_text(found.message),
                dialect.encoded_text(found.object.bucket),
                dialect.encoded_text(found.object.key),
                dialect.encoded_bytes(found.line),
            ]
        )
        for found in refused
    ]
    return Relation("_refused", tuple(RelationColumn(name, "") for name in names), rows)


class _RowsMaker:
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
        keys = _written(key_cells, image)
        try:
            for names, value in rows_at(self._path, {"M": image}):
                cells = [head, *keys, *map(self._level, self._kinds, names)]
                yield "\t".join([*cells, *_written(self._cells, value)])
        except ValueRefused as error:
            raise _in_column(self._name, error) from None

    def _level(self, kind: str, name: str) -> str:
        return name if kind == "[]" else self._dialect.encoded_text(name)


def key_attributes(plugin: Plugin) -> dict[str, str]:
    """The key columns by the key attributes that they hold."""
    found = {}
    for name in plugin.key:
        steps = plugin.columns[name].path or (Attribute(name),)
        first = steps[0]
        assert isinstance(first, Attribute)  # noqa: S101 - a rule of every plugin's key
        found[first.name] = name
    return found


def check_key(plugin: Plugin, keys: Mapping[str, Mapping[str, Any]]) -> None:
    """Whether a plugin's key tells the keys of its table apart; looked at once per stream.

    Raises ``PluginError``: a key that leaves out the sort key, or a number made of texts, would
    make one row of two items.
    """
    columns = key_attributes(plugin)
    if keys.keys() != columns.keys():
        raise PluginError(
            str(plugin.path),
            f"its key columns hold {sorted(columns)}",
            f"the key of table {plugin.table}, {sorted(keys)}",
            "Correct `key`: it names the columns of the partition key and of the sort key.",
        )
    for attribute, column in columns.items():
        word = plugin.columns[column].type.word
        tag = next(iter(keys[attribute]))
        if tag not in KEY_TAGS[word]:
            raise PluginError(
                str(plugin.path),
                f'its key column "{column}" is {word}, and the key attribute is of type {tag}',
                f"a type that keeps such keys apart: {', '.join(_words_for(tag))}",
                "Correct the column's type.",
            )


def _words_for(tag: str) -> list[str]:
    return [word for word, tags in KEY_TAGS.items() if tag in tags]


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


def _written(cells: Sequence[tuple[str, Any]], source: Any) -> list[str]:
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


def _storable(message: str) -> str:
    """What a message quotes of a line may be what no database can hold."""
    return message.encode(errors="backslashreplace").decode().replace("\0", "\\x00")


def _in_column(name: str, error: ValueRefused) -> ValueRefused:
    where = name if error.where in ("value", "path", "number") else f"{name}.{error.where}"
    return ValueRefused(where, error.found, error.expected)


def _cell(dialect: Dialect, name: str, column: Column) -> Cell:
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
        return _NULL if value is None else write(value)

    return written


def _text_cell(attribute: str, write: Callable[[Mapping[str, Any]], str]) -> Cell:
    """Most columns are text, and most text is printable and without a backslash: it stands for
    itself in COPY."""

    def written(image: Image) -> str:
        value = image.get(attribute)
        if value is None:
            return _NULL
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
        return _NULL if found is None else write(found)

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
                return _NULL
            raise

    return write
