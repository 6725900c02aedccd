"""What a plugin's author writes: types, ``column``, ``rows``, ``Table``.

The grammar of a column is the same in a ``Table`` and in a plugin's own ``columns``:

    "status": "text",                                the attribute of that name
    "total": ("numeric(12,2)", "price.amount"),      another attribute, or one inside another
    "customer": column("text", "customerId", index=True),
    "lines": rows("lines[]", {"sku": "text", "quantity": "integer"}),

A wrong declaration raises ``DeclarationError`` at once, with the place inside it and a suggestion.
"""

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from difflib import get_close_matches
from typing import Any, Final, Literal, get_args

from dynaurora.model.paths import Path, levels, path
from dynaurora.model.types import WORDS, ColumnType, column_type, type_advice

KEY_TAGS: Final[Mapping[str, frozenset[str]]] = {
    "text": frozenset({"S", "N"}),
    "bytes": frozenset({"B"}),
    "numeric": frozenset({"N"}),
    "integer": frozenset({"N"}),
    "bigint": frozenset({"N"}),
}
"""The types a key column may have, and the DynamoDB types of the key that each keeps apart.

Others would make one SQL key of two keys: ``1`` and ``1.0`` as texts are two keys to DynamoDB and
one number, ``A…`` and ``a…`` are one UUID, times in two zones one time.
"""


VALIDITY: Final = ("valid_from", "valid_to")
"""The columns that a history has beside those of the versions."""

Policy = Literal["remove", "mark", "keep"]
"""What becomes of the row of an item that is deleted: it goes, is marked, or stays as it is."""


class DeclarationError(ValueError):
    """A declaration is wrong. ``place`` is the part of it: ``columns["lines"]["sku"]``.

    is_twice: it is there more than once, and each time otherwise.
    """

    def __init__(self, place: str, message: str, *, is_twice: bool = False) -> None:
        super().__init__(f"{place}: {message}" if place else message)
        self.place = place
        self.message = message
        self.is_twice = is_twice


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its type, and the path of its value in the item."""

    type: ColumnType
    path: Path | None = None
    """None: the attribute named exactly as the column."""
    sql: str | Mapping[str, str] | None = None
    is_indexed: bool = False
    is_required: bool = False


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows that an item has inside it; staged as a relation of their own."""

    path: Path
    columns: Mapping[str, Column]
    at: tuple[str, ...]
    """The columns that tell the rows of an item apart, one per level of the path."""
    when: "When | None" = None


@dataclass(frozen=True, slots=True)
class Condition:
    """One line of ``when``: the value at the path is one of these, or begins with one of those."""

    path: Path
    values: tuple[Any, ...]
    prefixes: tuple[str, ...]


When = tuple[Condition, ...]
"""All must hold."""

ColumnLike = str | tuple[str, str] | Column | Rows


def column(
    type: str,  # noqa: A002 - the word that authors know
    path: str | None = None,
    *,
    sql: str | Mapping[str, str] | None = None,
    index: bool = False,
    required: bool = False,
) -> Column:
    """A column with options.

    type: a type of docs/types.md, such as ``"numeric(12,2)"``.
    path: where its value is; the attribute of the column's name if it is left out.
    sql: an expression over the staged columns instead of a value of the item.
    index: whether the SQL table gets an index on it.
    required: whether the SQL column is NOT NULL.
    """
    return Column(_type("", type), _path("", path), sql, index, required)


def rows(
    path: str,
    columns: Mapping[str, ColumnLike],
    *,
    at: str | Sequence[str] | None = None,
    when: Mapping[str, Any] | None = None,
) -> Rows:
    """Rows inside an item: one per element of a list or set (``a[]``) or entry of a map (``a{}``).

    at: what the columns that number the rows are called; ``position`` for a list, ``name`` for a
        map, with the number of the level behind it where there are several.
    when: only for the items for which this holds.
    """
    steps = _path("", path)
    if steps is None:
        raise DeclarationError("", f'"{path}" is no path; write "a.b", "a[]", "a{{}}" or "$"')
    found = {name: normalised_column(f'["{name}"]', value) for name, value in columns.items()}
    for name, value in found.items():
        _check_name(f'["{name}"]', name)
        if isinstance(value, Rows):
            raise DeclarationError(
                f'["{name}"]', 'rows inside rows; write one rows(...) with a path like "a[].b[]"'
            )
    flat = {name: value for name, value in found.items() if isinstance(value, Column)}
    return Rows(steps, flat, _at(steps, at), conditions(when))


