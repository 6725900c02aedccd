"""What Dynaurora knows about its work, in the schema ``dynaurora`` beside the tables.

making      the schema itself: made where it is missing, brought up to date where it is old
tables      a number per DynamoDB table; whether its objects wait, and why
streams     the streams that may feed a table, and at which epoch
gaps        changes that are known to be missing
quarantine  changes that could not be read or stored
unmapped    attributes that no column reads
unsettled   how much waits for a person
evolving    the SQL tables of a changed plugin are altered

The statements are in the dialect's ``.sql`` file.
"""

from dynaurora.metadata.gaps import Gap, Gaps, Notice
from dynaurora.metadata.quarantine import Chosen, Entry, Quarantine
from dynaurora.metadata.streams import Acceptance, KnownStream, Streams
from dynaurora.metadata.tables import Metadata, ParkedFor, Registration, StillMakes
from dynaurora.metadata.unmapped import Unmapped

__all__ = [
    "Acceptance",
    "Chosen",
    "Entry",
    "Gap",
    "Gaps",
    "KnownStream",
    "Metadata",
    "Notice",
    "ParkedFor",
    "Quarantine",
    "Registration",
    "StillMakes",
    "Streams",
    "Unmapped",
]
