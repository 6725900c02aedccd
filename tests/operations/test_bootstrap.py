"""What an administrator makes for the load is enough for its work, and for nothing else."""

import json
from itertools import count
from urllib.parse import quote, unquote, urlsplit

import pytest

from dynaurora.adapters.access import Login
from dynaurora.adapters.bootstrap import bootstrap
from dynaurora.adapters.database import Database
from dynaurora.elsewhere import preview_prefix
from dynaurora.errors import DatabaseError, SettingsError
from dynaurora.settings import DatabaseSettings
from support.handlers import LOAD, Context, environment_of, imported
from support.items import WITH_HISTORY, WITH_ROWS, WITH_SUM, put
from support.load import LoadMachine

PASSWORD = 'it\'s \\ 100% "secret"'

pytestmark = pytest.mark.each_engine

_numbers = count(1)


class Server:
    """The server, its administrator, and a load's user that it does not have yet."""

    def __init__(self, server):
        self.server = server
        parts = urlsplit(server.url)
        self.user = f"load_of_{next(_numbers)}"
        self.admin = Login(unquote(parts.username or ""), unquote(parts.password or ""))
        place = parts.netloc.rpartition("@")[2]
        netloc = f"{self.user}:{quote(PASSWORD, safe='')}@{place}"
        self.url = parts._replace(netloc=netloc).geturl()
        self.name = parts.path[1:]

    def settings(self, **given):
        return DatabaseSettings(self.url, "", "dynaurora", **given)

    def bootstrap(self, **given):
        settings = self.settings()
        database = Database(settings)
        try:
            return bootstrap(database, settings, self.admin, **given)
        finally:
            database.close()

    def remove(self):
        if self.server.engine == "postgresql":
            if self.server.execute(f"select 1 from pg_roles where rolname = '{self.user}'"):
                self.server.execute(f"drop owned by {self.user} cascade")
                self.server.execute(f"drop role {self.user}")
        else:
            self.server.execute(f"drop user if exists {self.user}@'%'")


@pytest.fixture
def anew(server):
    found = Server(server)
    yield found
    found.remove()


@pytest.fixture
def loader(anew, tmp_path):
    """A worker that is the load's user."""
    anew.bootstrap()
    with LoadMachine(anew.url, tmp_path) as machine:
        yield machine


@pytest.mark.parametrize("plugin", [WITH_ROWS, WITH_SUM, WITH_HISTORY])
def test_after_it_the_loads_user_makes_loads_and_drops_a_table(loader, plugin):
    loader.plugin("items", plugin)
    loader.load_lines("items", put(1, "a", v="x", g="x", n=1), put(1, "b", v="y", g="y", n=1))
    assert loader.rows("select id from items order by id") == [("a",), ("b",)]
    loader.drop("items")
    assert loader.state("items")[0] == "dropped"


def test_it_signs_in_with_its_password(anew, loader):
    who = {"postgresql": "select current_user", "mysql": "select substring_index(user(), '@', 1)"}
    assert loader.rows(who[anew.server.engine]) == [(anew.user,)]


def test_the_loads_user_cannot_read_what_is_somebody_elses(anew, loader):
    other = f"other_{anew.user}"
    kind = {"postgresql": "schema", "mysql": "database"}[anew.server.engine]
    anew.server.execute(f"create {kind} {other}")
    try:
        anew.server.execute(f"create table {other}.salaries (amount integer)")
        for statement in (
            f"select * from {other}.salaries",
            f"insert into {other}.salaries values (1)",
            f"drop table {other}.salaries",
            f"create table {other}.more (n integer)",
            "create role another" if kind == "schema" else "create user another",
        ):
            with pytest.raises(DatabaseError):
                loader.rows(statement)
    finally:
        cascade = " cascade" if kind == "schema" else ""
        anew.server.execute(f"drop {kind} {other}{cascade}")


def test_doing_it_again_changes_nothing(anew, loader):
    loader.plugin("items", WITH_ROWS)
    loader.load_lines("items", put(1, "a", v="x"))
    assert anew.bootstrap() == {"user": anew.user, "is_new": False, "iam": False, "is_owner": True}
    loader.load_lines("items", put(1, "b", v="y"))
    assert loader.rows("select id from items order by id") == [("a",), ("b",)]


@pytest.mark.engines("mysql")
def test_it_may_make_what_a_preview_drops_again_and_nothing_that_is_called_alike(anew, loader):
    """In the name of a grant "_" stands for any letter, unless it is escaped."""
    made = f"{preview_prefix(anew.name)}0123abcd"
    loader.rows(f"create database {made}")
    loader.rows(f"drop database {made}")
    with pytest.raises(DatabaseError):
        loader.rows(f"create database {anew.name.replace('_', 'x')}")


@pytest.mark.engines("postgresql")
def test_the_tables_may_have_a_schema_of_their_own(anew, tmp_path):
    anew.bootstrap(tables_schema="Shop")
    with LoadMachine(anew.url, tmp_path) as machine:
        machine.plugin("items", WITH_ROWS)
        machine.load_lines("items", put(1, "a", v="x"))
    assert anew.server.execute('select id from "Shop".items') == [("a",)]


OWNER = "select nspowner::regrole::text from pg_namespace where nspname = '{}'"


