"""Loading one plugin: the file is run, and what it defines becomes a ``Plugin``.

The file is compiled under its own name, so a traceback shows its lines, and run as a module that
nobody else sees: names such as ``prod.Orders-v2`` are no module names.
"""

import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from hashlib import blake2b
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from dynaurora.errors import PluginError
from dynaurora.model.paths import Attribute
from dynaurora.plugins.contract import ENGINES, Engine, Plugin
from dynaurora.plugins.declarations import (
    Column,
    DeclarationError,
    Rows,
    Table,
    check_key,
    normalised_columns,
)
from dynaurora.plugins.limits import check_limits, check_tables
from dynaurora.plugins.rules import (
    Finding,
    StatementList,
    Written,
    created_table,
    findings,
)
from dynaurora.plugins.statements import (
    create_statements,
    dialect_of,
    drop_statements,
    insert_statements,
    select_statements,
    statements_of,
)
from dynaurora.plugins.tables import (
    SqlTable,
    check_rows_names,
    column_names_fit,
    sql_tables,
    staged_columns,
)

LISTS: Final[tuple[StatementList, ...]] = (
    "create_table_queries",
    "insert_table_queries",
    "drop_table_queries",
)
NAMES: Final = ("key", "columns", *LISTS, "select_table_queries")
"""Every name that a plugin may define and that means something, beside its Tables."""

_SqlTables = Mapping[int, Sequence[SqlTable]]
"""The SQL tables of each Table, by its identity: equal Tables may stand for different things."""
_Say = Callable[[Sequence[SqlTable], str], list[str]]
_REMOVED_COLUMN: Final = re.compile(r"\bremoved\.(\w+)", re.IGNORECASE)
_DATA: Final = (str, tuple, list, dict)
_ALMOST: Final = 0.8
_MODULE: Final = "_dynaurora_plugin"
_STATEMENT: Final = 'text, {"postgresql": …, "mysql": …} or a Table'


def digest_of(data: bytes) -> str:
    """Another digest is another plugin."""
    return blake2b(data, digest_size=16).hexdigest()


@dataclass(frozen=True, slots=True)
class Reading:
    """A plugin, the statements in it that its author wrote, and the file's bytes."""

    plugin: Plugin
    written: tuple[Written, ...]
    data: bytes


def load_plugin(path: Path, table: str, engine: Engine) -> Plugin:
    """Run a plugin's file and read what it defines.

    Raises ``PluginError`` with the place of the first thing that is wrong, also for a statement
    that a load must not run.
    """
    reading = read_plugin(path, table, engine)
    for written in reading.written:
        for finding in findings(written):
            if finding.is_error:
                raise finding_error(path, reading.data, finding)
    return reading.plugin


