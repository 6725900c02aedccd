"""The rules that the words of a statement show, without a parser: every load checks them.

A load that breaks one would lose or keep half of its work, or cannot run twice. Rules that need to
know which name is which column are in `dynaurora.plugins.verification`.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Final, Literal

from dynaurora.plugins.contract import Engine
from dynaurora.plugins.statements import dialect_of
from dynaurora.plugins.tables import owner_of
from dynaurora.plugins.tokens import Token, tokens

StatementList = Literal[
    "create_table_queries", "insert_table_queries", "drop_table_queries", "select_table_queries"
]

_INSERT: Final = frozenset("insert update delete merge replace with select (".split())
_SELECT: Final = frozenset("select with values table show explain describe desc (".split())
_CHANGING: Final = frozenset("insert update delete merge truncate replace".split())
_DEFINING: Final = frozenset(
    "create alter drop truncate rename comment grant revoke reindex vacuum analyze cluster"
    " refresh import security".split()
)
_SESSION: Final = frozenset(
    "begin start commit end rollback abort savepoint release set reset lock unlock use prepare"
    " execute deallocate discard listen notify unlisten checkpoint declare fetch close".split()
)
_DROPPING: Final = frozenset({"drop", "truncate"})
_CLOCKS: Final = frozenset(
    "current_timestamp current_date current_time localtime localtimestamp utc_timestamp".split()
)
_CLOCK_FUNCTIONS: Final = frozenset(
    "now clock_timestamp statement_timestamp transaction_timestamp timeofday sysdate curdate"
    " curtime unix_timestamp utc_date utc_time random rand gen_random_uuid uuid"
    " uuid_generate_v1 uuid_generate_v4 uuidv4 uuidv7 nextval".split()
)
_RELATIONS: Final = frozenset({"staged", "removed", "changes"})
_RELATION_PREFIXES: Final = ("staged_", "replaced_")
_HEAD_WORDS: Final = 12
"""``if not exists`` stands among the first words: create unique index concurrently if not exists"""


@dataclass(frozen=True, slots=True)
class Written:
    """A statement that the plugin's author wrote, on one engine.

    at: its number in the list, or its name among the queries.
    engines: the engines that it has a statement for; None if one is for all.
    """

    list: StatementList
    at: int | str
    text: str
    engine: Engine
    engines: tuple[str, ...] | None = None

    @property
    def place(self) -> str:
        """``insert_table_queries[1]``, ``select_table_queries["by day"]``."""
        return (
            f"{self.list}[{self.at}]" if isinstance(self.at, int) else f'{self.list}["{self.at}"]'
        )


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong with a statement, and from which of its characters on.

    is_error, is_undecided: see `dynaurora.plugins.inspection.Problem`.
    """

    written: Written
    offset: int
    found: str
    remedy: str = ""
    is_error: bool = True
    is_undecided: bool = False


@dataclass(frozen=True)
class _Statement:
    """A statement and its words."""

    written: Written
    tokens: Sequence[Token]

    @cached_property
    def words(self) -> frozenset[str]:
        return frozenset(token.text for token in self.tokens if token.kind == "word")

    @cached_property
    def names(self) -> frozenset[str]:
        """Every word and quoted name."""
        return frozenset(t.text.lower() for t in self.tokens if t.kind in ("word", "quoted"))

    @property
    def first(self) -> str:
        return self.tokens[0].text

    def finding(
        self, found: str, remedy: str = "", *, at: int | None = None, is_error: bool = True
    ) -> Finding:
        offset = self.tokens[0].offset if at is None else at
        return Finding(self.written, offset, found, remedy, is_error)

    def begins_with(self, *phrase: str) -> bool:
        """Whether these words stand side by side in the statement's head."""
        head = [token.text for token in self.tokens[:_HEAD_WORDS]]
        return any(head[start : start + len(phrase)] == list(phrase) for start in range(len(head)))


Rule = Callable[[_Statement], Iterator[Finding]]


