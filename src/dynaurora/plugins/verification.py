"""The rules that need a parser: which name in a statement is which column of which relation.

sqlglot reads the statements that the author wrote; what a declaration produced is right by
construction. It advises only: a statement that it cannot read is undecided, for the server may well
know it. Never imported by the load, and by an inspection only where there is a statement to read.
"""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import Final

import sqlglot
from sqlglot import exp
from sqlglot.dialects.mysql import MySQL

from dynaurora.plugins.contract import ENGINES, Plugin
from dynaurora.plugins.relations import relations
from dynaurora.plugins.rules import Finding, Written
from dynaurora.plugins.statements import dialect_of
from dynaurora.plugins.tokens import tokens

_EVERYWHERE: Final = frozenset(
    "ctid xmin xmax cmin cmax tableoid user session_user current_role current_catalog".split()
)
"""What PostgreSQL knows without a table having a column of the name."""

_DataStatement = exp.Select | exp.Update | exp.Delete | exp.Insert | exp.Merge
_DATA_STATEMENTS: Final = (exp.Select, exp.Update, exp.Delete, exp.Insert, exp.Merge)


class AnsiMySQL(MySQL):
    """MySQL as our sessions speak it: what stands in double quotes is a name."""

    class Tokenizer(MySQL.Tokenizer):
        """https://dev.mysql.com/doc/refman/8.0/en/sql-mode.html#sqlmode_ansi_quotes"""

        QUOTES = ["'"]  # noqa: RUF012 - as sqlglot declares them
        IDENTIFIERS = ["`", '"']  # noqa: RUF012


logging.getLogger("sqlglot").setLevel(logging.ERROR)  # it warns of what it cannot read, as we do


@dataclass(frozen=True, slots=True)
class _Named:
    """A relation or SQL table whose columns are known."""

    name: str
    columns: tuple[str, ...]
    note: str = ""

    def has(self, identifier: exp.Expr, engine: str) -> bool:
        """Whether an identifier, folded as the engine folds it, is a column."""
        fold = dialect_of(engine).folded
        return fold(_folded(identifier)) in map(fold, self.columns)


@dataclass(frozen=True, slots=True)
class _Catalog:
    """What the statements of a plugin may read."""

    relations: Mapping[str, _Named]
    tables: Mapping[str, _Named]

    def find(self, name: str) -> _Named | None:
        return self.relations.get(name) or self.tables.get(name)


@dataclass(slots=True)
class _Scope:
    """A part of a statement that has sources of its own; None: one whose columns are unknown."""

    sources: dict[str, _Named | None] = field(default_factory=dict)
    aliases: set[str] = field(default_factory=set)


def verify(plugin: Plugin, written: Iterable[Written]) -> Iterator[Finding]:
    """What is wrong with the statements that the author wrote."""
    parsed = [(statement, _parsed(statement)) for statement in written]
    catalog = _Catalog(_relations(plugin), _tables(plugin, parsed))
    for statement, tree in parsed:
        yield from _one_engine(statement)
        if isinstance(tree, sqlglot.errors.SqlglotError):
            yield _not_understood(statement, tree)
            continue
        if tree is None or isinstance(tree, exp.Command):
            continue
        is_for_people = statement.list == "select_table_queries"
        for finding in _Statement(statement, tree, catalog).findings():
            # No load runs a query for people, so what is wrong with it stops none.
            yield replace(finding, is_error=False) if is_for_people else finding


_Parsed = exp.Expr | sqlglot.errors.SqlglotError | None


def _parsed(statement: Written) -> _Parsed:
    """What the parser reads, or says; None of what is empty, which another rule has told."""
    if all(token.kind == "end" for token in tokens(statement.text, statement.engine)):
        return None
    try:
        return sqlglot.parse_one(statement.text, dialect=dialect_of(statement.engine).parser)
    except sqlglot.errors.SqlglotError as error:
        return error


