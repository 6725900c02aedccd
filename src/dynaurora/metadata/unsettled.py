"""What waits for a person, counted: the one number by which a monitor can tell."""

from dynaurora.metadata.gaps import Gaps
from dynaurora.metadata.quarantine import Quarantine
from dynaurora.metadata.tables import Metadata
from dynaurora.ports import Connection
from dynaurora.sql.queries import Queries


def unsettled(connection: Connection, queries: Queries) -> int:
    """Tables that are parked, open entries of the quarantine, and open gaps, together.

    A table that an operator has dropped is as it should be.
    """
    registrations = Metadata(connection, queries).registrations()
    parked = sum(each.parked_for not in ("", "dropped") for each in registrations)
    quarantined = sum(entries for _, _, entries, _ in Quarantine(connection, queries).counted())
    gaps = sum(found for _, _, found, _, _ in Gaps(connection, queries).counted())
    return parked + quarantined + gaps
