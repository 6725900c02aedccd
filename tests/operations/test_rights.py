"""What the load's user lacks on MySQL is told, and only that."""

import re
from contextlib import contextmanager
from itertools import count
from urllib.parse import urlsplit

import pytest

from dynaurora.adapters.database import Database
from dynaurora.elsewhere import preview_prefix
from dynaurora.errors import DatabaseError
from dynaurora.operations.bootstrap import RIGHTS, pattern_of, preview_pattern
from dynaurora.operations.desk import DatabaseDesk
from dynaurora.operations.server import describe_server
from dynaurora.settings import DatabaseSettings
from dynaurora.sql.mysql_grants import grants_in

pytestmark = pytest.mark.engines("mysql")

ALL = tuple(RIGHTS.split(", "))
NOTHING = {"lacks": [], "previews_lack": [], "unsure": []}
_numbers = count(1)


class Someone:
    """A user of the server, and what is granted to it."""

    def __init__(self, server):
        self.server = server
        self.name = f"someone_{next(_numbers)}"
        self.role = f"{self.name}_s"
        self.here = urlsplit(server.url).path[1:]
        self.places = {
            "tables": pattern_of(self.here),
            "metadata": pattern_of("dynaurora"),
            "previews": preview_pattern(self.here),
        }
        server.execute(f"create user {self.name}@localhost identified by 'x'")
        server.execute(f"create role {self.role}")

    def may(self, place, rights=RIGHTS, *, to=""):
        on = self.places.get(place, place)
        self.server.execute(f"grant {rights} on {on}.* to {to or f'{self.name}@localhost'}")

    def may_all(self, *, but=""):
        for place in self.places:
            if place != but:
                self.may(place)

    @contextmanager
    def session(self):
        parts = urlsplit(self.server.url)
        url = parts._replace(netloc=f"{self.name}:x@{parts.hostname or ''}").geturl()
        database = Database(DatabaseSettings(url, "", "dynaurora"))
        try:
            with database.session() as engine:
                yield engine
        finally:
            database.close()

    def told(self):
        with self.session() as engine:
            facts = describe_server(DatabaseDesk(engine, None))
        return {name: facts[name] for name in NOTHING}

    def remove(self):
        self.server.execute(f"drop user {self.name}@localhost")
        self.server.execute(f"drop role {self.role}")


@pytest.fixture
def someone(server):
    found = Someone(server)
    yield found
    found.remove()


def told_of(place, rights, someone):
    return [f"{', '.join(right.upper() for right in rights)} on {someone.places[place]}.*"]


def test_who_has_what_an_administrator_gives_lacks_nothing(someone):
    someone.may_all()
    assert someone.told() == NOTHING


@pytest.mark.parametrize("right", ALL)
def test_one_right_that_is_missing_is_told_with_its_place(someone, right):
    someone.may_all(but="tables")
    someone.may("tables", ", ".join(each for each in ALL if each != right))
    assert someone.told() == NOTHING | {"lacks": told_of("tables", [right], someone)}


def test_without_the_databases_of_the_metadata_or_of_previews_it_is_told(someone):
    someone.may("tables")
    assert someone.told() == NOTHING | {
        "lacks": told_of("metadata", ALL, someone),
        "previews_lack": told_of("previews", ALL, someone),
    }


@pytest.mark.parametrize("rights", ["all", RIGHTS])
def test_rights_on_all_databases_are_enough(someone, rights):
    someone.may("*", rights)
    assert someone.told() == NOTHING


def test_all_privileges_on_each_database_are_enough(someone):
    for place in someone.places:
        someone.may(place, "all")
    assert someone.told() == NOTHING


def test_what_is_granted_on_a_table_does_not_count(someone):
    someone.may_all(but="tables")
    someone.may("tables", ", ".join(ALL[1:]))
    someone.server.execute(f"create table {someone.here}.t (id integer)")
    someone.server.execute(f"grant select on {someone.here}.t to {someone.name}@localhost")
    assert someone.told()["lacks"] == told_of("tables", ["select"], someone)


def test_a_pattern_counts_for_what_it_matches_alone(someone):
    """`_` stands for any letter, and so for itself; escaped, it stands for itself alone."""
    someone.may("metadata")
    someone.may(f"`{someone.here}%`", "all")
    assert someone.told() == NOTHING
    someone.server.execute(f"revoke all on `{someone.here}%`.* from {someone.name}@localhost")
    someone.may(f"`{someone.here.replace('_', '%')}`", "all")
    assert someone.told()["lacks"] == []
    assert someone.told()["previews_lack"] == told_of("previews", ALL, someone)


def test_a_right_through_a_role_counts_while_the_role_is_active(someone):
    someone.may_all(but="metadata")
    someone.may("metadata", to=someone.role)
    someone.server.execute(f"grant {someone.role} to {someone.name}@localhost")
    assert someone.told() == NOTHING | {"lacks": told_of("metadata", ALL, someone)}
    someone.server.execute(default_role(someone))
    assert someone.told() == NOTHING


