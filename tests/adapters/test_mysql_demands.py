"""A server with which some change could not be loaded is refused before it is used."""

from contextlib import contextmanager

import pytest

from dynaurora.adapters import mysql
from dynaurora.errors import SettingsError

pytestmark = pytest.mark.engines("mysql")


@contextmanager
def told(server, variable, value):
    """The server tells new sessions of this value."""
    session = mysql.connect(server.url)
    try:
        ((before,),) = session.fetch(f"select @@global.{variable}")
        session.execute(f"set global {variable} = {value}")
        try:
            yield
        finally:
            session.execute(f"set global {variable} = {before}")
    finally:
        session.close()


@pytest.mark.parametrize(
    ("variable", "value", "expected"),
    [
        ("max_allowed_packet", 15 * 2**20, "at least 16777216"),
        ("max_error_count", 0, "at least 1"),
        ("sql_require_primary_key", 1, "OFF"),
    ],
)
def test_a_server_that_cannot_hold_every_change_is_told_of_with_what_mends_it(
    server, variable, value, expected
):
    if not server.execute(f"show variables like '{variable}'"):
        pytest.skip("MariaDB has no such variable")
    with told(server, variable, value), pytest.raises(SettingsError) as raised:
        mysql.connect(server.url)
    assert raised.value.where == f"the database's {variable}"
    assert raised.value.expected == expected
    assert "parameter group" in raised.value.remedy


@pytest.mark.parametrize("value", [16 * 2**20, 64 * 2**20])
def test_a_packet_of_16_mb_or_more_is_enough(server, value):
    with told(server, "max_allowed_packet", value):
        mysql.connect(server.url).close()