def findings(written: Written) -> Iterator[Finding]:
    """What the words of a statement show."""
    found = tuple(tokens(written.text, written.engine))
    if not [token for token in found if token.kind != "end"]:
        yield Finding(written, 0, f"{written.place} is empty", "Leave it out, or write None.")
        return
    statement = _Statement(written, found)
    for rule in (_one_statement, *_RULES[written.list]):
        yield from rule(statement)


def created_table(written: Written) -> str | None:
    """The SQL table or view that a create statement makes, as the engine calls it."""
    return _created({"table", "view"}, written.text, written.engine)


def created_index(statement: str, engine: Engine) -> str | None:
    """The index that a create statement makes, as the engine calls it."""
    return _created({"index"}, statement, engine)


def _created(kinds: Collection[str], statement: str, engine: Engine) -> str | None:
    named = (t for t in tokens(statement, engine) if t.kind in ("word", "quoted"))
    found = list(islice(named, _HEAD_WORDS))
    texts = [token.text for token in found]
    kind = next((text for text in texts[:4] if text in kinds), None)
    if texts[:1] != ["create"] or kind is None:
        return None
    rest = found[texts.index(kind) + 1 :]
    if [token.text for token in rest[:1]] == ["concurrently"]:
        rest = rest[1:]
    if [token.text for token in rest[:3]] == ["if", "not", "exists"]:
        rest = rest[3:]
    return rest[0].text if rest else None


def _one_statement(statement: _Statement) -> Iterator[Finding]:
    parts: list[Token] = []
    is_new = True
    for token in statement.tokens:
        if token.kind == "end":
            is_new = True
        elif is_new:
            parts.append(token)
            is_new = False
    is_body = statement.begins_with("begin", "atomic") or "begin" in statement.words
    if len(parts) > 1 and not (is_body and statement.first == "create"):
        yield statement.finding(
            f"{len(parts)} statements in one string",
            "Write one string per statement.",
            at=parts[1].offset,
        )


def _insert_only(statement: _Statement) -> Iterator[Finding]:
    first = statement.first
    where = f"{first.upper()} in {statement.written.list}"
    if first in _INSERT:
        return
    if first in _DROPPING:
        yield statement.finding(
            f"{where}: MySQL would commit half the load",
            "Tables are dropped by dynaurora drop alone; rows are removed by DELETE.",
        )
    elif first in _DEFINING:
        yield statement.finding(
            f"{where}: MySQL would commit half the load", "Move it to create_table_queries."
        )
    elif first in _SESSION:
        yield statement.finding(
            f"{where}: the transaction and its settings are the loader's", "Leave it out."
        )
    else:
        yield statement.finding(
            f"{where}: it is no INSERT, UPDATE, DELETE or MERGE",
            "Write one of them, or move it to create_table_queries.",
        )


def _has_where(statement: _Statement) -> Iterator[Finding]:
    first = statement.first
    if first in ("delete", "update") and not statement.words & {"where", "join"}:
        table = next((t.text for t in statement.tokens[1:] if t.text not in ("from", "only")), "it")
        what = "empties" if first == "delete" else "rewrites all of"
        yield statement.finding(
            f"{first.upper()} without WHERE {what} {table} in every load",
            "Join it with staged or removed.",
        )


def _reads_a_relation(statement: _Statement) -> Iterator[Finding]:
    if statement.first in _INSERT and not any(map(_is_relation, statement.names)):
        yield statement.finding(
            "it reads none of staged, removed, changes: it does the same work in every load",
            "Join it with one of them.",
            is_error=False,
        )


def _is_relation(name: str) -> bool:
    return name in _RELATIONS or name.startswith(_RELATION_PREFIXES)


