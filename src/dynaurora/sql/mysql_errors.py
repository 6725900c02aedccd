"""What the errors of MySQL and MariaDB mean for a load, by their numbers.

SQLSTATE says too little here: most have HY000. What a server can be made to answer is in
tests/adapters/mysql_errors.txt; the others are as documented.
https://dev.mysql.com/doc/mysql-errors/8.0/en/server-error-reference.html,
https://dev.mysql.com/doc/mysql-errors/8.0/en/client-error-reference.html,
https://mariadb.com/kb/en/mariadb-error-code-reference/
"""

from collections.abc import Mapping
from typing import Final

from dynaurora.errors import (
    DatabaseAway,
    DatabaseError,
    DatabaseUnknown,
    LoadRace,
    RowRefused,
    StatementRefused,
)

_RACE: Final = frozenset(
    {
        *(1205, 1213),  # a lock that was waited for too long, a deadlock
        *(1020, 1412, 1615),  # a row or a table that another session has changed meanwhile
    }
)

_AWAY: Final = frozenset(
    {
        *(2002, 2003, 2005, 2006, 2013, 2026, 2055),  # the driver's: there is no server
        *(1053, 1317, 1927, 1969, 3024, 3032, 3169, 4031),  # the session or its statement is ended
        *(1040, 1129, 1130, 1203, 1226),  # no more sessions
        *(1044, 1045, 1698, 1820, 1862, 3118, 3159, 4151),  # no such session for this user
        *(1015, 1290, 1792, 1836, 1874, 3161),  # read-only: a writer that became a reader
        *(1021, 1037, 1038, 1041, 1114, 1135),  # out of memory, out of disk
        *(1152, 1158, 1159, 1160, 1161),  # the network
    }
)

_ROW: Final = frozenset(
    {
        *(1048, 1138, 1264, 1265, 1292, 1364, 1366, 1406, 1416),  # no value of its column
        *(1062, 1369, 1526, 1586, 3819, 4025),  # a constraint
        *(1216, 1217, 1451, 1452),  # a foreign key; the first two are of old servers
        *(1300, 1365, 1411, 1441, 1690, 1958, 3037, 3140, 3141, 3158, 4037),  # no value at all
        *(1153, 1301),  # more than max_allowed_packet
    }
)

_STATEMENT: Final = frozenset(
    {
        *(1049, 1051, 1052, 1054, 1066, 1109, 1110, 1146, 1193, 1305, 3579, 4009, 4092),  # no such
        *(1064, 1093, 1111, 1136, 1137, 1222, 1241, 1242, 1248, 1442, 1471, 3143),  # not so
        *(1115, 1253, 1267, 1271, 1273),  # a character set, a collation
        *(1050, 1059, 1060, 1061, 1067, 1068, 1069, 1070, 1071, 1072, 1074, 1075, 1091, 1101),
        *(1103, 1117, 1118, 1166, 1170, 1286, 1425, 1426, 1427, 3152, 3750, 4161),
        *(1906, 3105, 3763, 3813),  # a generated column, a check
        *(1005, 1215, 1701, 1822, 1824, 3730, 3734, 3780),  # a foreign key that cannot be made
        *(1142, 1143, 1227, 1370),  # a right that the loader has not
        1644,  # a signal without a number
    }
)

_CLASSES: Final[Mapping[type[DatabaseError], frozenset[int]]] = {
    LoadRace: _RACE,
    DatabaseAway: _AWAY,
    RowRefused: _ROW,
    StatementRefused: _STATEMENT,
}


def error_class(number: int) -> type[DatabaseError]:
    """What an error means for a load; a number in no row is never taken for a row error."""
    found = (kind for kind, numbers in _CLASSES.items() if number in numbers)
    return next(found, DatabaseUnknown)
