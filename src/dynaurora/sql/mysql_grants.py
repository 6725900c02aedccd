"""What SHOW GRANTS answers: which rights a session has on a database.

Without FOR it tells of the user and of the roles that are active, which is what counts, and it asks
for no right. MySQL adds the roles' rights to the user's statements; MariaDB tells them beside.
https://dev.mysql.com/doc/refman/8.0/en/show-grants.html, https://mariadb.com/kb/en/show-grants/
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

_NAME: Final = r'`(?:[^`]|``)*`|"(?:[^"]|"")*"'
_STATEMENT: Final = re.compile(rf"(GRANT|REVOKE) ([A-Z_ ,]+) ON (\*|{_NAME})\.\* (?:TO|FROM) ")
"""One on a table or a routine is none on the tables that are made later."""
_ALL: Final = "ALL PRIVILEGES"
_WILD: Final = re.compile(r"\\(.)|([%_])", re.DOTALL)

Rights = frozenset[str]


@dataclass(frozen=True, slots=True)
class Grants:
    """Rights in capitals, ``ALL PRIVILEGES`` among them.

    everywhere: on all databases. on: by the pattern of their names.
    but: what is taken back from ``everywhere`` again, by the name of the database.
    has_wildcards: "%" and "_" stand for letters, and a backslash escapes them. With MySQL's
        partial_revokes a name is taken as it is written, backslashes and all.
    ignores_case: of the names of databases.
    """

    everywhere: Rights
    on: Mapping[str, Rights]
    but: Mapping[str, Rights]
    has_wildcards: bool = True
    ignores_case: bool = False

    def missing(self, rights: Sequence[str], database: str) -> list[str]:
        """Those that no statement gives."""
        matching = [self.on[pattern] for pattern in self._matching(database)]
        return [
            right
            for right in rights
            if not self._is_everywhere(right, database)
            and not any(_has(some, right) for some in matching)
        ]

    def unsure(self, rights: Sequence[str], database: str) -> list[str]:
        """Those that only some of several matching statements give: the server takes one of them.

        The one without a wildcard, where there is one; of the others it is not said which.
        https://dev.mysql.com/doc/refman/8.0/en/request-access.html
        """
        patterns = self._matching(database)
        exact = [pattern for pattern in patterns if not self._is_wild(pattern)]
        counted = [self.on[pattern] for pattern in exact or patterns]
        missing = self.missing(rights, database)
        return [
            right
            for right in rights
            if right not in missing
            and not self._is_everywhere(right, database)
            and not all(_has(some, right) for some in counted)
        ]

    def _is_everywhere(self, right: str, database: str) -> bool:
        """https://dev.mysql.com/doc/refman/8.0/en/partial-revokes.html"""
        return _has(self.everywhere, right) and not _has(self.but.get(database, ()), right)

    def _matching(self, database: str) -> list[str]:
        flags = re.DOTALL | (re.IGNORECASE if self.ignores_case else 0)
        return [each for each in self.on if re.fullmatch(self._expression(each), database, flags)]

    def _expression(self, pattern: str) -> str:
        """https://dev.mysql.com/doc/refman/8.0/en/grant.html#grant-quoting"""
        if not self.has_wildcards:
            return re.escape(pattern)
        found, end = "", 0
        for each in _WILD.finditer(pattern):
            wild = {"%": ".*", "_": "."}.get(each[2] or "")
            found += re.escape(pattern[end : each.start()]) + (wild or re.escape(each[1]))
            end = each.end()
        return found + re.escape(pattern[end:])

    def _is_wild(self, pattern: str) -> bool:
        return self.has_wildcards and any(each[2] for each in _WILD.finditer(pattern))


def grants_in(
    statements: Iterable[str], *, has_wildcards: bool = True, ignores_case: bool = False
) -> Grants:
    """What these statements give, and take back."""
    given: dict[str, Rights] = {}
    but: dict[str, Rights] = {}
    everywhere: Rights = frozenset()
    for statement in statements:
        found = _STATEMENT.match(statement)
        if found is None:
            continue
        rights = frozenset(found[2].split(", "))
        if found[3] == "*" and found[1] == "GRANT":
            everywhere |= rights
        elif found[3] == "*":
            everywhere -= rights
        else:
            to, name = (given if found[1] == "GRANT" else but), plain_name(found[3])
            to[name] = to.get(name, frozenset()) | rights
    return Grants(everywhere, given, but, has_wildcards, ignores_case)


def plain_name(name: str) -> str:
    """A name without its quotes."""
    quote = name[:1]
    return name[1:-1].replace(quote * 2, quote) if quote in ('"', "`") else name


def _has(rights: Collection[str], right: str) -> bool:
    return right in rights or _ALL in rights
