"""The inferred plugin as data: its tables, their columns and rows, each with its evidence."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from dynaurora.inference.entities import Condition, Entity, entities
from dynaurora.inference.evidence import Attributes
from dynaurora.inference.fields import (
    ColumnDraft,
    Draft,
    RowsDraft,
    drafts,
    key_draft,
    longest_bytes,
)
from dynaurora.inference.limits import Limits
from dynaurora.inference.naming import (
    Names,
    column_name,
    rows_name,
    table_name,
    variable_name,
)
from dynaurora.model.names import shortened_sql_name, sql_name
from dynaurora.model.paths import Attribute, Path, levels, path_text
from dynaurora.sql.engines import Engine

Image = Mapping[str, Mapping[str, Any]]

MANY_COLUMNS: Final = 100
"""With more, those that few items have are left out."""

_RARE: Final = 20
"""One item in so many."""


@dataclass(frozen=True, slots=True)
class InferredColumn:
    """A column. path: None where it is the attribute of the column's name.

    lacks: what the engine does not hold of what was seen; "" where it holds all.
    """

    name: str
    type: str
    path: Path | None
    note: str
    lacks: str = ""

    @property
    def is_held(self) -> bool:
        """Whether the engine holds all that was seen."""
        return not self.lacks


@dataclass(frozen=True, slots=True)
class InferredRows:
    """Rows inside an item. at: None where the levels are called as they are by themselves."""

    name: str
    path: Path
    columns: tuple[InferredColumn, ...]
    at: tuple[str, ...] | None
    note: str

    @property
    def is_held(self) -> bool:
        """Whether there is anything to hold."""
        return any(column.is_held for column in self.columns)


@dataclass(frozen=True, slots=True)
class InferredTable:
    """One Table of the plugin.

    variable: what it is called in the file. name: "" where it has the name that it has by itself.
    left_out: attributes without a column, and how many items have them. further: how often others
    came, of which there are too many to name.
    """

    variable: str
    name: str
    key: tuple[str, ...]
    when: Condition
    fields: tuple[InferredColumn | InferredRows, ...]
    items: int
    left_out: tuple[tuple[str, int], ...]
    further: int


@dataclass(frozen=True, slots=True)
class InferredPlugin:
    """The plugin of a DynamoDB table, inferred from so many of its items."""

    table: str
    items: int
    tables: tuple[InferredTable, ...]


def infer(
    table: str, key: Mapping[str, str], images: Sequence[Image], engine: Engine
) -> InferredPlugin:
    """Infer the plugin of a table, whose rows are to be held by an engine.

    key: the key attributes and their types (S, N or B), partition key first.
    """
    limits = Limits.of(engine)
    found = entities(images, key)
    names = _sql_names(table, found)
    made = set(names)
    return InferredPlugin(
        table,
        len(images),
        tuple(
            _table(limits, table, entity, name, key, made)
            for entity, name in zip(found, names, strict=True)
        ),
    )


def _sql_names(table: str, found: Sequence[Entity]) -> list[str]:
    own = _own_name(table)
    if not found[0].when:
        return [own]
    names = Names()
    return [
        names.give(shortened_sql_name(f"{own}_{sql_name(each.name)}"), unique=str(each.when))
        for each in found
    ]


def _own_name(table: str) -> str:
    return table_name(table) or sql_name(table)


def _table(
    limits: Limits, table: str, entity: Entity, name: str, key: Mapping[str, str], made: set[str]
) -> InferredTable:
    """made: the SQL tables of the plugin so far; those of this table are added."""
    seen = Attributes()
    for image in entity.images:
        seen.add(image)
    keys = _key_drafts(limits, key, seen)
    others = {name: each for name, each in seen.by_name.items() if name not in key}
    key_bytes = sum(
        limits.index_bytes(each.type, longest_bytes(seen.of(attribute)))
        for attribute, each in zip(key, keys, strict=True)
    )
    found = drafts(limits, others, seen.items, key_bytes)
    wanted, left_out = _wanted(found, seen.items, limits.dialect.row_columns)
    taken = {each.removeprefix(f"{name}_") for each in made if each.startswith(f"{name}_")}
    fields = _named([*keys, *wanted], len(keys), taken)
    made.update(f"{name}_{each.name}" for each in fields if isinstance(each, InferredRows))
    is_default = not entity.when and table_name(table) is None
    return InferredTable(
        variable=variable_name(name.removeprefix(f"{_own_name(table)}_")),
        name="" if is_default else name,
        key=tuple(each.name for each in fields[: len(keys)]),
        when=entity.when,
        fields=fields,
        items=seen.items,
        left_out=left_out,
        further=seen.further,
    )


def _key_drafts(limits: Limits, key: Mapping[str, str], seen: Attributes) -> list[ColumnDraft]:
    roles = ("key",) if len(key) == 1 else ("partition key", "sort key")
    return [
        key_draft(limits, name, tag, role, seen.of(name))
        for role, (name, tag) in zip(roles, key.items(), strict=True)
    ]


def _wanted(
    found: Sequence[Draft], items: int, most: int
) -> tuple[Sequence[Draft], tuple[tuple[str, int], ...]]:
    """The drafts that a table has room for, and of the others where they are and how often."""
    if len(found) <= MANY_COLUMNS:
        return found, ()
    by_times = sorted(found, key=lambda each: -each.times)
    kept = {id(each) for each in by_times[:most] if _RARE * each.times >= items}
    wanted = [each for each in found if id(each) in kept]
    left_out = [(path_text(each.path), each.times) for each in found if id(each) not in kept]
    return wanted, tuple(sorted(left_out, key=lambda each: (-each[1], each[0])))


def _named(
    found: Sequence[Draft], keys: int, taken: Iterable[str]
) -> tuple[InferredColumn | InferredRows, ...]:
    """The drafts with their names; the first so many are the key."""
    names = Names(taken)
    given = [names.give(_wish(each), unique=path_text(each.path)) for each in found[:keys]]
    key = tuple(given)
    given += _given(found[keys:], names)
    return tuple(
        _column(each, name) if isinstance(each, ColumnDraft) else _rows(each, name, key)
        for each, name in zip(found, given, strict=True)
    )


def _given(found: Sequence[Draft], names: Names, prefix: str = "") -> list[str]:
    """A name for each. Who is called exactly so already has the first choice.

    prefix: for a second choice.
    """
    given: dict[int, str] = {}
    for each in sorted(found, key=lambda each: not _is_spelt_so(each)):
        wish = _wish(each)
        others = (f"{prefix}_{wish}",) if prefix else ()
        given[id(each)] = names.give(wish, *others, unique=path_text(each.path))
    return [given[id(each)] for each in found]


def _wish(draft: Draft) -> str:
    return column_name(draft.path) if isinstance(draft, ColumnDraft) else rows_name(draft.path)


def _is_spelt_so(draft: Draft) -> bool:
    return draft.path[:1] == (Attribute(_wish(draft)),)


def _column(draft: ColumnDraft, name: str) -> InferredColumn:
    path = None if draft.path == (Attribute(name),) else draft.path
    wish, note = column_name(draft.path), draft.note
    if name != wish:
        note = f"{note}; {wish} is another"
    return InferredColumn(name, draft.type, path, note, draft.lacks)


def _rows(draft: RowsDraft, name: str, key: Sequence[str]) -> InferredRows:
    names = Names(key)
    given = _given(draft.columns, names, prefix=name)
    at = tuple(_levels(draft.path, names))
    return InferredRows(
        name,
        draft.path,
        tuple(_column(each, own) for each, own in zip(draft.columns, given, strict=True)),
        None if list(at) == _own_levels(draft.path) else at,
        draft.note,
    )


def _levels(path: Path, names: Names) -> Iterator[str]:
    for number, own in enumerate(_own_levels(path), 1):
        other = own.replace("position", "element").replace("name", "entry")
        yield names.give(own, other, unique=f"{path_text(path)} {number}")


def _own_levels(path: Path) -> list[str]:
    """What the levels are called by themselves, see `dynaurora.plugins.declarations.rows`."""
    words = ["position" if level.kind == "[]" else "name" for level in levels(path)]
    if len(words) == 1:
        return words
    return [f"{word}_{number}" for number, word in enumerate(words, 1)]