def read_plugin(path: Path, table: str, engine: Engine) -> Reading:
    """Run a plugin's file and read what it defines, whatever its statements say."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise PluginError(str(path), f"it cannot be read ({error.strerror})") from error
    namespace = _run(path, data)
    definitions = _Definitions(path, table, engine, namespace)
    try:
        plugin = definitions.plugin(digest_of(data))
        return Reading(plugin, tuple(definitions.written()), data)
    except DeclarationError as error:
        raise _declaration_error(path, data, error, ()) from None


def finding_error(path: Path, data: bytes, finding: Finding) -> PluginError:
    """What is wrong with a statement, with its line and column."""
    from dynaurora.plugins.places import Source, where  # noqa: PLC0415 - only for what is wrong

    place = Source(data).written(finding.written, finding.offset)
    return PluginError(where(path, *place), finding.found, "", finding.remedy)


def _run(path: Path, data: bytes) -> Mapping[str, Any]:
    """Run the file and give its names. Whatever it raises becomes a ``PluginError``."""
    module = ModuleType(_MODULE)
    module.__file__ = str(path)
    sys.modules[_MODULE] = module  # dataclasses and pickle look a class's module up by its name
    try:
        exec(compile(data, str(path), "exec", dont_inherit=True), module.__dict__)  # noqa: S102 - a plugin is code
    except SyntaxError as error:
        raise _syntax_error(path, error) from error
    except DeclarationError as error:
        from dynaurora.plugins.places import raised_at  # noqa: PLC0415 - only for what is wrong

        place = raised_at(path, error.__traceback__)
        raise _declaration_error(path, data, error, place) from error
    except PluginError:
        raise
    except (Exception, SystemExit) as error:
        raise _run_error(path, error) from error
    finally:
        sys.modules.pop(_MODULE, None)
    return module.__dict__


@dataclass(frozen=True, slots=True)
class _Definitions:
    """The names of a plugin's file, read one by one."""

    path: Path
    table: str
    engine: Engine
    namespace: Mapping[str, Any]

    def plugin(self, digest: str) -> Plugin:
        self._check_names()
        tables = self._tables()
        sql = {id(table): self._sql_tables(table) for table in tables}
        every = [one for table in tables for one in sql[id(table)]]
        _no_name_twice(every)
        columns, rows = self._union(tables)
        key = self._key(tables, columns, rows)
        for name, found in rows.items():
            check_rows_names(name, key, found)
        column_names_fit("columns", tuple(columns))
        dialect = dialect_of(self.engine)
        check_limits(dialect, key, columns, rows)
        check_tables(dialect, every)
        return Plugin(
            table=self.table,
            path=self.path,
            digest=digest,
            engine=self.engine,
            key=key,
            columns=columns,
            rows=rows,
            create=tuple(self._list("create_table_queries", sql, create_statements)),
            insert=tuple(self._list("insert_table_queries", sql, insert_statements)),
            drop=tuple(self._list("drop_table_queries", sql, drop_statements)),
            select=self._select(sql),
            tables={one.name: one for one in every},
            sql_tables=self._every_sql_table(every),
            is_row_wise="insert_table_queries" not in self.namespace,
        )

    def _every_sql_table(self, declared: Sequence[SqlTable]) -> tuple[str, ...]:
        own = (w for w in self.written() if w.list == "create_table_queries")
        names = [*(name for one in declared for name in one.names), *map(created_table, own)]
        return tuple(dict.fromkeys(name for name in names if name))

    def _check_names(self) -> None:
        """A misspelt list would say nothing, silently."""
        for name, value in self.namespace.items():
            if name in NAMES or name.startswith("_") or not isinstance(value, _DATA):
                continue
            close = get_close_matches(name, NAMES, n=1, cutoff=_ALMOST)
            if close and close[0] not in self.namespace:
                raise self._error(
                    name, f"{name} means nothing", close[0], "Begin its name with _ if it is yours."
                )

    def _tables(self) -> list[Table]:
        """The Tables in file order; one that only stands in a list comes after those with names."""
        found = [value for value in self.namespace.values() if isinstance(value, Table)]
        for name in LISTS:
            listed = self.namespace.get(name)
            if isinstance(listed, list | tuple):
                found += [value for value in listed if isinstance(value, Table)]
        return list({id(table): table for table in found}.values())

    def _sql_tables(self, table: Table) -> list[SqlTable]:
        dialect, refused = dialect_of(self.engine), statements_of(self.engine).refused_columns
        found = list(sql_tables(table, self.table, dialect))
        for one in found:
            column_names_fit("columns", one.column_names)
            for name in one.column_names:
                if name in refused:
                    raise DeclarationError(
                        f'columns["{name}"]',
                        f"{self.engine} has a column of this name in every table; "
                        f'call it otherwise: "{name}_": ("text", "{name}")',
                    )
        return found

    def _union(self, tables: Sequence[Table]) -> tuple[dict[str, Column], dict[str, Rows]]:
        """What is staged: the plugin's own ``columns`` and those of its Tables."""
        columns: dict[str, Column] = {}
        rows: dict[str, Rows] = {}
        own = normalised_columns(self.namespace.get("columns", {}))
        for declared in (own, *(staged_columns(table, self.table) for table in tables)):
            for name, found in declared.items():
                if isinstance(found, Rows):
                    _same_meaning(name, rows.setdefault(name, _staged_rows(found)), found)
                elif found.sql is None:
                    _same_meaning(name, columns.setdefault(name, _staged(name, found)), found)
                elif declared is own:
                    raise DeclarationError(
                        f'columns["{name}"]',
                        "sql=… is for a Table, which writes the insert; "
                        "here, write the expression into your statement",
                    )
        for name in columns.keys() & rows.keys():
            raise DeclarationError(
                f'columns["{name}"]',
                "it is a column here and rows there; call one of them otherwise",
                is_twice=True,
            )
        return columns, rows

    def _key(
        self, tables: Sequence[Table], columns: Mapping[str, Column], rows: Mapping[str, Rows]
    ) -> tuple[str, ...]:
        keys = [table.key_columns for table in tables]
        if "key" in self.namespace:
            keys.insert(0, self._own_key())
        if not keys:
            if not self.namespace.keys() & set(NAMES):
                raise self._error("", "it declares nothing", "a Table, or key, columns and SQL")
            raise self._error(
                "key", "key is missing", "", f'Add key = "{self._likely_key(columns)}".'
            )
        for other in keys[1:]:
            if other != keys[0]:
                raise DeclarationError(
                    "key", f"it is {_shown(keys[0])} here and {_shown(other)} there; keys agree"
                )
        check_key(keys[0], {**columns, **rows})
        for name in keys[0]:
            steps = columns[name].path or ()
            if len(steps) != 1 or not isinstance(steps[0], Attribute):
                raise DeclarationError(
                    f'columns["{name}"]', "a key of DynamoDB is an attribute, never inside one"
                )
        return keys[0]

    def _likely_key(self, columns: Mapping[str, Column]) -> str:
        """What the statements read of ``removed``, else the first column."""
        texts = [written.text for written in self.written()]
        read = [name for text in texts for name in _REMOVED_COLUMN.findall(text)]
        return next((name for name in read if name in columns), next(iter(columns), "id"))

    def _own_key(self) -> tuple[str, ...]:
        key = self.namespace["key"]
        if isinstance(key, str):
            return (key,)
        if isinstance(key, tuple) and key and all(isinstance(name, str) for name in key):
            return key
        raise self._wrong("key", key, 'a column\'s name, or ("partition", "sort")')

    def written(self) -> Iterator[Written]:
        """The statements of the author's own, for this engine."""
        for name in LISTS:
            if name in self.namespace:
                for number, value in enumerate(self._listed(name)):
                    if not isinstance(value, Table):
                        yield from self._written(name, number, value)
        if "select_table_queries" in self.namespace:
            for query, value in self._queries():
                yield from self._written("select_table_queries", query, value)

    def _list(self, name: StatementList, sql: _SqlTables, say: _Say) -> Iterator[str]:
        """The statements of a list, on this engine; the Tables' own where it is not defined."""
        if name not in self.namespace:
            for tables in reversed(list(sql.values())) if say is drop_statements else sql.values():
                yield from say(tables, self.engine)
            return
        for number, value in enumerate(self._listed(name)):
            if isinstance(value, Table):
                yield from say(sql[id(value)], self.engine)
            else:
                yield from (written.text for written in self._written(name, number, value))

    def _select(self, sql: _SqlTables) -> Mapping[str, str]:
        if "select_table_queries" not in self.namespace:
            return {
                name: statement
                for tables in sql.values()
                for name, statement in select_statements(tables, self.engine).items()
            }
        return {
            name: written.text
            for name, value in self._queries()
            for written in self._written("select_table_queries", name, value)
        }

    def _listed(self, name: StatementList) -> Sequence[object]:
        listed = self.namespace[name]
        if not isinstance(listed, list | tuple):
            raise self._wrong(name, listed, "a list of statements")
        return listed

    def _queries(self) -> Iterator[tuple[str, object]]:
        queries = self.namespace["select_table_queries"]
        if not isinstance(queries, Mapping):
            raise self._wrong("select_table_queries", queries, '{"name of the query": "select …"}')
        for name, value in queries.items():
            if not isinstance(name, str):
                raise self._wrong("a name in select_table_queries", name, "a text")
            yield name, value

    def _written(self, name: StatementList, at: int | str, value: object) -> Iterator[Written]:
        """A statement for this engine; nothing where the engine needs none."""
        if isinstance(value, str):
            yield Written(name, at, value, self.engine)
            return
        place = Written(name, at, "", self.engine).place
        if not isinstance(value, Mapping):
            raise self._wrong(place, value, _STATEMENT)
        for engine in value:
            if engine not in ENGINES:
                known = " and ".join(ENGINES)
                raise self._error(name, f"{place}: {engine!r} is no engine", known)
        if self.engine not in value:
            raise self._error(
                name,
                f'{place} has no "{self.engine}" statement',
                "",
                f"Give one, or None if {self.engine} needs none.",
            )
        statement = value[self.engine]
        if statement is None:
            return
        if not isinstance(statement, str):
            raise self._wrong(place, statement, "a statement, or None")
        yield Written(name, at, statement, self.engine, tuple(value))

    def _wrong(self, place: str, value: object, expected: str) -> PluginError:
        name = next((name for name in NAMES if place.endswith(name) or name in place), place)
        return self._error(name, f"{place} is of type {type(value).__name__}", expected)

    def _error(self, name: str, found: str, expected: str = "", remedy: str = "") -> PluginError:
        """What is wrong with what the file says a name is."""
        from dynaurora.plugins.places import Source, where  # noqa: PLC0415 - only for what is wrong

        at = Source(self.path.read_bytes()).named(name)
        return PluginError(where(self.path, *at), found, expected, remedy)


