"""Copies: what a load of a plugin would meet, made elsewhere (`dynaurora.elsewhere`).

    the plugin's own tables          as they are, with triggers and foreign keys
    tables tied to them              by a foreign key: the parents, and what stands upon them
    tables that statements name      as they are, without foreign keys; one with very many rows is
                                     seen through a view that nothing can be written to
    the plugin's own views, and the functions that are named

Of a declared table that loads row by row only the rows of the items concerned are copied, of every
other all, up to a bound: more is refused, because it would take long. One that is to be altered is
copied whole as well, if it is not larger: other rows may be in the way.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from dynaurora.elsewhere import Elsewhere, without_definer
from dynaurora.errors import ProjectError
from dynaurora.plugins.contract import Plugin
from dynaurora.sql.queries import Queries

MOST_COPIED: Final = 100_000
"""Rows of a table that is copied whole: some seconds."""

_MODE: Final = "NO_AUTO_VALUE_ON_ZERO"
"""What is there is taken as it is, also what a load could not write."""


@dataclass(frozen=True, slots=True)
class _Trigger:
    name: str
    table: str
    timing: str
    event: str
    statement: str
    mode: str


@dataclass(slots=True)
class Copies:
    """The copies for one plugin. said: the statements of a preview. is_altered: whether the load
    would alter tables first."""

    place: Elsewhere
    plugin: Plugin
    said: Queries
    is_altered: bool
    _filled: list[str] = field(default_factory=list)
    _triggers: Sequence[_Trigger] = ()

    def make(self) -> None:
        """Make tables, views and functions; nothing has rows yet."""
        tables = self.place.tables()
        own = {name.lower() for name in self.plugin.sql_tables}
        mine = [name for name in tables if name.lower() in own]
        tied = self._tied([name for name in mine if not tables[name]])
        named, self._triggers = self._named([*mine, *tied])
        views = [name for name in mine if tables[name]]
        self._make_whole([*(name for name in mine if not tables[name]), *tied])
        for name in tables:
            if name.lower() in named and name not in mine and name not in tied:
                self._make_other(name, is_view=tables[name])
        self.place.copy_functions(named)
        for text in self._shown("show_view", views):
            self.place.connection.execute(without_definer(text))

    def fill(self) -> None:
        """Copy the rows, in a transaction: those of the items are in ``_items``."""
        run = self.place.connection.execute
        run(self.said["foreign_keys_unchecked"])
        try:
            with self.place.mode(_MODE):
                for name in self._filled:
                    run(self._copy_rows(name))
        finally:
            run(self.said["foreign_keys_checked"])

    def finish(self) -> None:
        """Make the triggers, which the copying was not to wake."""
        quoted = self.place.dialect.quoted
        made = {name.lower() for name in self._filled}
        for each in self._triggers:
            if each.table.lower() in made:
                self.place.make(
                    f"the trigger {each.name}",
                    f"create trigger {quoted(each.name)} {each.timing} {each.event} "
                    f"on {quoted(each.table)} for each row {each.statement}",
                    each.mode,
                )

    def _tied(self, tables: Sequence[str]) -> list[str]:
        """The parents of these tables, and everything that stands upon them."""
        found = self.place.connection.fetch(self.said["foreign_keys"], [self.place.here])
        tied = [parent for table, parent in found if table in tables]
        upon = list(tables)
        for each in upon:
            upon += [table for table, parent in found if parent == each and table not in upon]
        return [name for name in dict.fromkeys([*tied, *upon]) if name not in tables]

    def _named(self, tables: Sequence[str]) -> tuple[frozenset[str], list[_Trigger]]:
        """What the statements name, those of triggers, too; and the triggers."""
        rows = self.place.connection.fetch(self.said["triggers"], [self.place.here])
        triggers = [_Trigger(*row) for row in rows]
        named = self.place.named([*self.plugin.create, *self.plugin.insert])
        while True:
            known = named.union(name.lower() for name in tables)
            woken = [each for each in triggers if each.table.lower() in known]
            found = named | self.place.named(each.statement for each in woken)
            if found == named:
                return named, woken
            named = found

    def _make_whole(self, names: Sequence[str]) -> None:
        """With their foreign keys; in the mode in which the server has told of them."""
        run = self.place.connection.execute
        with self.place.mode(_MODE):
            texts = self._shown("show_table", names)
            run(self.said["foreign_keys_unchecked"])
            try:
                for text in texts:
                    run(text)
            finally:
                run(self.said["foreign_keys_checked"])
        for name in names:
            if not self._is_by_items(name) and self._has_more(name):
                raise ProjectError(
                    f"SQL table {name}",
                    f"it has more than {MOST_COPIED:,} rows",
                    "fewer, because a preview on MySQL copies them",
                    "Preview with --scratch on an empty server, or with --database on a smaller "
                    "copy.",
                )
            self._filled.append(name)

    def _make_other(self, name: str, *, is_view: bool) -> None:
        if is_view or self._has_more(name):
            self.place.run("make_view", name)
        else:
            self.place.run("make_like", name)
            self._filled.append(name)

    def _shown(self, statement: str, names: Sequence[str]) -> list[str]:
        """What makes these, as it is shown in their own database: without its name."""
        if not names:
            return []
        fetch = self.place.connection.fetch
        self.place.run("go_back")
        try:
            return [fetch(self.place.filled(self.said[statement], name))[0][1] for name in names]
        finally:
            self.place.run("go_there")

    def _has_more(self, name: str) -> bool:
        ((found,),) = self.place.connection.fetch(self._with(name, self.said["has_more"]))
        return bool(found)

    def _is_by_items(self, name: str) -> bool:
        if not self.plugin.is_row_wise or name not in self.plugin.tables:
            return False
        key = {column.lower() for column in self.plugin.key}
        columns = {column.lower() for column in self._columns(name)}
        return key <= columns and (not self.is_altered or self._has_more(name))

    def _columns(self, name: str) -> list[str]:
        parameters = [self.place.here, name]
        rows = self.place.connection.fetch(self.said["stored_columns"], parameters)
        return [column for (column,) in rows]

    def _copy_rows(self, name: str) -> str:
        quoted = self.place.dialect.quoted
        columns = [quoted(column) for column in self._columns(name)]
        key = [quoted(column) for column in self.plugin.key]
        is_by_items = self._is_by_items(name)
        statement = self.said["copy_rows_of_items" if is_by_items else "copy_rows_of_all"]
        return self._with(
            name,
            statement,
            columns=", ".join(columns),
            of_table=", ".join(f"t.{column}" for column in columns),
            key=", ".join(key),
            same=" and ".join(f"t.{column} = i.{column}" for column in key),
        )

    def _with(self, name: str, statement: str, **places: str) -> str:
        found: Mapping[str, str] = {
            "most": str(MOST_COPIED),
            "more": str(MOST_COPIED + 1),
            **places,
        }
        for place, text in found.items():
            statement = statement.replace(f"{{{place}}}", text)
        return self.place.filled(statement, name)
