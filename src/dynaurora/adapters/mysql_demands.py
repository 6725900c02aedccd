"""What a server of MySQL or MariaDB has to allow, or loads would fail one day, at some item.

A loader's user may set none of it: it is said when a session is made, with what mends it.
"""

from collections.abc import Mapping
from typing import Final

from dynaurora.errors import SettingsError

LEAST_PACKET_BYTES: Final = 16 * 2**20
"""As large as a line of an item of 400 KB can become with its escapes, and some more."""

VARIABLES: Final = "show variables where variable_name in ({})".format(
    "'max_allowed_packet', 'max_error_count', 'sql_require_primary_key'"
)
"""The last is MySQL's alone.

https://dev.mysql.com/doc/refman/8.0/en/server-system-variables.html"""


def check(variables: Mapping[str, str]) -> None:
    """Raise ``SettingsError`` for a variable with which not every change could be loaded.

    variables: those of a session, by name; one that a server does not have is as it should be.
    """
    if (found := int(variables["max_allowed_packet"])) < LEAST_PACKET_BYTES:
        raise _refused("max_allowed_packet", found, f"at least {LEAST_PACKET_BYTES}")
    if variables["max_error_count"] == "0":  # LOAD DATA tells what it cannot hold by warnings
        raise _refused("max_error_count", 0, "at least 1")
    if variables.get("sql_require_primary_key") == "ON":  # the relations of a load have none
        raise _refused("sql_require_primary_key", "ON", "OFF")


def _refused(variable: str, found: object, expected: str) -> SettingsError:
    return SettingsError(
        f"the database's {variable}",
        f"it is {found}",
        expected,
        "Set it in the cluster's parameter group, or in the server's configuration.",
    )
