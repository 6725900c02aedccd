"""Several statements in one round trip: as if they were run one by one."""

import pytest

from dynaurora.adapters import mysql, postgresql
from dynaurora.errors import DatabaseAway, RowRefused, StatementRefused

pytestmark = pytest.mark.each_engine

CONNECT = {"postgresql": postgresql.connect, "mysql": mysql.connect}


@pytest.fixture
def connection(server):
    found = CONNECT[server.engine](server.url)
    found.execute("create table t (n int primary key check (n <> 3))")
    yield found
    found.close()


def test_each_tells_how_many_rows_it_touched(connection):
    with connection.transaction():
        assert connection.execute_all(
            [
                "insert into t values (1), (2)",
                "savepoint s",
                "update t set n = n + 10 -- % {} ; a comment",
                "select n from t",
                "delete from t where n = 11",
            ]
        ) == [2, 0, 2, 2, 1]
    assert connection.fetch("select n from t") == [(12,)]


@pytest.mark.parametrize(
    ("refused", "kind"), [("insert into t values (3)", RowRefused), ("select x", StatementRefused)]
)
def test_the_first_that_fails_tells_of_those_before_it(connection, refused, kind):
    with pytest.raises(kind) as raised, connection.transaction():
        connection.execute_all(["insert into t values (1), (2)", refused, "delete from t"])
    assert raised.value.done == [2]
    assert refused.startswith(raised.value.where)
    assert connection.fetch("select n from t") == []


def test_a_statement_that_cannot_be_parsed_is_told_from_its_neighbours(connection):
    with pytest.raises(StatementRefused) as raised, connection.transaction():
        connection.execute_all(["insert into t values (1)", "select 'é'", "selekt 1", "select 2"])
    code = {"postgresql": "42601", "mysql": "1064"}[connection.engine]
    assert (raised.value.where, raised.value.code) == ("selekt 1", code)
    assert len(raised.value.done) == 2


def test_what_failed_in_a_savepoint_is_undone_to_it(connection):
    with connection.transaction():
        with pytest.raises(RowRefused):
            connection.execute_all(
                ["insert into t values (1)", "savepoint s", "insert into t values (2), (3)"]
            )
        connection.execute_all(["rollback to savepoint s", "release savepoint s"])
    assert connection.fetch("select n from t") == [(1,)]


ENDINGS = {
    "postgresql": [
        ["select pg_terminate_backend(pg_backend_pid())"],
        ["set statement_timeout = 1", "select pg_sleep(5)"],
    ],
    "mysql": [["kill connection_id()"], ["kill connection_id()", "select sleep(5)"]],
}


@pytest.mark.parametrize("ending", [0, 1])
def test_a_session_that_ends_is_an_outage(connection, ending):
    statements = ["insert into t values (1)", *ENDINGS[connection.engine][ending]]
    with pytest.raises(DatabaseAway), connection.transaction():
        connection.execute_all(statements)
    assert connection.is_healthy()
    assert connection.fetch("select n from t") == []


def test_a_connection_that_is_closed_is_an_outage(connection):
    connection.close()
    with pytest.raises(DatabaseAway):
        connection.execute_all(["select 1"])


@pytest.mark.engines("postgresql")
def test_the_error_points_into_the_statement_that_failed(connection):
    statements = ["select 'äöü'", "select 1 + no_such_column", "select 2"]
    with pytest.raises(StatementRefused) as refused, connection.transaction():
        connection.execute_all(statements)
    assert refused.value.position == statements[1].index("no_such") + 1