def default_role(someone):
    ((version,),) = someone.server.execute("select version()")
    to = "for" if "MariaDB" in version else "to"
    return f"set default role {someone.role} {to} {someone.name}@localhost"


def test_where_two_grants_match_the_one_of_the_name_itself_counts(someone):
    someone.may_all()
    someone.may(f"`{someone.here}%`", "select")
    assert someone.told() == NOTHING | {
        "unsure": told_of("previews", ALL[1:], someone),
    }


def test_what_only_a_wider_grant_gives_is_not_said_to_be_there(someone):
    """Here the server goes by the grant of the name itself, and refuses."""
    someone.may_all(but="tables")
    someone.may("tables", ", ".join(ALL[1:]))
    someone.may(f"`{someone.here[:-1]}%`")
    assert someone.told()["unsure"][0] == told_of("tables", ["select"], someone)[0]
    someone.server.execute(f"create table {someone.here}.t (id integer)")
    with someone.session() as engine, pytest.raises(DatabaseError, match="denied"):
        engine.connection.fetch("select id from t")


def test_what_is_told_is_what_the_server_refuses(someone):
    someone.may_all(but="previews")
    someone.may("previews", "select")
    made = f"{preview_prefix(someone.here)}0123abcd"
    (lacked,) = someone.told()["previews_lack"]
    assert re.search(r"\bCREATE,", lacked)
    with someone.session() as engine, pytest.raises(DatabaseError, match="denied"):
        engine.connection.execute(f"create database {made}")


def test_a_server_that_does_not_tell_is_said_not_to(someone):
    someone.may_all()
    with someone.session() as engine:
        asked = DatabaseDesk(engine, None)
        engine.connection.fetch = refusing(engine.connection.fetch)
        facts = describe_server(asked)
    assert facts["lacks"] is None
    assert "skip-grant-tables" in facts["untold"]


def refusing(fetch):
    """As a server answers that runs without grants; ours cannot be started so."""

    def found(statement, parameters=()):
        if statement == "show grants":
            raise DatabaseError(
                "show grants", "The server is running with the --skip-grant-tables option"
            )
        return fetch(statement, parameters)

    return found


def test_with_partial_revokes_a_grant_without_wildcards_is_asked_for(someone):
    if not someone.server.execute("show variables like 'partial_revokes'"):
        pytest.skip("MySQL alone has partial_revokes")
    someone.may_all(but="tables")
    someone.may(f"`{someone.here}`")
    someone.server.execute("set global partial_revokes = on")
    try:
        told = someone.told()
        with someone.session() as engine, pytest.raises(DatabaseError, match="denied"):
            engine.connection.execute(f"create database {preview_prefix(someone.here)}0")
    finally:
        someone.server.execute("set global partial_revokes = off")
    assert told["lacks"] == []
    assert told["previews_lack"] == [f"{RIGHTS.upper()} on *.*"]


# --- as they are written: what no server here answers -------------------------------------------


def test_what_is_taken_back_from_all_databases_is_missing_there():
    """MySQL with partial_revokes."""
    grants = grants_in(
        [
            "GRANT SELECT, INSERT ON *.* TO `u`@`%`",
            'REVOKE INSERT ON "shop".* FROM "u"@"%"',
            "GRANT ROLE_ADMIN ON *.* TO `u`@`%`",
        ],
        has_wildcards=False,
    )
    assert grants.missing(["SELECT", "INSERT"], "shop") == ["INSERT"]
    assert grants.missing(["SELECT", "INSERT"], "other") == []


def test_with_partial_revokes_a_name_is_as_it_is_written():
    """As MySQL 9.7 has it: it refuses what is granted on a name with an escaped letter."""
    grants = grants_in(
        [r"GRANT SELECT ON `shop\_a`.* TO `u`@`%`", "GRANT SELECT ON `a_b`.* TO `u`@`%`"],
        has_wildcards=False,
    )
    assert grants.missing(["SELECT"], "shop_a") == ["SELECT"]
    assert grants.missing(["SELECT"], "a_b") == []
    assert grants.missing(["SELECT"], "axb") == ["SELECT"]


@pytest.mark.parametrize(("ignores_case", "missing"), [(True, []), (False, ["SELECT"])])
def test_names_are_compared_as_the_server_does(ignores_case, missing):
    grants = grants_in(["GRANT SELECT ON `Shop`.* TO `u`@`%`"], ignores_case=ignores_case)
    assert grants.missing(["SELECT"], "shop") == missing


def test_a_name_may_hold_quotes_and_words_of_a_grant():
    grants = grants_in(["GRANT SELECT ON `a``b TO ```.* TO `u`@`%`"])
    assert grants.missing(["SELECT"], "a`b TO `") == []