@pytest.mark.engines("postgresql")
@pytest.mark.parametrize("schema", ["public", "Shop"])
def test_it_owns_the_schemas_of_its_tables_and_of_its_metadata(anew, schema):
    assert anew.bootstrap(tables_schema=schema)["is_owner"]
    for name in (schema, "dynaurora"):
        assert anew.server.execute(OWNER.format(name)) == [(anew.user,)]


@pytest.mark.engines("postgresql")
@pytest.mark.parametrize(
    "thing",
    ["table salaries (n int)", "function f() returns int return 1", "type colour as enum ('red')"],
)
def test_a_schema_in_which_others_have_something_stays_theirs(anew, tmp_path, thing):
    anew.server.execute(f"create {thing}")
    assert not anew.bootstrap()["is_owner"]
    assert anew.server.execute(OWNER.format("public")) == [("pg_database_owner",)]
    with LoadMachine(anew.url, tmp_path) as machine:
        machine.plugin("items", WITH_ROWS)
        machine.load_lines("items", put(1, "a", v="x"))
        assert machine.rows("select id from items") == [("a",)]
        with pytest.raises(DatabaseError):
            machine.rows(f"drop {' '.join(thing.split()[:2]).removesuffix('()')}")


@pytest.mark.engines("postgresql")
def test_an_administrator_who_is_no_superuser_hands_over_and_keeps_no_way_in(anew, tmp_path):
    """As RDS's is: https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/UsingWithRDS.MasterAccounts.html"""
    name = f"admin_of_{anew.user}"
    anew.server.execute(f"create role {name} login createrole password 'secret'")
    try:
        anew.server.execute(f"alter database {anew.name} owner to {name}")
        anew.admin = Login(name, "secret")
        for is_new in (True, False):
            told = anew.bootstrap(tables_schema="shop")
            assert (told["is_new"], told["is_owner"]) == (is_new, True)
        with LoadMachine(anew.url, tmp_path) as machine:
            machine.plugin("items", WITH_ROWS)
            machine.load_lines("items", put(1, "a", v="x"))
        has = f"select pg_has_role('{name}', '{anew.user}', 'usage')"
        assert anew.server.execute(has) == [(False,)]
        with pytest.raises(DatabaseError, match="pg_shop"):
            anew.bootstrap(tables_schema="pg_shop")
        assert anew.server.execute(has) == [(False,)]
        assert anew.server.execute(f"select has_schema_privilege('{name}', 'shop', 'usage')") == [
            (False,)
        ]
    finally:
        anew.remove()
        anew.server.execute(f"alter database {anew.name} owner to current_user")
        anew.server.execute(f"drop owned by {name} cascade")
        anew.server.execute(f"drop role {name}")


def test_the_administrator_cannot_be_the_loads_user(anew):
    settings = DatabaseSettings(anew.server.url, "", "dynaurora")
    with pytest.raises(SettingsError, match="is the administrator"):
        bootstrap(Database(settings), settings, anew.admin)


def test_iam_on_a_server_that_does_not_know_it_is_told(anew):
    settings = anew.settings(is_iam=True)
    local = Database(DatabaseSettings(anew.url, "", "dynaurora"))
    with pytest.raises(SettingsError, match="does not know IAM"):
        bootstrap(local, settings, anew.admin)


def test_who_cannot_prove_who_it_is_cannot_sign_in(anew):
    """The user is made before it is known whether it will have a password."""
    nobody = anew.url.replace(f":{quote(PASSWORD, safe='')}@", "@")
    settings = DatabaseSettings(nobody, "", "dynaurora")
    with pytest.raises(SettingsError, match="has no password"):
        bootstrap(Database(settings), settings, anew.admin)
    with pytest.raises(DatabaseError):
        Database(settings).session().__enter__()


@pytest.mark.engines("postgresql")
def test_iam_vouches_for_the_user_where_the_server_knows_it(anew):
    local = Database(DatabaseSettings(anew.url, "", "dynaurora"))
    anew.server.execute("create role rds_iam")
    try:
        told = bootstrap(local, anew.settings(is_iam=True), anew.admin)
        local.close()
        assert told["iam"]
        assert anew.server.execute(f"select pg_has_role('{anew.user}', 'rds_iam', 'member')") == [
            (True,)
        ]
    finally:
        anew.server.execute("drop role rds_iam")


def test_the_load_lambda_does_it_when_it_is_asked(anew, aws, monkeypatch, capsys):
    """Its own secret says who it is; the administrator comes with the request, and is forgotten."""
    given = {"username": anew.user, "password": PASSWORD}
    arn = aws.client("secretsmanager").create_secret(
        Name=anew.user, SecretString=json.dumps(given)
    )["ARN"]
    module = imported(
        LOAD,
        monkeypatch,
        **environment_of(aws),
        DYNAURORA_DATABASE_URL=anew.server.url,
        DYNAURORA_DATABASE_SECRET_ARN=arn,
        DYNAURORA_RAW_BUCKET="raw",
        DYNAURORA_BACKUP_BUCKET="backup",
    )

    def asked(**request):
        return module.lambda_handler({"dynaurora": request}, Context())

    admin = {"username": anew.admin.user, "password": anew.admin.password}
    told = asked(command="bootstrap")
    assert told["error"]["kind"] == "SettingsError"
    told = asked(command="bootstrap", admin=admin)
    assert told == {"user": anew.user, "is_new": True, "iam": False, "is_owner": True}
    assert asked(command="gaps list") == {"gaps": []}
    module.DATABASE.close()
    assert PASSWORD not in capsys.readouterr().out
