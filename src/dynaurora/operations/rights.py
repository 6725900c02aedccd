"""The rights that the load's user lacks on MySQL, of those that an administrator gives it.

They are read from the user's own grants. A database that is not there yet counts, too: a load makes
that of the metadata, and a check or a preview makes one of its own.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from dynaurora.elsewhere import preview_names
from dynaurora.errors import DatabaseAway, DatabaseError
from dynaurora.operations.bootstrap import RIGHTS, pattern_of, preview_pattern
from dynaurora.operations.desk import Desk, Facts
from dynaurora.sql.mysql_grants import Grants, grants_in, plain_name

_RIGHTS: Final = tuple(RIGHTS.upper().split(", "))


@dataclass(frozen=True, slots=True)
class _Place:
    """A database of the load, or what its own of a check or a preview may be called."""

    pattern: str
    names: tuple[str, ...]

    def missing(self, grants: Grants) -> Iterator[str]:
        yield from self._told(each for name in self.names for each in grants.missing(_RIGHTS, name))

    def unsure(self, grants: Grants) -> Iterator[str]:
        yield from self._told(each for name in self.names for each in grants.unsure(_RIGHTS, name))

    def _told(self, rights: Iterable[str]) -> Iterator[str]:
        if found := dict.fromkeys(rights):
            yield f"{', '.join(found)} on {self.pattern}.*"


def lacking(desk: Desk) -> Facts:
    """What a load would miss; None where the server does not tell, and ``untold`` says why.

    previews_lack: what a check and a preview would miss. unsure: what one grant gives, and another
    that matches, too, does not.
    """
    connection, queries = desk.engine.connection, desk.engine.queries
    try:
        told = [statement for (statement,) in connection.fetch(queries["grants"])]
        variables = dict(connection.fetch(queries["grant_variables"]))
    except DatabaseAway:
        raise
    except DatabaseError as error:
        return {"lacks": None, "previews_lack": [], "unsure": [], "untold": error.found}
    grants = grants_in(
        told,
        has_wildcards=variables.get("partial_revokes") != "ON",
        ignores_case=variables["lower_case_table_names"] != "0",
    )
    ((here,),) = connection.fetch(queries["here"])
    named = pattern_of if grants.has_wildcards else desk.engine.dialect.quoted
    loads = [_Place(named(name), (name,)) for name in (here, plain_name(queries.schema))]
    pattern = preview_pattern(here) if grants.has_wildcards else "*"
    previews = _Place(pattern, preview_names(here))
    return {
        "lacks": [each for place in loads for each in place.missing(grants)],
        "previews_lack": list(previews.missing(grants)),
        "unsure": [each for place in (*loads, previews) for each in place.unsure(grants)],
    }