def conditions(when: Mapping[str, Any] | None) -> When | None:
    """Read ``when``: ``{path: value | "prefix*" | (alternatives)}``."""
    if when is None:
        return None
    if not isinstance(when, Mapping) or not when:
        raise DeclarationError(
            "when", f'it is {when!r}; write {{"path": "value"}}, or leave it out'
        )
    return tuple(_condition(text, wanted) for text, wanted in when.items())


@dataclass(frozen=True, slots=True)
class Table:
    """An SQL table that Dynaurora makes, fills and keeps equal to the DynamoDB table.

    key: the columns that hold the DynamoDB key, partition key first; they are the primary key.
    columns: the columns by name, key first; ``rows(...)`` makes the child table ``<table>_<name>``.
    name: the SQL table's name; the plugin's name in snake case if it is left out.
    when: it holds the items alone for which this holds: ``{path: value | "prefix*" | (several)}``.
        Its columns are then its own: another Table may call other things so.
    deleted: what becomes of the row of a deleted item. ``"mark"`` gives the table two columns,
        ``_deleted_at`` and ``_expired``, which are NULL again when the item comes back.
    expired: the same of an item that Time to Live deleted; as ``deleted`` if it is left out.
    history: whether every change is kept, in ``<table>_versions``, and told by the view
        ``<table>_history`` with ``valid_from`` and ``valid_to``.
    indexes: further indexes, each a tuple of columns.
    """

    name: str | None = None
    _: KW_ONLY
    key: str | tuple[str, ...] = ()
    columns: Mapping[str, ColumnLike] = field(default_factory=dict)
    when: Mapping[str, Any] | None = None
    deleted: Policy = "remove"
    expired: Policy | None = None
    history: bool = False
    indexes: Sequence[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        normalised = normalised_columns(self.columns)
        check_key(self.key_columns, normalised)
        conditions(self.when)
        _check_policy("deleted", self.deleted)
        _check_policy("expired", self.expired or self.deleted)
        if self.history:
            _check_history(normalised, has_when=self.when is not None)
        for index in self.indexes:
            if isinstance(index, str):
                raise DeclarationError("indexes", f'it holds "{index}"; write [("{index}",)]')
            for name in index:
                if not isinstance(normalised.get(name), Column):
                    raise DeclarationError(
                        "indexes", f'"{name}" is no column{_column_like(name, normalised)}'
                    )
        for name in self.key_columns:
            if normalised[name].sql is not None:  # type: ignore[union-attr]  # check_key: a Column
                raise DeclarationError(
                    f'columns["{name}"]', "a key column has a path, not an SQL expression"
                )

    @property
    def key_columns(self) -> tuple[str, ...]:
        """The key as a tuple, whichever way it was written."""
        return (self.key,) if isinstance(self.key, str) else tuple(self.key)


def normalised_columns(columns: object) -> dict[str, Column | Rows]:
    """Read a mapping of columns; raise ``DeclarationError`` for the first that is wrong."""
    if not isinstance(columns, Mapping):
        raise DeclarationError("columns", f"it is a {type(columns).__name__}; write a dict")
    found: dict[str, Column | Rows] = {}
    for name, value in columns.items():
        place = f'columns["{name}"]'
        if not isinstance(name, str) or not name:
            raise DeclarationError("columns", f"{name!r} is no name; write a text")
        _check_name(place, name)
        found[name] = normalised_column(place, value)
    return found


def normalised_column(place: str, value: object) -> Column | Rows:
    """Read one column, in any of the ways to write it."""
    if isinstance(value, Column | Rows):
        return value
    if isinstance(value, str):
        return Column(_type(place, value))
    if isinstance(value, tuple) and len(value) == 2 and all(isinstance(v, str) for v in value):
        steps = _path(place, value[1])
        return Column(_type(place, value[0]), steps)
    raise DeclarationError(
        place, f'it is {value!r}; write "text", ("text", "path"), column(...) or rows(...)'
    )


def _check_name(place: str, name: str) -> None:
    if name.startswith("_"):
        raise DeclarationError(place, 'names that begin with "_" belong to Dynaurora')


def check_key(key: tuple[str, ...], columns: Mapping[str, Column | Rows]) -> None:
    """A key names one or two columns whose types tell every key apart."""
    if not 1 <= len(key) <= 2:  # partition key and sort key
        raise DeclarationError(
            "key", "it has to name the column of the partition key, and of the sort key if any"
        )
    for name in key:
        found = columns.get(name)
        if not isinstance(found, Column):
            raise DeclarationError(
                "key", f'names "{name}", which is no column{_column_like(name, columns)}'
            )
        if found.type.word not in KEY_TAGS:
            raise DeclarationError(
                f'columns["{name}"]', f"it is {found.type}; a key is text, bytes or a number"
            )


def _check_history(columns: Mapping[str, Any], *, has_when: bool) -> None:
    if has_when:
        raise DeclarationError(
            "history",
            "a Table with `when` cannot have one, for `changes` has the columns of `staged` and"
            " does not know who has left; give it to a Table without `when`",
        )
    for name in VALIDITY:
        if name in columns:
            raise DeclarationError(
                f'columns["{name}"]',
                f'the history has a column of this name; call it otherwise: "{name}_": '
                f'("{getattr(columns[name], "type", "text")}", "{name}")',
            )


def _check_policy(place: str, policy: object) -> None:
    words = get_args(Policy)
    if policy not in words:
        raise DeclarationError(
            place, f"it is {policy!r}{suggestion(str(policy), words)}; write {', '.join(words)}"
        )


def _column_like(name: str, columns: Mapping[str, Column | Rows]) -> str:
    if isinstance(columns.get(name), Rows):
        return ", but rows; write a column beside them"
    return suggestion(name, [other for other, each in columns.items() if isinstance(each, Column)])


def suggestion(name: str, names: Mapping[str, Any] | Sequence[str]) -> str:
    """``; did you mean "…"?``, or nothing."""
    close = get_close_matches(name, list(names), n=1)
    return f'; did you mean "{close[0]}"?' if close else ""


def _type(place: str, text: object) -> ColumnType:
    if not isinstance(text, str):
        raise DeclarationError(place, f"{text!r} is no type; types are {', '.join(WORDS)}")
    found = column_type(text)
    if found is None:
        raise DeclarationError(place, f'no type "{text}"; {type_advice(text)}')
    return found


def _path(place: str, text: str | None) -> Path | None:
    if text is None:
        return None
    steps = path(text) if isinstance(text, str) else None
    if steps is None:
        raise DeclarationError(
            place, f'{text!r} is no path; write "a.b", "a[0]", \'"a.b".c\' or "$"'
        )
    return steps


def _at(steps: Path, at: str | Sequence[str] | None) -> tuple[str, ...]:
    found = levels(steps)
    if at is not None:
        names = (at,) if isinstance(at, str) else tuple(at)
        if len(names) != len(found):
            raise DeclarationError(
                "at", f"it names {len(names)} columns; the path has {len(found)} levels"
            )
        for name in names:
            _check_name("at", name)
        return names
    words = ["position" if level.kind == "[]" else "name" for level in found]
    if len(words) == 1:
        return tuple(words)
    return tuple(f"{word}_{number}" for number, word in enumerate(words, 1))


def _condition(text: object, wanted: object) -> Condition:
    steps = path(text) if isinstance(text, str) else None
    if steps is None or levels(steps):
        raise DeclarationError(f'when["{text}"]', "it is no path of one value")
    alternatives = wanted if isinstance(wanted, tuple) else (wanted,)
    prefixes = tuple(v[:-1] for v in alternatives if isinstance(v, str) and v.endswith("*"))
    values = tuple(v for v in alternatives if not (isinstance(v, str) and v.endswith("*")))
    for value in values:
        if not isinstance(value, str | int | bool):
            raise DeclarationError(
                f'when["{text}"]', f"{value!r} is no value; write text, a whole number or a boolean"
            )
    return Condition(steps, values, prefixes)
