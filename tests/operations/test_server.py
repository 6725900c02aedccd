"""What the server is, as `doctor` asks it."""

from contextlib import contextmanager

import pytest

from dynaurora.adapters.database import Database
from dynaurora.operations.desk import DatabaseDesk
from dynaurora.operations.server import describe_server
from dynaurora.settings import DatabaseSettings


@contextmanager
def desk(server):
    database = Database(DatabaseSettings(server.url, "", "dynaurora"))
    try:
        with database.session() as engine:
            yield DatabaseDesk(engine, None)
    finally:
        database.close()


@pytest.mark.each_engine
def test_the_server_is_described(server):
    with desk(server) as asked:
        told = describe_server(asked)
    assert told["version"][0].isdigit()
    assert told["product"] in ("PostgreSQL", "MySQL", "MariaDB")
    assert told["user"]
    assert told["is_encrypted"] is (told["product"] == "MySQL"), "which makes itself a certificate"
    assert not told["lacks"]


def test_the_rights_that_are_missing_are_told(server):
    server.execute("create role doctor_reader")
    try:
        with desk(server) as asked:
            asked.engine.connection.execute("set role doctor_reader")
            told = describe_server(asked)
    finally:
        server.execute("drop role doctor_reader")
    assert told["user"] == "doctor_reader"
    assert told["lacks"] == [
        "make tables in the first schema of its search path",
        "make or use the schema of the metadata",
    ]
