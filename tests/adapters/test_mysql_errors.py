"""What each number means for a load (`dynaurora.sql.mysql_errors`), by what servers answer."""

from pathlib import Path

import pytest

from dynaurora.adapters import mysql
from dynaurora.errors import DatabaseAway, DatabaseError, RowRefused, StatementRefused

pytestmark = pytest.mark.engines("mysql")

TABLES = (
    """create table t (
         id int primary key, v varchar(5), n tinyint, u int unsigned, d date, j json, g geometry,
         e enum('a', 'b'), c int check (c <> 7))""",
    "insert into t (id) values (100), (101)",
    "create index first on t (id)",
    "create view low as select id from t where id < 1000 with check option",
    "create view counted as select count(*) as n from t",
    "create table parents (id varchar(20) primary key)",
    "create table children (id varchar(20) primary key, foreign key (id) references parents (id))",
    "insert into parents values ('p')",
    "insert into children values ('p')",
    "create table parted (n int) partition by range (n) (partition p values less than (5))",
    "create table made (id int primary key, g int generated always as (id + 1) stored)",
    "create table busy (id int primary key)",
    "create trigger b before insert on busy for each row update busy set id = 1",
    "create table sequence (n int primary key)",
    """insert into sequence
       with recursive r as (select 1 as n union all select n + 1 from r where n < 1000)
       select n from r""",
)
CLASSES = {"row": RowRefused, "statement": StatementRefused, "outage": DatabaseAway}


def cases():
    text = (Path(__file__).parent / "mysql_errors.txt").read_text()
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [[cell.strip() for cell in line.split("|", 3)] for line in lines]


@pytest.fixture
def answer(server):
    """Runs a statement on a session of its own; the error that it is answered with."""

    def found(text):
        *before, statement = text.split("; ")
        session = mysql.connect(server.url)
        try:
            session.execute("create temporary table s (id int)")
            for each in before:
                session.execute(each)
            session.fetch(statement)
        except DatabaseError as error:
            return error
        finally:
            session.close()
        return None

    for statement in TABLES:
        server.execute(statement)
    return found


def test_what_a_server_answers_has_its_class(server, answer):
    is_mariadb = "MariaDB" in server.execute("select version()")[0][0]
    wrong = []
    for kind, of_mysql, of_mariadb, statement in cases():
        number = of_mariadb if is_mariadb else of_mysql
        if number == "-":
            continue
        error = answer(statement)
        found = (error.code, type(error)) if error else None
        if found != (number, CLASSES[kind]):
            wrong.append((statement, found, (number, kind)))
    assert wrong == []