def _staged(name: str, column: Column) -> Column:
    """A column as far as staging goes: its type and the path of its value."""
    path = (Attribute(name),) if column.path is None else column.path
    return Column(column.type, path)


def _staged_rows(rows: Rows) -> Rows:
    return replace(
        rows,
        columns={n: _staged(n, found) for n, found in rows.columns.items() if found.sql is None},
    )


def _same_meaning(name: str, staged: Column | Rows, found: Column | Rows) -> None:
    new = _staged_rows(found) if isinstance(found, Rows) else _staged(name, found)
    if new != staged:
        raise DeclarationError(
            f'columns["{name}"]',
            "it is declared twice, with different types or paths; call one of them otherwise",
            is_twice=True,
        )


def _no_name_twice(tables: Sequence[SqlTable]) -> None:
    names: set[str] = set()
    for name in (name for table in tables for name in table.names):
        if name in names:
            raise DeclarationError(
                "name", f'two Tables make the SQL table "{name}"; name one otherwise'
            )
        names.add(name)


def _shown(key: tuple[str, ...]) -> str:
    return f'"{key[0]}"' if len(key) == 1 else str(key).replace("'", '"')


def _syntax_error(path: Path, error: SyntaxError) -> PluginError:
    from dynaurora.plugins.places import where  # noqa: PLC0415 - only for what is wrong

    place = [number for number in (error.lineno, error.offset) if number]
    return PluginError(where(path, *place), f"SyntaxError: {error.msg}", "", "Correct it.")


def _declaration_error(
    path: Path, data: bytes, error: DeclarationError, raised: tuple[int, ...]
) -> PluginError:
    from dynaurora.plugins.places import Source, where  # noqa: PLC0415 - see above

    source = Source(data)
    place, at = source.declared(error.place, raised)
    found = f"{_short(place)}: {error.message}" if place else error.message
    if error.is_twice:
        places = [where(Path(path.name), *each) for each in source.declarations(error.place)]
        found += f" ({', '.join(places)})"
    return PluginError(where(path, *at), found)


def _short(place: str) -> str:
    """An attribute's name may have 64 KB, and stand in a place."""
    return place if len(place) <= _SHOWN else f"{place[:_SHOWN]}…"


_SHOWN: Final = 120


def _run_error(path: Path, error: BaseException) -> PluginError:
    from dynaurora.plugins.advice import remedy_for  # noqa: PLC0415 - see above
    from dynaurora.plugins.places import raised_at, where  # noqa: PLC0415 - see above

    said = f": {error}" if str(error) else ""
    return PluginError(
        where(path, *raised_at(path, error.__traceback__)),
        f"{type(error).__name__}{said}",
        "",
        remedy_for(error),
    )