def _same_twice(statement: _Statement) -> Iterator[Finding]:
    before = ""
    for number, token in enumerate(statement.tokens):
        is_called = statement.tokens[number + 1 : number + 2] and (
            statement.tokens[number + 1].text == "("
        )
        is_clock = token.text in _CLOCKS or (token.text in _CLOCK_FUNCTIONS and is_called)
        if token.kind == "word" and is_clock and before != ".":
            yield statement.finding(
                f"{token.text}: the same change loaded again gives another row",
                "Use _changed_at, or a column of the item.",
                at=token.offset,
                is_error=False,
            )
        before = token.text


def _create_only(statement: _Statement) -> Iterator[Finding]:
    first = statement.first
    where = f"{first.upper()} in {statement.written.list}"
    if first in _DROPPING:
        yield statement.finding(where, "Tables are dropped by dynaurora drop alone.")
    elif first in _SESSION:
        yield statement.finding(
            f"{where}: create statements run one by one, outside a transaction", "Leave it out."
        )
    elif first == "create" and not _can_run_again(statement):
        what = " ".join(_kind(statement))
        yield statement.finding(
            f'{what} without "if not exists": it runs again whenever the plugin has changed',
            f'Write {what} if not exists, or "or replace" where the engine has that.',
        )


def _makes_nobodys_table(statement: _Statement) -> Iterator[Finding]:
    name = created_table(statement.written)
    owner = owner_of(name) if name else ""
    if owner:
        yield statement.finding(
            f'"{name}" belongs to {owner}: it would not be found', "Give the table another name."
        )


_NO_COLUMNS: Final = frozenset("constraint primary unique foreign check exclude if".split())


def _adds_columns_again(statement: _Statement) -> Iterator[Finding]:
    """Where the engine has an IF NOT EXISTS for it."""
    words = [token.text for token in statement.tokens]
    dialect = dialect_of(statement.written.engine)
    if words[:2] != ["alter", "table"] or not dialect.has_add_column_if_not_exists:
        return
    for number, word in enumerate(words):
        if word != "add" or statement.tokens[number].kind != "word":
            continue
        rest = words[number + 1 :]
        if rest[:1] == ["column"]:
            rest = rest[1:]
        if rest and rest[0] not in _NO_COLUMNS:
            yield statement.finding(
                'ADD COLUMN without "if not exists": it runs again whenever the plugin has changed',
                "Write add column if not exists.",
                at=statement.tokens[number].offset,
            )


def _can_run_again(statement: _Statement) -> bool:
    if statement.begins_with("if", "not", "exists") or statement.begins_with("or", "replace"):
        return True
    has_own = dialect_of(statement.written.engine).has_index_names_per_table
    return has_own and "index" in _kind(statement)


def _kind(statement: _Statement) -> list[str]:
    """``create table``, ``create unique index``: the words up to what is made."""
    found = []
    for token in statement.tokens[:5]:
        found.append(token.text)
        if token.text in ("table", "index", "view", "function", "type", "sequence", "trigger"):
            return found
    return found[:2]


def _drop_only(statement: _Statement) -> Iterator[Finding]:
    first = statement.first
    if first in _SESSION:
        yield statement.finding(
            f"{first.upper()} in {statement.written.list}: the loader holds the transaction",
            "Leave it out.",
        )
    elif first == "drop" and not statement.begins_with("if", "exists"):
        yield statement.finding(
            'DROP without "if exists": a drop that was interrupted could not go on',
            "Write drop … if exists.",
        )


def _select_only(statement: _Statement) -> Iterator[Finding]:
    first = statement.first
    changing = statement.words & _CHANGING if first == "with" else frozenset()
    if first not in _SELECT or changing:
        word = next(iter(changing), first).upper()
        yield statement.finding(
            f"{word} in {statement.written.list}: its queries only read",
            "Move it to insert_table_queries, or leave it out.",
        )


_RULES: Final[dict[StatementList, tuple[Rule, ...]]] = {
    "create_table_queries": (_create_only, _adds_columns_again, _makes_nobodys_table),
    "insert_table_queries": (_insert_only, _has_where, _reads_a_relation, _same_twice),
    "drop_table_queries": (_drop_only,),
    "select_table_queries": (_select_only,),
}