class _Statement:
    """One statement, parsed."""

    def __init__(self, written: Written, tree: exp.Expr, catalog: _Catalog) -> None:
        self._written = written
        self._tree = tree
        self._catalog = catalog
        self._engine = written.engine
        self._is_insert = written.list == "insert_table_queries"
        self._ctes = {cte.alias.lower() for cte in tree.find_all(exp.CTE)}

    def findings(self) -> Iterator[Finding]:
        if self._written.list == "create_table_queries":
            yield from self._qualified_names()
            return
        yield from self._qualified_names()
        yield from self._unknown_relations()
        yield from self._columns()
        if self._is_insert:
            yield from self._insert_columns()
            yield from self._twice()
            yield from self._inner_statements()
            yield from self._accumulates()

    def _found(
        self, node: exp.Expr, found: str, remedy: str = "", *, is_error: bool = True
    ) -> Finding:
        return Finding(self._written, _offset(node), found, remedy, is_error)

    def _qualified_names(self) -> Iterator[Finding]:
        for table in self._tree.find_all(exp.Table):
            if table.db and table.db not in ("information_schema", "pg_catalog"):
                name = f"{table.db}.{table.name}"
                yield self._found(
                    table.args["db"],
                    f"{name}: replay into a fresh schema cannot redirect it",
                    f'Leave "{table.db}." out.',
                    is_error=False,
                )

    def _unknown_relations(self) -> Iterator[Finding]:
        for table, name in self._named_tables():
            is_relation = name in ("staged", "removed", "changes")
            if not is_relation and not name.startswith(("staged_", "replaced_")):
                continue
            if not self._is_insert:
                yield self._found(
                    table,
                    f"{name} exists inside a load alone",
                    "Query the tables that the plugin makes.",
                )
            elif name not in self._catalog.relations:
                yield self._no_relation(table, name)

    def _no_relation(self, table: exp.Table, name: str) -> Finding:
        known = tuple(self._catalog.relations)
        folded = next((one for one in known if one.lower() == name.lower()), None)
        if folded is not None:
            said = f"no relation {name}: PostgreSQL folds unquoted names"
            return self._found(table, said, f'Write "{folded}".')
        remedy = f"{_did_you_mean(name, known)}There are {_listed(known)}."
        return self._found(table, f"no relation {name}", remedy)

    def _named_tables(self) -> Iterator[tuple[exp.Table, str]]:
        """The tables that are named without a schema and are no common table expression."""
        for table in self._tree.find_all(exp.Table):
            if isinstance(table.this, exp.Identifier) and not table.db:
                name = _folded(table.this)
                if name.lower() not in self._ctes:
                    yield table, name

    def _twice(self) -> Iterator[Finding]:
        seen: set[str] = set()
        for table, name in self._named_tables():
            if name not in self._catalog.relations:
                continue
            if name in seen:
                yield self._found(
                    table,
                    f"MySQL cannot open {name} twice in one statement (error 1137)",
                    "Split it in two, or read it once.",
                    is_error=dialect_of(self._engine).opens_temporary_tables_once,
                )
            seen.add(name)

    def _inner_statements(self) -> Iterator[Finding]:
        """A DELETE or UPDATE behind WITH, where the words alone do not show it."""
        for node in self._tree.find_all(exp.Delete, exp.Update):
            if node is self._tree or isinstance(node.parent, exp.When):
                continue  # the words have shown it; or it is a branch of a MERGE
            if not node.args.get("where") and not _joins(node):
                what = "DELETE" if isinstance(node, exp.Delete) else "UPDATE"
                yield self._found(
                    node, f"{what} without WHERE in every load", "Join it with staged or removed."
                )
        for select in self._tree.find_all(exp.Select):
            into = select.args.get("into")
            if into is not None:
                yield self._found(
                    into.this,
                    "SELECT INTO makes a table: MySQL would commit half the load",
                    "Make it in create_table_queries.",
                )

    def _accumulates(self) -> Iterator[Finding]:
        """An upsert that adds to the row that is there, in whatever order it comes to the rows."""
        for insert in self._tree.find_all(exp.Insert):
            conflict, select = insert.args.get("conflict"), insert.expression
            if conflict is None or not isinstance(select, exp.Select) or select.args.get("order"):
                continue
            target = insert.find(exp.Table)
            if target is None or not _reads_target(conflict, target):
                continue
            name = target.name
            keys = ", ".join(_conflict_keys(conflict))
            yield self._found(
                target,
                f"two loaders may lock {name} rows in different order",
                f"Add order by {keys or 'its key'}.",
                is_error=False,
            )

    def _insert_columns(self) -> Iterator[Finding]:
        """The columns that an INSERT fills exist, and get one value each."""
        for insert in self._tree.find_all(exp.Insert):
            schema = insert.this
            if not isinstance(schema, exp.Schema):
                continue
            target = self._source(schema.this)
            for identifier in schema.expressions:
                if target is not None and not target.has(identifier, self._engine):
                    yield self._no_column(target, identifier)
            select = insert.expression
            if not isinstance(select, exp.Select) or any(_is_star(e) for e in select.expressions):
                continue
            if len(select.expressions) != len(schema.expressions):
                yield self._found(
                    schema.expressions[0],
                    f"INSERT into {len(schema.expressions)} columns "
                    f"selects {len(select.expressions)} values",
                    "Select one value per column.",
                )

    def _columns(self) -> Iterator[Finding]:
        scopes: dict[int, _Scope] = {}
        for column in self._tree.find_all(exp.Column):
            if isinstance(column.this, exp.Star) or column.args.get("db"):
                continue
            chain = [scopes.setdefault(id(n), self._scope(n)) for n in _enclosing(column)]
            if column.table:
                yield from self._qualified_column(column, chain)
            else:
                yield from self._bare_column(column, chain)

    def _qualified_column(self, column: exp.Column, chain: list[_Scope]) -> Iterator[Finding]:
        alias = _folded(column.args["table"])
        for scope in chain:
            if alias in scope.sources:
                source = scope.sources[alias]
                if source is not None and not source.has(column.this, self._engine):
                    yield self._no_column(source, column.this)
                return

    def _bare_column(self, column: exp.Column, chain: list[_Scope]) -> Iterator[Finding]:
        sources = [source for scope in chain for source in scope.sources.values()]
        known = [source for source in sources if source is not None]
        if not sources or len(known) < len(sources):
            return
        name = _folded(column.this)
        aliases = {alias for scope in chain for alias in (*scope.aliases, *scope.sources)}
        if name in aliases or name in _EVERYWHERE:
            return
        if not any(source.has(column.this, self._engine) for source in known):
            yield self._no_column(known[0], column.this)

    def _no_column(self, source: _Named, identifier: exp.Expr) -> Finding:
        name = _folded(identifier)
        said = f"{source.name} has no column {name}"
        same = next((one for one in source.columns if one.lower() == name.lower()), None)
        if same is not None:
            snake = "".join(f"_{c.lower()}" if c.isupper() else c for c in same)
            return self._found(
                identifier,
                f"{said}: PostgreSQL folds unquoted names",
                f'Write "{same}", or name the column {snake}.',
            )
        listed = _listed(source.columns)
        if source.note:
            said = f"{source.name} has only {listed}: {source.note}"
            return self._found(identifier, said, f"Read one of these instead of {name}.")
        return self._found(
            identifier, said, f"{_did_you_mean(name, source.columns)}It has {listed}."
        )

    def _scope(self, node: exp.Expr) -> _Scope:
        scope = _Scope()
        for source in _sources(node):
            name = _folded_alias(source)
            scope.sources[name] = self._source(source)
        if isinstance(node, exp.Insert):
            target = node.find(exp.Table)
            scope.sources["excluded"] = None if target is None else self._source(target)
        if isinstance(node, exp.Select):
            scope.aliases = {_folded(e.args["alias"]) for e in node.expressions if e.alias}
        return scope

    def _source(self, node: exp.Expr) -> _Named | None:
        if not isinstance(node, exp.Table) or node.db or not isinstance(node.this, exp.Identifier):
            return None
        alias = node.args.get("alias")
        if isinstance(alias, exp.TableAlias) and alias.columns:
            return None  # its columns have other names here
        name = _folded(node.this)
        return None if name.lower() in self._ctes else self._catalog.find(name)


