"""Rows reach MySQL whole and exactly, or an error says that they do not; and no file leaves us."""

from contextlib import contextmanager

import pytest

from dynaurora.adapters import mysql
from dynaurora.errors import DatabaseAway, DatabaseError, DatabaseUnknown, RowRefused
from dynaurora.ports import RelationColumn
from dynaurora.sql.mysql import encoded_text

pytestmark = pytest.mark.engines("mysql")

COLUMNS = (
    RelationColumn("k", "binary(2)"),
    RelationColumn("v", "longtext"),
    RelationColumn("n", "decimal(5,2)"),
)
TEXTS = ["", " ", "'", "''", '"', "\\", "\\'", "\\N", "\\n", "\n", "\t", "\0", "\r", "\x1a", "%s"]
TEXTS += ["é", "\U0001f600", "\u2028", "a\tb\nc\\", "null", "NULL", "\\%", "`", ";", "--", "/*"]


@contextmanager
def connected(server):
    found = mysql.connect(server.url)
    try:
        found.execute("create temporary table t (k binary(2), v longtext, n decimal(5,2))")
        yield found
    finally:
        found.close()


@contextmanager
def local_files(server, is_allowed):
    server.execute(f"set global local_infile = {int(is_allowed)}")
    try:
        yield
    finally:
        server.execute("set global local_infile = 1")


@pytest.fixture(params=[True, False], ids=["by LOAD DATA", "by INSERT"])
def connection(server, request):
    """One that copies in each way."""
    with local_files(server, request.param), connected(server) as found:
        yield found


def copy(connection, *rows):
    connection.copy_in("t", COLUMNS, [b"".join(b"\t".join(row) + b"\n" for row in rows)])


def test_texts_arrive_exactly(connection):
    rows = [(b"%04x" % n, encoded_text(text).encode(), b"1.50") for n, text in enumerate(TEXTS)]
    copy(connection, *rows, (b"\\N", b"\\N", b"\\N"))
    found = connection.fetch("select k, v, cast(n as char) from t order by k is null, k")
    expected = [(n.to_bytes(2), text, "1.50") for n, text in enumerate(TEXTS)]
    assert found == [*expected, (None, None, None)]


def test_rows_of_many_statements_arrive(connection):
    copy(connection, *[(b"%04x" % n, b"x" * 1_000, b"1") for n in range(5_000)])
    assert connection.fetch("select count(*), sum(length(v)) from t") == [(5_000, 5_000_000)]


def test_a_copy_of_nothing_is_one(connection):
    connection.copy_in("t", COLUMNS, [])
    assert connection.fetch("select * from t") == []


@pytest.mark.parametrize(
    "bad",
    [
        (b"0001", b"x", b"1000"),
        (b"0001", b"x", b"1.005"),
        (b"0001", b"x", b"word"),
        (b"000102", b"x", b"1"),
    ],
    ids=["too large", "to be rounded", "no number", "too long"],
)
def test_what_a_column_cannot_hold_is_refused_as_a_row(connection, bad):
    with pytest.raises(RowRefused), connection.transaction():
        copy(connection, (b"0000", b"x", b"1"), bad)
    assert connection.fetch("select 1") == [(1,)]


@pytest.mark.parametrize("bad", [(b"0001", b"x"), (b"0001", b"x", b"1", b"2")])
def test_a_row_of_too_few_or_too_many_cells_is_never_taken(server, bad):
    with connected(server) as connection:
        with pytest.raises(DatabaseError) as raised, connection.transaction():
            copy(connection, (b"0000", b"x", b"1"), bad)
        assert isinstance(raised.value, DatabaseUnknown)


def test_a_server_without_local_files_is_told_of_once(server, capsys):
    with local_files(server, is_allowed=False), connected(server) as connection:
        copy(connection, (b"0000", b"x", b"1"))
        copy(connection, (b"0001", b"y", b"1"))
        assert connection.fetch("select v from t order by k") == [("x",), ("y",)]
    assert capsys.readouterr().out.count("LOAD DATA LOCAL") == 1


def test_a_server_that_asks_for_a_file_on_its_own_gets_none(server, tmp_path):
    """It is all the same to the client who has written the statement."""
    (tmp_path / "secret").write_text("secret")
    with connected(server) as connection:
        with pytest.raises(DatabaseUnknown, match="asks for a file"):
            connection.execute(f"load data local infile '{tmp_path}/secret' into table t (v)")
        assert connection.fetch("select * from t") == []


def test_a_file_that_a_server_names_during_a_copy_is_not_read(server, tmp_path):
    (tmp_path / "secret").write_text("secret\n")
    with connected(server) as connection:
        statement = f"load data local infile '{tmp_path}/secret' into table t (v)"
        connection._connection.copy(statement, [b"ours\n"])
        assert connection.fetch("select v from t") == [("ours",)]


def test_rows_that_cannot_be_made_leave_the_session_in_step(connection):
    def blocks():
        yield b"0000\tx\t1\n"
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), connection.transaction():
        connection.copy_in("t", COLUMNS, blocks())
    assert connection.fetch("select 1") == [(1,)]


def test_a_value_over_max_allowed_packet_is_refused_as_a_row_and_the_session_lives(connection):
    connection._connection.most_bytes = 2**20
    with pytest.raises(RowRefused, match="max_allowed_packet"):
        connection.execute("insert into t (v) values (%s)", ["x" * 2**20])
    connection._may_copy = False
    with pytest.raises(RowRefused, match="max_allowed_packet"):
        copy(connection, (b"0000", b"x" * 2**20, b"1"))
    assert connection.fetch("select 1") == [(1,)]


def test_what_the_server_allows_is_what_is_sent_at_most(server):
    with connected(server) as connection:
        ((allowed,),) = connection.fetch("select @@max_allowed_packet")
        most = allowed - len("do length('  ')") - 2
        assert connection.execute(f"do length(' {'x' * most} ')") == 0
        with pytest.raises(RowRefused, match="a statement with its values"):
            connection.execute(f"do length(' {'x' * (most + 1)} ')")
        assert connection.fetch("select 1") == [(1,)]


def test_a_session_that_ends_in_a_copy_is_an_outage(server, connection):
    def blocks():
        server.end_session(connection)
        yield from [b"0000\t" + b"x" * 100_000 + b"\t1\n"] * 100

    with pytest.raises(DatabaseAway), connection.transaction():
        connection.copy_in("t", COLUMNS, blocks())
    assert connection.is_healthy()


def test_a_session_made_anew_is_like_the_first(server):
    settings = (
        "select @@time_zone, @@sql_mode like '%STRICT_ALL_TABLES%', @@innodb_lock_wait_timeout, "
        "@@character_set_client, @@wait_timeout"
    )
    with connected(server) as connection:
        first = connection.fetch(settings)
        server.end_session(connection)
        assert connection.is_healthy()
        assert connection.fetch(settings) == first == [("+00:00", 1, 60, "utf8mb4", 60)]