def _relations(plugin: Plugin) -> dict[str, _Named]:
    notes = {"removed": "the item is gone" + _last_rows(plugin.tables)}
    return {
        name: _Named(name, columns, notes.get(name, ""))
        for name, columns in relations(plugin).items()
    }


def _last_rows(tables: Mapping[str, object]) -> str:
    first = next(iter(tables), None)
    return "" if first is None else f"; its last row is in replaced_{first}"


def _tables(plugin: Plugin, parsed: Iterable[tuple[Written, _Parsed]]) -> dict[str, _Named]:
    """The SQL tables whose columns are known: declared, or made whole by a create statement."""
    found = {name: _Named(name, table.column_names) for name, table in plugin.tables.items()}
    for statement, tree in parsed:
        if statement.list != "create_table_queries":
            continue
        if isinstance(tree, exp.Alter | exp.Command):
            return {}  # it may give any of them another column
        if isinstance(tree, exp.Create) and isinstance(tree.this, exp.Schema):
            name = _folded(tree.this.this.this)
            columns = tuple(_folded(c.this) for c in tree.this.find_all(exp.ColumnDef))
            if columns and not tree.find(exp.LikeProperty, exp.InheritsProperty):
                found[name] = _Named(name, columns)
    return found


def _listed(names: Sequence[str]) -> str:
    """The names, or of very many the first: a plugin has room for 1,590 columns."""
    if len(names) <= _MOST_LISTED:
        return ", ".join(names)
    return f"{', '.join(names[:_MOST_LISTED])} and {len(names) - _MOST_LISTED} more"


_MOST_LISTED: Final = 30


def _did_you_mean(name: str, names: Iterable[str]) -> str:
    close = get_close_matches(name, list(names), n=1)
    return f'Did you mean "{close[0]}"? ' if close else ""


def _one_engine(written: Written) -> Iterator[Finding]:
    for engine in ENGINES:
        if written.engines is not None and engine not in written.engines:
            yield Finding(
                written,
                0,
                f'{written.place} has no "{engine}" statement: the plugin does not run there',
                f"Give one, or None if {engine} needs none.",
                is_error=False,
            )


def _not_understood(written: Written, error: sqlglot.errors.SqlglotError) -> Finding:
    near, offset = "", 0
    details = getattr(error, "errors", None)
    if details:
        near = f' near "{details[0].get("highlight") or ""}"'
        lines = written.text.splitlines(keepends=True)
        line, column = details[0].get("line") or 1, details[0].get("col") or 1
        offset = sum(map(len, lines[: line - 1])) + max(0, column - len(near) + len(' near ""'))
    return Finding(
        written,
        min(offset, max(0, len(written.text) - 1)),
        f"not understood by the offline parser{near}",
        "Run `dynaurora check --database URL`: there the server decides.",
        is_error=False,
        is_undecided=True,
    )


def _enclosing(column: exp.Column) -> Iterator[exp.Expr]:
    """The statements around a column whose sources it may name, the innermost first."""
    below: exp.Expr = column
    node = column.parent
    while node is not None:
        is_selected = isinstance(node, exp.Insert) and node.expression is below
        if isinstance(node, _DATA_STATEMENTS) and not is_selected:
            yield node
        below, node = node, node.parent


def _sources(node: exp.Expr) -> Iterator[exp.Expr]:
    """The tables and sub-queries that a statement itself reads or writes."""
    if isinstance(node, exp.Insert):
        target = node.this.this if isinstance(node.this, exp.Schema) else node.this
        if isinstance(target, exp.Table):
            yield target
        return
    for name in ("this", "from", "from_", "using", "joins", "laterals", "tables"):
        if name == "this" and isinstance(node, exp.Select):
            continue
        value = node.args.get(name)
        for part in value if isinstance(value, list) else [value]:
            if isinstance(part, exp.Expr):
                yield from _source_and_joined(part)


def _source_and_joined(part: exp.Expr) -> Iterator[exp.Expr]:
    source = part.this if isinstance(part, exp.From | exp.Join) else part
    if not isinstance(source, exp.Expr):
        return
    yield source
    for join in source.args.get("joins") or []:
        yield from _source_and_joined(join)


def _reads_target(conflict: exp.Expr, target: exp.Table) -> bool:
    """Whether what is set is made of what the row holds: ``revenue = revenue.revenue + …``."""
    names = {"", target.alias_or_name.lower(), target.name.lower()}
    return any(
        isinstance(column, exp.Column) and column.table.lower() in names
        for assigned in conflict.expressions
        if isinstance(assigned, exp.EQ) and not isinstance(assigned.expression, exp.Column)
        for column in assigned.expression.find_all(exp.Column)
    )


def _conflict_keys(conflict: exp.Expr) -> Iterator[str]:
    for key in conflict.args.get("conflict_keys") or []:
        yield from (column.sql() for column in key.find_all(exp.Column))


def _joins(node: exp.Expr) -> bool:
    return bool(node.this.args.get("joins"))


def _is_star(node: exp.Expr) -> bool:
    return isinstance(node, exp.Star) or (
        isinstance(node, exp.Column) and isinstance(node.this, exp.Star)
    )


def _folded(identifier: exp.Expr) -> str:
    """A name as the engine reads it: in lower case unless it is quoted."""
    name = identifier.name
    return name if identifier.args.get("quoted") else name.lower()


def _folded_alias(source: exp.Expr) -> str:
    alias = source.args.get("alias")
    if isinstance(alias, exp.TableAlias) and alias.this is not None:
        return _folded(alias.this)
    this = source.this
    return _folded(this) if isinstance(this, exp.Identifier) else ""


def _offset(node: exp.Expr) -> int:
    """The first character of a node: of the first name in it that knows where it stands."""
    starts = [
        found.meta["start"] for found in node.find_all(exp.Identifier) if "start" in found.meta
    ]
    return int(min(starts, default=0))
